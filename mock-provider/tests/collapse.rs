//! Why nobody can buy: shops that authorize first against a provider whose calls share a limit.
//!
//! Each order makes an authorization, then a capture, and a void 20 ms after a refused capture;
//! nothing is made again. Calls are offered at λ orders/s, each passes with probability p, and the
//! limit R is used up: R/λ = p·(1 + 2p − p²). Then λ·p² orders/s are paid, and the authorizations
//! of λ·p·(1 − p)² orders/s are neither captured nor voided.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use domain::draw::{Purpose, draw_for};
use domain::id::AuthorizationId;
use domain::money::Amount;
use domain::provider::{Call, PaymentReply, PaymentRequest};
use domain::time::{Duration, Time};
use mock_provider::rules::Provider;
use mock_provider::settings::{Algorithm, Counts, Limit, Overrides, Scope, Settings};

const SECONDS: f64 = 150.0;
/// The burst and the first answers are past.
const WARM_UP: f64 = 30.0;

#[derive(Debug)]
struct Rates {
    paid_per_s: f64,
    orphaned_per_s: f64,
}

fn closed_form(offered: f64, limit: f64) -> Rates {
    // The left side grows with p: bisection.
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let p: f64 = f64::midpoint(low, high);
        if p * (1.0 + 2.0 * p - p * p) < limit / offered { low = p } else { high = p }
    }
    Rates { paid_per_s: offered * low * low, orphaned_per_s: offered * low * (1.0 - low).powi(2) }
}

/// The three calls of an order.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Authorize,
    Capture(u64),
    Void(u64),
}

impl Step {
    fn request(self, order: u32) -> PaymentRequest {
        let amount = Amount::new(4_500);
        let (word, call) = match self {
            Self::Authorize => ("authorize", Call::Authorize { amount, card: 0 }),
            Self::Capture(id) => {
                ("capture", Call::Capture { authorization: AuthorizationId(id), amount })
            }
            Self::Void(id) => ("void", Call::Void { authorization: AuthorizationId(id) }),
        };
        let reference = format!("0-{order}");
        let key = format!("{reference}-{word}");
        PaymentRequest { account: "shop".to_owned(), reference, key, call }
    }
}

/// Poisson arrivals at `offered` orders/s, in virtual time.
fn simulate(offered: f64, limits: &[Limit]) -> Rates {
    let limits = limits.to_vec();
    let base = Overrides { declines: Some(0.0), ..Overrides::default() }.resolve(7).unwrap();
    let mut provider = Provider::new(Settings { limits, ..base });
    let mut calendar = BinaryHeap::new();
    let mut arrival = 0.0;
    for order in 0.. {
        arrival += draw_for(7, 0, Purpose::Arrival, order).exponential(1.0 / offered);
        if arrival > SECONDS {
            break;
        }
        calendar.push(Reverse((Time::from_seconds(arrival), order, Step::Authorize)));
    }
    let (mut paid, mut orphaned) = (0_u32, 0_u32);
    while let Some(Reverse((at, order, step))) = calendar.pop() {
        let decision = provider.call(at, at.nanos(), &step.request(order));
        let counted = u32::from(at.seconds() > WARM_UP && at.seconds() <= SECONDS);
        let answered = at + decision.delay;
        match (step, decision.payment_reply().expect("no call hangs")) {
            (Step::Authorize, PaymentReply::Authorized { authorization }) => {
                calendar.push(Reverse((answered, order, Step::Capture(authorization.0))));
            }
            (Step::Capture(_), PaymentReply::Captured) => paid += counted,
            (Step::Capture(id), PaymentReply::RateLimited { .. }) => {
                let soon = answered + Duration::from_millis(20);
                calendar.push(Reverse((soon, order, Step::Void(id))));
            }
            (Step::Void(_), PaymentReply::RateLimited { .. }) => orphaned += counted,
            (Step::Void(_), PaymentReply::Voided)
            | (Step::Authorize, PaymentReply::RateLimited { .. }) => {}
            (step, reply) => panic!("{step:?}: {reply:?}"),
        }
    }
    let per_s = |count: u32| f64::from(count) / (SECONDS - WARM_UP);
    Rates { paid_per_s: per_s(paid), orphaned_per_s: per_s(orphaned) }
}

fn limit(scope: Scope, algorithm: Algorithm, rate: f64) -> Limit {
    Limit { scope, algorithm, rate: Some(rate), ..Limit::default() }
}

#[test]
fn a_shared_bucket_collapses_as_the_closed_form_says() {
    for (offered, rate) in [(400.0, 100.0), (400.0, 30.0), (660.0, 30.0), (400.0, 20.0)] {
        let form = closed_form(offered, rate);
        let seen = simulate(offered, &[limit(Scope::Global, Algorithm::TokenBucket, rate)]);
        // Refusals come in bursts, which the form does not know: a few percent more are paid.
        let ratio = seen.paid_per_s / form.paid_per_s;
        assert!((0.9..1.25).contains(&ratio), "{offered} on {rate}: {seen:?}, {form:?}");
        let orphaned = seen.orphaned_per_s / form.orphaned_per_s;
        assert!((0.9..1.2).contains(&orphaned), "{offered} on {rate}: {seen:?}, {form:?}");
        assert!(seen.paid_per_s < 0.35 * rate / 2.0, "most of R/2 is lost: {seen:?}");
    }
}

