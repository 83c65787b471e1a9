//! A line of an honest ledger that is lost, doubled or changed is found out, whichever it is; and in
//! which order the lines stand says nothing.

use domain::money::Amount;
use domain::outcome::Outcome;
use domain::provider::{PaymentLine, PaymentOutcome};
use domain::shop::ShopLine;
use proptest::prelude::*;
use proptest::sample::Index;

use super::stage::{Stage, fan};
use crate::evidence::PurchaseLine;

/// Changes the line that an index falls on, by so much where it is about a number.
type Mutation = (&'static str, fn(&mut Stage, Index, u32));

const MUTATIONS: [Mutation; 12] = [
    ("a capture is lost", |stage, which, _| {
        let lost = place(stage.provider(), which, is(PaymentOutcome::Captured));
        stage.provider().remove(lost);
    }),
    ("a void is lost", |stage, which, _| {
        let lost = place(stage.provider(), which, is(PaymentOutcome::Voided));
        stage.provider().remove(lost);
    }),
    ("a payment is made twice", |stage, which, _| {
        let captured = place(stage.provider(), which, is(PaymentOutcome::Captured));
        let twice = PaymentLine {
            payment: Some("another".to_owned()),
            ..stage.provider()[captured].clone()
        };
        stage.provider().push(twice);
    }),
    ("more is taken than is due", |stage, which, by| {
        let captured = place(stage.provider(), which, is(PaymentOutcome::Captured));
        stage.provider()[captured].amount = Amount::new(9_000 + u64::from(by));
    }),
    ("less is taken than is due", |stage, which, by| {
        let captured = place(stage.provider(), which, is(PaymentOutcome::Captured));
        stage.provider()[captured].amount = Amount::new(9_000 - u64::from(by));
    }),
    ("a paid order is lost", |stage, which, _| {
        let lost = place(stage.shop(), which, is_paid);
        stage.shop().remove(lost);
    }),
    ("a paid order is of more pieces", |stage, which, by| {
        let changed = place(stage.shop(), which, is_paid);
        let ShopLine::Order { quantity, .. } = &mut stage.shop()[changed] else { panic!() };
        *quantity += by;
    }),
    ("an order is not over", |stage, which, _| {
        let changed = place(stage.shop(), which, |line| matches!(line, ShopLine::Order { .. }));
        let ShopLine::Order { terminal, paid, .. } = &mut stage.shop()[changed] else { panic!() };
        (*terminal, *paid) = (false, false);
    }),
    ("a row is lost", |stage, which, _| {
        let lost = place(stage.shop(), which, |line| matches!(line, ShopLine::Unit { .. }));
        stage.shop().remove(lost);
    }),
    ("pieces come from nowhere", |stage, which, by| {
        let is_stock = |line: &ShopLine| matches!(line, ShopLine::Stock { .. });
        let changed = place(stage.shop(), which, is_stock);
        let ShopLine::Stock { free, .. } = &mut stage.shop()[changed] else { panic!() };
        *free += i64::from(by);
    }),
    ("a buyer is told that it is sold out", |stage, which, _| {
        let is_buyer = |line: &PurchaseLine| {
            matches!(line, PurchaseLine::Attempt { outcome: Outcome::Ok, .. })
        };
        let changed = place(&stage.evidence.purchases, which, is_buyer);
        let line = &mut stage.evidence.purchases[changed];
        let PurchaseLine::Attempt { outcome, .. } = line else { panic!() };
        *outcome = Outcome::SoldOut;
    }),
    ("an order is another fan's", |stage, which, by| {
        let changed = place(stage.shop(), which, is_paid);
        let line = &mut stage.shop()[changed];
        let ShopLine::Order { fan: who, intent, .. } = line else { panic!() };
        (*who, *intent) = (fan(100 + by).to_string(), fan(100 + by).to_string());
    }),
];

fn is(outcome: PaymentOutcome) -> impl Fn(&PaymentLine) -> bool {
    move |line| line.outcome == outcome
}

fn is_paid(line: &ShopLine) -> bool {
    matches!(line, ShopLine::Order { paid: true, .. })
}

/// The place of one of the lines that are meant.
fn place<T>(lines: &[T], which: Index, is_meant: impl Fn(&T) -> bool) -> usize {
    let meant: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| is_meant(line)).map(|(at, _)| at).collect();
    *which.get(&meant)
}

proptest! {
    #[test]
    fn a_mutated_ledger_is_caught(
        mutation in 0..MUTATIONS.len(),
        which in any::<Index>(),
        by in 1_u32..5,
    ) {
        let (what, mutate) = MUTATIONS[mutation];
        let mut stage = Stage::honest();
        mutate(&mut stage, which, by);
        prop_assert_ne!(stage.fired(), Vec::<String>::new(), "{}", what);
    }

    #[test]
    fn the_order_of_the_lines_accuses_nobody(
        (shop, provider) in {
            let honest = Stage::honest().evidence;
            let (shop, provider) = (honest.shop.unwrap(), honest.provider.unwrap());
            (Just(shop).prop_shuffle(), Just(provider).prop_shuffle())
        },
    ) {
        let mut stage = Stage::honest();
        (stage.evidence.shop, stage.evidence.provider) = (Some(shop), Some(provider));
        prop_assert_eq!(stage.fired(), Vec::<String>::new());
    }
}
