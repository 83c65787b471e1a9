//! Money that moved, and money that did not.

use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use domain::shop::ShopLine;

use super::stage::{Stage, TEE, fired};
use crate::evidence::Facts;

#[test]
fn too_many_refused_calls_break_the_quota_only_behind_an_admission() {
    let mut stage = Stage::honest();
    stage.pays(3, 103, PaymentOutcome::RateLimited);
    assert_eq!(stage.fired(), ["INV-QUOTA"]);
    assert_eq!(fired(&stage.evidence, &Facts::default()), [""; 0]);
}

#[test]
fn a_repetition_out_of_the_idempotency_store_moves_no_money() {
    let mut stage = Stage::honest();
    let replays: Vec<PaymentLine> = stage
        .provider()
        .iter()
        .map(|line| PaymentLine { replayed: true, ..line.clone() })
        .collect();
    stage.provider().extend(replays);
    assert_eq!(stage.fired(), [""; 0]);
}

#[test]
fn money_that_was_given_back_was_not_taken() {
    let refund = |amount| {
        let mut stage = Stage::honest();
        let refund = (PaymentOperation::Refund, PaymentOutcome::Refunded);
        // Fan 3 paid twice, and the money of fan 16's failed order was taken after all.
        stage.pays(3, 900, PaymentOutcome::Authorized);
        stage.pays(3, 900, PaymentOutcome::Captured);
        stage.happens(3, 900, refund, amount);
        for line in stage.provider() {
            if line.outcome == PaymentOutcome::Voided {
                line.outcome = PaymentOutcome::Captured;
            }
        }
        stage.happens(16, 116, refund, amount);
        stage.fired()
    };
    assert_eq!(refund(9_000), [""; 0]);
    assert_eq!(refund(8_999), ["INV-DOUBLE-CHARGE", "INV-CAPTURED-NO-STOCK"]);
    let mut stage = Stage::honest();
    stage.happens(4, 104, (PaymentOperation::Refund, PaymentOutcome::Refunded), 1);
    assert_eq!(stage.fired(), ["INV-STOCK-NO-CAPTURE"], "goods without all of their money");
}

#[test]
fn a_payment_may_be_taken_in_one_step() {
    let mut stage = Stage::honest();
    stage.provider().retain(|line| line.outcome != PaymentOutcome::Authorized);
    for line in stage.provider() {
        if line.outcome == PaymentOutcome::Captured {
            line.operation = PaymentOperation::Confirm;
        }
    }
    assert_eq!(stage.fired(), [""; 0]);
    stage.happens(16, 901, (PaymentOperation::Confirm, PaymentOutcome::Captured), 9_000);
    assert_eq!(stage.fired(), ["INV-CAPTURED-NO-STOCK"]);
}

#[test]
fn money_is_reserved_when_the_cardholder_answers_and_let_go_when_it_runs_out() {
    use PaymentOperation::{Authenticate, Expire};
    let mut stage = Stage::honest();
    for line in stage.provider() {
        if line.outcome == PaymentOutcome::Authorized {
            line.operation = Authenticate;
        }
    }
    let asked = (PaymentOperation::Authorize, PaymentOutcome::Challenged);
    stage.happens(16, 902, asked, 9_000);
    assert_eq!(stage.fired(), [""; 0], "a challenge reserves nothing");
    stage.happens(16, 902, (Authenticate, PaymentOutcome::Authorized), 9_000);
    assert_eq!(stage.fired(), ["INV-ORPHAN-AUTH"]);
    let findings = stage.audited();
    let orphan = findings.iter().find(|finding| finding.id == "INV-ORPHAN-AUTH").unwrap();
    let told = "the cardholder answered, and the provider authorized 9,000 as payment 902";
    assert!(orphan.witness.iter().any(|line| line.ends_with(told)), "{:?}", orphan.witness);
    stage.happens(16, 902, (Expire, PaymentOutcome::Voided), 9_000);
    assert_eq!(stage.fired(), [""; 0]);
}

#[test]
fn another_card_is_another_purchase_of_the_same_intent() {
    let mut stage = Stage::honest();
    // The second order of fan 3 was declined before the first card's money was taken.
    stage.order(40, TEE, "declined", None);
    if let Some(ShopLine::Order { fan, intent, .. }) = stage.shop().last_mut() {
        (*fan, *intent) = ("0-3".to_owned(), "0-3".to_owned());
    }
    assert_eq!(stage.fired(), [""; 0]);
}
