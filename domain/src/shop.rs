//! What a fan asks of the embedded shop, what it is told, and what the shop wrote down.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{FanId, ItemId, OrderId, SlotId};
use crate::money::Amount;
use crate::outcome::Outcome;
use crate::time::{Duration, Time};

/// How many items, and how many slots, one sale may have: availability travels as 64 bits.
pub const CHOICES_MAX: usize = 64;

/// All that is for sale.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The sales, in the scenario's order.
    pub sales: Vec<Sale>,
}

/// One sale: items and pickup slots that open together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sale {
    /// Its name.
    pub id: String,
    /// When it opens, from the run's beginning.
    pub opens: Time,
    /// When it closes.
    pub closes: Time,
    /// How many pieces one fan may buy.
    pub limit_per_fan: u32,
    /// Its items, at most [`CHOICES_MAX`].
    pub items: Vec<Item>,
    /// Its pickup slots, at most [`CHOICES_MAX`]; none means that nothing is picked up.
    pub slots: Vec<Slot>,
}

/// An item of a sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its name, unique in the scenario.
    pub id: String,
    /// How many pieces there are.
    pub stock: u32,
    /// The price of one piece.
    pub price: Amount,
}

/// A pickup slot of a sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Its name, unique in its sale.
    pub id: String,
    /// How many orders can be picked up in it.
    pub capacity: u32,
}

impl Catalogue {
    /// All items with their numbers, across the sales.
    pub fn items(&self) -> impl Iterator<Item = (ItemId, &Sale, &Item)> {
        self.sales
            .iter()
            .flat_map(|sale| sale.items.iter().map(move |item| (sale, item)))
            .zip(0_u16..)
            .map(|((sale, item), number)| (ItemId(number), sale, item))
    }

    /// All slots with their numbers, across the sales.
    pub fn slots(&self) -> impl Iterator<Item = (SlotId, &Sale, &Slot)> {
        self.sales
            .iter()
            .flat_map(|sale| sale.slots.iter().map(move |slot| (sale, slot)))
            .zip(0_u16..)
            .map(|((sale, slot), number)| (SlotId(number), sale, slot))
    }

    /// The number of a sale's first item.
    ///
    /// # Panics
    /// When there is no such sale.
    pub fn first_item(&self, sale: usize) -> ItemId {
        let before: usize = self.sales[..sale].iter().map(|sale| sale.items.len()).sum();
        ItemId(u16::try_from(before).expect("a scenario has fewer than 65,536 items"))
    }

    /// The number of a sale's first slot.
    ///
    /// # Panics
    /// When there is no such sale.
    pub fn first_slot(&self, sale: usize) -> SlotId {
        let before: usize = self.sales[..sale].iter().map(|sale| sale.slots.len()).sum();
        SlotId(u16::try_from(before).expect("a scenario has fewer than 65,536 slots"))
    }
}

/// What a fan asks of the shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShopRequest {
    /// A cacheable part of the sale's page; the sale's place in the catalogue, the part from 0.
    Page {
        /// The sale's place in the catalogue.
        sale: u16,
        /// The part of the page.
        part: u16,
    },
    /// Whether the sale is open and what is left: the uncached call of a reload.
    Status {
        /// The sale's place in the catalogue.
        sale: u16,
    },
    /// The pickup slots.
    Slots {
        /// The sale's place in the catalogue.
        sale: u16,
    },
    /// An item.
    Item {
        /// Which.
        item: ItemId,
    },
    /// Pieces of an item and a slot go into the cart; nothing is reserved.
    Cart {
        /// Which item.
        item: ItemId,
        /// Which slot, if the sale has slots.
        slot: Option<SlotId>,
        /// How many pieces.
        quantity: u32,
    },
    /// The order is placed and paid.
    Checkout(Checkout),
    /// What became of the order under an idempotency key.
    Order {
        /// The key of its checkout.
        key: String,
    },
}

/// An order to be placed and paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkout {
    /// Who buys.
    pub fan: FanId,
    /// The purchase intent, which travels to both ledgers.
    pub intent: String,
    /// The idempotency key: one per purchase of the intent (another card is another purchase).
    pub key: String,
    /// Which item.
    pub item: ItemId,
    /// Which slot, if the sale has slots.
    pub slot: Option<SlotId>,
    /// How many pieces.
    pub quantity: u32,
    /// Which of the fan's cards, from 0.
    pub card: u32,
}

/// Which of the two limited resources is short.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Short {
    /// The item.
    Item,
    /// The pickup slot.
    Slot,
}

/// What the shop answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopReply {
    /// What came of it.
    pub outcome: Outcome,
    /// When to ask again, in whole seconds as HTTP has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// What is short, when the outcome is `sold_out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<Short>,
    /// The items of the sale that still have free pieces: bit n is the sale's item n. Absent
    /// where the answer does not speak of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// The slots of the sale that still have room, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u64>,
    /// The order, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
}

