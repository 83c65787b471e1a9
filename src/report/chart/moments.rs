//! The time axis that charts share: seconds from the opening, with what happened when.

use super::panel::{Frame, Panel, Range, Tick};
use super::reading::Axis;
use super::sheet::{self, Anchor, DOTS, Ink, Sheet, Size};
use crate::measure::Measured;
use crate::report::{digest, figure, series};

/// Time from the first opening, or from the run's beginning where nothing opens.
#[derive(Clone, Debug)]
pub(super) struct TimeAxis {
    /// What counts as 0, from the run's beginning \[s\].
    pub origin_s: f64,
    /// What the axis counts.
    pub counts: Axis,
    /// The same in words.
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
    what: What,
}

/// What happened; what stands first is labelled first.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Opening,
    Closing,
    SoldOut,
    /// Something that others say.
    Event,
}

impl What {
    const fn word(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Closing => "closing",
            Self::SoldOut => "sold out",
            Self::Event => "event",
        }
    }
}

/// How many rows of labels may stand above a chart; further ones are left out.
const ROWS_MAX: i32 = 3;
/// How many events of others are drawn; more would be a wall.
const EVENTS_MAX: usize = 60;
/// The longest label of such an event \[letters\].
const LETTERS_MAX: usize = 40;
/// The height of a row of labels \[pixels\].
const ROW: i32 = 17;
/// The room between two labels in a row \[dots\].
const GAP: i32 = 10 * DOTS;
/// Where the sheet ends \[pixels\].
const SHEET_RIGHT: i32 = 960;

impl TimeAxis {
    /// The axis from `from_s` to `to_s` \[s from the run's beginning\].
    pub(super) fn new(measured: &Measured, from_s: f64, to_s: f64) -> Self {
        let opening = digest::opening_s(measured).filter(|opening_s| opening_s.is_finite());
        let (origin_s, counts, title) = match opening {
            Some(opening_s) => (opening_s, Axis::Opening, "seconds from the opening"),
            None => (0.0, Axis::Beginning, "seconds from the run's beginning"),
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
        Self { origin_s, counts, title, range, moments, open }
    }

    /// The axis of runs that lie over each other by the opening of each.
    pub(super) fn of_openings(range: Range) -> Self {
        let opening =
            Moment { at_s: 0.0, label: What::Opening.word().to_owned(), what: What::Opening };
        let is_shown = (range.0..=range.1).contains(&0.0);
        Self {
            origin_s: 0.0,
            counts: Axis::Opening,
            title: "seconds from the opening of each",
            range,
            moments: is_shown.then_some(opening).into_iter().collect(),
            open: Vec::new(),
        }
    }

    /// The same with the events that others say.
    pub(super) fn with_events(mut self, measured: &Measured) -> Self {
        let events = series::in_order(measured).into_iter().map(|(at_s, series, text)| Moment {
            at_s: at_s - self.origin_s,
            label: shortened(&format!("{series}: {text}")),
            what: What::Event,
        });
        let within = events.filter(|event| (self.range.0..=self.range.1).contains(&event.at_s));
        let mut within: Vec<Moment> = within.take(EVENTS_MAX).collect();
        self.moments.append(&mut within);
        self.moments.sort_by(|one, other| one.at_s.total_cmp(&other.at_s));
        self
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

    /// How high the labels above a chart are, between the sides of `frame` \[pixels\].
    pub(super) fn labels_height(&self, frame: Frame) -> i32 {
        let rows = self.labels_placed(frame).into_iter().map(|label| label.row + 1).max();
        rows.unwrap_or(0) * ROW
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
            let ink = if moment.what == What::Event { EVENT } else { Ink::Text };
            panel.upright(moment.at_s, ink, 2);
        }
    }

    /// Writes what happened right above the panel in `frame`.
    pub(super) fn labels(&self, sheet: &Sheet<'_>, frame: Frame) {
        for label in self.labels_placed(frame) {
            let height = (frame.top - ROW * label.row) * DOTS - ROW * DOTS / 2;
            let beside = if label.anchor == Anchor::Start { GAP / 3 } else { -GAP / 3 };
            let place = (label.across + beside, height);
            sheet.text(label.text, place, label.anchor, Size::Small, Ink::Text);
        }
    }

    /// Where each label stands so that none lies on another: in the lowest row with room, right
    /// of its line unless the next line would cross it; labels that no row has room for are left
    /// out.
    fn labels_placed(&self, frame: Frame) -> Vec<Label<'_>> {
        let mut taken: Vec<(i32, i32, i32)> = Vec::new();
        let mut labels = Vec::with_capacity(self.moments.len());
        let mut order: Vec<(usize, &Moment)> = self.moments.iter().enumerate().collect();
        order.sort_by_key(|(_, moment)| moment.what);
        for (place, moment) in order {
            let across = self.across(moment.at_s, frame);
            let width = sheet::width(&moment.label, Size::Small) + GAP;
            let next = self.moments.get(place + 1).map(|next| self.across(next.at_s, frame));
            let right = next.unwrap_or(i32::MAX).min(SHEET_RIGHT * DOTS);
            let sides = if across + width <= right {
                [Anchor::Start, Anchor::End]
            } else {
                [Anchor::End, Anchor::Start]
            };
            let spots = (0..ROWS_MAX).flat_map(|row| sides.map(|anchor| (row, anchor)));
            let free = spots.into_iter().find_map(|(row, anchor)| {
                let from = if anchor == Anchor::Start { across } else { across - width };
                let is_inside = from >= 0 && from + width <= SHEET_RIGHT * DOTS;
                let is_free = taken.iter().all(|(taken_row, left, right)| {
                    *taken_row != row || *right <= from || *left >= from + width
                });
                (is_inside && is_free).then_some((row, anchor, from))
            });
            if let Some((row, anchor, from)) = free {
                taken.push((row, from, from + width));
                labels.push(Label { text: &moment.label, row, across, anchor });
            }
        }
        labels
    }

