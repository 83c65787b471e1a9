//! Whether anything stays held for an order that will never be paid.

use domain::time::Time;

use crate::audit::books::Books;
use crate::audit::entries::Order;
use crate::audit::finding::{Found, Story, Unit};
use crate::audit::history::{self, History};
use crate::audit::{foreign, story};
use crate::evidence::demand::Tally;
use crate::evidence::names::Word;
use crate::evidence::rows::ShopRow;

/// What is held at the end for an order that is absent, or over and not paid, or whose reservation
/// ran out; and what is held for no order at all.
pub(super) fn stranded(books: &Books<'_>) -> Found {
    // Where there is no ledger, that is the reason.
    if !books.evidence.ending.drained && books.evidence.has_shop() {
        return Found::not_checked("the shop was not left alone long enough to free it".to_owned());
    }
    let mut stranded = Stranded::new(books);
    stranded.reservations();
    stranded.units();
    stranded.orders();
    stranded.balances();
    let count = stranded.count;
    if count == 0
        && let Some(why) = stranded.unsure.take().or_else(|| foreign::open_ends(books))
    {
        return Found::not_checked(why);
    }
    let allowed = books.asked.budgets.stranded.unit_seconds;
    let kept = kept_in_vain(books);
    let too_long = |kept: &Kept| allowed.is_some_and(|allowed| kept.unit_seconds() > allowed);
    let found = match kept.as_ref().filter(|kept| count == 0 && too_long(kept)) {
        Some(kept) => Found::count(kept.whole(), "unit-seconds held for orders never paid", || {
            let (kept, allowed) = (kept.unit_seconds(), allowed.unwrap_or_default());
            vec![format!(
                "{kept:.0} unit-seconds were held for orders that were never paid; {allowed:.0} are \
                 allowed"
            )]
        }),
        None => Found::count(count, "pieces and places held for nobody", || stranded.witness)
            .with_some((count as f64, Unit::Pieces), "held for nobody at the end"),
    };
    match kept {
        Some(kept) if kept.unit_ns > 0 || allowed.is_some() => {
            let what = "held for orders that were never paid";
            found.with((kept.unit_seconds(), Unit::UnitSeconds), what, allowed)
        }
        _ => found,
    }
}

/// Pieces times the time for which each was held for an order that was never paid.
struct Kept {
    unit_ns: u128,
}

impl Kept {
    fn unit_seconds(&self) -> f64 {
        self.unit_ns as f64 / 1e9
    }

    /// Whole unit-seconds, and at least one.
    fn whole(&self) -> u64 {
        u64::try_from(self.unit_ns / 1_000_000_000).unwrap_or(u64::MAX).max(1)
    }
}

/// What was held for nothing, as far as the shop says when it held what.
fn kept_in_vain(books: &Books<'_>) -> Option<Kept> {
    let History::Told = history::history(books) else { return None };
    let judged = books.evidence.ending.judged;
    let unsold = history::holds(books).filter(|hold| !hold.sold);
    let unit_ns = unsold.map(|hold| {
        let until = hold.freed.map_or(judged, |(_, freed)| freed);
        u128::from(hold.quantity) * until.since(hold.taken).as_nanos()
    });
    Some(Kept { unit_ns: unit_ns.fold(0, u128::saturating_add) })
}

struct Stranded<'a, 'b> {
    books: &'b Books<'a>,
    /// Of each order, whether a reservation speaks of it.
    reserved: Vec<bool>,
    /// What reservations, rows and orders account for.
    accounted: Tally,
    count: u64,
    witness: Story,
    /// Why it cannot be said of something that is held whether it is lost.
    unsure: Option<String>,
}

impl<'a, 'b> Stranded<'a, 'b> {
    fn new(books: &'b Books<'a>) -> Self {
        let mut reserved = books.evidence.names().orders.column(false);
        for row in books.evidence.shop_rows() {
            if let ShopRow::Reservation { order_id, .. } = row {
                reserved[order_id.name().place()] = true;
            }
        }
        Self {
            books,
            reserved,
            accounted: Tally::default(),
            count: 0,
            witness: Story::default(),
            unsure: None,
        }
    }

