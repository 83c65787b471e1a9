//! `[shop]`, `[provider]` and `[audit]`.

use mock_provider::settings::{Overrides, Settings as Provider};
use reference_shop::settings::Settings as Shop;

use crate::audit::{AuditSettings, Budgets, INVARIANTS};
use crate::scenario::check::Checker;
use crate::scenario::place::Place;
use crate::scenario::problem::did_you_mean;
use crate::scenario::written::File;

/// The most retries of one call of the shop: with doubling waits, more never come.
const RETRIES_MAX: u32 = 1_000;

/// The invariants that can be waived.
fn invariants() -> Vec<&'static str> {
    INVARIANTS.iter().map(|invariant| invariant.id).collect()
}

/// The shop, if its numbers are in range.
pub(super) fn shop(checker: &mut Checker, shop: &Shop, place: Place<'_>) -> Shop {
    for (key, problem) in shop.edge.problems() {
        checker.wrong(place.key("edge").key(key), problem);
    }
    if let Some(members) = &shop.members {
        for (key, problem) in members.problems() {
            checker.wrong(place.key("members").key(key), problem);
        }
    }
    if let Some(admission) = &shop.admission {
        for (key, problem) in admission.problems() {
            checker.wrong(place.key("admission").key(key), problem);
        }
    }
    for misfit in shop.misfits() {
        checker.wrong(place.key(misfit.key), misfit.message).advise(misfit.hint);
    }
    let reservation = place.key("reservation");
    checker.lasting(shop.reservation.ttl.0, reservation, "ttl");
    checker.lasting(shop.reservation.sweep.0, reservation, "sweep");
    checker.lasting(shop.provider_timeout.0, place, "provider_timeout");
    checker.lasting(shop.challenge_timeout.0, place, "challenge_timeout");
    checker.count(shop.provider_retries, (0, RETRIES_MAX), place, "provider_retries");
    checker.count(shop.capture_retries, (0, RETRIES_MAX), place, "capture_retries");
    if let Some(worker) = shop.worker {
        checker.positive(worker.calls_per_second, place.key("worker"), "calls_per_second");
    }
    checker.count(shop.void_retries, (0, RETRIES_MAX), place, "void_retries");
    for (index, fault) in shop.faults.iter().enumerate() {
        if shop.faults[..index].contains(fault) {
            checker.wrong(place.key("faults").index(index), "this fault stands here twice");
        }
    }
    shop.clone()
}

/// The provider that is meant. Its schedule may name instants if a sale opens at one, such as
/// `an_instant` \[ns of UTC\]: then it is known when the run begins.
pub(super) fn provider(
    checker: &mut Checker,
    file: &File,
    place: Place<'_>,
    an_instant: Option<u64>,
) -> Provider {
    let (overrides, seed) = (&file.provider, file.seed.unwrap_or(1));
    let provider = overrides.resolve(seed).or_else(|error| {
        let message = format!("there is no provider profile `{}`", error.name);
        checker.wrong(place.key("profile"), message).advise(error.hint());
        Overrides { profile: None, ..overrides.clone() }.resolve(seed)
    });
    let provider = provider.expect("the default profile is a profile");
    let in_a_run = match an_instant {
        Some(utc_ns) => provider.clone().anchored(utc_ns),
        None => provider.clone(),
    };
    for problem in in_a_run.check() {
        if !place.struck_on(&problem.key) {
            checker.wrong(place.path(&problem.key), problem.to_string());
        }
    }
    provider
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
    budgets(checker, &audit.budgets, place.key("budgets"));
    audit.clone()
}

/// How much of each soft promise may be broken.
fn budgets(checker: &mut Checker, budgets: &Budgets, place: Place<'_>) {
    if let Some(unit_seconds) = budgets.stranded.unit_seconds
        && !(unit_seconds.is_finite() && unit_seconds >= 0.0)
    {
        let here = place.key("INV-STRANDED").key("unit_seconds");
        checker.wrong(here, format!("`unit_seconds` is {unit_seconds}")).mark("must be 0 or more");
    }
    let shares = [
        ("INV-QUOTA", "share", Some(budgets.quota.share)),
        ("INV-PHANTOM-SOLDOUT", "transient", budgets.phantom.transient),
        ("INV-STALE-SOLDOUT", "share", Some(budgets.stale.share)),
        ("INV-RESURRECT-FAIR", "share", Some(budgets.fair.share)),
        ("INV-FIFO", "share", budgets.fifo.share),
    ];
    for (id, key, share) in shares {
        if let Some(share) = share {
            checker.chance(share, place.key(id), key);
        }
    }
    let factor = budgets.isolation.factor;
    if !(factor.is_finite() && factor >= 1.0) {
        let here = place.key("INV-ISOLATION").key("factor");
        checker.wrong(here, format!("`factor` is {factor}")).mark("must be 1 or more");
    }
}
