//! A sample of independent values: where its mean lies, and how far its values spread.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::round6;

/// What may lie outside of the interval of a mean, on both sides together.
const OUTSIDE: f64 = 0.05;
/// How often the quantile of Student's t is halved in: more than the bits of its fraction.
const HALVINGS: u32 = 80;
/// Beyond the quantile of one degree of freedom, 12.706, which is the greatest.
const T_MAX: f64 = 13.0;

/// Figures of a sample, in the unit of its values, rounded to 6 decimals.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// How many values.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// From where to where the mean of all that could have come lies with 95 % confidence (Student's t);
    /// absent for fewer than two values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci95: Option<[f64; 2]>,
    /// The least.
    pub min: f64,
    /// 5 % are below.
    pub p5: f64,
    /// Half are below.
    pub median: f64,
    /// 95 % are below.
    pub p95: f64,
    /// The greatest.
    pub max: f64,
}

impl Sample {
    /// The figures of `values`, which came independently of each other; nothing of nothing.
    ///
    /// The interval is that of Law, Simulation Modeling and Analysis, 5th ed. (2015), §9.4.1: mean ± t · s / √n.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let mean = mean(values);
        let ci95 = half_width(values).map(|half| [round6(mean - half), round6(mean + half)]);
        let at = |share| round6(quantile(&sorted, share));
        Some(Self {
            count: values.len() as u64,
            mean: round6(mean),
            ci95,
            min: round6(min),
            p5: at(0.05),
            median: at(0.5),
            p95: at(0.95),
            max: round6(max),
        })
    }

    /// Half of the interval's width as a share of the mean: 0 where all values are the same, infinite where the
    /// mean is 0 and they are not; nothing for fewer than two values.
    pub fn relative_half_width(&self) -> Option<f64> {
        let [low, high] = self.ci95?;
        let half = (high - low) / 2.0;
        Some(if half > 0.0 { half / self.mean.abs() } else { 0.0 })
    }
}

/// The value below which a share of `sorted` values lies, on the straight line between two of them (the usual
/// definition, number 7 of Hyndman and Fan, The American Statistician 50 (1996)); 0 of nothing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place among values, which are not negative in number"
)]
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = last as f64 * share.clamp(0.0, 1.0);
    let below = place.floor() as usize;
    let (low, high) = (sorted[below.min(last)], sorted[(below + 1).min(last)]);
    low + (high - low) * (place - place.floor())
}

/// Half of the width of the mean's interval; nothing for fewer than two values.
fn half_width(values: &[f64]) -> Option<f64> {
    let freedom =
        u32::try_from(values.len()).ok()?.checked_sub(1).filter(|freedom| *freedom > 0)?;
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    let variance = squares / f64::from(freedom);
    Some(student_t(freedom) * libm::sqrt(variance / values.len() as f64))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The value of Student's t with so many degrees of freedom, at least one, beyond which 5 % lie on both sides
/// together.
fn student_t(freedom: u32) -> f64 {
    let (mut low, mut high) = (0.0, T_MAX);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if within(middle, freedom) < 1.0 - OUTSIDE {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// How likely Student's t lies within ±`t`: the finite sums of Abramowitz and Stegun, Handbook of Mathematical
/// Functions (1964), 26.7.3 and 26.7.4.
fn within(t: f64, freedom: u32) -> f64 {
    let angle = libm::atan(t / libm::sqrt(f64::from(freedom)));
    let (sine, cosine) = (libm::sin(angle), libm::cos(angle));
    let is_odd = freedom % 2 == 1;
    // Each term is the one before times cos² and a ratio of neighbours: 2/3, 4/5, … or 1/2, 3/4, …
    let first = if is_odd { cosine } else { 1.0 };
    let (mut term, mut sum, mut above) = (first, 0.0, if is_odd { 2.0 } else { 1.0 });
    let terms = if is_odd { (freedom - 1) / 2 } else { freedom / 2 };
    for _ in 0..terms {
        sum += term;
        term *= cosine * cosine * above / (above + 1.0);
        above += 2.0;
    }
    if is_odd { (angle + sine * sum) * core::f64::consts::FRAC_2_PI } else { sine * sum }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn students_t_is_that_of_the_tables() {
        // Abramowitz and Stegun, table 26.10, with more digits of the usual tables.
        for (freedom, expected) in [
            (1, 12.706_205),
            (2, 4.302_653),
            (3, 3.182_446),
            (4, 2.776_445),
            (7, 2.364_624),
            (9, 2.262_157),
            (15, 2.131_450),
            (31, 2.039_513),
            (120, 1.979_930),
            (999, 1.962_341),
        ] {
            let found = student_t(freedom);
            assert!((found - expected).abs() < 1e-6, "{freedom}: {found} is not {expected}");
        }
    }

    #[test]
    fn an_interval_is_the_one_by_hand() {
        // 1, 2, 3, 4, 5 have the mean 3 and s² = 2.5; 2.776445 · √(2.5 / 5) = 1.963243.
        let found = Sample::of(&[4.0, 1.0, 5.0, 2.0, 3.0]).unwrap();
        assert_eq!((found.count, found.mean, found.median), (5, 3.0, 3.0));
        assert_eq!(found.ci95, Some([1.036_757, 4.963_243]));
        assert_eq!((found.min, found.max), (1.0, 5.0));
        // Between the first and the second value, a fifth of the way: 1 + 4 · 0.05.
        assert_eq!((found.p5, found.p95), (1.2, 4.8));
        let share = found.relative_half_width().unwrap();
        assert!((share - 0.654_414).abs() < 1e-6, "{share}");
    }

    #[test]
    fn one_value_has_no_interval_and_none_no_figures() {
        let one = Sample::of(&[7.0]).unwrap();
        assert_eq!((one.ci95, one.p5, one.p95, one.relative_half_width()), (None, 7.0, 7.0, None));
        assert_eq!(Sample::of(&[]), None);
    }

    #[test]
    fn values_that_are_all_the_same_are_known() {
        let none = Sample::of(&[0.0; 10]).unwrap();
        assert_eq!(none.relative_half_width(), Some(0.0));
        let about_nothing = Sample::of(&[-1.0, 1.0]).unwrap();
        assert_eq!(about_nothing.relative_half_width(), Some(f64::INFINITY));
    }

    proptest! {
        #[test]
        fn figures_stand_in_their_order(values in prop::collection::vec(-1e6_f64..1e6, 2..60)) {
            let found = Sample::of(&values).unwrap();
            let order = [found.min, found.p5, found.median, found.p95, found.max];
            prop_assert!(order.is_sorted(), "{order:?}");
            let [low, high] = found.ci95.unwrap();
            prop_assert!(low <= found.mean && found.mean <= high);
        }
    }
}
