//! What the limiters say in headers, beside `Retry-After`.

use std::borrow::Cow;
use std::fmt::Write;

use domain::limiter::{Quota, Remaining};
use domain::time::Time;

use super::{AllAsked, Asked, Headers, Reason, Speaks, in_whole_seconds};
use crate::settings::{Algorithm, HeaderStyle, Limit, Scope};

/// The headers of the limits that were asked and speak on every answer; those of the same name are
/// one list.
pub(super) fn on_every_answer(at: Time, asked: &AllAsked<'_>, speaks: Speaks) -> Headers {
    let mut headers = Vec::new();
    if speaks == Speaks::OfRefusals {
        return headers;
    }
    let (mut policies, mut limits) = (String::new(), String::new());
    for Asked { limit, told, limiter, .. } in asked.iter().flatten() {
        if !limit.headers.are_on_every_answer() {
            continue;
        }
        let (quota, left) = (limiter.quota(), limiter.remaining(at));
        vendor(limit, quota, left, &mut headers);
        if limit.headers.have(&HeaderStyle::Ratelimit) && has_quota(limit) {
            list(&mut policies, &policy(&told.limit, quota));
            let (calls, name) = (left.calls, &told.limit);
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

fn list(list: &mut String, item: &str) {
    if !list.is_empty() {
        list.push_str(", ");
    }
    list.push_str(item);
}

/// Whether there is a number of calls to speak of.
fn has_quota(limit: &Limit) -> bool {
    !matches!(limit.algorithm, Algorithm::ObjectLock | Algorithm::PenaltyBox)
}

/// An item of `RateLimit-Policy`: windows are whole seconds there.
fn policy(name: &str, quota: Quota) -> String {
    let mut policy = format!("\"{name}\";q={}", quota.calls);
    match quota.window {
        Some(window) => {
            let window_s = in_whole_seconds(window).as_secs();
            write!(policy, ";w={window_s}").expect("a text takes any number");
        }
        None => policy.push_str(";qu=\"concurrent-requests\""),
    }
    policy
}

fn vendor(limit: &Limit, quota: Quota, left: Remaining, headers: &mut Headers) {
    for names in limit.headers.vendor() {
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
pub(super) fn stripe_reason(limit: &Limit) -> Option<(Cow<'static, str>, String)> {
    if !limit.headers.have(&HeaderStyle::Stripe) {
        return None;
    }
    let reason = match (limit.scope, Reason::of(limit.algorithm)) {
        (_, Reason::Lock) => return None,
        (Scope::Object, _) => "resource-specific",
        (Scope::Endpoint, Reason::Concurrency) => "endpoint-concurrency",
        (Scope::Endpoint, _) => "endpoint-rate",
        (Scope::Global | Scope::Key | Scope::Zone, Reason::Concurrency) => "global-concurrency",
        (Scope::Global | Scope::Key | Scope::Zone, _) => "global-rate",
    };
    Some((Cow::Borrowed("Stripe-Rate-Limited-Reason"), reason.to_owned()))
}
