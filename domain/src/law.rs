//! Laws of random lengths of time: constant, lognormal, exponential, empirical.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::draw::Draw;
use crate::quantiles::Quantiles;
use crate::time::{Duration, Span, duration_from_seconds};

/// How a random length of time is distributed.
///
/// Written `"20ms"`, `{ median = "700ms", sigma = 0.62 }` (or `p99 = "3s"` instead of `sigma`),
/// `{ mean = "1s" }`, or by measured quantiles: `{ p50 = "400ms", p99 = "3s", p100 = "18s" }`.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Law {
    /// Always the same.
    Constant(Duration),
    /// Lognormal by its median and the sigma of its logarithm.
    Lognormal {
        /// Half of all draws are shorter.
        median: Duration,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
    /// Exponential by its mean.
    Exponential {
        /// The mean.
        mean: Duration,
    },
    /// As it was measured.
    Empirical(Quantiles),
}

impl Default for Law {
    fn default() -> Self {
        Self::Constant(Duration::ZERO)
    }
}

/// The 99 % quantile of the standard normal distribution.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

impl Law {
    /// The length of time that `draw` stands for.
    pub fn sample(self, draw: Draw) -> Duration {
        match self {
            Self::Constant(length) => length,
            Self::Lognormal { median, sigma } => draw.lognormal_duration(median, sigma),
            Self::Exponential { mean } => {
                duration_from_seconds(draw.exponential(mean.as_secs_f64()))
            }
            Self::Empirical(quantiles) => quantiles.at(draw.uniform()),
        }
    }

    /// The mean length of time; for the lognormal, median · exp(sigma²/2).
    pub fn mean(self) -> Duration {
        match self {
            Self::Constant(length) => length,
            Self::Lognormal { median, sigma } => {
                duration_from_seconds(median.as_secs_f64() * libm::exp(sigma * sigma / 2.0))
            }
            Self::Exponential { mean } => mean,
            Self::Empirical(quantiles) => quantiles.mean(),
        }
    }

    /// A length of time that practically no draw exceeds (the 99.9 % quantile), for bounds.
    pub fn bound(self) -> Duration {
        const NORMAL_P99_9: f64 = 3.090_232_306_167_813_5;
        match self {
            Self::Constant(length) => length,
            Self::Lognormal { median, sigma } => {
                duration_from_seconds(median.as_secs_f64() * libm::exp(sigma * NORMAL_P99_9))
            }
            Self::Exponential { mean } => mean.mul_f64(6.907_755_278_982_137),
            Self::Empirical(quantiles) => quantiles.at(0.999),
        }
    }

    /// The same law with every length of time multiplied by `factor` (not negative).
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        match self {
            Self::Constant(length) => Self::Constant(length.mul_f64(factor)),
            Self::Lognormal { median, sigma } => {
                Self::Lognormal { median: median.mul_f64(factor), sigma }
            }
            Self::Exponential { mean } => Self::Exponential { mean: mean.mul_f64(factor) },
            Self::Empirical(quantiles) => Self::Empirical(quantiles.times(factor)),
        }
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Parameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    median: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sigma: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p0: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p25: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p75: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p90: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p95: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99_9: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p100: Option<Span>,
}

impl Parameters {
    /// The quantiles, in the order of [`Quantiles::KEYS`].
    fn quantiles(&self) -> [Option<Duration>; Quantiles::KEYS.len()] {
        let Self { p0, p25, p50, p75, p90, p95, p99, p99_9, p100, .. } = *self;
        [p0, p25, p50, p75, p90, p95, p99, p99_9, p100].map(|span| span.map(|span| span.0))
    }

    fn of(quantiles: &Quantiles) -> Self {
        let [p0, p25, p50, p75, p90, p95, p99, p99_9, p100] =
            quantiles.lengths().map(|length| Some(Span(length)));
        Self { p0, p25, p50, p75, p90, p95, p99, p99_9, p100, ..Self::default() }
    }

    fn law(self) -> Result<Law, String> {
        let given = self.quantiles();
        let only_p99 = given.iter().flatten().count() == usize::from(self.p99.is_some());
        match (self.median, self.sigma, self.mean) {
            (None, None, None) => Quantiles::new(given)
                .map(Law::Empirical)
                .map_err(|error| format!("{HINT}: {error}")),
            _ if only_p99 => self.parametric().map_err(str::to_owned),
            _ => Err(HINT.to_owned()),
        }
    }

