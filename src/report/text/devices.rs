//! Devices that hold a connection.

use super::Page;
use crate::measure::Measured;
use crate::report::devices::sheets;

/// The figures of each kind.
pub(super) fn write(page: &mut Page, measured: &Measured) {
    for sheet in sheets(measured) {
        page.heading(&super::clean(&sheet.title));
        for [what, figure] in &sheet.rows {
            page.wrapped("  ", &format!("{what}: {figure}"));
        }
    }
}
