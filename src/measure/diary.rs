//! What one load loop, or the simulator, writes into `purchases.jsonl`: purchase operations, the
//! availability fans see, and departures out of the funnel.

use std::collections::HashMap;

use domain::id::{FanId, key_of};
use domain::outcome::{Departure, Operation, Outcome};
use domain::shop::{Catalogue, Sale};
use domain::time::Time;

use crate::evidence::{Attempt, PurchaseLine};
use crate::fan::{Crowd, Fan, Reply, Request};

/// Lines not handed over yet.
#[derive(Debug)]
pub struct Diary<'run> {
    catalogue: &'run Catalogue,
    lines: Vec<PurchaseLine>,
    /// Of those who are there and have seen something gone: nobody before the first item is sold
    /// out, and a million may wait for that.
    notes: HashMap<FanId, Notes>,
}

/// What the diary remembers of one fan.
#[derive(Copy, Clone, Debug, Default)]
struct Notes {
    /// The items it has seen as gone: bit n is the sale's item n.
    gone: u64,
    /// Whether it has seen something come back.
    saw_return: bool,
}

impl<'run> Diary<'run> {
    /// An empty diary.
    pub fn new(catalogue: &'run Catalogue) -> Self {
        Self { catalogue, lines: Vec::new(), notes: HashMap::new() }
    }

    /// Hands over all lines.
    pub fn take(&mut self) -> Vec<PurchaseLine> {
        std::mem::take(&mut self.lines)
    }

    /// An operation of a fan of `crowd` and of the sale number `sale` is over.
    pub fn attempt(
        &mut self,
        crowd: &Crowd,
        sale: usize,
        attempt: &Attempt,
        asked: &Request,
        reply: &Reply,
    ) {
        let sale = &self.catalogue.sales[sale];
        if is_written_down(attempt.operation) {
            let outcome = told(crowd, asked, reply);
            self.lines.push(purchase_line(sale, &Attempt { outcome, ..*attempt }, asked, reply));
        }
        if let Some(items) = reply.items {
            self.seen(sale, attempt, items);
        }
    }

    /// A fan of the sale number `sale` leaves; noted if it had entered the funnel, or was refused
    /// outside of it.
    pub fn departed(
        &mut self,
        fan: &Fan,
        crowd: &Crowd,
        sale: usize,
        at: Time,
        departure: Departure,
    ) {
        self.notes.remove(&fan.id());
        let refused = fan.was_refused() || departure == Departure::Rejected;
        if !fan.entered_funnel() && !refused {
            return;
        }
        let want = fan.want(crowd);
        self.lines.push(PurchaseLine::Departed {
            fan: fan.id(),
            at,
            departure,
            item: item_name(&self.catalogue.sales[sale], want.item),
            quantity: u32::from(want.quantity),
            refused,
        });
    }

    /// Notes the first time something is gone, and the first time something gone is back.
    fn seen(&mut self, sale: &Sale, attempt: &Attempt, items: u64) {
        let Attempt { fan, sent, done: at, .. } = *attempt;
        let all = (0..sale.items.len()).fold(0_u64, |all, item| all | 1 << item);
        if items & all == all && !self.notes.contains_key(&fan) {
            return;
        }
        let notes = self.notes.entry(fan).or_default();
        let first_gone = notes.gone == 0 && items & all != all;
        let first_return = !notes.saw_return && notes.gone & items != 0;
        notes.gone |= all & !items;
        notes.saw_return |= first_return;
        if first_gone || first_return {
            let available = (0_u8..).zip(&sale.items).filter(|(item, _)| items >> item & 1 == 1);
            let items = available.map(|(_, item)| item.id.clone()).collect();
            self.lines.push(PurchaseLine::Seen { fan, sent, at, items });
        }
    }
}

/// Whether each of these operations has a line: what belongs to a purchase.
const fn is_written_down(operation: Operation) -> bool {
    use Operation::{Cart, Checkout, Entry, Poll, Result};
    matches!(operation, Cart | Entry | Result | Checkout | Poll)
}

