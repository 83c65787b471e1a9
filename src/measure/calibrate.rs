//! Laws of service times out of what a live run measured: what the simulated stack takes for its own.

use std::collections::BTreeMap;

use domain::outcome::Operation;
use domain::quantiles::Quantiles;
use domain::time::Duration;
use hdrhistogram::Histogram;

use super::Measured;
use super::latency::{LatencyLog, Series, histogram};

/// So many of each are needed: fewer say little beyond the median.
pub const SAMPLES_MIN: u64 = 50;
/// A quantile is kept where so many values lie beyond it in the mean. Without it there is a straight line to the
/// longest, which is farther off than the noise of three.
const BEYOND_MIN: f64 = 3.0;
/// Operations that ask the shop what is free, and nobody else anything.
const LOOKUPS: [Operation; 3] = [Operation::Slots, Operation::Item, Operation::Cart];
/// Draws of a sum of laws: a prime, so that the steps below pass through all of them.
const DRAWS: usize = 10_007;
/// Steps through these draws for the second and the third law of a sum: the numbers of Roberts's sequence of
/// two dimensions (0.7549 and 0.5698), which fill the square evenly.
const STEPS: [usize; 2] = [7_554, 5_702];
/// So often a remainder is mended; after fewer it moves no more.
const ROUNDS: usize = 40;

/// What a live run measured: times in microseconds \[us\].
#[derive(Clone, Debug)]
pub struct Timed {
    /// Requests that the edge answered from its cache, from sent to done.
    pub hits: Histogram<u64>,
    /// Requests that reach the application and let it ask the inventory once, from sent to done.
    pub lookups: Histogram<u64>,
    /// Reservations, from asking the inventory until the pieces are held, by the shop's ledger.
    pub reservations: Histogram<u64>,
}

impl Timed {
    /// What a run's latency log, its counts and its ledger (`reservations`) hold. Nobody notes which request of
    /// a reload was answered from a cache; how many were not, the shop says.
    #[expect(clippy::missing_panics_doc, reason = "all histograms of times have the same bounds")]
    pub fn new(latency: &LatencyLog, measured: &Measured, reservations: Histogram<u64>) -> Self {
        let mut lookups = histogram();
        for operation in LOOKUPS {
            let times = latency.whole(Series::Service(operation));
            lookups.add(times).expect("histograms of times have the same bounds");
        }
        let calls = latency.whole(Series::Call);
        let hits = without(&calls, &lookups, missed(measured, calls.len()));
        Self { hits, lookups, reservations }
    }

    /// How many there are of each, by name.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let counts = [
            ("answers of a cache", &self.hits),
            ("look-ups", &self.lookups),
            ("reservations", &self.reservations),
        ];
        counts.into_iter().map(|(name, times)| (name.to_owned(), times.len())).collect()
    }
}

/// How many of the timed requests of reloads went on to the origin: what reached it, less all that other
/// operations sent there, and less those requests that were refused and therefore not timed.
fn missed(measured: &Measured, timed: u64) -> u64 {
    let count = |name: &str| measured.operations.get(name).map_or(0, |operation| operation.count);
    let reloads = [Operation::Reload.word(), "reload.call"];
    let others = measured.operations.iter().filter(|(name, _)| !reloads.contains(&name.as_str()));
    let others: u64 = others.map(|(_, operation)| operation.count).sum();
    let origin = measured.rates.get("origin").and_then(|rate| rate.count).unwrap_or(0);
    let refused = count("reload.call").saturating_sub(timed);
    origin.saturating_sub(others + refused).min(timed)
}

/// The times of `all` that are left when so many are taken out that are distributed as `others`.
fn without(all: &Histogram<u64>, others: &Histogram<u64>, many: u64) -> Histogram<u64> {
    let mut left = histogram();
    let left_in_all = all.len() - many;
    let mut others_at = others.iter_recorded().peekable();
    let (mut below, mut below_others, mut kept) = (0_u64, 0_u64, 0_u64);
    for step in all.iter_recorded() {
        let us = step.value_iterated_to();
        below += step.count_at_value();
        while let Some(other) = others_at.next_if(|other| other.value_iterated_to() <= us) {
            below_others += other.count_at_value();
        }
        let taken = u128::from(many) * u128::from(below_others) / u128::from(others.len().max(1));
        let taken = u64::try_from(taken).unwrap_or(many);
        let until = below.saturating_sub(taken).clamp(kept, left_in_all);
        // Nothing of a value would still be its longest.
        if until > kept {
            left.saturating_record_n(us, until - kept);
        }
        kept = until;
    }
    left
}

