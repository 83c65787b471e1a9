//! What was lived beside all sales.

use super::Page;
use crate::measure::Measured;
use crate::report::beside::sections;

/// The figures of each kind.
pub(super) fn write(page: &mut Page, measured: &Measured) {
    for sheet in sections(measured).iter().flat_map(|section| &section.sheets) {
        page.heading(&super::clean(&sheet.title));
        for [what, figure] in &sheet.rows {
            page.wrapped("  ", &format!("{what}: {figure}"));
        }
    }
}
