//! Orders of which something is on its way to a file that outlives the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use domain::id::OrderId;

/// How many rows of each order are on their way.
#[derive(Debug, Default)]
pub(super) struct Unwritten(Mutex<HashMap<OrderId, u32>>);

impl Unwritten {
    pub(super) fn add(&self, order: OrderId) {
        *self.all().entry(order).or_default() += 1;
    }

    pub(super) fn contains(&self, order: OrderId) -> bool {
        self.all().contains_key(&order)
    }

    /// A row is written; whether it was the order's last.
    pub(super) fn written(&self, order: OrderId) -> bool {
        let mut all = self.all();
        let Some(count) = all.get_mut(&order) else { return false };
        *count -= 1;
        let last = *count == 0;
        if last {
            all.remove(&order);
        }
        last
    }

    fn all(&self) -> MutexGuard<'_, HashMap<OrderId, u32>> {
        self.0.lock().expect("who counts rows does not panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_written_when_its_last_row_is() {
        let rows = Unwritten::default();
        let order = OrderId(7);
        rows.add(order);
        rows.add(order);
        assert!(!rows.written(order) && rows.contains(order));
        assert!(rows.written(order) && !rows.contains(order));
        assert!(!rows.written(order), "nobody waits for what nobody added");
    }
}
