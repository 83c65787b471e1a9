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
    /// Refunds.
    pub refund: Law,
    /// Everything else: creating without confirming, updates, reads, customers.
    pub other: Law,
    /// Answers that execute nothing: refusals of a limiter, replays, keys in use. A round trip.
    pub refusal: Law,
}

impl Latency {
    /// Every answer takes that long, also a refusal.
    pub const fn every(law: Law) -> Self {
        Self { authorize: law, capture: law, void: law, refund: law, other: law, refusal: law }
    }

    /// How long that operation takes.
    pub const fn of(&self, operation: PaymentOperation) -> Law {
        match operation {
            PaymentOperation::Authorize | PaymentOperation::Confirm => self.authorize,
            PaymentOperation::Capture => self.capture,
            PaymentOperation::Void => self.void,
            PaymentOperation::Refund => self.refund,
            _ => self.other,
        }
    }

    pub(super) fn check(&self) -> impl Iterator<Item = Problem> {
        let all = [
            ("authorize", self.authorize),
            ("capture", self.capture),
            ("void", self.void),
            ("refund", self.refund),
            ("other", self.other),
            ("refusal", self.refusal),
        ];
        all.into_iter().filter(|(_, law)| law.bound() > LATENCY_MAX).map(|(word, _)| {
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
    /// Refunds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund: Option<Law>,
    /// Everything else: creating without confirming, updates, reads, customers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<Law>,
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
            refund: self.refund.unwrap_or(latency.refund),
            other: self.other.unwrap_or(latency.other),
            refusal: self.refusal.unwrap_or(latency.refusal),
        }
    }
}
