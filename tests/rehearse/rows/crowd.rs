//! Rows about the crowd: what it asks of each tier.

use std::collections::{BTreeMap, BTreeSet};

use domain::outcome::Operation;
use domain::time::Time;
use spike::command::folder::PURCHASES;
use spike::evidence::PurchaseLine;
use spike::measure::{Measured, RecoveryState, Second};
use spike::scenario::offer;
use spike::scenario::overrides::Overrides;
use spike::verdict::{Judged, World};

use crate::claim::{Claim, at_least, at_most, misses, near, passes};
use crate::rehearsal;
use crate::row::Row;
use crate::rows::points;
use crate::stage::{Size, live_alone, simulate, simulate_seeded};

pub(super) const FIRST_COME_SALE: Row = Row {
    number: 1,
    name: "first-come-sale",
    phenomenon: "the storm begins before the opening; slot and item sell out together",
    lives: first_come_sale,
};

fn first_come_sale(_: Size) -> Vec<Claim> {
    let scenario = rehearsal::scenario(&rehearsal::shipped_text("dome"), &Overrides::default());
    let out = tempfile::tempdir().unwrap();
    let (folder, _) = rehearsal::live_virtually(&scenario, out.path());
    let judged = spike::command::judge_folder(&folder, &scenario, World::Simulated).unwrap();
    let asked = first_asks_per_s(&std::fs::read_to_string(folder.file(PURCHASES)).unwrap());
    let foretold = offer::offer(&scenario, &scenario).openings[0].checkouts_per_s;
    let measured = &judged.measured;
    let sale = &measured.sales["day-1"];
    let of_all: u64 = measured.timeline.iter().map(|second| second.edge).sum();
    let early = measured.timeline.iter().filter(|second| second.at_s < sale.opens_s);
    let early: u64 = early.map(|second| second.edge).sum();
    let (sold, stock) =
        sale.items.values().fold((0, 0), |sum, item| (sum.0 + item.sold, sum.1 + item.stock));
    let edge = before_the_opening(measured, |second| second.edge);
    let origin = before_the_opening(measured, |second| second.origin.unwrap_or_default());
    vec![
        passes("the dome at full scale", &judged),
        near("requests per second at the edge before the opening", edge, 50_000.0, 0.05),
        near("requests per second at the origin before the opening", origin, 8_000.0, 0.1),
        near("payment attempts per second foretold", foretold, 400.0, 0.05),
        // Those who are told to wait and come again are not counted twice: one payment each is at stake.
        near("payment attempts per second, the most", asked, 400.0, 0.1),
        at_least("share of all requests before the opening", early as f64 / of_all as f64, 0.3),
        near("pieces sold", sold as f64, stock as f64, 0.0),
    ]
}

pub(super) const LAYERS: Row = Row {
    number: 10,
    name: "layers",
    phenomenon: "the edge answers five of six; without collapsing, or with a cookie, the shop gets all; each point \
                 of presence fetches for itself, a shield once for all; a kept error outlasts its cause",
    lives: layers,
};

fn layers(size: Size) -> Vec<Claim> {
    let few: &[&str] = size.pick(&[], &["fans.0.count=7000"]);
    let lived = |set: &[&str]| simulate("crowd/layers", &[few, set].concat()).judged;
    let cached = lived(&[]);
    let at_origin =
        |judged: &Judged| judged.measured.rates["origin"].mean_per_s.unwrap_or_default();
    let times = |set: &str| at_origin(&lived(&[set])) / at_origin(&cached);
    // All come at once to a cache that holds nothing, and a page takes 100 ms.
    let at_once = "fans.0.arrive={ shape = \"at-once\", at = \"-25s\" }";
    let cold = |collapse: &str| {
        peak(&lived(&[at_once, "stack.application.service=100ms", collapse]).measured, "origin")
    };
    let cold = cold("shop.edge.collapse=false") / cold("shop.edge.collapse=true");
    let cookies = lived(&["shop.edge.cookies=every-page"]);
    let claims = vec![
        passes("one fetch for many", &cached),
        near("share that the edge answers", offload(&cached.measured), 5.0 / 6.0, 0.02),
        at_least("times the requests at the origin, nothing kept", times("shop.edge.ttl=0s"), 5.0),
        at_least("the same, nobody waits for a fetch", times("shop.edge.collapse=false"), 1.5),
        at_least("times the peak at the origin, all at once and nothing kept yet", cold, 5.0),
        at_most("share that it answers, a cookie on every page", offload(&cookies.measured), 0.01),
        live_alone(
            "share that an nginx answers, live",
            ("crowd/layers", &[SOON, &[NGINX]].concat()),
            |what, judged| near(what, offload(&judged.measured), 5.0 / 6.0, 0.05),
        ),
        live_alone(
            "the same, a cookie on every page",
            ("crowd/layers", &[SOON, &[NGINX, "shop.edge.cookies=every-page"]].concat()),
            |what, judged| at_most(what, offload(&judged.measured), 0.02),
        ),
    ];
    claims.into_iter().chain(points::points_and_errors(size)).collect()
}

