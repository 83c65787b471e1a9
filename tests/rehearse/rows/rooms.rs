//! Rows about rooms that take machines of a warm pool: how often it is empty, a burst, an update, a price.

use spike::measure::RoomSummary;
use spike::tier::warm_pool::Empty;
use spike::verdict::{Judged, Verdict};

use crate::claim::{Claim, at_least, at_most, misses, near, passes};
use crate::row::Row;
use crate::stage::{Size, simulate};

/// Lives one of the scenarios, with each `a.b=value` set.
fn lived(name: &str, set: &[&str]) -> Judged {
    simulate(&format!("rooms/{name}"), set).judged
}

fn venues(judged: &Judged) -> &RoomSummary {
    &judged.measured.rooms["venues"]
}

/// How long the rooms that had a machine had waited: of half of them at most, and at most \[s\].
fn waited_s(judged: &Judged) -> [f64; 2] {
    let waited = venues(judged).wait_s.unwrap();
    [waited.p50, waited.max]
}

pub(super) const POOL: Row = Row {
    number: 32,
    name: "room-pool",
    phenomenon: "a pool is empty as often as Erlang says where people leave, and as a Poisson number where they wait",
    lives: pool,
};

fn pool(size: Size) -> Vec<Claim> {
    const FILE: &str = "room-pool";
    /// λ·L: ten rooms a minute, and a minute.
    const UNDER_WAY: f64 = 10.0;
    let lasts = size.pick("rooms.0.lasts=28d", "rooms.0.lasts=7d");
    let lived = |set: &[&str]| lived(FILE, &[&[lasts], set].concat());
    let percent = |judged: &Judged| venues(judged).stock_out * 100.0;
    let leave = lived(&[]);
    let wait = lived(&["rooms.0.empty=wait"]);
    let varied = lived(&["rooms.0.empty=wait", "rooms.0.pool.lead={ mean = \"1m\" }"]);
    let mut claims = vec![
        passes("those who find none leave", &leave),
        near("percent that find none ready, B(15, 10)", percent(&leave), 3.65, 0.1),
        misses("those who find none wait", &wait),
        near("percent that find none ready, P(N ≥ 15) of 10", percent(&wait), 8.35, 0.1),
        near("the same, where machines take exponentially long", percent(&varied), 8.35, 0.1),
    ];
    for (what, empty, expected, word) in
        [("they leave", Empty::Leave, 21.0, "leave"), ("they wait", Empty::Wait, 22.0, "wait")]
    {
        let smallest = empty.smallest(UNDER_WAY, 0.001);
        claims.push(near(&format!("machines for 0.1 %, {what}"), smallest.into(), expected, 0.0));
        // Chance moves so rare a share too much for its own bound; one machine more makes up for it.
        let set = [format!("rooms.0.pool.size={}", smallest + 1), format!("rooms.0.empty={word}")];
        let in_100k = |judged: &Judged| percent(judged) * 1e3;
        let found = in_100k(&lived(&[&set[0], &set[1]]));
        claims.push(at_most("of 100,000 that find none, one machine more", found, 100.0));
        let fewer = format!("rooms.0.pool.size={}", smallest - 2);
        let found = in_100k(&lived(&[&fewer, &set[1]]));
        claims.push(at_least("of 100,000 that find none, two fewer", found, 100.0));
    }
    claims
}

pub(super) const DOORS: Row = Row {
    number: 33,
    name: "doors-open-100k",
    phenomenon: "all are in at once if the pool was enlarged in time; else they wait as long as a machine boots",
    lives: doors,
};

fn doors(_size: Size) -> Vec<Claim> {
    const FILE: &str = "doors-open-100k";
    let good = lived(FILE, &[]);
    let bad = lived(FILE, &["rooms.0.pool.schedule=[]"]);
    let late = lived(FILE, &["rooms.0.pool.schedule.0.at=+29m"]);
    let [_, longest] = waited_s(&good);
    let [median, _] = waited_s(&bad);
    vec![
        passes("enlarged ten minutes before", &good),
        near("people", venues(&good).visitors.came as f64, 100_000.0, 0.0),
        at_most("seconds that one waits, at most", longest, 5.0),
        misses("not enlarged", &bad),
        near(
            "percent assigned within 5 s, 50 of 2,000",
            venues(&bad).assigned_within * 100.0,
            2.5,
            0.05,
        ),
        near("seconds that half of them wait, about L", median, 90.0, 0.1),
        near("all of them are assigned in the end", venues(&bad).assigned as f64, 2_000.0, 0.0),
        misses("enlarged a minute before", &late),
    ]
}

