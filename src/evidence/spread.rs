//! Many values by their quantiles.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Quantiles of many values, in their unit.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// How many.
    pub count: u64,
    /// Half are at most this.
    pub p50: f64,
    /// 90 %.
    pub p90: f64,
    /// 95 %.
    pub p95: f64,
    /// 99 %.
    pub p99: f64,
    /// 99.9 %.
    pub p99_9: f64,
    /// The most.
    pub max: f64,
}

impl Spread {
    /// The spread of so many values, `at` of which says which value that share is at most.
    pub fn of(count: u64, at: impl Fn(f64) -> f64) -> Self {
        let [p50, p90, p95, p99, p99_9, max] = [0.5, 0.9, 0.95, 0.99, 0.999, 1.0].map(at);
        Self { count, p50, p90, p95, p99, p99_9, max }
    }
}
