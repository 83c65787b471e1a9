//! What the gate says, in a terminal and in a log of CI: 80 columns.

use super::table::{Side as Edge, Table};
use super::{Colour, Page, WIDTHS, sections};
use crate::report::gate::words::{
    change, differs, interval, middle, power, runs, size, standing, these,
};
use crate::report::words::{self, Tone, verdict_tone};
use crate::verdict::gate::{Gated, Judgement, Noise, Side};

/// What the gate says, as text of at most `width` columns (60 to 100); ends with a line break.
pub fn gate(gated: &Gated, width: usize, colour: Colour) -> String {
    let mut page = page(width, colour);
    let tone = verdict_tone(gated.verdict);
    let headline = words::headline(gated.verdict);
    let word = gated.verdict.word();
    let told = format!("{} {headline} ({word}, exit code {})", tone.symbol(), gated.exit_code);
    page.toned(tone, "", &told);
    for reason in &gated.reasons {
        page.wrapped("  ", reason);
    }
    page.blank();
    sides(&mut page, gated);
    for note in &gated.notes {
        page.toned(Tone::Open, "", &format!("! {note}"));
    }
    figures(&mut page, gated);
    could_have_shown(&mut page, gated);
    others(&mut page, gated);
    how_to_read(&mut page, gated);
    page.out
}

/// A machine's noise as text of at most `width` columns, the figures that would gate first.
pub fn noise(noise: &Noise, gated: &Gated, width: usize, colour: Colour) -> String {
    let mut page = page(width, colour);
    sides(&mut page, gated);
    page.heading("How far apart the same lies from the same on this machine");
    let mut table = Table::new(&[("", Edge::Left), ("A", Edge::Right), ("noise", Edge::Right)]);
    let known = |figure: &&Judgement| noise.figures.contains_key(&figure.name);
    let (gating, others): (Vec<_>, Vec<_>) =
        gated.figures.iter().filter(known).partition(|figure| figure.gates);
    for figure in &gating {
        let share = noise.figures.get(&figure.name).copied().unwrap_or_default();
        table.row(&[
            figure.name.clone(),
            middle(figure.unit, figure.baseline.as_ref()),
            size(figure.unit, share),
        ]);
    }
    sections::table(&mut page, &table);
    page.wrapped("  ", &format!("Of {} other figures the file has it too.", others.len()));
    page.blank();
    page.wrapped(
        "",
        &format!(
            "noise: of a hundred comparisons of {} pairs of the same, 99 lie no farther apart. The gate counts \
             nothing below it, and refuses a --min-effect that is. More: docs/GATE.md.",
            noise.pairs
        ),
    );
    page.out
}

fn page(width: usize, colour: Colour) -> Page {
    Page { out: String::new(), width: width.clamp(*WIDTHS.start(), *WIDTHS.end()), colour }
}

fn sides(page: &mut Page, gated: &Gated) {
    let world = words::world(gated.world);
    for (letter, side) in [("A", &gated.baseline), ("B", &gated.candidate)] {
        page.wrapped("", &one_side(letter, side, world));
    }
}

fn one_side(letter: &str, side: &Side, world: &str) -> String {
    let from = &side.provenance;
    let commit = from.commit.as_ref().map_or_else(String::new, |commit| format!(" ({commit})"));
    let first = side.runs.first().map_or("", |run| run.folder.as_str());
    let more = if side.runs.len() > 1 { " …" } else { "" };
    format!(
        "{letter}  {first}{more}: {}; {}, {world}, seed {}, scale {}, spike {}{commit}",
        runs(side),
        from.scenario,
        from.seed,
        from.scale,
        from.spike
    )
}

fn figures(page: &mut Page, gated: &Gated) {
    if gated.gating().next().is_none() {
        return;
    }
    page.heading("Figures that gate");
    let mut table = Table::new(&header());
    for figure in gated.gating() {
        table.row(&row(figure, figure.standing.map_or("", standing)));
    }
    sections::table(page, &table);
}

