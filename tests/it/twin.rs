//! Two worlds, one fan: what was lived live can be lived again, and where nothing stands in the
//! way, both worlds come to the same end.

use std::collections::BTreeMap;

use domain::id::FanId;
use domain::outcome::{Departure, Operation, Outcome};
use spike::evidence::PurchaseLine;
use spike::fan::{Action, Fan, Input, Visit};
use spike::live::Connections;
use spike::scenario::Scenario;

use crate::lived::{Lived, live, scenario, simulate};

/// Ample stock and places, no limiter to speak of, no declines, no admission, no hang and no
/// time-out: all that a fan does then follows from its draws. Some turn away, some pick among
/// slots and items, some look at the page first and some come late.
const AMPLE: &str = r#"
schema = 1
name = "twin"
seed = 11

[[sale]]
id = "day-1"
opens = "+3s"
lasts = "90s"
limit_per_fan = 4
items = [
    { id = "tee", stock = 5_000, price = 4_500, demand = 0.6 },
    { id = "towel", stock = 5_000, price = 2_500, demand = 0.3 },
    { id = "hoodie", stock = 5_000, price = 9_800, demand = 0.1 },
]
slots = [
    { id = "noon", capacity = 5_000 },
    { id = "one", capacity = 5_000 },
    { id = "two", capacity = 5_000 },
]

[[fans]]
name = "fans"
count = 250
arrive = { shape = "logistic", midpoint = "-1s", spread = "400ms" }
reload = { gap = { median = "700ms", sigma = 0.5 }, growth = 0.0, calls = 3, cacheable = 2 }
think = { median = "300ms", sigma = 0.5 }
abandon = 0.1
pieces = [0.5, 0.3, 0.1, 0.1]
timeout = "60s"

[[fans]]
name = "latecomers"
count = 60
arrive = { shape = "poisson", from = "0s", over = "3s" }
reload = { calls = 0 }
think = { median = "100ms", sigma = 0.5 }
abandon = 0.05
timeout = "60s"

[shop]
storage = "sqlite"
inventory = "unit-rows"
saga = "authorize-first"

[provider]
profile = "stripe-2024"
declines = 0.0
latency = { authorize = { median = "100ms", sigma = 0.4 }, capture = { median = "50ms", sigma = 0.4 } }

[[provider.limits]]
rate = 100_000
burst = 100_000
"#;

/// Each fan's steps, in order.
fn by_fan(visits: &[Visit]) -> BTreeMap<FanId, Vec<&Visit>> {
    let mut fans: BTreeMap<FanId, Vec<&Visit>> = BTreeMap::new();
    for visit in visits {
        fans.entry(visit.fan).or_default().push(visit);
    }
    fans
}

/// What a fan did to the shop that its timing cannot excuse: all that it asked for but reloads,
/// what it wanted, and how it left.
#[derive(Debug, PartialEq)]
struct Deeds {
    asked: Vec<(Operation, u8, Option<u8>, u8, u8)>,
    departure: Option<Departure>,
}

/// The deeds and the number of reloads of one fan.
fn deeds(steps: &[&Visit]) -> (Deeds, usize) {
    let (mut asked, mut reloads, mut departure) = (Vec::new(), 0, None);
    for step in steps {
        match step.action {
            Action::Send(request) if request.operation == Operation::Reload => reloads += 1,
            Action::Send(request) => asked.push((
                request.operation,
                request.item,
                request.slot,
                request.quantity,
                request.purchase,
            )),
            Action::Sleep { .. } => {}
            Action::Leave(how) => departure = Some(how),
        }
    }
    (Deeds { asked, departure }, reloads)
}

/// What `purchases.jsonl` says of each fan, without the times.
fn written(lived: &Lived) -> BTreeMap<FanId, Vec<String>> {
    let mut fans: BTreeMap<FanId, Vec<String>> = BTreeMap::new();
    for line in lived.purchases() {
        let (fan, text) = match line {
            PurchaseLine::Attempt {
                fan,
                intent,
                key,
                operation,
                item,
                slot,
                quantity,
                amount,
                outcome,
                ..
            } => {
                let what = (intent, key, operation, item, slot, quantity, amount, outcome);
                (fan, format!("{what:?}"))
            }
            PurchaseLine::Seen { fan, items, .. } => (fan, format!("{items:?}")),
            PurchaseLine::Departed { fan, departure, item, quantity, .. } => {
                (fan, format!("{:?}", (departure, item, quantity)))
            }
        };
        fans.entry(fan).or_default().push(text);
    }
    fans
}

fn assert_nothing_stood_in_the_way(visits: &[Visit]) {
    for visit in visits {
        if let Input::Replied { reply, .. } = visit.input {
            let smooth = matches!(reply.outcome, Outcome::Ok | Outcome::NotOpen);
            assert!(smooth, "the promise is about fans that nothing stops: {visit:?}");
        }
    }
}

/// Lives each fan's recorded inputs again.
fn assert_repeats(scenario: &Scenario, visits: &[Visit]) {
    for (id, steps) in by_fan(visits) {
        let crowd = &scenario.populations[usize::from(id.population)].crowd;
        let mut fan = Fan::new(id);
        for step in &steps {
            assert_eq!(fan.step(step.input.clone(), crowd), step.action, "{step:?}");
        }
        let last = steps.last().unwrap();
        assert!(matches!(last.action, Action::Leave(_)), "fan {id} never left: {last:?}");
    }
}

#[test]
fn both_worlds_live_the_same_fans() {
    let scenario = scenario(AMPLE);
    let out = tempfile::tempdir().unwrap();
    let (lived, ()) = live(&scenario, out.path(), Connections::PerFan, |_, _| {});
    let simulated = simulate(&scenario, out.path());
    assert_eq!(lived.ending.unreadable, [""; 0]);

    assert_repeats(&scenario, &lived.visits);
    assert_repeats(&scenario, &simulated.visits);

    assert_nothing_stood_in_the_way(&lived.visits);
    assert_nothing_stood_in_the_way(&simulated.visits);
    let (live, simulation) = (by_fan(&lived.visits), by_fan(&simulated.visits));
    assert_eq!((live.len(), simulation.len()), (310, 310));
    let mut departures = BTreeMap::new();
    for (fan, steps) in &live {
        let (did, reloads) = deeds(steps);
        let (would, simulated_reloads) = deeds(&simulation[fan]);
        assert_eq!(did, would, "fan {fan}");
        assert!(reloads.abs_diff(simulated_reloads) <= 1, "fan {fan}: {reloads} reloads");
        *departures.entry(did.departure.unwrap()).or_insert(0) += 1;
    }
    assert!(departures[&Departure::Bought] > 100, "{departures:?}");
    assert!(departures[&Departure::Balked] > 10, "{departures:?}");

    let (live, simulation) = (written(&lived), written(&simulated));
    assert!(live.len() > 200);
    for fan in live.keys().chain(simulation.keys()) {
        assert_eq!(live.get(fan), simulation.get(fan), "fan {fan}: one record in both worlds");
    }
}
