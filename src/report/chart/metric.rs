//! A metric of somebody else's under the tiers, on their axis of time.

use super::moments::TimeAxis;
use super::panel::{Frame, Panel, round_steps};
use super::reading::Unit;
use super::sheet::{DOTS, Ink, Sheet, Size, width};
use crate::measure::SeriesSummary;
use crate::report::{figure, series};

/// How wide a single value is drawn, as a share of the panel.
const SINGLE: f64 = 0.004;
/// Values beyond these have no place on a scale.
const GREATEST: f64 = 1e100;

/// The values of `metric` in `frame`, with its name above.
pub(super) fn panel<'s, 'b>(
    sheet: &'s Sheet<'b>,
    frame: Frame,
    axis: &TimeAxis,
    metric: &SeriesSummary,
) -> Panel<'s, 'b> {
    let drawn =
        metric.points.iter().filter(|(at_s, value)| at_s.is_finite() && value.abs() < GREATEST);
    let mut points: Vec<(f64, f64)> =
        drawn.map(|(at_s, value)| (at_s - axis.origin_s, *value)).collect();
    let greatest = points.iter().map(|point| point.1).fold(0.0, f64::max);
    let least = points.iter().map(|point| point.1).fold(0.0, f64::min);
    // What is never above nothing hangs from the top.
    let (steps, sign) = if greatest > 0.0 || least == 0.0 {
        (round_steps(greatest, 3.0), 1.0)
    } else {
        (round_steps(-least, 3.0), -1.0)
    };
    let end = sign * steps[steps.len() - 1];
    let scale = (least.min(end), greatest.max(end));
    let panel = Panel::new(sheet, frame, axis.range, scale);
    axis.ground(&panel);
    let name = |step: &f64| (sign * step, series::value(sign * step));
    panel.horizontal_grid(&steps.iter().map(name).collect::<Vec<_>>());
    panel.reads(axis.counts, &[(&metric.name[..], Unit::Value, &points[..])]);
    if let [(at_s, value)] = points[..] {
        let beside = (axis.range.1 - axis.range.0) * SINGLE;
        points.push((at_s + beside, value));
    }
    panel.line(&points, Ink::Line(2));
    axis.marks(&panel);
    let (name, remark) = title(metric, axis, frame);
    panel.name(&name, &remark, 0);
    panel
}

/// The metric's name, cut where it leaves no room, and its least and greatest value.
fn title(metric: &SeriesSummary, axis: &TimeAxis, frame: Frame) -> (String, String) {
    let remark = metric.values.map_or_else(String::new, |values| {
        let moment = |at_s: f64| figure::moment(at_s - axis.origin_s);
        let (least, most) = (series::value(values.min), series::value(values.max));
        let (first, then) = (moment(values.min_at_s), moment(values.max_at_s));
        format!("imported; at least {least} at {first}, at most {most} at {then}")
    });
    let room = (frame.right - frame.left - 10) * DOTS - width(&remark, Size::Small);
    let mut name = metric.name.clone();
    while width(&name, Size::Middle) > room && name.chars().count() > 2 {
        let kept = name.chars().count() - 2;
        name = name.chars().take(kept).chain(['…']).collect();
    }
    (name, remark)
}
