//! Histograms that any number of seconds and machines can be added into: buckets that grow by the same
//! factor, as native histograms of Prometheus and exponential histograms of OpenTelemetry have them.

use std::collections::BTreeMap;

/// Each doubling is cut into 2^5 buckets: a bucket is 2.2 % wide, and a quantile read from its middle is 1.1 %
/// off at most.
pub const SCALE: i32 = 5;

/// Times up to this count as none \[s\]: half of what a time is rounded to.
pub const ZERO_S: f64 = 5e-7;

/// The upper bounds of the buckets that those are shown who know no others \[us\].
pub const BOUNDS_US: [u64; 18] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000, 750_000,
    1_000_000, 2_500_000, 5_000_000, 7_500_000, 10_000_000, 30_000_000, 60_000_000,
];

/// Microseconds in a second.
const US_PER_S: f64 = 1e6;

/// How often each time came, since the run began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exponential {
    /// By the bucket's number: bucket i holds what is above 2^((i−1)/32) s and at most 2^(i/32) s.
    buckets: BTreeMap<i32, u64>,
    zero: u64,
    count: u64,
    sum_us: u64,
    /// Those that are at most the bound of that place and above the one before.
    bounded: [u64; BOUNDS_US.len()],
}

impl Exponential {
    /// Nothing has come.
    pub const fn new() -> Self {
        let bounded = [0; BOUNDS_US.len()];
        Self { buckets: BTreeMap::new(), zero: 0, count: 0, sum_us: 0, bounded }
    }

    /// Adds `count` times of `us` \[us\].
    pub fn record(&mut self, us: u64, count: u64) {
        self.count += count;
        self.sum_us = self.sum_us.saturating_add(us.saturating_mul(count));
        if us == 0 {
            self.zero += count;
        } else {
            *self.buckets.entry(bucket(us)).or_default() += count;
        }
        let place = BOUNDS_US.partition_point(|bound| *bound < us);
        if let Some(bounded) = self.bounded.get_mut(place) {
            *bounded += count;
        }
    }

    /// How many there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// How many count as no time at all.
    pub const fn zero(&self) -> u64 {
        self.zero
    }

    /// All together \[s\].
    pub fn sum_s(&self) -> f64 {
        self.sum_us as f64 / US_PER_S
    }

    /// The buckets that hold something, in runs without a gap: each with the number of its first bucket.
    pub fn runs(&self) -> Vec<(i32, Vec<u64>)> {
        let mut runs: Vec<(i32, Vec<u64>)> = Vec::new();
        let mut next = None;
        for (&bucket, &count) in &self.buckets {
            match runs.last_mut().filter(|_| next == Some(bucket)) {
                Some((_, counts)) => counts.push(count),
                None => runs.push((bucket, vec![count])),
            }
            next = Some(bucket + 1);
        }
        runs
    }

    /// All buckets from the first that holds something to the last, with those between: the number of the
    /// first, and the counts.
    pub fn dense(&self) -> (i32, Vec<u64>) {
        let (Some((&first, _)), Some((&last, _))) =
            (self.buckets.first_key_value(), self.buckets.last_key_value())
        else {
            return (0, Vec::new());
        };
        let counts = (first..=last).map(|bucket| self.buckets.get(&bucket).copied().unwrap_or(0));
        (first, counts.collect())
    }

    /// For each bound how many are at most that: the bound \[s\] and the count.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut sum = 0;
        BOUNDS_US.into_iter().zip(self.bounded).map(move |(bound, count)| {
            sum += count;
            (bound as f64 / US_PER_S, sum)
        })
    }
}

impl Default for Exponential {
    fn default() -> Self {
        Self::new()
    }
}

/// The bucket of a time \[us\].
#[expect(clippy::cast_possible_truncation, reason = "the logarithm of a u64 is small")]
fn bucket(us: u64) -> i32 {
    // Microseconds over a million are exact where they are a power of two of seconds, so that what lies on a
    // bound lies in the bucket below.
    let steps = f64::from(1 << SCALE);
    (libm::log2(us as f64 / US_PER_S) * steps).ceil() as i32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The upper bound of a bucket \[s\].
    fn bound(bucket: i32) -> f64 {
        libm::exp2(f64::from(bucket) / 32.0)
    }

    #[test]
    fn what_lies_on_a_bound_lies_below_it() {
        assert_eq!([250_000, 500_000, 1_000_000, 4_000_000].map(bucket), [-64, -32, 0, 64]);
        assert_eq!([1_000_001, 999_999].map(bucket), [1, 0]);
    }

    #[test]
    fn buckets_come_in_runs_and_dense_and_nothing_is_lost() {
        let mut times = Exponential::default();
        for (us, count) in [(0, 2), (1_000_000, 3), (1_010_000, 4), (4_000_000, 5)] {
            times.record(us, count);
        }
        assert_eq!(times.runs(), [(0, vec![3, 4]), (64, vec![5])]);
        let (first, counts) = times.dense();
        assert_eq!((first, counts.len(), counts.iter().sum::<u64>()), (0, 65, 12));
        assert_eq!((times.count(), times.zero()), (14, 2));
        assert!((times.sum_s() - 27.04).abs() < 1e-9);
        assert_eq!(Exponential::default().dense(), (0, Vec::new()));
    }

    #[test]
    fn bounds_count_all_below_and_what_is_beyond_the_last_is_in_none() {
        let mut times = Exponential::default();
        for us in [0, 1_000, 1_001, 60_000_000, 60_000_001] {
            times.record(us, 1);
        }
        let counts: Vec<(f64, u64)> = times.cumulative().collect();
        assert_eq!(counts[..2], [(0.001, 2), (0.0025, 3)]);
        assert_eq!((counts.last(), times.count()), (Some(&(60.0, 4)), 5));
    }

    proptest! {
        #[test]
        fn every_time_lies_in_its_bucket(us in 1_u64..=600_000_000) {
            let (bucket, s) = (bucket(us), us as f64 / 1e6);
            prop_assert!(bound(bucket - 1) < s * (1.0 + 1e-12));
            prop_assert!(s <= bound(bucket) * (1.0 + 1e-12));
            prop_assert!(bound(bucket - 1) > ZERO_S);
        }
    }
}
