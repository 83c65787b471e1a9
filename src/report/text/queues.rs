//! Plain queues.

use super::table::{Side, Table};
use super::{Page, sections};
use crate::measure::Measured;
use crate::report::queue::{HEADS, sheets};

/// A table for each queue.
pub(super) fn write(page: &mut Page, measured: &Measured) {
    for sheet in sheets(measured) {
        page.heading(&super::clean(&sheet.title));
        if let Some(why) = &sheet.unsettled {
            page.wrapped("  ", &format!("Its figures say nothing: {why}."));
        }
        let sides = [Side::Left, Side::Right, Side::Right, Side::Right, Side::Right, Side::Right];
        let heads: Vec<(&str, Side)> = HEADS.into_iter().zip(sides).collect();
        let mut table = Table::new(&heads);
        for row in &sheet.rows {
            table.row(row);
        }
        sections::table(page, &table);
    }
}
