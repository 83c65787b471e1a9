//! An order: what it waits for, and how it reads what happened to it.

use domain::id::{AuthorizationId, OrderId};
use domain::money::Amount;
use domain::provider::{PaymentOperation, PaymentReply, PaymentRequest};
use domain::shop::{Checkout, OrderStatus, ShopReply, Short};
use domain::time::{Duration, Time};

use crate::rules::challenge::Challenge;
use crate::rules::{Effect, InventoryReply, OrderRow, Ticket, saga};
use crate::settings::ShopSettings;

/// What an order waits for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing was asked yet.
    New,
    /// The free counters (a naive counter's first statement).
    Reading,
    /// Pieces and place.
    Reserving,
    /// The authorization.
    Authorizing,
    /// The cardholder, until it is time to ask where the payment stands.
    Challenged,
    /// Where the challenged payment stands.
    Looking,
    /// A fan whose entry won, to begin to pay for what is held.
    Awaiting,
    /// What is held, to be held until the payment is decided (reserve-first).
    Securing,
    /// The capture.
    Capturing,
    /// Where a payment stands whose capture stayed unknown.
    Finding,
    /// A void that says whether a capture that stayed unknown took effect.
    Resolving,
    /// What is held, to become sold.
    Selling,
    /// What is held, to become free; then the authorization is let go, or the order ends.
    Releasing(Then),
    /// The void.
    Voiding,
    /// Pieces and place for ever ([`crate::rules::fault::Fault::StrandOnDecline`]).
    Stranding,
    /// A second payment ([`crate::rules::fault::Fault::DoubleCharge`]).
    ChargingAgain(PaymentOperation),
    /// Nothing: the order is over.
    Over,
}

/// How the pieces of an order that was drawn by lot are taken.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Prize {
    /// As any order's.
    Reserved,
    /// Without looking whether they are free ([`domain::shop::Redraw::BeforeRelease`]).
    Counted,
}

/// What follows once nothing is held any more.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Void,
    End(OrderStatus),
}

/// What happened to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// It was placed.
    Begun,
    /// An earlier shop wrote it down and ended before it was over.
    Found,
    /// The inventory answered.
    Inventory(InventoryReply),
    /// Its reservation ran out.
    Swept,
    /// The provider answered, or did not in time.
    Provider(Option<PaymentReply>),
    /// The wait before a repeated call is over.
    Retry,
    /// It is time to ask where the challenged payment stands.
    Look,
    /// The fan whose entry won begins to pay.
    Pays,
    /// Nobody began to pay for what was won by the deadline.
    Lapsed,
}

/// An event as the saga reads it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Begun,
    Found,
    Free(Option<Short>),
    Reserved,
    Short(Short),
    Done,
    Swept,
    /// The inventory failed: it may have done what it was asked.
    Unheard,
    Authorized(AuthorizationId),
    Challenged(AuthorizationId),
    Captured,
    Voided,
    Declined,
    Limited(Option<Duration>),
    Refused,
    Unknown,
    Retry,
    Look,
    Pays,
    Lapsed,
}

/// One purchase on its way: who waits for it, what is held and owed.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) row: OrderRow,
    pub(super) stage: Stage,
    /// The call to the provider that waits for the worker's turn.
    pub(super) parked: Option<PaymentRequest>,
    /// How many calls to the provider it was let through with and has not made yet.
    pub(super) prepaid: u32,
    /// Who waits for the answer; nobody once the fan was told to come back for it.
    pub(super) ticket: Option<Ticket>,
    /// The answer, once it is decided; it never changes.
    pub(super) answer: Option<ShopReply>,
    /// Whether the inventory holds something for this order.
    pub(super) holds: bool,
    /// Whether the reservation ran out while something else was awaited.
    pub(super) swept: bool,
    /// How often the outstanding call was made without a clear answer.
    pub(super) unknowns: u32,
    /// How often the outstanding call was refused by a limit.
    pub(super) refusals: u32,
    /// How many voids went out to resolve an unknown capture.
    pub(super) resolves: u32,
    /// The second authorization of [`crate::rules::fault::Fault::DoubleCharge`].
    pub(super) again: Option<AuthorizationId>,
    /// How the order ends once its payment is let go.
    pub(super) unsold: OrderStatus,
    /// The cardholder's challenge, if there was one.
    pub(super) challenge: Option<Challenge>,
    /// How its pieces are taken, if it was drawn by lot.
    pub(super) prize: Option<Prize>,
}

