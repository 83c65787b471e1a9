//! A bucket of tokens in the shop's own memory.

use domain::time::Time;

use crate::settings::Allowance;

/// Tokens, and when they were last counted. In any span of w seconds at most burst + rate · w are
/// taken by [`Self::take`]; what is drawn beside that is missing to those who come next.
#[derive(Debug)]
pub(super) struct Bucket {
    rate_per_s: f64,
    burst: f64,
    tokens: f64,
    refilled: Time,
}

impl Bucket {
    /// A full bucket, as it is at an opening that nobody could order before.
    pub(super) fn full(allowance: &Allowance) -> Self {
        let Allowance { rate_per_s, burst, .. } = *allowance;
        Self { rate_per_s, burst, tokens: burst, refilled: Time::ZERO }
    }

    /// Takes so many tokens, if there are.
    pub(super) fn take(&mut self, at: Time, tokens: u32) -> bool {
        self.refill(at);
        let enough = self.tokens >= f64::from(tokens);
        if enough {
            self.tokens -= f64::from(tokens);
        }
        enough
    }

    /// Takes so many tokens whether or not there are, or gives them back if there are fewer than none.
    pub(super) fn draw(&mut self, at: Time, tokens: i32) {
        self.refill(at);
        self.tokens = (self.tokens - f64::from(tokens)).min(self.burst);
    }

    fn refill(&mut self, at: Time) {
        let refill = at.since(self.refilled).as_secs_f64() * self.rate_per_s;
        self.tokens = (self.tokens + refill).min(self.burst);
        self.refilled = self.refilled.max(at);
    }
}
