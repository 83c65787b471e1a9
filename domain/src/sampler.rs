//! A law made ready for millions of draws: its lengths are those of [`Law::sample`] to the nanosecond, or one
//! beside where that lies in the midst of two.

use crate::draw::Draw;
use crate::law::Law;
use crate::quantiles::Quantiles;
use crate::time::{Duration, nanos_from_seconds, nanos_of};

/// A law whose parameters are numbers already.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampler(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Constant { nanos: u64 },
    Lognormal { median_s: f64, sigma: f64 },
    Exponential { mean_s: f64 },
    Empirical(Box<Quantiles>),
}

impl Sampler {
    /// A sampler of `law`.
    pub fn new(law: Law) -> Self {
        Self(match law {
            Law::Lognormal { median, sigma } if sigma != 0.0 => {
                Kind::Lognormal { median_s: median.as_secs_f64(), sigma }
            }
            Law::Constant(length) | Law::Lognormal { median: length, .. } => {
                Kind::Constant { nanos: nanos_of(length) }
            }
            Law::Exponential { mean } => Kind::Exponential { mean_s: mean.as_secs_f64() },
            Law::Empirical(quantiles) => Kind::Empirical(Box::new(quantiles)),
        })
    }

    /// The length of time that `draw` stands for \[ns\].
    pub fn nanos(&self, draw: Draw) -> u64 {
        match &self.0 {
            Kind::Constant { nanos } => *nanos,
            Kind::Lognormal { median_s, sigma } => {
                nanos_from_seconds(draw.lognormal_quickly(*median_s, *sigma))
            }
            Kind::Exponential { mean_s } => nanos_from_seconds(draw.exponential_quickly(*mean_s)),
            Kind::Empirical(quantiles) => nanos_of(quantiles.at(draw.uniform())),
        }
    }

    /// The same as a duration.
    pub fn sample(&self, draw: Draw) -> Duration {
        Duration::from_nanos(self.nanos(draw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Draws, Purpose};

    #[test]
    fn its_lengths_are_those_of_its_law() {
        let law = |text: &str| -> Law { serde_json::from_str(text).unwrap() };
        let laws = [
            r#""20ms""#,
            r#"{ "median": "20ms", "sigma": 0.3 }"#,
            r#"{ "median": "700ms", "p99": "3s" }"#,
            r#"{ "median": "30ms", "sigma": 0 }"#,
            r#"{ "mean": "1s" }"#,
            r#"{ "p50": "400ms", "p99": "3s", "p100": "18s" }"#,
        ]
        .map(law);
        let draws = Draws::under(7);
        for law in laws {
            let sampler = Sampler::new(law);
            let mut others = 0;
            for who in 0..20_000 {
                let draw = draws.draw_for(who, Purpose::Service, 0);
                let expected = nanos_of(law.sample(draw));
                let found = sampler.nanos(draw);
                assert!(found.abs_diff(expected) <= 1, "{law:?}: {found} {expected}");
                others += u32::from(found != expected);
            }
            assert!(others <= 2, "{law:?}: {others}");
        }
    }
}
