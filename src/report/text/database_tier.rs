//! The database of the simulated stack.

use super::Page;
use crate::measure::Measured;
use crate::report::database_tier;

/// What it had, how busy it was and what failed; nothing where it has no bound and never fails over.
pub(super) fn write(page: &mut Page, measured: &Measured) {
    let Some(sheet) = database_tier::sheet(measured) else { return };
    page.heading(sheet.title);
    for told in &sheet.told {
        page.wrapped("  ", told);
    }
}
