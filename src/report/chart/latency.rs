//! Response and service times by percentile, side by side: the tail gets as much room as the middle.

use super::panel::{Frame, Panel, Range, Tick};
use super::reading::{Axis, Unit};
use super::sheet::{Caption, DOTS, Ink, LINES, Sheet, Size, drawing, width};
use crate::measure::{Measured, OperationSummary};
use crate::report::{digest, figure};
use crate::verdict::Summary;

const SIZE: (u32, u32) = (960, 440);
const FRAME: Frame = Frame { left: 68, top: 40, right: 744, bottom: 388 };
/// The room between the two panels, where there are two \[pixels\].
const BETWEEN: i32 = 56;

/// Times below this are drawn at it \[ms\]: a logarithm has no place for 0.
const LEAST_MS: f64 = 0.01;
/// How far the panel reaches beyond the fastest and the slowest answer \[powers of ten\].
const HEADROOM: f64 = 0.06;
/// 99.9999 %: nobody measures further in a run of minutes.
const NINES_MAX: f64 = 6.0;

/// Response time by percentile, one line per operation, and service time beside it where it is known, as
/// SVG: both axes are logarithmic, the horizontal one in the distance from 100 %, as `HdrHistogram`'s plots
/// have it.
pub fn latency(summary: &Summary) -> String {
    let measured = &summary.result.measured;
    let title = "Response and service time by percentile".to_owned();
    let caption = Caption { name: "latency".to_owned(), title, description: description(measured) };
    let mut lines: Vec<Line> = digest::operations(measured)
        .into_iter()
        .filter_map(|(word, operation)| line(word, operation))
        .take(LINES)
        .collect();
    // The names stand in the order of the tails, slowest first.
    lines.sort_by(|left, right| right.p99_ms.total_cmp(&left.p99_ms));
    let corners = || lines.iter().flat_map(|line| line.response.iter().chain(&line.service));
    let Some(greatest) = corners().map(|corner| corner.1).reduce(f64::max) else {
        return super::nothing(&caption);
    };
    let least = corners().map(|corner| corner.1).fold(greatest, f64::min);
    let ranges = (nines_range(corners()), vertical(least, greatest));
    let (left, right) = frames(lines.iter().any(|line| !line.service.is_empty()));
    drawing(&caption, SIZE, |sheet| {
        let panel = spectrum(sheet, (left, ranges), &lines, |line| &line.response);
        panel.name("response time", "from intended to done", 0);
        panel.names_left(&decades(ranges.1));
        if let Some(right) = right {
            let panel = spectrum(sheet, (right, ranges), &lines, |line| &line.service);
            panel.name("service time", "from sent to done", 0);
        }
        let whole = Panel::new(sheet, FRAME, ranges.0, ranges.1);
        let top = whole.place(0.0, ranges.1.1);
        let names = lines.iter().zip(0_usize..);
        let names = names.map(|(line, place)| (line.name.clone(), Ink::Line(place), top));
        whole.names_beside(&names.collect::<Vec<_>>());
        whole.names_below(
            &[],
            "share of operations answered within the time; both axes logarithmic",
        );
    })
}

/// The panel of response times, and that of service times where there is one.
fn frames(is_served: bool) -> (Frame, Option<Frame>) {
    if !is_served {
        return (FRAME, None);
    }
    let middle = i32::midpoint(FRAME.left, FRAME.right);
    let left = Frame { right: middle - BETWEEN / 2, ..FRAME };
    let right = Frame { left: middle + BETWEEN / 2, ..FRAME };
    (left, Some(right))
}

/// A panel with a line of each operation.
fn spectrum<'s, 'b>(
    sheet: &'s Sheet<'b>,
    (frame, (x, y)): (Frame, (Range, Range)),
    lines: &[Line],
    read: impl Fn(&Line) -> &Vec<(f64, f64)>,
) -> Panel<'s, 'b> {
    let panel = Panel::new(sheet, frame, x, y);
    let room = f64::from((frame.right - frame.left) * DOTS) / (x.1 - x.0);
    let percentiles = percentile_ticks(x.1, room);
    panel.vertical_grid(&percentiles);
    panel.names_below(&percentiles, "");
    panel.horizontal_lines(&decades(y));
    for (place, line) in lines.iter().enumerate() {
        panel.line(read(line), Ink::Line(place));
    }
    let in_ms = |line: &Line| -> Vec<(f64, f64)> {
        read(line).iter().map(|(nines, power)| (*nines, 10_f64.powf(*power))).collect()
    };
    let told: Vec<(&str, Vec<(f64, f64)>)> =
        lines.iter().map(|line| (line.word.as_str(), in_ms(line))).collect();
    let told = told.iter().filter(|(_, values)| !values.is_empty());
    let told = told.map(|(word, values)| (*word, Unit::Milliseconds, &values[..]));
    panel.reads(Axis::Nines, &told.collect::<Vec<_>>());
    panel
}

/// The range of the vertical axis: as far as the data, but never without two powers of ten.
pub(super) fn vertical(least: f64, greatest: f64) -> Range {
    let (from, to) = (least - HEADROOM, greatest + HEADROOM);
    if to.floor() - from.ceil() >= 1.0 { (from, to) } else { (from.floor(), to.ceil()) }
}

