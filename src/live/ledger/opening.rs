//! What there was before the storm: whatever of it is found again at the end is not the run's.

use std::collections::{BTreeMap, BTreeSet};

use crate::live::ledger::mapping::shop::{Count, Order, Reservation, ShopRow, Unit};

/// The shop's ledger before the storm.
#[derive(Debug, Default)]
pub(super) struct Opening {
    pub(super) stock: BTreeMap<String, Count>,
    pub(super) slots: BTreeMap<String, Count>,
    orders: BTreeMap<String, Earlier>,
    reservations: BTreeMap<String, (String, u64)>,
    /// Pieces that were no longer free.
    taken: BTreeSet<(String, String)>,
    /// How many pieces were, by item.
    pub(super) units: BTreeMap<String, u64>,
    /// Pieces by item, and orders by slot, that earlier orders moved since.
    pub(super) moved: BTreeMap<String, u64>,
    /// Pieces by item, and orders by slot, that earlier orders are paid for.
    pub(super) paid: BTreeMap<String, u64>,
}

/// An order from before the storm.
#[derive(Debug, Default)]
struct Earlier {
    status: String,
    /// Pieces by item, and orders by slot.
    of: Vec<(String, u64)>,
    seen: bool,
}

impl Opening {
    /// Takes note of a row from before the storm.
    pub(super) fn note(&mut self, row: ShopRow) {
        match row {
            ShopRow::Stock(count) => {
                self.stock.insert(count.name.clone(), count);
            }
            ShopRow::Slot(count) => {
                self.slots.insert(count.name.clone(), count);
            }
            ShopRow::Order(order) => {
                let earlier = self.orders.entry(order.id.clone()).or_default();
                earlier.of.extend(what(&order));
                earlier.status = order.status;
            }
            ShopRow::Reservation(Reservation { identity, item, quantity, .. }) => {
                self.reservations.insert(identity, (item, u64::from(quantity)));
            }
            ShopRow::Unit(Unit { item, state: "free", .. }) => {
                *self.units.entry(item).or_default() += 1;
            }
            ShopRow::Unit(Unit { name, item, .. }) => {
                self.units.entry(item.clone()).or_default();
                self.taken.insert((item, name));
            }
        }
    }

    /// Whether an order was there before the storm.
    pub(super) fn knows(&self, order: &str) -> bool {
        self.orders.contains_key(order)
    }

    /// Whether a reservation was there before the storm, or is for an order that was.
    pub(super) fn has_reservation(&self, reservation: &Reservation) -> bool {
        let known = self.reservations.contains_key(&reservation.identity);
        known || self.knows(&reservation.order_id)
    }

    /// Whether an order at the end was there before the storm; what it moved since is remembered.
    pub(super) fn claims_order(&mut self, order: &Order) -> bool {
        let Some(earlier) = self.orders.get_mut(&order.id) else { return false };
        earlier.seen = true;
        let moved = earlier.status != order.status;
        for (name, many) in what(order) {
            if moved {
                *self.moved.entry(name.clone()).or_default() += many;
            }
            if order.paid {
                *self.paid.entry(name).or_default() += many;
            }
        }
        true
    }

    /// Whether a reservation at the end was there before the storm.
    pub(super) fn claims_reservation(&mut self, reservation: &Reservation) -> bool {
        let known = self.reservations.remove(&reservation.identity).is_some();
        known || self.knows(&reservation.order_id)
    }

    /// Whether a piece at the end was somebody's before the storm.
    pub(super) fn claims_unit(&mut self, unit: &Unit) -> bool {
        let known = self.taken.contains(&(unit.item.clone(), unit.name.clone()));
        if known && unit.state == "free" {
            *self.moved.entry(unit.item.clone()).or_default() += 1;
        }
        known || unit.order_id.as_deref().is_some_and(|order| self.knows(order))
    }

    /// What was there before the storm and is gone has been given back, or swept away.
    pub(super) fn settle(&mut self) {
        let gone = self.orders.values().filter(|earlier| !earlier.seen);
        let held = self.reservations.values();
        for (name, many) in gone.flat_map(|earlier| &earlier.of).chain(held) {
            *self.moved.entry(name.clone()).or_default() += many;
        }
    }
}

/// The pieces of an order's row by item, and its place by slot.
fn what(order: &Order) -> impl Iterator<Item = (String, u64)> {
    let item = (!order.item.is_empty()).then(|| (order.item.clone(), u64::from(order.quantity)));
    item.into_iter().chain(order.slot.clone().map(|slot| (slot, 1)))
}
