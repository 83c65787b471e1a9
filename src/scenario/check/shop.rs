//! `[shop]`, `[provider]`, `[stack]` and `[audit]`.

use mock_provider::settings::{Algorithm, Limit, Settings as Provider};
use reference_shop::settings::Settings as Shop;

use crate::audit::AuditSettings;
use crate::scenario::check::Checker;
use crate::scenario::check::fans::law;
use crate::scenario::place::Place;
use crate::scenario::problem::did_you_mean;
use crate::scenario::provider::{Overrides, PROFILES};
use crate::tier::{Stack, Tier};

/// The most retries of one call of the shop: with doubling waits, more never come.
const RETRIES_MAX: u32 = 1_000;
/// The most servers of a tier.
const SERVERS_MAX: u32 = 1_000_000;

/// The invariants that can be waived.
const INVARIANTS: [&str; 17] = [
    "INV-CONSERVE",
    "INV-OVERSELL",
    "INV-STRANDED",
    "INV-UNDERSOLD",
    "INV-ORPHAN-AUTH",
    "INV-DOUBLE-CHARGE",
    "INV-CAPTURED-NO-STOCK",
    "INV-STOCK-NO-CAPTURE",
    "INV-SILENT-CHARGE",
    "INV-PHANTOM-SOLDOUT",
    "INV-STALE-SOLDOUT",
    "INV-RESURRECT",
    "INV-FIFO",
    "INV-QUOTA",
    "INV-RESOLVED",
    "INV-PERUSER",
    "INV-ISOLATION",
];

/// The shop, if its numbers are in range.
pub(super) fn shop(checker: &mut Checker, shop: &Shop, place: Place<'_>) -> Shop {
    if let Some(admission) = &shop.admission {
        let here = place.key("admission");
        checker.positive(admission.orders_per_second, here, "orders_per_second");
        burst(checker, admission.burst, here);
    }
    let reservation = place.key("reservation");
    checker.lasting(shop.reservation.ttl.0, reservation, "ttl");
    checker.lasting(shop.reservation.sweep.0, reservation, "sweep");
    checker.lasting(shop.provider_timeout.0, place, "provider_timeout");
    checker.count(shop.provider_retries, (0, RETRIES_MAX), place, "provider_retries");
    checker.count(shop.void_retries, (0, RETRIES_MAX), place, "void_retries");
    for (index, fault) in shop.faults.iter().enumerate() {
        if shop.faults[..index].contains(fault) {
            checker.wrong(place.key("faults").index(index), "this fault stands here twice");
        }
    }
    shop.clone()
}

fn burst(checker: &mut Checker, burst: Option<f64>, place: Place<'_>) {
    if let Some(burst) = burst.filter(|burst| !(burst.is_finite() && *burst >= 1.0)) {
        checker.wrong(place.key("burst"), format!("`burst` is {burst}")).label =
            "must be 1 or more".to_owned();
    }
}

/// The provider that is meant.
pub(super) fn provider(
    checker: &mut Checker,
    overrides: &Overrides,
    place: Place<'_>,
    seed: u64,
) -> Provider {
    let provider = overrides.resolve(seed).or_else(|why| {
        let problem = checker.wrong(place.key("profile"), why);
        let written = overrides.profile.as_deref().unwrap_or_default();
        problem.hint = Some(did_you_mean(written, &PROFILES));
        Overrides { profile: None, ..overrides.clone() }.resolve(seed)
    });
    let provider = provider.expect("the default profile is a profile");
    checker.chance(provider.declines, place, "declines");
    checker.chance(provider.hangs, place, "hangs");
    let latency = place.key("latency");
    law(checker, provider.latency.authorize, latency, "authorize");
    law(checker, provider.latency.capture, latency, "capture");
    law(checker, provider.latency.void, latency, "void");
    for (index, each) in overrides.limits.iter().flatten().enumerate() {
        limit(checker, each, place.key("limits").index(index));
    }
    provider
}

fn limit(checker: &mut Checker, limit: &Limit, place: Place<'_>) {
    checker.positive(limit.rate, place, "rate");
    match limit.algorithm {
        Algorithm::FixedWindow => {
            if let Some(window) = limit.window {
                checker.lasting(window.0, place, "window");
            }
            if place.has("burst") {
                let problem = checker.wrong(place.key("burst"), "a fixed window has no `burst`");
                problem.hint = Some("it admits `rate` × `window` calls in each window".to_owned());
            }
        }
        Algorithm::TokenBucket => {
            burst(checker, limit.burst, place);
            if place.has("window") {
                let problem = checker.wrong(place.key("window"), "a token bucket has no `window`");
                problem.hint = Some("write `algorithm = \"fixed-window\"`, or `burst`".to_owned());
            }
        }
    }
}

/// The stack, if its numbers are in range.
pub(super) fn stack(checker: &mut Checker, stack: &Stack, place: Place<'_>) -> Stack {
    if let Some(network) = stack.network {
        law(checker, network, place, "network");
    }
    let tiers =
        [("edge", &stack.edge), ("application", &stack.application), ("database", &stack.database)];
    for (key, tier) in tiers {
        if let Some(tier) = tier {
            check_tier(checker, tier, place.key(key));
        }
    }
    stack.clone()
}

fn check_tier(checker: &mut Checker, tier: &Tier, place: Place<'_>) {
    checker.count(tier.servers, (1, SERVERS_MAX), place, "servers");
    law(checker, tier.service, place, "service");
}

/// What is asked of the judge.
pub(super) fn audit(
    checker: &mut Checker,
    audit: &AuditSettings,
    place: Place<'_>,
) -> AuditSettings {
    for (index, waiver) in audit.waive.iter().enumerate() {
        let here = place.key("waive").index(index);
        if !INVARIANTS.contains(&waiver.id.as_str()) {
            let problem =
                checker.wrong(here.key("id"), format!("there is no invariant `{}`", waiver.id));
            problem.hint = Some(did_you_mean(&waiver.id, &INVARIANTS));
        }
        if waiver.reason.trim().is_empty() {
            checker.wrong(here.key("reason"), "a waiver needs a reason").label =
                "the verdict line prints it".to_owned();
        }
        if audit.waive[..index].iter().any(|other| other.id == waiver.id) {
            checker.wrong(here.key("id"), format!("`{}` is waived twice", waiver.id));
        }
    }
    audit.clone()
}
