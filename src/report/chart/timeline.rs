//! Requests per second at each tier over time: one panel per tier, so that 50,000 and 45 are both
//! readable.

use super::metric;
use super::moments::TimeAxis;
use super::panel::{Frame, Panel, round_steps, stairs};
use super::reading::Unit;
use super::sheet::{Caption, Ink, Sheet, drawing};
use crate::measure::{Measured, Second, SeriesSummary};
use crate::report::{digest, figure, replications, words};
use crate::verdict::Summary;
use crate::verdict::replications::{Band, Replications};

/// How many of others' metrics are drawn; of the others, tables tell.
const METRICS_MAX: usize = 8;

const WIDTH: u32 = 960;
const PANEL_HEIGHT: i32 = 92;
const PANEL_GAP: i32 = 34;
const MARGIN_ABOVE: i32 = 28;
const MARGIN_BELOW: i32 = 44;

/// Requests per second at edge, origin, checkout and payment over time, as SVG.
pub fn timeline(summary: &Summary) -> String {
    let measured = &summary.result.measured;
    let all = summary.result.replications.as_ref();
    let title = "Requests per second at each tier".to_owned();
    let shaded = all.map(|all| format!(" {}.", words::capital(&replications::shaded(all))));
    let description = description(measured) + &shaded.unwrap_or_default();
    let caption = Caption { name: "timeline".to_owned(), title, description };
    let (Some(first), Some(last)) = (measured.timeline.first(), measured.timeline.last()) else {
        return super::nothing(&caption);
    };
    let axis = TimeAxis::new(measured, first.at_s, last.at_s + 1.0).with_events(measured);
    let frame = Frame { left: 68, top: 0, right: 944, bottom: PANEL_HEIGHT };
    let labels = axis.labels_height(frame);
    let top = labels + MARGIN_ABOVE;
    let metrics = metrics(measured);
    let tiers = digest::counted_tiers(measured);
    let panels = i32::try_from(tiers.len() + metrics.len()).unwrap_or(0);
    let height = top + panels * (PANEL_HEIGHT + PANEL_GAP) - PANEL_GAP + MARGIN_BELOW;
    drawing(&caption, (WIDTH, height.unsigned_abs()), |sheet| {
        let metrics = metrics.iter().map(|series| Lane::Metric(series));
        let lanes = tiers.iter().copied().map(Lane::Tier).chain(metrics);
        for (place, lane) in (0..).zip(lanes) {
            let above = top + place * (PANEL_HEIGHT + PANEL_GAP);
            let frame = Frame { top: above, bottom: above + PANEL_HEIGHT, ..frame };
            let first = place == 0;
            let above = if first { labels } else { 0 };
            let panel = match lane {
                Lane::Tier(tier) => {
                    let several = all.and_then(|all| Shade::of(all, tier, &axis));
                    let panel = one_tier((sheet, frame), &axis, tier, measured, several.as_ref());
                    let mut remark = remark(&axis, tier, measured);
                    if let Some(all) = all.filter(|_| several.is_some()) {
                        remark = format!("{remark}; {}", replications::shaded(all));
                    }
                    panel.name(tier, &remark, above);
                    panel
                }
                Lane::Metric(series) => metric::panel(sheet, frame, &axis, series),
            };
            if first {
                axis.labels(sheet, frame);
            }
            if place + 1 == panels {
                panel.names_below(&axis.ticks(), axis.title);
            }
        }
    })
}

