//! What the generator could have seen: its own health, second by second, made one summary.

use std::collections::BTreeMap;

use domain::outcome::Outcome;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::latency::{LatencyLog, Series, milliseconds};
use crate::measure::round3;
use crate::measure::timeline::Timeline;
use crate::measure::vitals::{CoreWaits, MachineLoad, Vitals};

/// The generator's own health.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HealthSummary {
    /// From intended to sent \[ms\].
    pub lateness_ms: LatenessSummary,
    /// The share of one core that the generator used, at its busiest second.
    pub cpu: f64,
    /// Operations that could not be sent: the generator's own fault.
    pub dropped: u64,
    /// All cores of the machine; absent where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineSummary>,
    /// Load threads that were ready to run and did not; absent where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_queue: Option<RunQueueSummary>,
    /// How far the wall clock and the monotonic clock may have come apart over the run, the
    /// resolution and the reading of both included \[us\].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_error_us: Option<f64>,
    /// The bounds within which the reading counts, by figure.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bounds: BTreeMap<String, Bound>,
}

/// From intended to sent \[ms\].
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatenessSummary {
    /// Half are at most this.
    pub p50: f64,
    /// 99 %.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// All cores of the machine that made the load.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MachineSummary {
    /// How many there are.
    pub cores: u32,
    /// The share of their time in which they worked for anybody, at the busiest second, in \[0, 1\].
    pub busy: f64,
    /// The share of their time over the run that the host gave to other machines (steal), in
    /// \[0, 1\].
    pub stolen: f64,
    /// Whether they were kept from halting while the run lasted.
    #[serde(default)]
    pub kept_awake: bool,
}

/// How many load threads were ready to run and did not, and for how long.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunQueueSummary {
    /// How many waited on average over the run.
    pub mean: f64,
    /// How many waited on average over the worst second.
    pub worst: f64,
    /// How long each turn was waited for, on average over the worst second for that \[ms\].
    pub wait_ms: f64,
}

/// A figure and the most it may be.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bound {
    /// The figure that was read.
    pub value: f64,
    /// The most it may be.
    pub bound: f64,
    /// Whether it was within it.
    pub status: BoundStatus,
}

/// Whether a bound was kept.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoundStatus {
    /// It was.
    Kept,
    /// It was not: the reading does not count.
    Broken,
}

impl Bound {
    /// `value` against the most it may be.
    pub fn at_most(value: f64, bound: f64) -> Self {
        let status = if value <= bound { BoundStatus::Kept } else { BoundStatus::Broken };
        Self { value, bound, status }
    }
}

/// The generator's health over a run; its bounds are the judge's to add.
pub(super) fn health(latency: &LatencyLog, timeline: &Timeline) -> HealthSummary {
    let lateness = latency.whole(Series::Lateness);
    let at = |quantile| milliseconds(lateness.value_at_quantile(quantile));
    let total = timeline.total();
    let shed = |outcomes: &BTreeMap<Outcome, u64>| outcomes.get(&Outcome::Shed).copied();
    let vitals: Vec<Vitals> = timeline.seconds.values().filter_map(|line| line.vitals).collect();
    HealthSummary {
        lateness_ms: LatenessSummary {
            p50: at(0.5),
            p99: at(0.99),
            max: milliseconds(lateness.max()),
        },
        cpu: round3(total.cpu.unwrap_or(0.0)),
        dropped: total.outcomes.values().filter_map(shed).sum(),
        machine: machine(&vitals),
        run_queue: run_queue(&vitals),
        clock_error_us: vitals
            .iter()
            .filter_map(|reading| reading.clock_error_us)
            .reduce(f64::max)
            .map(round3),
        bounds: BTreeMap::new(),
    }
}

fn machine(vitals: &[Vitals]) -> Option<MachineSummary> {
    let readings: Vec<(f64, MachineLoad)> = vitals
        .iter()
        .filter_map(|reading| Some((reading.span_s, reading.machine?)))
        .filter(|(span_s, _)| *span_s > 0.0)
        .collect();
    let span_s: f64 = readings.iter().map(|(span_s, _)| span_s).sum();
    let stolen_s: f64 = readings.iter().map(|(span_s, load)| span_s * load.stolen).sum();
    Some(MachineSummary {
        cores: readings.iter().map(|(_, load)| load.cores).max()?,
        busy: round3(readings.iter().map(|(_, load)| load.busy).fold(0.0, f64::max)),
        stolen: round3(stolen_s / span_s),
        kept_awake: readings.iter().any(|(_, load)| load.kept_awake),
    })
}

fn run_queue(vitals: &[Vitals]) -> Option<RunQueueSummary> {
    let readings: Vec<(f64, CoreWaits)> = vitals
        .iter()
        .filter_map(|reading| Some((reading.span_s, reading.waits?)))
        .filter(|(span_s, _)| *span_s > 0.0)
        .collect();
    let span_s: f64 = readings.iter().map(|(span_s, _)| span_s).sum();
    let waited_ms: f64 = readings.iter().map(|(_, waits)| waits.waited_ms).sum();
    // By Little's law, the time waited in a second is the mean number of those who wait.
    let waiting = |(span_s, waits): &(f64, CoreWaits)| waits.waited_ms / 1e3 / span_s;
    // Who got no turn at all waited for one.
    let wait_ms = |(_, waits): &(f64, CoreWaits)| waits.waited_ms / waits.turns.max(1) as f64;
    Some(RunQueueSummary {
        worst: round3(readings.iter().map(waiting).reduce(f64::max)?),
        mean: round3(waited_ms / 1e3 / span_s),
        wait_ms: round3(readings.iter().map(wait_ms).reduce(f64::max)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::timeline::TimelineLine;

    fn timeline(readings: &[Vitals]) -> Timeline {
        let mut timeline = Timeline::default();
        for (second, vitals) in (0..).zip(readings) {
            let vitals = Some(*vitals);
            timeline.add(&TimelineLine { second, vitals, ..TimelineLine::default() });
        }
        timeline
    }

    #[test]
    fn the_worst_second_and_the_whole_run_are_both_told() {
        let reading = |span_s, busy, stolen, waited_ms, turns, clock_us| Vitals {
            span_s,
            machine: Some(MachineLoad { cores: 2, busy, stolen, kept_awake: true }),
            waits: Some(CoreWaits { waited_ms, turns }),
            clock_error_us: Some(clock_us),
        };
        let told = timeline(&[
            reading(1.0, 0.5, 0.0, 100.0, 1_000, 10.0),
            reading(2.0, 0.9, 0.3, 800.0, 100, 30.0),
            reading(1.0, 0.7, 0.2, 300.0, 0, 20.0),
        ]);
        let health = health(&LatencyLog::default(), &told);
        let machine = MachineSummary { cores: 2, busy: 0.9, stolen: 0.2, kept_awake: true };
        assert_eq!(health.machine, Some(machine));
        let queue = RunQueueSummary { mean: 0.3, worst: 0.4, wait_ms: 300.0 };
        assert_eq!(health.run_queue, Some(queue));
        assert_eq!(health.clock_error_us, Some(30.0));
    }

    #[test]
    fn what_the_system_does_not_tell_is_absent_and_not_zero() {
        let silent = timeline(&[Vitals { span_s: 1.0, ..Vitals::default() }]);
        let health = health(&LatencyLog::default(), &silent);
        assert_eq!((health.machine, health.run_queue, health.clock_error_us), (None, None, None));
    }
}