impl ShopReply {
    /// An answer that says nothing but its outcome.
    pub const fn of(outcome: Outcome) -> Self {
        Self { outcome, retry_after_s: None, short: None, items: None, slots: None, order: None }
    }

    /// The wait asked for, if any.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_s.map(|seconds| Duration::from_secs(u64::from(seconds)))
    }

    /// The HTTP status of an outcome; `unknown` and `shed` are never answered.
    pub const fn status(outcome: Outcome) -> u16 {
        match outcome {
            Outcome::Ok => 200,
            Outcome::Waiting => 202,
            Outcome::Declined => 402,
            Outcome::SoldOut => 409,
            Outcome::Rejected => 422,
            Outcome::NotOpen => 425,
            Outcome::RateLimited => 429,
            Outcome::Error | Outcome::Unknown | Outcome::Shed => 500,
        }
    }
}

/// Where an order stands. `Captured` alone means sold.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Begun; nothing reserved, nothing authorized.
    Created,
    /// Pieces and slot are held; no payment yet.
    Reserved,
    /// Payment under way.
    Authorizing,
    /// Money is reserved.
    Authorized,
    /// Paid: sold.
    Captured,
    /// The payment was declined.
    Declined,
    /// Ended without a sale; the authorization was let go, or an attempt to do so was made.
    Voided,
    /// Ended without a sale before any money was reserved.
    Failed,
    /// The reservation ran out.
    Expired,
}

impl OrderStatus {
    /// Whether the order is over.
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Captured | Self::Declined | Self::Voided | Self::Failed | Self::Expired
        )
    }

    /// Whether the order is a sale.
    pub const fn is_paid(self) -> bool {
        matches!(self, Self::Captured)
    }
}

/// One line of the shop's ledger at the end of a run (and of a foreign shop's, once mapped).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ShopLine {
    /// An item's stock, and where its pieces are according to the shop.
    Stock {
        /// The item.
        item: String,
        /// Pieces at the start.
        initial: u64,
        /// Pieces for sale; below 0 when the shop lost count.
        free: i64,
        /// Pieces held for orders.
        held: i64,
        /// Pieces sold.
        sold: i64,
    },
    /// A slot's capacity, and where its places are according to the shop.
    Slot {
        /// The slot.
        slot: String,
        /// The sale.
        sale: String,
        /// Places at the start.
        initial: u64,
        /// Places left.
        free: i64,
        /// Places held.
        held: i64,
        /// Places taken.
        sold: i64,
    },
    /// An order.
    Order {
        /// Its number.
        order_id: String,
        /// Who buys.
        fan: String,
        /// The purchase intent.
        intent: String,
        /// The item.
        item: String,
        /// The slot.
        slot: Option<String>,
        /// Pieces.
        quantity: u32,
        /// The money it is about.
        amount: Amount,
        /// The shop's own word for where it stands.
        status: String,
        /// Whether that word means sold.
        paid: bool,
        /// Whether that word means that nothing more will happen.
        terminal: bool,
        /// The provider's name of the payment.
        payment: Option<String>,
        /// When it was placed, in nanoseconds of UTC \[ns\].
        created_utc_ns: u64,
        /// When it last changed, in nanoseconds of UTC \[ns\].
        updated_utc_ns: u64,
    },
    /// Pieces and a slot that are held.
    Reservation {
        /// For which order.
        order_id: String,
        /// The item.
        item: String,
        /// The slot.
        slot: Option<String>,
        /// Pieces.
        quantity: u32,
        /// Until when, in nanoseconds of UTC \[ns\]; absent means for ever.
        held_until_utc_ns: Option<u64>,
    },
    /// One piece of stock, where the shop keeps one row per piece.
    Unit {
        /// Its number.
        unit: u64,
        /// What a foreign shop calls it, where that is no number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The item.
        item: String,
        /// `free`, `held` or `sold`.
        state: String,
        /// The order that holds or bought it.
        order_id: Option<String>,
    },
}

/// Where an item's pieces or a slot's places are.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// For sale; below 0 when the shop lost count.
    pub free: i64,
    /// Held for orders.
    pub held: i64,
    /// Sold.
    pub sold: i64,
}

/// What the shop says of itself at one moment of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShopSnapshot {
    /// When, from the run's beginning.
    #[schemars(with = "u64")]
    pub at: Time,
    /// Requests that reached the edge so far.
    pub edge: u64,
    /// Requests that reached the origin so far.
    pub origin: u64,
    /// Calls to the payment provider so far.
    pub payment: u64,
    /// Orders and void jobs that are not over.
    pub pending: u64,
    /// Each item's balance, by its name.
    pub items: BTreeMap<String, Balance>,
    /// Each slot's balance, by `sale/slot`.
    pub slots: BTreeMap<String, Balance>,
}
