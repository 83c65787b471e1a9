//! Two runs over each other: their tiers from the opening of each, and their response times by percentile.

use super::latency::{decades, nines_range, percentile_ticks, response, vertical};
use super::moments::TimeAxis;
use super::panel::{Frame, Panel, Range, round_steps, stairs};
use super::reading::{Axis, Unit};
use super::sheet::{Caption, DOTS, Ink, Sheet, drawing};
use super::timeline::requests;
use crate::measure::{Measured, Second};
use crate::report::{digest, figure, words};
use crate::verdict::Summary;

/// What the two are called, and drawn with.
const RUNS: [(&str, Ink); 2] = [("A", Ink::Line(0)), ("B", Ink::Line(1))];
/// How many operations have a panel.
const OPERATIONS_MAX: usize = 6;

const WIDTH: u32 = 960;
const LEFT: i32 = 68;
const RIGHT: i32 = 884;
const PANEL_HEIGHT: i32 = 110;
const PANEL_GAP: i32 = 38;
const MARGIN_ABOVE: i32 = 48;
const MARGIN_BELOW: i32 = 44;

/// A panel with a line of each run.
struct Lane {
    name: String,
    remark: String,
    unit: Unit,
    /// How long a value lasts, where the line is a stair.
    step: Option<f64>,
    lines: [Vec<(f64, f64)>; 2],
}

/// Requests per second at each tier and pieces sold of two runs, from the opening of each, as SVG.
pub fn tiers(a: &Summary, b: &Summary) -> String {
    let runs = [&a.result.measured, &b.result.measured];
    let mut lanes: Vec<Lane> =
        digest::TIERS.into_iter().filter_map(|tier| of_tier(tier, runs)).collect();
    lanes.extend(of_sales(runs));
    let caption = Caption {
        name: "tiers".to_owned(),
        title: "Requests per second at each tier, of both runs".to_owned(),
        description: description(&lanes),
    };
    let range = lanes
        .iter()
        .flat_map(|lane| lane.lines.iter().flatten())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(from, to), (at_s, _)| {
            (from.min(*at_s), to.max(at_s + 1.0))
        });
    if lanes.is_empty() || !(range.1 - range.0).is_finite() {
        return super::nothing(&caption);
    }
    let axis = TimeAxis::of_openings(range);
    let count = lanes.len();
    drawing(&caption, (WIDTH, height(count)), |sheet| {
        for (place, lane) in lanes.iter().enumerate() {
            let frame = frame(place);
            let greatest = lane.lines.iter().flatten().map(|point| point.1).fold(0.0, f64::max);
            let steps = round_steps(greatest, 3.0);
            let panel = Panel::new(sheet, frame, range, (0.0, steps[steps.len() - 1]));
            panel.vertical_grid(&axis.ticks());
            let named = |step: &f64| match lane.unit {
                Unit::Share => (*step, figure::ratio(*step)),
                _ => (*step, figure::decimal(*step, usize::from(steps[1] < 1.0))),
            };
            panel.horizontal_grid(&steps.iter().map(named).collect::<Vec<_>>());
            both(&panel, axis.counts, lane);
            axis.marks(&panel);
            panel.name(&lane.name, &lane.remark, if place == 0 { 17 } else { 0 });
            if place == 0 {
                axis.labels(sheet, frame);
            }
            if place + 1 == count {
                panel.names_below(&axis.ticks(), axis.title);
            }
        }
    })
}

/// Response times by percentile of two runs, a panel for each operation, as SVG; both axes are logarithmic.
pub fn spectra(a: &Summary, b: &Summary) -> String {
    let runs = [&a.result.measured, &b.result.measured];
    let lanes: Vec<Lane> = digest::operations(runs[0])
        .into_iter()
        .filter_map(|(word, _)| of_operation(word, runs))
        .take(OPERATIONS_MAX)
        .collect();
    let caption = Caption {
        name: "spectra".to_owned(),
        title: "Response time by percentile, of both runs".to_owned(),
        description: description(&lanes),
    };
    let count = lanes.len();
    if count == 0 {
        return super::nothing(&caption);
    }
    drawing(&caption, (WIDTH, height(count)), |sheet| {
        for (place, lane) in lanes.iter().enumerate() {
            let panel = one_spectrum(sheet, frame(place), lane);
            panel.name(&lane.name, &lane.remark, 0);
            if place + 1 == count {
                panel.names_below(&[], "share of operations answered within the time");
            }
        }
    })
}

