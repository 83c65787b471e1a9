//! Other people's series.

use super::Page;
use super::table::{Side, Table};
use crate::measure::Measured;
use crate::report::series;

/// The events in order, each metric's least and greatest value, and what lies outside of the run; nothing
/// where there are none.
pub(super) fn write(page: &mut Page, measured: &Measured) {
    if measured.series.is_empty() {
        return;
    }
    page.heading(series::TITLE);
    for event in series::events(measured) {
        page.wrapped("  ", &format!("{}  {}: {}", event.at, event.series, event.text));
    }
    let metrics = series::metrics(measured);
    if !metrics.is_empty() {
        let mut table = Table::new(&[
            ("series", Side::Left),
            ("values", Side::Right),
            ("least", Side::Right),
            ("at", Side::Right),
            ("most", Side::Right),
            ("at", Side::Right),
        ]);
        for row in metrics {
            table.row(&[row.name, row.count, row.min, row.min_at, row.max, row.max_at]);
        }
        for line in table.lines("  ") {
            page.line(&line);
        }
    }
    for remark in series::remarks(measured) {
        page.wrapped("  ", &remark);
    }
}
