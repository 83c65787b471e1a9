//! What can be set about the provider, and the profiles it ships with.

use domain::law::Law;
use domain::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The provider as it runs: every key has a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Draws hang on this.
    pub seed: u64,
    /// The profile it came from.
    pub profile: String,
    /// The limiters, asked in this order; a call passes when all admit it.
    pub limits: Vec<Limit>,
    /// The share of authorizations that are declined, in \[0, 1\].
    pub declines: f64,
    /// How long each operation takes.
    pub latency: Latency,
    /// The share of calls that take effect but whose answer never comes, in \[0, 1\].
    pub hangs: f64,
}

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
}

/// One limiter: `[[provider.limits]]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// What shares one allowance.
    #[serde(default)]
    pub scope: Scope,
    /// How calls are counted.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// Calls per second \[1/s\], more than 0.
    pub rate: f64,
    /// How many calls may come at once after a quiet time; at least 1. Left out: one second's worth.
    #[serde(default)]
    pub burst: Option<f64>,
    /// The length of the window of a fixed window; left out: 1 s.
    #[serde(default)]
    pub window: Option<Span>,
    /// Whether a 429 of this limiter says when to come back. Stripe's does not.
    #[serde(default)]
    pub retry_after: bool,
}

/// What shares one allowance.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// All calls of all accounts.
    #[default]
    Global,
    /// The calls of one merchant account.
    Key,
    /// The calls of one operation.
    Endpoint,
}

/// How calls are counted against an allowance.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// A bucket of `burst` tokens, refilled at `rate`.
    #[default]
    TokenBucket,
    /// At most `rate` × `window` calls in each window, counted from the run's beginning.
    FixedWindow,
}
