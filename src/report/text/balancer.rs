//! The load balancer in front of the application.

use super::Page;
use crate::measure::Measured;
use crate::report::balancer;

/// What it took, and what it refused; nothing where there was none.
pub(super) fn write(page: &mut Page, measured: &Measured) {
    let Some(sheet) = balancer::sheet(measured) else { return };
    page.heading(sheet.title);
    page.wrapped("  ", &sheet.capacity);
    page.wrapped("  ", &sheet.rejected);
}
