//! After the last fan has left and the provider is well again, a shop has a deadline by which nothing is
//! held and nothing is under way any more.

use domain::shop::ShopSnapshot;
use domain::time::Time;
use spike::audit::Status;
use spike::verdict::{Judged, World};

use crate::rehearsal::{live_virtually, scenario, set};

/// Forty fans for as many pieces, a provider that fails and is slow until after the last has lost patience.
const SALE: &str = r#"
schema = 1
name = "drain"
seed = 4

[[sale]]
id = "day-1"
opens = "+1s"
lasts = "5s"
items = [{ id = "tee", stock = 40, price = 4_500 }]
slots = [{ id = "12:30", capacity = 40 }]

[[fans]]
name = "fans"
count = 40
arrive = { shape = "constant", from = "-1s", over = "4s" }
reload = { calls = 0 }
patience = "2s"
timeout = "1s"
think = "100ms"

[shop]
storage = "memory"
saga = "reserve-first"
reservation = { ttl = "8s", sweep = "500ms" }
provider_timeout = "1s"
void_retries = 5

[provider]
profile = "stripe-2024"
declines = 0.3
latency = { authorize = "300ms", capture = "200ms", void = "50ms", other = "50ms" }
brownouts = [{ from = "2s", lasts = "7s", latency = 4.0, fails = 0.3 }]

[[provider.limits]]
rate = 5_000
burst = 5_000
"#;

/// What the judge says of a shop, and what it held when the last fan left and when it was judged.
struct Drained {
    judged: Judged,
    held: [i64; 2],
}

fn drained(changes: &[&str]) -> Drained {
    let scenario = scenario(SALE, &set(changes));
    let out = tempfile::tempdir().unwrap();
    let (run, lived) = live_virtually(&scenario, out.path());
    let snapshots = std::fs::read_to_string(run.path().join("snapshots.jsonl")).unwrap();
    let snapshots: Vec<ShopSnapshot> =
        snapshots.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let held_at = |at: Time| {
        let last = snapshots.iter().rev().find(|snapshot| snapshot.at <= at).unwrap();
        last.items.values().chain(last.slots.values()).map(|balance| balance.held).sum()
    };
    let held = [lived.ending.load_ended, lived.ending.judged].map(held_at);
    let judged = spike::command::judge_folder(&run, &scenario, World::Simulated).unwrap();
    Drained { judged, held }
}

fn status(judged: &Judged, id: &str) -> Status {
    judged.findings.iter().find(|finding| finding.id == id).unwrap().status
}

#[test]
fn a_shop_lets_go_of_everything_by_the_deadline_once_faults_and_arrivals_stop() {
    for saga in ["authorize-first", "reserve-first"] {
        let Drained { judged, held: [before, after] } = drained(&[&format!("shop.saga={saga}")]);
        assert!(before > 0, "{saga}: something was under way when the last fan left");
        assert_eq!(after, 0, "{saga}: {:?}", judged.reasons);
        for id in ["INV-STRANDED", "INV-RESOLVED", "INV-ORPHAN-AUTH"] {
            assert_eq!(status(&judged, id), Status::Held, "{saga}: {id}: {:?}", judged.reasons);
        }
    }
}

#[test]
fn what_is_still_held_at_the_deadline_is_stranded() {
    let Drained { judged, held: [_, after] } = drained(&["shop.faults=[\"strand-on-decline\"]"]);
    assert!(after > 0, "{:?}", judged.reasons);
    assert_eq!(status(&judged, "INV-STRANDED"), Status::Violated, "{:?}", judged.reasons);
}

/// Who looks before the deadline cannot know.
#[test]
fn a_shop_that_is_judged_before_its_deadline_is_not_acquitted() {
    let Drained { judged, held: [_, after] } = drained(&["audit.drain=1s"]);
    assert!(after > 0, "{:?}", judged.reasons);
    for id in ["INV-STRANDED", "INV-RESOLVED", "INV-ORPHAN-AUTH"] {
        assert_eq!(status(&judged, id), Status::NotChecked, "{id}: {:?}", judged.reasons);
    }
}
