//! In which order fans are served, what comes back and to whom, and sales beside each other.

use domain::outcome::{Departure, Operation, Outcome};
use domain::shop::{Lottery, Redraw, Sale, ShopLine, Short};
use domain::time::{Duration, Span, Time};

use super::sabotages::SABOTAGES;
use super::stage::{CAP, Stage, TEE, nth_from_end, utc};
use crate::audit::{
    AuditSettings, Budgets, Fifo, Phantom, Pieces, Resurrect, ServiceOrder, Status, Stranded, Unit,
};
use crate::evidence::PurchaseLine;

impl Stage {
    /// Fan 40 buys caps two seconds after fan 17 was told that they are sold out.
    fn with_a_late_buyer() -> Self {
        let mut stage = Self::honest();
        stage.buys(40, CAP);
        stage
    }

    /// A fan puts something into its cart, long before its checkout.
    fn carts(&mut self, index: u32, item: &str, at_ms: u64) {
        self.checks_out(index, item, Outcome::Ok, Departure::Bought);
        self.evidence.purchases.pop();
        let line = self.evidence.purchases.last_mut().unwrap();
        let PurchaseLine::Attempt { operation, intended, sent, done, .. } = line else { panic!() };
        let at = Time::from_millis(at_ms);
        (*operation, *intended, *sent, *done) = (Operation::Cart, at, at, at);
    }

    /// Sets the shop's clock wrong.
    fn with_shop_ahead_by(mut self, by_ns: i64) -> Self {
        let shift = |utc_ns: &mut u64| *utc_ns = utc_ns.checked_add_signed(by_ns).unwrap();
        for line in self.shop() {
            match line {
                ShopLine::Order { created_utc_ns, updated_utc_ns, .. } => {
                    shift(created_utc_ns);
                    shift(updated_utc_ns);
                }
                ShopLine::Hold {
                    asked_utc_ns,
                    taken_utc_ns,
                    sold_utc_ns,
                    freeing_utc_ns,
                    freed_utc_ns,
                    ..
                } => {
                    shift(asked_utc_ns);
                    shift(taken_utc_ns);
                    let others = [sold_utc_ns, freeing_utc_ns, freed_utc_ns];
                    others.into_iter().flatten().for_each(shift);
                }
                _ => {}
            }
        }
        self
    }
}

fn with(budgets: Budgets) -> AuditSettings {
    AuditSettings { budgets, ..AuditSettings::default() }
}

fn resurrect(policy: Resurrect) -> AuditSettings {
    AuditSettings { resurrect: policy, ..AuditSettings::default() }
}

#[test]
fn a_fan_refused_what_a_later_one_buys_breaks_a_queue_that_allows_nothing() {
    let within = Span(Duration::from_secs(1));
    let strict = with(Budgets { fifo: Fifo { share: Some(0.0), within }, ..Budgets::default() });
    let found = Stage::with_a_late_buyer().found(&strict, "INV-FIFO");
    assert_eq!((found.status, found.count), (Status::Violated, 1));
    let told = "fan 0-17 asked 2.3 s before fan 0-40, who bought 2; it wanted 2 and was refused";
    assert_eq!(found.witness.last().unwrap(), told);
    assert!(found.events.len() > 4 && found.events.is_sorted_by_key(|event| event.t_s));
    let lenient = Stage::with_a_late_buyer().found(&AuditSettings::default(), "INV-FIFO");
    assert_eq!(lenient.status, Status::Held, "one pair may be chance");
    assert_eq!((lenient.figures[0].value, lenient.figures[0].unit), (1.0, Unit::Share));
}

#[test]
fn a_draw_is_not_held_against_a_queue() {
    let draw = AuditSettings { order: ServiceOrder::Draw, ..AuditSettings::default() };
    let found = Stage::with_a_late_buyer().found(&draw, "INV-FIFO");
    assert_eq!(found.status, Status::NotApplicable, "six are too few to tell");
}