/// One operation's lines: places are (nines, logarithm of milliseconds).
struct Line {
    word: String,
    name: String,
    p99_ms: f64,
    response: Vec<(f64, f64)>,
    service: Vec<(f64, f64)>,
}

fn line(word: &str, operation: &OperationSummary) -> Option<Line> {
    let response = operation.response_ms?;
    let finest = nines(1.0 - 0.5 / (response.count.max(1) as f64));
    let places = |spectrum: &[(f64, f64)]| -> Vec<(f64, f64)> {
        let known = spectrum
            .iter()
            .filter(|(quantile, millis)| (0.0..=1.0).contains(quantile) && millis.is_finite());
        known
            .map(|(quantile, millis)| {
                (nines(*quantile).min(finest).min(NINES_MAX), millis.max(LEAST_MS).log10())
            })
            .collect()
    };
    let name = format!("{word}, 99 % in {}", figure::milliseconds(response.p99));
    let line = Line {
        word: word.to_owned(),
        name,
        p99_ms: response.p99,
        response: places(&operation.spectrum_ms),
        service: places(&operation.service_spectrum_ms),
    };
    (line.response.len() > 1).then_some(line)
}

/// The range of the horizontal axis: as many nines as there are, but never fewer than two.
pub(super) fn nines_range<'a>(corners: impl Iterator<Item = &'a (f64, f64)>) -> Range {
    (0.0, corners.map(|corner| corner.0).fold(2.0, f64::max))
}

/// The response times of an operation, as places: nines and logarithms of milliseconds; `None` where there are
/// none to draw.
pub(super) fn response(word: &str, operation: &OperationSummary) -> Option<Vec<(f64, f64)>> {
    line(word, operation).map(|line| line.response)
}

/// How many nines a quantile has: 0.9 has one, 0.999 three.
fn nines(quantile: f64) -> f64 {
    // Adding 0 turns the −0 of the quantile 0 into 0.
    -(1.0 - quantile).log10() + 0.0
}

/// The percentiles that are named, from the greatest down as far as there is room for their names; `room` is
/// how wide one nine is \[dots\].
pub(super) fn percentile_ticks(nines_max: f64, room: f64) -> Vec<Tick> {
    const NAMED: [(f64, &str); 8] = [
        (0.0, "0 %"),
        (0.5, "50 %"),
        (0.9, "90 %"),
        (0.99, "99 %"),
        (0.999, "99.9 %"),
        (0.999_9, "99.99 %"),
        (0.999_99, "99.999 %"),
        (0.999_999, "99.9999 %"),
    ];
    let mut ticks: Vec<Tick> = Vec::new();
    let mut free_until = f64::INFINITY;
    for (quantile, name) in NAMED.iter().rev() {
        let place = nines(*quantile);
        let half = f64::from(width(name, Size::Small)) / 2.0;
        if place <= nines_max + 1e-9 && place * room + half <= free_until {
            free_until = place * room - half;
            ticks.push((place, (*name).to_owned()));
        }
    }
    ticks
}

/// The powers of ten between two logarithms of milliseconds.
pub(super) fn decades((from, to): Range) -> Vec<Tick> {
    let first = from.ceil();
    let count = figure::whole((to.floor() - first).max(0.0));
    (0..=count)
        .map(|step| first + step as f64)
        .map(|power| (power, round_time(10_f64.powf(power))))
        .collect()
}

fn round_time(millis: f64) -> String {
    if millis >= 999.5 {
        format!("{} s", figure::decimal(millis / 1e3, 0))
    } else if millis >= 0.95 {
        format!("{} ms", figure::decimal(millis, 0))
    } else {
        format!("{} µs", figure::decimal(millis * 1e3, 0))
    }
}

fn description(measured: &Measured) -> String {
    let sentences = digest::operations(measured).into_iter().filter_map(|(word, operation)| {
        let of = operation.response_ms?;
        let [half, most] = [of.p50, of.p99].map(figure::milliseconds);
        let service = operation.service_ms.map(|of| figure::milliseconds(of.p99));
        let service = service.map(|most| format!("; once sent, 99 % within {most}"));
        let service = service.unwrap_or_default();
        Some(format!("{word}: half within {half}, 99 % within {most}{service}."))
    });
    sentences.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn response_and_service_stand_side_by_side_where_both_are_known() {
        let mut summary = fixture::passing();
        let both = latency(&summary);
        assert!(both.contains(">\nresponse time\n<") && both.contains(">\nservice time\n<"));
        for operation in summary.result.measured.operations.values_mut() {
            operation.service_spectrum_ms.clear();
        }
        let one = latency(&summary);
        assert!(one.contains(">\nresponse time\n<") && !one.contains(">\nservice time\n<"));
    }

    #[test]
    fn percentiles_are_named_where_there_is_room() {
        let names = |room: f64| -> Vec<String> {
            percentile_ticks(4.0, room).into_iter().map(|tick| tick.1).collect()
        };
        assert_eq!(names(400.0), ["99.99 %", "99.9 %", "99 %", "90 %", "50 %", "0 %"]);
        let few = names(110.0);
        assert!(few.len() < 6 && few[0] == "99.99 %", "{few:?}");
    }
}
