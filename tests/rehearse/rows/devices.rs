//! Rows about devices that hold a connection: what a deploy does to them, and how many there may be.

use spike::measure::{DeployOutcome, DeviceSummary, RecoveryState};
use spike::verdict::{Judged, Verdict};

use crate::claim::{Claim, at_least, at_most, misses, near, passes};
use crate::row::Row;
use crate::stage::{Size, simulate};

/// The scenarios' devices at their own size.
const FULL: f64 = 30_000.0;

/// A tenth of the devices, of what accepts them and of the database; no time is another.
const TENTH: [&str; 3] = [
    "devices.0.count=3000",
    "devices.0.server.servers=1",
    "devices.0.database={ servers = 1, connect = \"15ms\", heartbeat = \"2.5ms\", status = \"5ms\" }",
];

/// Lives one of the scenarios at a size, with each `a.b=value` set.
fn lived(size: Size, name: &str, set: &[&str]) -> Judged {
    let few: &[&str] = size.pick(&[], &TENTH);
    simulate(&format!("devices/{name}"), &[few, set].concat()).judged
}

/// How many devices there are at a size instead of so many.
fn sized(size: Size, count: f64) -> f64 {
    size.pick(count, count / 10.0)
}

fn chargers(judged: &Judged) -> &DeviceSummary {
    &judged.measured.devices["chargers"]
}

fn deploy(judged: &Judged) -> &DeployOutcome {
    chargers(judged).deploy.as_ref().unwrap()
}

/// How long after the end of the deploy the last one was back \[s\]; infinite if one never was.
fn recovered_s(judged: &Judged) -> f64 {
    deploy(judged).recovered_after_s.unwrap_or(f64::INFINITY)
}

fn first_peak(judged: &Judged) -> f64 {
    chargers(judged).connects.first_peak_per_s as f64
}

/// What the report calls it.
fn becomes(what: &str, judged: &Judged, expected: RecoveryState) -> Claim {
    let seen = deploy(judged).state;
    Claim::of(what, format!("{expected:?}"), format!("{seen:?}"), seen == expected)
}

/// At least one objective is missed, and nothing worse.
fn fails(what: &str, judged: &Judged) -> Claim {
    let seen = format!("{:?}: {}", judged.verdict, judged.reasons.join("; "));
    let holds = judged.verdict == Verdict::ObjectiveMissed;
    Claim::of(what, "objectives missed".to_owned(), seen, holds)
}

pub(super) const STORM: Row = Row {
    number: 24,
    name: "reconnect-storm",
    phenomenon: "all connect again at once; whoever gave up is accepted in vain, and nobody else comes in any more",
    lives: storm,
};

fn storm(size: Size) -> Vec<Claim> {
    const FILE: &str = "reconnect-storm";
    let mut claims = Vec::new();
    for count in [3_000.0, 10_000.0, FULL] {
        let count = sized(size, count);
        let set = format!("devices.0.count={count}");
        let judged = lived(size, FILE, &[&set]);
        // N/A: 500 a second, or 50.
        let line_s = count / sized(size, 500.0);
        claims.extend([
            fails(&format!("{count} chargers"), &judged),
            near("first attempts in a second, the most", first_peak(&judged), count, 0.05),
            at_most("availability", chargers(&judged).availability, 0.99),
            at_least("seconds until the last is back, more than N/A", recovered_s(&judged), line_s),
        ]);
    }
    let bad = lived(size, FILE, &[]);
    claims.push(misses("of all of them, each objective", &bad));
    claims.push(becomes("what the report calls it, with T < N/A", &bad, RecoveryState::Metastable));
    // What is worked on in vain is gone, and the storm is there still.
    for (what, set) in [
        ("a server that looks who is there", "devices.0.server.stale=dropped".to_owned()),
        ("a backlog of 10 s", format!("devices.0.server.backlog={}", sized(size, 5_000.0))),
    ] {
        let judged = lived(size, FILE, &[&set, "devices.0.network=500ms"]);
        claims.push(near(
            &format!("{what}: seconds until the last is back"),
            recovered_s(&judged),
            60.0,
            0.1,
        ));
        claims.push(fails("it fails all the same", &judged));
    }
    claims
}

