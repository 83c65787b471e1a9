//! How far two runs lie apart: their times, their rates second by second, and the course of their sales.
//! Each distance of a run to itself is 0, and the same in both directions.

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::measure::{Measured, Second, round3, round6};

/// How far two distributions of times lie apart.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize)]
pub struct TimesApart {
    /// The Wasserstein distance W1, ∫ |F − G| dx: by how much an answer of the one would have to be moved,
    /// in the mean, to make the other of it \[ms\].
    pub w1_ms: f64,
    /// The same as a share of the mean of both means.
    pub w1_share: f64,
    /// W1 on the logarithm of the times, as a factor (1 or more): a typical answer of the one takes so
    /// many times as long as of the other. The tail weighs no more than the body here.
    pub w1_factor: f64,
    /// Kolmogorov and Smirnov's largest |F − G|, in \[0, 1\]: an effect size, and no test. Of a hundred
    /// thousand answers any difference is significant.
    pub ks: f64,
}

/// The distances of two histograms of times \[us\]; nothing where one of them is empty.
pub fn of_times(a: &Histogram<u64>, b: &Histogram<u64>) -> Option<TimesApart> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let mut apart = TimesApart::default();
    let mut logarithms = 0.0;
    let mut from = None;
    let (mut of_a, mut of_b) = (steps(a).peekable(), steps(b).peekable());
    let (mut below_a, mut below_b) = (0_u64, 0_u64);
    while let Some(at) = next(of_a.peek(), of_b.peek()) {
        let gap = (below_a as f64 / a.len() as f64 - below_b as f64 / b.len() as f64).abs();
        if let Some(from) = from {
            apart.w1_ms += gap * (at - from) as f64 / 1e3;
            // Below a microsecond nothing is told apart: 0 counts as 1 us.
            logarithms += gap * libm::log(at.max(1) as f64 / u64::max(from, 1) as f64);
            apart.ks = apart.ks.max(gap);
        }
        from = Some(at);
        below_a += of_a.next_if(|step| step.0 == at).map_or(0, |step| step.1);
        below_b += of_b.next_if(|step| step.0 == at).map_or(0, |step| step.1);
    }
    let mean_ms = f64::midpoint(a.mean(), b.mean()) / 1e3;
    apart.w1_share = if mean_ms > 0.0 { round6(apart.w1_ms / mean_ms) } else { 0.0 };
    apart.w1_factor = round6(libm::exp(logarithms));
    (apart.w1_ms, apart.ks) = (round3(apart.w1_ms), round6(apart.ks));
    Some(apart)
}

/// The values of a histogram that came, and how often, in order.
fn steps(times: &Histogram<u64>) -> impl Iterator<Item = (u64, u64)> {
    times.iter_recorded().map(|value| (value.value_iterated_to(), value.count_at_value()))
}

/// The next value of either.
fn next(a: Option<&(u64, u64)>, b: Option<&(u64, u64)>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.0.min(b.0)),
        (one, other) => one.or(other).map(|step| step.0),
    }
}

/// How far two rates lie apart, second by second.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize)]
pub struct RatesApart {
    /// The root of the mean square of the differences over the seconds in which either was not 0 \[1/s\].
    pub rmse_per_s: f64,
    /// The same as a share of the mean of both means over these seconds (NRMSE).
    pub nrmse: f64,
}

/// The distance of two rates, an entry per second from the same moment on \[1/s\]; what is not there is
/// 0. Nothing where both are nothing but 0.
pub fn of_rates(a: &[f64], b: &[f64]) -> Option<RatesApart> {
    let at = |rates: &[f64], second: usize| rates.get(second).copied().unwrap_or(0.0);
    let pairs = (0..a.len().max(b.len())).map(|second| (at(a, second), at(b, second)));
    let (mut seconds, mut squares, mut sum) = (0_u64, 0.0, 0.0);
    for (a, b) in pairs.filter(|(a, b)| *a > 0.0 || *b > 0.0) {
        seconds += 1;
        squares += (b - a) * (b - a);
        sum += f64::midpoint(a, b);
    }
    if seconds == 0 {
        return None;
    }
    let root = libm::sqrt(squares / seconds as f64);
    Some(RatesApart { rmse_per_s: round3(root), nrmse: round6(root * seconds as f64 / sum) })
}

/// Where two courses of a sale lie farthest apart.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize)]
pub struct CourseApart {
    /// What `b` had sold more than `a` there, as a share of the stock; less is below 0.
    pub share: f64,
    /// The end of that second, from the opening \[s\].
    pub at_s: f64,
}

/// Where the shares of the stock that were sold in a sale lie farthest apart, second by second from the
/// opening on; of equals the first. Nothing where one of the two does not say what was sold when.
pub fn of_courses(a: &Measured, b: &Measured, sale: &str) -> Option<CourseApart> {
    let (a, b) = (course(a, sale)?, course(b, sale)?);
    let sold = |course: &[f64], second: usize| {
        course.get(second).or(course.last()).copied().unwrap_or(0.0)
    };
    let mut apart = CourseApart::default();
    for second in 0..a.len().max(b.len()) {
        let share = sold(&b, second) - sold(&a, second);
        if share.abs() > apart.share.abs() {
            apart = CourseApart { share, at_s: (second + 1) as f64 };
        }
    }
    apart.share = round6(apart.share);
    Some(apart)
}