    fn parametric(self) -> Result<Law, &'static str> {
        match (self.median, self.sigma, self.p99, self.mean) {
            (Some(median), Some(sigma), None, None) if sigma.is_finite() && sigma >= 0.0 => {
                Ok(Law::Lognormal { median: median.0, sigma })
            }
            (Some(_), Some(_), None, None) => Err("`sigma` must be 0 or more"),
            (Some(median), None, Some(p99), None) if p99 >= median && median.0 > Duration::ZERO => {
                let sigma = libm::log(p99.0.as_secs_f64() / median.0.as_secs_f64()) / NORMAL_P99;
                Ok(Law::Lognormal { median: median.0, sigma })
            }
            (Some(_), None, Some(_), None) => {
                Err("`p99` must not be shorter than `median`, and `median` not 0")
            }
            (None, None, None, Some(mean)) => Ok(Law::Exponential { mean: mean.0 }),
            _ => Err(HINT),
        }
    }
}

const HINT: &str = "a law is { median = \"6s\", sigma = 0.8 }, { median = \"700ms\", p99 = \"3s\" }, \
                    { mean = \"1s\" } or { p50 = \"400ms\", p99 = \"3s\", p100 = \"18s\" }";

impl Serialize for Law {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let none = Parameters::default();
        match *self {
            Self::Constant(length) => Span(length).serialize(serializer),
            Self::Lognormal { median, sigma } => {
                Parameters { median: Some(Span(median)), sigma: Some(sigma), ..none }
                    .serialize(serializer)
            }
            Self::Exponential { mean } => {
                Parameters { mean: Some(Span(mean)), ..none }.serialize(serializer)
            }
            Self::Empirical(quantiles) => Parameters::of(&quantiles).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Law {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrTable;
        impl<'de> de::Visitor<'de> for TextOrTable {
            type Value = Law;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(
                    "a length of time such as \"20ms\", or a law such as { median = \"6s\", sigma = 0.8 }",
                )
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Law, E> {
                text.parse::<Span>().map(|span| Law::Constant(span.0)).map_err(E::custom)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Law, A::Error> {
                Parameters::deserialize(de::value::MapAccessDeserializer::new(map))?
                    .law()
                    .map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(TextOrTable)
    }
}

impl JsonSchema for Law {
    fn schema_name() -> Cow<'static, str> {
        "Law".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let span = generator.subschema_for::<Span>();
        json_schema!({
            "anyOf": [
                span,
                {
                    "type": "object",
                    "properties": {
                        "median": span,
                        "sigma": { "type": "number", "minimum": 0 },
                        "mean": span,
                        "p0": span,
                        "p25": span,
                        "p50": span,
                        "p75": span,
                        "p90": span,
                        "p95": span,
                        "p99": span,
                        "p99_9": span,
                        "p100": span
                    },
                    "additionalProperties": false
                }
            ],
            "description": "A random length of time: always the same (\"20ms\"), lognormal ({ median, sigma } or { median, p99 }), exponential ({ mean }) or as it was measured, by two quantiles or more ({ p0, p25, p50, p75, p90, p95, p99, p99_9, p100 })."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Purpose, draw_for};

    #[test]
    fn a_law_by_its_p99_has_that_p99() {
        let law: Law = serde_json::from_str(r#"{ "median": "700ms", "p99": "3s" }"#).unwrap();
        let Law::Lognormal { sigma, .. } = law else { panic!("{law:?}") };
        assert!((0.7 * libm::exp(sigma * NORMAL_P99) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_law_by_its_quantiles_is_what_was_measured() {
        let text = r#"{ "p50": "400ms", "p99": "3s", "p100": "18s" }"#;
        let law: Law = serde_json::from_str(text).unwrap();
        let draws = (0..20_000).map(|n| law.sample(draw_for(7, 1, Purpose::ProviderLatency, n)));
        let mut lengths: Vec<_> = draws.collect();
        lengths.sort();
        let seconds = |share: usize| lengths[lengths.len() * share / 1_000].as_secs_f64();
        assert!((seconds(500) - 0.4).abs() < 0.05, "{}", seconds(500));
        assert!((seconds(990) - 3.0).abs() < 0.4, "{}", seconds(990));
        assert!(lengths.last().unwrap().as_secs_f64() > 15.0);
        let again: Law = serde_json::from_str(&serde_json::to_string(&law).unwrap()).unwrap();
        assert_eq!(again, law);
    }

    #[test]
    fn a_law_says_what_it_wants() {
        for text in [
            r#"{ "p50": "1s" }"#,
            r#"{ "median": "1s", "p50": "1s" }"#,
            r#"{ "median": "1s" }"#,
            r#"{ "mean": "1s", "sigma": 1 }"#,
            "3",
            r#""soon""#,
        ] {
            let message = serde_json::from_str::<Law>(text).unwrap_err().to_string();
            assert!(
                message.contains("length of time") || message.contains("a law is"),
                "{message}"
            );
        }
    }
}
