//! An honest run, from which every test breaks off what it is about.

use std::collections::BTreeMap;

use domain::id::FanId;
use domain::money::Amount;
use domain::outcome::{Departure, Operation, Outcome};
use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use domain::shop::{Balance, Catalogue, Item, Sale, ShopLine, ShopSnapshot, Short, Slot};
use domain::time::Time;

use super::super::*;
use crate::evidence::{Admitted, Ending, Lines, PurchaseLine};

pub(super) const BEGAN_UTC_NS: u64 = 1_000_000_000_000;
pub(super) const TEE: &str = "tour-tee";
pub(super) const CAP: &str = "cap";

pub(super) fn utc(ms: u64) -> u64 {
    BEGAN_UTC_NS + ms * 1_000_000
}

pub(super) fn fan(index: u32) -> FanId {
    FanId { population: 0, index }
}

/// An honest run in the making: 22 tees of which 20 are wanted, 10 caps of which 12 are.
pub(super) struct Stage {
    pub(super) evidence: Lines,
}

impl Stage {
    pub(super) fn honest() -> Self {
        let item =
            |id: &str, stock, price| Item { id: id.to_owned(), stock, price: Amount::new(price) };
        let slot = |id: &str| Slot { id: id.to_owned(), capacity: 10 };
        let sale = Sale {
            id: "day-1".to_owned(),
            opens: Time::from_millis(1_000),
            closes: Time::from_millis(61_000),
            limit_per_fan: 4,
            items: vec![item(TEE, 22, 4_500), item(CAP, 10, 3_000)],
            lottery: None,
            slots: vec![slot("12:30"), slot("13:00")],
        };
        let ending = Ending {
            began_utc_ns: BEGAN_UTC_NS,
            load_ended: Time::from_millis(61_000),
            judged: Time::from_millis(200_000),
            drained: true,
            ..Ending::default()
        };
        let mut stage = Self {
            evidence: Lines {
                catalogue: Catalogue { sales: vec![sale] },
                purchases: Vec::new(),
                snapshots: Vec::new(),
                shop: Some(Vec::new()),
                provider: Some(Vec::new()),
                ending,
            },
        };
        (0..10).for_each(|index| stage.buys(index, TEE));
        (10..15).for_each(|index| stage.buys(index, CAP));
        stage.is_declined(15);
        stage.fails_at_the_capture(16);
        stage.finds_it_sold_out(17);
        stage.counts();
        stage
    }

    pub(super) fn shop(&mut self) -> &mut Vec<ShopLine> {
        self.evidence.shop.get_or_insert_default()
    }

    pub(super) fn provider(&mut self) -> &mut Vec<PaymentLine> {
        self.evidence.provider.get_or_insert_default()
    }

    pub(super) fn checks_out(
        &mut self,
        index: u32,
        item: &str,
        outcome: Outcome,
        departure: Departure,
    ) {
        let at = |ms| Time::from_millis(2_000 + u64::from(index) * 100 + ms);
        self.evidence.purchases.push(PurchaseLine::Attempt {
            fan: fan(index),
            intent: fan(index).to_string(),
            key: format!("0-{index}-0"),
            operation: Operation::Checkout,
            item: item.to_owned(),
            slot: Some("12:30".to_owned()).filter(|_| index.is_multiple_of(2)),
            quantity: 2,
            amount: Amount::new(9_000),
            intended: at(0),
            sent: at(0),
            done: at(50),
            outcome,
            short: (outcome == Outcome::SoldOut).then_some(Short::Item),
        });
        self.evidence.purchases.push(PurchaseLine::Departed {
            fan: fan(index),
            at: at(60),
            departure,
            item: item.to_owned(),
            quantity: 2,
            refused: false,
        });
    }

    pub(super) fn order(&mut self, index: u32, item: &str, status: &str, payment: Option<u32>) {
        let slot = if index.is_multiple_of(2) { "12:30" } else { "13:00" };
        self.shop().push(ShopLine::Order {
            order_id: index.to_string(),
            fan: fan(index).to_string(),
            intent: fan(index).to_string(),
            item: item.to_owned(),
            slot: Some(slot.to_owned()),
            quantity: 2,
            amount: Amount::new(9_000),
            status: status.to_owned(),
            paid: status == "captured",
            terminal: true,
            payment: payment.map(|payment| payment.to_string()),
            created_utc_ns: utc(2_000 + u64::from(index) * 100 + 5),
            updated_utc_ns: utc(2_000 + u64::from(index) * 100 + 45),
        });
        self.held(index, item, slot, status);
    }

    /// What the shop held for an order and when: all that is sold, and nothing that is declined.
    pub(super) fn held(&mut self, index: u32, item: &str, slot: &str, status: &str) {
        let at = |ms| utc(2_000 + u64::from(index) * 100 + ms);
        let freed = status != "captured";
        self.shop().push(ShopLine::Hold {
            order_id: index.to_string(),
            item: item.to_owned(),
            slot: Some(slot.to_owned()),
            quantity: 2,
            asked_utc_ns: at(15),
            taken_utc_ns: at(20),
            sold_utc_ns: (!freed).then(|| at(35)),
            freeing_utc_ns: freed.then(|| at(38)),
            freed_utc_ns: freed.then(|| at(42)),
        });
    }