fn one_spectrum<'s, 'b>(sheet: &'s Sheet<'b>, frame: Frame, lane: &Lane) -> Panel<'s, 'b> {
    let corners = || lane.lines.iter().flatten();
    let greatest = corners().map(|corner| corner.1).fold(f64::NEG_INFINITY, f64::max);
    let least = corners().map(|corner| corner.1).fold(greatest, f64::min);
    let x: Range = nines_range(corners());
    let y = vertical(least, greatest);
    let panel = Panel::new(sheet, frame, x, y);
    let room = f64::from((frame.right - frame.left) * DOTS) / (x.1 - x.0);
    let percentiles = percentile_ticks(x.1, room);
    panel.vertical_grid(&percentiles);
    panel.names_below(&percentiles, "");
    panel.horizontal_grid(&decades(y));
    both(&panel, Axis::Nines, lane);
    panel
}

/// Draws the lines of both runs with their names, and lets the mouse read them.
fn both(panel: &Panel<'_, '_>, axis: Axis, lane: &Lane) {
    let mut names = Vec::with_capacity(RUNS.len());
    for ((name, ink), values) in RUNS.into_iter().zip(&lane.lines) {
        match lane.step {
            Some(step) => panel.line(&stairs(values, step), ink),
            None => panel.line(values, ink),
        }
        if let Some((x, y)) = values.last() {
            names.push((name.to_owned(), ink, panel.place(*x, *y)));
        }
    }
    panel.names_beside(&names);
    // A spectrum is drawn by the logarithms of its times.
    let as_told = |value: f64| match lane.unit {
        Unit::Milliseconds => 10_f64.powf(value),
        _ => value,
    };
    let told: Vec<(String, Vec<(f64, f64)>)> = RUNS
        .into_iter()
        .zip(&lane.lines)
        .filter(|(_, values)| !values.is_empty())
        .map(|((run, _), values)| {
            let values = values.iter().map(|(at, value)| (*at, as_told(*value)));
            (format!("{}, {run}", lane.name), values.collect())
        })
        .collect();
    let told: Vec<_> =
        told.iter().map(|(name, values)| (&name[..], lane.unit, &values[..])).collect();
    panel.reads(axis, &told);
}

/// A tier of which somebody counted the requests in either run.
fn of_tier(tier: &'static str, runs: [&Measured; 2]) -> Option<Lane> {
    let lines = runs.map(|measured| {
        if !digest::counted_tiers(measured).contains(&tier) {
            return Vec::new();
        }
        from_opening(measured, |second| Some(requests(second, tier) as f64))
    });
    let peaks = lines.each_ref().map(|line| line.iter().map(|point| point.1).reduce(f64::max));
    let told = in_both(peaks.map(|peak| peak.map(figure::rate)));
    lines.iter().any(|line| !line.is_empty()).then(|| Lane {
        name: tier.to_owned(),
        remark: format!("{} per second, at most {told}", words::tier(tier)),
        unit: Unit::Rate,
        step: Some(1.0),
        lines,
    })
}

/// How much of all stock was sold, where anybody says so.
fn of_sales(runs: [&Measured; 2]) -> Option<Lane> {
    let lines = runs.map(|measured| {
        let stock = digest::pieces(measured).stock.max(1) as f64;
        from_opening(measured, |second| {
            let sold: i64 = second.sold.values().sum();
            (!second.sold.is_empty()).then(|| sold as f64 / stock)
        })
    });
    let ends = lines.each_ref().map(|line| line.last().map(|point| figure::ratio(point.1)));
    lines.iter().any(|line| !line.is_empty()).then(|| Lane {
        name: "sold".to_owned(),
        remark: format!("of all stock, in the end {}", in_both(ends)),
        unit: Unit::Share,
        step: Some(1.0),
        lines,
    })
}