#[test]
fn a_fixed_window_is_worse_still() {
    for rate in [20.0, 30.0, 100.0] {
        let form = closed_form(400.0, rate);
        let seen = simulate(400.0, &[limit(Scope::Global, Algorithm::FixedWindow, rate)]);
        let ratio = seen.paid_per_s / form.paid_per_s;
        assert!((0.55..0.98).contains(&ratio), "{rate}: {seen:?}, {form:?}");
    }
}

#[test]
fn equal_limits_per_endpoint_lose_nothing() {
    let seen = simulate(400.0, &[limit(Scope::Endpoint, Algorithm::TokenBucket, 30.0)]);
    assert!(seen.paid_per_s > 0.9 * 30.0, "{seen:?}");
    assert!(seen.orphaned_per_s < 0.05 * 30.0, "{seen:?}");
}

/// The limits by rates of the profile: one for the account, which counts so, and one for each
/// endpoint.
fn rates_of_stripe_2026(counts: Counts) -> Vec<Limit> {
    let overrides = Overrides { profile: Some("stripe-2026".to_owned()), ..Overrides::default() };
    let limits = overrides.resolve(7).unwrap().limits;
    let rates = limits
        .into_iter()
        .filter(|limit| limit.algorithm == Algorithm::TokenBucket && limit.scope != Scope::Object);
    let of_account = |limit: &Limit| limit.scope == Scope::Global;
    rates.map(|limit| if of_account(&limit) { Limit { counts, ..limit } } else { limit }).collect()
}

#[test]
fn a_refusal_that_debits_no_other_limit_leaves_each_endpoint_its_rate() {
    let limits = rates_of_stripe_2026(Counts::Admitted);
    let figures: Vec<_> = limits.iter().map(|limit| (limit.scope, limit.rate)).collect();
    assert_eq!(figures, [(Scope::Global, Some(100.0)), (Scope::Endpoint, Some(25.0))]);
    // 25 authorizations and 25 captures per second are less than the account's 100.
    let seen = simulate(400.0, &limits);
    assert!((24.0..26.0).contains(&seen.paid_per_s), "{seen:?}");
    assert!(seen.orphaned_per_s < 1.0, "{seen:?}");
}

#[test]
fn a_refusal_that_debits_the_account_starves_the_captures() {
    let seen = simulate(400.0, &rates_of_stripe_2026(Counts::Offered));
    // The account counts all calls: 400 authorizations, of which the endpoint admits 25, their
    // captures and the voids of those that are refused. Each passes the account's limit with
    // probability p: 100/p = 400 + 25 + 25·(1 − p).
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let p: f64 = f64::midpoint(low, high);
        if p * (425.0 + 25.0 * (1.0 - p)) < 100.0 { low = p } else { high = p }
    }
    let form = 25.0 * low;
    // Admissions come in runs, which the form does not know: a few percent more are paid.
    let ratio = seen.paid_per_s / form;
    assert!((0.9..1.15).contains(&ratio), "{seen:?}, {form}");
}

/// The rates of a profile as they are: without those that count calls at once, which are nobody's
/// published figure.
fn rates_of(profile: &str) -> Vec<Limit> {
    let overrides = Overrides { profile: Some(profile.to_owned()), ..Overrides::default() };
    let limits = overrides.resolve(7).unwrap().limits;
    let rates = limits
        .into_iter()
        .filter(|limit| limit.algorithm == Algorithm::TokenBucket && limit.scope != Scope::Object);
    rates.collect()
}

#[test]
fn the_profiles_rank_as_the_closed_forms_say() {
    // Where authorizations, captures and voids share a bucket, the form of this file; where each
    // has its own, what the least of authorizations and captures leaves.
    let forms = [
        ("shared-20", closed_form(400.0, 20.0).paid_per_s),
        ("shared-30", closed_form(400.0, 30.0).paid_per_s),
        ("payjp", closed_form(400.0, 14.0).paid_per_s),
        ("stripe-2024", closed_form(400.0, 100.0).paid_per_s),
        ("stripe-2026", 25.0),
        ("amazonpay-jp", 4.0),
    ];
    let rank = |mut all: Vec<(&'static str, f64)>| {
        all.sort_by(|one, other| one.1.total_cmp(&other.1));
        all.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    let mut seen = Vec::new();
    for (profile, form) in forms {
        let paid_per_s = simulate(400.0, &rates_of(profile)).paid_per_s;
        let ratio = paid_per_s / form;
        assert!((0.85..1.3).contains(&ratio), "{profile}: {paid_per_s} of {form} orders/s");
        seen.push((profile, paid_per_s));
    }
    assert_eq!(rank(seen), rank(forms.to_vec()));
    let expected =
        ["payjp", "shared-20", "shared-30", "amazonpay-jp", "stripe-2024", "stripe-2026"];
    assert_eq!(rank(forms.to_vec()), expected);
}