/// The share of a sale's stock that was sold by the end of each second from its opening on.
fn course(measured: &Measured, sale: &str) -> Option<Vec<f64>> {
    let sale = measured.sales.get(sale)?;
    let stock: u64 = sale.items.values().map(|item| item.stock).sum();
    let sold = |second: &Second| -> Option<i64> {
        let known = sale.items.keys().filter_map(|item| second.sold.get(item));
        known.copied().reduce(|sum, pieces| sum + pieces)
    };
    let opens_s = sale.opens_s.floor();
    let seconds = measured.timeline.iter().filter(|second| second.at_s >= opens_s);
    let course: Vec<f64> =
        seconds.map(|second| sold(second).unwrap_or(0) as f64 / stock as f64).collect();
    let says = measured.timeline.iter().any(|second| sold(second).is_some());
    (says && stock > 0).then_some(course)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::measure::latency::histogram;
    use crate::measure::{ItemSummary, SaleSummary};

    fn times(us: &[u64]) -> Histogram<u64> {
        let mut times = histogram();
        for us in us {
            times.record(*us).unwrap();
        }
        times
    }

    #[test]
    fn times_lie_apart_as_by_hand() {
        // 1, 2, 3 ms against 1, 2, 6 ms: a third of the answers is moved by 3 ms, W1 = 1 ms; the means
        // are 2 and 3 ms; ln 2 of a third; and from 3 to 6 ms a third of F lies above G.
        let apart = of_times(&times(&[1_000, 2_000, 3_000]), &times(&[1_000, 2_000, 6_000]));
        let apart = apart.unwrap();
        for (found, expected) in [
            (apart.w1_ms, 1.0),
            (apart.w1_share, 0.4),
            (apart.w1_factor, libm::cbrt(2.0)),
            (apart.ks, 1.0 / 3.0),
        ] {
            // A histogram keeps three digits of each value.
            assert!((found - expected).abs() < 3e-3 * expected, "{found} {expected}: {apart:?}");
        }
        assert_eq!(of_times(&times(&[]), &times(&[1])), None);
    }

    #[test]
    fn a_shift_of_all_is_the_distance_whatever_the_number() {
        // All twice as long, and three times as many: W1 is the mean, the factor 2, and F and G meet in
        // nothing but the second value.
        let apart = of_times(&times(&[100, 200]), &times(&[200, 400, 200, 400, 200, 400])).unwrap();
        assert!((apart.w1_ms - 0.15).abs() < 1e-3, "{apart:?}");
        assert!((apart.w1_factor - 2.0).abs() < 1e-2, "{apart:?}");
        assert!((apart.ks - 0.5).abs() < 1e-6, "{apart:?}");
    }

    #[test]
    fn rates_lie_apart_as_by_hand() {
        // Differences 0, 3, −4 and 0 over the three seconds that count: √(25 / 3); means 4 and 11/3.
        let apart = of_rates(&[0.0, 3.0, 1.0, 8.0], &[0.0, 3.0, 4.0, 4.0, 0.0]).unwrap();
        assert!((apart.rmse_per_s - 2.887).abs() < 1e-9, "{apart:?}");
        assert!((apart.nrmse - 0.753_066).abs() < 1e-6, "{apart:?}");
        assert_eq!(of_rates(&[0.0], &[]), None);
    }

    fn sold(opens_s: f64, sold: &[i64]) -> Measured {
        let item = ItemSummary { stock: 10, ..ItemSummary::default() };
        let items = [("tee".to_owned(), item)].into();
        let sale = SaleSummary { opens_s, items, ..SaleSummary::default() };
        let second = |(at, sold): (usize, &i64)| Second {
            at_s: at as f64,
            sold: [("tee".to_owned(), *sold)].into(),
            ..Second::default()
        };
        Measured {
            sales: [("noon".to_owned(), sale)].into(),
            timeline: sold.iter().enumerate().map(second).collect(),
            ..Measured::default()
        }
    }

    #[test]
    fn courses_are_laid_upon_each_other_at_the_opening() {
        let (a, b) = (sold(1.0, &[0, 2, 7, 10]), sold(2.0, &[0, 0, 2, 4, 10]));
        let apart = of_courses(&a, &b, "noon").unwrap();
        assert!((apart.share + 0.3).abs() < 1e-9 && (apart.at_s - 2.0).abs() < 1e-9, "{apart:?}");
        // What is over stays as it was.
        let (a, b) = (sold(0.0, &[5, 10]), sold(0.0, &[5, 10, 10, 10]));
        assert_eq!(of_courses(&a, &b, "noon"), Some(CourseApart::default()));
        assert_eq!(of_courses(&a, &Measured::default(), "noon"), None);
    }

    proptest! {
        #[test]
        fn each_distance_to_oneself_is_nothing_and_each_is_symmetric(
            one in prop::collection::vec(0_u64..5_000_000, 1..60),
            other in prop::collection::vec(0_u64..5_000_000, 1..60),
        ) {
            let (a, b) = (times(&one), times(&other));
            let none = TimesApart { w1_factor: 1.0, ..TimesApart::default() };
            prop_assert_eq!(of_times(&a, &a), Some(none));
            prop_assert_eq!(of_times(&a, &b), of_times(&b, &a));
            let rates = |us: &[u64]| us.iter().map(|us| *us as f64).collect::<Vec<f64>>();
            let (a, b) = (rates(&one), rates(&other));
            prop_assert!(of_rates(&a, &a).is_none_or(|apart| apart == RatesApart::default()));
            prop_assert_eq!(of_rates(&a, &b), of_rates(&b, &a));
        }
    }
}