impl Order {
    /// A purchase; it waits for [`Event::Begun`] if it was just placed, for [`Event::Found`] if an
    /// earlier shop wrote it down.
    pub(super) fn new(row: OrderRow, ticket: Option<Ticket>) -> Self {
        Self {
            row,
            stage: Stage::New,
            parked: None,
            prepaid: 0,
            ticket,
            answer: None,
            holds: false,
            swept: false,
            unknowns: 0,
            refusals: 0,
            resolves: 0,
            again: None,
            unsold: OrderStatus::Voided,
            challenge: None,
            prize: None,
        }
    }

    /// What was asked for.
    pub(super) fn checkout(&self) -> &Checkout {
        &self.row.checkout
    }

    /// The answer, once it is decided.
    pub(super) fn answer(&self) -> Option<&ShopReply> {
        self.answer.as_ref()
    }

    /// Whether nothing more will happen.
    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Whether it was drawn by lot and nobody has begun to pay for it.
    pub(super) fn awaits_payment(&self) -> bool {
        self.stage == Stage::Awaiting
    }

    /// Which attempt of the same key comes next. It goes under the same keys at the provider if
    /// this one made no authorization that is let go; so a lost authorization is found again.
    pub(super) fn next_attempt(&self, checkout: &Checkout) -> u32 {
        let same = self.row.checkout == *checkout;
        let spent = self.row.payment.is_some() || !self.is_over();
        self.row.attempt + u32::from(spent || !same)
    }

    /// What follows from `event` `at` that time.
    pub(super) fn step(&mut self, at: Time, event: Event, settings: &ShopSettings) -> Vec<Effect> {
        let sign = self.read(event);
        saga::advance(self, at, sign, settings)
    }

    /// An event as the saga reads it. A refusal of a repeated authorization or capture leaves the
    /// first call unknown, and so does an answer to another question.
    fn read(&self, event: Event) -> Sign {
        let operation = match self.stage {
            Stage::Authorizing => PaymentOperation::Authorize,
            Stage::Challenged | Stage::Looking | Stage::Finding => PaymentOperation::Retrieve,
            Stage::Capturing => PaymentOperation::Capture,
            Stage::ChargingAgain(operation) => operation,
            _ => PaymentOperation::Void,
        };
        let in_doubt = self.unknowns > 0 && self.stage != Stage::Voiding;
        match event {
            Event::Begun => Sign::Begun,
            Event::Found => Sign::Found,
            Event::Swept => Sign::Swept,
            Event::Retry => Sign::Retry,
            Event::Look => Sign::Look,
            Event::Pays => Sign::Pays,
            Event::Lapsed => Sign::Lapsed,
            Event::Inventory(reply) => self.read_inventory(&reply),
            Event::Provider(reply) => match (reply, operation) {
                (
                    Some(PaymentReply::Authorized { authorization }),
                    PaymentOperation::Authorize | PaymentOperation::Retrieve,
                ) => Sign::Authorized(authorization),
                (
                    Some(PaymentReply::Challenged { authorization }),
                    PaymentOperation::Authorize | PaymentOperation::Retrieve,
                ) => Sign::Challenged(authorization),
                (
                    Some(PaymentReply::Captured),
                    PaymentOperation::Capture | PaymentOperation::Retrieve,
                ) => Sign::Captured,
                (
                    Some(PaymentReply::Voided),
                    PaymentOperation::Void | PaymentOperation::Retrieve,
                ) => Sign::Voided,
                (Some(PaymentReply::Declined { .. }), _) => Sign::Declined,
                (Some(PaymentReply::Refused { .. }), _) => Sign::Refused,
                (Some(PaymentReply::RateLimited { retry_after }), _) if !in_doubt => {
                    Sign::Limited(retry_after)
                }
                _ => Sign::Unknown,
            },
        }
    }

    fn read_inventory(&self, reply: &InventoryReply) -> Sign {
        match *reply {
            InventoryReply::Free { item, slot } => {
                let wanted = i64::from(self.row.checkout.quantity);
                if item < wanted {
                    Sign::Free(Some(Short::Item))
                } else if slot.is_some_and(|places| places < 1) {
                    Sign::Free(Some(Short::Slot))
                } else {
                    Sign::Free(None)
                }
            }
            InventoryReply::Reserved => Sign::Reserved,
            InventoryReply::Short(short) => Sign::Short(short),
            InventoryReply::Done { .. }
            | InventoryReply::Swept(_)
            | InventoryReply::Available { .. } => Sign::Done,
            InventoryReply::Failed => Sign::Unheard,
        }
    }
}

/// The row of an order that was just placed.
pub(super) fn new_row(
    order: OrderId,
    checkout: Checkout,
    amount: Amount,
    at: Time,
    attempt: u32,
) -> OrderRow {
    OrderRow {
        order,
        checkout,
        status: OrderStatus::Created,
        payment: None,
        amount,
        created: at,
        updated: at,
        attempt,
    }
}
