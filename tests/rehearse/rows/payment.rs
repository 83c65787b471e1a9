//! Rows about the payment: a provider that allows little, and what shops make of it.

use std::ops::Range;
use std::time::Duration;

use domain::provider::PaymentOutcome;
use domain::shop::ShopLine;
use spike::verdict::Judged;

use crate::claim::{Claim, at_least, at_most, near, passes, violates};
use crate::row::Row;
use crate::stage::{Lived, Size, live, simulate, simulate_seeded};

/// R: calls per second that the provider of the payment scenarios allows.
const ALLOWED_PER_S: f64 = 30.0;
/// Lambda: orders per second that their fans ask for.
const OFFERED_PER_S: f64 = 400.0;

pub(super) const COLLAPSE: Row = Row {
    number: 2,
    name: "payment-collapse",
    phenomenon: "the few who get an authorization lose it at the capture; almost nobody buys",
    lives: collapse,
};

fn collapse(size: Size) -> Vec<Claim> {
    let shared = simulate("payment-collapse", &[]);
    let unjust = ["INV-ORPHAN-AUTH", "INV-UNDERSOLD"];
    let seen = collapsed_per_s(&[], size.pick(1..11, 1..5));
    let expected = shared_per_s(OFFERED_PER_S, ALLOWED_PER_S);
    let mut claims = vec![
        violates("a shared bucket of 30/s", &shared.judged, &unjust),
        near("orders completed per second, λp²", seen, expected, size.pick(0.15, 0.2)),
        at_most("the same, of R/2 = 15", seen, 0.35 * ALLOWED_PER_S / 2.0),
    ];
    let window = "provider.limits=[{ algorithm = \"fixed-window\", rate = 30, window = \"1s\" }]";
    let windowed = collapsed_per_s(&[window], size.pick(1..11, 1..5));
    claims.push(at_most("with a fixed window of 1 s, of λp²", windowed / expected, 0.95));
    claims.push(at_least("with a fixed window of 1 s, of λp²", windowed / expected, 0.65));
    let limit = |rate| format!("provider.limits=[{{ rate = {rate}, burst = {rate} }}]");
    for (allowed, offered, count) in size
        .pick(vec![(20.0, 400.0, 128_000), (100.0, 400.0, 128_000), (30.0, 660.0, 211_200)], vec![])
    {
        let people = format!("fans.0.count={count}");
        let seen = collapsed_per_s(&[&limit(allowed), &people], 1..6);
        let what = format!("{offered:.0} orders/s against {allowed:.0} calls/s");
        claims.push(near(&what, seen, shared_per_s(offered, allowed), 0.15));
    }
    claims.extend(raised());
    claims
}

/// The limit is raised from 30 to 100 calls per second 85 s after the run's beginning; fans come for 80 s
/// before it and as long after it.
fn raised() -> Vec<Claim> {
    const RAISED_PER_S: f64 = 100.0;
    let lived = simulate("payment-raised", &[]);
    let mut claims =
        vec![violates("raised in mid-sale", &lived.judged, &["INV-ORPHAN-AUTH", "INV-UNDERSOLD"])];
    for (from_s, allowed, tolerance) in [(5.0, ALLOWED_PER_S, 0.3), (85.0, RAISED_PER_S, 0.15)] {
        // The first 5 s are not steady; a full bucket may be let through besides.
        let calls = let_through_per_s(from_s..from_s + 79.0, &lived);
        claims.push(at_least(
            &format!("calls let through per second, of {allowed}"),
            calls,
            allowed - 0.1,
        ));
        claims.push(at_most("the same", calls, allowed * 80.0 / 79.0));
        let completed = completed_per_s_in(from_s + 5.0..from_s + 79.0, &lived);
        let expected = shared_per_s(OFFERED_PER_S, allowed);
        claims.push(near("orders completed per second then, λp²", completed, expected, tolerance));
    }
    claims
}

pub(super) const ADMISSION: Row = Row {
    number: 3,
    name: "payment-admission",
    phenomenon: "one key more: the provider is never overloaded, and the stock sells steadily",
    lives: admission,
};

