//! Rows about the stock: how it is counted, and who waits for whom.

use std::cell::Cell;

use spike::measure::Measured;
use spike::verdict::{AssessmentStatus, Judged};

use crate::claim::{Claim, at_least, at_most, misses, near, passes, violates};
use crate::rehearsal::count;
use crate::row::Row;
use crate::stage::{Size, live, live_alone, live_run, simulate};

/// The strategies that sell nothing twice.
const SOUND: [&str; 3] = ["guarded-counter", "row-lock", "unit-rows"];

pub(super) const OVERSELL: Row = Row {
    number: 6,
    name: "stock-naive",
    phenomenon: "a counter that is read, then decremented, sells more than there is",
    lives: oversell,
};

fn oversell(_: Size) -> Vec<Claim> {
    let naive = simulate("oversell", &[]).judged;
    let item = naive.measured.sales["day-1"].items["signed-poster"];
    let too_many = count(&naive, "INV-OVERSELL") as f64;
    let rows = simulate("oversell", &["shop.inventory=unit-rows"]).judged;
    let oversells = |what: &str, judged: &Judged| violates(what, judged, &["INV-OVERSELL"]);
    let mut claims = vec![
        oversells("naive-counter", &naive),
        near("pieces found to be too many", too_many, (item.sold - item.stock) as f64, 0.0),
        passes("unit-rows", &rows),
        live("live, naive-counter", ("oversell", &["audit.drain=3s"]), oversells),
        oversells("twenty left, naive-counter", &simulate("stock/twenty-left", &[]).judged),
        live("the same in PostgreSQL", ("stock/twenty-left", &[]), oversells),
    ];
    // Three rows at a time of twenty pieces, and more are wanted than that.
    claims.push(live(
        "the same in PostgreSQL, unit-rows of a capped pool",
        ("stock/twenty-left", &["shop.inventory=unit-rows", "shop.units={ pool = 3 }"]),
        passes,
    ));
    for strategy in SOUND {
        let set = format!("shop.inventory={strategy}");
        let judged = simulate("stock/twenty-left", &[&set]).judged;
        claims.push(passes(&format!("twenty left, {strategy}"), &judged));
        claims.push(live(
            &format!("the same in PostgreSQL, {strategy}"),
            ("stock/twenty-left", &[&set]),
            passes,
        ));
    }
    claims
}

pub(super) const HOT_ROW: Row = Row {
    number: 6,
    name: "stock-hot-row",
    phenomenon: "a row lock sells one order per time in the transaction; rows for each piece have no queue",
    lives: hot_row,
};

/// The times in the transaction at which both are lived \[ms\].
const TIMES_MS: [f64; 5] = [0.0, 0.5, 1.0, 2.0, 5.0];

fn hot_row(size: Size) -> Vec<Claim> {
    let locked = simulate("stock/hot-row", &[]).judged;
    let rows = simulate("stock/hot-row", &["shop.inventory=unit-rows"]).judged;
    let (slow, fast) = (orders_per_s(&locked.measured), orders_per_s(&rows.measured));
    let mut claims = vec![
        misses("row-lock, 5 ms", &locked),
        near("orders per second, one per 5 ms", slow, 200.0, 0.1),
        passes("unit-rows, 5 ms", &rows),
        at_least("times the orders per second", fast / slow, 3.0),
    ];
    let times: &[f64] = size.pick(&TIMES_MS, &TIMES_MS[4..]);
    let mut seen = Vec::new();
    for time_ms in times {
        let Some(pair) = both_per_s(*time_ms, size) else {
            claims.push(Claim::unseen(&format!("live, {time_ms} ms in the transaction")));
            continue;
        };
        seen.push((*time_ms, pair));
    }
    if let Some((5.0, [locked, rows])) = seen.last().copied() {
        claims.push(at_most("live, row-lock at 5 ms, orders per second", locked, 200.0));
        if size == Size::Full {
            claims.push(at_least("live, unit-rows at 5 ms, orders per second", rows, 300.0));
        }
        let times = size.pick(3.0, 1.5);
        claims.push(at_least("live, times the orders per second", rows / locked, times));
    }
    if size == Size::Full {
        claims.push(crossing(&seen));
    }
    claims
}

