//! Where the stock is: carries out the inventory calls of the rules.

pub mod memory;
pub mod postgres;
pub mod redis;
pub mod sqlite;
pub mod stock;

mod lines;
mod open;
mod rows;
mod shelf;
#[cfg(test)]
mod trial;
mod unwritten;
mod view;
mod writer;

use std::collections::BTreeMap;

use domain::shop::{Balance, Catalogue, ShopLine};
use domain::time::Time;
use serde::Serialize;

use crate::rules::fault::Fault;
use crate::rules::{Hold, HoldEnd, OrderRow, Shop};
use crate::settings::Inventory;

/// Where all pieces and places are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    /// Each item's balance, by its name.
    pub items: BTreeMap<String, Balance>,
    /// Each slot's balance, by `sale/slot`.
    pub slots: BTreeMap<String, Balance>,
}

/// The ledger line of an order, for a run that began at `began_utc_ns` \[ns\].
///
/// # Panics
/// If the order is about an item or a slot that `catalogue` does not have.
pub fn order_line(row: &OrderRow, catalogue: &Catalogue, began_utc_ns: u64) -> ShopLine {
    let checkout = &row.checkout;
    let (_, _, item) =
        catalogue.items().nth(usize::from(checkout.item.0)).expect("only what exists is ordered");
    let slot = checkout.slot.map(|slot| {
        let (_, _, slot) =
            catalogue.slots().nth(usize::from(slot.0)).expect("only what exists is ordered");
        slot.id.clone()
    });
    ShopLine::Order {
        order_id: row.order.to_string(),
        fan: checkout.fan.to_string(),
        intent: checkout.intent.clone(),
        item: item.id.clone(),
        slot,
        quantity: checkout.quantity,
        amount: row.amount,
        status: status_word(row.status).to_owned(),
        paid: row.status.is_paid(),
        terminal: row.status.is_terminal(),
        payment: row.payment.map(|payment| payment.to_string()),
        created_utc_ns: began_utc_ns + row.created.nanos(),
        updated_utc_ns: began_utc_ns + row.updated.nanos(),
    }
}

/// The ledger lines of the holds of a shop, for a run that began at `began_utc_ns` \[ns\].
pub fn hold_lines(shop: &Shop, began_utc_ns: u64) -> Vec<ShopLine> {
    let catalogue = shop.catalogue();
    let items: Vec<&str> = catalogue.items().map(|(_, _, item)| item.id.as_str()).collect();
    let slots: Vec<&str> = catalogue.slots().map(|(_, _, slot)| slot.id.as_str()).collect();
    let utc = |at: Time| began_utc_ns + at.nanos();
    let line = |hold: &Hold| {
        let (sold, freed) = match hold.end {
            HoldEnd::Held => (None, None),
            HoldEnd::Sold { at } => (Some(at), None),
            HoldEnd::Freed { asked, at } => (None, Some((asked, at))),
        };
        ShopLine::Hold {
            order_id: hold.order.to_string(),
            item: items[usize::from(hold.item.0)].to_owned(),
            slot: hold.slot.map(|slot| slots[usize::from(slot.0)].to_owned()),
            quantity: hold.quantity,
            asked_utc_ns: utc(hold.asked),
            taken_utc_ns: utc(hold.taken),
            sold_utc_ns: sold.map(utc),
            freeing_utc_ns: freed.map(|(asked, _)| utc(asked)),
            freed_utc_ns: freed.map(|(_, at)| utc(at)),
        }
    };
    shop.holds().iter().map(line).collect()
}

/// The word of a status in ledgers, the same as in JSON.
pub const fn status_word(status: domain::shop::OrderStatus) -> &'static str {
    use domain::shop::OrderStatus;
    match status {
        OrderStatus::Created => "created",
        OrderStatus::Reserved => "reserved",
        OrderStatus::Authorizing => "authorizing",
        OrderStatus::Authorized => "authorized",
        OrderStatus::Captured => "captured",
        OrderStatus::Declined => "declined",
        OrderStatus::Voided => "voided",
        OrderStatus::Failed => "failed",
        OrderStatus::Expired => "expired",
    }
}

/// What must be the same for one shop to go on where another ended.
#[derive(Serialize)]
struct Sold<'a> {
    catalogue: &'a Catalogue,
    inventory: Inventory,
}

/// What is sold, and how, as it is written down.
pub(crate) fn sold(catalogue: &Catalogue, inventory: Inventory) -> String {
    serde_json::to_string(&Sold { catalogue, inventory })
        .expect("a catalogue can always be written")
}

/// The name of a slot among all slots of a scenario: `sale/slot`.
pub(crate) fn slot_name(sale: &str, slot: &str) -> String {
    format!("{sale}/{slot}")
}

/// Every how many orders [`Fault::LeakUnits`] loses a piece.
const LEAK_EVERY: u64 = 8;

/// Whether a broken promise loses a piece with the reservation of this order.
pub(crate) fn leaks(order: domain::id::OrderId, faults: &[Fault]) -> bool {
    order.0.is_multiple_of(LEAK_EVERY) && faults.contains(&Fault::LeakUnits)
}

/// How many pieces of an item a broken promise adds to what is free, or hides of it: a tenth of
/// the stock, at least two.
pub(crate) fn item_margin(initial: u32, faults: &[Fault]) -> i64 {
    let tenth = i64::from(initial.div_ceil(10).max(2));
    let has = |fault| i64::from(faults.contains(&fault));
    tenth * (has(Fault::Oversell) - has(Fault::EarlySoldOut))
}

/// How many places of a slot a broken promise adds to what is free.
pub(crate) fn slot_margin(initial: u32, faults: &[Fault]) -> i64 {
    let tenth = i64::from(initial.div_ceil(10).max(2));
    if faults.contains(&Fault::OversellSlots) { tenth } else { 0 }
}
