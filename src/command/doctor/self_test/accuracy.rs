//! Truth and measurement side by side: pure.

use std::fmt::Write as _;

use domain::time::Duration;
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::report::figure::{decimal, milliseconds, number, rate, ratio};

use super::server::Truth;

/// The quantiles that are compared; the last, the longest time, is one sample, and decides nothing.
const QUANTILES: [(&str, f64); 6] =
    [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];
/// How far a quantile may be from the truth: this share of it …
pub(super) const TOLERANCE: f64 = 0.05;
/// … or this \[ms\], whichever is more: a request on loopback and its reading take some 0.1 ms.
pub(super) const TOLERANCE_MS: f64 = 1.0;
/// From this lateness on (p99) a run is inconclusive, by the judge's own bound \[ms\].
const LATENESS_MOST_MS: f64 = 20.0;
/// The share of those planned for a freeze who must have met it: a generator that waits for answers
/// sends next to nobody.
const MET_LEAST: f64 = 0.95;

/// What a step wants.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// Requests per second \[1/s\].
    pub(super) per_s: u32,
    /// For how long.
    pub(super) lasts: Duration,
    /// For how long the server stands still, if it does.
    pub(super) frozen: Option<Duration>,
}

impl Plan {
    /// Requests in all.
    pub(super) fn requests(&self) -> u64 {
        (u128::from(self.per_s) * self.lasts.as_millis() / 1_000).try_into().unwrap_or(u64::MAX)
    }

    /// Requests that are meant to meet the freeze.
    fn meant_for_the_freeze(&self) -> f64 {
        self.frozen.map_or(0.0, |frozen| f64::from(self.per_s) * frozen.as_secs_f64())
    }
}

/// What the generator measured.
#[derive(Debug)]
pub(super) struct Measured {
    /// Response times \[us\].
    pub(super) response: Histogram<u64>,
    /// Lateness \[us\].
    pub(super) lateness: Histogram<u64>,
    /// Processor time of the generator.
    pub(super) processor: Duration,
}

/// One quantile, as it was and as it was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Reading {
    /// Such as `p99`.
    pub(super) quantile: &'static str,
    /// What the server did \[ms\].
    pub(super) truth_ms: f64,
    /// What the generator says \[ms\].
    pub(super) measured_ms: f64,
    /// By how much it says more \[ms\].
    pub(super) error_ms: f64,
    /// The same as a share of the truth.
    pub(super) error_ratio: f64,
    /// Whether that is tolerable.
    pub(super) tolerable: bool,
}

/// What came of one step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Accuracy {
    /// Requests per second that were wanted \[1/s\].
    pub(super) per_s: u32,
    /// For how long the server stood still \[ms\].
    pub(super) frozen_ms: u64,
    /// Requests that were wanted.
    pub(super) planned: u64,
    /// Requests that the server answered.
    pub(super) answered: u64,
    /// Requests that were measured.
    pub(super) measured: u64,
    /// Requests that met the freeze.
    pub(super) met_the_freeze: u64,
    /// One for each quantile.
    pub(super) readings: Vec<Reading>,
    /// Lateness: p50, p99 and the most \[ms\].
    pub(super) lateness_ms: [f64; 3],
    /// Processor time of the generator per request \[us\].
    pub(super) processor_us: f64,
    /// What is not as it should be; a sentence each.
    pub(super) faults: Vec<String>,
}

/// Compares what was measured with the truth.
pub(super) fn compare(plan: &Plan, truth: &Truth, measured: &Measured) -> Accuracy {
    let mut times = truth.times_ns.clone();
    times.sort_unstable();
    let lateness_ms = [0.5, 0.99, 1.0].map(|share| quantile_ms(&measured.lateness, share));
    let answered = times.len() as u64;
    let readings: Vec<Reading> = QUANTILES
        .map(|(name, share)| {
            let (truth_ms, measured_ms) =
                (nth_ms(&times, share), quantile_ms(&measured.response, share));
            reading(name, truth_ms, measured_ms)
        })
        .to_vec();
    let mut accuracy = Accuracy {
        per_s: plan.per_s,
        frozen_ms: plan.frozen.map_or(0, |frozen| frozen.as_millis().try_into().unwrap_or(0)),
        planned: plan.requests(),
        answered,
        measured: measured.response.len(),
        met_the_freeze: truth.met_the_freeze,
        readings,
        lateness_ms,
        processor_us: measured.processor.as_secs_f64() * 1e6 / (answered.max(1) as f64),
        faults: Vec::new(),
    };
    accuracy.faults = faults(plan, &accuracy);
    accuracy
}

fn reading(quantile: &'static str, truth_ms: f64, measured_ms: f64) -> Reading {
    let error_ms = measured_ms - truth_ms;
    let most = TOLERANCE_MS.max(TOLERANCE * truth_ms);
    Reading {
        quantile,
        truth_ms,
        measured_ms,
        error_ms,
        error_ratio: if truth_ms > 0.0 { error_ms / truth_ms } else { 0.0 },
        tolerable: quantile == "max" || error_ms.abs() <= most,
    }
}

fn quantile_ms(times: &Histogram<u64>, share: f64) -> f64 {
    times.value_at_quantile(share) as f64 / 1e3
}

/// The smallest time that so large a share of all does not exceed, as histograms have it.
fn nth_ms(sorted_ns: &[u64], share: f64) -> f64 {
    let Some(last) = sorted_ns.len().checked_sub(1) else { return 0.0 };
    let rank = (share * sorted_ns.len() as f64).ceil();
    let place = crate::report::figure::whole(rank).saturating_sub(1);
    sorted_ns[usize::try_from(place).unwrap_or(last).min(last)] as f64 / 1e6
}

