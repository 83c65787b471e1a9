//! Faults planted in a shop's own database, each caught by its own invariant.

use super::*;
use crate::evidence::ledgers::ProviderTells;
use domain::provider::PaymentLine;

type Fault = (&'static str, &'static str, fn(&mut Shop));

const FAULTS: [Fault; 15] = [
    ("INV-OVERSELL", "two pieces more than there are, and the count below nothing", |shop| {
        shop.buys(20, 2);
    }),
    ("INV-OVERSELL", "two pieces more than there are, by a count that was overwritten", |shop| {
        shop.buys(20, 2);
        shop.sql("update capacity set free = 0");
    }),
    ("INV-CONSERVE", "a piece out of nowhere", |shop| shop.take(-1)),
    ("INV-STRANDED", "the pieces of a declined order", |shop| {
        shop.sql("delete from purchase where reference like 'mi9s4k2p-0-6'");
        shop.sql("delete from charge where reference like 'mi9s4k2p-0-6'");
        shop.is_declined(6);
        let told = |line: &PurchaseLine| {
            !matches!(line, PurchaseLine::Attempt { intent, outcome, .. }
            if intent == "0-6" && *outcome == Outcome::Ok)
        };
        shop.purchases.retain(told);
        // Nobody else wants the pieces, so that they are not missed but by the count.
        shop.purchases.retain(|line| {
            !matches!(line, PurchaseLine::Departed { fan, .. }
            if fan.index == 8 || fan.index == 6)
        });
    }),
    ("INV-UNDERSOLD", "a fan told sold out while a piece is left", |shop| {
        shop.sql("delete from purchase where reference = 'ab12cd34-0-2' and qty = 3");
        shop.take(-3);
    }),
    ("INV-ORPHAN-AUTH", "money reserved for a declined order", |shop| {
        let order = shop.is_declined(30);
        shop.charge(order, "requires_capture");
    }),
    ("INV-DOUBLE-CHARGE", "a second payment of one intent", |shop| {
        shop.sql(
            "insert into charge select pi || 'b', reference, state, amount from charge \
                  where reference = 'mi9s4k2p-0-3'",
        );
    }),
    ("INV-DOUBLE-CHARGE", "a payment of more than the order", |shop| {
        shop.sql("update charge set amount = amount + 1 where reference = 'mi9s4k2p-0-3'");
    }),
    ("INV-CAPTURED-NO-STOCK", "money taken for an order that failed", |shop| {
        let order = shop.order(Some("mi9s4k2p-0-31"), 2, "declined");
        shop.charge(order, "succeeded");
        shop.told(31, 2, Outcome::Waiting, Departure::Reneged);
        // What was sold out for the last fan was sold to it, for all that the money says.
        shop.sql("update capacity set initial = initial");
    }),
    ("INV-STOCK-NO-CAPTURE", "an order that is paid by its own word alone", |shop| {
        shop.sql("delete from charge where reference = 'mi9s4k2p-0-3'");
    }),
    ("INV-SILENT-CHARGE", "a buyer who was told that it is sold out", |shop| {
        let first = shop.purchases.first_mut();
        if let Some(PurchaseLine::Attempt { outcome, .. }) = first {
            *outcome = Outcome::SoldOut;
        }
    }),
    ("INV-PHANTOM-SALE", "a fan told that it is bought whose card was declined", |shop| {
        shop.sql("update purchase set state = 'declined' where reference = 'mi9s4k2p-0-3'");
        shop.sql("delete from charge where reference = 'mi9s4k2p-0-3'");
        shop.take(-2);
        // Nobody else wants the pieces.
        shop.purchases
            .retain(|line| !matches!(line, PurchaseLine::Departed { fan, .. } if fan.index == 8));
    }),
    ("INV-ORPHAN-AUTH", "money reserved a second time for an order that is paid", |shop| {
        shop.sql(
            "insert into charge select pi || 'b', reference, 'requires_capture', amount from charge \
                  where reference = 'mi9s4k2p-0-3'",
        );
    }),
    ("INV-PERUSER", "more pieces than a fan may have", |shop| {
        shop.sql("update purchase set qty = 6, amount = 27000 where reference = 'mi9s4k2p-0-0'");
        shop.sql("update charge set amount = 27000 where reference = 'mi9s4k2p-0-0'");
        let Some(PurchaseLine::Attempt { quantity, .. }) = shop.purchases.first_mut() else {
            panic!()
        };
        *quantity = 6;
        shop.sql("delete from purchase where reference in ('mi9s4k2p-0-1', 'mi9s4k2p-0-2')");
        shop.sql("delete from charge where reference in ('mi9s4k2p-0-1', 'mi9s4k2p-0-2')");
        shop.purchases.retain(|line| {
            !matches!(line, PurchaseLine::Attempt { fan, .. }
            | PurchaseLine::Departed { fan, .. } if [1, 2].contains(&fan.index))
        });
    }),
    ("INV-RESOLVED", "an order that never ended", |shop| {
        shop.order(Some("mi9s4k2p-0-32"), 2, "pending");
        shop.told(32, 2, Outcome::Unknown, Departure::Reneged);
    }),
];

