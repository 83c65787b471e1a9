//! What a fan asks of the embedded shop, what it is told, and what the shop wrote down.

mod ledger;
mod lottery;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{FanId, ItemId, OrderId, SlotId};
use crate::money::Amount;
use crate::outcome::Outcome;
use crate::time::{Duration, Time};

pub use ledger::{
    Balance, BalancerState, CacheState, DatabaseLoad, EdgeState, FullStation, NodeState, ShopLine,
    ShopSnapshot, TaskState,
};
pub use lottery::{Lottery, Redraw};

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
    /// How its pieces are given out, where that is by lot; absent: to who comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lottery: Option<Lottery>,
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
    /// Signs in, at the base of members that all sales share.
    Login {
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
    /// Enters the lottery of the item's sale, to pay later under the same intent and key.
    Enter(Checkout),
    /// Whether a fan's entry has won.
    Drawn {
        /// The sale's place in the catalogue.
        sale: u16,
        /// Who entered.
        fan: FanId,
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
