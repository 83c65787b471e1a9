//! Two runs side by side in a terminal.

use super::table::{Side as Edge, Table};
use super::{Colour, Page, WIDTHS, sections};
use crate::report::compare::Told;
use crate::report::compare::rows::{Shown, one_run, shown};
use crate::report::compare::words::sameness;
use crate::report::figure::{self, NONE};
use crate::report::words::Tone;
use crate::verdict::compare::{Distances, OperationApart, RateApart, SaleApart};

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
    for shown in shown(told) {
        figures(&mut page, &shown);
    }
    distances(&mut page, told);
    how_to_read(&mut page, told);
    page.out
}

fn figures(page: &mut Page, shown: &Shown) {
    page.heading(shown.title);
    let mut header = vec![("", Edge::Left)];
    header.extend(shown.heads.iter().map(|head| (*head, Edge::Right)));
    header.push(("", Edge::Left));
    let mut table = Table::new(&header);
    for row in &shown.rows {
        table.row(row);
    }
    if !shown.rows.is_empty() {
        sections::table(page, &table);
    }
    if let Some(left_out) = &shown.left_out {
        page.wrapped("  ", left_out);
    }
}

fn none() -> String {
    NONE.to_owned()
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
}
