//! A shop that goes on where one ended, which left its orders in a database.
//!
//! - Orders that were over are over: a paid one binds its key and its intent as ever.
//! - An authorization that was under way is asked for again under its key, which finds the one that
//!   there may be; then the order goes on. A cardholder who was asked is waited for anew.
//! - Of an order whose money was reserved nobody knows how far it came. The provider is asked: what
//!   was captured is sold, what was not is let go, and its pieces with it.
//!   With a queue of captures, what is held was promised, and is captured.
//! - An order that had no payment yet ends, and what it may hold is let go. So does one that another
//!   order of the same intent has followed: its fan was told that it failed.
//!
//! What is forgotten: who waited for an answer, admission's tokens, and checkouts that had none.

use std::collections::HashMap;

use domain::id::OrderId;
use domain::outcome::Outcome;
use domain::provider::PaymentOperation;
use domain::shop::{Checkout, OrderStatus, ShopReply};
use domain::time::Time;

use super::Shop;
use crate::rules::order::{Event, Order, Stage};
use crate::rules::step::Step;
use crate::rules::{Effect, Found, OrderRow};
use crate::settings::Saga;

impl Shop {
    /// Goes on with the orders that an earlier shop wrote down; what must be done for them first.
    ///
    /// # Panics
    /// If one is about an item that is not for sale.
    pub fn resume(&mut self, at: Time, mut left: Vec<Found>) -> Vec<Effect> {
        left.sort_by_key(|found| found.row.order);
        let latest: HashMap<String, OrderId> =
            left.iter().map(|found| (found.row.checkout.intent.clone(), found.row.order)).collect();
        let mut under_way = Vec::new();
        for Found { row, holds } in left {
            let id = row.order;
            let latest = latest[&row.checkout.intent];
            let mut order = found(row, latest);
            order.holds = holds;
            if !order.is_over() {
                self.pending += 1;
                under_way.push(id);
            }
            self.take_over(id, order);
        }
        under_way.into_iter().flat_map(|id| self.advance(at, id, Event::Found)).collect()
    }

    /// Stands in for a shop elsewhere, of which it knows what was known `then`: what was held for whom. Its own orders
    /// have numbers after `number`, so that nobody takes them for those of the other that it has never heard of.
    pub fn stand_in(&mut self, other: &Self, then: Time, number: u64) {
        self.history = other.history.known_at(then);
        self.orders.number_after(number);
    }

    fn take_over(&mut self, id: OrderId, order: Order) {
        let Checkout { fan, item, quantity, .. } = *order.checkout();
        self.by_key.insert(order.checkout().key.clone(), id);
        self.by_intent.insert(order.checkout().intent.clone(), id);
        if order.answer().is_none_or(|answer| answer.outcome == Outcome::Ok) {
            let (sale, _) = self.places.item(item).expect("only what exists is ordered");
            *self.pieces.entry((fan, sale)).or_default() += quantity;
        }
        self.orders.insert(order);
    }
}

/// An order as an earlier shop wrote it down; `latest` is the last one of its intent.
fn found(row: OrderRow, latest: OrderId) -> Order {
    let followed = latest != row.order;
    let outcome = match row.status {
        OrderStatus::Captured => Some(Outcome::Ok),
        OrderStatus::Declined => Some(Outcome::Declined),
        status if status.is_terminal() || followed => Some(Outcome::Error),
        _ => None,
    };
    let (id, is_over) = (row.order, row.status.is_terminal());
    let mut order = Order::new(row, None);
    order.answer = outcome.map(|outcome| ShopReply { order: Some(id), ..ShopReply::of(outcome) });
    if is_over {
        order.stage = Stage::Over;
    }
    order
}

