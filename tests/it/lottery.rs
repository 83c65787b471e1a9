//! Ticket lotteries, as a user writes and reads them.

use spike::scenario::file;
use spike::scenario::overrides::Overrides;
use spike::scenario::{Context, offer};
use spike::verdict::Verdict;

use crate::problems::refused;
use crate::rehearsal::{scenario, set, shipped_text, simulate};

const WRONG: &str = r#"
schema = 1
name = "wrong"

[[sale]]
id = "arena"
opens = "+4s"
lasts = "30s"
items = [{ id = "seat", stock = 300, price = 9_800 }]
slots = [{ id = "noon", capacity = 3 }]
lottery = { entries_close = "+20s", results = "+10s", pay_by = "0s", redraws = 0, redraw = "before-release" }

[[sale]]
id = "hall"
opens = "+4s"
lasts = "30s"
items = [{ id = "chair", stock = 300, price = 9_800 }]
lottery = { entries_close = "-20s", pay_by = "20s", redraws = 1_000 }

[[sale]]
id = "plain"
opens = "+4s"
lasts = "30s"
items = [{ id = "tee", stock = 300, price = 9_800 }]

[[fans]]
name = "fans"
sale = "plain"
count = 100
arrive = { shape = "at-once" }
winner = { pays = 1.5 }
"#;

#[test]
fn all_that_is_wrong_with_a_lottery_is_told_at_once() {
    insta::assert_snapshot!(refused("wrong.toml", WRONG));
}

#[test]
fn a_lottery_on_counters_in_redis_is_refused() {
    let redis = set(&["shop.storage=redis", "shop.inventory=guarded-counter"]);
    let text = shipped_text("stock/ticket-lottery");
    let refused = file::parse("lottery.toml", &text, &redis, &Context::VIRTUAL);
    let problems = refused.map(|_| ()).unwrap_err().to_string();
    assert!(problems.contains("Redis and the shop's file do not count as one"), "{problems}");
    assert!(problems.contains("write `storage = \"sqlite\"`"), "{problems}");
}

#[test]
fn check_says_who_enters_and_who_comes_back() {
    let scenario = scenario(&shipped_text("stock/ticket-lottery"), &set(&[]));
    let told = offer::render(&scenario, &offer::offer(&scenario, &scenario));
    let lines: Vec<&str> = told.lines().skip_while(|line| !line.starts_with("sale")).collect();
    insta::assert_snapshot!(lines[..6].join("\n"));
}

#[test]
fn an_honest_lottery_is_accused_of_nothing_and_gives_each_seat_once() {
    let shapes: [&[&str]; 6] = [
        &[],
        &["shop.inventory=unit-rows"],
        &["sale.0.lottery.redraws=0"],
        &["sale.0.lottery.redraws=2", "sale.0.lottery.pay_by=5s", "provider.declines=0.3"],
        &["fans.0.reload={ calls = 0 }", "sale.0.limit_per_fan=3", "fans.0.pieces=[2,1,1]"],
        // More seats than entries.
        &["sale.0.items.0.stock=3000"],
    ];
    for (seed, more) in (1_u64..).zip(shapes.iter().cycle().take(24)) {
        let usual = ["sale.0.lottery.redraw=after-release", "fans.0.count=400"];
        let seats: &[&str] = if more.iter().any(|set| set.contains("stock")) {
            &[]
        } else {
            &["sale.0.items.0.stock=40"]
        };
        let set = set(&[&usual, seats, more].concat());
        let scenario =
            scenario(&shipped_text("stock/ticket-lottery"), &Overrides { seed: Some(seed), ..set });
        let (judged, _) = simulate(&scenario);
        assert_eq!(judged.verdict, Verdict::Pass, "{more:?} {seed}: {:?}", judged.reasons);
        let sale = &judged.measured.sales["arena"];
        let lottery = sale.lottery.unwrap();
        assert!(sale.items["seat"].sold <= sale.items["seat"].stock);
        assert!(lottery.paid > 0 && lottery.winners >= lottery.paid + lottery.released);
        assert!(lottery.winners <= lottery.entries);
    }
}
