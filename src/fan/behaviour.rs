//! How the people of a population behave: the keys of `[[fans]]` that the fan machine obeys.

use domain::law::Law;
use domain::time::{Duration, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the people of one population behave; every key may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// How the sale's page is reloaded.
    pub reload: Reload,
    /// How long a fan stays after the opening (or after its arrival, if that is later).
    pub patience: Law,
    /// How long a fan thinks before each step of the funnel.
    pub think: Law,
    /// The share of the people who must sign in, in \[0, 1\]; the others are signed in.
    pub login: f64,
    /// The chance to leave instead of taking the next step of the funnel, in \[0, 1\].
    pub abandon: f64,
    /// How many pieces are wanted: the weight of 1, 2, 3, … pieces.
    pub pieces: Vec<f64>,
    /// What a refused or failed operation leads to.
    pub retry: Retry,
    /// What a sold-out answer leads to.
    pub sold_out: SoldOut,
    /// The chance to try one other card after a decline, in \[0, 1\].
    pub other_card: f64,
    /// How long an answer is waited for; after that the outcome is `unknown`.
    pub timeout: Span,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            reload: Reload::default(),
            patience: Law::Constant(Duration::from_mins(10)),
            think: Law::Constant(Duration::ZERO),
            login: 0.0,
            abandon: 0.0,
            pieces: vec![1.0],
            retry: Retry::default(),
            sold_out: SoldOut::default(),
            other_card: 0.5,
            timeout: Span(Duration::from_secs(30)),
        }
    }
}

/// How the sale's page is reloaded: `[[fans]] reload`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reload {
    /// The time from one reload to the next at the opening.
    pub gap: Law,
    /// How much longer the gap is per second before the opening: the gap's median at time t is
    /// max(median, growth · |t − opening|). Zero keeps it the same.
    pub growth: f64,
    /// Requests that one reload makes.
    pub calls: u16,
    /// How many of them the edge may answer from its cache; fewer than `calls`, for one asks
    /// whether the sale is open.
    pub cacheable: u16,
}

impl Default for Reload {
    fn default() -> Self {
        Self {
            gap: Law::Lognormal { median: Duration::from_secs(6), sigma: 0.8 },
            growth: 0.02,
            calls: 6,
            cacheable: 5,
        }
    }
}

/// What a refused (`rate_limited`), failed (`error`) or timed-out (`unknown`) operation leads to:
/// `[[fans]] retry`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// How often one operation is tried again; 0 means never.
    pub attempts: u16,
    /// The wait before the first retry.
    pub base: Span,
    /// The longest wait.
    pub cap: Span,
    /// What each further wait is multiplied by.
    pub factor: f64,
    /// The share of each wait that is random, in \[0, 1\]: 1 is full jitter, 0 none.
    pub jitter: f64,
    /// Whether a Retry-After of the answer is waited for, if it is longer.
    pub honour_retry_after: bool,
    /// The chance to give up at each refusal, in \[0, 1\].
    pub give_up: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 10,
            base: Span(Duration::from_secs(2)),
            cap: Span(Duration::from_secs(20)),
            factor: 2.0,
            jitter: 0.5,
            honour_retry_after: true,
            give_up: 0.02,
        }
    }
}

/// What those do who have won in a lottery: `[[fans]] winner`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Winner {
    /// The share of them that pays at all, in \[0, 1\].
    pub pays: f64,
    /// How long they take from hearing of it to paying; left out: as long as before any step.
    pub after: Option<Law>,
}

impl Default for Winner {
    fn default() -> Self {
        Self { pays: 1.0, after: None }
    }
}

/// What a sold-out answer leads to: `[[fans]] sold_out`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SoldOut {
    /// The chance to leave, in \[0, 1\]; the others look again.
    pub leave: f64,
    /// How long until the others look again.
    pub every: Law,
}

impl Default for SoldOut {
    fn default() -> Self {
        Self { leave: 0.6, every: Law::Constant(Duration::from_secs(10)) }
    }
}