    fn reservations(&mut self) {
        for row in self.books.evidence.shop_rows() {
            let ShopRow::Reservation { order_id, item, slot, quantity, held_until_utc_ns } = row
            else {
                continue;
            };
            self.account(item, slot, quantity);
            let order = Some(order_id.text()).filter(|order| !order.is_empty());
            let whose = order.map_or("no order".to_owned(), |order| format!("order {order}"));
            // Who has the slot and no pieces keeps one place from others.
            let many = u64::from(quantity).max(u64::from(slot.is_some()));
            let held = match (quantity, slot) {
                (0, Some(slot)) => format!("a place in {slot}"),
                _ => format!("{quantity} × {item}"),
            };
            let what = format!("{held} held for {whose}");
            match fate(self.books, order, held_until_utc_ns) {
                Fate::Fine => {}
                Fate::Unsure(why) => {
                    self.unsure.get_or_insert_with(|| format!("{what}, {why}"));
                }
                Fate::Lost(why) => {
                    let order = self.books.order_named(order_id.name());
                    self.found(order, many, &format!("{what}, {why}"));
                }
            }
        }
    }

    /// Rows that are held without a reservation.
    fn units(&mut self) {
        for row in self.books.evidence.shop_rows() {
            let ShopRow::Unit { unit, name, item, state, order_id } = row else { continue };
            let is_reserved = |order: Word<'_>| self.reserved[order.name().place()];
            if state != "held" || order_id.is_some_and(is_reserved) {
                continue;
            }
            let order = order_id.map(Word::text);
            *self.accounted.items.entry(item.text().to_owned()).or_default() += 1;
            let piece = name.map_or_else(|| unit.to_string(), str::to_owned);
            match fate(self.books, order, None) {
                Fate::Fine => {}
                Fate::Unsure(why) => {
                    self.unsure
                        .get_or_insert_with(|| format!("piece {piece} of {item} held, {why}"));
                }
                Fate::Lost(why) => {
                    let what = format!("piece {piece} of {item} held for an order {why}");
                    self.found(order.and_then(|id| self.books.order(id)), 1, &what);
                }
            }
        }
    }

    /// Orders under way may hold something without a reservation of their own.
    fn orders(&mut self) {
        for order in self.books.orders.iter().filter(|order| !order.terminal) {
            if !self.reserved[order.name.place()] {
                for (place, line) in order.lines().enumerate() {
                    self.account(line.item, order.slot().filter(|_| place == 0), line.quantity);
                }
            }
        }
    }

    /// What is held by the balances beyond all that is accounted for.
    fn balances(&mut self) {
        for (name, _, balance) in self.books.balances() {
            let accounted = self.accounted.item(&name).max(self.accounted.slot(&name));
            let accounted = accounted.saturating_add(self.books.moved(&name));
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
        if self.witness.lines.is_empty() {
            let end = format!("at the end: {what}");
            self.witness = match order {
                Some(order) => story::of_order(self.books, order, end),
                None => vec![end].into(),
            };
        }
    }
}

/// What will become of something that is held.
pub(super) enum Fate {
    /// It is sold, or let go in time.
    Fine,
    /// Nobody can tell, and why.
    Unsure(String),
    /// It will never be sold, and why.
    Lost(String),
}

/// What will become of what is held for an order until a time.
fn fate(books: &Books<'_>, order: Option<&str>, held_until_utc_ns: Option<u64>) -> Fate {
    if let Some(ledgers) = books.ledgers {
        return foreign::fate(books, ledgers, order, held_until_utc_ns);
    }
    let Some(order) = order.and_then(|id| books.order(id)) else {
        return Fate::Lost("which the shop does not know".to_owned());
    };
    if order.terminal && !order.paid {
        return Fate::Lost(never_paid(order));
    }
    let Some(until) = held_until_utc_ns.map(|until| books.shop_time(until)) else {
        return Fate::Fine;
    };
    let judged = books.evidence.ending.judged;
    if until + books.facts.grace < judged {
        return Fate::Lost(too_late(until, judged));
    }
    Fate::Fine
}

/// That an order is over and was never paid.
pub(super) fn never_paid(order: &Order<'_>) -> String {
    format!("which is over (`{}`) and was never paid", order.status())
}

/// That something is held beyond its time.
pub(super) fn too_late(until: Time, judged: Time) -> String {
    format!("until {until}, and the judge came only at {judged}")
}
