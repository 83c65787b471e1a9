//! No ledger, however mad, makes the judge panic.

use domain::money::Amount;
use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use domain::shop::ShopLine;
use proptest::prelude::*;

use super::stage::{Stage, TEE};
use crate::audit::INVARIANTS;

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
        ((name(), name(), any::<u32>()), (number(), number(), proptest::option::of(number())))
            .prop_map(|((order_id, item, quantity), (asked, taken, freed))| ShopLine::Hold {
                order_id,
                slot: Some(item.clone()),
                item,
                quantity,
                asked_utc_ns: asked,
                taken_utc_ns: taken,
                sold_utc_ns: None,
                freeing_utc_ns: freed,
                freed_utc_ns: freed,
            }),
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
        prop_assert_eq!(stage.audited().len(), INVARIANTS.len());
    }
}
