//! What the edge saw.

use super::Page;
use super::table::{Side, Table, UNBROKEN};
use crate::measure::Measured;
use crate::report::edge;

/// A row for each step, and below it where its answers were given; nothing where nothing was seen.
pub(super) fn write(page: &mut Page, measured: &Measured) {
    let steps = edge::rows(measured);
    if steps.is_empty() {
        return;
    }
    page.heading(edge::TITLE);
    let figures = ["answers", "hit share", "hits", "misses", "otherwise", "no word", "age p50"];
    let mut header = vec![("step", Side::Left)];
    header.extend(figures.into_iter().chain(["oldest"]).map(|title| (title, Side::Right)));
    let mut table = Table::new(&header);
    for row in &steps {
        let cells = [
            &row.step,
            &row.answers,
            &row.share,
            &row.hits,
            &row.misses,
            &row.others,
            &row.silent,
            &row.age_p50,
            &row.age_max,
        ];
        table.row(&cells.map(String::clone));
    }
    let lines = table.lines("  ");
    let (header, rows) = lines.split_first().expect("a table has a header");
    page.line(header);
    for (line, row) in rows.iter().zip(&steps) {
        page.line(line);
        if !row.pops.is_empty() {
            let pops = row.pops.iter().map(|pop| pop.replace(' ', &UNBROKEN.to_string()));
            page.wrapped("      ", &pops.collect::<Vec<_>>().join(" · "));
        }
    }
}
