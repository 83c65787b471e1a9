//! How long the steps of an order took behind the fans' backs, by the times that the ledgers of both worlds
//! hold alike.

use domain::provider::{PaymentOperation, PaymentOutcome};
use domain::time::Time;
use hdrhistogram::Histogram;

use crate::evidence::Evidence;
use crate::evidence::rows::ShopRow;
use crate::measure::latency::{histogram, microseconds};

/// Times of the steps of orders in microseconds \[us\]; empty where no ledger says. Each is the difference
/// of two readings of one clock, so that no two clocks are compared.
#[derive(Clone, Debug)]
pub struct SagaTimes {
    /// Of paid orders, from written down to paid, by the shop's ledger.
    pub order: Histogram<u64>,
    /// From asking the inventory for pieces until they were known to be held, by the shop's ledger: the
    /// wait for a connection, for locks, and the transaction itself.
    pub reservation: Histogram<u64>,
    /// From an authorization that was granted to its capture, by the provider's ledger: the answer on its
    /// way, what the shop does in between, and the way of the capture to the provider.
    pub capture: Histogram<u64>,
}

impl Default for SagaTimes {
    fn default() -> Self {
        Self { order: histogram(), reservation: histogram(), capture: histogram() }
    }
}

/// The times of a run's orders. Of a foreign shop, what its ledgers do not tell is absent.
pub fn saga_times(evidence: &Evidence) -> SagaTimes {
    let mut times = SagaTimes::default();
    for row in evidence.shop_rows() {
        match row {
            ShopRow::Order(order) if order.paid => {
                note(&mut times.order, order.created_utc_ns, order.updated_utc_ns);
            }
            ShopRow::Hold(hold) => {
                note(&mut times.reservation, hold.asked_utc_ns, hold.taken_utc_ns);
            }
            _ => {}
        }
    }
    let mut granted = evidence.names().payments.column(None);
    for row in evidence.payment_rows().filter(|row| row.named && !row.replayed) {
        let granted = &mut granted[row.id.name().place()];
        match (row.operation, row.outcome) {
            (_, PaymentOutcome::Authorized) => *granted = Some(row.utc_ns),
            (PaymentOperation::Capture, PaymentOutcome::Captured) => {
                if let Some(since) = granted.take() {
                    note(&mut times.capture, since, row.utc_ns);
                }
            }
            _ => {}
        }
    }
    times
}

/// Takes note of a time between two moments \[ns\], if both are known.
fn note(times: &mut Histogram<u64>, from_ns: u64, until_ns: u64) {
    // A moment that a foreign ledger does not tell is 0; virtual time may begin there, but nobody orders
    // in its first nanosecond.
    if from_ns > 0 && until_ns >= from_ns {
        let us = microseconds(Time::from_nanos(from_ns), Time::from_nanos(until_ns));
        times.saturating_record(us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Ending, Lines};
    use domain::money::Amount;
    use domain::provider::PaymentLine;
    use domain::shop::{Catalogue, ShopLine};

    const MS: u64 = 1_000_000;

    fn order(created_ms: u64, updated_ms: u64, paid: bool) -> ShopLine {
        ShopLine::Order {
            order_id: created_ms.to_string(),
            fan: String::new(),
            intent: String::new(),
            item: "tee".to_owned(),
            slot: None,
            quantity: 1,
            amount: Amount::new(1),
            status: "paid".to_owned(),
            paid,
            terminal: true,
            payment: None,
            created_utc_ns: created_ms * MS,
            updated_utc_ns: updated_ms * MS,
        }
    }

    fn hold(asked_ms: u64, taken_ms: u64) -> ShopLine {
        ShopLine::Hold {
            order_id: asked_ms.to_string(),
            item: "tee".to_owned(),
            slot: None,
            quantity: 1,
            asked_utc_ns: asked_ms * MS,
            taken_utc_ns: taken_ms * MS,
            sold_utc_ns: None,
            freeing_utc_ns: None,
            freed_utc_ns: None,
        }
    }

    fn call(
        at_ms: u64,
        payment: &str,
        operation: PaymentOperation,
        outcome: PaymentOutcome,
    ) -> PaymentLine {
        PaymentLine {
            utc_ns: at_ms * MS,
            payment: Some(payment.to_owned()),
            reference: String::new(),
            intent: String::new(),
            operation,
            outcome,
            told: outcome,
            amount: Amount::new(1),
            key: String::new(),
            replayed: false,
        }
    }

    #[test]
    fn each_step_is_timed_by_its_own_clock() {
        use PaymentOperation::{Authorize, Capture, Void};
        use PaymentOutcome::{Authorized, Captured, Voided};
        let lines = Lines {
            catalogue: Catalogue { sales: Vec::new() },
            purchases: Vec::new(),
            snapshots: Vec::new(),
            shop: Some(vec![
                order(1_000, 1_070, true),
                order(1_100, 9_000, false),
                // A foreign shop that does not say when it was ordered.
                order(0, 1_300, true),
                hold(1_010, 1_013),
            ]),
            provider: Some(vec![
                call(700, "one", Authorize, Authorized),
                call(705, "two", Authorize, Authorized),
                call(750, "one", Capture, Captured),
                call(900, "two", Void, Voided),
            ]),
            ending: Ending::default(),
        };
        let times = saga_times(&lines.read());
        for (found, expected_us) in
            [(&times.order, 70_000), (&times.reservation, 3_000), (&times.capture, 50_000)]
        {
            assert_eq!(found.len(), 1);
            let found = found.value_at_quantile(0.5);
            assert!(found.abs_diff(expected_us) <= expected_us / 1_000, "{found} {expected_us}");
        }
    }

    #[test]
    fn what_no_ledger_says_is_empty() {
        let nothing = Evidence::of(Catalogue { sales: Vec::new() }, None);
        let times = saga_times(&nothing);
        assert!(times.order.is_empty() && times.reservation.is_empty() && times.capture.is_empty());
    }
}
