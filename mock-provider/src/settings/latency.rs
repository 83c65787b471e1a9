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
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Latency")]
pub struct Latency<Takes = Law> {
    /// Authorizations.
    pub authorize: Takes,
    /// Captures.
    pub capture: Takes,
    /// Voids.
    pub void: Takes,
    /// Refunds.
    pub refund: Takes,
    /// Everything else: creating without confirming, updates, reads, customers.
    pub other: Takes,
    /// Answers that execute nothing: refusals of a limiter, replays, keys in use. A round trip.
    pub refusal: Takes,
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
