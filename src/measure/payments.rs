//! What became of payments, by the provider's ledger.

use std::collections::HashMap;

use domain::provider::{PaymentOperation, PaymentOutcome};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;

/// Payments, from the provider's ledger.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentSummary {
    /// Whether there is such a ledger; without, nothing was counted here.
    #[serde(default)]
    pub ledger: Presence,
    /// Authorizations granted, also those whose money was taken in the same step.
    pub authorized: u64,
    /// Their money \[minor units\].
    #[serde(default)]
    pub authorized_amount: u64,
    /// Captures.
    pub captured: u64,
    /// The money that they took \[minor units\].
    #[serde(default)]
    pub captured_amount: u64,
    /// Voids, and authorizations that ran out.
    pub voided: u64,
    /// Refunds. A payment that was given back is no orphan.
    #[serde(default)]
    pub refunded: u64,
    /// Calls refused by a limiter.
    pub refused: u64,
    /// Authorizations neither captured nor voided at the end.
    pub orphaned: u64,
    /// Their money \[minor units\].
    pub orphaned_amount: u64,
}

/// Whether something is there.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It is.
    #[default]
    There,
    /// It is not.
    Missing,
}

/// Counts them, and adds up their money.
pub(super) fn payments(evidence: &Evidence) -> PaymentSummary {
    if !evidence.has_provider() {
        return PaymentSummary { ledger: Presence::Missing, ..PaymentSummary::default() };
    }
    let mut summary = PaymentSummary::default();
    let mut open = HashMap::new();
    for row in evidence.payment_rows().filter(|row| !row.replayed) {
        let payment = Some(row.id.name()).filter(|_| row.named);
        let amount = row.amount.minor();
        match row.outcome {
            PaymentOutcome::Authorized => {
                summary.authorized += 1;
                add(&mut summary.authorized_amount, amount);
                open.insert(payment, amount);
            }
            PaymentOutcome::Captured => {
                // Confirming may take the money in one step.
                if row.operation != PaymentOperation::Capture {
                    summary.authorized += 1;
                    add(&mut summary.authorized_amount, amount);
                }
                summary.captured += 1;
                add(&mut summary.captured_amount, amount);
                open.remove(&payment);
            }
            PaymentOutcome::Voided => {
                summary.voided += 1;
                open.remove(&payment);
            }
            PaymentOutcome::RateLimited | PaymentOutcome::LockTimeout => summary.refused += 1,
            PaymentOutcome::Refunded => summary.refunded += 1,
            PaymentOutcome::Declined
            | PaymentOutcome::Accepted
            | PaymentOutcome::Challenged
            | PaymentOutcome::Refused
            | PaymentOutcome::InFlight
            | PaymentOutcome::Failed
            | PaymentOutcome::Silence => {}
        }
    }
    summary.orphaned = open.len() as u64;
    for amount in open.values() {
        add(&mut summary.orphaned_amount, *amount);
    }
    summary
}

/// Adds money, which no ledger is long enough to overflow.
const fn add(sum: &mut u64, amount: u64) {
    *sum = sum.saturating_add(amount);
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::money::Amount;
    use domain::provider::PaymentLine;
    use domain::shop::Catalogue;

    /// A ledger of payments of 100 each: which, what was asked, what happened.
    fn ledger(lines: &[(&str, PaymentOperation, PaymentOutcome)]) -> Evidence {
        let line = |(payment, operation, outcome): &(&str, _, _)| PaymentLine {
            utc_ns: 0,
            payment: Some((*payment).to_owned()),
            reference: String::new(),
            intent: String::new(),
            operation: *operation,
            outcome: *outcome,
            told: *outcome,
            amount: Amount::new(100),
            key: String::new(),
            replayed: false,
        };
        let mut evidence = Evidence::of(Catalogue { sales: Vec::new() }, None);
        evidence.begin_provider(None);
        for told in lines {
            evidence.add_payment(&line(told));
        }
        evidence
    }

    #[test]
    fn payments_are_counted_however_they_come_about_and_end() {
        use PaymentOperation as Asked;
        use PaymentOutcome as Happened;
        let summary = payments(&ledger(&[
            ("two-steps", Asked::Authorize, Happened::Authorized),
            ("two-steps", Asked::Capture, Happened::Captured),
            ("one-step", Asked::Confirm, Happened::Captured),
            ("given-back", Asked::Authenticate, Happened::Captured),
            ("given-back", Asked::Refund, Happened::Refunded),
            ("ran-out", Asked::Authenticate, Happened::Authorized),
            ("ran-out", Asked::Expire, Happened::Voided),
            ("asked", Asked::Authorize, Happened::Challenged),
            ("left", Asked::Confirm, Happened::Authorized),
            ("left", Asked::Capture, Happened::LockTimeout),
            ("left", Asked::Capture, Happened::RateLimited),
        ]));
        let expected = PaymentSummary {
            ledger: Presence::There,
            authorized: 5,
            authorized_amount: 500,
            captured: 3,
            captured_amount: 300,
            voided: 1,
            refunded: 1,
            refused: 2,
            orphaned: 1,
            orphaned_amount: 100,
        };
        assert_eq!(summary, expected);
    }
}
