//! How far the figures of several replications spread.

use super::table::{Side, Table};
use super::{Page, sections};
use crate::report::replications::sheet;
use crate::verdict::Judged;

/// What the columns of the table mean.
const LEGEND: &str = "The mean of each figure, half of its 95 % interval (Student's t), and what 5 %, half and 95 % \
                      of the replications are below:";

/// Verdicts, promises and figures; nothing where the scenario was lived once.
pub(super) fn write(page: &mut Page, judged: &Judged) {
    let Some(sheet) = sheet(judged) else { return };
    page.heading(&sheet.title);
    for sentence in &sheet.sentences {
        page.wrapped("  ", sentence);
    }
    for [promise, became] in &sheet.promises {
        page.wrapped("  ", &format!("{promise}: {became}"));
    }
    page.wrapped("  ", LEGEND);
    let mut table = Table::new(&[
        ("figure", Side::Left),
        ("mean", Side::Right),
        ("±", Side::Right),
        ("5 %", Side::Right),
        ("median", Side::Right),
        ("95 %", Side::Right),
    ]);
    for row in sheet.rows {
        table.row(&[row.name, row.mean, row.half_width, row.p5, row.median, row.p95]);
    }
    sections::table(page, &table);
}
