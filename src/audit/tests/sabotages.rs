//! Ways to break exactly one promise, or those that hang together.

use domain::money::Amount;
use domain::outcome::{Departure, Outcome};
use domain::provider::{PaymentLine, PaymentOutcome};
use domain::shop::{ShopLine, Short};
use domain::time::Time;

use super::stage::{CAP, Stage, TEE, fan, nth_from_end};
use crate::evidence::PurchaseLine;

pub(super) type Sabotage = (&'static [&'static str], &'static str, fn(&mut Stage));

pub(super) const SABOTAGES: [Sabotage; 27] = [
    (&["INV-CONSERVE"], "a snapshot in which a piece is nowhere", |stage| {
        stage.evidence.snapshots[1].items.get_mut(TEE).unwrap().free -= 1;
    }),
    (&["INV-CONSERVE"], "a ledger in which a piece is nowhere", |stage| {
        for line in stage.shop() {
            if let ShopLine::Stock { free, .. } = line {
                *free = free.saturating_sub(1).max(0);
            }
        }
    }),
    (&["INV-CONSERVE"], "a place in a slot that came from nowhere", |stage| {
        for line in stage.shop() {
            if let ShopLine::Slot { free, .. } = line {
                *free += 1;
            }
        }
    }),
    (&["INV-CONSERVE"], "a row that vanished", |stage| {
        stage.shop().retain(|line| !matches!(line, ShopLine::Unit { unit: 21, .. }));
    }),
    (&["INV-OVERSELL"], "one paid order too many", |stage| {
        stage.buys(30, CAP);
        let PurchaseLine::Attempt { outcome, .. } = nth_from_end(stage, 2) else { panic!() };
        *outcome = Outcome::Unknown;
    }),
    (&["INV-OVERSELL"], "a slot with more orders than places", |stage| {
        for line in stage.shop() {
            if let ShopLine::Order { slot, .. } = line {
                *slot = Some("12:30".to_owned());
            }
        }
    }),
    (&["INV-OVERSELL"], "a piece in two orders", |stage| {
        for line in stage.shop() {
            if let ShopLine::Unit { unit: unit @ 4, .. } = line {
                *unit = 0;
            }
        }
        let (item, state) = (TEE.to_owned(), "free".to_owned());
        stage.shop().push(ShopLine::Unit { unit: 4, name: None, item, state, order_id: None });
    }),
    (&["INV-STRANDED"], "pieces held for a declined order", |stage| {
        stage.shop().push(reservation("15"));
        hold(stage, 2);
    }),
    (&["INV-STRANDED"], "a place held for a declined order that has no pieces", |stage| {
        let place = ShopLine::Reservation {
            order_id: "15".to_owned(),
            item: TEE.to_owned(),
            slot: Some("12:30".to_owned()),
            quantity: 0,
            held_until_utc_ns: None,
        };
        for line in stage.shop() {
            if let ShopLine::Slot { slot, free, held, .. } = line
                && slot == "12:30"
            {
                (*free, *held) = (*free - 1, *held + 1);
            }
        }
        stage.shop().push(place);
    }),
    (&["INV-STRANDED"], "pieces held for an order nobody knows", |stage| {
        stage.shop().push(reservation("999"));
        hold(stage, 2);
    }),
    (&["INV-STRANDED"], "pieces held for nothing at all", |stage| hold(stage, 2)),
    (
        &["INV-UNDERSOLD", "INV-PHANTOM-SOLDOUT"],
        "a fan told sold out while pieces are left",
        |stage| {
            stage.checks_out(30, TEE, Outcome::SoldOut, Departure::SoldOut);
        },
    ),
    (&["INV-ORPHAN-AUTH"], "a void that never came", |stage| {
        stage.provider().retain(|line| line.outcome != PaymentOutcome::Voided);
    }),
    (&["INV-DOUBLE-CHARGE"], "a second payment for one intent", |stage| {
        stage.pays(3, 900, PaymentOutcome::Authorized);
        stage.pays(3, 900, PaymentOutcome::Captured);
    }),
    (&["INV-DOUBLE-CHARGE"], "a capture of more than the order is about", |stage| {
        let captured = |line: &&mut PaymentLine| line.outcome == PaymentOutcome::Captured;
        stage.provider().iter_mut().find(captured).unwrap().amount = Amount::new(9_001);
    }),
    (&["INV-CAPTURED-NO-STOCK"], "a capture for an order that failed", |stage| {
        for line in stage.provider() {
            if line.outcome == PaymentOutcome::Voided {
                line.outcome = PaymentOutcome::Captured;
            }
        }
    }),
    (&["INV-STOCK-NO-CAPTURE"], "an order that is paid by its own word alone", |stage| {
        stage
            .provider()
            .retain(|line| line.intent != "0-4" || line.outcome != PaymentOutcome::Captured);
    }),
    (&["INV-SILENT-CHARGE"], "a buyer who was told that it is sold out", |stage| {
        let PurchaseLine::Attempt { outcome, .. } = &mut stage.evidence.purchases[0] else {
            panic!()
        };
        *outcome = Outcome::SoldOut;
    }),
    (
        &["INV-SILENT-CHARGE", "INV-PHANTOM-SOLDOUT"],
        "a buyer who heard nothing, asked again and was refused",
        |stage| {
            stage.checks_out(0, TEE, Outcome::SoldOut, Departure::Bought);
            let PurchaseLine::Attempt { outcome, .. } = &mut stage.evidence.purchases[0] else {
                panic!()
            };
            *outcome = Outcome::Unknown;
        },
    ),
    (&["INV-PHANTOM-SALE"], "a client that was told of an order which is not there", |stage| {
        stage.checks_out(30, TEE, Outcome::Ok, Departure::Bought);
    }),
    (&["INV-PHANTOM-SALE"], "an order of more than its fan asked for", |stage| {
        let PurchaseLine::Attempt { quantity, .. } = &mut stage.evidence.purchases[0] else {
            panic!()
        };
        *quantity = 1;
    }),
    (&["INV-EARLY"], "a purchase before the opening", |stage| {
        let PurchaseLine::Attempt { intended, sent, done, .. } = &mut stage.evidence.purchases[0]
        else {
            panic!()
        };
        (*intended, *sent, *done) =
            (Time::from_millis(900), Time::from_millis(900), Time::from_millis(950));
    }),
    (&["INV-ORPHAN-AUTH"], "money reserved twice for one order", |stage| {
        stage.pays(3, 900, PaymentOutcome::Authorized);
    }),
    (&["INV-PERUSER"], "three orders of one fan", |stage| {
        for line in stage.shop() {
            if let ShopLine::Order { fan, order_id, .. } = line
                && ["1", "2", "3"].contains(&order_id.as_str())
            {
                *fan = "0-1".to_owned();
            }
        }
    }),
    (&["INV-PHANTOM-SOLDOUT"], "a buyer told sold out at first, while all was there", |stage| {
        let mut refused = stage.evidence.purchases[2].clone();
        let PurchaseLine::Attempt { intended, sent, done, outcome, short, .. } = &mut refused
        else {
            panic!()
        };
        (*intended, *sent, *done) =
            (Time::from_millis(1_500), Time::from_millis(1_500), Time::from_millis(1_550));
        (*outcome, *short) = (Outcome::SoldOut, Some(Short::Item));
        stage.evidence.purchases.insert(0, refused);
    }),
    (&["INV-STALE-SOLDOUT"], "a page that shows nothing while all is there", |stage| {
        let (sent, at) = (Time::from_millis(1_500), Time::from_millis(1_510));
        let page = PurchaseLine::Seen { fan: fan(20), sent, at, items: Vec::new() };
        stage.evidence.purchases.push(page);
    }),
    (&["INV-RESOLVED"], "an order that never ended", |stage| {
        for line in stage.shop() {
            if let ShopLine::Order { terminal, status, .. } = line
                && status == "voided"
            {
                *terminal = false;
            }
        }
    }),
];

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
