//! Response time by percentile: the tail gets as much room as the middle.

use super::panel::{Frame, Panel, Range, Tick};
use super::sheet::{Caption, Ink, LINES, drawing};
use crate::measure::{Measured, OperationSummary};
use crate::report::{digest, figure};
use crate::verdict::Summary;

const SIZE: (u32, u32) = (960, 440);
const FRAME: Frame = Frame { left: 68, top: 40, right: 744, bottom: 388 };

/// Times below this are drawn at it \[ms\]: a logarithm has no place for 0.
const LEAST_MS: f64 = 0.01;
/// How far the panel reaches beyond the fastest and the slowest answer \[powers of ten\].
const HEADROOM: f64 = 0.06;
/// 99.9999 %: nobody measures further in a run of minutes.
const NINES_MAX: f64 = 6.0;

/// Response time by percentile, one line per operation, as SVG: both axes are logarithmic, the
/// horizontal one in the distance from 100 %, as `HdrHistogram`'s plots have it.
pub fn latency(summary: &Summary) -> String {
    let measured = &summary.result.measured;
    let title = "Response time by percentile".to_owned();
    let caption = Caption { name: "latency".to_owned(), title, description: description(measured) };
    let mut lines: Vec<Line> = digest::operations(measured)
        .into_iter()
        .filter_map(|(word, operation)| line(word, operation))
        .take(LINES)
        .collect();
    // The names stand in the order of the tails, slowest first.
    lines.sort_by(|left, right| right.p99_ms.total_cmp(&left.p99_ms));
    let corners = || lines.iter().flat_map(|line| line.values.iter());
    let Some(greatest) = corners().map(|corner| corner.1).reduce(f64::max) else {
        return super::nothing(&caption);
    };
    let least = corners().map(|corner| corner.1).fold(greatest, f64::min);
    let nines = corners().map(|corner| corner.0).fold(2.0, f64::max);
    let y = vertical(least, greatest);
    let x = (0.0, nines);
    drawing(&caption, SIZE, |sheet| {
        let panel = Panel::new(sheet, FRAME, x, y);
        let percentiles = percentile_ticks(nines);
        panel.vertical_grid(&percentiles);
        panel.horizontal_grid(&decades(y));
        for (place, line) in lines.iter().enumerate() {
            panel.line(&line.values, Ink::Line(place));
        }
        let top = panel.place(0.0, y.1);
        let names = lines.iter().zip(0_usize..);
        let names = names.map(|(line, place)| (line.name.clone(), Ink::Line(place), top));
        panel.names_beside(&names.collect::<Vec<_>>());
        panel.names_below(&percentiles, "share of operations answered within the time");
        panel.name("response time", "from intended to done; both axes logarithmic", 0);
    })
}

/// The range of the vertical axis: as far as the data, but never without two powers of ten.
fn vertical(least: f64, greatest: f64) -> Range {
    let (from, to) = (least - HEADROOM, greatest + HEADROOM);
    if to.floor() - from.ceil() >= 1.0 { (from, to) } else { (from.floor(), to.ceil()) }
}

/// One operation's line: places are (nines, logarithm of milliseconds).
struct Line {
    name: String,
    p99_ms: f64,
    values: Vec<(f64, f64)>,
}

fn line(word: &str, operation: &OperationSummary) -> Option<Line> {
    let response = operation.response_ms?;
    let finest = nines(1.0 - 0.5 / (response.count.max(1) as f64));
    let values: Vec<(f64, f64)> = operation
        .spectrum_ms
        .iter()
        .filter(|(quantile, millis)| (0.0..=1.0).contains(quantile) && millis.is_finite())
        .map(|(quantile, millis)| {
            (nines(*quantile).min(finest).min(NINES_MAX), millis.max(LEAST_MS).log10())
        })
        .collect();
    let name = format!("{word}, 99 % in {}", figure::milliseconds(response.p99));
    (values.len() > 1).then_some(Line { name, p99_ms: response.p99, values })
}

/// How many nines a quantile has: 0.9 has one, 0.999 three.
fn nines(quantile: f64) -> f64 {
    // Adding 0 turns the −0 of the quantile 0 into 0.
    -(1.0 - quantile).log10() + 0.0
}

fn percentile_ticks(nines_max: f64) -> Vec<Tick> {
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
    NAMED
        .iter()
        .map(|(quantile, name)| (nines(*quantile), (*name).to_owned()))
        .filter(|(place, _)| *place <= nines_max + 1e-9)
        .collect()
}

/// The powers of ten between two logarithms of milliseconds.
fn decades((from, to): Range) -> Vec<Tick> {
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
        Some(format!("{word}: half within {half}, 99 % within {most}."))
    });
    sentences.collect::<Vec<_>>().join(" ")
}
