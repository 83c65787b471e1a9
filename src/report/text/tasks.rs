//! The application's tasks.

use super::Page;
use crate::measure::Measured;
use crate::report::tasks;

/// How many there were, and when they were at their limit; nothing where nobody counted them.
pub(super) fn write(page: &mut Page, measured: &Measured) {
    let Some(sheet) = tasks::sheet(measured) else { return };
    page.heading(sheet.title);
    page.wrapped("  ", &sheet.number);
    page.wrapped("  ", &sheet.limit);
    for told in &sheet.under {
        page.wrapped("  ", told);
    }
}
