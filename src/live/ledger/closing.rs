//! The shop's ledger at the end, as the judge's lines: without what was there before the storm.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use domain::money::Amount;
use domain::shop::{Catalogue, Item, Sale, ShopLine, Slot};

use crate::evidence::demand::Tally;
use crate::evidence::ledgers::{AtOpening, Ledgers};
use crate::live::ledger::mapping::shop::{Count, Order, Reservation, ShopRow, Unit};
use crate::live::ledger::opening::Opening;
use crate::live::ledger::shop::Shift;
use crate::live::ledger::stock::{Known, counts_of_all};

/// Numbers of pieces whose names are no numbers begin here, beyond any that a shop counts to.
const NAMED_UNITS: u64 = 1 << 63;

/// The end of a ledger, in the making.
pub(super) struct Closing<'a> {
    catalogue: &'a Catalogue,
    opening: &'a mut Opening,
    sink: &'a mut dyn Write,
    failure: Option<io::Error>,
    /// The items that each order's rows have named.
    orders: BTreeMap<String, Vec<String>>,
    /// The first order whose rows name an item twice.
    twice: Option<(String, String)>,
    named_units: BTreeMap<String, u64>,
    /// What the run's orders are paid for.
    paid: Tally,
    stock: BTreeMap<String, Count>,
    slots: BTreeMap<String, Count>,
}

impl<'a> Closing<'a> {
    pub(super) fn new(
        catalogue: &'a Catalogue,
        opening: &'a mut Opening,
        sink: &'a mut dyn Write,
    ) -> Self {
        Self {
            catalogue,
            opening,
            sink,
            failure: None,
            orders: BTreeMap::new(),
            twice: None,
            named_units: BTreeMap::new(),
            paid: Tally::default(),
            stock: BTreeMap::new(),
            slots: BTreeMap::new(),
        }
    }

    /// Takes a row at the end.
    pub(super) fn take(&mut self, row: ShopRow, shift: Shift) {
        match row {
            ShopRow::Stock(count) => {
                self.stock.insert(count.name.clone(), count);
            }
            ShopRow::Slot(count) => {
                self.slots.insert(count.name.clone(), count);
            }
            ShopRow::Order(order) => self.order(order, shift),
            ShopRow::Reservation(reservation) => self.reservation(reservation, shift),
            ShopRow::Unit(unit) => self.unit(unit),
        }
    }

    fn order(&mut self, order: Order, shift: Shift) {
        if self.opening.claims_order(&order) {
            return;
        }
        let items = self.orders.entry(order.id.clone()).or_default();
        let first = items.is_empty();
        if items.contains(&order.item) {
            self.twice.get_or_insert_with(|| (order.id.clone(), order.item.clone()));
        }
        items.push(order.item.clone());
        // An order takes one place, whatever it holds, and has one sum.
        let slot = order.slot.filter(|_| first);
        let amount = match order.total {
            Some(total) if first => total,
            Some(_) => 0,
            None => order.amount,
        };
        if order.paid {
            self.paid.add(self.catalogue, &order.item, slot.as_deref(), order.quantity);
        }
        self.write(&ShopLine::Order {
            order_id: order.id,
            fan: order.fan,
            intent: order.intent,
            item: order.item,
            slot,
            quantity: order.quantity,
            amount: Amount::new(amount),
            status: order.status,
            paid: order.paid,
            terminal: order.terminal,
            payment: order.payment,
            created_utc_ns: shift.ours(order.created_utc_ns),
            updated_utc_ns: shift.ours(order.updated_utc_ns),
        });
    }

    fn reservation(&mut self, reservation: Reservation, shift: Shift) {
        if self.opening.claims_reservation(&reservation) {
            return;
        }
        let Reservation { order_id, item, slot, quantity, held_until_utc_ns, .. } = reservation;
        let held_until_utc_ns = held_until_utc_ns.map(|until| shift.ours(until));
        self.write(&ShopLine::Reservation { order_id, item, slot, quantity, held_until_utc_ns });
    }

    fn unit(&mut self, unit: Unit) {
        if self.opening.claims_unit(&unit) {
            return;
        }
        let own_number = unit.name.parse().ok();
        let number = own_number.unwrap_or_else(|| {
            let next = NAMED_UNITS + self.named_units.len() as u64;
            *self.named_units.entry(unit.name.clone()).or_insert(next)
        });
        self.write(&ShopLine::Unit {
            unit: number,
            name: own_number.is_none().then_some(unit.name),
            item: unit.item,
            state: unit.state.to_owned(),
            order_id: unit.order_id,
        });
    }

    fn write(&mut self, line: &ShopLine) {
        if self.failure.is_none() {
            let mut text = serde_json::to_string(line).expect("a line of a ledger is JSON");
            text.push('\n');
            self.failure = self.sink.write_all(text.as_bytes()).err();
        }
    }

