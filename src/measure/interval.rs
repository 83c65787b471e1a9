//! Where a figure of a sample lies with 95 % confidence, and where the difference of two does: shares,
//! counts and percentiles, without a law for how long things take.
//!
//! The intervals are of the sampling alone, as if answers came independently of each other. In a storm
//! they do not: who queues behind whom makes neighbours alike, and the next run on the same machine may
//! differ by more. That is what a repeat shows.

use hdrhistogram::Histogram;

use crate::measure::latency::milliseconds;

/// The two-sided 95 % point of the normal law.
const Z: f64 = 1.959_963_984_540_054;
/// What may lie outside on either side.
const TAIL: f64 = 0.025;
/// Up to so many values the ranks of a percentile's limits are counted out; of more, the normal law is
/// near enough: the 99.9th percentile of 10,000 values has a binomial variance of 10.
const COUNTED_OUT_MAX: u64 = 10_000;

/// A figure of a sample and where it lies with 95 % confidence: `low ≤ value ≤ high`, in its own unit.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Sampled {
    /// The figure.
    pub value: f64,
    /// The lower limit.
    pub low: f64,
    /// The upper limit.
    pub high: f64,
}

impl Sampled {
    /// Whether 0 is outside.
    pub fn excludes_zero(self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// How many of `of` hit, at most all, as a share in \[0, 1\]; nothing where there were none.
///
/// The score interval of Wilson, Journal of the American Statistical Association 22 (1927).
pub fn share(hits: u64, of: u64) -> Option<Sampled> {
    if of == 0 {
        return None;
    }
    let number = of as f64;
    let value = hits.min(of) as f64 / number;
    let widened = 1.0 + Z * Z / number;
    let centre = (value + Z * Z / (2.0 * number)) / widened;
    let spread = value * (1.0 - value) / number + Z * Z / (4.0 * number * number);
    let half = Z * libm::sqrt(spread) / widened;
    let low = (centre - half).clamp(0.0, value);
    Some(Sampled { value, low, high: (centre + half).clamp(value, 1.0) })
}

/// How often something happened that happens by itself, as a Poisson count.
///
/// The score interval; Barker, The American Statistician 56 (2002), compares it with eight others.
pub fn count(events: u64) -> Sampled {
    let value = events as f64;
    let centre = value + Z * Z / 2.0;
    let half = Z * libm::sqrt(value + Z * Z / 4.0);
    Sampled { value, low: (centre - half).clamp(0.0, value), high: centre + half }
}

/// A percentile of times in microseconds \[us\], in milliseconds \[ms\]; `quantile` is in (0, 1).
/// Nothing where there are too few values for limits on both sides: below 368 for the 99th percentile.
///
/// The limits are two of the values themselves, by their ranks, whatever the law of the times:
/// David and Nagaraja, Order Statistics (2003), 7.1; Le Boudec, Performance Evaluation of Computer and
/// Communication Systems (2010), 2.2.
pub fn percentile(times: &Histogram<u64>, quantile: f64) -> Option<Sampled> {
    let (low, high) = ranks(times.len(), quantile)?;
    let value = milliseconds(times.value_at_quantile(quantile));
    let low = milliseconds(value_at(times, low)?).min(value);
    let high = milliseconds(value_at(times, high)?).max(value);
    Some(Sampled { value, low, high })
}

/// The difference `b − a` of two independent figures, by the limits of each: Newcombe's method 10 for
/// shares, Statistics in Medicine 17 (1998); for any figures, Zou and Donner, Statistics in Medicine 27
/// (2008).
pub fn difference(a: Sampled, b: Sampled) -> Sampled {
    let value = b.value - a.value;
    Sampled {
        value,
        low: value - libm::hypot(b.value - b.low, a.high - a.value),
        high: value + libm::hypot(b.high - b.value, a.value - a.low),
    }
}

/// The ranks, from 1, of the two values between which a quantile of `number` values lies.
fn ranks(number: u64, quantile: f64) -> Option<(u64, u64)> {
    let (low, high) = if number <= COUNTED_OUT_MAX {
        counted_out(number, quantile)?
    } else {
        let centre = number as f64 * quantile;
        let half = Z * libm::sqrt(centre * (1.0 - quantile));
        (whole(centre - half), whole(libm::ceil(centre + half)) + 1)
    };
    (low >= 1 && high <= number).then_some((low, high))
}

/// By the binomial law of how many values lie below the quantile: the greatest rank that is at or below
/// it, and the least that is at or above it, but for one in 40 each.
fn counted_out(number: u64, quantile: f64) -> Option<(u64, u64)> {
    let (mut low, mut high, mut below) = (0, None, 0.0);
    for hits in 0..=number {
        // P(fewer than `hits`) is known before, P(at most `hits`) after.
        if below <= TAIL {
            low = hits;
        }
        if high.is_none() && 1.0 - below <= TAIL {
            high = Some(hits);
        }
        below += chance(hits, number, quantile);
    }
    Some((low, high?))
}

/// The binomial probability of so many hits of `number`.
fn chance(hits: u64, number: u64, quantile: f64) -> f64 {
    let (hits, number) = (hits as f64, number as f64);
    let ways =
        libm::lgamma(number + 1.0) - libm::lgamma(hits + 1.0) - libm::lgamma(number - hits + 1.0);
    libm::exp(ways + hits * libm::log(quantile) + (number - hits) * libm::log(1.0 - quantile))
}

/// The value of that rank, from 1 \[us\].
fn value_at(times: &Histogram<u64>, rank: u64) -> Option<u64> {
    let mut counted = 0;
    let found = times.iter_recorded().find(|value| {
        counted += value.count_at_value();
        counted >= rank
    });
    found.map(|value| value.value_iterated_to())
}

/// The whole part of a rank that may be below 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates at 0, which is no rank"
)]
fn whole(rank: f64) -> u64 {
    rank as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::measure::latency::histogram;

    fn near(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 5e-5
    }

    #[test]
    fn shares_differ_as_in_newcombes_first_example() {
        // 56 of 70 against 48 of 80, Table II, method 10: 0.0524 to 0.3339.
        let found = difference(share(48, 80).unwrap(), share(56, 70).unwrap());
        assert!(near(found.value, 0.2), "{found:?}");
        assert!(near(found.low, 0.0524) && near(found.high, 0.3339), "{found:?}");
        assert!(found.excludes_zero());
        // 9 of 10 against 3 of 10, the second: 0.1705 to 0.8090.
        let found = difference(share(3, 10).unwrap(), share(9, 10).unwrap());
        assert!(near(found.low, 0.1705) && near(found.high, 0.8090), "{found:?}");
        assert_eq!(share(0, 0), None);
    }

    #[test]
    fn a_count_lies_where_the_score_interval_says() {
        // By hand: 100 + 1.92073 ± 1.95996 × √100.96036.
        let found = count(100);
        assert!((found.low - 82.2272).abs() < 1e-3, "{found:?}");
        assert!((found.high - 121.6142).abs() < 1e-3, "{found:?}");
        let none = count(0);
        assert!(none.low.abs() < 1e-12 && (none.high - 3.8415).abs() < 1e-3, "{none:?}");
    }

    #[test]
    fn ranks_are_those_of_the_tables() {
        // The median of 10 lies between the 2nd and the 9th value with 97.9 %: 2 × 11 / 1024 outside.
        assert_eq!(ranks(10, 0.5), Some((2, 9)));
        // 5 values cannot hold a median with 95 %, 6 can: 2 / 64 outside.
        assert_eq!((ranks(5, 0.5), ranks(6, 0.5)), (None, Some((1, 6))));
        // 0.99^367 > 0.025 ≥ 0.99^368.
        assert_eq!(ranks(367, 0.99), None);
        assert_eq!(ranks(368, 0.99).map(|(_, high)| high), Some(368));
        // By hand: 99,000 ± 1.96 × √990 = 98,938.3 and 99,061.7.
        assert_eq!(ranks(100_000, 0.99), Some((98_938, 99_063)));
        assert_eq!(ranks(0, 0.5), None);
    }

    #[test]
    fn a_percentiles_limits_are_values_of_the_sample() {
        let mut times = histogram();
        for ms in 1..=10 {
            times.record(ms * 1_000).unwrap();
        }
        let found = percentile(&times, 0.5).unwrap();
        for (found, expected) in [(found.value, 5.0), (found.low, 2.0), (found.high, 9.0)] {
            assert!((found - expected).abs() <= expected * 1e-3, "{found} {expected}");
        }
        assert_eq!(percentile(&times, 0.99), None);
    }

    proptest! {
        #[test]
        fn a_figure_does_not_differ_from_itself(hits in 0_u64..500, more in 1_u64..500) {
            for figure in [share(hits, hits + more).unwrap(), count(hits)] {
                prop_assert!(figure.low <= figure.value && figure.value <= figure.high);
                let none = difference(figure, figure);
                prop_assert!(none.value.abs() < 1e-12 && !none.excludes_zero());
            }
        }

        #[test]
        fn a_difference_turns_its_sign_with_its_sides(one in 0_u64..500, other in 0_u64..500) {
            let there = difference(count(one), count(other));
            let back = difference(count(other), count(one));
            prop_assert!((there.low + back.high).abs() < 1e-9);
            prop_assert!((there.high + back.low).abs() < 1e-9);
        }

        #[test]
        fn counted_out_ranks_hold_the_quantile(number in 1_u64..600, quantile in 0.01_f64..0.99) {
            if let Some((low, high)) = ranks(number, quantile) {
                let held: f64 = (low..high).map(|hits| chance(hits, number, quantile)).sum();
                prop_assert!(held >= 0.95 - 1e-9, "{number} {quantile}: {held}");
            }
        }
    }
}
