//! The seconds around the opening in tenths: a spike of three seconds is thirty bars wide.

use super::moments::TimeAxis;
use super::panel::{Frame, Panel, Tick, round_steps, stairs};
use super::reading::Unit;
use super::sheet::{Caption, Ink, drawing};
use crate::measure::Tenth;
use crate::report::figure;
use crate::verdict::Summary;

const SIZE: (u32, u32) = (960, 404);
/// How long a tenth lasts \[s\].
const TENTH_S: f64 = 0.1;

/// Operations sent and the 99 % response time of reloads per 100 ms around the opening, as SVG.
pub fn opening(summary: &Summary) -> String {
    let measured = &summary.result.measured;
    let tenths = &measured.opening;
    let busiest = tenths.iter().map(|tenth| tenth.sent).max().unwrap_or(0);
    let slowest_ms = tenths.iter().filter_map(|tenth| tenth.reload_p99_ms).fold(0.0, f64::max);
    let caption = Caption {
        name: "opening".to_owned(),
        title: "The opening, in tenths of a second".to_owned(),
        description: format!(
            "At most {} operations are sent in 100 ms; the slowest reloads take {}.",
            figure::number(busiest),
            figure::milliseconds(slowest_ms)
        ),
    };
    let (Some(first), Some(last)) = (tenths.first(), tenths.last()) else {
        return super::nothing(&caption);
    };
    let axis = TimeAxis::new(measured, first.at_s, last.at_s + TENTH_S);
    let upper = Frame { left: 68, top: 46, right: 944, bottom: 184 };
    let lower = Frame { top: 222, bottom: 360, ..upper };
    drawing(&caption, SIZE, |sheet| {
        let counts = round_steps(busiest as f64, 4.0);
        let panel = Panel::new(sheet, upper, axis.range, (0.0, counts[counts.len() - 1]));
        axis.ground(&panel);
        panel.horizontal_grid(&named(&counts, |count| figure::decimal(count, 0)));
        let sent: Vec<(f64, f64)> =
            tenths.iter().map(|tenth| (tenth.at_s - axis.origin_s, tenth.sent as f64)).collect();
        panel.area(&stairs(&sent, TENTH_S), Ink::Line(0));
        panel.reads(axis.counts, &[("sent in 100 ms", Unit::Count, &sent[..])]);
        axis.marks(&panel);
        let remark = format!("operations sent in each 100 ms, at most {}", figure::number(busiest));
        panel.name("sent", &remark, axis.labels_height(upper));

        let times = round_steps(slowest_ms, 4.0);
        let panel = Panel::new(sheet, lower, axis.range, (0.0, times[times.len() - 1]));
        axis.ground(&panel);
        panel.horizontal_grid(&named(&times, round_milliseconds));
        for stretch in unbroken(tenths, axis.origin_s) {
            panel.line(&stairs(&stretch, TENTH_S), Ink::Line(0));
        }
        let answered: Vec<(f64, f64)> = unbroken(tenths, axis.origin_s).concat();
        panel.reads(axis.counts, &[("reload, 99 %", Unit::Milliseconds, &answered[..])]);
        axis.marks(&panel);
        let remark = format!(
            "99 % are answered within this time, at most {}",
            figure::milliseconds(slowest_ms)
        );
        panel.name("reload", &remark, 0);
        panel.names_below(&axis.ticks(), axis.title);
        axis.labels(sheet, upper);
    })
}

fn named(steps: &[f64], name: impl Fn(f64) -> String) -> Vec<Tick> {
    steps.iter().map(|step| (*step, name(*step))).collect()
}

/// A round length of time \[ms\] without digits that say nothing.
fn round_milliseconds(millis: f64) -> String {
    if millis == 0.0 {
        "0".to_owned()
    } else if millis >= 1_000.0 {
        format!("{} s", figure::decimal(millis / 1e3, usize::from(millis % 1_000.0 > 0.0)))
    } else {
        format!("{} ms", figure::decimal(millis, usize::from(millis.fract() > 0.0)))
    }
}

/// The response times in stretches without a gap: where nothing was answered there is no line.
fn unbroken(tenths: &[Tenth], origin_s: f64) -> Vec<Vec<(f64, f64)>> {
    let mut stretches = vec![Vec::new()];
    for tenth in tenths {
        match tenth.reload_p99_ms {
            Some(millis) => {
                let last = stretches.len() - 1;
                stretches[last].push((tenth.at_s - origin_s, millis));
            }
            None => stretches.push(Vec::new()),
        }
    }
    stretches
}