    /// Where a moment stands on the sheet \[dots\].
    fn across(&self, at_s: f64, frame: Frame) -> i32 {
        let share = (at_s - self.range.0) / (self.range.1 - self.range.0);
        let across = f64::from(frame.left) + share * f64::from(frame.right - frame.left);
        i32::try_from(figure::whole(across.max(0.0))).unwrap_or(frame.left) * DOTS
    }
}

/// A label and where it stands.
#[derive(Debug)]
struct Label<'a> {
    text: &'a str,
    row: i32,
    across: i32,
    anchor: Anchor,
}

/// The ink of what others say.
const EVENT: Ink = Ink::Line(1);

fn shortened(label: &str) -> String {
    if label.chars().count() <= LETTERS_MAX {
        return label.to_owned();
    }
    label.chars().take(LETTERS_MAX - 1).chain(['…']).collect()
}

fn tick_name(at_s: f64, step: f64) -> String {
    let decimals = usize::from(step < 1.0);
    let sign = if at_s > 0.0 { "+" } else { "" };
    format!("{sign}{}", figure::decimal(at_s, decimals))
}

/// Openings, sell-outs and closings of all sales, in the order of time; what several sales share is
/// said once.
fn moments(measured: &Measured, origin_s: f64) -> Vec<Moment> {
    let mut happened: Vec<Happened<'_>> = Vec::new();
    for (id, sale) in &measured.sales {
        let sold_out = sale.sold_out_s.map(|at_s| {
            (at_s, What::SoldOut, format!(" after {}", figure::seconds(at_s - sale.opens_s)))
        });
        let opening = (sale.opens_s, What::Opening, String::new());
        let closing = (sale.closes_s, What::Closing, String::new());
        for (at_s, what, when) in [Some(opening), sold_out, Some(closing)].into_iter().flatten() {
            if !at_s.is_finite() {
                continue;
            }
            let same = |other: &&mut Happened<'_>| {
                other.at_s.total_cmp(&at_s).is_eq() && other.what == what && other.when == when
            };
            match happened.iter_mut().find(same) {
                Some(known) => known.sales.push(id),
                None => happened.push(Happened { at_s, what, when, sales: vec![id] }),
            }
        }
    }
    happened.sort_by(|left, right| left.at_s.total_cmp(&right.at_s));
    let all = measured.sales.len();
    let moment = |happened: Happened<'_>| Moment {
        at_s: happened.at_s - origin_s,
        label: happened.label(all),
        what: happened.what,
    };
    happened.into_iter().map(moment).collect()
}

/// What happened to some sales at one moment.
struct Happened<'a> {
    at_s: f64,
    what: What,
    when: String,
    sales: Vec<&'a str>,
}

impl Happened<'_> {
    /// In words; which sales it was is said only if it was not all of them.
    fn label(&self, all: usize) -> String {
        let (what, when) = (self.what.word(), &self.when);
        match self.sales[..] {
            _ if self.sales.len() == all => format!("{what}{when}"),
            [one] => format!("{one}: {what}{when}"),
            [one, other] => format!("{one}, {other}: {what}{when}"),
            _ => format!("{} sales: {what}{when}", self.sales.len()),
        }
    }
}
