//! The layers of the edge.

use super::Page;
use crate::measure::Measured;
use crate::report::layers;
use crate::verdict::World;

/// What each of them did; nothing where the edge does not tell of them.
pub(super) fn write(page: &mut Page, world: World, measured: &Measured) {
    let Some(sheet) = layers::sheet(measured, world) else { return };
    page.heading(sheet.title);
    for told in &sheet.told {
        page.wrapped("  ", told);
    }
}
