//! Requests that only look: what they ask of the inventory, and how its answer becomes theirs.

use domain::id::{ItemId, SlotId};
use domain::outcome::Outcome;
use domain::shop::{Catalogue, Checkout, ShopReply, Short};

/// A request that waits for the inventory's word on what is free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// What is free in a sale.
    Status,
    /// Which slots of the sale of this number have room.
    Slots(u16),
    /// Whether an item, and a slot if one is chosen, has something free.
    Free(ItemId, Option<SlotId>),
    /// A checkout that found no token: whether waiting is of any use.
    Knock(Checkout),
}

/// Which sale each item and slot belongs to, and its place there.
#[derive(Debug)]
pub(super) struct Places {
    items: Vec<(u16, u32)>,
    slots: Vec<(u16, u32)>,
}

impl Places {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let mut places = Self { items: Vec::new(), slots: Vec::new() };
        for (number, sale) in (0_u16..).zip(&catalogue.sales) {
            places.items.extend((0_u32..).zip(&sale.items).map(|(place, _)| (number, place)));
            places.slots.extend((0_u32..).zip(&sale.slots).map(|(place, _)| (number, place)));
        }
        places
    }

    /// The sale of an item, and its place there.
    pub(super) fn item(&self, item: ItemId) -> Option<(u16, u32)> {
        self.items.get(usize::from(item.0)).copied()
    }

    /// The sale of a slot, and its place there.
    pub(super) fn slot(&self, slot: SlotId) -> Option<(u16, u32)> {
        self.slots.get(usize::from(slot.0)).copied()
    }

    /// What is short of what is wanted, if anything, where bit n of `items` and `slots` says that
    /// the sale's item or slot n has something free.
    pub(super) fn short(
        &self,
        item: ItemId,
        slot: Option<SlotId>,
        items: u64,
        slots: u64,
    ) -> Option<Short> {
        let gone = |place: Option<(u16, u32)>, free: u64| {
            place.is_some_and(|(_, place)| free.checked_shr(place).unwrap_or(0) & 1 == 0)
        };
        if gone(self.item(item), items) {
            Some(Short::Item)
        } else if slot.is_some_and(|slot| gone(self.slot(slot), slots)) {
            Some(Short::Slot)
        } else {
            None
        }
    }
}

/// An answer that says what is free, `sold_out` if something wanted is short.
pub(super) fn availability(short: Option<Short>, items: u64, slots: u64) -> ShopReply {
    let outcome = if short.is_some() { Outcome::SoldOut } else { Outcome::Ok };
    ShopReply { short, items: Some(items), slots: Some(slots), ..ShopReply::of(outcome) }
}
