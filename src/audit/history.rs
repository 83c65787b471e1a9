//! What was held when: how much of an item, or of a slot, was free at each moment, at the least and
//! at the most.

use std::collections::BTreeMap;

use domain::time::{Duration, Time};

use crate::audit::books::Books;
use crate::audit::course::Course;
use crate::audit::entries::Order;
use crate::evidence::demand;
use crate::evidence::gap::Part;
use crate::evidence::ledgers::ShopClock;
use crate::evidence::names::Name;
use crate::evidence::rows::{HoldRow, ShopRow};

/// Pieces and a place that an order took.
pub(super) struct Held<'a> {
    pub(super) order: Name,
    pub(super) item: &'a str,
    /// As `sale/slot`.
    pub(super) place: Option<String>,
    pub(super) quantity: u32,
    /// They were taken between these two.
    pub(super) asked: Time,
    pub(super) taken: Time,
    pub(super) sold: bool,
    /// They were let go between these two, if they were.
    pub(super) freed: Option<(Time, Time)>,
}

impl Held<'_> {
    fn names(&self) -> impl Iterator<Item = (&str, u32)> {
        let place = self.place.iter().map(|place| (place.as_str(), 1));
        std::iter::once((self.item, self.quantity)).chain(place)
    }
}

/// What is known of what was held when.
#[derive(Copy, Clone, Debug)]
pub(super) enum History {
    /// All of it: the shop wrote it down.
    Told,
    /// Nothing was held before its order was placed, as far as orders are all that holds anything:
    /// those of a foreign shop.
    ByOrders,
    /// Nothing of a part of the run, and why: nobody can say whether what it says was true then.
    Forgotten(&'static str),
    /// Nothing, and why.
    Unknown(&'static str),
}

/// What the shop's ledger says of what was held when.
pub(super) fn history(books: &Books<'_>) -> History {
    let Some(ledgers) = books.ledgers else { return told(books) };
    let ShopClock::Within { .. } = ledgers.clock else {
        return History::Unknown("nobody knows what the shop's clock says");
    };
    if !ledgers.has_one_of("orders", &["created"]) {
        return History::Unknown("the shop's ledger does not say when orders were placed");
    }
    History::ByOrders
}

/// What our own shop wrote down, if it is all: a shop that was started again has forgotten what it held
/// before, and one of an earlier version wrote nothing down.
fn told(books: &Books<'_>) -> History {
    if books.evidence.ending.gaps.iter().any(|gap| gap.part == Part::Shop) {
        return History::Forgotten("the shop died, and does not say what it held before");
    }
    let mut known = books.evidence.names().orders.column(false);
    for hold in hold_rows(books) {
        known[hold.order_id.name().place()] = true;
    }
    if books.orders.iter().any(|order| order.paid && !known[order.name.place()]) {
        return History::Unknown("the shop does not say of every order when it held its pieces");
    }
    History::Told
}

fn hold_rows<'a>(books: &Books<'a>) -> impl Iterator<Item = HoldRow<'a>> {
    books.evidence.shop_rows().filter_map(|row| match row {
        ShopRow::Hold(hold) => Some(hold),
        _ => None,
    })
}

/// What was held when, as far as the shop says.
pub(super) fn holds<'a>(books: &Books<'a>) -> impl Iterator<Item = Held<'a>> {
    let told = books.ledgers.is_none().then(|| hold_rows(books).map(|hold| by_row(books, &hold)));
    let error_ns = match books.ledgers.map(|ledgers| ledgers.clock) {
        Some(ShopClock::Within { error_ns }) => Some(error_ns),
        Some(ShopClock::Unknown) | None => None,
    };
    let by_orders = error_ns.map(|error_ns| {
        let error = Duration::from_nanos(error_ns);
        let dated = books.orders.iter().filter(|order| order.created_utc_ns > 0);
        dated.flat_map(move |order| by_order(books, order, error))
    });
    told.into_iter().flatten().chain(by_orders.into_iter().flatten())
}

/// What an order holds from when it was placed on, give or take `error`.
fn by_order<'a>(
    books: &Books<'a>,
    order: &Order<'a>,
    error: Duration,
) -> impl Iterator<Item = Held<'a>> {
    let created = books.shop_time(order.created_utc_ns);
    let place = order
        .slot()
        .zip(order.lines().next())
        .map(|(slot, line)| demand::place(&books.evidence.catalogue, line.item, slot));
    let (name, sold) = (order.name, order.paid);
    order.lines().enumerate().map(move |(number, line)| Held {
        order: name,
        item: line.item,
        // An order takes one place, whatever it is about.
        place: place.clone().filter(|_| number == 0),
        quantity: line.quantity,
        asked: created.before(error),
        taken: created + error,
        sold,
        freed: None,
    })
}

