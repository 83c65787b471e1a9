//! The laws of a textbook's queue: gaps, services, patience.

use domain::draw::{Draws, Purpose};

/// A random length of time by its mean \[s\] and its shape.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Length {
    /// Always the mean (D).
    Constant {
        /// The mean \[s\].
        mean_s: f64,
    },
    /// Exponential (M).
    Exponential {
        /// The mean \[s\].
        mean_s: f64,
    },
    /// The sum of `phases` exponential ones (E with an index); its squared coefficient of variation
    /// is 1 / `phases`.
    Erlang {
        /// The mean \[s\].
        mean_s: f64,
        /// How many.
        phases: u32,
    },
    /// One of two exponential ones, each of which brings half of the mean (H with the index 2, balanced
    /// means: Whitt, Bell System Technical Journal 61 (1982) 163).
    Hyperexponential {
        /// The mean \[s\].
        mean_s: f64,
        /// The squared coefficient of variation, at least 1.
        cv2: f64,
    },
    /// Lognormal.
    Lognormal {
        /// The mean \[s\].
        mean_s: f64,
        /// The standard deviation of its natural logarithm.
        sigma: f64,
    },
}

impl Length {
    /// The mean \[s\].
    pub const fn mean_s(self) -> f64 {
        match self {
            Self::Constant { mean_s }
            | Self::Exponential { mean_s }
            | Self::Erlang { mean_s, .. }
            | Self::Hyperexponential { mean_s, .. }
            | Self::Lognormal { mean_s, .. } => mean_s,
        }
    }

    /// A lognormal one by its mean \[s\] and its squared coefficient of variation: σ² = ln(1 + cv²).
    pub fn lognormal(mean_s: f64, cv2: f64) -> Self {
        Self::Lognormal { mean_s, sigma: libm::sqrt(libm::log1p(cv2)) }
    }

    /// The length \[s\] that customer `who` draws for `purpose`.
    pub fn sample(self, draws: Draws, who: u64, purpose: Purpose) -> f64 {
        let draw = |number| draws.draw_for(who, purpose, number);
        match self {
            Self::Constant { mean_s } => mean_s,
            Self::Exponential { mean_s } => draw(0).exponential_quickly(mean_s),
            Self::Erlang { mean_s, phases } => {
                let phase_s = mean_s / f64::from(phases);
                (0..phases).map(|phase| draw(phase).exponential_quickly(phase_s)).sum()
            }
            Self::Hyperexponential { mean_s, cv2 } => {
                // The shorter one has the weight p = (1 + √((cv² − 1)/(cv² + 1))) / 2, and each
                // branch the mean m / 2p_i.
                let short = 0.5 * (1.0 + libm::sqrt((cv2 - 1.0) / (cv2 + 1.0)));
                let weight = if draw(0).chance(short) { short } else { 1.0 - short };
                draw(1).exponential_quickly(mean_s / (2.0 * weight))
            }
            Self::Lognormal { mean_s, sigma } => {
                draw(0).lognormal(mean_s * libm::exp(-sigma * sigma / 2.0), sigma)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_mean_and_its_spread() {
        const COUNT: u64 = 400_000;
        for (length, cv2) in [
            (Length::Constant { mean_s: 3.0 }, 0.0),
            (Length::Exponential { mean_s: 3.0 }, 1.0),
            (Length::Erlang { mean_s: 3.0, phases: 4 }, 0.25),
            (Length::Hyperexponential { mean_s: 3.0, cv2: 4.0 }, 4.0),
            (Length::lognormal(3.0, 0.5), 0.5),
        ] {
            let drawn: Vec<f64> = (0..COUNT)
                .map(|who| length.sample(Draws::under(7), who, Purpose::Service))
                .collect();
            let mean = drawn.iter().sum::<f64>() / COUNT as f64;
            let square = |drawn: &f64| (drawn - mean) * (drawn - mean);
            let spread = drawn.iter().map(square).sum::<f64>() / COUNT as f64 / (mean * mean);
            assert!((mean / 3.0 - 1.0).abs() < 0.02, "{length:?}: {mean}");
            assert!((spread - cv2).abs() <= 0.05 * cv2, "{length:?}: {spread}");
        }
    }
}
