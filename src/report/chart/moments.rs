//! The time axis that charts share: seconds from the opening, with what happened when.

use super::panel::{Frame, Panel, Range, Tick};
use super::sheet::{self, Anchor, DOTS, Ink, Sheet, Size};
use crate::measure::Measured;
use crate::report::{digest, figure};

/// Time from the first opening, or from the run's beginning where nothing opens.
#[derive(Clone, Debug)]
pub(super) struct TimeAxis {
    /// What counts as 0, from the run's beginning \[s\].
    pub origin_s: f64,
    /// What the axis counts.
    pub title: &'static str,
    /// The least and the greatest moment \[s from the origin\].
    pub range: Range,
    /// What happened, in the order of time.
    moments: Vec<Moment>,
    /// When sales were open \[s from the origin\].
    open: Vec<Range>,
}

/// Something that happened at one moment.
#[derive(Clone, Debug, PartialEq)]
struct Moment {
    at_s: f64,
    label: String,
}

/// How many rows of labels may stand above a chart; further ones are left out.
const ROWS_MAX: usize = 3;
/// The height of a row of labels \[pixels\].
const ROW: i32 = 17;

impl TimeAxis {
    /// The axis from `from_s` to `to_s` \[s from the run's beginning\].
    pub(super) fn new(measured: &Measured, from_s: f64, to_s: f64) -> Self {
        let opening = digest::opening_s(measured).filter(|opening_s| opening_s.is_finite());
        let (origin_s, title) = match opening {
            Some(opening_s) => (opening_s, "seconds from the opening"),
            None => (0.0, "seconds from the run's beginning"),
        };
        let range = (from_s - origin_s, to_s.max(from_s + 1.0) - origin_s);
        let within = |at_s: &f64| (range.0..=range.1).contains(at_s);
        let moments = moments(measured, origin_s);
        let open = measured
            .sales
            .values()
            .map(|sale| (sale.opens_s - origin_s, sale.closes_s - origin_s))
            .filter(|(opens, closes)| opens < closes && *opens < range.1 && *closes > range.0)
            .map(|(opens, closes)| (opens.max(range.0), closes.min(range.1)))
            .collect();
        let moments = moments.into_iter().filter(|moment| within(&moment.at_s)).collect();
        Self { origin_s, title, range, moments, open }
    }

    /// Marks with their names: at most a dozen, at round seconds.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        const STEPS_S: [f64; 14] = [
            0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0,
            14_400.0,
        ];
        let length = self.range.1 - self.range.0;
        let step = STEPS_S
            .into_iter()
            .find(|step| length / step <= 12.0)
            .unwrap_or_else(|| (length / 12.0).ceil());
        let first = (self.range.0 / step).ceil();
        let count = figure::whole(((self.range.1 / step).floor() - first).max(0.0));
        (0..=count)
            .map(|place| (first + place as f64) * step)
            .map(|at_s| (at_s, tick_name(at_s, step)))
            .collect()
    }

    /// How high the labels above a chart are, between `left` and `right` \[pixels\].
    pub(super) fn labels_height(&self, frame: Frame) -> i32 {
        let rows = self.rows(frame).into_iter().flatten().max().map_or(0, |row| row + 1);
        i32::try_from(rows).unwrap_or(0) * ROW
    }

    /// Shades a panel where a sale is open, and draws its vertical lines.
    pub(super) fn ground(&self, panel: &Panel<'_, '_>) {
        for (from, to) in &self.open {
            panel.ground(*from, *to, Ink::Open);
        }
        panel.vertical_grid(&self.ticks());
    }

    /// Draws what happened through a panel.
    pub(super) fn marks(&self, panel: &Panel<'_, '_>) {
        for moment in &self.moments {
            panel.upright(moment.at_s, Ink::Text, 2);
        }
    }

    /// Writes what happened above the first panel; `bottom` is where the lowest row ends
    /// \[pixels\].
    pub(super) fn labels(&self, sheet: &Sheet<'_>, frame: Frame, bottom: i32) {
        for (moment, row) in self.moments.iter().zip(self.rows(frame)) {
            let Some(row) = row else { continue };
            let row = i32::try_from(row).unwrap_or(0);
            let (across, anchor) = self.label_place(moment, frame);
            let height = (bottom - ROW * row) * DOTS - ROW * DOTS / 2;
            sheet.text(&moment.label, (across, height), anchor, Size::Small, Ink::Text);
        }
    }

    /// Which row each label stands in so that none lies on another; `None` where no row has room.
    fn rows(&self, frame: Frame) -> Vec<Option<usize>> {
        let mut taken: Vec<i32> = Vec::new();
        let mut rows = Vec::with_capacity(self.moments.len());
        for moment in &self.moments {
            let width = sheet::width(&moment.label, Size::Small);
            let (across, anchor) = self.label_place(moment, frame);
            let left = if anchor == Anchor::Start { across } else { across - width };
            let row = (0..ROWS_MAX).find(|row| taken.get(*row).is_none_or(|end| *end < left));
            if let Some(row) = row {
                taken.resize(taken.len().max(row + 1), 0);
                taken[row] = left + width + 8 * DOTS;
            }
            rows.push(row);
        }
        rows
    }

    /// A label begins at its moment, or ends there if it would leave the frame.
    fn label_place(&self, moment: &Moment, frame: Frame) -> (i32, Anchor) {
        let share = (moment.at_s - self.range.0) / (self.range.1 - self.range.0);
        let across = f64::from(frame.left) + share * f64::from(frame.right - frame.left);
        let across = i32::try_from(figure::whole(across.max(0.0))).unwrap_or(frame.left) * DOTS;
        let end = across + sheet::width(&moment.label, Size::Small);
        if end > frame.right * DOTS { (across, Anchor::End) } else { (across, Anchor::Start) }
    }
}

fn tick_name(at_s: f64, step: f64) -> String {
    let decimals = usize::from(step < 1.0);
    let sign = if at_s > 0.0 { "+" } else { "" };
    format!("{sign}{}", figure::decimal(at_s, decimals))
}

/// Openings, sell-outs and closings of all sales; what happens at once is said once.
fn moments(measured: &Measured, origin_s: f64) -> Vec<Moment> {
    let mut moments: Vec<Moment> = Vec::new();
    let several = measured.sales.len() > 1;
    for (id, sale) in &measured.sales {
        let of = if several { format!(" of {id}") } else { String::new() };
        let sold_out = sale.sold_out_s.map(|at_s| {
            let after = figure::seconds(at_s - sale.opens_s);
            (at_s, format!("sold out{of} after {after}"))
        });
        let opening = (sale.opens_s, format!("opening{of}"));
        let closing = (sale.closes_s, format!("closing{of}"));
        for (at_s, label) in [Some(opening), sold_out, Some(closing)].into_iter().flatten() {
            if at_s.is_finite() {
                moments.push(Moment { at_s: at_s - origin_s, label });
            }
        }
    }
    moments.sort_by(|left, right| left.at_s.total_cmp(&right.at_s));
    moments
}