    pub(super) fn pays(&mut self, index: u32, payment: u32, outcome: PaymentOutcome) {
        let (operation, ms) = match outcome {
            PaymentOutcome::Captured | PaymentOutcome::Failed => (PaymentOperation::Capture, 30),
            PaymentOutcome::Voided => (PaymentOperation::Void, 40),
            _ => (PaymentOperation::Authorize, 10),
        };
        self.provider().push(PaymentLine {
            utc_ns: utc(2_000 + u64::from(index) * 100 + ms),
            payment: Some(payment.to_string()).filter(|_| outcome != PaymentOutcome::Declined),
            reference: String::new(),
            intent: fan(index).to_string(),
            operation,
            outcome,
            told: outcome,
            amount: Amount::new(9_000),
            key: format!("0-{index}-0-{}", operation.word()),
            replayed: false,
        });
    }

    pub(super) fn buys(&mut self, index: u32, item: &str) {
        self.checks_out(index, item, Outcome::Ok, Departure::Bought);
        self.order(index, item, "captured", Some(100 + index));
        self.pays(index, 100 + index, PaymentOutcome::Authorized);
        self.pays(index, 100 + index, PaymentOutcome::Captured);
        if item == TEE {
            for unit in 0..2 {
                self.shop().push(ShopLine::Unit {
                    name: None,
                    unit: u64::from(2 * index + unit),
                    item: item.to_owned(),
                    state: "sold".to_owned(),
                    order_id: Some(index.to_string()),
                });
            }
        }
    }

    pub(super) fn is_declined(&mut self, index: u32) {
        self.checks_out(index, TEE, Outcome::Declined, Departure::Declined);
        self.order(index, TEE, "declined", None);
        self.pays(index, 100 + index, PaymentOutcome::Declined);
    }

    pub(super) fn fails_at_the_capture(&mut self, index: u32) {
        self.checks_out(index, TEE, Outcome::Error, Departure::Balked);
        self.order(index, TEE, "voided", Some(100 + index));
        self.pays(index, 100 + index, PaymentOutcome::Authorized);
        self.pays(index, 100 + index, PaymentOutcome::Failed);
        self.pays(index, 100 + index, PaymentOutcome::Voided);
    }

    pub(super) fn finds_it_sold_out(&mut self, index: u32) {
        self.checks_out(index, CAP, Outcome::SoldOut, Departure::SoldOut);
    }

    pub(super) fn counts(&mut self) {
        for unit in 20..22 {
            self.shop().push(ShopLine::Unit {
                name: None,
                unit,
                item: TEE.to_owned(),
                state: "free".to_owned(),
                order_id: None,
            });
        }
        for (item, initial, free, sold) in [(TEE, 22, 2, 20), (CAP, 10, 0, 10)] {
            let item = item.to_owned();
            self.shop().push(ShopLine::Stock { item, initial, free, held: 0, sold });
        }
        for (slot, sold) in [("12:30", 8), ("13:00", 7)] {
            let (slot, sale) = (slot.to_owned(), "day-1".to_owned());
            let free = 10 - sold;
            self.shop().push(ShopLine::Slot { slot, sale, initial: 10, free, held: 0, sold });
        }
        let balance = |free, held, sold| Balance { free, held, sold };
        let items = |free| {
            BTreeMap::from([
                (TEE.to_owned(), balance(free, 20 - free + 2, 0)),
                (CAP.to_owned(), balance(0, 0, 10)),
            ])
        };
        self.evidence.snapshots = (0..3)
            .map(|second| ShopSnapshot {
                at: Time::from_millis(1_000 + second * 1_000),
                items: items(22 - i64::try_from(second).unwrap() * 5),
                ..ShopSnapshot::default()
            })
            .collect();
    }

    pub(super) fn fired(&self) -> Vec<String> {
        fired(&self.evidence, &facts())
    }

    /// What is found under the default budgets.
    pub(super) fn audited(&self) -> Vec<Finding> {
        audited(&self.evidence, &facts())
    }

    /// What is found of one invariant, by what is asked of the judge.
    pub(super) fn found(&self, asked: &AuditSettings, id: &str) -> Finding {
        let findings = audit(&self.evidence.read(), &facts(), asked);
        findings.into_iter().find(|finding| finding.id == id).unwrap()
    }
}

/// An admission that suffices.
pub(super) fn facts() -> Facts {
    Facts { admitted: Admitted::ByShop { orders_per_s: 100.0 }, ..Facts::default() }
}

pub(super) fn audited(evidence: &Lines, facts: &Facts) -> Vec<Finding> {
    audit(&evidence.read(), facts, &AuditSettings::default())
}

pub(super) fn fired(evidence: &Lines, facts: &Facts) -> Vec<String> {
    audited(evidence, facts)
        .into_iter()
        .filter(|finding| finding.status == Status::Violated)
        .map(|finding| {
            assert!(finding.count > 0 && !finding.measure.is_empty(), "{finding:?}");
            assert!(!finding.witness.is_empty() && finding.witness.len() <= 30, "{finding:?}");
            finding.id
        })
        .collect()
}

pub(super) fn statuses(evidence: &Lines) -> BTreeMap<String, Status> {
    audited(evidence, &facts()).into_iter().map(|finding| (finding.id, finding.status)).collect()
}

impl Stage {
    /// What happened to a payment, by whom it was asked for.
    pub(super) fn happens(
        &mut self,
        index: u32,
        payment: u32,
        (operation, outcome): (PaymentOperation, PaymentOutcome),
        amount: u64,
    ) {
        self.pays(index, payment, outcome);
        let line = self.provider().last_mut().unwrap();
        (line.operation, line.amount) = (operation, Amount::new(amount));
    }
}
pub(super) fn nth_from_end(stage: &mut Stage, n: usize) -> &mut PurchaseLine {
    let place = stage.evidence.purchases.len() - n;
    &mut stage.evidence.purchases[place]
}