/// Service times of the tiers.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Laws {
    /// Of the edge, with the way there and back in it: nobody can tell them apart.
    pub edge: Quantiles,
    /// Of the application.
    pub application: Quantiles,
    /// Of the database, `pause` left out: how long a transaction stays open on purpose.
    pub database: Quantiles,
}

/// The laws with which a simulated stack takes the measured times: a hit is the edge's, a reservation the
/// database's, and a look-up both of them and the application's, each drawn by itself.
///
/// # Panics
/// When there is nothing of one of them.
pub fn laws(measured: &Timed, pause: Duration) -> Laws {
    let edge = quantiles(&measured.hits, Duration::ZERO);
    let database = quantiles(&measured.reservations, pause);
    let lookups = quantiles(&measured.lookups, Duration::ZERO);
    Laws { edge, application: remainder(&lookups, [&edge, &database]), database }
}

/// The quantiles of measured times, less `pause`, as far as there are enough for them.
fn quantiles(times: &Histogram<u64>, pause: Duration) -> Quantiles {
    let kept = Quantiles::SHARES.map(|share| {
        // 1 − 0.9 is a little less than a tenth.
        let beyond = ((1.0 - share) * times.len() as f64 * 1e6).round() / 1e6;
        let us = if share <= 0.0 { times.min() } else { times.value_at_quantile(share) };
        let is_known = share >= 1.0 || beyond >= BEYOND_MIN;
        is_known.then(|| Duration::from_micros(us).saturating_sub(pause))
    });
    Quantiles::new(kept).expect("the shortest and the longest are known, and quantiles do not fall")
}

/// The law that makes `sum` of itself and `parts`, each drawn by itself, as nearly as one can that is not
/// below 0: from the differences of the quantiles on, mended by what their sum comes to.
fn remainder(sum: &Quantiles, parts: [&Quantiles; 2]) -> Quantiles {
    let wanted = seconds(sum);
    let [one, two] = parts.map(seconds);
    let mut found: [f64; Quantiles::SHARES.len()] =
        std::array::from_fn(|place| (wanted[place] - one[place] - two[place]).max(0.0));
    for _ in 0..ROUNDS {
        let law = rising(&mut found);
        let made = sums(&law, parts);
        for (place, share) in Quantiles::SHARES.into_iter().enumerate() {
            found[place] = (found[place] + wanted[place] - at(&made, share)).max(0.0);
        }
    }
    rising(&mut found)
}

fn seconds(law: &Quantiles) -> [f64; Quantiles::SHARES.len()] {
    law.lengths().map(|length| length.as_secs_f64())
}

/// The law of these quantiles \[s\], none of which is allowed to fall.
fn rising(found: &mut [f64; Quantiles::SHARES.len()]) -> Quantiles {
    let mut highest = 0.0_f64;
    for seconds in found.iter_mut() {
        highest = highest.max(*seconds);
        *seconds = highest;
    }
    // To the microsecond, as all that was measured.
    let lengths = found.map(|seconds| Some(Duration::from_secs_f64((seconds * 1e6).round() / 1e6)));
    Quantiles::new(lengths).expect("they do not fall")
}

/// Sums of three laws drawn by themselves, evenly over all that can come, in order \[s\].
fn sums(first: &Quantiles, others: [&Quantiles; 2]) -> Vec<f64> {
    let share = |draw: usize| (draw as f64 + 0.5) / DRAWS as f64;
    let mut sums: Vec<f64> = (0..DRAWS)
        .map(|draw| {
            let others = others.into_iter().zip(STEPS);
            let others = others.map(|(law, step)| law.at(share(draw * step % DRAWS)));
            (first.at(share(draw)) + others.sum::<Duration>()).as_secs_f64()
        })
        .collect();
    sums.sort_by(f64::total_cmp);
    sums
}