#[test]
fn what_was_gone_and_is_sold_is_told_and_judged_where_it_is_forbidden() {
    let judged = |asked: &AuditSettings| Stage::with_a_late_buyer().found(asked, "INV-RESURRECT");
    let forbidden = judged(&resurrect(Resurrect::Forbid));
    // One cap may have been left for a fan who wanted two.
    assert_eq!((forbidden.status, forbidden.count), (Status::Violated, 1));
    assert!(forbidden.witness.last().unwrap().starts_with("fan 0-17 was told at 3.750 s"));
    let announced = judged(&AuditSettings::default());
    assert_eq!((announced.status, announced.figures[0].value), (Status::NotApplicable, 1.0));
    let allowed = Budgets { resurrect: Pieces { pieces: 1 }, ..Budgets::default() };
    let allowed = AuditSettings { budgets: allowed, ..resurrect(Resurrect::Forbid) };
    assert_eq!(judged(&allowed).status, Status::Held);
}

#[test]
fn a_lottery_must_not_favour_who_came_late() {
    let drawn = |early: bool| {
        let mut stage = Stage::honest();
        (50..70).for_each(|index| stage.finds_it_sold_out(index));
        for index in 80..90 {
            if early {
                stage.carts(index, CAP, 1_900);
            }
            stage.buys(index, CAP);
        }
        stage.found(&resurrect(Resurrect::Lottery), "INV-RESURRECT-FAIR")
    };
    assert_eq!((drawn(true).status, drawn(true).figures[0].value), (Status::Held, 1.0));
    assert_eq!((drawn(false).status, drawn(false).figures[0].value), (Status::Violated, 0.0));
}

#[test]
fn a_sale_that_is_slow_while_another_opens_is_not_apart_from_it() {
    let judged = |slow_ms: u64| {
        let mut stage = Stage::honest();
        let first = &stage.evidence.catalogue.sales[0];
        let second = Sale {
            id: "day-2".to_owned(),
            opens: Time::from_millis(100_000),
            closes: Time::from_millis(160_000),
            items: Vec::new(),
            slots: Vec::new(),
            ..first.clone()
        };
        stage.evidence.catalogue.sales.push(second);
        stage.evidence.purchases.clear();
        for number in 0..1_200 {
            for (from, lasts) in [(2_000, 10), (100_000, slow_ms)] {
                stage.carts(0, TEE, from + number);
                let line = stage.evidence.purchases.last_mut().unwrap();
                let PurchaseLine::Attempt { done, .. } = line else { panic!() };
                *done = Time::from_millis(from + number + lasts);
            }
        }
        stage.found(&AuditSettings::default(), "INV-ISOLATION")
    };
    assert_eq!(judged(11).status, Status::Held);
    let slow = judged(50);
    assert_eq!((slow.status, slow.count, slow.figures[0].value), (Status::Violated, 1, 5.0));
}

#[test]
fn what_is_held_and_never_paid_is_counted_in_unit_seconds() {
    let judged = |unit_seconds| {
        let stranded = Stranded { unit_seconds };
        let asked = with(Budgets { stranded, ..Budgets::default() });
        Stage::honest().found(&asked, "INV-STRANDED")
    };
    // Two orders of two pieces each, from 20 to 42 ms after their fans asked.
    let told = judged(None);
    assert_eq!((told.status, told.figures[0].value), (Status::Held, 0.088));
    assert_eq!(judged(Some(0.1)).status, Status::Held);
    assert_eq!(judged(Some(0.05)).status, Status::Violated);
}

#[test]
fn a_refusal_while_the_last_pieces_were_held_for_nothing_is_judged_by_its_budget() {
    let judged = |transient| {
        let mut stage = Stage::honest();
        stage.shop().push(ShopLine::Hold {
            order_id: "15".to_owned(),
            item: CAP.to_owned(),
            slot: None,
            quantity: 10,
            asked_utc_ns: utc(1_900),
            taken_utc_ns: utc(1_905),
            sold_utc_ns: None,
            freeing_utc_ns: Some(utc(2_500)),
            freed_utc_ns: Some(utc(2_505)),
        });
        stage.carts(18, CAP, 2_100);
        let line = stage.evidence.purchases.last_mut().unwrap();
        let PurchaseLine::Attempt { outcome, short, .. } = line else { panic!() };
        (*outcome, *short) = (Outcome::SoldOut, Some(Short::Item));
        let phantom = Phantom { transient };
        stage.found(&with(Budgets { phantom, ..Budgets::default() }), "INV-PHANTOM-SOLDOUT")
    };
    // Fan 17 was refused too, and nothing was held for nobody then.
    assert_eq!(judged(None).status, Status::Held);
    assert_eq!(judged(Some(0.5)).status, Status::Held);
    assert_eq!((judged(Some(0.4)).status, judged(Some(0.4)).count), (Status::Violated, 1));
}

