//! `[shop]`, `[provider]`, `[stack]` and `[audit]`.

use mock_provider::settings::{Overrides, Settings as Provider};
use reference_shop::settings::Settings as Shop;

use crate::audit::{AuditSettings, INVARIANTS};
use crate::scenario::check::Checker;
use crate::scenario::check::fans::law;
use crate::scenario::place::Place;
use crate::scenario::problem::did_you_mean;
use crate::tier::{Stack, Tier};

/// The most retries of one call of the shop: with doubling waits, more never come.
const RETRIES_MAX: u32 = 1_000;
/// The most servers of a tier.
const SERVERS_MAX: u32 = 1_000_000;

/// Invariants that this version does not look at, and that can be waived all the same: a file that
/// waives them stays right when it does.
const UNCHECKED: [&str; 5] =
    ["INV-FIFO", "INV-ISOLATION", "INV-PHANTOM-SOLDOUT", "INV-RESURRECT", "INV-STALE-SOLDOUT"];

/// The invariants that can be waived.
fn invariants() -> Vec<&'static str> {
    INVARIANTS.iter().map(|invariant| invariant.id).chain(UNCHECKED).collect()
}

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
    checker.lasting(shop.challenge_timeout.0, place, "challenge_timeout");
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
        checker.wrong(place.key("burst"), format!("`burst` is {burst}")).mark("must be 1 or more");
    }
}

/// The provider that is meant.
pub(super) fn provider(
    checker: &mut Checker,
    overrides: &Overrides,
    place: Place<'_>,
    seed: u64,
) -> Provider {
    let provider = overrides.resolve(seed).or_else(|error| {
        let message = format!("there is no provider profile `{}`", error.name);
        checker.wrong(place.key("profile"), message).advise(error.hint());
        Overrides { profile: None, ..overrides.clone() }.resolve(seed)
    });
    let provider = provider.expect("the default profile is a profile");
    // Instants of the schedule find their place in the run later, as openings do.
    for problem in provider.clone().anchored(0).check() {
        if !place.struck_on(&problem.key) {
            checker.wrong(place.path(&problem.key), problem.to_string());
        }
    }
    provider
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
    if stack.database.as_ref().is_some_and(|database| database.queue.is_some()) {
        checker
            .wrong(place.key("database").key("queue"), "the database's queue has no limit")
            .advise("bound the `queue` of the application in front of it");
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
    let known = invariants();
    for (index, waiver) in audit.waive.iter().enumerate() {
        let here = place.key("waive").index(index);
        if !known.contains(&waiver.id.as_str()) {
            let problem =
                checker.wrong(here.key("id"), format!("there is no invariant `{}`", waiver.id));
            problem.advise(did_you_mean(&waiver.id, &known));
        }
        if waiver.reason.trim().is_empty() {
            checker
                .wrong(here.key("reason"), "a waiver needs a reason")
                .mark("the verdict line prints it");
        }
        if audit.waive[..index].iter().any(|other| other.id == waiver.id) {
            checker.wrong(here.key("id"), format!("`{}` is waived twice", waiver.id));
        }
    }
    audit.clone()
}
