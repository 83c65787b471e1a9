//! Stock in memory: the same behaviour as the database's, without one.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::{ItemId, OrderId, SlotId};
use domain::shop::{Balance, Catalogue, ShopLine, Short};
use domain::time::Time;

use crate::inventory::shelf::Shelf;
use crate::inventory::{Balances, item_margin, leaks, order_line, slot_margin, slot_name};
use crate::rules::fault::Fault;
use crate::rules::{Found, InventoryCall, InventoryReply, OrderRow};
use crate::settings::Inventory;

/// All stock, what is held of it for whom, and the orders that were written down.
#[derive(Clone, Debug)]
pub struct Memory {
    catalogue: Catalogue,
    strategy: Inventory,
    faults: Vec<Fault>,
    began_utc_ns: u64,
    items: Vec<Shelf>,
    slots: Vec<Shelf>,
    holds: BTreeMap<OrderId, Hold>,
    /// The holds with a time to live, the next to run out first.
    expiries: BTreeSet<(Time, OrderId)>,
    orders: BTreeMap<OrderId, OrderRow>,
}

/// What an order holds or bought.
#[derive(Clone, Debug)]
struct Hold {
    item: ItemId,
    slot: Option<SlotId>,
    quantity: u32,
    until: Option<Time>,
    sold: bool,
    /// The rows of its pieces; fewer than `quantity` where there were none left.
    units: Vec<u64>,
    /// The row of its place.
    places: Vec<u64>,
}

impl Memory {
    /// Everything free. `faults` are the promises to break; those of the rules are ignored here.
    pub fn new(catalogue: &Catalogue, strategy: Inventory, faults: &[Fault]) -> Self {
        let stock = catalogue.items().map(|(_, _, item)| item.stock);
        let capacity = catalogue.slots().map(|(_, _, slot)| slot.capacity);
        let items = shelves(stock, strategy, |initial| item_margin(initial, faults));
        let slots = shelves(capacity, strategy, |initial| slot_margin(initial, faults));
        Self {
            catalogue: catalogue.clone(),
            strategy,
            faults: faults.to_vec(),
            began_utc_ns: 0,
            items,
            slots,
            holds: BTreeMap::new(),
            expiries: BTreeSet::new(),
            orders: BTreeMap::new(),
        }
    }

    /// The same stock for a run that began at `began_utc_ns` \[ns\], which its lines speak of.
    #[must_use]
    pub fn began(self, began_utc_ns: u64) -> Self {
        Self { began_utc_ns, ..self }
    }

    /// Carries out a call that takes effect at `now`: completely, or not at all if something is
    /// short.
    pub fn apply(&mut self, now: Time, call: InventoryCall) -> InventoryReply {
        match call {
            InventoryCall::Read { item, slot } => InventoryReply::Free {
                item: self.items[usize::from(item.0)].says_free(),
                slot: slot.map(|slot| self.slots[usize::from(slot.0)].says_free()),
            },
            InventoryCall::Reserve { order, item, slot, quantity, until } => {
                self.reserve(order, Hold::of(item, slot, quantity, until))
            }
            InventoryCall::Decrement { order, item, slot, quantity, until } => {
                self.hold(order, Hold::of(item, slot, quantity, until));
                InventoryReply::Reserved
            }
            InventoryCall::Sell { order } => self.sell(order),
            InventoryCall::Release { order } => self.release(order),
            InventoryCall::Sweep { now: asked } => {
                debug_assert!(asked <= now, "a sweep takes effect after it was asked for");
                self.sweep(asked)
            }
            InventoryCall::Availability { sale } => self.availability(sale),
        }
    }

    /// Writes an order down, in place of what was written of it before.
    pub fn record(&mut self, row: OrderRow) {
        self.orders.insert(row.order, row);
    }

    /// Where all pieces and places are.
    pub fn balances(&self) -> Balances {
        let items = self.catalogue.items().zip(&self.items);
        let slots = self.catalogue.slots().zip(&self.slots);
        Balances {
            items: items.map(|((_, _, item), shelf)| (item.id.clone(), shelf.balance)).collect(),
            slots: slots
                .map(|((_, sale, slot), shelf)| (slot_name(&sale.id, &slot.id), shelf.balance))
                .collect(),
        }
    }