pub(super) const BACKOFF: Row = Row {
    number: 25,
    name: "reconnect-backoff",
    phenomenon: "a back-off lowers the peak to N over its jitter, which is still more than is accepted",
    lives: backoff,
};

fn backoff(size: Size) -> Vec<Claim> {
    let of = |strategy: &str, rest: &str| {
        format!("devices.0.reconnect={{ strategy = \"{strategy}\", {rest} }}")
    };
    let mut claims = Vec::new();
    for (what, set, per_s) in [
        (
            "OCPP 10 s, 10 s, 3: N/W",
            of("ocpp", "minimum = \"10s\", doublings = 3, range = \"10s\""),
            3_000.0,
        ),
        (
            "the random part doubled too",
            of("ocpp", "minimum = \"10s\", doublings = 3, range = \"10s\", doubles = \"both\""),
            3_000.0,
        ),
        (
            "full jitter of 5 s, at most 60 s: N/base",
            of("full-jitter", "base = \"5s\", cap = \"60s\""),
            6_000.0,
        ),
        ("the same, at most 300 s", of("full-jitter", "base = \"5s\", cap = \"300s\""), 6_000.0),
        (
            "decorrelated, 5 s to 60 s: N/(2 base)",
            of("decorrelated", "base = \"5s\", cap = \"60s\""),
            3_000.0,
        ),
    ] {
        let judged = lived(size, "reconnect-backoff", &[&set]);
        let what = format!("{what}: first attempts in a second, the most");
        claims.push(near(&what, first_peak(&judged), sized(size, per_s), 0.15));
        claims.push(misses("more than the 500 a second that are accepted", &judged));
    }
    let wide = lived(size, "reconnect-backoff", &["devices.0.reconnect.range=60s"]);
    let connects = chargers(&wide).connects;
    claims.extend([
        at_most(
            "a range of N/A: first attempts in a second, and what chance adds",
            first_peak(&wide),
            sized(size, 500.0) * size.pick(1.2, 1.6),
        ),
        at_most("attempts in vain", connects.in_vain as f64, 0.0),
        near("seconds until the last is back", recovered_s(&wide), 70.0, 0.05),
    ]);
    claims
}

pub(super) const BLUE_GREEN: Row = Row {
    number: 26,
    name: "reconnect-blue-green",
    phenomenon: "a shift of new connections moves none that stays open: the storm comes when blue is destroyed",
    lives: blue_green,
};

fn blue_green(size: Size) -> Vec<Claim> {
    let bad = lived(size, "reconnect-blue-green", &[]);
    let seconds = &chargers(&bad).seconds;
    // From the 120th second on it is shifted, for 300 s.
    let most = |part: &[spike::evidence::devices::DeviceSecond]| {
        part.iter().map(|second| second.first_attempts).max().unwrap_or_default() as f64
    };
    // A connection ends with 1/L, and a new one goes to blue with 1 − t/S: (L/S)(1 − e^(−S/L)) are on it.
    let pages = lived(size, "reconnect-blue-green", &["devices.0.lifetime=2m"]);
    vec![
        misses("a shift of five minutes", &bad),
        at_least("share of the connections that stays on blue", deploy(&bad).stayed, 0.99),
        at_most(
            "first attempts in a second during the shift",
            most(&seconds[120..419]),
            sized(size, 50.0),
        ),
        near("at the teardown", most(&seconds[419..430]), sized(size, FULL), 0.05),
        becomes("what the report calls it", &bad, RecoveryState::Metastable),
        near(
            "share that is on it where connections last two minutes",
            deploy(&pages).stayed,
            120.0 / 300.0 * (1.0 - (-300.0_f64 / 120.0).exp()),
            0.05,
        ),
    ]
}

