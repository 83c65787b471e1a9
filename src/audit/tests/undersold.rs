//! Which fan that left without could have been sold to.

use domain::outcome::Departure;
use domain::provider::PaymentOutcome;
use domain::shop::ShopLine;
use domain::time::Time;

use super::super::*;
use super::stage::{Stage, TEE, facts, fan, nth_from_end, statuses};
use crate::evidence::PurchaseLine;

fn undersold(stage: &Stage) -> Status {
    statuses(&stage.evidence)["INV-UNDERSOLD"]
}

/// Fan 16 gives up when its capture has come to that end; two tees are left, as many as it wanted.
fn gives_up_at(outcome: PaymentOutcome) -> Stage {
    let mut stage = Stage::honest();
    if let PurchaseLine::Departed { fan: who, departure, .. } = nth_from_end(&mut stage, 3) {
        assert_eq!(*who, fan(16));
        *departure = Departure::GaveUp;
    }
    let payments = stage.provider().iter_mut().filter(|line| line.intent == fan(16).to_string());
    for line in payments.filter(|line| line.outcome == PaymentOutcome::Failed) {
        (line.outcome, line.told) = (outcome, outcome);
    }
    stage
}

#[test]
fn whose_payment_the_provider_failed_could_not_have_been_sold_to() {
    for failure in [PaymentOutcome::Failed, PaymentOutcome::Silence] {
        assert_eq!(undersold(&gives_up_at(failure)), Status::Held, "{failure:?}");
    }
    // How much the provider allows a shop knows.
    assert_eq!(undersold(&gives_up_at(PaymentOutcome::RateLimited)), Status::Violated);
}

/// How old a page may be \[ms\].
fn age() -> u64 {
    let age = facts().edge_ttl + AuditSettings::default().budgets.stale.grace.0;
    u64::try_from(age.as_millis()).unwrap()
}

/// Fan 18 sees at that moment on a page that its tees are gone, and leaves; fan 16 held two until
/// 3.642 s.
fn leaves_at_a_page(ms: u64) -> Stage {
    let mut stage = Stage::honest();
    stage.evidence.purchases.push(PurchaseLine::Departed {
        fan: fan(18),
        at: Time::from_millis(ms),
        departure: Departure::SoldOut,
        item: TEE.to_owned(),
        quantity: 2,
        refused: false,
    });
    stage
}

#[test]
fn who_leaves_at_a_page_while_the_pieces_are_held_could_not_have_had_them() {
    assert_eq!(undersold(&leaves_at_a_page(3_630)), Status::Held);
    // A page may be as old as that.
    assert_eq!(undersold(&leaves_at_a_page(3_642 + age())), Status::Held);
    assert_eq!(undersold(&leaves_at_a_page(3_643 + age())), Status::Violated);
}

#[test]
fn what_is_held_for_ever_excuses_nobody() {
    // Nothing else that was held came back so late.
    let mut stage = leaves_at_a_page(3_600 + age());
    assert_eq!(undersold(&stage), Status::Held);
    for line in stage.shop() {
        if let ShopLine::Hold { order_id, freeing_utc_ns, freed_utc_ns, .. } = line
            && order_id == "16"
        {
            (*freeing_utc_ns, *freed_utc_ns) = (None, None);
        }
    }
    assert_eq!(undersold(&stage), Status::Violated);
}