/// The value below which that share of sorted values lies.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a length is a length"
)]
fn at(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{OperationSummary, RateSummary};

    fn times(us: impl IntoIterator<Item = u64>) -> Histogram<u64> {
        let mut times = histogram();
        for us in us {
            times.record(us).unwrap();
        }
        times
    }

    fn counts(times: &Histogram<u64>) -> Vec<(u64, u64)> {
        let steps = times.iter_recorded();
        steps.map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
    }

    fn near(found: Duration, expected_us: f64, share: f64) -> bool {
        (found.as_secs_f64() * 1e6 - expected_us).abs() <= share * expected_us
    }

    #[test]
    fn what_always_takes_as_long_is_taken_apart_exactly() {
        let measured = Timed {
            hits: times([200; 200]),
            lookups: times([1_000; 200]),
            reservations: times([500; 200]),
        };
        let laws = laws(&measured, Duration::ZERO);
        for (law, expected_us) in
            [(laws.edge, 200.0), (laws.application, 300.0), (laws.database, 500.0)]
        {
            for share in [0.0, 0.5, 1.0] {
                assert!(near(law.at(share), expected_us, 0.01), "{law:?} {expected_us}");
            }
        }
    }

    #[test]
    fn the_three_laws_drawn_one_by_one_make_the_measured_times() {
        // Even laws: 0 to 1 ms, 1 to 3 ms and 0 to 2 ms, in 21³ sums.
        let (edge, application, database) = (0..=20, 20..=60, 0..=40);
        let even = |steps: std::ops::RangeInclusive<u64>| steps.map(|step| step * 50);
        let mut lookups = Vec::new();
        for one in even(edge.clone()) {
            for two in even(application.clone()) {
                lookups.extend(even(database.clone()).map(|three| one + two + three));
            }
        }
        let measured = Timed {
            hits: times((0..2_000).map(|step| step / 2)),
            lookups: times(lookups),
            reservations: times(0..2_000),
        };
        let wanted = quantiles(&measured.lookups, Duration::ZERO);
        let laws = laws(&measured, Duration::ZERO);
        let made = sums(&laws.application, [&laws.edge, &laws.database]);
        for share in [0.25, 0.5, 0.75, 0.9, 0.95, 0.99] {
            let made = Duration::from_secs_f64(at(&made, share));
            let wanted_us = wanted.at(share).as_secs_f64() * 1e6;
            assert!(near(made, wanted_us, 0.02), "{share}: {made:?} {wanted_us}");
        }
        // The application's own median, 2 ms, is found again, as nearly as nine quantiles say.
        assert!(near(laws.application.at(0.5), 2_000.0, 0.1), "{:?}", laws.application);
    }

    #[test]
    fn a_part_that_takes_longer_than_the_whole_leaves_nothing() {
        let measured = Timed {
            hits: times([200; 200]),
            lookups: times([300; 200]),
            reservations: times([5_000; 200]),
        };
        let laws = laws(&measured, Duration::ZERO);
        assert_eq!(laws.application.lengths(), [Duration::ZERO; Quantiles::SHARES.len()]);
    }

    #[test]
    fn what_went_on_to_the_origin_is_taken_out_of_the_reloads() {
        // 900 hits of 1 to 9 ms, and 100 look-ups of 5 and 20 ms among them.
        let hits = (1..=9).flat_map(|ms| std::iter::repeat_n(ms * 1_000, 100));
        let misses = [5_000, 20_000].into_iter().flat_map(|us| std::iter::repeat_n(us, 50));
        let found = without(&times(hits.clone().chain(misses)), &times([5_000, 20_000]), 100);
        assert_eq!(counts(&found), counts(&times(hits)));
        assert!(near(Duration::from_micros(found.max()), 9_000.0, 0.01), "{}", found.max());
        // What is not there cannot be taken out.
        let none = without(&times([1_000; 10]), &times([5_000]), 4);
        assert_eq!(counts(&none), counts(&times([1_000; 6])));
    }

    #[test]
    fn what_reached_the_origin_by_a_reload_is_what_nothing_else_sent_there() {
        let operation = |count| OperationSummary { count, ..OperationSummary::default() };
        let named = |(name, count): (&str, u64)| (name.to_owned(), operation(count));
        let rate = RateSummary { count: Some(400), ..RateSummary::default() };
        let measured = Measured {
            operations: [("reload", 300), ("reload.call", 1_800), ("slots", 50), ("checkout", 20)]
                .map(named)
                .into(),
            rates: [("origin".to_owned(), rate)].into(),
            ..Measured::default()
        };
        // 1,800 requests, of which 1,600 were timed: 400 − 70 − 200.
        assert_eq!(missed(&measured, 1_600), 130);
        assert_eq!(missed(&Measured::default(), 1_600), 0);
    }

    #[test]
    fn a_pause_of_a_transaction_is_not_its_work() {
        let found = quantiles(&times([5_000; 200]), Duration::from_millis(4));
        assert!(near(found.at(0.5), 1_000.0, 0.01), "{found:?}");
        let none = quantiles(&times([5_000; 200]), Duration::from_millis(9));
        assert_eq!(none.at(1.0), Duration::ZERO);
    }

    #[test]
    fn a_tail_that_too_few_have_seen_is_no_quantile() {
        // Of 100 values the 99th percentile is one of the two longest: the line goes on from the 90th.
        let found = quantiles(&times((1..=99).chain([10_000])), Duration::ZERO);
        assert!(near(found.at(0.9), 90.0, 0.02), "{found:?}");
        assert!(found.at(0.99) > Duration::from_millis(1), "{found:?}");
    }
}
