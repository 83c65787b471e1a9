//! 3-D Secure: three of ten cardholders are asked, and the shop waits for them without losing count
//! of stock or money.

use std::collections::BTreeSet;

use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use spike::sim::SimulatedRun;
use spike::verdict::{Judged, Verdict};

use crate::rehearsal::{Room, run_in, scenario, set, simulate, violated};

/// 400 fans, 500 pieces, a provider that refuses nothing.
const SALE: &str = r#"
schema = 1
name = "challenge"
seed = 11

[[sale]]
id = "day-1"
opens = "+2s"
lasts = "40s"
limit_per_fan = 2
items = [{ id = "tour-tee", stock = 500, price = 4_500 }]
slots = [{ id = "12:00", capacity = 600 }]

[[fans]]
name = "buyers"
count = 400
arrive = { shape = "constant", from = "0s", over = "5s" }
reload = { calls = 0 }
other_card = 0.5

[shop]
storage = "memory"
challenge_timeout = "20s"

[provider]
profile = "stripe-2024"
declines = 0.05
latency = { authorize = "200ms", capture = "100ms", void = "50ms", other = "20ms" }
challenges = { share = 0.3, takes = { median = "6s", sigma = 0.4 }, failed = 0.05, abandoned = 0.05 }

[[provider.limits]]
rate = 5_000
burst = 5_000
"#;

fn lived(changes: &[&str]) -> (Judged, SimulatedRun) {
    simulate(&scenario(SALE, &set(changes)))
}

/// How often the provider's ledger says so.
fn count(lived: &SimulatedRun, operation: PaymentOperation, outcome: PaymentOutcome) -> usize {
    let says = |line: &&PaymentLine| (line.operation, line.outcome) == (operation, outcome);
    lived.ledgers.provider.iter().filter(says).count()
}

#[test]
fn an_honest_shop_waits_for_its_cardholders_and_holds_every_invariant() {
    use PaymentOperation::{Authenticate, Authorize, Void};
    for saga in ["authorize-first", "reserve-first"] {
        let (judged, lived) = lived(&[&format!("shop.saga={saga}")]);
        assert_eq!(judged.verdict, Verdict::Pass, "{saga}: {:?}", judged.reasons);
        let challenged = count(&lived, Authorize, PaymentOutcome::Challenged);
        let asked = lived.ledgers.provider.iter().filter(|line| line.operation == Authorize);
        let share = challenged as f64 / asked.count() as f64;
        // Three of ten of those who are not declined: 0.285, and three times its deviation.
        assert!((0.285_f64 - share).abs() < 0.07, "{saga}: {share}");
        let passed = count(&lived, Authenticate, PaymentOutcome::Authorized);
        let failed = count(&lived, Authenticate, PaymentOutcome::Declined);
        let abandoned = count(&lived, Void, PaymentOutcome::Accepted);
        assert_eq!(passed + failed + abandoned, challenged, "{saga}");
        assert!(failed > 0 && abandoned > 0, "{saga}: {failed} failed, {abandoned} gave no answer");
        let payments = &judged.measured.payments;
        assert_eq!((payments.authorized, payments.orphaned), (payments.captured, 0), "{saga}");
        assert_eq!(judged.measured.orders.confirmed, payments.captured, "{saga}");
        // Everybody else bought: nobody was turned away for having been asked.
        let bought = judged.measured.fans.departed["bought"];
        let declined = judged.measured.fans.departed["declined"];
        assert_eq!(bought + declined, 400, "{saga}");
    }
}

/// Looking where payments stand costs calls of the same allowance, and the report counts them.
#[test]
fn asking_where_payments_stand_counts_against_the_limits() {
    let calls = |changes: &[&str]| lived(changes).0.measured.rates["payment"].count.unwrap();
    let (with, without) = (calls(&[]), calls(&["provider.challenges.share=0"]));
    assert!(with > without + 200, "{with} calls with challenges, {without} without");
    let short = ["provider.limits.0.rate=30", "provider.limits.0.burst=30"];
    let refused = lived(&short).0.measured.payments.refused;
    assert!(refused > 0);
}

/// What is held for a cardholder keeps its time to live.
#[test]
fn reservations_that_run_out_meanwhile_are_freed_and_nobody_is_charged() {
    let changes = ["shop.saga=reserve-first", "shop.reservation.ttl=5s", "fans.0.retry.attempts=1"];
    let (judged, lived) = lived(&changes);
    assert_eq!(violated(&judged), BTreeSet::new(), "{:?}", judged.reasons);
    let voided = count(&lived, PaymentOperation::Void, PaymentOutcome::Accepted);
    assert!(voided > 20, "{voided} payments were let go while their cardholders thought");
}

/// The shop gives up before most cardholders have answered. It lets their payments go; a shop that
/// forgets to is found out by what is reserved for nobody.
#[test]
fn who_gives_up_on_a_challenge_must_let_it_go() {
    let hasty = "shop.challenge_timeout=3s";
    let (judged, _) = lived(&[hasty]);
    assert_eq!(violated(&judged), BTreeSet::new(), "{:?}", judged.reasons);
    let (judged, _) = lived(&[hasty, "shop.faults=[\"lost-void\"]"]);
    assert_eq!(violated(&judged), BTreeSet::from(["INV-ORPHAN-AUTH"]), "{:?}", judged.reasons);
}

#[test]
fn a_live_shop_waits_for_its_cardholders_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("challenge.toml");
    std::fs::write(&path, SALE).unwrap();
    let changes = [
        "fans.0.count=150",
        "sale.0.lasts=15s",
        "provider.challenges.takes=1s",
        "shop.challenge_timeout=4s",
        "shop.reservation.ttl=3s",
    ];
    let judged = run_in(Room::Whole, &path, &changes);
    assert_eq!(violated(&judged), BTreeSet::new(), "{:?}", judged.reasons);
    let payments = &judged.measured.payments;
    assert_eq!((payments.authorized, payments.orphaned), (payments.captured, 0));
    assert!(judged.measured.operations["checkout"].outcomes["waiting"] > 20);
}

/// Until the last cardholder has answered, or the shop has given up.
#[test]
fn the_drain_takes_cardholders_into_account() {
    use spike::scenario::offer::drain_needed;
    let challenges =
        |changes: &[&str]| drain_needed(&scenario(SALE, &set(changes))).challenges.as_secs();
    assert_eq!(challenges(&[]), 20);
    assert_eq!(challenges(&["provider.challenges.abandoned=0"]), 20);
    // Nobody takes longer than 6 s × e^(0.4 × 3.09) = 20.7 s: looks after 2, 6, 14 and 30 s.
    let patient = ["provider.challenges.abandoned=0", "shop.challenge_timeout=5m"];
    assert_eq!(challenges(&patient), 30);
    assert_eq!(challenges(&["provider.challenges.share=0"]), 0);
}