fn admission(_: Size) -> Vec<Claim> {
    const ADMITTED_PER_S: f64 = 13.5;
    let cured = simulate("payment-admission", &[]);
    let payments = cured.judged.measured.payments;
    vec![
        passes("13.5 orders/s let through", &cured.judged),
        at_least("orders completed per second", completed_per_s(&cured), 0.9 * ADMITTED_PER_S),
        at_most("calls that the provider refused", payments.refused as f64, 0.0),
        at_most("orphaned authorizations", payments.orphaned as f64, 0.0),
        live_admission("memory"),
        live_admission("redis"),
    ]
}

/// Twenty seconds of it live, with fewer fans in the same proportion to what is let through.
fn live_admission(by: &str) -> Claim {
    let counted = format!("shop.admission.by={by}");
    let shortened = [
        "live.scale=1",
        "sale.0.lasts=20s",
        "fans.0.count=800",
        "fans.0.arrive.over=10s",
        "audit.drain=12s",
        &counted,
    ];
    live(&format!("live, counted in {by}"), ("payment-admission", &shortened), passes)
}

pub(super) const LIMITER_SCOPE: Row = Row {
    number: 5,
    name: "limiter-scope",
    phenomenon: "the same load: collapse where calls share a limit, none where each has its own",
    lives: limiter_scope,
};

fn limiter_scope(size: Size) -> Vec<Claim> {
    let seeds = || size.pick(1..4, 1..2);
    let tolerance = size.pick(0.15, 0.3);
    let of = |profile: &str, expected: f64| {
        let what = format!("orders completed per second, {profile}");
        let seen = collapsed_per_s(&[&format!("provider.profile={profile}")], seeds());
        near(&what, seen, expected, tolerance)
    };
    // Its three kinds of calls have a bucket each: as many are captured as are authorized.
    let mut claims = vec![of("amazonpay-jp", 4.0)];
    for (profile, allowed) in
        [("payjp", 14.0), ("shared-20", 20.0), ("shared-30", 30.0), ("stripe-2024", 100.0)]
    {
        claims.push(of(profile, shared_per_s(OFFERED_PER_S, allowed)));
    }
    // 100/s in all and 25/s of each endpoint: nobody documents whether a call that its endpoint
    // refuses is debited in all.
    for (counts, expected) in [("admitted", 25.0), ("offered", debited_per_s(100.0, 25.0))] {
        let limits = format!(
            "provider.limits=[{{ rate = 100, burst = 100, counts = \"{counts}\" }}, \
             {{ scope = \"endpoint\", rate = 25, burst = 25 }}]"
        );
        let what =
            format!("orders completed per second, 25/s per endpoint, 100/s of those {counts}");
        claims.push(near(&what, collapsed_per_s(&[&limits], seeds()), expected, tolerance));
    }
    claims
}

pub(super) const DOUBLE_TAP: Row = Row {
    number: 41,
    name: "double-tap",
    phenomenon: "who taps again before the answer comes pays twice where no key is looked at",
    lives: double_tap,
};

fn double_tap(_: Size) -> Vec<Claim> {
    let bad = simulate("payment/double-tap", &[]);
    let good = simulate("payment/double-tap", &["shop.faults=[]"]);
    let charged = |what: &str, judged: &Judged| violates(what, judged, &["INV-DOUBLE-CHARGE"]);
    vec![
        charged("no key is looked at", &bad.judged),
        passes("with idempotency keys", &good.judged),
        live("live, no key is looked at", ("payment/double-tap", &[]), charged),
    ]
}

pub(super) const DRAW: Row = Row {
    number: 16,
    name: "pay-per-draw",
    phenomenon: "who pays per draw and taps again draws twice where no key is looked at",
    lives: draw,
};

fn draw(_: Size) -> Vec<Claim> {
    let bad = simulate("payment/pay-per-draw", &[]);
    let good = simulate("payment/pay-per-draw", &["shop.faults=[]"]).judged;
    let twice = |what: &str, judged: &Judged| {
        violates(what, judged, &["INV-DOUBLE-CHARGE", "INV-SILENT-CHARGE"])
    };
    let prizes = good.measured.sales["draw"].items["prize"];
    vec![
        twice("no key is looked at", &bad.judged),
        passes("with idempotency keys", &good),
        near("prizes issued, of all", prizes.sold as f64, prizes.stock as f64, 0.0),
        near("payments taken, one a prize", good.measured.payments.captured as f64, 900.0, 0.0),
        live("live, no key is looked at", ("payment/pay-per-draw", &[]), twice),
    ]
}