/// A real nginx in front of the shop.
const NGINX: &str = "shop.edge.by=nginx";

/// A live run that need not last longer.
const SOON: &[&str] =
    &["sale.0.opens=+12s", "sale.0.lasts=5s", "fans.0.arrive.from=-10s", "audit.drain=3s"];

pub(super) const PUSH_AT_ONCE: Row = Row {
    number: 44,
    name: "push-at-once",
    phenomenon: "one push to all is a storm of one's own making; spread over minutes it is none",
    lives: push_at_once,
};

fn push_at_once(_: Size) -> Vec<Claim> {
    /// Requests per second that are reserved in front of the shop.
    const RESERVED_PER_S: f64 = 2_000.0;
    let bad = simulate("crowd/push-at-once", &[]).judged;
    let good = simulate("crowd/push-at-once", &["fans.0.arrive.over=5m"]).judged;
    vec![
        misses("one push to all", &bad),
        at_least(
            "its peak at the edge, requests per second",
            peak(&bad.measured, "edge"),
            RESERVED_PER_S,
        ),
        passes("spread over five minutes", &good),
        at_most(
            "its peak at the edge, requests per second",
            peak(&good.measured, "edge"),
            RESERVED_PER_S,
        ),
    ]
}

pub(super) const LOGIN_STORM: Row = Row {
    number: 43,
    name: "login-storm",
    phenomenon: "everybody signs in at the opening, and the base of members is the wall",
    lives: login_storm,
};

fn login_storm(size: Size) -> Vec<Claim> {
    const FILE: &str = "crowd/login-storm";
    const LONG_SESSIONS: &str = "fans.0.login=0.05";
    let bad = simulate(FILE, &[]).judged;
    let good = simulate(FILE, &[LONG_SESSIONS]).judged;
    let p99_s = |judged: &Judged| {
        judged.measured.operations["login"].response_ms.as_ref().unwrap().p99 / 1e3
    };
    let mut claims = vec![
        misses("everybody signs in", &bad),
        // 3,000 fans at 100 logins per second, less the seconds in which they come.
        at_least("seconds until the 99th of a hundred is signed in", p99_s(&bad), 20.0),
        passes("one in twenty signs in", &good),
        live_alone("live, everybody signs in", (FILE, &[]), misses),
    ];
    if size == Size::Full {
        claims.push(live_alone("live, one in twenty signs in", (FILE, &[LONG_SESSIONS]), passes));
    }
    claims
}

pub(super) const METASTABLE: Row = Row {
    number: 37,
    name: "metastable-retry",
    phenomenon: "the trigger is gone, and those who ask again keep the failure up",
    lives: metastable,
};

fn metastable(size: Size) -> Vec<Claim> {
    const FILE: &str = "crowd/metastable-retry";
    let bad = simulate(FILE, &[]).judged;
    let mut claims = vec![
        misses("those who get no answer ask again, three times", &bad),
        becomes("what the report calls it", &bad, RecoveryState::Metastable),
    ];
    for (what, set) in [
        ("the application sheds what it cannot answer in time", "stack.application.queue=800"),
        ("nobody asks again", "fans.0.retry.attempts=0"),
        ("a lesser trigger", "stack.application.slowdowns.0.capacity=0.75"),
    ] {
        let good = simulate(FILE, &[set]).judged;
        claims.push(passes(what, &good));
        claims.push(becomes(what, &good, RecoveryState::Recovered));
    }
    for (what, queue, expected) in [
        ("a surge of twice the arrivals for ten seconds instead", "", RecoveryState::Metastable),
        ("the same, and it sheds", "stack.application.queue=800", RecoveryState::Recovered),
    ] {
        let set = [&["stack.application.slowdowns=[]", SURGE.0, SURGE.1][..], &[queue]].concat();
        let set: Vec<&str> = set.into_iter().filter(|key| !key.is_empty()).collect();
        claims.push(becomes(what, &simulate(FILE, &set).judged, expected));
    }
    claims.extend(published(size));
    claims
}

/// 680 people per second as ever, and twice as many for ten seconds: 560 a second more than can be answered, so that
/// the line is 7 s long.
const SURGE: (&str, &str) = (
    "fans.0.arrive={ shape = \"step\", points = [{ at = \"0s\", rate = \"680/s\" }, \
     { at = \"90s\", rate = \"1360/s\" }, { at = \"100s\", rate = \"680/s\" }, \
     { at = \"230s\", rate = \"680/s\" }] }",
    "fans.0.count=163200",
);

