//! A panel of a chart: a frame on the sheet, two axes, and data in their units.

use plotters::coord::CoordTranslate;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;

use super::reading::{Axis, Grid, Reading, Unit};
use super::sheet::{Anchor, DOTS, Ink, Place, Sheet, Size};
use super::thin::thinned;

/// Where a panel stands on the sheet \[pixels of the page\].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Its left edge.
    pub left: i32,
    /// Its upper edge.
    pub top: i32,
    /// Its right edge.
    pub right: i32,
    /// Its lower edge.
    pub bottom: i32,
}

/// A frame with a coordinate system.
pub(super) struct Panel<'s, 'b> {
    sheet: &'s Sheet<'b>,
    frame: Frame,
    coordinates: Cartesian2d<RangedCoordf64, RangedCoordf64>,
    across: Range,
    bottom: f64,
}

/// A line as the mouse reads it: its name, what its values are, and the values.
pub(super) type Told<'a> = (&'a str, Unit, &'a [(f64, f64)]);

/// The least and the greatest value of an axis.
pub(super) type Range = (f64, f64);

/// A mark on an axis: where, and what it is called.
pub(super) type Tick = (f64, String);

impl<'s, 'b> Panel<'s, 'b> {
    /// A panel in `frame` whose edges are `x` and `y`, least values left and below.
    pub(super) fn new(sheet: &'s Sheet<'b>, frame: Frame, x: Range, y: Range) -> Self {
        let pixels = (
            frame.left * DOTS..frame.right * DOTS,
            // The sheet counts downwards, people upwards.
            frame.bottom * DOTS..frame.top * DOTS,
        );
        let coordinates = Cartesian2d::new(x.0..x.1, y.0..y.1, pixels);
        Self { sheet, frame, coordinates, across: x, bottom: y.0 }
    }

    /// Where a value stands on the sheet.
    pub(super) fn place(&self, x: f64, y: f64) -> Place {
        self.coordinates.translate(&(x, y))
    }

    /// Horizontal lines with their names at the left.
    pub(super) fn horizontal_grid(&self, ticks: &[Tick]) {
        self.horizontal_lines(ticks);
        self.names_left(ticks);
    }

    /// Horizontal lines without names.
    pub(super) fn horizontal_lines(&self, ticks: &[Tick]) {
        for (value, _) in ticks {
            let (_, height) = self.place(0.0, *value);
            let ends = [self.frame.left, self.frame.right].map(|side| (side * DOTS, height));
            self.sheet.line(ends.to_vec(), Ink::Grid, 2);
        }
    }

    /// The names of horizontal lines, left of the panel.
    pub(super) fn names_left(&self, ticks: &[Tick]) {
        for (value, label) in ticks {
            let (_, height) = self.place(0.0, *value);
            let place = ((self.frame.left - 8) * DOTS, height);
            self.sheet.text(label, place, Anchor::End, Size::Small, Ink::Quiet);
        }
    }

    /// Vertical lines without names.
    pub(super) fn vertical_grid(&self, ticks: &[Tick]) {
        for (value, _) in ticks {
            self.upright(*value, Ink::Grid, 2);
        }
    }

    /// The names of vertical lines under the panel.
    pub(super) fn names_below(&self, ticks: &[Tick], title: &str) {
        let height = (self.frame.bottom + 14) * DOTS;
        for (value, label) in ticks {
            let (across, _) = self.place(*value, self.bottom);
            self.sheet.text(label, (across, height), Anchor::Middle, Size::Small, Ink::Quiet);
        }
        let middle = i32::midpoint(self.frame.left, self.frame.right) * DOTS;
        let place = (middle, height + 18 * DOTS);
        if !title.is_empty() {
            self.sheet.text(title, place, Anchor::Middle, Size::Small, Ink::Quiet);
        }
    }

    /// A vertical line through the panel.
    pub(super) fn upright(&self, x: f64, ink: Ink, weight: u32) {
        let (across, _) = self.place(x, self.bottom);
        let ends = [self.frame.top, self.frame.bottom].map(|side| (across, side * DOTS));
        self.sheet.line(ends.to_vec(), ink, weight);
    }

    /// The panel's ground between two values.
    pub(super) fn ground(&self, from: f64, to: f64, ink: Ink) {
        let [left, right] = [from, to].map(|x| self.place(x, self.bottom).0);
        let [top, bottom] = [self.frame.top, self.frame.bottom].map(|side| side * DOTS);
        let corners = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
        self.sheet.fill(corners, ink, 1.0);
    }