fn faults(plan: &Plan, accuracy: &Accuracy) -> Vec<String> {
    let mut faults = Vec::new();
    if accuracy.answered != accuracy.planned || accuracy.measured != accuracy.planned {
        faults.push(format!(
            "{} requests were planned, the server answered {} and {} were measured",
            number(accuracy.planned),
            number(accuracy.answered),
            number(accuracy.measured)
        ));
    }
    let meant = plan.meant_for_the_freeze();
    if (accuracy.met_the_freeze as f64) < MET_LEAST * meant {
        faults.push(format!(
            "{} requests met the freeze instead of {}: the load waited for answers",
            number(accuracy.met_the_freeze),
            decimal(meant, 0)
        ));
    }
    let [_, late, _] = accuracy.lateness_ms;
    if late > LATENESS_MOST_MS {
        faults.push(format!("the load was {} late (p99)", milliseconds(late)));
    }
    for reading in accuracy.readings.iter().filter(|reading| !reading.tolerable) {
        faults.push(format!(
            "{} is {} off, {}",
            reading.quantile,
            milliseconds(reading.error_ms),
            ratio(reading.error_ratio)
        ));
    }
    faults
}

impl Accuracy {
    /// As text for a terminal.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}, {} requests", rate(self.per_s.into()), number(self.answered));
        if self.frozen_ms > 0 {
            let met = number(self.met_the_freeze);
            write!(text, ", {met} of them while the server stood still for {} ms", self.frozen_ms)
                .expect("text can be appended to");
        }
        text.push_str("\n             truth    measured       error\n");
        for reading in &self.readings {
            let mark = if reading.tolerable { ' ' } else { '✗' };
            writeln!(
                text,
                "  {:<6}{:>9} ms{:>9} ms{:>+9.2} ms{:>+8.2} % {mark}",
                reading.quantile,
                decimal(reading.truth_ms, 2),
                decimal(reading.measured_ms, 2),
                reading.error_ms,
                reading.error_ratio * 100.0
            )
            .expect("text can be appended to");
        }
        let [half, late, most] = self.lateness_ms.map(milliseconds);
        writeln!(
            text,
            "  lateness p50 {half}, p99 {late}, max {most}; {} µs of processor time per request",
            decimal(self.processor_us, 1)
        )
        .expect("text can be appended to");
        for fault in &self.faults {
            writeln!(text, "  ✗ {fault}").expect("text can be appended to");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::latency::histogram;

    const PLAN: Plan = Plan { per_s: 100, lasts: Duration::from_secs(10), frozen: None };

    /// A thousand answers of 1 to 1,000 ms, each measured so much later \[us\].
    fn lived(late_us: impl Fn(u64) -> u64) -> (Truth, Measured) {
        let (mut response, mut lateness) = (histogram(), histogram());
        for ms in 1..=1_000 {
            response.record(ms * 1_000 + late_us(ms)).unwrap();
            lateness.record(50).unwrap();
        }
        let times_ns = (1..=1_000).rev().map(|ms| ms * 1_000_000).collect();
        let processor = Duration::from_millis(20);
        (Truth { times_ns, met_the_freeze: 0 }, Measured { response, lateness, processor })
    }

    #[test]
    fn an_accurate_generator_has_no_fault_and_its_errors_are_told() {
        let (truth, measured) = lived(|_| 100);
        let accuracy = compare(&PLAN, &truth, &measured);
        assert_eq!(accuracy.faults, [""; 0]);
        let p99 = &accuracy.readings[3];
        assert!((p99.truth_ms - 990.0).abs() < 1e-9);
        assert!((p99.error_ms - 0.1).abs() < 1.0, "three digits: {p99:?}");
        assert!((accuracy.processor_us - 20.0).abs() < 1e-9);
    }

    #[test]
    fn a_quantile_that_is_off_by_more_than_the_tolerance_is_a_fault_and_the_longest_time_is_not() {
        let (truth, measured) = lived(|ms| if ms > 980 { 80_000 } else { 0 });
        let faults = compare(&PLAN, &truth, &measured).faults;
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].starts_with("p99 ") && faults[1].starts_with("p99.9 "), "{faults:?}");
    }

    #[test]
    fn what_was_lost_on_the_way_is_a_fault() {
        let (mut truth, measured) = lived(|_| 0);
        truth.times_ns.pop();
        let faults = compare(&PLAN, &truth, &measured).faults;
        assert!(faults[0].contains("1,000 requests were planned, the server answered 999"));
    }

    #[test]
    fn a_load_that_waits_for_a_frozen_server_is_found_out() {
        let plan = Plan { frozen: Some(Duration::from_millis(500)), ..PLAN };
        let (truth, measured) = lived(|_| 0);
        let few = compare(&plan, &Truth { met_the_freeze: 4, ..truth.clone() }, &measured);
        assert!(few.faults[0].starts_with("4 requests met the freeze instead of 50"));
        let all = compare(&plan, &Truth { met_the_freeze: 49, ..truth }, &measured);
        assert_eq!(all.faults, [""; 0]);
    }

    #[test]
    fn a_late_load_is_a_fault_whatever_it_measured() {
        let (truth, mut measured) = lived(|_| 0);
        measured.lateness.record_n(30_000, 100).unwrap();
        let faults = compare(&PLAN, &truth, &measured).faults;
        assert!(faults[0].starts_with("the load was 30"), "{faults:?}");
    }
}