/// What a fan was told of its purchase. The `ok` of a checkout or a poll that leads on is not the
/// purchase yet: of that it says no more than `waiting` does.
fn told(crowd: &Crowd, asked: &Request, reply: &Reply) -> Outcome {
    let pays = matches!(asked.operation, Operation::Checkout | Operation::Poll);
    let leads_on = reply.outcome == Outcome::Ok && !crowd.route.buys(asked.stage, reply);
    if pays && leads_on { Outcome::Waiting } else { reply.outcome }
}

fn purchase_line(sale: &Sale, attempt: &Attempt, asked: &Request, reply: &Reply) -> PurchaseLine {
    let quantity = u32::from(asked.quantity);
    let price = sale.items[usize::from(asked.item)].price;
    PurchaseLine::Attempt {
        fan: attempt.fan,
        intent: attempt.fan.to_string(),
        key: key_of(attempt.fan, asked.purchase),
        operation: attempt.operation,
        item: item_name(sale, asked.item),
        slot: asked.slot.map(|slot| sale.slots[usize::from(slot)].id.clone()),
        quantity,
        amount: price.times(quantity).expect("a checked scenario's prices fit"),
        intended: attempt.intended,
        sent: attempt.sent,
        done: attempt.done,
        outcome: attempt.outcome,
        short: reply.short,
    }
}

fn item_name(sale: &Sale, item: u8) -> String {
    sale.items[usize::from(item)].id.clone()
}

#[cfg(test)]
mod tests {
    use domain::money::Amount;
    use domain::shop::Item;

    use super::*;
    use crate::fan::behaviour::Behaviour;
    use crate::fan::route::Route;
    use crate::fan::{Action, Input};

    const FAN: FanId = FanId { population: 0, index: 7 };

    fn catalogue() -> Catalogue {
        let item = |id: &str| Item { id: id.to_owned(), stock: 1, price: Amount::new(4_500) };
        let sale = Sale {
            id: "day-1".to_owned(),
            opens: Time::ZERO,
            closes: Time::NEVER,
            limit_per_fan: 4,
            items: vec![item("tee"), item("towel")],
            lottery: None,
            slots: Vec::new(),
        };
        Catalogue { sales: vec![sale] }
    }

    fn note(diary: &mut Diary<'_>, operation: Operation, items: Option<u64>) {
        hear(diary, operation, &Reply { items, ..Reply::of(Outcome::Ok) });
    }

    fn hear(diary: &mut Diary<'_>, operation: Operation, reply: &Reply) {
        let crowd = crowd();
        let (intended, sent, done) =
            (Time::from_millis(1), Time::from_millis(2), Time::from_millis(3));
        let asked = Request {
            operation,
            stage: crowd.route.first(operation).unwrap_or_default(),
            intended,
            deadline: Time::NEVER,
            item: 1,
            slot: None,
            quantity: 2,
            purchase: 1,
        };
        let (outcome, first_byte) = (reply.outcome, Some(done));
        let attempt = Attempt { fan: FAN, operation, intended, sent, first_byte, done, outcome };
        diary.attempt(&crowd, 0, &attempt, &asked, reply);
    }

    #[test]
    fn purchase_operations_are_written_down_and_others_are_not() {
        let catalogue = catalogue();
        let mut diary = Diary::new(&catalogue);
        note(&mut diary, Operation::Reload, None);
        note(&mut diary, Operation::Slots, None);
        note(&mut diary, Operation::Checkout, None);
        let lines = diary.take();
        let [PurchaseLine::Attempt { intent, key, item, amount, intended, sent, done, .. }] =
            &lines[..]
        else {
            panic!("one line, of the checkout: {lines:?}")
        };
        assert_eq!((intent.as_str(), key.as_str(), item.as_str()), ("0-7", "0-7-1", "towel"));
        assert_eq!(*amount, Amount::new(9_000));
        assert!(intended < sent && sent < done && lines[0].at() == *done);
    }

