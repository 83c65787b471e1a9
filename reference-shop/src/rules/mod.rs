//! The shop's rules as pure machines: admission, orders, the edge cache, faults.
//!
//! [`Shop`] never holds stock and never does anything itself: it is told what happened and answers
//! with effects, which a server or the simulator carries out.

pub mod edge;
pub mod fault;

mod admission;
mod challenge;
mod checkout;
mod history;
mod lottery;
mod members;
mod order;
mod orders;
mod question;
mod saga;
mod shop;
mod step;
mod token;
mod unheard;
mod worker;
#[cfg(test)]
mod world;

use domain::id::{ItemId, OrderId, SlotId};
use domain::provider::{PaymentReply, PaymentRequest};
use domain::shop::{OrderStatus, ShopReply, ShopRequest, Short};
use domain::time::Time;

pub use history::{Hold, HoldEnd};
pub use shop::Shop;

/// The name that the world gives a request while its answer is outstanding.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A request reached the origin.
    Request {
        /// To be answered under this name.
        ticket: Ticket,
        /// What is asked.
        request: ShopRequest,
    },
    /// The inventory answered.
    Inventory {
        /// For this order; absent for questions that no order asked.
        asker: Asker,
        /// What it said.
        reply: InventoryReply,
    },
    /// The provider answered, or `None`: it did not in time.
    Provider {
        /// For this order.
        order: OrderId,
        /// What it said.
        reply: Option<PaymentReply>,
    },
    /// The provider answered a fan's browser that asked for a token, or `None`: it did not in time.
    Token {
        /// The request that waits for it.
        ticket: Ticket,
        /// What it said.
        reply: Option<PaymentReply>,
    },
    /// Who keeps the gate answered, or `None`: it did not.
    Gate {
        /// To this request.
        ticket: Ticket,
        /// Whether it passes.
        passes: Option<bool>,
    },
    /// A moment asked for by [`Effect::Wake`] has come.
    Woke(Wake),
}

/// On whose behalf the inventory is asked.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asker {
    /// A request that only looks.
    Request(Ticket),
    /// An order.
    Order(OrderId),
    /// The sweeper.
    Sweeper,
}

/// What the world must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Answer a request.
    Reply {
        /// Which.
        ticket: Ticket,
        /// With this.
        reply: ShopReply,
    },
    /// Ask the inventory; its answer comes back as [`Input::Inventory`].
    Inventory {
        /// On whose behalf.
        asker: Asker,
        /// What.
        call: InventoryCall,
    },
    /// Call the provider; its answer, or the lack of one after the provider timeout, comes back
    /// as [`Input::Provider`].
    CallProvider {
        /// For this order.
        order: OrderId,
        /// What.
        request: PaymentRequest,
    },
    /// Ask the provider for a token of the fan's card, in the place of the fan's browser; its answer, or
    /// the lack of one, comes back as [`Input::Token`].
    Tokenize {
        /// For this request.
        ticket: Ticket,
        /// What.
        request: PaymentRequest,
    },
    /// Ask who keeps the gate whether a request passes; the answer comes back as [`Input::Gate`].
    AskGate {
        /// Which request.
        ticket: Ticket,
        /// What it takes if it passes.
        toll: Toll,
    },
    /// Tell who keeps the gate what was taken beside what passed, or given back.
    SettleGate(Toll),
    /// Write down where an order stands.
    Record(OrderRow),
    /// Come back at that time.
    Wake {
        /// When.
        at: Time,
        /// With this.
        wake: Wake,
    },
}

/// Tokens of an allowance that somebody else counts.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Toll {
    /// Whose allowance: 0 for the account, or the sale's place in the catalogue where each has its own.
    pub lane: u16,
    /// How many; below zero they are given back.
    pub tokens: i32,
}

/// Why the shop wants to be woken.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wake {
    /// To free reservations that have run out.
    Sweep,
    /// To make an order's outstanding call to the provider again.
    Retry(OrderId),
    /// To make an order's call to the provider that waited for the worker.
    Worker(OrderId),
    /// To ask the provider where an order's challenged payment stands.
    Look(OrderId),
    /// To draw lots, or to end the time that those who were drawn had to pay, or both.
    Draw {
        /// The sale's place in the catalogue.
        sale: u16,
        /// The number of the draw, from 0; the one after the last is the last one's deadline.
        round: u32,
    },
    /// To release what was drawn before that draw and is not being paid.
    Lapse {
        /// The sale's place in the catalogue.
        sale: u16,
        /// The number of the draw.
        round: u32,
    },
    /// To tell a fan that it is signed in.
    SignedIn(Ticket),
}

/// A statement, or several in one transaction, against the stock.
///
/// Slots and items are two limited resources: `slot` is absent where a sale has no slots.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum InventoryCall {
    /// How many pieces and places are free. A plain read, in no transaction with anything.
    Read {
        /// The item.
        item: ItemId,
        /// The slot.
        slot: Option<SlotId>,
    },
    /// Takes pieces and a place in one transaction, or neither.
    Reserve {
        /// For this order.
        order: OrderId,
        /// The item.
        item: ItemId,
        /// The slot.
        slot: Option<SlotId>,
        /// Pieces.
        quantity: u32,
        /// Until when; `None` means for ever.
        until: Option<Time>,
    },
    /// Decrements the counters without looking: the second half of a naive counter.
    Decrement {
        /// For this order.
        order: OrderId,
        /// The item.
        item: ItemId,
        /// The slot.
        slot: Option<SlotId>,
        /// Pieces.
        quantity: u32,
        /// Until when; `None` means for ever.
        until: Option<Time>,
    },
    /// What is held for an order becomes sold.
    Sell {
        /// For this order.
        order: OrderId,
    },
    /// What is held for an order becomes free.
    Release {
        /// For this order.
        order: OrderId,
    },
    /// What has run out becomes free.
    Sweep {
        /// What was held until then or earlier.
        now: Time,
    },
    /// Which items and slots of a sale have something free.
    Availability {
        /// The sale's place in the catalogue.
        sale: u16,
    },
}

/// What the inventory answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InventoryReply {
    /// To `Read`.
    Free {
        /// Free pieces.
        item: i64,
        /// Free places; absent where no slot was asked for.
        slot: Option<i64>,
    },
    /// To `Reserve` and `Decrement`: it is held.
    Reserved,
    /// To `Reserve`: there was not enough.
    Short(Short),
    /// To `Sell` and `Release`: done. False when nothing was held for the order any more.
    Done {
        /// Whether something was held.
        held: bool,
    },
    /// To `Sweep`: the orders whose reservations ran out.
    Swept(Vec<OrderId>),
    /// To `Availability`.
    Available {
        /// Bit n: the sale's item n has free pieces.
        items: u64,
        /// Bit n: the sale's slot n has free places.
        slots: u64,
    },
    /// To anything: the database failed. What was asked may have been done, or not.
    Failed,
}

/// Where an order stands, as the shop writes it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// Its number.
    pub order: OrderId,
    /// What was asked for.
    pub checkout: domain::shop::Checkout,
    /// Where it stands.
    pub status: OrderStatus,
    /// The provider's name of the payment.
    pub payment: Option<domain::id::AuthorizationId>,
    /// The money it is about.
    pub amount: domain::money::Amount,
    /// When it was placed.
    pub created: Time,
    /// When it last changed.
    pub updated: Time,
    /// Which authorization of the same key it is about, from 0: an earlier one was let go.
    pub attempt: u32,
}

/// An order that an earlier shop wrote down, and whether something is still held for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it stood.
    pub row: OrderRow,
    /// Whether pieces or a place are held for it.
    pub holds: bool,
}
