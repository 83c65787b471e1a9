//! What a plain queue came to: figures of its steady state, each with its confidence interval.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a plain queue came to, after its warm-up.
///
/// Who joins waits until a server takes him or he gives up, and is there until he has been served or
/// gave up; so Little's law holds of both, L = λW. Where servers are shared, the wait is what the stay
/// lasts beyond the service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueOutcome {
    /// How many customers came.
    pub customers: u64,
    /// How many of them, the first, were left out as a warm-up (MSER-5).
    pub warm_up: u64,
    /// Why the queue is in no steady state, if it is not: then its figures say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsettled: Option<String>,
    /// How long who joined waited \[s\].
    pub wait_s: TimeEstimate,
    /// How long who joined was there \[s\].
    pub in_system_s: TimeEstimate,
    /// How many wait, in the mean over time.
    pub waiting: Estimate,
    /// How many are there, in the mean over time.
    pub in_system: Estimate,
    /// The share of the servers that is busy, in the mean over time \[0 to 1\].
    pub utilisation: Estimate,
    /// The share of those who came that was turned away \[0 to 1\].
    pub blocked: Estimate,
    /// The share of those who came that gave up \[0 to 1\].
    pub abandoned: Estimate,
    /// How many are served in a second \[1/s\].
    pub per_s: Estimate,
}

/// A mean and where it lies with 95 % confidence.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// From where to where it lies with 95 % confidence (Student's t over batch means).
    pub ci95: [f64; 2],
}

/// A length of time: its mean, and its quantiles \[s\].
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimeEstimate {
    /// The mean \[s\].
    pub mean: f64,
    /// From where to where the mean lies with 95 % confidence \[s\].
    pub ci95: [f64; 2],
    /// Half are at most this \[s\].
    pub p50: f64,
    /// 90 % \[s\].
    pub p90: f64,
    /// 95 % \[s\].
    pub p95: f64,
    /// 99 % \[s\].
    pub p99: f64,
    /// 99.9 % \[s\].
    pub p99_9: f64,
    /// The longest \[s\].
    pub max: f64,
}
