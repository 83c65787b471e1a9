//! Orders and payments of the ledgers, each with all its lines together, in little memory.

use domain::provider::PaymentOutcome;

use crate::evidence::Evidence;
use crate::evidence::names::{Name, Spaces, Word};
use crate::evidence::rows::OrderRow;

/// A place among orders or payments, or none: half as long as the usual.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    pub(super) const NONE: Self = Self(u32::MAX);

    pub(super) fn of(place: usize) -> Self {
        Self(u32::try_from(place).expect("a ledger has less than four thousand million lines"))
    }

    pub(super) fn get(self) -> Option<usize> {
        (self != Self::NONE).then_some(self.0 as usize)
    }
}

/// An order of the shop's ledger: all its rows together.
pub(super) struct Order<'a> {
    names: &'a Spaces,
    /// Its number among the names of orders.
    pub(super) name: Name,
    pub(super) fan: Name,
    pub(super) intent: Name,
    status: Name,
    slot: Option<Name>,
    /// The payment that it names.
    pub(super) claims: Option<Name>,
    /// What it is about, in the order of its rows; one at least.
    lines: Lines,
    pub(super) amount: u64,
    pub(super) created_utc_ns: u64,
    pub(super) updated_utc_ns: u64,
    /// Its first payment among all payments, which knows the next.
    pub(super) first_payment: Place,
    /// Whether any of it is sold.
    pub(super) paid: bool,
    /// Whether nothing more will happen to any of it.
    pub(super) terminal: bool,
    /// Whose it is.
    pub(super) whose: Whose,
}

/// Nearly all orders are about one thing.
#[expect(
    clippy::box_collection,
    reason = "an order is a third shorter so, and hardly any has more"
)]
enum Lines {
    One(Packed),
    More(Box<Vec<Packed>>),
}

/// Pieces of one item in an order.
#[derive(Copy, Clone)]
struct Packed {
    item: Name,
    quantity: u32,
    paid: bool,
}

/// Pieces of one item in an order.
#[derive(Copy, Clone)]
pub(super) struct Line<'a> {
    pub(super) name: Name,
    pub(super) item: &'a str,
    pub(super) quantity: u32,
    pub(super) paid: bool,
}

/// Whose an order is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// A fan's of this run, or for all that is known it may be.
    Ours,
    /// Somebody's who also bought in a foreign shop: it takes stock, and is no business of ours.
    SomebodyElses,
}

impl<'a> Order<'a> {
    pub(super) fn id(&self) -> &'a str {
        self.names.orders.text(self.name)
    }

    pub(super) fn fan(&self) -> &'a str {
        self.names.people.text(self.fan)
    }

    pub(super) fn intent(&self) -> &'a str {
        self.names.people.text(self.intent)
    }

    pub(super) fn status(&self) -> &'a str {
        self.names.words.text(self.status)
    }

    pub(super) fn slot(&self) -> Option<&'a str> {
        self.slot.map(|slot| self.names.words.text(slot))
    }

    /// The payment that it names.
    pub(super) fn claims(&self) -> Option<&'a str> {
        self.claims.map(|payment| self.names.payments.text(payment))
    }

    /// What it is about, in the order of its rows; one at least.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'a>> {
        let lines = match &self.lines {
            Lines::One(line) => std::slice::from_ref(line),
            Lines::More(lines) => lines.as_slice(),
        };
        lines.iter().map(|&Packed { item, quantity, paid }| Line {
            name: item,
            item: self.names.words.text(item),
            quantity,
            paid,
        })
    }

    /// Its pieces, of all items together.
    pub(super) fn pieces(&self) -> u64 {
        self.lines().map(|line| u64::from(line.quantity)).sum()
    }

    /// What of it is sold where it is paid, and otherwise all that it is about.
    pub(super) fn taken(&self) -> impl Iterator<Item = Line<'a>> {
        self.lines().filter(|line| line.paid || !self.paid)
    }

    /// Whether it is a fan's of this run.
    pub(super) fn is_ours(&self) -> bool {
        self.whose == Whose::Ours
    }

    /// Whether the provider knows of a payment for it.
    pub(super) fn has_payment(&self) -> bool {
        self.first_payment != Place::NONE
    }

    /// What it is about, as a person says it: `2 × tour-tee`.
    pub(super) fn what(&self) -> String {
        let lines = self.lines().map(|line| format!("{} × {}", line.quantity, line.item));
        lines.collect::<Vec<_>>().join(" and ")
    }
}

/// A payment of the provider's ledger: what truly became of it.
pub(super) struct Payment<'a> {
    names: &'a Spaces,
    pub(super) name: Name,
    pub(super) intent: Name,
    pub(super) reference: Name,
    /// The place of its order among all.
    pub(super) order: Place,
    /// The next payment of the same order.
    pub(super) next: Place,
    is_authorized: bool,
    is_captured: bool,
    pub(super) voided: bool,
    authorized: u64,
    /// Money taken less what was given back \[minor units\].
    net: i64,
}

