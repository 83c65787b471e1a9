//! What the tests of every storage ask of it: the same calls, in an order that the rules may make.

use std::collections::BTreeSet;

use domain::id::{AuthorizationId, ItemId, OrderId, SlotId};
use domain::money::Amount;
use domain::shop::{Catalogue, Checkout, Item, OrderStatus, Sale, Slot};
use domain::time::Time;
use proptest::prelude::*;

use crate::rules::{InventoryCall, InventoryReply, OrderRow};
use crate::settings::Inventory;

/// What the orders of a course have, so that only such calls are made as the rules make.
#[derive(Debug)]
pub(super) struct Course {
    strategy: Inventory,
    holding: BTreeSet<OrderId>,
    bought: BTreeSet<OrderId>,
}

impl Course {
    /// Nobody has anything.
    pub(super) fn of(strategy: Inventory) -> Self {
        Self { strategy, holding: BTreeSet::new(), bought: BTreeSet::new() }
    }

    /// The call as the rules would make it, if they would.
    pub(super) fn next(&self, call: InventoryCall) -> Option<InventoryCall> {
        match call {
            // An order that bought something asks for nothing more.
            InventoryCall::Reserve { order, .. } if self.bought.contains(&order) => None,
            InventoryCall::Reserve { order, item, slot, quantity, until }
                if self.strategy == Inventory::NaiveCounter && !self.holding.contains(&order) =>
            {
                Some(InventoryCall::Decrement { order, item, slot, quantity, until })
            }
            call => Some(call),
        }
    }

    /// What the storage said to it.
    pub(super) fn heard(&mut self, call: InventoryCall, reply: &InventoryReply) {
        match (call, reply) {
            (
                InventoryCall::Reserve { order, .. } | InventoryCall::Decrement { order, .. },
                InventoryReply::Reserved,
            ) => drop(self.holding.insert(order)),
            (InventoryCall::Sell { order }, InventoryReply::Done { held: true }) => {
                self.holding.remove(&order);
                self.bought.insert(order);
            }
            (InventoryCall::Release { order }, _) => drop(self.holding.remove(&order)),
            (_, InventoryReply::Swept(orders)) => {
                self.holding.retain(|order| !orders.contains(order));
            }
            _ => {}
        }
    }
}

/// Two sales, one item of which is never there.
pub(super) fn catalogue() -> Catalogue {
    let item = |id: &str, stock| Item { id: id.to_owned(), stock, price: Amount::new(100) };
    let slot = |id: &str, capacity| Slot { id: id.to_owned(), capacity };
    let sale = |id: &str, items, slots| Sale {
        id: id.to_owned(),
        opens: Time::ZERO,
        closes: Time::NEVER,
        limit_per_fan: 4,
        items,
        lottery: None,
        slots,
    };
    Catalogue {
        sales: vec![
            sale("day-1", vec![item("tee", 7), item("towel", 0)], vec![slot("a/b", 4)]),
            sale("day-2", vec![item("cap", 3)], vec![slot("a/b", 2), slot("13:00", 9)]),
        ],
    }
}

/// A call about item `n` of the catalogue and one of the slots of its sale.
pub(super) fn call() -> impl Strategy<Value = InventoryCall> {
    let wish = (1_u64..12, 0_u16..3, 0_u16..2, 1_u32..4, prop::option::of(0_u64..50));
    let wish = wish.prop_map(|(order, item, slot, quantity, until)| {
        let slot = if item < 2 { SlotId(0) } else { SlotId(1 + slot) };
        let until = until.map(Time::from_millis);
        (OrderId(order), ItemId(item), slot, quantity, until)
    });
    let order = (1_u64..12).prop_map(OrderId);
    prop_oneof![
        6 => wish.clone().prop_map(|(order, item, slot, quantity, until)| {
            InventoryCall::Reserve { order, item, slot: Some(slot), quantity, until }
        }),
        1 => wish.prop_map(|(_, item, slot, _, _)| {
            InventoryCall::Read { item, slot: Some(slot) }
        }),
        2 => order.clone().prop_map(|order| InventoryCall::Sell { order }),
        3 => order.prop_map(|order| InventoryCall::Release { order }),
        1 => (0_u64..60).prop_map(|now| InventoryCall::Sweep { now: Time::from_millis(now) }),
        1 => (0_u16..2).prop_map(|sale| InventoryCall::Availability { sale }),
    ]
}

/// An order that is over, as the shop writes it down.
pub(super) fn row(order: u64) -> OrderRow {
    let checkout = Checkout {
        fan: "0-3".parse().unwrap(),
        intent: "0-3".to_owned(),
        key: "0-3-0".to_owned(),
        item: ItemId(2),
        slot: Some(SlotId(1)),
        quantity: 2,
        card: 0,
    };
    OrderRow {
        order: OrderId(order),
        checkout,
        status: OrderStatus::Voided,
        payment: Some(AuthorizationId(17)),
        amount: Amount::new(200),
        created: Time::from_millis(5),
        updated: Time::from_millis(order),
        attempt: 0,
    }
}
