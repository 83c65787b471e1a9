//! Each promise that the shop can be told to break is found out, and nothing else is reported;
//! an honest shop is never accused.

use std::collections::BTreeSet;

use reference_shop::rules::fault::Fault;
use reference_shop::settings::Saga;
use spike::measure::BoundStatus;
use spike::verdict::{Judged, Verdict};

use crate::rehearsal::{Room, count, run_beside_others, scenario, set, simulate, violated, with};
use crate::side_by_side::{for_each, for_each_of};
use crate::sometimes::{Event, counted, events};

/// 400 fans for 100 pieces, cards that are declined, a provider that refuses nothing. Places in
/// slots are ample, but for the fault that gives too many of them away.
const SALE: &str = r#"
schema = 1
name = "sabotage"
seed = 11

[[sale]]
id = "day-1"
opens = "+2s"
lasts = "8s"
items = [{ id = "tee", stock = 60, price = 4_500 }, { id = "towel", stock = 40, price = 2_500 }]
slots = [{ id = "12:30", capacity = 20 }, { id = "13:00", capacity = 100 }]

[[fans]]
name = "fans"
count = 400
arrive = { shape = "constant", from = "-1s", over = "2s" }
reload = { gap = "1s", calls = 2, cacheable = 1 }
patience = "6s"
think = "100ms"
pieces = [0.7, 0.3]
sold_out = { leave = 1.0, every = "1s" }

[shop]
storage = "memory"
reservation = { ttl = "2s", sweep = "500ms" }

[provider]
profile = "stripe-2024"
declines = 0.05
latency = { authorize = "200ms", capture = "100ms", void = "50ms", other = "50ms" }

[[provider.limits]]
rate = 5_000
burst = 5_000

[audit]
drain = "4s"
"#;

/// More want a place than there are places.
const FEW_PLACES: [&str; 2] = ["sale.0.slots.0.capacity=10", "sale.0.slots.1.capacity=30"];

/// Nobody waits as long as a checkout takes, and there is enough for all who try again; who were refused
/// then would be charged silently besides.
const IMPATIENT: [&str; 7] = [
    "fans.0.timeout=250ms",
    "fans.0.retry.base=100ms",
    "provider.declines=0",
    "sale.0.items.0.stock=5000",
    "sale.0.items.1.stock=5000",
    "sale.0.slots.0.capacity=5000",
    "sale.0.slots.1.capacity=5000",
];

const SAGAS: [(&str, Saga); 2] =
    [("authorize-first", Saga::AuthorizeFirst), ("reserve-first", Saga::ReserveFirst)];

/// Lives the sale in virtual time, with or without a fault.
fn sabotaged(saga: &str, fault: Option<Fault>) -> Judged {
    let saga = format!("shop.saga={saga}");
    let faults = faults(fault);
    let mut changes = vec![saga.as_str(), &faults];
    match fault {
        Some(Fault::OversellSlots) => changes.extend(FEW_PLACES),
        Some(Fault::ForgetKeys) => changes.extend(IMPATIENT),
        _ => {}
    }
    simulate(&scenario(SALE, &set(&changes))).0
}

fn faults(fault: Option<Fault>) -> String {
    let word = fault.map(|fault| format!("{:?}", fault.word())).unwrap_or_default();
    format!("shop.faults=[{word}]")
}

/// Under reserve-first the table lets these two show only behind a provider that refuses captures
/// and where many reserve at once.
fn shows_under(fault: Fault, saga: Saga) -> bool {
    saga == Saga::AuthorizeFirst || !matches!(fault, Fault::LostVoid | Fault::CaptureWithoutStock)
}

#[test]
fn every_fault_trips_its_invariants_and_no_other() {
    for (word, saga) in SAGAS {
        for fault in Fault::ALL.into_iter().filter(|fault| shows_under(*fault, saga)) {
            let judged = sabotaged(word, Some(fault));
            let trips: BTreeSet<&str> = fault.trips().iter().copied().collect();
            assert_eq!(violated(&judged), trips, "{fault:?} under {word}: {:?}", judged.reasons);
            assert_eq!(judged.verdict, Verdict::InvariantViolated, "{fault:?} under {word}");
        }
    }
}

/// How stock is kept: by which strategy, and where.
const INVENTORIES: [(&str, &str); 6] = [
    ("unit-rows", "sqlite"),
    ("unit-rows", "postgres"),
    ("guarded-counter", "postgres"),
    ("row-lock", "postgres"),
    ("optimistic", "postgres"),
    ("naive-counter", "postgres"),
];

