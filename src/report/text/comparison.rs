//! Two runs side by side in a terminal.

use super::table::{Side as Edge, Table};
use super::{Colour, Page, WIDTHS, sections};
use crate::report::compare::words::{amount, is_of_a_part, sameness};
use crate::report::compare::{Run, Told};
use crate::report::figure::{self, NONE};
use crate::report::words::{self, Tone};
use crate::verdict::compare::{
    Distances, Figure, Group, OperationApart, RateApart, SaleApart, Standing, Unit,
};

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

/// A comparison as text of at most `width` columns (60 to 100); ends with a line break.
pub fn comparison(told: &Told<'_>, width: usize, colour: Colour) -> String {
    let width = width.clamp(*WIDTHS.start(), *WIDTHS.end());
    let mut page = Page { out: String::new(), width, colour };
    for run in &told.runs {
        page.wrapped("", &one_run(run));
    }
    for warning in &told.warnings {
        page.toned(Tone::Open, "", &format!("! {warning}"));
    }
    if let Some(sameness) = sameness(told.comparison) {
        page.blank();
        let exact = told.comparison.exact.as_ref();
        let is_same = exact.is_some_and(|exact| exact.count == 0);
        let tone = if is_same { Tone::Good } else { Tone::Open };
        page.toned(tone, "", &format!("{} {sameness}", tone.symbol()));
        if is_same {
            return page.out;
        }
    }
    page.blank();
    for sentence in &told.answer {
        page.wrapped("", sentence);
    }
    gap(&mut page, told);
    for (group, title) in GROUPS {
        figures(&mut page, told, group, title);
    }
    distances(&mut page, told);
    how_to_read(&mut page, told);
    page.out
}