fn by_row<'a>(books: &Books<'a>, hold: &HoldRow<'a>) -> Held<'a> {
    let HoldRow { order_id, item, slot, quantity, .. } = *hold;
    Held {
        order: order_id.name(),
        item,
        place: slot.map(|slot| demand::place(&books.evidence.catalogue, item, slot)),
        quantity,
        asked: books.shop_time(hold.asked_utc_ns),
        taken: books.shop_time(hold.taken_utc_ns),
        sold: hold.sold_utc_ns.is_some(),
        freed: hold
            .freeing_utc_ns
            .zip(hold.freed_utc_ns)
            .map(|(asked, known)| (books.shop_time(asked), books.shop_time(known))),
    }
}

/// A bound of what was free.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// So much at the least.
    Least,
    /// At the least, if what was let go later had never been held.
    LeastButForReturns,
    /// So much at the most.
    Most,
}

/// How much of each item, and of each slot by `sale/slot`, was free over time, as far as the shop
/// says when it held what: one bound at a time, for each takes a step for each hold.
///
/// What the history does not account for (pieces that vanished, holds of before a restart) is taken
/// to have been gone from the beginning, and at the most to have been there until the end.
pub(super) fn free(books: &Books<'_>, bound: Bound) -> BTreeMap<String, Course> {
    let mut changes: BTreeMap<String, Changes> = BTreeMap::new();
    for hold in holds(books) {
        for (name, quantity) in hold.names() {
            if let Some(changes) = changes.get_mut(name) {
                changes.add(bound, &hold, i64::from(quantity));
            } else {
                let changes = changes.entry(name.to_owned()).or_default();
                changes.add(bound, &hold, i64::from(quantity));
            }
        }
    }
    let left: BTreeMap<String, i64> =
        books.balances().map(|(name, _, balance)| (name, balance.free)).collect();
    let catalogue = &books.evidence.catalogue;
    let items = catalogue.items().map(|(_, _, item)| item.id.clone());
    let slots = catalogue.slots().map(|(_, sale, slot)| format!("{}/{}", sale.id, slot.id));
    items
        .chain(slots)
        .filter_map(|name| {
            let initial = i64::try_from(books.initial(&name)?).ok()?;
            let changes = changes.remove(&name).unwrap_or_default();
            let free = changes.free(bound, initial, left.get(&name).copied());
            Some((name, free))
        })
        .collect()
}

/// How holds changed what is free of one thing.
#[derive(Default)]
struct Changes {
    steps: Vec<(Time, i64)>,
    /// What is not let go.
    taken: i64,
}

impl Changes {
    fn add(&mut self, bound: Bound, hold: &Held<'_>, quantity: i64) {
        if hold.freed.is_none() {
            self.taken = self.taken.saturating_add(quantity);
        }
        match (bound, hold.freed) {
            (Bound::Least, Some((_, known))) => {
                self.steps.extend([(hold.asked, -quantity), (known, quantity)]);
            }
            (Bound::Most, Some((asked, _))) => {
                self.steps.extend([(hold.taken, -quantity), (asked, quantity)]);
            }
            (Bound::LeastButForReturns, Some(_)) => {}
            (Bound::Least | Bound::LeastButForReturns, None) => {
                self.steps.push((hold.asked, -quantity));
            }
            (Bound::Most, None) => self.steps.push((hold.taken, -quantity)),
        }
    }

    /// `left` is what the shop's balance says is free in the end, if it does.
    fn free(self, bound: Bound, initial: i64, left: Option<i64>) -> Course {
        let accounted = initial.saturating_sub(self.taken);
        let unaccounted = accounted.saturating_sub(left.unwrap_or(accounted));
        match bound {
            Bound::Least | Bound::LeastButForReturns => {
                Course::at_the_least(initial.saturating_sub(unaccounted.max(0)), self.steps)
            }
            Bound::Most => {
                Course::at_the_most(initial.saturating_sub(unaccounted.min(0)), self.steps)
            }
        }
    }
}