    /// The orders that were written down, for a shop that goes on with them.
    pub fn found(&self) -> Vec<Found> {
        let holds = |order: &OrderId| self.holds.get(order).is_some_and(|hold| !hold.sold);
        let orders = self.orders.iter();
        orders.map(|(order, row)| Found { row: row.clone(), holds: holds(order) }).collect()
    }

    /// The lines of orders that `other` has never heard of: those, and the pieces that they bought here.
    pub fn lines_beside(&self, other: &Self) -> Vec<ShopLine> {
        let unheard = self.orders.keys().filter(|order| !other.orders.contains_key(*order));
        let unheard: BTreeSet<String> = unheard.map(ToString::to_string).collect();
        let is_of_one = |line: &ShopLine| match line {
            ShopLine::Order { order_id, .. } => unheard.contains(order_id),
            ShopLine::Unit { order_id: Some(order_id), state, .. } => {
                state == "sold" && unheard.contains(order_id)
            }
            _ => false,
        };
        self.lines().into_iter().filter(is_of_one).collect()
    }

    /// The ledger: stock, slots, the orders that were recorded, reservations, and units where there
    /// is a row for each.
    pub fn lines(&self) -> Vec<ShopLine> {
        let mut lines = self.stock_lines();
        let order_lines = self.orders.values();
        lines.extend(order_lines.map(|row| order_line(row, &self.catalogue, self.began_utc_ns)));
        lines.extend(self.reservation_lines());
        if self.strategy.has_rows() {
            lines.extend(self.piece_lines());
        }
        lines
    }

    /// Takes what is wanted, or neither piece nor place. An order that holds something already
    /// keeps it, until the new time.
    fn reserve(&mut self, order: OrderId, wanted: Hold) -> InventoryReply {
        if let Some(hold) = self.holds.get_mut(&order).filter(|hold| !hold.sold) {
            let until = std::mem::replace(&mut hold.until, wanted.until);
            self.reschedule(order, until, wanted.until);
            return InventoryReply::Reserved;
        }
        let item = &self.items[usize::from(wanted.item.0)];
        if item.says_free() < i64::from(wanted.quantity) {
            return InventoryReply::Short(Short::Item);
        }
        if wanted.slot.is_some_and(|slot| self.slots[usize::from(slot.0)].says_free() < 1) {
            return InventoryReply::Short(Short::Slot);
        }
        self.hold(order, wanted);
        InventoryReply::Reserved
    }

    fn hold(&mut self, order: OrderId, mut hold: Hold) {
        let item = &mut self.items[usize::from(hold.item.0)];
        hold.units = item.take(hold.quantity);
        if leaks(order, &self.faults) {
            item.lose_one();
        }
        if let Some(slot) = hold.slot {
            hold.places = self.slots[usize::from(slot.0)].take(1);
        }
        self.reschedule(order, None, hold.until);
        self.holds.insert(order, hold);
    }

    /// The time to live of an order's hold is no longer `before` but `after`.
    fn reschedule(&mut self, order: OrderId, before: Option<Time>, after: Option<Time>) {
        if let Some(until) = before {
            self.expiries.remove(&(until, order));
        }
        if let Some(until) = after {
            self.expiries.insert((until, order));
        }
    }

    fn sell(&mut self, order: OrderId) -> InventoryReply {
        let Some(hold) = self.holds.get_mut(&order).filter(|hold| !hold.sold) else {
            return InventoryReply::Done { held: false };
        };
        self.items[usize::from(hold.item.0)].sell(hold.quantity);
        if let Some(slot) = hold.slot {
            self.slots[usize::from(slot.0)].sell(1);
        }
        hold.sold = true;
        let until = hold.until.take();
        self.reschedule(order, until, None);
        InventoryReply::Done { held: true }
    }

    fn release(&mut self, order: OrderId) -> InventoryReply {
        let Some(hold) = self.holds.get(&order).filter(|hold| !hold.sold).cloned() else {
            return InventoryReply::Done { held: false };
        };
        self.holds.remove(&order);
        self.reschedule(order, hold.until, None);
        self.items[usize::from(hold.item.0)].put_back(hold.quantity, hold.units);
        if let Some(slot) = hold.slot {
            self.slots[usize::from(slot.0)].put_back(1, hold.places);
        }
        InventoryReply::Done { held: true }
    }

    fn sweep(&mut self, now: Time) -> InventoryReply {
        let due = self.expiries.iter().take_while(|(until, _)| *until <= now);
        let orders: Vec<OrderId> = due.map(|(_, order)| *order).collect();
        for order in &orders {
            self.release(*order);
        }
        InventoryReply::Swept(orders)
    }