/// Orders per second with row locks and with unit rows, the better of two runs each: what else the
/// machine has to do only takes away.
fn both_per_s(time_ms: f64, size: Size) -> Option<[f64; 2]> {
    let mut best = [None, None];
    for _ in 0..size.pick(2, 1) {
        for (best, strategy) in best.iter_mut().zip(["row-lock", "unit-rows"]) {
            let strategy = format!("shop.inventory={strategy}");
            let time = format!("shop.time_in_transaction={}us", time_ms * 1e3);
            let people = size.pick("fans.0.count=3000", "fans.0.count=600");
            let seen = live_run("stock/hot-row", &[&strategy, &time, people]);
            let seen = seen.map(|judged| orders_per_s(&judged.measured));
            *best = seen.into_iter().chain(*best).reduce(f64::max);
        }
    }
    let [locked, rows] = best;
    Some([locked?, rows?])
}

/// Where unit rows begin to beat the row lock, by a straight line between the times lived.
fn crossing(seen: &[(f64, [f64; 2])]) -> Claim {
    let what = "live, time in the transaction from which unit rows beat the row lock";
    let lead = |[locked, rows]: [f64; 2]| rows / locked - 1.0;
    let each: Vec<String> = seen
        .iter()
        .map(|(ms, [locked, rows])| format!("{ms} ms {locked:.0} against {rows:.0}"))
        .collect();
    let crossed = seen.windows(2).find_map(|pair| {
        let [(from, before), (to, after)] = *pair else { return None };
        let (before, after) = (lead(before), lead(after));
        (before < 0.0 && after >= 0.0).then(|| from + (to - from) * before / (before - after))
    });
    let from_the_first = seen.first().is_some_and(|(_, pair)| lead(*pair) >= 0.0);
    let told = match crossed {
        Some(ms) => format!("{ms:.2} ms"),
        None if from_the_first => "from the first on".to_owned(),
        None => "nowhere".to_owned(),
    };
    let told = format!("{told} ({})", each.join(", "));
    Claim::of(
        what,
        "below 2 ms".to_owned(),
        told,
        from_the_first || crossed.is_some_and(|ms| ms < 2.0),
    )
}

fn orders_per_s(measured: &Measured) -> f64 {
    measured.orders.per_s.unwrap_or_default()
}

pub(super) const PHANTOM: Row = Row {
    number: 8,
    name: "phantom-sold-out",
    phenomenon: "who passes over locked rows says sold out of pieces that are given back a moment later",
    lives: phantom,
};

fn phantom(_: Size) -> Vec<Claim> {
    let phantom = |what: &str, judged: &Judged| violates(what, judged, &["INV-PHANTOM-SOLDOUT"]);
    // The crowd that meets it may leave pieces unsold besides; that is no phantom.
    let none = |what: &str, judged: &Judged| {
        let phantoms = count(judged, "INV-PHANTOM-SOLDOUT") as f64;
        at_most(&format!("{what}, answers `sold_out` too early"), phantoms, 0.0)
    };
    let name = "stock/phantom-sold-out";
    vec![
        live("live, locked rows passed over", (name, &[]), phantom),
        live("live, passed over twice", (name, &["shop.recheck=skip-locked"]), phantom),
        live("live, waited for", (name, &["shop.recheck=blocking"]), none),
        live("live, waited for", (name, &["shop.recheck=blocking"]), passes),
    ]
}

pub(super) const SAGA_ORDER: Row = Row {
    number: 9,
    name: "saga-order",
    phenomenon: "who reserves first sells again what was said to be sold out; who asks the card first pays with calls",
    lives: saga_order,
};

