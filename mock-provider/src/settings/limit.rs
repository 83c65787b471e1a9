//! One limiter of the provider, as a scenario writes it.

use domain::limiter::{ALLOWANCE_MAX, Limiter};
use domain::time::{Duration, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// The window of a fixed window that names none.
const WINDOW: Duration = Duration::from_secs(1);

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
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub rate: f64,
    /// How many calls may come at once after a quiet time; at least 1. Left out: one second's
    /// worth. A fixed window has none.
    #[serde(default)]
    #[schemars(range(min = 1))]
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
    /// The generic cell rate algorithm: it admits what a token bucket admits.
    Gcra,
}

impl Limit {
    /// A limiter that never saw a call. The limit is in range.
    pub(crate) fn limiter(&self) -> Limiter {
        match self.algorithm {
            Algorithm::TokenBucket => Limiter::token_bucket(self.rate, self.burst()),
            Algorithm::Gcra => Limiter::gcra(self.rate, self.burst()),
            Algorithm::FixedWindow => Limiter::fixed_window(self.rate, self.window()),
        }
    }

    /// How many calls may come at once after a quiet time: as written, or one second's worth, at
    /// least 1.
    pub fn burst(&self) -> f64 {
        self.burst.unwrap_or(self.rate).max(1.0)
    }

    /// The length of a fixed window: as written, or 1 s.
    pub fn window(&self) -> Duration {
        self.window.map_or(WINDOW, |window| window.0)
    }

    /// The limit with its rate and burst multiplied by `scale`. What it admits at once never falls
    /// below one call: a burst not below 1, a fixed window not below one call a window.
    pub(super) fn scaled(&self, scale: f64) -> Self {
        let burst = self.burst.map(|burst| (burst * scale).max(1.0));
        let rate = match self.algorithm {
            Algorithm::TokenBucket | Algorithm::Gcra => self.rate * scale,
            Algorithm::FixedWindow => (self.rate * scale).max(1.0 / self.window().as_secs_f64()),
        };
        Self { rate, burst, ..self.clone() }
    }

    /// What is out of range; `place` is the limit's place in the list, from 0.
    pub(super) fn check(&self, place: usize) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut report = |key: &str, message: String| {
            problems.push(Problem::new(format!("limits.{place}.{key}"), message));
        };
        let Self { rate, burst, .. } = *self;
        let rate_is_known = rate > 0.0 && rate <= ALLOWANCE_MAX;
        if !rate_is_known {
            report("rate", format!("{rate} calls per second: must be above 0 and at most 1e9"));
        }
        if let Some(burst) = burst.filter(|burst| !(1.0..=ALLOWANCE_MAX).contains(burst)) {
            report("burst", format!("{burst} calls at once: must be from 1 to 1e9"));
        }
        if self.window() == Duration::ZERO {
            report("window", "must be longer than 0s".to_owned());
        } else if rate_is_known
            && self.algorithm == Algorithm::FixedWindow
            // A billionth less than one call is a matter of binary fractions.
            && rate * self.window().as_secs_f64() < 1.0 - 1e-9
        {
            let window = Span(self.window());
            let message = format!("{rate} calls per second leave no call for a window of {window}");
            report("window", message);
        }
        problems
    }
}