/// The four experiments with retries of L. Huang et al., "Metastable Failures in the Wild", OSDI 2022: one
/// line of servers, a time-out of 3 s, four resends without a pause, and a trigger that leaves 22.5 % or
/// 20 % of the capacity for 9 or 10 s. Of their 13,333 requests per second we send as many as load 3,000
/// per second to 37.6 %.
fn published(size: Size) -> Vec<Claim> {
    use RecoveryState::{Metastable, Recovered};
    const PER_S: f64 = 0.376 * 3_000.0;
    let seeds = size.pick(1..=5, 1..=1);
    let mut claims = Vec::new();
    for (what, per_s, lasts_s, capacity, expected) in [
        ("22.5 % of the capacity for 10 s", PER_S, 10, 0.225, Recovered),
        ("20 % for 10 s", PER_S, 10, 0.2, Metastable),
        ("20 % for 9 s", PER_S, 9, 0.2, Recovered),
        ("20 % for 10 s, three quarters of the load", PER_S * 0.75, 10, 0.2, Recovered),
    ] {
        let set = [
            "sale.0.lasts=150s".to_owned(),
            format!("fans.0.count={:.0}", per_s * 150.0),
            format!(
                "fans.0.arrive={{ shape = \"constant\", from = \"0s\", rate = \"{per_s}/s\" }}"
            ),
            "fans.0.timeout=3s".to_owned(),
            "fans.0.retry.attempts=4".to_owned(),
            "stack.application.servers=1".to_owned(),
            "stack.application.service={ mean = \"333.333us\" }".to_owned(),
            format!(
                "stack.application.slowdowns=[{{ at = \"40s\", lasts = \"{lasts_s}s\", capacity = {capacity} }}]"
            ),
        ];
        let set: Vec<&str> = set.iter().map(String::as_str).collect();
        let as_published = seeds.clone().filter(|seed| {
            let lived = simulate_seeded("crowd/metastable-retry", &set, Some(*seed));
            state(&lived.judged) == expected
        });
        let share = as_published.count() as f64 / seeds.clone().count() as f64;
        let what =
            format!("published, {what}: the share of runs in which it is {}", word(expected));
        claims.push(at_least(&what, share, 0.8));
    }
    claims
}

/// What became of the run after its one trigger.
fn becomes(what: &str, judged: &Judged, expected: RecoveryState) -> Claim {
    let seen = state(judged);
    Claim::of(what, word(expected).to_owned(), word(seen).to_owned(), seen == expected)
}

fn state(judged: &Judged) -> RecoveryState {
    let [recovery] = judged.measured.recoveries.as_slice() else {
        panic!("one trigger is looked at")
    };
    recovery.state
}

const fn word(state: RecoveryState) -> &'static str {
    match state {
        RecoveryState::Recovered => "recovered",
        RecoveryState::Slow => "slow",
        RecoveryState::Metastable => "metastable",
        RecoveryState::NotAssessed => "not assessed",
    }
}

/// The most fans per second who ask to buy for the first time.
fn first_asks_per_s(purchases: &str) -> f64 {
    let mut asked = BTreeSet::new();
    let mut per_second = BTreeMap::<u64, u32>::new();
    for line in purchases.lines() {
        let line: PurchaseLine = serde_json::from_str(line).unwrap();
        if let PurchaseLine::Attempt { fan, operation: Operation::Checkout, intended, .. } = line
            && asked.insert(fan)
        {
            *per_second.entry((intended - Time::ZERO).as_secs()).or_default() += 1;
        }
    }
    per_second.into_values().max().map_or(0.0, f64::from)
}

/// Requests per second in the mean of the five seconds before the opening.
fn before_the_opening(measured: &Measured, of: fn(&Second) -> u64) -> f64 {
    let opens_s = measured.sales["day-1"].opens_s;
    let before = |second: &&Second| (opens_s - 5.0..opens_s).contains(&second.at_s);
    measured.timeline.iter().filter(before).map(of).sum::<u64>() as f64 / 5.0
}

/// The most per second that a tier saw in any whole second.
fn peak(measured: &Measured, tier: &str) -> f64 {
    measured.rates[tier].peak_per_s.unwrap_or_default()
}

/// The share of requests that never reached the origin.
fn offload(measured: &Measured) -> f64 {
    let count = |tier: &str| measured.rates[tier].count.unwrap_or_default() as f64;
    1.0 - count("origin") / count("edge")
}