fn one_run(run: &Run<'_>) -> String {
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

fn figures(page: &mut Page, told: &Told<'_>, group: Group, title: &str) {
    let of_group = |figure: &&Figure| figure.group == group;
    let (shown, left_out): (Vec<&Figure>, Vec<&Figure>) =
        told.comparison.figures.iter().filter(of_group).partition(|figure| is_shown(figure));
    if shown.is_empty() && left_out.is_empty() {
        return;
    }
    page.heading(title);
    let repeats = told.comparison.repeats.is_some();
    let mut header = vec![
        ("", Edge::Left),
        ("A", Edge::Right),
        ("B", Edge::Right),
        ("B − A", Edge::Right),
        ("B / A", Edge::Right),
    ];
    header.extend(repeats.then_some(("A/A", Edge::Right)));
    header.push(("", Edge::Left));
    let mut table = Table::new(&header);
    for figure in &shown {
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
        table.row(&row);
    }
    if !shown.is_empty() {
        sections::table(page, &table);
    }
    if let Some(left_out) = told_of_those(&left_out) {
        page.wrapped("  ", &left_out);
    }
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

fn none() -> String {
    NONE.to_owned()
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

fn distances(page: &mut Page, told: &Told<'_>) {
    let Distances { operations, rates, sales } = &told.comparison.distances;
    let repeats = told.comparison.repeats.is_some();
    times(page, operations, repeats);
    rates_apart(page, rates, repeats);
    if !sales.is_empty() {
        page.heading("How far the sales' courses lie apart");
        for sale in sales {
            page.wrapped("  ", &course(sale));
        }
    }
}

fn times(page: &mut Page, operations: &[OperationApart], repeats: bool) {
    if operations.is_empty() {
        return;
    }
    page.heading("How far the response times lie apart");
    let mut header = vec![
        ("", Edge::Left),
        ("W1", Edge::Right),
        ("of the mean", Edge::Right),
        ("factor", Edge::Right),
        ("KS", Edge::Right),
    ];
    header.extend(repeats.then_some(("W1 A/A", Edge::Right)));
    header.extend(repeats.then_some(("KS A/A", Edge::Right)));
    let mut table = Table::new(&header);
    for row in operations {
        let (apart, repeat) = (&row.apart, row.repeat.as_ref());
        let mut cells = vec![
            row.operation.clone(),
            figure::milliseconds(apart.w1_ms),
            figure::ratio(apart.w1_share),
            figure::decimal(apart.w1_factor, 3),
            figure::decimal(apart.ks, 3),
        ];
        let w1 = repeat.map_or_else(none, |apart| figure::milliseconds(apart.w1_ms));
        let ks = repeat.map_or_else(none, |apart| figure::decimal(apart.ks, 3));
        cells.extend(repeats.then_some(w1));
        cells.extend(repeats.then_some(ks));
        table.row(&cells);
    }
    sections::table(page, &table);
}

fn rates_apart(page: &mut Page, rates: &[RateApart], repeats: bool) {
    if rates.is_empty() {
        return;
    }
    page.heading("How far the rates lie apart, second by second from the opening");
    let mut header = vec![("", Edge::Left), ("RMSE", Edge::Right), ("NRMSE", Edge::Right)];
    header.extend(repeats.then_some(("NRMSE A/A", Edge::Right)));
    let mut table = Table::new(&header);
    for row in rates {
        let mut cells = vec![
            row.rate.clone(),
            figure::rate(row.apart.rmse_per_s),
            figure::ratio(row.apart.nrmse),
        ];
        let repeat = row.repeat.map_or_else(none, |apart| figure::ratio(apart.nrmse));
        cells.extend(repeats.then_some(repeat));
        table.row(&cells);
    }
    sections::table(page, &table);
}

fn course(of: &SaleApart) -> String {
    let share = of.apart.share;
    let told = if share.abs() <= 0.0 {
        format!("{}: nowhere", of.sale)
    } else {
        format!(
            "{}: at most by {} of the stock, {} s after the opening, when B had sold {}",
            of.sale,
            figure::ratio(share.abs()),
            of.apart.at_s,
            if share < 0.0 { "less" } else { "more" }
        )
    };
    match &of.repeat {
        Some(repeat) => format!("{told}; A/A {}", figure::ratio(repeat.share.abs())),
        None => told,
    }
}

fn gap(page: &mut Page, told: &Told<'_>) {
    if told.gap.is_empty() {
        return;
    }
    page.heading("Where the gap between simulated and live is");
    for gap in &told.gap {
        page.wrapped("  ", gap.tier.name());
        for sentence in &gap.says {
            page.wrapped("    ", sentence);
        }
        for sentence in &gap.cannot_say {
            page.wrapped("    ", &format!("? {sentence}"));
        }
    }
}

/// What the words beside the figures mean, and how far they go.
fn how_to_read(page: &mut Page, told: &Told<'_>) {
    page.blank();
    let of_repeats = if told.comparison.repeats.is_some() {
        "A/A: how far the third run lies from the one that it repeats; within A/A: no farther than that."
    } else {
        "What another run on the same machine would come to, --repeat shows (A/A)."
    };
    page.wrapped(
        "",
        &format!(
            "differs: the 95 % interval of the difference holds no 0, as far as sampling goes (one in \
             twenty figures that do not differ will be said to); noise: it does. {of_repeats} More: \
             docs/COMPARE.md."
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::fixture::Recorded;
    use crate::report::compare::{Named, told};
    use crate::report::text::table::columns;
    use crate::verdict::compare::compare;

    fn named<'a>(folder: &'a str, recorded: &'a Recorded) -> Named<'a> {
        Named { folder, lived: recorded.lived() }
    }

    fn page(a: &Recorded, b: &Recorded, third: Option<&Recorded>, width: usize) -> String {
        let found = compare(&a.lived(), &b.lived(), third.map(Recorded::lived).as_ref());
        let (a, b) = (named("reports/dome/a", a), named("reports/dome/b", b));
        let third = third.map(|third| named("reports/dome/c", third));
        comparison(&told(&found, &a, &b, third.as_ref()), width, Colour::Plain)
    }

    #[test]
    fn a_simulated_and_a_live_run_stand_side_by_side_with_a_repeat() {
        let (simulated, live) = (Recorded::simulated(), Recorded::live());
        insta::assert_snapshot!(page(&simulated, &live, Some(&Recorded::repeat()), 100));
    }

    #[test]
    fn a_run_compared_with_itself_says_so_and_no_more() {
        let simulated = Recorded::simulated();
        let told = page(&simulated, &simulated, None, 100);
        assert!(told.contains("✓ Identical: all "), "{told}");
        assert!(!told.contains("Rates"), "{told}");
    }

    #[test]
    fn simulated_runs_that_part_say_where() {
        let (a, mut b) = (Recorded::simulated(), Recorded::simulated());
        b.summary.result.measured.timeline[3].edge += 1;
        let told = page(&a, &b, None, 100).replace("\n  ", " ");
        assert!(told.contains("? Not identical"), "{told}");
        assert!(told.contains("result.timeline.3.edge"), "{told}");
        assert!(told.contains("They part in second 3."), "{told}");
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        let (simulated, live) = (Recorded::simulated(), Recorded::live());
        for line in page(&simulated, &live, Some(&Recorded::repeat()), 100).lines() {
            assert!(columns(line) <= 100, "{line}");
        }
    }

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
