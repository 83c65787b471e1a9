//! What fans were told, and what the witness of a violation tells.

use domain::outcome::{Departure, Outcome};
use domain::provider::PaymentOutcome;
use domain::time::Time;

use super::stage::{CAP, Stage, TEE, audited, facts, nth_from_end};
use crate::audit::Status;
use crate::evidence::{Facts, PurchaseLine};

#[test]
fn a_client_in_doubt_is_not_charged_in_silence() {
    let mut stage = Stage::honest();
    for (last, at) in [Outcome::Unknown, Outcome::RateLimited].into_iter().zip([1, 2]) {
        stage.checks_out(0, TEE, last, Departure::Bought);
        let place = stage.evidence.purchases.len() - 2 * at;
        assert!(matches!(&stage.evidence.purchases[place], PurchaseLine::Attempt { .. }));
    }
    let PurchaseLine::Attempt { outcome, .. } = &mut stage.evidence.purchases[0] else { panic!() };
    *outcome = Outcome::SoldOut;
    assert_eq!(stage.fired(), [""; 0]);
}

#[test]
fn a_client_that_was_told_too_much_is_sold_too_much() {
    let mut stage = Stage::honest();
    stage.checks_out(30, CAP, Outcome::Ok, Departure::Bought);
    assert_eq!(stage.fired(), ["INV-OVERSELL", "INV-PHANTOM-SALE"]);
}

#[test]
fn who_was_refused_while_a_payment_held_the_last_pieces_was_told_the_truth() {
    let mut stage = Stage::honest();
    stage.checks_out(30, TEE, Outcome::SoldOut, Departure::SoldOut);
    let declined = stage.evidence.purchases.iter().find_map(|line| match line {
        PurchaseLine::Attempt { outcome: Outcome::Declined, sent, .. } => Some(*sent),
        _ => None,
    });
    let PurchaseLine::Attempt { sent, .. } = nth_from_end(&mut stage, 2) else { panic!() };
    *sent = declined.unwrap();
    assert_eq!(stage.fired(), [""; 0]);
}

#[test]
fn an_opening_that_no_shop_could_know_cannot_be_missed() {
    let mut stage = Stage::honest();
    let PurchaseLine::Attempt { sent, done, .. } = &mut stage.evidence.purchases[0] else {
        panic!()
    };
    (*sent, *done) = (Time::from_millis(900), Time::from_millis(950));
    assert_eq!(stage.fired(), ["INV-EARLY"]);
    let facts = Facts { unannounced: ["day-1".to_owned()].into(), ..facts() };
    let findings = audited(&stage.evidence, &facts);
    let early = findings.iter().find(|finding| finding.id == "INV-EARLY").unwrap();
    assert_eq!(early.status, Status::NotApplicable);
}

#[test]
fn a_fan_who_wanted_more_than_is_left_does_not_make_it_undersold() {
    let mut stage = Stage::honest();
    stage.checks_out(30, TEE, Outcome::SoldOut, Departure::SoldOut);
    let PurchaseLine::Departed { quantity, .. } = nth_from_end(&mut stage, 1) else { panic!() };
    *quantity = 3;
    let PurchaseLine::Attempt { quantity, .. } = nth_from_end(&mut stage, 2) else { panic!() };
    *quantity = 3;
    assert_eq!(stage.fired(), [""; 0]);
}

#[test]
fn a_witness_can_be_followed_from_the_click_to_the_end() {
    let mut stage = Stage::honest();
    stage.provider().retain(|line| line.outcome != PaymentOutcome::Voided);
    let findings = stage.audited();
    let orphan = findings.iter().find(|finding| finding.id == "INV-ORPHAN-AUTH").unwrap();
    assert_eq!(
        orphan.witness,
        [
            "3.600 s  fan 0-16 asked to check out 2 × tour-tee (intent 0-16)",
            "3.605 s  the shop placed order 16: 2 × tour-tee for 9,000",
            "3.610 s  the provider authorized 9,000 as payment 116",
            "3.620 s  the shop held 2 × tour-tee for order 16",
            "3.630 s  the provider failed at the capture: nothing happened",
            "3.642 s  the shop let 2 × tour-tee of order 16 go",
            "3.645 s  order 16 is left at `voided`: over, not sold",
            "3.650 s  fan 0-16 was told error",
            "at the end payment 116 was neither captured nor voided; 9,000 in all are reserved on \
             customers' cards so",
        ]
    );
}
