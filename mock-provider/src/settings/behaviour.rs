//! How the provider behaves beyond its limits: cards, challenges, faults, brown-outs, holds.

use domain::law::Law;
use domain::provider::PaymentOperation;
use domain::time::{Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose word decides about a test card that is documented to be approved.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cards {
    /// Its documentation: it is approved.
    #[default]
    AsDocumented,
    /// The draw: it is declined and challenged as often as the settings say.
    Drawn,
}

/// Why a bank declines.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DeclineReason {
    /// Not enough money.
    InsufficientFunds,
    /// No reason given.
    GenericDecline,
    /// The bank would not say.
    DoNotHonor,
    /// The card was reported lost.
    LostCard,
    /// The card was reported stolen.
    StolenCard,
    /// The card has expired.
    ExpiredCard,
    /// The security code is wrong.
    IncorrectCvc,
    /// The bank's machines failed.
    ProcessingError,
    /// Too much in too short a time.
    CardVelocityExceeded,
    /// The bank cannot be reached.
    IssuerNotAvailable,
    /// Later it might do.
    TryAgainLater,
    /// Suspected fraud.
    Fraudulent,
}

impl DeclineReason {
    /// The error's code and the bank's reason, as Stripe's error reference has them.
    pub const fn code_and_reason(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::InsufficientFunds => ("card_declined", Some("insufficient_funds")),
            Self::GenericDecline => ("card_declined", Some("generic_decline")),
            Self::DoNotHonor => ("card_declined", Some("do_not_honor")),
            Self::LostCard => ("card_declined", Some("lost_card")),
            Self::StolenCard => ("card_declined", Some("stolen_card")),
            Self::ExpiredCard => ("expired_card", None),
            Self::IncorrectCvc => ("incorrect_cvc", None),
            Self::ProcessingError => ("processing_error", None),
            Self::CardVelocityExceeded => ("card_declined", Some("card_velocity_exceeded")),
            Self::IssuerNotAvailable => ("card_declined", Some("issuer_not_available")),
            Self::TryAgainLater => ("card_declined", Some("try_again_later")),
            Self::Fraudulent => ("card_declined", Some("fraudulent")),
        }
    }
}

/// Challenges of 3-D Secure that are drawn, and how cardholders answer them by themselves.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Challenges {
    /// The share of cards whose holder is asked, in \[0, 1\].
    #[schemars(range(min = 0, max = 1))]
    pub share: f64,
    /// How long a cardholder takes.
    pub takes: Law,
    /// The share of those asked who fail, in \[0, 1\].
    #[schemars(range(min = 0, max = 1))]
    pub failed: f64,
    /// The share of those asked who never answer, in \[0, 1\].
    #[schemars(range(min = 0, max = 1))]
    pub abandoned: f64,
}

impl Default for Challenges {
    fn default() -> Self {
        Self { share: 0.0, takes: Law::default(), failed: 0.0, abandoned: 0.0 }
    }
}

/// What goes wrong with calls that the provider accepts: shares in \[0, 1\], together at most 1.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// The call takes effect, and its answer never comes.
    #[schemars(range(min = 0, max = 1))]
    pub commit_then_timeout: f64,
    /// The call takes effect, and a 5xx is told.
    #[schemars(range(min = 0, max = 1))]
    pub commit_then_5xx: f64,
    /// The call takes effect, and the connection is reset.
    #[schemars(range(min = 0, max = 1))]
    pub commit_then_reset: f64,
    /// A 5xx is told, and nothing has happened.
    #[schemars(range(min = 0, max = 1))]
    pub rollback_after_5xx: f64,
    /// The connection is reset, and nothing has happened.
    #[schemars(range(min = 0, max = 1))]
    pub reset_before_commit: f64,
    /// Nothing happens, and no answer comes.
    #[schemars(range(min = 0, max = 1))]
    pub timeout_before_commit: f64,
    /// The answer is right, but its body trickles.
    #[schemars(range(min = 0, max = 1))]
    pub slow_body: f64,
    /// How long a trickling body takes.
    pub slow_body_takes: Span,
    /// Only calls of this operation meet any of them; left out: all calls do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<PaymentOperation>,
}

impl Faults {
    /// The share of calls with which something goes wrong.
    pub fn total(&self) -> f64 {
        self.commit_then_timeout
            + self.commit_then_5xx
            + self.commit_then_reset
            + self.rollback_after_5xx
            + self.reset_before_commit
            + self.timeout_before_commit
            + self.slow_body
    }
}

/// A stretch of time in which the provider is slow and fails.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Brownout {
    /// When it begins, after the run's beginning.
    pub from: Span,
    /// How long it lasts.
    pub lasts: Span,
    /// What every latency is multiplied by; left out: 1.
    #[serde(default = "one")]
    pub latency: f64,
    /// The share of calls that fail with a 5xx and do nothing, in \[0, 1\]; left out: 0.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1))]
    pub fails: f64,
}

impl Brownout {
    /// Whether it is under way `at` that time.
    pub fn covers(&self, at: Time) -> bool {
        let from = Time::ZERO + self.from.0;
        at >= from && at < from + self.lasts.0
    }
}

const fn one() -> f64 {
    1.0
}

/// How long reserved money is kept for a capture.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Holds {
    /// In yen.
    pub jpy: Span,
    /// In other currencies.
    pub other: Span,
}

/// Idempotency keys.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// How long a key is remembered.
    pub kept: Span,
    /// How long a key may be \[characters\].
    #[schemars(range(min = 1, max = 255))]
    pub length: u16,
}