/// The same sale in small.
const SMALL: [&str; 6] = [
    "fans.0.count=160",
    "sale.0.items.0.stock=24",
    "sale.0.items.1.stock=16",
    "sale.0.slots.0.capacity=8",
    "sale.0.slots.1.capacity=40",
    "audit.drain=3m",
];

const EVERY_SAGA: [&str; 3] = ["authorize-first", "reserve-first", "capture-queue"];

/// A provider that refuses captures, and fans who try until all is sold.
const REFUSED: [&str; 7] = [
    "provider.limits.0.rate=30",
    "provider.limits.0.burst=10",
    "shop.void_retries=6",
    "fans.0.retry.attempts=60",
    "fans.0.retry.give_up=0",
    "fans.0.patience=60s",
    "sale.0.lasts=60s",
];

/// What it takes for a fault to show; of itself it is nobody's fault.
fn shows_by(fault: Option<Fault>, saga: &str) -> Vec<&'static str> {
    match (fault, saga) {
        (Some(Fault::OversellSlots), _) => {
            vec!["sale.0.slots.0.capacity=10", "sale.0.slots.1.capacity=10"]
        }
        // Of few who get so far as to pay, some are declined whoever they are.
        (Some(Fault::StrandOnDecline), _) => vec!["provider.declines=0.3"],
        // Who is told before the money is taken is told sooner.
        (Some(Fault::ForgetKeys), "capture-queue") => {
            [&IMPATIENT[..], &["fans.0.timeout=150ms"]].concat()
        }
        (Some(Fault::ForgetKeys), _) => IMPATIENT.into(),
        (Some(Fault::LostVoid), "reserve-first") => REFUSED.into(),
        // Many reserve at the same time.
        (Some(Fault::CaptureWithoutStock), "reserve-first") => {
            vec!["shop.time_in_transaction=50ms"]
        }
        _ => Vec::new(),
    }
}

/// A shop: how it keeps stock, its saga, what it is up against, and whether it has the fault that shows
/// by that.
#[derive(Copy, Clone, Debug)]
struct Case {
    inventory: &'static str,
    storage: &'static str,
    saga: &'static str,
    against: Option<Fault>,
    has_it: bool,
}

impl Case {
    /// Each strategy with each saga and each fault; without any, and where it takes something for a fault to
    /// show, that without the fault.
    fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for (inventory, storage) in INVENTORIES {
            for saga in EVERY_SAGA {
                for against in Fault::ALL.into_iter().map(Some).chain([None]) {
                    let case = Self { inventory, storage, saga, against, has_it: false };
                    if against.is_none() || !shows_by(against, saga).is_empty() {
                        cases.push(case);
                    }
                    cases.extend(against.map(|_| Self { has_it: true, ..case }));
                }
            }
        }
        cases
    }

    /// What makes the sale this one's small one.
    fn changes(self) -> Vec<String> {
        let Self { inventory, storage, saga, against, has_it } = self;
        let shop = [
            format!("shop.inventory={inventory}"),
            format!("shop.storage={storage}"),
            format!("shop.saga={saga}"),
            faults(against.filter(|_| has_it)),
        ];
        let words = SMALL.into_iter().chain(shows_by(against, saga));
        words.map(str::to_owned).chain(shop).collect()
    }

    /// Lives the small sale: what it is accused of, and what happened in it.
    fn lived(self) -> (BTreeSet<String>, BTreeSet<Event>) {
        let changes = self.changes();
        let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
        let (judged, lived) = simulate(&scenario(SALE, &set(&changes)));
        let accused = violated(&judged).into_iter().map(str::to_owned).collect();
        (accused, events(&judged, &lived))
    }

    /// Whether that is what it must be accused of, and nothing else.
    fn is_caught(self, accused: &BTreeSet<String>) -> bool {
        self.is_found_out(accused) && self.is_no_more_than_due(accused)
    }

    /// Whether all that it must be accused of is among that.
    fn is_found_out(self, accused: &BTreeSet<String>) -> bool {
        self.trips().iter().all(|id| accused.contains(*id))
    }

    fn is_no_more_than_due(self, accused: &BTreeSet<String>) -> bool {
        let trips = self.trips();
        // Who reads and then writes oversells by itself, wherever two come together.
        let may = |id: &str| self.inventory == "naive-counter" && id == "INV-OVERSELL";
        accused.iter().all(|id| trips.contains(id.as_str()) || may(id))
    }

    /// What it must be accused of.
    fn trips(self) -> BTreeSet<&'static str> {
        let fault = self.against.filter(|_| self.has_it);
        let mut trips: BTreeSet<&str> =
            fault.map_or(&[][..], Fault::trips).iter().copied().collect();
        if fault == Some(Fault::CaptureWithoutStock) && self.inventory != "unit-rows" {
            // A counter does not say whose the pieces are that are not there.
            trips.remove("INV-CAPTURED-NO-STOCK");
        }
        trips
    }
}