    /// Ends the ledger with what there was and where it is; `canary` is what the canary took, by
    /// item. What could be sold goes into `ledgers`, and doubts of what is stated are returned.
    ///
    /// # Errors
    /// When an order names an item twice, or the sink fails: why, in one line.
    pub(super) fn end(
        mut self,
        canary: Option<(&str, u64)>,
        ledgers: &mut Ledgers,
    ) -> Result<Vec<String>, String> {
        if let Some((order, item)) = &self.twice {
            return Err(format!(
                "order {order} has several rows for {item}: one row for each item of an order, \
                 with the sum of its pieces, is needed"
            ));
        }
        self.opening.settle();
        let doubts = self.balances(canary, ledgers);
        ledgers.elsewhere = self.not_for_sale();
        ledgers.moved = self.opening.moved.clone();
        ledgers.units = self.opening.units.clone();
        let flushed = self.sink.flush().err();
        match self.failure.or(flushed) {
            Some(error) => Err(format!("its file cannot be written: {error}")),
            None => Ok(doubts),
        }
    }

    /// Items that the query `stock` knows, and no sale.
    fn not_for_sale(&self) -> BTreeSet<String> {
        let is_sold = |name: &&String| self.catalogue.items().any(|(_, _, item)| item.id == **name);
        self.stock.keys().filter(|name| !is_sold(name)).cloned().collect()
    }

    fn balances(&mut self, canary: Option<(&str, u64)>, ledgers: &mut Ledgers) -> Vec<String> {
        let (mut doubts, mut lines) = (Vec::new(), Vec::new());
        let catalogue = self.catalogue;
        let items: Vec<Known<'_>> = catalogue
            .items()
            .map(|(_, _, item)| Known {
                name: &item.id,
                stated: stated(item.stock),
                canary: canary.map_or(0, |(of, many)| if of == item.id { many } else { 0 }),
                opening: self.opening.stock.get(&item.id),
                end: self.stock.get(&item.id),
                paid: self.paid.item(&item.id),
                paid_earlier: self.opening.paid.get(&item.id).copied().unwrap_or(0),
            })
            .collect();
        let counts = counts_of_all(&items);
        for item in &items {
            if let Some(doubt) = item.doubt(counts) {
                ledgers.disputed.insert(item.name.to_owned());
                doubts.push(doubt);
            }
            if let Some(sellable) = item.sellable(counts) {
                ledgers.stock.insert(item.name.to_owned(), sellable);
            }
            lines.extend(item.balance(counts).map(|found| ShopLine::Stock {
                item: item.name.to_owned(),
                initial: found.initial,
                free: found.free,
                held: found.held,
                sold: found.sold,
            }));
        }
        let slots: Vec<(String, &Sale, &Slot)> = catalogue
            .slots()
            .map(|(_, sale, slot)| (format!("{}/{}", sale.id, slot.id), sale, slot))
            .collect();
        let places: Vec<Known<'_>> = slots
            .iter()
            .map(|(place, _, slot)| Known {
                name: place,
                stated: stated(slot.capacity),
                canary: 0,
                opening: either(&self.opening.slots, place, &slot.id),
                end: either(&self.slots, place, &slot.id),
                paid: self.paid.slot(place),
                paid_earlier: *either(&self.opening.paid, place, &slot.id).unwrap_or(&0),
            })
            .collect();
        let counts = counts_of_all(&places);
        for (known, (place, sale, slot)) in places.iter().zip(&slots) {
            if let Some(doubt) = known.doubt(counts) {
                ledgers.disputed.insert(place.clone());
                doubts.push(doubt);
            }
            if let Some(sellable) = known.sellable(counts) {
                ledgers.places.insert(place.clone(), sellable);
            }
            lines.extend(known.balance(counts).map(|found| ShopLine::Slot {
                slot: slot.id.clone(),
                sale: sale.id.clone(),
                initial: found.initial,
                free: found.free,
                held: found.held,
                sold: found.sold,
            }));
        }
        for line in &lines {
            self.write(line);
        }
        doubts
    }
}

/// What could be sold, as far as the rows before the storm say.
pub(super) fn at_opening(
    catalogue: &Catalogue,
    opening: &Opening,
    canary: Option<(&str, u64)>,
) -> AtOpening {
    let item = |item: &Item| {
        let taken = canary.map_or(0, |(of, many)| if of == item.id { many } else { 0 });
        let known = before(&item.id, item.stock, taken, opening.stock.get(&item.id));
        Some((item.id.clone(), known.sellable(None)?))
    };
    let slot = |sale: &Sale, slot: &Slot| {
        let place = format!("{}/{}", sale.id, slot.id);
        let row = either(&opening.slots, &place, &slot.id);
        let sellable = before(&place, slot.capacity, 0, row).sellable(None)?;
        Some((place, sellable))
    };
    AtOpening {
        stock: catalogue.items().filter_map(|(_, _, found)| item(found)).collect(),
        places: catalogue.slots().filter_map(|(_, sale, found)| slot(sale, found)).collect(),
    }
}

/// What is known of `name` before the storm.
fn before<'a>(name: &'a str, all: u32, canary: u64, opening: Option<&'a Count>) -> Known<'a> {
    Known { name, stated: stated(all), canary, opening, end: None, paid: 0, paid_earlier: 0 }
}

/// What is known of a slot by either of its names.
fn either<'a, T>(of: &'a BTreeMap<String, T>, place: &str, slot: &str) -> Option<&'a T> {
    of.get(place).or_else(|| of.get(slot))
}

/// What a scenario says of stock: nothing, where it is 0.
fn stated(stock: u32) -> Option<u64> {
    (stock > 0).then_some(u64::from(stock))
}