/// The response times of an operation, as places: nines and logarithms of milliseconds.
fn of_operation(word: &str, runs: [&Measured; 2]) -> Option<Lane> {
    let operations = runs.map(|measured| measured.operations.get(word));
    let lines = operations.map(|of| of.and_then(|of| response(word, of)).unwrap_or_default());
    let p99 = operations.map(|of| of.and_then(|of| of.response_ms));
    let p99 = p99.map(|of| of.map(|of| figure::milliseconds(of.p99)));
    lines.iter().any(|line| !line.is_empty()).then(|| Lane {
        name: word.to_owned(),
        remark: format!("99 % within {}", in_both(p99)),
        unit: Unit::Milliseconds,
        step: None,
        lines,
    })
}

/// `412/s in A, 398/s in B`
fn in_both(told: [Option<String>; 2]) -> String {
    let [a, b] = told.map(|value| value.unwrap_or_else(|| figure::NONE.to_owned()));
    format!("{a} in A, {b} in B")
}

/// What is known of each second, from the opening \[s\].
fn from_opening(measured: &Measured, read: impl Fn(&Second) -> Option<f64>) -> Vec<(f64, f64)> {
    let opening_s = digest::opening_s(measured).filter(|at_s| at_s.is_finite()).unwrap_or(0.0);
    let known = measured.timeline.iter();
    known.filter_map(|second| Some((second.at_s - opening_s, read(second)?))).collect()
}

fn height(panels: usize) -> u32 {
    let panels = i32::try_from(panels).unwrap_or(0);
    let height = MARGIN_ABOVE + panels * (PANEL_HEIGHT + PANEL_GAP) - PANEL_GAP + MARGIN_BELOW;
    height.unsigned_abs()
}

fn frame(place: usize) -> Frame {
    let top = MARGIN_ABOVE + i32::try_from(place).unwrap_or(0) * (PANEL_HEIGHT + PANEL_GAP);
    Frame { left: LEFT, top, right: RIGHT, bottom: top + PANEL_HEIGHT }
}

fn description(lanes: &[Lane]) -> String {
    let told = |lane: &Lane| format!("{}: {}.", lane.name, lane.remark);
    lanes.iter().map(told).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn both_runs_are_drawn_from_their_own_opening() {
        let (a, mut b) = (fixture::passing(), fixture::failing());
        let late_s = 100.0;
        for sale in b.result.measured.sales.values_mut() {
            sale.opens_s += late_s;
        }
        for second in &mut b.result.measured.timeline {
            second.at_s += late_s;
        }
        let svg = tiers(&a, &b);
        for told in [">\nopening\n<", ">\nA\n<", ">\nB\n<", ">\nsold\n<", "edge, B"] {
            assert!(svg.contains(told), "{told}: {svg}");
        }
        let of_a = from_opening(&a.result.measured, |second| Some(second.edge as f64));
        let of_b = from_opening(&b.result.measured, |second| Some(second.edge as f64));
        let begins = |line: &[(f64, f64)]| (line[0].0.to_bits(), line.len());
        assert_eq!(begins(&of_a), begins(&of_b));
    }

    #[test]
    fn each_operation_has_a_panel_with_both_runs() {
        let (a, mut b) = (fixture::passing(), fixture::failing());
        b.result.measured.operations.remove("checkout");
        let svg = spectra(&a, &b);
        assert!(svg.contains("reload, A") && svg.contains("reload, B"));
        assert!(svg.contains("checkout, A") && !svg.contains("checkout, B"));
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn of_nothing_nothing_is_drawn() {
        let empty = fixture::empty();
        for svg in [tiers(&empty, &empty), spectra(&empty, &empty)] {
            assert!(svg.contains("nothing was measured"), "{svg}");
        }
    }
}
