//! An empirical distribution of lengths of time, by its quantiles.

use crate::time::{Duration, nanos_of};

/// The shares of the quantiles that are kept.
const SHARES: [f64; 9] = [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0];

/// A distribution as it was measured: its quantiles, and straight lines between them.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Quantiles([u64; SHARES.len()]);

/// Quantiles that make no distribution.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantilesError {
    /// One point is a constant, and none is nothing.
    #[error("two quantiles at least, such as {{ p50 = \"400ms\", p99 = \"3s\", p100 = \"18s\" }}")]
    TooFew,
    /// A higher quantile is shorter.
    #[error("a higher quantile must not be shorter than a lower one")]
    Falling,
}

impl Quantiles {
    /// The keys of the quantiles, in the order of [`Quantiles::new`].
    pub const KEYS: [&'static str; SHARES.len()] =
        ["p0", "p25", "p50", "p75", "p90", "p95", "p99", "p99_9", "p100"];

    /// The shares that these keys stand for, in \[0, 1\].
    pub const SHARES: [f64; SHARES.len()] = SHARES;

    /// The distribution of these quantiles. Those that are left out lie on the straight line
    /// between their neighbours; below the lowest and above the highest all are equal.
    ///
    /// # Errors
    /// When fewer than two are given, or a higher one is shorter than a lower one.
    pub fn new(given: [Option<Duration>; SHARES.len()]) -> Result<Self, QuantilesError> {
        let known: Vec<_> = SHARES
            .iter()
            .zip(given)
            .filter_map(|(share, length)| Some((*share, nanos_of(length?))))
            .collect();
        if known.len() < 2 {
            return Err(QuantilesError::TooFew);
        }
        if !known.is_sorted_by_key(|(_, nanos)| *nanos) {
            return Err(QuantilesError::Falling);
        }
        Ok(Self(SHARES.map(|share| between(&known, share))))
    }

    /// The length of time below which this share of all lies; `share` in \[0, 1\].
    pub fn at(&self, share: f64) -> Duration {
        let points: [_; SHARES.len()] = std::array::from_fn(|n| (SHARES[n], self.0[n]));
        Duration::from_nanos(between(&points, share))
    }

    /// Their mean: the area under the straight lines.
    pub fn mean(&self) -> Duration {
        let pairs = SHARES.windows(2).zip(self.0.windows(2));
        let areas = pairs.map(|(shares, nanos)| {
            (shares[1] - shares[0]) * (nanos[0] as f64 + nanos[1] as f64) / 2.0
        });
        Duration::from_secs_f64(areas.sum::<f64>() / 1e9)
    }

    /// All of them multiplied by `factor`, which is not negative.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        Self(self.0.map(|nanos| nanos_of(Duration::from_nanos(nanos).mul_f64(factor))))
    }

    /// The quantiles in the order of [`Quantiles::KEYS`].
    pub fn lengths(&self) -> [Duration; SHARES.len()] {
        self.0.map(Duration::from_nanos)
    }
}

/// The value at `share` on the straight lines through `points`, which ascend.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it lies between two numbers of 64 bits"
)]
fn between(points: &[(f64, u64)], share: f64) -> u64 {
    let above = points.partition_point(|(point, _)| *point < share);
    let below = above.checked_sub(1).map(|below| points[below]);
    match (below, points.get(above).copied()) {
        (None, Some((_, nanos))) | (Some((_, nanos)), None) => nanos,
        (Some((low, from)), Some((high, to))) => {
            let way = (share - low) / (high - low);
            from + ((to - from) as f64 * way).round() as u64
        }
        (None, None) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &[(&str, u64)]) -> Result<Quantiles, QuantilesError> {
        Quantiles::new(Quantiles::KEYS.map(|key| {
            let found = given.iter().find(|(given, _)| *given == key);
            found.map(|(_, millis)| Duration::from_millis(*millis))
        }))
    }

    #[test]
    fn what_lies_between_two_quantiles_lies_on_a_straight_line() {
        let law = of(&[("p0", 100), ("p50", 400), ("p99", 3_000), ("p100", 18_000)]).unwrap();
        let millis = |share| law.at(share).as_millis();
        assert_eq!([0.0, 0.25, 0.5, 0.99, 1.0].map(millis), [100, 250, 400, 3_000, 18_000]);
        assert_eq!(millis(0.995), 3_000 + (18_000 - 3_000) / 2);
    }

    #[test]
    fn beyond_the_ends_all_are_equal() {
        let law = of(&[("p50", 400), ("p99", 3_000)]).unwrap();
        assert_eq!((law.at(0.0), law.at(1.0)), (law.at(0.5), law.at(0.99)));
    }

    #[test]
    fn the_mean_is_the_area_under_the_lines() {
        let law = of(&[("p0", 0), ("p100", 1_000)]).unwrap();
        assert_eq!(law.mean(), Duration::from_millis(500));
        assert_eq!(law.times(3.0).mean(), Duration::from_millis(1_500));
    }

    #[test]
    fn one_point_and_falling_ones_are_no_distribution() {
        assert_eq!(of(&[("p50", 1)]), Err(QuantilesError::TooFew));
        assert_eq!(of(&[("p50", 2), ("p99", 1)]), Err(QuantilesError::Falling));
    }
}