impl Step<'_> {
    /// Goes on with an order that an earlier shop began.
    pub(in crate::rules) fn found(&mut self) {
        use OrderStatus::{Authorized, Authorizing};
        match (self.order.row.status, self.order.row.payment) {
            (Authorizing, None) => self.call(Stage::Authorizing, PaymentOperation::Authorize),
            (Authorizing, Some(payment)) => self.challenged(payment),
            (Authorized, Some(_)) if self.order.holds && self.saga() == Saga::CaptureQueue => {
                self.reserved();
            }
            (Authorized, Some(_)) => self.call(Stage::Finding, PaymentOperation::Retrieve),
            _ => self.unpaid(ShopReply::of(Outcome::Error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::world::{Cardholder, Money, Mood, World, checkout, settings};

    fn world(saga: Saga, moods: &[(Mood, u64)]) -> World {
        let mut settings = settings(6, 6);
        settings.shop.saga = saga;
        let mut world = World::new(&settings);
        world.moods = moods.to_vec();
        world
    }

    #[test]
    fn an_authorization_under_way_is_found_under_its_key_and_the_order_goes_on() {
        for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
            let mut world = world(saga, &[(Mood::Well, 5_000)]);
            world.buy(checkout(1, 0, 2));
            world.pass(2);
            world.die();
            world.pass(20);
            assert_eq!(world.bank.authorizations.len(), 1, "{saga:?}");
            assert_eq!(world.bank.count("0-1", Money::Taken), 1, "{saga:?}");
            assert_eq!(world.pieces(), (4, 0, 2), "{saga:?}");
            // Who comes back under the same key hears what became of it.
            assert_eq!(world.bought(checkout(1, 0, 2)).outcome, Outcome::Ok);
        }
    }

    #[test]
    fn what_was_captured_is_sold_and_what_was_not_is_let_go() {
        for (mood, taken, pieces) in [(Mood::Well, 1, (4, 0, 2)), (Mood::Lost, 0, (6, 0, 0))] {
            let mut world = world(Saga::AuthorizeFirst, &[(Mood::Well, 100), (mood, 5_000)]);
            world.buy(checkout(1, 0, 2));
            world.pass(2);
            assert_eq!(world.bank.calls.len(), 2, "the capture is under way");
            world.die();
            world.pass(60);
            assert_eq!(world.bank.count("0-1", Money::Taken), taken);
            assert_eq!(world.bank.count("0-1", Money::Reserved), 0);
            assert_eq!(world.pieces(), pieces);
            assert_eq!(world.pending(), 0);
        }
    }

    #[test]
    fn what_was_promised_before_its_capture_is_captured() {
        let moods = [(Mood::Well, 100), (Mood::Limit(None), 100)];
        let mut world = world(Saga::CaptureQueue, &moods);
        let ticket = world.buy(checkout(1, 0, 2));
        world.pass(1);
        assert_eq!(world.answers[&ticket].outcome, Outcome::Ok);
        assert_eq!(world.bank.count("0-1", Money::Taken), 0);
        world.die();
        world.pass(20);
        assert_eq!(world.bank.count("0-1", Money::Taken), 1);
        assert_eq!(world.pieces(), (4, 0, 2));
    }

    #[test]
    fn a_cardholder_who_was_asked_is_waited_for() {
        let asked = Mood::Challenge(Cardholder::Passes(9_000));
        let mut world = world(Saga::AuthorizeFirst, &[(asked, 100)]);
        world.buy(checkout(1, 0, 2));
        world.pass(2);
        world.die();
        world.pass(30);
        assert_eq!(world.bank.count("0-1", Money::Taken), 1);
        assert_eq!(world.pieces(), (4, 0, 2));
    }

    #[test]
    fn what_was_sold_stays_sold_and_its_buyer_has_no_more_than_is_allowed() {
        let mut world = world(Saga::AuthorizeFirst, &[]);
        assert_eq!(world.bought(checkout(1, 0, 3)).outcome, Outcome::Ok);
        world.die();
        assert_eq!(world.bought(checkout(1, 0, 3)).outcome, Outcome::Ok, "the same key");
        let other = Checkout { intent: "again".to_owned(), ..checkout(1, 1, 3) };
        assert_eq!(world.bought(other).outcome, Outcome::Rejected, "four are allowed");
        assert_eq!(world.pieces(), (3, 0, 3));
    }
}
