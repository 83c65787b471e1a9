//! Parts of the embedded stack that are killed in mid-sale: the run goes on, the gap is shown, and the
//! verdict is right.

use rustix::process::{Signal, kill_process};
use serde_json::Value;

use crate::program::{Desk, Running};

/// A sale that is long enough to lose something in, and small enough to sell out all the same.
const SALE: [&str; 8] = [
    "sale.0.lasts=12s",
    "sale.0.items.0.stock=200",
    "sale.0.slots.0.capacity=300",
    "fans.0.count=120",
    "fans.0.arrive.over=8s",
    "fans.0.think.median=200ms",
    "shop.void_retries=5",
    "objectives={}",
];

/// What became of a run of which a part was killed when its sale was under way.
struct Survived {
    code: Option<i32>,
    talk: String,
    summary: Value,
}

impl Survived {
    /// Lives the sale with `sets`, and kills the part with `word` on its command line.
    fn run(desk: &Desk, word: &str, sets: &[&str]) -> Self {
        let sets: Vec<&str> = SALE.iter().chain(sets).copied().collect();
        let mut running = Running::start_with(desk, &sets);
        running.hear("T+");
        running.hear("T+");
        let part = running.part(word).unwrap_or_else(|| panic!("no process is {word:?}"));
        kill_process(part, Signal::KILL).unwrap();
        let (code, talk) = running.end();
        assert!(!talk.contains("panicked"), "{talk}");
        Self { code, talk, summary: desk.json("reports/latest/summary.json") }
    }

    /// The one gap of the run, which every report shows.
    fn gap(&self) -> &Value {
        let gaps = self.summary["result"]["gaps"].as_array().expect("the gap is there");
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        &gaps[0]
    }

    /// The invariants with that status.
    fn with_status(&self, status: &str) -> Vec<&str> {
        let findings = self.summary["result"]["findings"].as_array().unwrap();
        let found = findings.iter().filter(|finding| finding["status"] == status);
        found.map(|finding| finding["id"].as_str().unwrap()).collect()
    }

    fn confirmed(&self) -> u64 {
        self.summary["result"]["orders"]["confirmed"].as_u64().unwrap()
    }

    /// The gap of `part` is closed, and told in words and on the timeline.
    fn tells_of(&self, desk: &Desk, part: &str) {
        let gap = self.gap();
        assert_eq!(gap["part"], part, "{gap}");
        let (from, until) = (gap["from_s"].as_f64().unwrap(), gap["until_s"].as_f64().unwrap());
        assert!(0.0 < from && from < until, "{gap}");
        let reasons = self.summary["result"]["reasons"].to_string();
        assert!(
            reasons.to_lowercase().contains(&format!("{} died", part.to_lowercase())),
            "{reasons}"
        );
        let report = desk.read("reports/latest/report.html");
        assert!(
            report.contains(&format!("{part} died")) && report.contains(&format!("{part} is back"))
        );
    }
}

#[test]
fn a_shop_that_is_killed_goes_on_with_what_it_had_sold() {
    for storage in ["sqlite", "postgres"] {
        let desk = Desk::new();
        let storage = format!("shop.storage={storage}");
        let survived = Survived::run(&desk, "shop", &[&storage]);
        survived.tells_of(&desk, "the shop");
        assert_eq!(survived.gap()["how"], "killed by signal 9");
        // Who was told of an error has left, so pieces may be left over: nothing worse.
        let violated = survived.with_status("violated");
        assert!(
            violated.iter().all(|id| *id == "INV-UNDERSOLD"),
            "{violated:?}: {}",
            survived.talk
        );
        assert!(survived.confirmed() > 0, "{}", survived.talk);
        for id in ["INV-OVERSELL", "INV-DOUBLE-CHARGE", "INV-ORPHAN-AUTH", "INV-CONSERVE"] {
            assert!(survived.with_status("held").contains(&id), "{id}: {}", survived.talk);
        }
    }
}

#[test]
fn a_shop_that_spoke_tls_is_trusted_when_it_is_back() {
    let desk = Desk::new();
    let sets = ["shop.storage=sqlite", "live.tls=full", "fans.0.arrive.over=10s"];
    let survived = Survived::run(&desk, "shop", &sets);
    survived.tells_of(&desk, "the shop");
    let back_s = survived.gap()["until_s"].as_f64().unwrap();
    let seconds = survived.summary["result"]["timeline"].as_array().unwrap();
    let served = seconds.iter().any(|second| {
        second["at_s"].as_f64().unwrap() > back_s && second["edge"].as_f64().unwrap_or(0.0) > 0.0
    });
    assert!(served, "{}", survived.talk);
}

#[test]
fn a_shop_that_kept_its_stock_in_memory_is_not_judged_by_what_is_left() {
    let desk = Desk::new();
    let survived = Survived::run(&desk, "shop", &["shop.storage=memory"]);
    survived.tells_of(&desk, "the shop");
    // What clients and the provider saw may already convict it; nothing acquits it.
    assert!(matches!(survived.code, Some(111 | 112)), "{}", survived.talk);
    let why = "its stock was in its memory alone";
    assert!(survived.summary["result"]["reasons"].to_string().contains(why), "{}", survived.talk);
    assert!(!survived.with_status("held").contains(&"INV-OVERSELL"));
}

#[test]
fn a_database_that_is_killed_comes_back_with_what_it_had_committed() {
    let desk = Desk::new();
    let survived = Survived::run(&desk, "bin/postgres", &["shop.storage=postgres"]);
    survived.tells_of(&desk, "PostgreSQL");
    let violated = survived.with_status("violated");
    assert!(violated.iter().all(|id| *id == "INV-UNDERSOLD"), "{violated:?}: {}", survived.talk);
    assert!(survived.confirmed() > 0, "{}", survived.talk);
}

#[test]
fn a_gate_that_is_killed_is_back_and_lets_people_through() {
    let desk = Desk::new();
    let admission = "shop.admission={ orders_per_second = 20, by = \"redis\" }";
    let survived = Survived::run(&desk, "redis-server", &["shop.storage=sqlite", admission]);
    survived.tells_of(&desk, "Redis");
    let violated = survived.with_status("violated");
    assert!(violated.iter().all(|id| *id == "INV-UNDERSOLD"), "{violated:?}: {}", survived.talk);
    assert!(survived.confirmed() > 0, "{}", survived.talk);
}

#[test]
fn without_its_provider_a_run_goes_on_and_claims_nothing_of_what_was_under_way() {
    let desk = Desk::new();
    let sets = ["shop.storage=sqlite", "audit.drain=5s"];
    let survived = Survived::run(&desk, "provider", &sets);
    let gap = survived.gap();
    assert_eq!((&gap["part"], &gap["until_s"]), (&Value::from("the provider"), &Value::Null));
    // Its ledger was in its file: what it had done is known.
    assert!(!desk.read("reports/latest/ledger-provider.jsonl").is_empty());
    assert_eq!(survived.code, Some(112), "{}", survived.talk);
    assert_eq!(survived.with_status("violated"), [""; 0], "{}", survived.talk);
    assert!(survived.with_status("held").contains(&"INV-OVERSELL"), "{}", survived.talk);
    let again = desk.say(&["verify", "reports/latest", "-q"]);
    assert_eq!(again.code, Some(112), "{again:#?}");
}
