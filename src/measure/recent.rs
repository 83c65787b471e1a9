//! What the last seconds of a run were like, for a person who watches.

use std::collections::{BTreeMap, VecDeque};

use domain::outcome::{Operation, Outcome};
use hdrhistogram::Histogram;

use crate::measure::latency::{Series, growing_histogram, milliseconds};
use crate::measure::meter::Counts;

/// How many seconds are the last ones: as many as smooth a line, and few enough that a spike of
/// three seconds shows.
pub const WINDOW_S: usize = 5;

/// What came in within the last [`WINDOW_S`] seconds. Its memory hangs on no rate: a histogram for
/// each operation and second.
#[derive(Debug, Default)]
pub(super) struct Recent {
    seconds: VecDeque<Second>,
}

/// What came in within one second, whenever it was meant to be sent.
#[derive(Debug, Default)]
struct Second {
    outcomes: BTreeMap<Series, [u64; Outcome::ALL.len()]>,
    times: BTreeMap<Series, Histogram<u32>>,
}

/// What the last seconds of one operation, or of the requests of reloads, were like.
#[derive(Clone, Debug, PartialEq)]
pub struct RecentSeries {
    /// Which.
    pub series: Series,
    /// Answered or given up, per second \[1/s\].
    pub per_s: f64,
    /// The share of them that was told 429 or the like (`rate_limited`).
    pub limited: f64,
    /// The share of them that failed (`error`, `unknown`, `shed`).
    pub failed: f64,
    /// Response time (of a request of a reload: from sent to done) at 50, 95 and 99 % \[ms\]; nothing
    /// while no answer counts for it.
    pub times_ms: Option<[f64; 3]>,
}

impl Recent {
    /// Another second begins, and the oldest is forgotten.
    pub(super) fn begin(&mut self) {
        if self.seconds.len() == WINDOW_S {
            self.seconds.pop_front();
        }
        self.seconds.push_back(Second::default());
    }

    /// Notes what was counted.
    pub(super) fn count(&mut self, counts: &Counts) {
        let Some(second) = self.seconds.back_mut() else { return };
        let operations = Operation::ALL.map(Series::Response).into_iter().zip(&counts.outcomes);
        for (series, outcomes) in operations.chain([(Series::Call, &counts.calls)]) {
            if outcomes.iter().any(|count| *count > 0) {
                add(second.outcomes.entry(series).or_default(), outcomes);
            }
        }
    }

    /// Notes the times of a series, where a person watches them.
    pub(super) fn time(&mut self, series: Series, values: &Histogram<u32>) {
        let (Some(second), Series::Response(_) | Series::Call) = (self.seconds.back_mut(), series)
        else {
            return;
        };
        let times = second.times.entry(series).or_insert_with(growing_histogram);
        times.add(values).expect("it grows to the longest of them");
    }

    /// What the last seconds were like, in the order of the funnel, without what nobody did.
    pub(super) fn series(&self) -> Vec<RecentSeries> {
        let [reload, others @ ..] = Operation::ALL.map(Series::Response);
        let shown = [reload, Series::Call].into_iter().chain(others);
        shown.filter_map(|series| self.one(series)).collect()
    }

    fn one(&self, series: Series) -> Option<RecentSeries> {
        let mut sums = [0; Outcome::ALL.len()];
        let mut times = growing_histogram();
        for second in &self.seconds {
            if let Some(outcomes) = second.outcomes.get(&series) {
                add(&mut sums, outcomes);
            }
            if let Some(values) = second.times.get(&series) {
                times.add(values).expect("it grows to the longest of them");
            }
        }
        let total: u64 = sums.iter().sum();
        if total == 0 {
            return None;
        }
        let share = |these: &[Outcome]| {
            let such: u64 = these.iter().map(|outcome| sums[*outcome as usize]).sum();
            such as f64 / total as f64
        };
        let quantile = |share: f64| milliseconds(times.value_at_quantile(share));
        Some(RecentSeries {
            series,
            per_s: total as f64 / self.seconds.len() as f64,
            limited: share(&[Outcome::RateLimited]),
            failed: share(&[Outcome::Error, Outcome::Unknown, Outcome::Shed]),
            times_ms: (!times.is_empty()).then(|| [0.5, 0.95, 0.99].map(quantile)),
        })
    }
}

fn add(sums: &mut [u64; Outcome::ALL.len()], counts: &[u64; Outcome::ALL.len()]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(recent: &mut Recent, ok: u64, limited: u64, took_ms: u64) {
        let mut counts = Counts::default();
        counts.outcomes[Operation::Checkout as usize][Outcome::Ok as usize] = ok;
        counts.outcomes[Operation::Checkout as usize][Outcome::RateLimited as usize] = limited;
        let mut values = growing_histogram();
        values.record_n(took_ms * 1_000, u32::try_from(ok).unwrap()).unwrap();
        recent.begin();
        recent.count(&counts);
        recent.time(Series::Response(Operation::Checkout), &values);
        recent.time(Series::Service(Operation::Checkout), &values);
    }

    #[test]
    fn the_last_five_seconds_count_and_no_more() {
        let mut recent = Recent::default();
        second(&mut recent, 1_000, 0, 9_000);
        for _ in 0..WINDOW_S {
            second(&mut recent, 30, 10, 100);
        }

        let [checkout] = &recent.series()[..] else { panic!("one operation was seen") };

        assert_eq!(checkout.series, Series::Response(Operation::Checkout));
        assert!((checkout.per_s - 40.0).abs() < 1e-9, "{checkout:?}");
        assert!((checkout.limited - 0.25).abs() < 1e-9, "{checkout:?}");
        assert!(checkout.failed.abs() < 1e-9, "{checkout:?}");
        let [p50, _, p99] = checkout.times_ms.unwrap();
        assert!((99.0..102.0).contains(&p50) && (99.0..102.0).contains(&p99), "{checkout:?}");
    }

    #[test]
    fn requests_of_reloads_are_shown_before_anybody_is_let_in() {
        let mut recent = Recent::default();
        let mut counts = Counts::default();
        counts.outcomes[Operation::Reload as usize][Outcome::NotOpen as usize] = 10;
        counts.calls[Outcome::Ok as usize] = 50;
        counts.calls[Outcome::NotOpen as usize] = 10;
        let mut values = growing_histogram();
        values.record_n(2_000, 60).unwrap();
        recent.begin();
        recent.count(&counts);
        recent.time(Series::Call, &values);

        let [reload, call] = &recent.series()[..] else { panic!("two series were seen") };

        assert_eq!((reload.series, reload.times_ms), (Series::Response(Operation::Reload), None));
        assert_eq!((call.series, call.times_ms.is_some()), (Series::Call, true));
        assert!((call.per_s - 60.0).abs() < 1e-9, "{call:?}");
    }

    #[test]
    fn what_nobody_did_is_left_out_and_refusals_have_no_time() {
        let mut recent = Recent::default();
        assert_eq!(recent.series(), []);
        second(&mut recent, 0, 5, 0);
        let [checkout] = &recent.series()[..] else { panic!("one operation was seen") };
        assert_eq!((checkout.limited, checkout.times_ms), (1.0, None));
    }
}
