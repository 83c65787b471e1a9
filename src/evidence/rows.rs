//! The lines of a run as the judge reads them: names by number, everything else as it was written.

use domain::id::FanId;
use domain::money::Amount;
use domain::outcome::{Departure, Operation, Outcome};
use domain::provider::{PaymentOperation, PaymentOutcome};
use domain::shop::Short;
use domain::time::Time;

use crate::evidence::names::{Name, Word};

/// One line of `purchases.jsonl`.
#[derive(Clone, Debug)]
pub(crate) enum PurchaseRow<'a> {
    /// A purchase operation.
    Attempt(AttemptRow<'a>),
    /// The first time a fan sees that something is no longer, or again, available.
    Seen { fan: FanId, who: Name, sent: Time, at: Time, items: Vec<&'a str> },
    /// A fan leaves.
    Departed {
        fan: FanId,
        who: Name,
        at: Time,
        departure: Departure,
        item: &'a str,
        quantity: u32,
        refused: bool,
    },
}

/// A purchase operation: cart, checkout or poll, as [`crate::evidence::PurchaseLine::Attempt`].
#[derive(Copy, Clone, Debug)]
pub(crate) struct AttemptRow<'a> {
    pub(crate) fan: FanId,
    /// The fan's name.
    pub(crate) who: Name,
    pub(crate) intent: Word<'a>,
    pub(crate) key: Key<'a>,
    pub(crate) operation: Operation,
    pub(crate) item: Word<'a>,
    pub(crate) slot: Option<&'a str>,
    pub(crate) quantity: u32,
    pub(crate) intended: Time,
    pub(crate) sent: Time,
    pub(crate) done: Time,
    pub(crate) outcome: Outcome,
    pub(crate) short: Option<Short>,
}

impl AttemptRow<'_> {
    /// Whether it is one by which something is bought: a checkout, or a poll of one.
    pub(crate) const fn buys(&self) -> bool {
        matches!(self.operation, Operation::Checkout | Operation::Poll)
    }
}

/// An idempotency key: what it adds to its purchase's intent, with which it nearly always begins, or
/// else all of it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key<'a> {
    pub(crate) intent: Option<Word<'a>>,
    pub(crate) rest: Word<'a>,
}

impl Key<'_> {
    /// A number that no other key has.
    pub(crate) fn number(self) -> u64 {
        let intent = self.intent.map_or(0, |intent| 1 + intent.name().place() as u64);
        intent << 32 | self.rest.name().place() as u64
    }
}

/// One line of `ledger-shop.jsonl`, as [`domain::shop::ShopLine`].
#[derive(Copy, Clone, Debug)]
pub(crate) enum ShopRow<'a> {
    Stock {
        item: &'a str,
        initial: u64,
        free: i64,
        held: i64,
        sold: i64,
    },
    Slot {
        slot: &'a str,
        sale: &'a str,
        initial: u64,
        free: i64,
        held: i64,
        sold: i64,
    },
    Order(OrderRow<'a>),
    Reservation {
        order_id: Word<'a>,
        item: &'a str,
        slot: Option<&'a str>,
        quantity: u32,
        held_until_utc_ns: Option<u64>,
    },
    Hold(HoldRow<'a>),
    Unit {
        unit: u64,
        name: Option<&'a str>,
        item: Word<'a>,
        state: &'a str,
        order_id: Option<Word<'a>>,
    },
}

/// An order of the shop's ledger, or a row of one.
#[derive(Copy, Clone, Debug)]
pub(crate) struct OrderRow<'a> {
    pub(crate) order_id: Word<'a>,
    pub(crate) fan: Word<'a>,
    pub(crate) intent: Word<'a>,
    pub(crate) item: Word<'a>,
    pub(crate) slot: Option<Word<'a>>,
    pub(crate) quantity: u32,
    pub(crate) amount: Amount,
    pub(crate) status: Word<'a>,
    pub(crate) paid: bool,
    pub(crate) terminal: bool,
    pub(crate) payment: Option<Word<'a>>,
    pub(crate) created_utc_ns: u64,
    pub(crate) updated_utc_ns: u64,
}

/// Pieces and a place that an order took.
#[derive(Copy, Clone, Debug)]
pub(crate) struct HoldRow<'a> {
    pub(crate) order_id: Word<'a>,
    pub(crate) item: &'a str,
    pub(crate) slot: Option<&'a str>,
    pub(crate) quantity: u32,
    pub(crate) asked_utc_ns: u64,
    pub(crate) taken_utc_ns: u64,
    pub(crate) sold_utc_ns: Option<u64>,
    pub(crate) freeing_utc_ns: Option<u64>,
    pub(crate) freed_utc_ns: Option<u64>,
}

/// One line of `ledger-provider.jsonl`, as [`domain::provider::PaymentLine`].
#[derive(Copy, Clone, Debug)]
pub(crate) struct PaymentRow<'a> {
    pub(crate) utc_ns: u64,
    /// Its payment's name or, where the ledger names none, the call's key.
    pub(crate) id: Word<'a>,
    /// Whether the ledger names the payment.
    pub(crate) named: bool,
    pub(crate) reference: Word<'a>,
    pub(crate) intent: Word<'a>,
    pub(crate) operation: PaymentOperation,
    pub(crate) outcome: PaymentOutcome,
    pub(crate) told: PaymentOutcome,
    pub(crate) amount: Amount,
    pub(crate) replayed: bool,
}
