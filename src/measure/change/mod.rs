//! Whether one sample of runs differs from another, without a law for how their figures spread: ranks,
//! an interval by drawing the runs again, a correction for several questions at once, and what so many
//! runs could have shown.

pub mod holm;
pub mod power;
pub mod ranks;
pub mod resample;

use serde::{Deserialize, Serialize};

/// How two figures are held against each other.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// By their ratio: times and rates, which are more than 0. An effect is its natural logarithm.
    Ratio,
    /// By their difference: shares, which may be 0. An effect is in the unit of the figures.
    Difference,
}

impl Scale {
    /// How far it is from one figure to the other: above 0 where it grows. From 0 to more than 0 a ratio
    /// is infinite.
    pub fn effect(self, from: f64, to: f64) -> f64 {
        match self {
            Self::Difference => to - from,
            // Not the logarithm of a quotient: the same way back is the same with the other sign.
            Self::Ratio => {
                let (from, to) = (libm::log(from), libm::log(to));
                if from.total_cmp(&to).is_eq() { 0.0 } else { to - from }
            }
        }
    }
}

/// How the runs of two samples belong together.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// The first of one beside the first of the other in time, and so on: both have as many.
    Pairs,
    /// Each sample was taken by itself.
    Apart,
}

/// Two samples of one figure, in the order in which they were taken.
#[derive(Copy, Clone, Debug)]
pub struct Samples<'a> {
    /// What it is compared with.
    pub a: &'a [f64],
    /// What is compared.
    pub b: &'a [f64],
    /// How they belong together.
    pub layout: Layout,
}

/// The middle of some values, or the mean of the two in the middle; 0 of nothing. Their order is lost.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values {
        [] => 0.0,
        _ if values.len() % 2 == 1 => values[middle],
        _ if values[middle - 1].total_cmp(&values[middle]).is_eq() => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// The value that a share of `sorted` does not exceed, one of the values themselves; nothing of nothing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place among values, which are not negative in number"
)]
fn at(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last as f64 * share.clamp(0.0, 1.0)).round() as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let found = [&mut [3.0, 1.0, 2.0][..], &mut [4.0, 1.0, 3.0, 2.0], &mut []].map(median);
        assert_eq!(found.map(f64::to_bits), [2.0_f64, 2.5, 0.0].map(f64::to_bits));
        assert!(median(&mut [f64::INFINITY; 2]).is_infinite());
    }

    #[test]
    fn an_effect_back_is_the_same_with_the_other_sign() {
        for scale in [Scale::Ratio, Scale::Difference] {
            for (from, to) in [(1.0, 1.1), (3.0, 0.2), (0.7, 0.7)] {
                let both = scale.effect(from, to) + scale.effect(to, from);
                assert!(both.abs() <= 0.0, "{scale:?} {from} {to}");
            }
        }
        assert!((Scale::Ratio.effect(2.0, 2.2) - 0.095_310).abs() < 1e-6);
        assert!((Scale::Difference.effect(0.01, 0.03) - 0.02).abs() < 1e-12);
    }

    #[test]
    fn nothing_beside_nothing_is_no_effect_and_something_beside_nothing_is_any() {
        let effect = |from, to| Scale::Ratio.effect(from, to);
        assert!(effect(0.0, 0.0).abs() <= 0.0);
        assert!(effect(0.0, 1.0) > f64::MAX && effect(1.0, 0.0) < f64::MIN);
    }
}