/// What a panel shows.
#[derive(Copy, Clone, Debug)]
enum Lane<'a> {
    Tier(&'static str),
    Metric(&'a SeriesSummary),
}

/// The metrics that have a panel of their own.
fn metrics(measured: &Measured) -> Vec<&SeriesSummary> {
    let metrics = measured.series.iter().filter(|series| series.values.is_some());
    metrics.take(METRICS_MAX).collect()
}

/// What most replications had at a tier: the corners of two stairs, as far as the axis goes.
struct Shade {
    lower: Vec<(f64, f64)>,
    upper: Vec<(f64, f64)>,
}

impl Shade {
    fn of(all: &Replications, tier: &str, axis: &TimeAxis) -> Option<Self> {
        let Band { p5, p95, .. } = all.bands.tiers.get(tier)?;
        let step_s = all.bands.step_s as f64;
        let corners = |values: &[f64]| -> Vec<(f64, f64)> {
            let stairs = values.iter().enumerate().flat_map(|(place, value)| {
                let from_s = place as f64 * step_s - axis.origin_s;
                [(from_s, *value), (from_s + step_s, *value)]
            });
            let (first, last) = axis.range;
            let is_there = |(at_s, _): &(f64, f64)| (first..=last).contains(at_s);
            stairs.filter(is_there).collect()
        };
        let shade = Self { lower: corners(p5), upper: corners(p95) };
        (shade.upper.len() > 1).then_some(shade)
    }

    fn most(&self) -> f64 {
        self.upper.iter().map(|corner| corner.1).fold(0.0, f64::max)
    }
}

fn one_tier<'s, 'b>(
    (sheet, frame): (&'s Sheet<'b>, Frame),
    axis: &TimeAxis,
    tier: &str,
    measured: &Measured,
    several: Option<&Shade>,
) -> Panel<'s, 'b> {
    let (_, peak) = peak(&measured.timeline, tier);
    let most = several.map_or(0.0, Shade::most);
    let steps = round_steps(most.max(peak as f64), 3.0);
    let greatest = steps[steps.len() - 1];
    let panel = Panel::new(sheet, frame, axis.range, (0.0, greatest));
    axis.ground(&panel);
    let name = |step: &f64| (*step, figure::decimal(*step, decimals(greatest)));
    panel.horizontal_grid(&steps.iter().map(name).collect::<Vec<_>>());
    if let Some(shade) = several {
        panel.band(&shade.lower, &shade.upper, Ink::Line(1));
    }
    let of_second = |second: &Second| (second.at_s - axis.origin_s, requests(second, tier) as f64);
    let values: Vec<(f64, f64)> = measured.timeline.iter().map(of_second).collect();
    panel.area(&stairs(&values, 1.0), Ink::Line(0));
    panel.reads(axis.counts, &[(tier, Unit::Rate, &values[..])]);
    axis.marks(&panel);
    panel
}

fn remark(axis: &TimeAxis, tier: &str, measured: &Measured) -> String {
    let (at_s, peak) = peak(&measured.timeline, tier);
    let what = words::tier(tier);
    if peak == 0 {
        return format!("{what} per second: none");
    }
    let moment = figure::moment(at_s - axis.origin_s);
    format!("{what} per second, at most {} at {moment}", figure::number(peak))
}

fn decimals(greatest: f64) -> usize {
    usize::from(greatest <= 1.0)
}

/// The requests of a second at a tier.
pub(super) fn requests(second: &Second, tier: &str) -> u64 {
    match tier {
        "edge" => second.edge,
        "origin" => second.origin.unwrap_or(0),
        "payment" => second.payment.unwrap_or(0),
        _ => second.checkout,
    }
}

fn peak(timeline: &[Second], tier: &str) -> (f64, u64) {
    timeline.iter().map(|second| (second.at_s, requests(second, tier))).fold(
        (0.0, 0),
        |peak, second| {
            if second.1 > peak.1 { second } else { peak }
        },
    )
}

fn description(measured: &Measured) -> String {
    let opening_s = digest::opening_s(measured).unwrap_or(0.0);
    let tiers = digest::counted_tiers(measured).into_iter();
    let peaks: Vec<String> = tiers
        .map(|tier| {
            let (at_s, peak) = peak(&measured.timeline, tier);
            let moment = figure::moment(at_s - opening_s);
            format!("{tier} peaks at {}/s at {moment}.", figure::number(peak))
        })
        .collect();
    peaks.join(" ")
}