    fn availability(&self, sale: u16) -> InventoryReply {
        let number = usize::from(sale);
        let bits = |shelves: &[Shelf], first: u16, count: usize| {
            let shelves = &shelves[usize::from(first)..][..count];
            (0_u32..)
                .zip(shelves)
                .filter(|(_, shelf)| shelf.says_free() > 0)
                .fold(0, |bits: u64, (place, _)| bits | 1_u64.checked_shl(place).unwrap_or(0))
        };
        let of = &self.catalogue.sales[number];
        InventoryReply::Available {
            items: bits(&self.items, self.catalogue.first_item(number).0, of.items.len()),
            slots: bits(&self.slots, self.catalogue.first_slot(number).0, of.slots.len()),
        }
    }

    fn stock_lines(&self) -> Vec<ShopLine> {
        let items = self.catalogue.items().zip(&self.items);
        let mut lines: Vec<ShopLine> = items
            .map(|((_, _, item), shelf)| {
                let Balance { free, held, sold } = shelf.balance;
                let initial = u64::from(shelf.initial);
                ShopLine::Stock { item: item.id.clone(), initial, free, held, sold }
            })
            .collect();
        lines.extend(self.catalogue.slots().zip(&self.slots).map(|((_, sale, slot), shelf)| {
            let Balance { free, held, sold } = shelf.balance;
            let (slot, sale) = (slot.id.clone(), sale.id.clone());
            ShopLine::Slot { slot, sale, initial: u64::from(shelf.initial), free, held, sold }
        }));
        lines
    }

    fn reservation_lines(&self) -> impl Iterator<Item = ShopLine> {
        self.holds.iter().filter(|(_, hold)| !hold.sold).map(|(order, hold)| {
            ShopLine::Reservation {
                order_id: order.to_string(),
                item: self.item_name(hold.item),
                slot: hold.slot.map(|slot| self.slot_name(slot)),
                quantity: hold.quantity,
                held_until_utc_ns: hold.until.map(|until| self.began_utc_ns + until.nanos()),
            }
        })
    }

    /// Every piece, by its number; one that was sold twice has a line for each of its orders.
    fn piece_lines(&self) -> Vec<ShopLine> {
        let mut rows = Vec::new();
        for ((number, _, _), shelf) in self.catalogue.items().zip(&self.items) {
            rows.extend(shelf.free.iter().map(|unit| (*unit, None, number)));
        }
        for (order, hold) in &self.holds {
            rows.extend(hold.units.iter().map(|unit| (*unit, Some(*order), hold.item)));
            let stock = &self.items[usize::from(hold.item.0)];
            let missing = u64::from(hold.quantity) - hold.units.len() as u64;
            rows.extend((0..missing).map(|n| (stock.doubled(*order, n), Some(*order), hold.item)));
        }
        rows.sort_unstable();
        let line = |(unit, order, item): (u64, Option<OrderId>, ItemId)| ShopLine::Unit {
            name: None,
            unit,
            item: self.item_name(item),
            state: match order {
                None => "free",
                Some(order) if self.holds[&order].sold => "sold",
                Some(_) => "held",
            }
            .to_owned(),
            order_id: order.map(|order| order.to_string()),
        };
        rows.into_iter().map(line).collect()
    }

    fn item_name(&self, item: ItemId) -> String {
        let found = self.catalogue.items().nth(usize::from(item.0));
        found.expect("only what exists is held").2.id.clone()
    }

    fn slot_name(&self, slot: SlotId) -> String {
        let found = self.catalogue.slots().nth(usize::from(slot.0));
        found.expect("only what exists is held").2.id.clone()
    }
}

impl Hold {
    fn of(item: ItemId, slot: Option<SlotId>, quantity: u32, until: Option<Time>) -> Self {
        Self { item, slot, quantity, until, sold: false, units: Vec::new(), places: Vec::new() }
    }
}

/// A shelf for each of `initials`, their rows numbered one after the other from 1.
fn shelves(
    initials: impl Iterator<Item = u32>,
    strategy: Inventory,
    margin: impl Fn(u32) -> i64,
) -> Vec<Shelf> {
    let mut first = 1;
    initials
        .map(|initial| {
            let shelf = Shelf::new(initial, margin(initial), strategy, first);
            first += u64::from(initial);
            shelf
        })
        .collect()
}