fn header() -> [(&'static str, Edge); 6] {
    [
        ("", Edge::Left),
        ("A", Edge::Right),
        ("B", Edge::Right),
        ("change", Edge::Right),
        ("95 %", Edge::Right),
        ("", Edge::Left),
    ]
}

fn row(judged: &Judgement, word: &str) -> [String; 6] {
    [
        judged.name.clone(),
        middle(judged.unit, judged.baseline.as_ref()),
        middle(judged.unit, judged.candidate.as_ref()),
        change(judged.unit, judged.effect),
        interval(judged.unit, judged.ci95),
        word.to_owned(),
    ]
}

fn could_have_shown(page: &mut Page, gated: &Gated) {
    let power = power(gated);
    if power.is_empty() {
        return;
    }
    page.heading(&format!("What {} could have shown, 80 % of the time", these(gated)));
    for sentence in power {
        page.wrapped("  ", &sentence);
    }
}

fn others(page: &mut Page, gated: &Gated) {
    let others = gated.figures.iter().filter(|figure| !figure.gates);
    let (shown, left_out): (Vec<&Judgement>, Vec<&Judgement>) =
        others.partition(|figure| differs(figure, gated));
    if shown.is_empty() && left_out.is_empty() {
        return;
    }
    page.heading("Other figures (none of them gates)");
    if !shown.is_empty() {
        let mut table = Table::new(&header());
        for figure in &shown {
            table.row(&row(figure, ""));
        }
        sections::table(page, &table);
    }
    page.wrapped(
        "  ",
        &format!("Not shown: {} that do not differ (--json has them).", left_out.len()),
    );
}

fn how_to_read(page: &mut Page, gated: &Gated) {
    page.blank();
    let Some(level) = gated.level else {
        page.wrapped(
            "",
            "Simulated runs of one seed are the same each time: no difference is chance. regressed, improved: \
             by at least the minimum effect. More: docs/GATE.md.",
        );
        return;
    };
    page.wrapped(
        "",
        &format!(
            "Medians. regressed, improved: by at least the minimum effect, with an interval that excludes 0, and \
             ranks that chance alone comes to, for all these figures together, in at most {} of 100 comparisons \
             (Mann and Whitney; Holm). unchanged: the interval lies within the minimum effect. undecided: \
             neither. More: docs/GATE.md.",
            level * 100.0
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::gate::fixture;
    use crate::report::text::table::columns;

    #[test]
    fn a_regression_is_told_first_and_in_figures() {
        let told = gate(&fixture::regressed(), 80, Colour::Plain);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[0], "✗ It has become worse. (regression, exit code 113)");
        assert_eq!(lines[1], "  checkout p99 is worse by 11.6 % (p = 0.0002).");
        let row =
            lines.iter().find(|line| line.trim_start().starts_with("checkout p99  ")).unwrap();
        assert!(row.contains("104 ms") && row.ends_with("regressed"), "{told}");
        assert!(told.contains("What these 8 pairs could have shown"), "{told}");
        assert!(told.contains("! This machine's noise is not known"), "{told}");
        assert!(told.contains("Not shown: 1 that do not differ"), "{told}");
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        for width in [60, 80, 100] {
            for line in gate(&fixture::regressed(), width, Colour::Plain).lines() {
                assert!(columns(line) <= width.max(80), "{line}");
            }
        }
    }

    #[test]
    fn noise_is_told_of_what_would_gate() {
        let gated = fixture::unchanged();
        let figures = [("checkout p99", 0.031), ("edge mean", 0.01)];
        let noise = Noise {
            schema: 1,
            scenario: "gate".to_owned(),
            scale: 1.0,
            machine: "AMD EPYC, 2 cores, 23 GiB".to_owned(),
            measured_at: "2026-11-21T23:35:21Z".to_owned(),
            pairs: 8,
            figures: figures.map(|(name, share)| (name.to_owned(), share)).into(),
        };
        let told = super::noise(&noise, &gated, 80, Colour::Plain);
        assert!(told.contains("checkout p99  104 ms  3.1 %\n"), "{told}");
        assert!(told.contains("Of 1 other figures"), "{told}");
    }
}
