//! The pieces of an item, or the places of a slot, in memory.

use std::collections::BTreeSet;

use domain::id::OrderId;
use domain::shop::Balance;

use crate::settings::Inventory;

/// Where the pieces of one item, or the places of one slot, are.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub(super) initial: u32,
    pub(super) balance: Balance,
    /// The rows that are free, by number; none for a counter.
    pub(super) free: BTreeSet<u64>,
    /// What a broken promise adds to what is free, or hides of it.
    margin: i64,
    /// The number of the first row.
    first: u64,
}

impl Shelf {
    /// A full shelf whose rows are numbered from `first`.
    pub(super) fn new(initial: u32, margin: i64, strategy: Inventory, first: u64) -> Self {
        let rows = if strategy.has_rows() { u64::from(initial) } else { 0 };
        let rows = first..first + rows;
        let balance = Balance { free: i64::from(initial), held: 0, sold: 0 };
        Self { initial, balance, free: rows.collect(), margin, first }
    }

    /// How much is free, as the shelf says: a broken promise makes it lie.
    pub(super) fn says_free(&self) -> i64 {
        self.balance.free + self.margin
    }

    /// What is free becomes held, whether or not there is enough: the rows, lowest first, fewer
    /// than `quantity` where there are no more.
    pub(super) fn take(&mut self, quantity: u32) -> Vec<u64> {
        self.balance.free -= i64::from(quantity);
        self.balance.held += i64::from(quantity);
        let rows: Vec<u64> = self.free.iter().take(quantity as usize).copied().collect();
        for row in &rows {
            self.free.remove(row);
        }
        rows
    }

    /// What is held becomes sold.
    pub(super) fn sell(&mut self, quantity: u32) {
        self.balance.held -= i64::from(quantity);
        self.balance.sold += i64::from(quantity);
    }

    /// What is held becomes free, with the rows it has.
    pub(super) fn put_back(&mut self, quantity: u32, rows: Vec<u64>) {
        self.balance.held -= i64::from(quantity);
        self.balance.free += i64::from(quantity);
        self.free.extend(rows);
    }

    /// One free piece arrives nowhere.
    pub(super) fn lose_one(&mut self) {
        if self.balance.free > 0 {
            self.balance.free -= 1;
            self.free.pop_first();
        }
    }

    /// The row that is given to `order` a second time for want of the `n`th free one.
    pub(super) fn doubled(&self, order: OrderId, n: u64) -> u64 {
        doubled_row(self.first, self.initial, order, n)
    }
}

/// The row, among `initial` numbered from `first`, that an order gets although it is another's.
pub(super) fn doubled_row(first: u64, initial: u32, order: OrderId, n: u64) -> u64 {
    first + (order.0 + n) % u64::from(initial.max(1))
}