pub(super) const GRACEFUL: Row = Row {
    number: 27,
    name: "reconnect-graceful",
    phenomenon: "closed one by one, nobody notices; what does not fit the stop time-out is a storm",
    lives: graceful,
};

fn graceful(size: Size) -> Vec<Claim> {
    let pace = sized(size, 100.0);
    let pace_set = format!("devices.0.deploy.pace={pace}/s");
    // A tenth of the devices makes a tenth of the peak.
    let peak = format!("objectives.\"chargers connect peak\"=<= {}/s", 1.2 * pace);
    let good = lived(size, "reconnect-graceful", &[&pace_set, &peak]);
    let bad = lived(size, "reconnect-graceful", &[&pace_set, &peak, "devices.0.deploy.at_once=10"]);
    let peak_of = |judged: &Judged| chargers(judged).connects.peak_per_s as f64;
    let database = chargers(&good).database.unwrap();
    vec![
        passes("100 a second, one container after the other", &good),
        at_most("attempts in a second, at most 1.2 d", peak_of(&good), 1.2 * pace),
        at_most("database in its busiest minute", database.busiest_minute, 0.7),
        near("seconds that the deploy takes, N/d", deploy(&good).took_s.unwrap(), 300.0, 0.02),
        at_most("seconds without a connection, at most", chargers(&good).downtime_s.max, 10.0),
        fails("all containers at once", &bad),
        near("seconds until the stop time-out", deploy(&bad).took_s.unwrap(), 120.0, 0.01),
        near("connections cut off then", deploy(&bad).cut.into(), sized(size, 18_000.0), 0.01),
        at_least("attempts in a second, the most", peak_of(&bad), sized(size, 18_000.0)),
    ]
}

pub(super) const LIMIT: Row = Row {
    number: 28,
    name: "chargers-30k",
    phenomenon: "how many chargers there may be hangs on what a batch leaves of the database, and how often",
    lives: limit,
};

fn limit(size: Size) -> Vec<Claim> {
    /// What a batch leaves of the database, over what a charger asks of it: 2 / (2 ms / 5 min + 5 ms / 2 min).
    const LEFT: f64 = 2.0 / (0.002 / 300.0 + 0.005 / 120.0);
    let [two, ten, never] = ["2m", "10m", "2h"].map(|every| most(size, every));
    vec![
        passes("30,000 chargers", &living(size, sized(size, FULL), "2m").judged),
        near("chargers at most, a batch every 2 min", two, sized(size, LEFT), 0.12),
        at_least("times as many, every 10 min", ten / two, 1.03),
        at_least("times as many, without", never / two, 3.0),
    ]
}

/// So many chargers, and a batch so often. In small each is worth ten: it asks for ten times as much.
fn living(size: Size, count: f64, every: &str) -> crate::stage::Lived {
    let count = format!("devices.0.count={count:.0}");
    let every = format!("devices.0.database.batch.every={every}");
    let ten: &[&str] = size.pick(
        &[],
        &[
            "devices.0.server.servers=1",
            "devices.0.database.connect=120ms",
            "devices.0.database.heartbeat.mean=20ms",
            "devices.0.database.status.mean=50ms",
            "devices.0.database.batch.per_device=20ms",
        ],
    );
    simulate("devices/chargers-30k", &[ten, &[&count, &every]].concat())
}

/// The most chargers with which the objectives are met, by bisection to 1 %, or 4 % in small.
fn most(size: Size, every: &str) -> f64 {
    let meets = |count: f64| living(size, count, every).judged.verdict == Verdict::Pass;
    let (mut met, mut missed) = (sized(size, 20_000.0), sized(size, 240_000.0));
    assert!(meets(met) && !meets(missed), "the limit lies between {met} and {missed}");
    while missed / met > size.pick(1.01, 1.04) {
        let middle = (met * missed).sqrt();
        if meets(middle) {
            met = middle;
        } else {
            missed = middle;
        }
    }
    met
}
