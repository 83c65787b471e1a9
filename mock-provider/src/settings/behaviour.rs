//! How the provider behaves beyond its limits: cards, challenges, faults, brown-outs, holds.

use std::collections::BTreeMap;

use domain::law::Law;
use domain::time::{Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

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
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(
    rename = "Challenges",
    bound = "Share: Default + Serialize + JsonSchema, Takes: Default + Serialize + JsonSchema"
)]
pub struct Challenges<Share = f64, Takes = Law> {
    /// The share of cards whose holder is asked, in \[0, 1\].
    #[schemars(range(min = 0, max = 1))]
    pub share: Share,
    /// How long a cardholder takes.
    pub takes: Takes,
    /// The share of those asked who fail, in \[0, 1\].
    #[schemars(range(min = 0, max = 1))]
    pub failed: Share,
    /// The share of those asked who never answer, in \[0, 1\].
    #[schemars(range(min = 0, max = 1))]
    pub abandoned: Share,
}

/// What goes wrong with calls that the provider accepts: shares in \[0, 1\], together at most 1.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(
    rename = "Faults",
    bound = "Share: Default + Serialize + JsonSchema, Takes: Default + Serialize + JsonSchema"
)]
pub struct Faults<Share = f64, Takes = Span> {
    /// The call takes effect, and its answer never comes.
    #[schemars(range(min = 0, max = 1))]
    pub commit_then_timeout: Share,
    /// The call takes effect, and a 5xx is told.
    #[schemars(range(min = 0, max = 1))]
    pub commit_then_5xx: Share,
    /// The call takes effect, and the connection is reset.
    #[schemars(range(min = 0, max = 1))]
    pub commit_then_reset: Share,
    /// A 5xx is told, and nothing has happened.
    #[schemars(range(min = 0, max = 1))]
    pub rollback_after_5xx: Share,
    /// The connection is reset, and nothing has happened.
    #[schemars(range(min = 0, max = 1))]
    pub reset_before_commit: Share,
    /// Nothing happens, and no answer comes.
    #[schemars(range(min = 0, max = 1))]
    pub timeout_before_commit: Share,
    /// The answer is right, but its body trickles.
    #[schemars(range(min = 0, max = 1))]
    pub slow_body: Share,
    /// How long a trickling body takes.
    pub slow_body_takes: Takes,
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
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Holds")]
pub struct Holds<Length = Span> {
    /// In yen.
    pub jpy: Length,
    /// In other currencies.
    pub other: Length,
}

/// Idempotency keys.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Keys")]
pub struct Keys<Length = Span, Letters = u16> {
    /// How long a key is remembered.
    pub kept: Length,
    /// How long a key may be \[characters\].
    #[schemars(range(min = 1, max = 255))]
    pub length: Letters,
}

impl Challenges {
    pub(super) fn check(&self) -> Vec<Problem> {
        let shares =
            [("share", self.share), ("failed", self.failed), ("abandoned", self.abandoned)];
        let mut problems = check_shares("challenges", &shares);
        let all = self.failed + self.abandoned;
        if problems.is_empty() && all > 1.0 {
            let message = format!("`failed` and `abandoned` are {all}: together at most 1");
            problems.push(Problem::new("challenges", message));
        }
        problems
    }
}

impl Faults {
    pub(super) fn check(&self) -> Vec<Problem> {
        let shares = [
            ("commit_then_timeout", self.commit_then_timeout),
            ("commit_then_5xx", self.commit_then_5xx),
            ("commit_then_reset", self.commit_then_reset),
            ("rollback_after_5xx", self.rollback_after_5xx),
            ("reset_before_commit", self.reset_before_commit),
            ("timeout_before_commit", self.timeout_before_commit),
            ("slow_body", self.slow_body),
        ];
        let mut problems = check_shares("faults", &shares);
        let total = self.total();
        // A billionth more than all calls is a matter of binary fractions.
        if problems.is_empty() && total > 1.0 + 1e-9 {
            let message = format!("{total} of all calls go wrong: together at most 1");
            problems.push(Problem::new("faults", message));
        }
        problems
    }
}

impl Brownout {
    pub(super) fn check(&self, place: usize) -> Vec<Problem> {
        /// Beyond it an answer of a second takes more than a quarter of an hour.
        const FACTOR_MAX: f64 = 1_000.0;
        let mut problems = check_shares(&format!("brownouts.{place}"), &[("fails", self.fails)]);
        if !(0.0..=FACTOR_MAX).contains(&self.latency) {
            let message = format!("{}: must be from 0 to {FACTOR_MAX}", self.latency);
            problems.push(Problem::new(format!("brownouts.{place}.latency"), message));
        }
        problems
    }
}

impl Keys {
    pub(super) fn check(&self) -> Option<Problem> {
        /// As a header of a sensible length has room for, and as Stripe has it.
        const LENGTH_MAX: u16 = 255;
        let message = format!("{} letters: must be from 1 to {LENGTH_MAX}", self.length);
        let in_range = (1..=LENGTH_MAX).contains(&self.length);
        (!in_range).then(|| Problem::new("keys.length", message))
    }
}

/// What is wrong with the weights of a choice.
pub(super) fn check_mix(mix: &BTreeMap<DeclineReason, f64>) -> Option<Problem> {
    let all_count = mix.values().all(|weight| weight.is_finite() && *weight >= 0.0);
    let message = "each weight must be 0 or more, and one of them above 0";
    let in_range = all_count && mix.values().sum::<f64>() > 0.0;
    (!in_range).then(|| Problem::new("decline_mix", message))
}

/// The shares of a table that are none.
fn check_shares(table: &str, shares: &[(&str, f64)]) -> Vec<Problem> {
    let out_of_range = |(key, share): &(&str, f64)| check_share(&format!("{table}.{key}"), *share);
    shares.iter().filter_map(out_of_range).collect()
}

/// What is wrong with a share.
pub(super) fn check_share(key: &str, share: f64) -> Option<Problem> {
    let in_range = (0.0..=1.0).contains(&share);
    (!in_range).then(|| Problem::new(key, format!("{share}: must be from 0 to 1")))
}