pub(super) const WORKER_SHARES_QUOTA: Row = Row {
    number: 42,
    name: "worker-shares-quota",
    phenomenon: "a worker's captures come out of the limit that the checkout was sized for: both are refused",
    lives: worker_shares_quota,
};

fn worker_shares_quota(_: Size) -> Vec<Claim> {
    let bad = simulate("payment/worker-shares-quota", &[]);
    let counted = "shop.admission={ calls_per_second = 30 }";
    let good = simulate("payment/worker-shares-quota", &[counted]);
    vec![
        violates("sized for the checkout alone", &bad.judged, &["INV-QUOTA", "INV-UNDERSOLD"]),
        passes("the worker's calls counted too", &good.judged),
    ]
}

pub(super) const VOIDS_RETRIED: Row = Row {
    number: 48,
    name: "voids-retried",
    phenomenon: "patient voids leave no orphan behind, and the stock stays unsold all the same",
    lives: voids_retried,
};

fn voids_retried(_: Size) -> Vec<Claim> {
    let patient = simulate("payment-collapse", &["shop.void_retries=40"]);
    let orphaned = patient.judged.measured.payments.orphaned as f64;
    vec![
        violates("void_retries = 40", &patient.judged, &["INV-UNDERSOLD"]),
        at_most("orphaned authorizations after the drain", orphaned, 0.0),
    ]
}

/// Orders completed per second from 10 s to 310 s after the opening.
fn completed_per_s(lived: &Lived) -> f64 {
    let opens = lived.scenario.catalogue.sales[0].opens.seconds();
    completed_per_s_in(opens + 10.0..opens + 310.0, lived)
}

/// Orders completed per second in a window of the run \[s\].
fn completed_per_s_in(window: Range<f64>, lived: &Lived) -> f64 {
    let completed = lived.run.ledgers.shop.iter().filter(|line| match line {
        ShopLine::Order { paid: true, updated_utc_ns, .. } => {
            window.contains(&Duration::from_nanos(*updated_utc_ns).as_secs_f64())
        }
        _ => false,
    });
    completed.count() as f64 / (window.end - window.start)
}

/// Calls per second that the provider let through in a window of the run \[s\].
fn let_through_per_s(window: Range<f64>, lived: &Lived) -> f64 {
    let calls = lived.run.ledgers.provider.iter().filter(|line| {
        let at_s = Duration::from_nanos(line.utc_ns).as_secs_f64();
        line.outcome != PaymentOutcome::RateLimited && window.contains(&at_s)
    });
    calls.count() as f64 / (window.end - window.start)
}

/// Orders completed per second where nothing is in front of the provider, in the mean over seeds.
fn collapsed_per_s(set: &[&str], seeds: Range<u64>) -> f64 {
    let number = (seeds.end - seeds.start) as f64;
    let each =
        seeds.map(|seed| completed_per_s(&simulate_seeded("payment-collapse", set, Some(seed))));
    each.sum::<f64>() / number
}

/// Lambda p², where p solves R / lambda = p (1 + 2p - p²): each order calls once to authorize; the
/// share p that is let through calls to capture, of which 1 - p is refused and calls to void.
fn shared_per_s(offered: f64, allowed: f64) -> f64 {
    let p = bisect(|p| p * (1.0 + 2.0 * p - p * p) * offered - allowed);
    offered * p * p
}

/// What is completed where each endpoint has a bucket of its own, and the common one is debited by
/// those that it refuses too: it admits the share p of all; of those that authorize, the endpoint
/// lets its rate through, and as many call to capture; 1 - p of these call to void.
fn debited_per_s(in_all: f64, each: f64) -> f64 {
    let authorized = |p: f64| (OFFERED_PER_S * p).min(each);
    let p = bisect(|p| p * (OFFERED_PER_S + authorized(p) * (2.0 - p)) - in_all);
    authorized(p) * p
}

/// Where a rising function of a share is nought.
fn bisect(rising: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if rising(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}
