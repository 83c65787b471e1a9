//! Whether anything stays held for an order that will never be paid.

use std::collections::BTreeSet;

use domain::shop::ShopLine;

use crate::audit::Found;
use crate::audit::books::{Books, Order};
use crate::audit::story;
use crate::evidence::demand::Tally;

/// What is held at the end for an order that is absent, or over and not paid, or whose reservation
/// ran out; and what is held for no order at all.
pub(super) fn stranded(books: &Books<'_>) -> Found {
    if !books.evidence.ending.drained {
        return Found::NotChecked("the shop was not left alone long enough to free it".to_owned());
    }
    let mut stranded = Stranded::new(books);
    stranded.reservations();
    stranded.units();
    stranded.orders();
    stranded.balances();
    let count = stranded.count;
    Found::count(count, "pieces and places held for nobody", || stranded.witness)
}

struct Stranded<'a, 'b> {
    books: &'b Books<'a>,
    /// Orders that a reservation speaks of.
    reserved: BTreeSet<&'a str>,
    /// What reservations, rows and orders account for.
    accounted: Tally,
    count: u64,
    witness: Vec<String>,
}

impl<'a, 'b> Stranded<'a, 'b> {
    fn new(books: &'b Books<'a>) -> Self {
        let reserved = books.shop.unwrap_or_default().iter().filter_map(|row| match row {
            ShopLine::Reservation { order_id, .. } => Some(order_id.as_str()),
            _ => None,
        });
        Self {
            books,
            reserved: reserved.collect(),
            accounted: Tally::default(),
            count: 0,
            witness: Vec::new(),
        }
    }

    fn reservations(&mut self) {
        for row in self.books.shop.unwrap_or_default() {
            let ShopLine::Reservation { order_id, item, slot, quantity, held_until_utc_ns } = row
            else {
                continue;
            };
            self.account(item, slot.as_deref(), *quantity);
            if let Some(why) = why_lost(self.books, Some(order_id), *held_until_utc_ns) {
                let what = format!("{quantity} × {item} held for order {order_id}, {why}");
                self.found(self.books.order(order_id), u64::from(*quantity), &what);
            }
        }
    }

    /// Rows that are held without a reservation.
    fn units(&mut self) {
        for row in self.books.shop.unwrap_or_default() {
            let ShopLine::Unit { unit, item, state, order_id } = row else { continue };
            let order = order_id.as_deref();
            if state != "held" || order.is_some_and(|order| self.reserved.contains(order)) {
                continue;
            }
            *self.accounted.items.entry(item.clone()).or_default() += 1;
            if let Some(why) = why_lost(self.books, order, None) {
                let what = format!("piece {unit} of {item} held for an order {why}");
                self.found(order.and_then(|id| self.books.order(id)), 1, &what);
            }
        }
    }

    /// Orders under way may hold something without a reservation of their own.
    fn orders(&mut self) {
        for order in self.books.orders.iter().filter(|order| !order.terminal) {
            if !self.reserved.contains(order.id) {
                self.account(order.item, order.slot, order.quantity);
            }
        }
    }

    /// What is held by the balances beyond all that is accounted for.
    fn balances(&mut self) {
        for (name, _, balance) in self.books.balances() {
            let accounted = self.accounted.item(&name).max(self.accounted.slot(&name));
            let held = u64::try_from(balance.held).unwrap_or(0);
            if held > accounted {
                let what = format!("{held} of {name} held, but orders account for {accounted}");
                self.found(None, held - accounted, &what);
            }
        }
    }

    fn account(&mut self, item: &str, slot: Option<&str>, quantity: u32) {
        self.accounted.add(&self.books.evidence.catalogue, item, slot, quantity);
    }

    /// Counts what was found; the first one is told as a story.
    fn found(&mut self, order: Option<&Order<'a>>, many: u64, what: &str) {
        self.count = self.count.saturating_add(many);
        if self.witness.is_empty() {
            let end = format!("at the end: {what}");
            self.witness = match order {
                Some(order) => story::of_order(self.books, order, end),
                None => vec![end],
            };
        }
    }
}

/// Why what is held for an order will never be sold, if so.
fn why_lost(
    books: &Books<'_>,
    order: Option<&str>,
    held_until_utc_ns: Option<u64>,
) -> Option<String> {
    let Some(order) = order.and_then(|id| books.order(id)) else {
        return Some("which the shop does not know".to_owned());
    };
    if order.terminal && !order.paid {
        return Some(format!("which is over (`{}`) and was never paid", order.status));
    }
    let until = books.time(held_until_utc_ns?);
    let judged = books.evidence.ending.judged;
    (until + books.facts.grace < judged)
        .then(|| format!("until {until}, and the judge came only at {judged}"))
}