    /// Lets the mouse read lines off the panel; nobody's hand is surer than two pixels.
    pub(super) fn reads(&self, axis: Axis, lines: &[Told<'_>]) {
        let mut reading = self.reading(axis);
        for (name, unit, values) in lines {
            reading.line(name, *unit, values, self.columns() / 2);
        }
        self.sheet.reads(reading);
    }

    /// Lets the mouse read a heat map off the panel.
    pub(super) fn reads_grid(&self, axis: Axis, grid: Grid) {
        self.sheet.reads(self.reading(axis).with(grid));
    }

    fn reading(&self, axis: Axis) -> Reading {
        let Frame { left, top, right, bottom } = self.frame;
        let frame = [left, top, right, bottom].map(|side| side * DOTS);
        Reading::of(frame, self.across, axis)
    }

    /// How many columns of pixels the panel has.
    fn columns(&self) -> usize {
        usize::try_from(self.frame.right - self.frame.left).unwrap_or(0)
    }

    /// An area between two values of each axis, more or less transparent.
    pub(super) fn cell(&self, x: Range, y: Range, ink: Ink, opacity: f64) {
        let (left, bottom) = self.place(x.0, y.0);
        let (right, top) = self.place(x.1, y.1);
        let corners = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
        self.sheet.fill(corners, ink, opacity);
    }

    /// A line through values in the order of their places; nothing if there are fewer than two. Where there
    /// are more than the panel has columns, each column shows how far up and down the line goes there.
    pub(super) fn line(&self, values: &[(f64, f64)], ink: Ink) {
        if values.len() > 1 {
            let values = thinned(values, self.columns());
            let places = values.iter().map(|(x, y)| self.place(*x, *y)).collect();
            self.sheet.line(places, ink, 4);
        }
    }

    /// A line through values with the area below it, likewise.
    pub(super) fn area(&self, values: &[(f64, f64)], ink: Ink) {
        let values = &thinned(values, self.columns())[..];
        let (Some(first), Some(last)) = (values.first(), values.last()) else { return };
        let mut places: Vec<Place> = values.iter().map(|(x, y)| self.place(*x, *y)).collect();
        places.push(self.place(last.0, self.bottom));
        places.push(self.place(first.0, self.bottom));
        self.sheet.fill(places, ink, 0.14);
        self.line(values, ink);
    }

    /// The area between two lines of as many values, at the same places.
    pub(super) fn band(&self, lower: &[(f64, f64)], upper: &[(f64, f64)], ink: Ink) {
        if lower.len() < 2 {
            return;
        }
        let corners = lower.iter().chain(upper.iter().rev());
        let places: Vec<Place> = corners.map(|(x, y)| self.place(*x, *y)).collect();
        self.sheet.fill(places, ink, 0.28);
    }

    /// The panel's name, `above` pixels above what stands right above the panel, and a remark
    /// behind the name.
    pub(super) fn name(&self, name: &str, remark: &str, above: i32) {
        let place = (self.frame.left * DOTS, (self.frame.top - 12 - above) * DOTS);
        self.sheet.text(name, place, Anchor::Start, Size::Middle, Ink::Text);
        let behind = (place.0 + super::sheet::width(name, Size::Middle) + 10 * DOTS, place.1);
        self.sheet.text(remark, behind, Anchor::Start, Size::Small, Ink::Quiet);
    }

    /// Names of lines right of the panel, each near the value its line ends at and none on
    /// another: a stroke of the line, then the name.
    pub(super) fn names_beside(&self, lines: &[(String, Ink, Place)]) {
        let mut order: Vec<&(String, Ink, Place)> = lines.iter().collect();
        order.sort_by_key(|(_, _, end)| end.1);
        let gap = 18 * DOTS;
        let ends: Vec<i32> = order.iter().map(|(_, _, end)| end.1).collect();
        let heights = apart(&ends, gap, (self.frame.top * DOTS, self.frame.bottom * DOTS));
        let left = (self.frame.right + 10) * DOTS;
        for ((name, ink, _), height) in order.into_iter().zip(heights) {
            self.sheet.line(vec![(left, height), (left + 28 * DOTS, height)], *ink, 4);
            let place = (left + 34 * DOTS, height);
            self.sheet.text(name, place, Anchor::Start, Size::Small, Ink::Text);
        }
    }
}

/// The corners of a stair of values that last `step` each.
pub(super) fn stairs(values: &[(f64, f64)], step: f64) -> Vec<(f64, f64)> {
    values.iter().flat_map(|(from, value)| [(*from, *value), (from + step, *value)]).collect()
}

/// The ascending `wishes` moved as little as a sweep in each direction can, so that neighbours are
/// at least `gap` apart and all are within `bounds` if there is room.
fn apart(wishes: &[i32], gap: i32, bounds: (i32, i32)) -> Vec<i32> {
    let mut heights: Vec<i32> = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let least = heights.last().map_or(bounds.0, |above| above + gap);
        heights.push((*wish).max(least));
    }
    let mut greatest =
        bounds.1.max(bounds.0 + gap * (i32::try_from(wishes.len()).unwrap_or(0) - 1));
    for height in heights.iter_mut().rev() {
        *height = (*height).min(greatest);
        greatest = *height - gap;
    }
    heights
}

/// Round values from 0 to at least `greatest`, at most `most` steps: the steps are 1, 2 or 5 times
/// a power of ten.
pub(super) fn round_steps(greatest: f64, most: f64) -> Vec<f64> {
    if !greatest.is_finite() || greatest <= 0.0 {
        return vec![0.0, 1.0];
    }
    let rough = greatest / most;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(10.0 * power);
    let mut steps = vec![0.0];
    while steps[steps.len() - 1] < greatest {
        steps.push(step * steps.len() as f64);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_reach_the_greatest() {
        assert_eq!(round_steps(50_112.0, 3.0), [0.0, 20_000.0, 40_000.0, 60_000.0]);
        assert_eq!(round_steps(94.0, 3.0), [0.0, 50.0, 100.0]);
        assert_eq!(round_steps(0.0, 3.0), [0.0, 1.0]);
        assert_eq!(round_steps(f64::NAN, 3.0), [0.0, 1.0]);
    }

    #[test]
    fn names_never_lie_on_each_other() {
        assert_eq!(apart(&[10, 12, 200], 36, (0, 300)), [10, 46, 200]);
        assert_eq!(apart(&[290, 295, 300], 36, (0, 300)), [228, 264, 300]);
    }
}