pub(super) const PRICE: Row = Row {
    number: 34,
    name: "arm-price",
    phenomenon: "a fifth cheaper and a third faster saves two fifths of the cost, with a pool that is sized anew",
    lives: price,
};

fn price(size: Size) -> Vec<Claim> {
    const CHEAPER: &str = "rooms.0.machine.price=0.136";
    const PERFORMANCE: f64 = 1.3334;
    let performance = format!("rooms.0.machine.performance={PERFORMANCE}");
    let (plain, before) = cheapest(size, &[]);
    let (arm, after) = cheapest(size, &[CHEAPER, &performance]);
    let cost = |judged: &Judged| venues(judged).machines.cost;
    vec![
        passes("three rooms to a machine", &plain),
        passes("four rooms to a machine, a fifth cheaper", &arm),
        at_most("machines that must be ready, as many as before", after.into(), before.into()),
        near(
            "cost ratio, beside price x 1/perf",
            cost(&arm) / cost(&plain),
            0.8 / PERFORMANCE,
            0.1,
        ),
    ]
}

/// Lived with so many machines kept ready.
fn sized(size: Size, set: &[&str], ready: u32) -> Judged {
    let lasts = size.pick("rooms.0.lasts=28d", "rooms.0.lasts=3d");
    lived("arm-price", &[set, &[lasts, &format!("rooms.0.pool.size={ready}")]].concat())
}

/// The fewest machines kept ready with which the objective is met, found by bisection, and what was lived then.
fn cheapest(size: Size, set: &[&str]) -> (Judged, u32) {
    // Sixty rooms in the lead, where fifteen come.
    const ENOUGH: u32 = 20;
    let (mut fails, mut holds) = (0, ENOUGH);
    let mut judged = sized(size, set, ENOUGH);
    assert_eq!(judged.verdict, Verdict::Pass, "twenty machines are enough");
    while holds - fails > 1 {
        let middle = u32::midpoint(fails, holds);
        let lived = sized(size, set, middle);
        if lived.verdict == Verdict::Pass {
            (holds, judged) = (middle, lived);
        } else {
            fails = middle;
        }
    }
    (judged, holds)
}

pub(super) const UPDATE: Row = Row {
    number: 35,
    name: "room-server-update",
    phenomenon: "idle machines first closes no live room; all at once throws everybody out, who finds none ready",
    lives: update,
};

fn update(_size: Size) -> Vec<Claim> {
    const FILE: &str = "room-server-update";
    let good = lived(FILE, &[]);
    let bad = lived(FILE, &["rooms.0.update.strategy=all-at-once"]);
    let short = lived(FILE, &["rooms.0.update.deadline=30m"]);
    let disconnected = |judged: &Judged| venues(judged).visitors.disconnected as f64;
    let updated = |judged: &Judged| venues(judged).update.unwrap();
    let rooms = updated(&bad).rooms as f64;
    let took_s = updated(&good).took_s.unwrap_or(f64::INFINITY);
    let [_, longest] = waited_s(&bad);
    vec![
        passes("idle machines first", &good),
        at_most("people thrown out", disconnected(&good), 0.0),
        at_least("rooms that were open when it began", updated(&good).rooms as f64, 300.0),
        at_most("seconds until no old machine is left", took_s, 14_400.0),
        misses("all machines at once", &bad),
        near("people thrown out, 50 of each room", disconnected(&bad), 50.0 * rooms, 0.0),
        near("seconds until the last of them has a machine, the lead", longest, 90.0, 0.01),
        misses("a deadline of half an hour", &short),
    ]
}
