//! What was lived beside all sales, alike in both reports: devices, rooms.

use super::sheet::Sheet;
use super::{chart, devices, rooms};
use crate::measure::Measured;

/// All sheets of one sort.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// What it is called within the page.
    pub(super) id: &'static str,
    /// Its heading.
    pub(super) title: &'static str,
    /// One for each kind.
    pub(super) sheets: Vec<Sheet>,
    /// Draws the course of each over time, in the same order, as SVG.
    pub(super) charts: fn(&Measured) -> Vec<String>,
}

/// The sections that have something to show.
pub(super) fn sections(measured: &Measured) -> Vec<Section> {
    let all = [
        Section {
            id: "devices",
            title: "Devices",
            sheets: devices::sheets(measured),
            charts: chart::devices,
        },
        Section {
            id: "rooms",
            title: "Rooms",
            sheets: rooms::sheets(measured),
            charts: chart::rooms,
        },
    ];
    all.into_iter().filter(|section| !section.sheets.is_empty()).collect()
}

/// What came of all of them, a sentence each.
pub(super) fn answers(measured: &Measured) -> Vec<String> {
    let sheets = sections(measured).into_iter().flat_map(|section| section.sheets);
    sheets.filter_map(|sheet| sheet.answer).collect()
}
