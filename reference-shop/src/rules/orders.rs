//! All orders of a shop, by their numbers.

use std::collections::HashMap;
use std::ops::{Index, IndexMut};

use domain::id::OrderId;

use crate::rules::order::Order;

/// Numbered from 1 as they come; where an earlier shop wrote down only some, there are gaps.
#[derive(Debug, Default)]
pub(super) struct Orders {
    latest: u64,
    orders: HashMap<OrderId, Order>,
}

impl Orders {
    /// The number of the order that comes next.
    pub(super) const fn next(&self) -> OrderId {
        OrderId(self.latest + 1)
    }

    /// Orders that come from now on have numbers after this one.
    pub(super) fn number_after(&mut self, number: u64) {
        self.latest = self.latest.max(number);
    }

    /// One more order, under its number.
    pub(super) fn insert(&mut self, order: Order) {
        self.latest = self.latest.max(order.row.order.0);
        self.orders.insert(order.row.order, order);
    }
}

impl Index<OrderId> for Orders {
    type Output = Order;

    fn index(&self, id: OrderId) -> &Order {
        self.orders.get(&id).expect("only orders that there are are asked for")
    }
}

impl IndexMut<OrderId> for Orders {
    fn index_mut(&mut self, id: OrderId) -> &mut Order {
        self.orders.get_mut(&id).expect("only orders that there are are told of")
    }
}