#[test]
fn whatever_strategy_keeps_count_each_fault_is_caught_by_the_same_invariants() {
    let cases = Case::all();
    let lived = for_each(cases.len(), |case| cases[case].lived());
    let otherwise: Vec<_> = cases
        .iter()
        .zip(&lived)
        .filter(|(case, (accused, _))| !case.is_caught(accused))
        .map(|(case, (accused, _))| format!("{case:?}: {accused:?}"))
        .collect();
    assert!(otherwise.is_empty(), "{} of {}: {otherwise:#?}", otherwise.len(), cases.len());
    let naive = cases.iter().zip(&lived).filter(|(case, _)| case.inventory == "naive-counter");
    let mut honest = naive.filter(|(case, _)| case.against.is_none());
    assert!(honest.all(|(_, (accused, _))| accused.contains("INV-OVERSELL")));
    let counts = counted(lived.into_iter().map(|(_, events)| events));
    for event in [Event::Contention, Event::Decline, Event::Refusal, Event::VoidRepeated] {
        assert!(counts[&event] > 0, "{event:?} never happened: {counts:?}");
    }
}

#[test]
fn an_honest_shop_is_accused_of_nothing() {
    for (word, _) in SAGAS {
        let judged = sabotaged(word, None);
        assert_eq!(judged.verdict, Verdict::Pass, "{word}: {:?}", judged.reasons);
        let items = &judged.measured.sales["day-1"].items;
        assert!(items.values().all(|item| item.sold == item.stock), "{word}: {items:?}");

        let few =
            scenario(SALE, &set(&[FEW_PLACES[0], FEW_PLACES[1], &format!("shop.saga={word}")]));
        let judged = simulate(&few).0;
        assert_eq!(judged.verdict, Verdict::Pass, "{word}: {:?}", judged.reasons);
        let slots = &judged.measured.sales["day-1"].slots;
        assert!(slots.values().all(|slot| slot.taken == slot.capacity), "{word}: {slots:?}");
    }
}

/// The shop keeps a tenth of each stock more to sell than there is.
#[test]
fn the_pieces_oversold_are_counted_once() {
    assert_eq!(count(&sabotaged("authorize-first", Some(Fault::Oversell)), "INV-OVERSELL"), 10);
}

/// Where each saga is lived live.
const LIVE: [(&str, &str); 3] =
    [("capture-queue", "memory"), ("authorize-first", "memory"), ("reserve-first", "sqlite")];
/// How many small live sales go on at once: they wait more than they work, and what a late generator
/// casts doubt on is not what is looked at.
const AT_ONCE: usize = 6;

/// What it takes for a fault to show live: without what takes long.
fn shows_live(fault: Option<Fault>, saga: &str) -> bool {
    fault.is_none_or(|fault| saga != "reserve-first" || shows_under(fault, Saga::ReserveFirst))
}

/// Whether the generator could not keep what it must for its reading to count.
fn was_too_slow(judged: &Judged) -> bool {
    let health = judged.measured.health.as_ref().expect("it was live");
    health.bounds.values().any(|bound| bound.status == BoundStatus::Broken)
}

#[test]
fn a_live_shop_that_breaks_a_promise_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sabotage.toml");
    std::fs::write(&path, SALE).unwrap();
    let mut cases = Vec::new();
    for (saga, storage) in LIVE {
        for fault in Fault::ALL.into_iter().map(Some).chain([None]) {
            if shows_live(fault, saga) {
                let against = fault;
                cases.push(Case { inventory: "unit-rows", storage, saga, against, has_it: true });
            }
        }
    }
    let live = |place: usize| {
        let case: Case = cases[place];
        // As long as the queue of captures needs, or the others.
        let drain = if case.saga == "capture-queue" { "35s" } else { "4s" };
        let changes = [case.changes(), vec![format!("audit.drain={drain}")]].concat();
        let judged =
            run_beside_others(&path, &changes.iter().map(String::as_str).collect::<Vec<_>>());
        let accused: BTreeSet<String> = violated(&judged).into_iter().map(str::to_owned).collect();
        // A machine that was too slow for its fans makes a broken shop break more than it was told to.
        let is_right = match case.against {
            Some(_) if was_too_slow(&judged) => case.is_found_out(&accused),
            _ => case.is_caught(&accused),
        };
        (!is_right).then(|| format!("{case:?}: {:?}", judged.reasons))
    };
    let wrong = with(Room::Whole, || for_each_of(AT_ONCE, cases.len(), live));
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), cases.len());
}