#[test]
fn a_shop_whose_clock_is_wrong_is_judged_as_if_it_were_right() {
    for by_ns in [-20_000_000_000, 40_000_000_000] {
        let honest = Stage::honest().with_shop_ahead_by(by_ns);
        assert_eq!(honest.fired(), [""; 0], "{by_ns}");
        for (ids, what, sabotage) in SABOTAGES {
            let mut stage = Stage::honest();
            sabotage(&mut stage);
            assert_eq!(stage.with_shop_ahead_by(by_ns).fired(), ids, "{what} {by_ns}");
        }
    }
}

#[test]
fn how_far_a_clock_is_wrong_is_told() {
    let stage = Stage::honest().with_shop_ahead_by(40_000_000_000);
    let found = stage.found(&AuditSettings::default(), "INV-PHANTOM-SOLDOUT");
    let apart = found.figures.iter().find(|figure| figure.unit == Unit::Seconds).unwrap();
    assert!((apart.value - 40.0).abs() < 0.05, "{apart:?}");
}

/// Fan `index` enters a lottery of tees, and is told what came of that.
fn enters(stage: &mut Stage, index: u32, told: Outcome) {
    for (operation, outcome) in [(Operation::Entry, Outcome::Ok), (Operation::Result, told)] {
        stage.checks_out(index, TEE, outcome, Departure::SoldOut);
        let PurchaseLine::Attempt { operation: of, .. } = nth_from_end(stage, 2) else { panic!() };
        *of = operation;
    }
}

/// The honest run as a lottery, drawn at the opening and never again.
fn by_lot() -> Stage {
    let mut stage = Stage::honest();
    let span = |s| Span(Duration::from_secs(s));
    stage.evidence.catalogue.sales[0].lottery = Some(Lottery {
        entries_close: span(0),
        results: span(0),
        pay_by: span(1),
        redraws: 0,
        redraw: Redraw::AfterRelease,
    });
    stage
}

#[test]
fn a_lottery_in_which_it_matters_when_a_fan_entered_is_no_draw() {
    let drawn = |wins: fn(u32) -> bool| {
        let mut stage = by_lot();
        stage.evidence.purchases.clear();
        for index in 100..400 {
            enters(&mut stage, index, if wins(index) { Outcome::Ok } else { Outcome::SoldOut });
        }
        stage.found(&AuditSettings::default(), "INV-FIFO")
    };
    let fair = drawn(|index| index % 3 == 0);
    assert_eq!((fair.status, fair.figures[0].unit), (Status::Held, Unit::Share));
    assert!(fair.figures[0].value > 0.9);
    let early = drawn(|index| index < 200);
    assert_eq!((early.status, early.count), (Status::Violated, 1));
}

#[test]
fn a_lottery_has_sold_all_it_can_when_those_it_drew_last_do_not_pay() {
    let undersold = |stage: &Stage| stage.found(&AuditSettings::default(), "INV-UNDERSOLD");
    let mut stage = by_lot();
    for index in 0..10 {
        enters(&mut stage, index, Outcome::Ok);
    }
    assert_eq!(undersold(&stage).status, Status::Held, "all who entered have won");
    enters(&mut stage, 60, Outcome::SoldOut);
    let found = undersold(&stage);
    assert_eq!((found.status, found.count), (Status::Violated, 2), "two tees were not drawn");
    enters(&mut stage, 61, Outcome::Ok);
    stage.order(61, TEE, "expired", None);
    assert_eq!(undersold(&stage).status, Status::Held);
}