#[test]
fn each_fault_trips_its_own_invariant_and_no_other() {
    for (id, what, fault) in FAULTS {
        let findings = Shop::judged(fault, FREE);
        let expected = BTreeMap::from([(id, Status::Violated)]);
        assert_eq!(told(&findings), expected, "{what}: {findings:#?}");
    }
}

#[test]
fn most_faults_are_found_without_a_count_of_what_is_left() {
    for (id, what, fault) in FAULTS {
        if ["INV-CONSERVE", "INV-STRANDED"].contains(&id) {
            continue;
        }
        let findings = Shop::judged(fault, FIRST);
        let expected =
            BTreeMap::from([(id, Status::Violated), ("INV-STRANDED", Status::NotChecked)]);
        assert_eq!(told(&findings), expected, "{what}: {findings:#?}");
    }
}

#[test]
fn an_order_of_several_items_is_one_order() {
    let mut shop = Shop::before_the_storm();
    let mut wanted = shop.wanted(FREE);
    let lines = "select p.id as order_id, p.customer as fan, l.sku as item, l.qty as quantity, \
                 p.state as status, p.pi as payment, p.amount as total, p.reference as intent \
                 from purchase p join line l on l.purchase = p.id";
    shop.sql("create table line (purchase integer, sku text, qty integer)");
    shop.sql("insert into line select id, sku, qty from purchase");
    if let Some(ledger) = &mut wanted.shop {
        ledger.questions.insert(Kind::Orders, lines.to_owned());
    }
    let mut foreign = shop.ledgers(wanted);
    shop.storms();
    shop.sql("delete from line");
    shop.sql("insert into line select id, sku, qty from purchase");
    shop.sql(
        "insert into line select id, 'canary-item', 1 from purchase where reference like 'mi9s%'",
    );
    let evidence = shop.evidence(&mut foreign);
    assert_eq!(told(&findings(&evidence)), BTreeMap::new(), "{:#?}", findings(&evidence));
    shop.sql("insert into line select * from line where purchase > 90");
    let evidence = shop.evidence(&mut foreign);
    let why = evidence.ending.why_lacking("shop").unwrap();
    assert!(why.contains("several rows for tour-tee"), "{why}");
}

/// What is found when the provider's ledger has one captured payment more, of that intent.
fn with_payment(intent: &str, provider: ProviderTells) -> BTreeMap<String, Status> {
    let mut shop = Shop::before_the_storm();
    let mut foreign = shop.ledgers(shop.wanted(FREE));
    shop.storms();
    let mut evidence = shop.evidence(&mut foreign);
    evidence.ending.ledgers.as_mut().unwrap().told = provider;
    let lines = evidence.provider.as_mut().unwrap();
    let captured = lines.iter().find(|line| line.intent == "0-3").unwrap().clone();
    lines.push(PaymentLine {
        payment: Some("pi_strange".to_owned()),
        intent: intent.to_owned(),
        reference: intent.to_owned(),
        ..captured
    });
    let findings = findings(&evidence);
    told(&findings).into_iter().map(|(id, status)| (id.to_owned(), status)).collect()
}

#[test]
fn money_that_no_order_knows_is_found_at_a_provider_of_ones_own() {
    let charged = "INV-CAPTURED-NO-STOCK".to_owned();
    let nameless = with_payment("", ProviderTells::Calls);
    assert_eq!(nameless.get(&charged), Some(&Status::Violated), "{nameless:#?}");
    let strange = BTreeMap::from([(charged, Status::NotChecked)]);
    assert_eq!(with_payment("retry-of-something", ProviderTells::Calls), strange);
    // Another rehearsal's is its own affair, and so is what others do at a provider for all.
    let nothing = BTreeMap::new();
    assert_eq!(with_payment("ab12cd34-0-9", ProviderTells::Calls), nothing);
    assert_eq!(with_payment("", ProviderTells::Payments), nothing);
}

#[test]
fn a_second_payment_that_bears_the_orders_number_is_a_second_charge() {
    let findings = Shop::judged(
        |shop| {
            shop.sql(
                "insert into charge select 'pi_again', id, 'captured', amount from purchase \
                  where reference = 'mi9s4k2p-0-3'",
            );
        },
        FREE,
    );
    let expected = BTreeMap::from([("INV-DOUBLE-CHARGE", Status::Violated)]);
    assert_eq!(told(&findings), expected, "{findings:#?}");
}

#[test]
fn who_is_charged_and_hears_nothing_but_failures_leaves_it_open_what_it_was_told() {
    let findings = Shop::judged(
        |shop| {
            let PurchaseLine::Attempt { outcome, .. } = &mut shop.purchases[0] else { panic!() };
            *outcome = Outcome::Error;
        },
        FREE,
    );
    let expected = BTreeMap::from([("INV-SILENT-CHARGE", Status::NotChecked)]);
    assert_eq!(told(&findings), expected, "{findings:#?}");
}