    #[test]
    fn an_ok_that_leads_on_says_of_a_purchase_no_more_than_waiting() {
        let catalogue = catalogue();
        let mut diary = Diary::new(&catalogue);
        let leads_on = Reply { then: Some(0), ..Reply::of(Outcome::Ok) };
        let nowhere = Reply { then: Some(99), ..leads_on };
        let refused = Reply { outcome: Outcome::Error, ..leads_on };
        for reply in [leads_on, nowhere, refused] {
            hear(&mut diary, Operation::Checkout, &reply);
        }
        hear(&mut diary, Operation::Cart, &Reply::of(Outcome::Ok));
        let outcomes = diary.take().into_iter().map(|line| match line {
            PurchaseLine::Attempt { outcome, .. } => outcome,
            line => panic!("{line:?}"),
        });
        let expected = [Outcome::Waiting, Outcome::Ok, Outcome::Error, Outcome::Ok];
        assert_eq!(outcomes.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_fan_notes_the_first_loss_and_the_first_return() {
        let catalogue = catalogue();
        let mut diary = Diary::new(&catalogue);
        for items in [0b11, 0b10, 0b10, 0b00, 0b01, 0b11] {
            note(&mut diary, Operation::Reload, Some(items));
        }
        let line = |items: &[&str]| PurchaseLine::Seen {
            fan: FAN,
            sent: Time::from_millis(2),
            at: Time::from_millis(3),
            items: items.iter().map(|item| (*item).to_owned()).collect(),
        };
        assert_eq!(diary.take(), [line(&["towel"]), line(&["tee"])]);
    }

    #[test]
    fn nobody_is_remembered_who_has_seen_nothing_or_has_left() {
        let catalogue = catalogue();
        let mut diary = Diary::new(&catalogue);
        note(&mut diary, Operation::Reload, Some(0b11));
        assert_eq!(diary.notes.len(), 0);
        note(&mut diary, Operation::Reload, Some(0b10));
        assert_eq!(diary.notes.len(), 1);
        diary.departed(&Fan::new(FAN), &crowd(), 0, Time::ZERO, Departure::Reneged);
        assert_eq!(diary.notes.len(), 0);
    }

    fn crowd() -> Crowd {
        Crowd {
            seed: 1,
            population: 0,
            behaviour: Behaviour { pieces: vec![0.0, 1.0], ..Behaviour::default() },
            route: Route::embedded(&Behaviour::default().reload, 0),
            opens: Time::ZERO,
            closes: Time::NEVER,
            demand: vec![0.0, 1.0],
            slots: 0,
            limit_per_fan: 4,
        }
    }

    #[test]
    fn who_was_told_that_the_sale_is_open_departs_from_it_and_nobody_else() {
        let (catalogue, mut crowd) = (catalogue(), crowd());
        crowd.behaviour.sold_out.leave = 1.0;
        let mut diary = Diary::new(&catalogue);
        let mut fan = Fan::new(FAN);
        diary.departed(&fan, &crowd, 0, Time::ZERO, Departure::Reneged);
        assert_eq!(diary.take(), []);

        let asked = fan.step(Input::Arrived { at: Time::ZERO }, &crowd);
        assert!(matches!(asked, Action::Send(_)));
        // The page alone says that the towel is gone: this fan wanted one all the same.
        let reply = Reply { items: Some(0b01), ..Reply::of(Outcome::Ok) };
        let action = fan.step(Input::Replied { at: Time::ZERO, reply }, &crowd);
        assert_eq!(action, Action::Leave(Departure::SoldOut));
        diary.departed(&fan, &crowd, 0, Time::ZERO, Departure::SoldOut);
        let [PurchaseLine::Departed { item, quantity: 2, .. }] = &diary.take()[..] else {
            panic!("one departure with two pieces wanted")
        };
        assert_eq!(item, "towel");
    }
}
