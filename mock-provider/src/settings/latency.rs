//! How long the provider takes to answer.

use domain::law::Law;
use domain::provider::PaymentOperation;
use domain::time::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// The longest time that an answer may practically take: beyond an hour nobody waits, and a unit
/// was mistaken.
const LATENCY_MAX: Duration = Duration::from_hours(1);

/// How long the provider takes to answer, by operation.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Authorizations.
    pub authorize: Law,
    /// Captures.
    pub capture: Law,
    /// Voids.
    pub void: Law,
    /// Answers that execute nothing: refusals of a limiter, replays, keys in use. A round trip.
    pub refusal: Law,
}

impl Latency {
    /// How long that operation takes.
    pub const fn of(&self, operation: PaymentOperation) -> Law {
        match operation {
            PaymentOperation::Authorize => self.authorize,
            PaymentOperation::Capture => self.capture,
            PaymentOperation::Void => self.void,
            _ => self.refusal,
        }
    }

    pub(super) fn check(&self) -> impl Iterator<Item = Problem> {
        let executed = PaymentOperation::ALL.map(|each| (each.word(), self.of(each)));
        let all = executed.into_iter().chain([("refusal", self.refusal)]);
        all.filter(|(_, law)| law.bound() > LATENCY_MAX).map(|(word, _)| {
            let message = "one answer in a thousand would take more than an hour";
            Problem::new(format!("latency.{word}"), message)
        })
    }
}

/// The table `latency` as written: an operation that is left out takes as long as in the profile.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LatencyOverrides {
    /// Authorizations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorize: Option<Law>,
    /// Captures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture: Option<Law>,
    /// Voids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub void: Option<Law>,
    /// Answers that execute nothing: refusals of a limiter, replays, keys in use. A round trip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Law>,
}

impl LatencyOverrides {
    pub(super) fn over(&self, latency: Latency) -> Latency {
        Latency {
            authorize: self.authorize.unwrap_or(latency.authorize),
            capture: self.capture.unwrap_or(latency.capture),
            void: self.void.unwrap_or(latency.void),
            refusal: self.refusal.unwrap_or(latency.refusal),
        }
    }
}