impl<'a> Payment<'a> {
    pub(super) fn id(&self) -> &'a str {
        self.names.payments.text(self.name)
    }

    pub(super) fn intent(&self) -> &'a str {
        self.names.people.text(self.intent)
    }

    /// The place of its order among all orders.
    pub(super) fn order(&self) -> Option<usize> {
        self.order.get()
    }

    /// The money that was reserved \[minor units\].
    pub(super) const fn authorized(&self) -> u64 {
        self.authorized
    }

    /// Money taken and not given back \[minor units\].
    pub(super) const fn net(&self) -> u64 {
        if self.voided || self.net < 0 { 0 } else { self.net.unsigned_abs() }
    }

    /// Whether money is reserved that was neither taken nor let go.
    pub(super) const fn is_open(&self) -> bool {
        self.is_authorized && !self.is_captured && !self.voided
    }
}

/// The orders, each with all its rows: an order of several items has a row for each. And the place of
/// each by its number.
pub(super) fn orders(evidence: &Evidence) -> (Vec<Order<'_>>, Vec<Place>) {
    let mut orders: Vec<Order<'_>> = Vec::with_capacity(evidence.order_rows().count());
    let mut places = evidence.names().orders.column(Place::NONE);
    for row in evidence.order_rows() {
        let place = &mut places[row.order_id.name().place()];
        if let Some(place) = place.get() {
            orders[place].join(&row);
        } else {
            *place = Place::of(orders.len());
            orders.push(Order::new(evidence.names(), &row));
        }
    }
    (orders, places)
}

impl<'a> Order<'a> {
    fn new(names: &'a Spaces, row: &OrderRow<'a>) -> Self {
        let line = Packed { item: row.item.name(), quantity: row.quantity, paid: row.paid };
        Self {
            names,
            name: row.order_id.name(),
            fan: row.fan.name(),
            intent: row.intent.name(),
            status: row.status.name(),
            slot: row.slot.map(Word::name),
            claims: row.payment.map(Word::name),
            lines: Lines::One(line),
            amount: row.amount.minor(),
            created_utc_ns: row.created_utc_ns,
            updated_utc_ns: row.updated_utc_ns,
            first_payment: Place::NONE,
            paid: row.paid,
            terminal: row.terminal,
            whose: Whose::Ours,
        }
    }

    /// Takes another row of the same order.
    fn join(&mut self, row: &OrderRow<'a>) {
        // What stands for the whole is the row that is furthest from its end.
        if self.terminal && !row.terminal {
            self.status = row.status.name();
        }
        let line = Packed { item: row.item.name(), quantity: row.quantity, paid: row.paid };
        match &mut self.lines {
            Lines::One(first) => self.lines = Lines::More(Box::new(vec![*first, line])),
            Lines::More(lines) => lines.push(line),
        }
        self.slot = self.slot.or(row.slot.map(Word::name));
        self.claims = self.claims.or(row.payment.map(Word::name));
        self.amount = self.amount.saturating_add(row.amount.minor());
        self.paid |= row.paid;
        self.terminal &= row.terminal;
        self.updated_utc_ns = self.updated_utc_ns.max(row.updated_utc_ns);
    }
}

/// The payments, in the order of their first line.
pub(super) fn payments(evidence: &Evidence) -> Vec<Payment<'_>> {
    let names = evidence.names();
    let mut places = names.payments.column(Place::NONE);
    let mut payments: Vec<Payment<'_>> = Vec::with_capacity(places.len());
    for row in evidence.payment_rows().filter(|row| !row.replayed) {
        let moves = matches!(
            row.outcome,
            PaymentOutcome::Authorized
                | PaymentOutcome::Captured
                | PaymentOutcome::Voided
                | PaymentOutcome::Refunded
        );
        if !moves {
            continue;
        }
        // A ledger without names for its payments still tells them apart by their keys.
        let place = &mut places[row.id.name().place()];
        if *place == Place::NONE {
            *place = Place::of(payments.len());
            payments.push(Payment {
                names,
                name: row.id.name(),
                intent: row.intent.name(),
                reference: row.reference.name(),
                order: Place::NONE,
                next: Place::NONE,
                is_authorized: false,
                is_captured: false,
                voided: false,
                authorized: 0,
                net: 0,
            });
        }
        let Some(payment) = place.get().map(|place| &mut payments[place]) else { continue };
        let amount = row.amount.minor();
        match row.outcome {
            PaymentOutcome::Authorized => {
                (payment.is_authorized, payment.authorized) = (true, amount);
            }
            PaymentOutcome::Captured => {
                payment.is_captured = true;
                payment.net = payment.net.saturating_add_unsigned(amount);
            }
            PaymentOutcome::Refunded => payment.net = payment.net.saturating_sub_unsigned(amount),
            _ => payment.voided = true,
        }
    }
    payments
}
