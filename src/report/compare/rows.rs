//! What both forms of a comparison show: which runs, and group by group the figures worth a line.

use serde::Serialize;

use super::words::{amount, is_of_a_part};
use super::{Run, Told};
use crate::report::figure::{self, NONE};
use crate::report::words;
use crate::verdict::compare::{Figure, Group, Standing, Unit};

/// The groups of figures, and what stands above them.
const GROUPS: [(Group, &str); 8] = [
    (Group::Sales, "Orders and sales"),
    (Group::Operations, "Operations (response time from intended to done)"),
    (Group::Rates, "Rates"),
    (Group::Payments, "Payments"),
    (Group::Fans, "Fans"),
    (Group::Queues, "Queues"),
    (Group::Devices, "Devices"),
    (Group::Rooms, "Rooms"),
];

/// Groups of few figures, of which noise is shown too: whether they differ is what everybody asks first.
const SHOWN_WITH_NOISE: [Group; 2] = [Group::Sales, Group::Payments];

/// The figures of a group.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Shown {
    pub(in crate::report) title: &'static str,
    /// What the columns between the name and the standing are.
    pub(in crate::report) heads: Vec<&'static str>,
    /// A name, its figures, and what is to be made of them.
    pub(in crate::report) rows: Vec<Vec<String>>,
    /// How many figures have no row, and why; absent where all have one.
    pub(in crate::report) left_out: Option<String>,
}

/// The groups of which there is a figure.
pub(in crate::report) fn shown(told: &Told<'_>) -> Vec<Shown> {
    GROUPS.into_iter().filter_map(|(group, title)| of_group(told, group, title)).collect()
}

fn of_group(told: &Told<'_>, group: Group, title: &'static str) -> Option<Shown> {
    let of_group = |figure: &&Figure| figure.group == group;
    let (shown, left_out): (Vec<&Figure>, Vec<&Figure>) =
        told.comparison.figures.iter().filter(of_group).partition(|figure| is_shown(figure));
    if shown.is_empty() && left_out.is_empty() {
        return None;
    }
    let repeats = told.comparison.repeats.is_some();
    let heads = ["A", "B", "B − A", "B / A"].into_iter().chain(repeats.then_some("A/A"));
    Some(Shown {
        title,
        heads: heads.collect(),
        rows: shown.into_iter().map(|figure| row(figure, repeats)).collect(),
        left_out: told_of_those(&left_out),
    })
}

fn row(figure: &Figure, repeats: bool) -> Vec<String> {
    let none = || NONE.to_owned();
    let of = |value: Option<f64>| value.map_or_else(none, |value| amount(figure.unit, value));
    let change = |value: Option<f64>| value.map_or_else(none, |by| changed(figure.unit, by));
    let mut row = vec![
        figure.name.clone(),
        of(figure.a),
        of(figure.b),
        change(figure.difference),
        figure.ratio.map_or_else(none, |ratio| figure::decimal(ratio, 3)),
    ];
    row.extend(repeats.then(|| change(figure.repeat)));
    row.push(standing(figure).to_owned());
    row
}

/// Whether a figure has a line of its own.
fn is_shown(figure: &Figure) -> bool {
    match figure.standing {
        _ if is_of_a_part(figure) => false,
        Standing::Same => false,
        Standing::Noise => SHOWN_WITH_NOISE.contains(&figure.group),
        _ => true,
    }
}

/// How many figures have no line, and why; nothing where all have one.
fn told_of_those(left_out: &[&Figure]) -> Option<String> {
    let of = |standing| left_out.iter().filter(|figure| figure.standing == standing).count();
    let (same, noise) = (of(Standing::Same), of(Standing::Noise));
    let parts: Vec<String> = [
        (same, "the same in both"),
        (noise, "noise"),
        (left_out.len() - same - noise, "of service times and first bytes"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    (!parts.is_empty()).then(|| format!("Not shown: {} (--json has them).", parts.join(", ")))
}

const fn standing(figure: &Figure) -> &'static str {
    match (figure.standing, figure.a.is_some()) {
        (Standing::Same, _) => "same",
        (Standing::Differs, _) => "differs",
        (Standing::Noise, _) => "noise",
        (Standing::WithinRepeat, _) => "within A/A",
        (Standing::Unjudged, _) => "",
        (Standing::OneSided, true) => "A alone",
        (Standing::OneSided, false) => "B alone",
    }
}

/// A difference with its sign; of shares in points of a hundred.
fn changed(unit: Unit, by: f64) -> String {
    let sign = if by > 0.0 {
        "+"
    } else if by < 0.0 {
        "−"
    } else {
        ""
    };
    let size = match unit {
        Unit::Share => format!("{} pp", figure::decimal(by.abs() * 100.0, 2)),
        _ => amount(unit, by.abs()),
    };
    format!("{sign}{size}")
}

/// Which run, in one line: `A  reports/dome/latest: dome, simulated in virtual time; pass (0), seed 7 …`.
pub(in crate::report) fn one_run(run: &Run<'_>) -> String {
    let from = run.provenance;
    let commit = from.commit.as_ref().map_or_else(String::new, |commit| format!(" ({commit})"));
    let calibrated = from.calibrated.as_ref();
    let calibrated = calibrated.map_or_else(String::new, |of| format!(", calibrated by {}", of.by));
    format!(
        "{}  {}: {}, {}; {} ({}), seed {}, scale {}, spike {}{commit}{calibrated}",
        run.is,
        run.folder,
        from.scenario,
        words::world(run.world),
        run.verdict.word(),
        run.exit_code,
        from.seed,
        from.scale,
        from.spike
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_with_their_sign() {
        let texts = [
            (Unit::Count, 12.0),
            (Unit::Count, -1_200.0),
            (Unit::Share, -0.012),
            (Unit::Milliseconds, 0.0),
            (Unit::Milliseconds, 23.1),
            (Unit::PerSecond, -45.27),
        ]
        .map(|(unit, by)| changed(unit, by));
        assert_eq!(texts, ["+12", "−1,200", "−1.20 pp", "0 ms", "+23.1 ms", "−45.3/s"]);
    }
}
