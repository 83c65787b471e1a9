//! The checker checked: an honest run fires nothing, each seeded violation fires its invariant and
//! no other, and no ledger, however mad, makes it panic.

use std::collections::BTreeMap;

use domain::id::FanId;
use domain::money::Amount;
use domain::outcome::{Departure, Operation, Outcome};
use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use domain::shop::{Balance, Catalogue, Item, Sale, ShopLine, ShopSnapshot, Slot};
use domain::time::Time;
use proptest::prelude::*;

use super::*;
use crate::evidence::{Admitted, Ending, PurchaseLine};

const BEGAN_UTC_NS: u64 = 1_000_000_000_000;
const TEE: &str = "tour-tee";
const CAP: &str = "cap";

fn utc(ms: u64) -> u64 {
    BEGAN_UTC_NS + ms * 1_000_000
}

fn fan(index: u32) -> FanId {
    FanId { population: 0, index }
}

/// An honest run in the making: 22 tees of which 20 are wanted, 10 caps of which 12 are.
struct Stage {
    evidence: Evidence,
}

impl Stage {
    fn honest() -> Self {
        let item =
            |id: &str, stock, price| Item { id: id.to_owned(), stock, price: Amount::new(price) };
        let slot = |id: &str| Slot { id: id.to_owned(), capacity: 10 };
        let sale = Sale {
            id: "day-1".to_owned(),
            opens: Time::from_millis(1_000),
            closes: Time::from_millis(61_000),
            limit_per_fan: 4,
            items: vec![item(TEE, 22, 4_500), item(CAP, 10, 3_000)],
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
            evidence: Evidence {
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

    fn shop(&mut self) -> &mut Vec<ShopLine> {
        self.evidence.shop.get_or_insert_default()
    }

    fn provider(&mut self) -> &mut Vec<PaymentLine> {
        self.evidence.provider.get_or_insert_default()
    }

    fn checks_out(&mut self, index: u32, item: &str, outcome: Outcome, departure: Departure) {
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
            short: None,
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

    fn order(&mut self, index: u32, item: &str, status: &str, payment: Option<u32>) {
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
    }

    fn pays(&mut self, index: u32, payment: u32, outcome: PaymentOutcome) {
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

    fn buys(&mut self, index: u32, item: &str) {
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

    fn is_declined(&mut self, index: u32) {
        self.checks_out(index, TEE, Outcome::Declined, Departure::Declined);
        self.order(index, TEE, "declined", None);
        self.pays(index, 100 + index, PaymentOutcome::Declined);
    }

    fn fails_at_the_capture(&mut self, index: u32) {
        self.checks_out(index, TEE, Outcome::Error, Departure::Balked);
        self.order(index, TEE, "voided", Some(100 + index));
        self.pays(index, 100 + index, PaymentOutcome::Authorized);
        self.pays(index, 100 + index, PaymentOutcome::Failed);
        self.pays(index, 100 + index, PaymentOutcome::Voided);
    }

    fn finds_it_sold_out(&mut self, index: u32) {
        self.checks_out(index, CAP, Outcome::SoldOut, Departure::SoldOut);
    }

    fn counts(&mut self) {
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

    fn fired(&self) -> Vec<String> {
        fired(&self.evidence, &facts())
    }
}

/// An admission that suffices.
fn facts() -> Facts {
    Facts { admitted: Admitted::ByShop { orders_per_s: 100.0 }, ..Facts::default() }
}

fn fired(evidence: &Evidence, facts: &Facts) -> Vec<String> {
    audit(evidence, facts, &[])
        .into_iter()
        .filter(|finding| finding.status == Status::Violated)
        .map(|finding| {
            assert!(finding.count > 0 && !finding.measure.is_empty(), "{finding:?}");
            assert!(!finding.witness.is_empty() && finding.witness.len() <= 30, "{finding:?}");
            finding.id
        })
        .collect()
}

fn statuses(evidence: &Evidence) -> BTreeMap<String, Status> {
    audit(evidence, &facts(), &[]).into_iter().map(|finding| (finding.id, finding.status)).collect()
}

#[test]
fn an_honest_run_holds_every_invariant() {
    let honest = Stage::honest();
    for finding in audit(&honest.evidence, &facts(), &[]) {
        assert_eq!(finding.status, Status::Held, "{finding:?}");
    }
}

#[test]
fn a_piece_sold_to_two_is_oversold_once_and_conserved() {
    let mut stage = Stage::honest();
    stage.buys(30, TEE);
    let oversold = |stage: &Stage| {
        let findings = audit(&stage.evidence, &facts(), &[]);
        findings.into_iter().find(|finding| finding.id == "INV-OVERSELL").unwrap().count
    };
    for line in stage.shop() {
        match line {
            ShopLine::Unit { unit, .. } if *unit >= 60 => *unit -= 60,
            ShopLine::Stock { item, initial: 22, free, sold, .. } if item == TEE => {
                (*free, *sold) = (0, 22);
            }
            _ => {}
        }
    }
    assert_eq!((stage.fired(), oversold(&stage)), (vec!["INV-OVERSELL".to_owned()], 2));
    stage.buys(32, TEE);
    assert_eq!(oversold(&stage), 2);
}

/// A way to break exactly one promise.
type Sabotage = (&'static str, &'static str, fn(&mut Stage));

const SABOTAGES: [Sabotage; 24] = [
    ("INV-CONSERVE", "a snapshot in which a piece is nowhere", |stage| {
        stage.evidence.snapshots[1].items.get_mut(TEE).unwrap().free -= 1;
    }),
    ("INV-CONSERVE", "a ledger in which a piece is nowhere", |stage| {
        for line in stage.shop() {
            if let ShopLine::Stock { free, .. } = line {
                *free = free.saturating_sub(1).max(0);
            }
        }
    }),
    ("INV-CONSERVE", "a place in a slot that came from nowhere", |stage| {
        for line in stage.shop() {
            if let ShopLine::Slot { free, .. } = line {
                *free += 1;
            }
        }
    }),
    ("INV-CONSERVE", "a row that vanished", |stage| {
        stage.shop().retain(|line| !matches!(line, ShopLine::Unit { unit: 21, .. }));
    }),
    ("INV-OVERSELL", "one paid order too many", |stage| {
        stage.buys(30, CAP);
        let PurchaseLine::Attempt { outcome, .. } = nth_from_end(stage, 2) else { panic!() };
        *outcome = Outcome::Unknown;
    }),
    ("INV-OVERSELL", "a slot with more orders than places", |stage| {
        for line in stage.shop() {
            if let ShopLine::Order { slot, .. } = line {
                *slot = Some("12:30".to_owned());
            }
        }
    }),
    ("INV-OVERSELL", "a piece in two orders", |stage| {
        for line in stage.shop() {
            if let ShopLine::Unit { unit: unit @ 4, .. } = line {
                *unit = 0;
            }
        }
        let (item, state) = (TEE.to_owned(), "free".to_owned());
        stage.shop().push(ShopLine::Unit { unit: 4, name: None, item, state, order_id: None });
    }),
    ("INV-STRANDED", "pieces held for a declined order", |stage| {
        stage.shop().push(reservation("15"));
        hold(stage, 2);
    }),
    ("INV-STRANDED", "pieces held for an order nobody knows", |stage| {
        stage.shop().push(reservation("999"));
        hold(stage, 2);
    }),
    ("INV-STRANDED", "pieces held for nothing at all", |stage| hold(stage, 2)),
    ("INV-UNDERSOLD", "a fan told sold out while pieces are left", |stage| {
        stage.checks_out(30, TEE, Outcome::SoldOut, Departure::SoldOut);
    }),
    ("INV-ORPHAN-AUTH", "a void that never came", |stage| {
        stage.provider().retain(|line| line.outcome != PaymentOutcome::Voided);
    }),
    ("INV-DOUBLE-CHARGE", "a second payment for one intent", |stage| {
        stage.pays(3, 900, PaymentOutcome::Authorized);
        stage.pays(3, 900, PaymentOutcome::Captured);
    }),
    ("INV-DOUBLE-CHARGE", "a capture of more than the order is about", |stage| {
        let captured = |line: &&mut PaymentLine| line.outcome == PaymentOutcome::Captured;
        stage.provider().iter_mut().find(captured).unwrap().amount = Amount::new(9_001);
    }),
    ("INV-CAPTURED-NO-STOCK", "a capture for an order that failed", |stage| {
        for line in stage.provider() {
            if line.outcome == PaymentOutcome::Voided {
                line.outcome = PaymentOutcome::Captured;
            }
        }
    }),
    ("INV-STOCK-NO-CAPTURE", "an order that is paid by its own word alone", |stage| {
        stage
            .provider()
            .retain(|line| line.intent != "0-4" || line.outcome != PaymentOutcome::Captured);
    }),
    ("INV-SILENT-CHARGE", "a buyer who was told that it is sold out", |stage| {
        let PurchaseLine::Attempt { outcome, .. } = &mut stage.evidence.purchases[0] else {
            panic!()
        };
        *outcome = Outcome::SoldOut;
    }),
    ("INV-SILENT-CHARGE", "a buyer who heard nothing, asked again and was refused", |stage| {
        stage.checks_out(0, TEE, Outcome::SoldOut, Departure::Bought);
        let PurchaseLine::Attempt { outcome, .. } = &mut stage.evidence.purchases[0] else {
            panic!()
        };
        *outcome = Outcome::Unknown;
    }),
    ("INV-PHANTOM-SALE", "a client that was told of an order which is not there", |stage| {
        stage.checks_out(30, TEE, Outcome::Ok, Departure::Bought);
    }),
    ("INV-PHANTOM-SALE", "an order of more than its fan asked for", |stage| {
        let PurchaseLine::Attempt { quantity, .. } = &mut stage.evidence.purchases[0] else {
            panic!()
        };
        *quantity = 1;
    }),
    ("INV-EARLY", "a purchase before the opening", |stage| {
        let PurchaseLine::Attempt { intended, sent, done, .. } = &mut stage.evidence.purchases[0]
        else {
            panic!()
        };
        (*intended, *sent, *done) =
            (Time::from_millis(900), Time::from_millis(900), Time::from_millis(950));
    }),
    ("INV-ORPHAN-AUTH", "money reserved twice for one order", |stage| {
        stage.pays(3, 900, PaymentOutcome::Authorized);
    }),
    ("INV-PERUSER", "three orders of one fan", |stage| {
        for line in stage.shop() {
            if let ShopLine::Order { fan, order_id, .. } = line
                && ["1", "2", "3"].contains(&order_id.as_str())
            {
                *fan = "0-1".to_owned();
            }
        }
    }),
    ("INV-RESOLVED", "an order that never ended", |stage| {
        for line in stage.shop() {
            if let ShopLine::Order { terminal, status, .. } = line
                && status == "voided"
            {
                *terminal = false;
            }
        }
    }),
];

fn nth_from_end(stage: &mut Stage, n: usize) -> &mut PurchaseLine {
    let place = stage.evidence.purchases.len() - n;
    &mut stage.evidence.purchases[place]
}

fn reservation(order: &str) -> ShopLine {
    ShopLine::Reservation {
        order_id: order.to_owned(),
        item: TEE.to_owned(),
        slot: None,
        quantity: 2,
        held_until_utc_ns: None,
    }
}

fn hold(stage: &mut Stage, pieces: i64) {
    for line in stage.shop() {
        if let ShopLine::Stock { item, free, held, .. } = line
            && item == TEE
        {
            *free -= pieces;
            *held += pieces;
        }
    }
}

#[test]
fn each_seeded_violation_fires_its_invariant_and_no_other() {
    for (id, what, sabotage) in SABOTAGES {
        let mut stage = Stage::honest();
        sabotage(&mut stage);
        assert_eq!(stage.fired(), [id], "{what}");
    }
}

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

impl Stage {
    /// What happened to a payment, by whom it was asked for.
    fn happens(
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
    let findings = audit(&stage.evidence, &facts(), &[]);
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
    let findings = audit(&stage.evidence, &facts, &[]);
    let early = findings.iter().find(|finding| finding.id == "INV-EARLY").unwrap();
    assert_eq!(early.status, Status::NotApplicable);
}

#[test]
fn a_fan_who_wanted_more_than_is_left_does_not_make_it_undersold() {
    let mut stage = Stage::honest();
    stage.checks_out(30, TEE, Outcome::SoldOut, Departure::SoldOut);
    let PurchaseLine::Departed { quantity, .. } = nth_from_end(&mut stage, 1) else { panic!() };
    *quantity = 3;
    assert_eq!(stage.fired(), [""; 0]);
}

#[test]
fn a_witness_can_be_followed_from_the_click_to_the_end() {
    let mut stage = Stage::honest();
    stage.provider().retain(|line| line.outcome != PaymentOutcome::Voided);
    let findings = audit(&stage.evidence, &facts(), &[]);
    let orphan = findings.iter().find(|finding| finding.id == "INV-ORPHAN-AUTH").unwrap();
    assert_eq!(
        orphan.witness,
        [
            "3.600 s  fan 0-16 asked to check out 2 × tour-tee (intent 0-16)",
            "3.605 s  the shop placed order 16: 2 × tour-tee for 9,000",
            "3.610 s  the provider authorized 9,000 as payment 116",
            "3.630 s  the provider failed at the capture: nothing happened",
            "3.645 s  order 16 is left at `voided`: over, not sold",
            "3.650 s  fan 0-16 was told error",
            "at the end payment 116 was neither captured nor voided; 9,000 in all are reserved on \
             customers' cards so",
        ]
    );
}

#[test]
fn without_a_ledger_nothing_that_reads_it_is_said_to_hold() {
    let mut stage = Stage::honest();
    stage.evidence.provider = None;
    for (id, status) in statuses(&stage.evidence) {
        let invariant = INVARIANTS.iter().find(|invariant| invariant.id == id).unwrap();
        let reads = invariant.reads.contains(&Source::Provider);
        assert_eq!(status, if reads { Status::NotChecked } else { Status::Held }, "{id}");
    }
}

#[test]
fn a_violation_is_one_even_where_a_ledger_is_missing() {
    let mut stage = Stage::honest();
    stage.evidence.shop = None;
    stage.pays(3, 900, PaymentOutcome::Authorized);
    stage.pays(3, 900, PaymentOutcome::Captured);
    assert_eq!(stage.fired(), ["INV-DOUBLE-CHARGE"]);
}

#[test]
fn an_undrained_shop_is_not_asked_what_it_had_no_time_for() {
    let mut stage = Stage::honest();
    stage.evidence.ending.drained = false;
    let statuses = statuses(&stage.evidence);
    for id in ["INV-STRANDED", "INV-ORPHAN-AUTH", "INV-RESOLVED"] {
        assert_eq!(statuses[id], Status::NotChecked, "{id}");
    }
    assert_eq!(statuses["INV-OVERSELL"], Status::Held);
}

#[test]
fn a_waiver_lifts_what_was_not_checked_and_nothing_else() {
    let waiver = |id: &str| Waiver { id: id.to_owned(), reason: "no such ledger".to_owned() };
    let waivers = [waiver("INV-RESOLVED"), waiver("INV-ORPHAN-AUTH")];
    let mut stage = Stage::honest();
    stage.provider().retain(|line| line.outcome != PaymentOutcome::Voided);
    let violated = audit(&stage.evidence, &facts(), &waivers);
    assert!(violated.iter().all(|finding| finding.waived.is_none()));
    stage.evidence.ending.drained = false;
    let not_checked = audit(&stage.evidence, &facts(), &waivers);
    let lifted: Vec<&str> = not_checked
        .iter()
        .filter(|finding| finding.waived.is_some())
        .map(|finding| finding.id.as_str())
        .collect();
    assert_eq!(lifted, ["INV-ORPHAN-AUTH", "INV-RESOLVED"]);
}

#[test]
fn where_nothing_is_for_sale_there_is_nothing_to_audit() {
    let mut stage = Stage::honest();
    stage.evidence.catalogue.sales.clear();
    (stage.evidence.shop, stage.evidence.provider) = (None, None);
    assert!(statuses(&stage.evidence).values().all(|status| *status == Status::NotApplicable));
}

#[test]
fn a_sale_without_slots_has_no_places_to_audit() {
    let mut stage = Stage::honest();
    stage.evidence.catalogue.sales[0].slots.clear();
    stage.shop().retain(|line| !matches!(line, ShopLine::Slot { .. }));
    for line in stage.shop() {
        if let ShopLine::Order { slot, .. } = line {
            *slot = None;
        }
    }
    assert_eq!(stage.fired(), [""; 0]);
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), Just(TEE.to_owned()), "[0-2]", Just("day-1/12:30".to_owned())]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..4, Just(u64::MAX), any::<u64>()]
}

fn shop_line() -> impl Strategy<Value = ShopLine> {
    let balance = || prop_oneof![-2_i64..4, Just(i64::MIN), Just(i64::MAX)];
    prop_oneof![
        (name(), number(), balance(), balance(), balance()).prop_map(
            |(item, initial, free, held, sold)| ShopLine::Stock { item, initial, free, held, sold }
        ),
        (name(), name(), number(), balance(), balance()).prop_map(
            |(slot, sale, initial, free, held)| ShopLine::Slot {
                slot,
                sale,
                initial,
                free,
                held,
                sold: free
            }
        ),
        ((name(), name(), name(), any::<u32>()), (number(), any::<bool>(), any::<bool>()))
            .prop_map(|((order_id, intent, item, quantity), (amount, paid, terminal))| {
                ShopLine::Order {
                    fan: intent.clone(),
                    payment: Some(order_id.clone()),
                    slot: Some(item.clone()),
                    order_id,
                    intent,
                    item,
                    quantity,
                    amount: Amount::new(amount),
                    status: "odd".to_owned(),
                    paid,
                    terminal,
                    created_utc_ns: amount,
                    updated_utc_ns: amount,
                }
            }),
        (name(), name(), any::<u32>(), proptest::option::of(number())).prop_map(
            |(order_id, item, quantity, held_until_utc_ns)| ShopLine::Reservation {
                order_id,
                slot: Some(item.clone()),
                item,
                quantity,
                held_until_utc_ns
            }
        ),
        (number(), name(), prop_oneof!["free", "held", "sold", ""], name()).prop_map(
            |(unit, item, state, order)| ShopLine::Unit {
                name: None,
                unit,
                item,
                state,
                order_id: Some(order)
            }
        ),
    ]
}

fn payment_line() -> impl Strategy<Value = PaymentLine> {
    let outcome = || {
        prop_oneof![
            Just(PaymentOutcome::Authorized),
            Just(PaymentOutcome::Captured),
            Just(PaymentOutcome::Voided),
            Just(PaymentOutcome::RateLimited),
            Just(PaymentOutcome::Silence),
        ]
    };
    (number(), proptest::option::of(name()), name(), outcome(), outcome(), number()).prop_map(
        |(utc_ns, payment, intent, outcome, told, amount)| PaymentLine {
            utc_ns,
            payment,
            key: intent.clone(),
            reference: String::new(),
            intent,
            operation: PaymentOperation::Capture,
            outcome,
            told,
            amount: Amount::new(amount),
            replayed: false,
        },
    )
}

proptest! {
    #[test]
    fn no_ledger_makes_the_judge_panic(
        shop in proptest::option::of(proptest::collection::vec(shop_line(), 0..20)),
        provider in proptest::option::of(proptest::collection::vec(payment_line(), 0..20)),
        drained in any::<bool>(),
    ) {
        let mut stage = Stage::honest();
        stage.evidence.shop = shop;
        stage.evidence.provider = provider;
        stage.evidence.ending.drained = drained;
        prop_assert_eq!(audit(&stage.evidence, &facts(), &[]).len(), INVARIANTS.len());
    }
}
