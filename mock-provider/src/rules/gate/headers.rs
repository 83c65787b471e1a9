//! What the limiters say in headers, beside `Retry-After`.

use std::borrow::Cow;
use std::fmt::Write;

use domain::limiter::{Quota, Remaining};
use domain::time::Time;

use super::{Barrier, Gate, Headers, Reason, Said, in_whole_seconds};
use crate::settings::{Algorithm, HeaderStyle, Scope};

impl Gate {
    /// The headers of the limits that were asked and speak on every answer; those of the same
    /// name are one list.
    pub(super) fn headers(&mut self, at: Time, said: &[Said]) -> Headers {
        let (mut policies, mut limits) = (String::new(), String::new());
        let mut headers = Vec::new();
        for (barrier, said) in self.barriers.iter_mut().zip(said) {
            let Some((holder, _)) = said else { continue };
            if !barrier.limit.headers.are_on_every_answer() {
                continue;
            }
            let limiter = barrier.allowances.of(at, *holder);
            let (quota, left) = (limiter.quota(), limiter.remaining(at));
            barrier.vendor(quota, left, &mut headers);
            if barrier.limit.headers.have(&HeaderStyle::Ratelimit) && barrier.has_quota() {
                list(&mut policies, &barrier.policy(quota));
                let (calls, name) = (left.calls, &barrier.told.limit);
                let resets_in_s = in_whole_seconds(left.resets_in).as_secs();
                list(&mut limits, &format!("\"{name}\";r={calls};t={resets_in_s}"));
            }
        }
        if !policies.is_empty() {
            headers.push((Cow::Borrowed("RateLimit-Policy"), policies));
            headers.push((Cow::Borrowed("RateLimit"), limits));
        }
        headers
    }
}

fn list(list: &mut String, item: &str) {
    if !list.is_empty() {
        list.push_str(", ");
    }
    list.push_str(item);
}

impl Barrier {
    /// Whether there is a number of calls to speak of.
    fn has_quota(&self) -> bool {
        !matches!(self.limit.algorithm, Algorithm::ObjectLock | Algorithm::PenaltyBox)
    }

    /// An item of `RateLimit-Policy`: windows are whole seconds there.
    fn policy(&self, quota: Quota) -> String {
        let mut policy = format!("\"{}\";q={}", self.told.limit, quota.calls);
        match quota.window {
            Some(window) => {
                let window_s = in_whole_seconds(window).as_secs();
                write!(policy, ";w={window_s}").expect("a text takes any number");
            }
            None => policy.push_str(";qu=\"concurrent-requests\""),
        }
        policy
    }

    fn vendor(&self, quota: Quota, left: Remaining, headers: &mut Headers) {
        for names in self.limit.headers.vendor() {
            let resets_in_s = in_whole_seconds(left.resets_in).as_secs();
            let said = [
                (&names.limit, quota.calls),
                (&names.remaining, left.calls),
                (&names.reset, resets_in_s),
            ];
            let named = said.into_iter().filter_map(|(name, value)| Some((name.clone()?, value)));
            headers.extend(named.map(|(name, value)| (Cow::Owned(name), value.to_string())));
        }
    }

    /// The reason as Stripe names it (docs.stripe.com/rate-limits); a lock has none.
    pub(super) fn stripe_reason(&self) -> Option<(Cow<'static, str>, String)> {
        if !self.limit.headers.have(&HeaderStyle::Stripe) {
            return None;
        }
        let reason = match (self.limit.scope, Reason::of(self.limit.algorithm)) {
            (_, Reason::Lock) => return None,
            (Scope::Object, _) => "resource-specific",
            (Scope::Endpoint, Reason::Concurrency) => "endpoint-concurrency",
            (Scope::Endpoint, _) => "endpoint-rate",
            (Scope::Global | Scope::Key | Scope::Zone, Reason::Concurrency) => "global-concurrency",
            (Scope::Global | Scope::Key | Scope::Zone, _) => "global-rate",
        };
        Some((Cow::Borrowed("Stripe-Rate-Limited-Reason"), reason.to_owned()))
    }
}
