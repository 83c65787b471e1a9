//! An honest shop is never accused: a thousand small sales, each with a seed of its own, over every
//! strategy that keeps count, every order of the steps of a purchase, and everything that a provider does
//! to a shop that such a shop must withstand.

use std::collections::BTreeSet;

use crate::rehearsal::{scenario, set, simulate, violated};
use crate::side_by_side::for_each;
use crate::sometimes::{Event, counted, events};

/// Sixteen fans for a dozen pieces, more than are wanted of some and fewer of others.
const SALE: &str = r#"
schema = 1
name = "honest"

[[sale]]
id = "day-1"
opens = "+2s"
lasts = "20s"
limit_per_fan = 3
items = [{ id = "tee", stock = 7, price = 4_500 }, { id = "towel", stock = 5, price = 2_500 }]
slots = [{ id = "12:30", capacity = 4 }, { id = "13:00", capacity = 20 }]

[[fans]]
name = "fans"
sale = "day-1"
count = 16
arrive = { shape = "constant", from = "-1s", over = "3s" }
reload = { gap = "1s", calls = 2, cacheable = 1 }
patience = "15s"
timeout = "12s"
think = "100ms"
pieces = [0.6, 0.3, 0.1]
sold_out = { leave = 0.5, every = "2s" }

[shop]
reservation = { ttl = "12s", sweep = "500ms" }
provider_timeout = "1s"
provider_retries = 5

[provider]
profile = "stripe-2024"
latency = { authorize = "200ms", capture = "100ms", void = "50ms", other = "50ms" }

[[provider.limits]]
rate = 5_000
burst = 5_000
"#;

/// Another artist's sale in the same shop, an instant later.
const NEIGHBOUR: &str = r#"
[[sale]]
id = "day-2"
opens = "+3s"
lasts = "15s"
items = [{ id = "poster", stock = 4, price = 1_500 }]

[[fans]]
name = "neighbours"
sale = "day-2"
count = 8
arrive = { shape = "constant", from = "-1s", over = "2s" }
reload = { gap = "1s", calls = 2, cacheable = 1 }
patience = "12s"
think = "50ms"
other_card = 0.5
"#;

/// How many sales are lived, and how many of them have a neighbour: each so manieth.
const SALES: usize = 1_000;
const NEIGHBOURED: usize = 4;

const SAGAS: [&str; 3] = ["authorize-first", "reserve-first", "capture-queue"];

const INVENTORIES: [(&str, &str); 5] = [
    ("unit-rows", "memory"),
    ("unit-rows", "postgres"),
    ("guarded-counter", "postgres"),
    ("row-lock", "postgres"),
    ("optimistic", "postgres"),
];

const DECLINES: [&str; 3] = ["0", "0.1", "0.4"];

/// What a provider does, and what the shop is given against it.
const WEATHER: [&[&str]; 11] = [
    &[],
    &["provider.faults.commit_then_timeout=0.05"],
    &["provider.faults.commit_then_reset=0.05"],
    &["provider.faults.rollback_after_5xx=0.05"],
    &["provider.faults.reset_before_commit=0.05"],
    &["provider.faults.timeout_before_commit=0.05"],
    &["provider.brownouts=[{ from = \"3s\", lasts = \"4s\", latency = 3.0, fails = 0.2 }]"],
    &["provider.challenges={ share = 0.3 }"],
    &[
        "provider.challenges={ share = 0.4, takes = \"2s\", failed = 0.2, abandoned = 0.2 }",
        "shop.challenge_timeout=5s",
    ],
    // A gate as wide as the provider: three calls for an order that is let go.
    &[
        "provider.limits.0.rate=12",
        "provider.limits.0.burst=12",
        "shop.admission={ orders_per_second = 3, by = \"memory\" }",
    ],
    // No gate, and a provider that refuses: who is patient enough loses nothing by it.
    &[
        "provider.limits.0.rate=12",
        "provider.limits.0.burst=6",
        "shop.capture_retries=8",
        "shop.void_retries=8",
        "fans.0.retry.attempts=40",
        "fans.0.retry.give_up=0",
        "fans.0.patience=60s",
        "sale.0.lasts=60s",
    ],
];

/// What is set in the sale of that number: every one of the combinations comes up twice.
fn changes(sale: usize) -> Vec<String> {
    let (weather, rest) = (WEATHER[sale % WEATHER.len()], sale / WEATHER.len());
    let (saga, rest) = (SAGAS[rest % SAGAS.len()], rest / SAGAS.len());
    let ((inventory, storage), rest) =
        (INVENTORIES[rest % INVENTORIES.len()], rest / INVENTORIES.len());
    let declines = DECLINES[rest % DECLINES.len()];
    let mut changes = vec![
        format!("seed={sale}"),
        format!("shop.saga={saga}"),
        format!("shop.inventory={inventory}"),
        format!("shop.storage={storage}"),
        format!("provider.declines={declines}"),
    ];
    changes.extend(weather.iter().map(|change| (*change).to_owned()));
    if saga == "capture-queue" && weather.iter().any(|change| change.contains("faults")) {
        // Who tells its customer before it takes the money promises what its provider alone can keep.
        changes.push("provider.faults.only=authorize".to_owned());
    }
    if saga == "capture-queue" && weather.iter().any(|change| change.contains("brownouts")) {
        changes.push("provider.brownouts.0.fails=0".to_owned());
    }
    changes
}

/// Lives the sale of that number: what happened in it, and what it is accused of.
fn lived(sale: usize) -> (BTreeSet<Event>, Option<String>) {
    let text = if sale.is_multiple_of(NEIGHBOURED) {
        SALE.replace("\n[shop]", &format!("{NEIGHBOUR}\n[shop]"))
    } else {
        SALE.to_owned()
    };
    let changes = changes(sale);
    let each: Vec<&str> = changes.iter().map(String::as_str).collect();
    let (judged, lived) = simulate(&scenario(&text, &set(&each)));
    let is_accused = !violated(&judged).is_empty();
    let accused = is_accused.then(|| format!("{}: {:?}", changes.join(" "), judged.reasons));
    (events(&judged, &lived), accused)
}

#[test]
fn in_a_thousand_honest_sales_nobody_is_accused() {
    let (happened, accused): (Vec<_>, Vec<_>) = for_each(SALES, lived).into_iter().unzip();
    let accused: Vec<String> = accused.into_iter().flatten().collect();
    let first: Vec<&String> = accused.iter().take(9).collect();
    assert!(accused.is_empty(), "{} of {SALES}, such as {first:#?}", accused.len());
    let counts = counted(happened);
    let never: Vec<_> = counts.iter().filter(|(_, runs)| **runs == 0).collect();
    assert!(never.is_empty(), "what never happened proves nothing: {never:?} of {counts:?}");
}