fn saga_order(_: Size) -> Vec<Claim> {
    let name = "stock/saga-order";
    let resurrects = |what: &str, judged: &Judged| violates(what, judged, &["INV-RESURRECT"]);
    let card_first = ["shop.saga=authorize-first"];
    let good = simulate(name, &card_first).judged;
    let refused = good.measured.operations["checkout"].outcomes["sold_out"] as f64;
    let voided = good.measured.payments.voided as f64;
    vec![
        resurrects("reserve-first", &simulate(name, &[]).judged),
        passes("authorize-first", &good),
        near("voids, one for each who came too late", voided, refused, 0.0),
        live("live, reserve-first", (name, &[]), resurrects),
        live("live, authorize-first", (name, &card_first), passes),
    ]
}

pub(super) const SLOT_AND_ITEM: Row = Row {
    number: 38,
    name: "slot-and-item",
    phenomenon: "a slot reserved before its pieces stays taken when there are none",
    lives: slot_and_item,
};

fn slot_and_item(_: Size) -> Vec<Claim> {
    let name = "stock/slot-and-item";
    let strands = |what: &str, judged: &Judged| violates(what, judged, &["INV-STRANDED"]);
    vec![
        live("live, one after the other", (name, &[]), strands),
        live("live, together", (name, &["shop.reserve=together"]), passes),
    ]
}

pub(super) const POOL_STARVED: Row = Row {
    number: 40,
    name: "pool-starved",
    phenomenon: "too few connections: people wait for one, while processor and database idle",
    lives: pool_starved,
};

fn pool_starved(_: Size) -> Vec<Claim> {
    let name = "stock/pool-starved";
    let sized = ["shop.connections=20"];
    let waits = Cell::new([None, None]);
    let mut claims = vec![
        misses("two connections", &simulate(name, &[]).judged),
        passes("twenty connections", &simulate(name, &sized).judged),
    ];
    // Half a second for the authorization and as much for the capture, in a thread: 100 a second hold 104.
    let threads = |tasks: u32| {
        let application = format!(
            "stack.application={{ workers = 4, threads = 5, tasks = {tasks}, service = \"1ms\" }}"
        );
        let slow = ["provider.latency.authorize=500ms", "provider.latency.capture=500ms"];
        simulate(name, &[&sized, &slow[..], &[application.as_str()]].concat()).judged
    };
    let few = threads(2);
    let processors = few.measured.tasks.as_ref().and_then(|tasks| tasks.processors_busy_max);
    claims.extend([
        misses("payments of a second in 40 threads", &few),
        at_most("the share of their processors that is busy", processors.unwrap_or(1.0), 0.25),
        passes("in 120 threads", &threads(6)),
    ]);
    let noting = |place: usize, what: &str, judged: &Judged| {
        let database = judged.measured.database.as_ref();
        let mut both = waits.get();
        both[place] = database.map(|it| (it.wait_ms.p99, it.lock_waits.mean));
        waits.set(both);
        let missed = judged.objectives.iter().any(|one| one.status == AssessmentStatus::Missed);
        let (expected, seen) = if place == 0 { (true, missed) } else { (false, missed) };
        let word = |missed| if missed { "missed" } else { "met" }.to_owned();
        Claim::of(what, word(expected), word(seen), expected == seen)
    };
    claims.push(live_alone("live, two connections, the objective", (name, &[]), |what, judged| {
        noting(0, what, judged)
    }));
    claims.push(live_alone(
        "live, twenty connections, the objective",
        (name, &sized),
        |what, judged| noting(1, what, judged),
    ));
    if let [Some((starved, locks)), Some((fed, _))] = waits.get() {
        claims.push(at_least("live, times the wait for a connection, p99", starved / fed, 10.0));
        claims.push(at_most("live, transactions that wait for a lock meanwhile", locks, 0.5));
    }
    claims
}
