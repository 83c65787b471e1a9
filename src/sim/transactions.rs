//! Transactions that run at the same time, as in `PostgreSQL`: waits for the row of a counter that
//! another has locked, and versions that another has changed meanwhile.
//!
//! Rows of pieces are not waited for: who finds too few of them waits for nobody else's, as if all
//! were decided at one moment.

use std::collections::HashMap;

use domain::id::{ItemId, OrderId, SlotId};
use domain::shop::FullStation;
use domain::time::{Duration, Time};
use reference_shop::rules::{InventoryCall, InventoryReply};
use reference_shop::settings::Inventory;

use super::World;
use crate::tier::locks::{Asked, Locks};

/// How often a transaction is tried whose version others change: as often as the live shop does.
const TRIES_MAX: u32 = 20;

/// A counter.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
enum Row {
    Item(ItemId),
    Slot(SlotId),
}

/// All that are under way.
#[derive(Debug)]
pub(super) struct Transactions {
    strategy: Inventory,
    locks: Locks<Row, u32>,
    /// How often each counter was changed.
    versions: HashMap<Row, u64>,
    /// By the number of the statement.
    begun: HashMap<u32, Begun>,
    /// The counters of what each order holds.
    held: HashMap<OrderId, Vec<Row>>,
}

/// One of them.
#[derive(Debug, Default)]
struct Begun {
    /// The counters that it changes, and how many of them it has locked.
    rows: Vec<Row>,
    locked: usize,
    /// Their versions when it read them.
    seen: Vec<u64>,
    tries: u32,
}

/// What follows when a transaction wants to end.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It ends.
    Commits,
    /// It is begun again: another has changed what it read.
    BeginsAgain,
    /// It is given up.
    Fails,
}

impl Transactions {
    /// None under way.
    pub(super) fn new(strategy: Inventory) -> Self {
        Self {
            strategy,
            locks: Locks::default(),
            versions: HashMap::new(),
            begun: HashMap::new(),
            held: HashMap::new(),
        }
    }

    /// A row that is locked while others wait for it, if there is one.
    pub(super) fn row_waited_for(&self) -> Option<FullStation> {
        let row = FullStation { servers: 1, ..FullStation::default() };
        self.locks.is_one_waited_for().then_some(row)
    }

    /// A statement has a connection.
    fn begin(&mut self, statement: u32, call: InventoryCall) {
        let rows = self.rows(call);
        let seen = self.seen(&rows);
        self.begun.insert(statement, Begun { rows, locked: 0, seen, tries: 1 });
    }

    /// The counters that a call changes: those of a piece before those of a place.
    fn rows(&self, call: InventoryCall) -> Vec<Row> {
        match call {
            _ if self.strategy.has_rows() => Vec::new(),
            InventoryCall::Reserve { order, item, slot, .. }
            | InventoryCall::Decrement { order, item, slot, .. } => {
                // What is held already is only held longer.
                let is_new = !self.held.contains_key(&order);
                let rows = [Some(Row::Item(item)), slot.map(Row::Slot)];
                rows.into_iter().flatten().filter(|_| is_new).collect()
            }
            InventoryCall::Release { order } => self.held.get(&order).cloned().unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    fn seen(&self, rows: &[Row]) -> Vec<u64> {
        rows.iter().map(|row| self.versions.get(row).copied().unwrap_or(0)).collect()
    }

    /// Locks what is still to be locked, until it has to wait.
    fn lock(&mut self, statement: u32) -> Asked {
        if self.strategy == Inventory::Optimistic {
            return Asked::Held;
        }
        let begun = self.begun.get_mut(&statement).expect("only what was begun locks");
        while let Some(row) = begun.rows.get(begun.locked) {
            if self.locks.ask(*row, statement) == Asked::Waits {
                return Asked::Waits;
            }
            begun.locked += 1;
        }
        Asked::Held
    }

    /// Whether a transaction may end, or reads again.
    pub(super) fn ending(&mut self, statement: u32) -> Ending {
        if self.strategy != Inventory::Optimistic {
            return Ending::Commits;
        }
        let rows = self.begun[&statement].rows.clone();
        let now = self.seen(&rows);
        let begun = self.begun.get_mut(&statement).expect("it was just looked at");
        if begun.seen == now {
            Ending::Commits
        } else if begun.tries < TRIES_MAX {
            begun.tries += 1;
            begun.seen = now;
            Ending::BeginsAgain
        } else {
            Ending::Fails
        }
    }

    /// A transaction ends so; those who hold a row now that they waited for.
    pub(super) fn end(
        &mut self,
        statement: u32,
        call: InventoryCall,
        reply: &InventoryReply,
    ) -> Vec<u32> {
        let begun = self.begun.remove(&statement).expect("only what was begun ends");
        let mut freed = Vec::new();
        for row in &begun.rows[..begun.locked] {
            if let Some(next) = self.locks.give_back(row) {
                self.begun.get_mut(&next).expect("who waits has begun").locked += 1;
                freed.push(next);
            }
        }
        match (call, reply) {
            (
                InventoryCall::Reserve { order, .. } | InventoryCall::Decrement { order, .. },
                InventoryReply::Reserved,
            ) if !begun.rows.is_empty() => {
                self.changed(&begun.rows);
                self.held.insert(order, begun.rows);
            }
            (InventoryCall::Release { order }, _) => self.put_back(order),
            (InventoryCall::Sell { order }, _) => drop(self.held.remove(&order)),
            (_, InventoryReply::Swept(orders)) => {
                for order in orders {
                    self.put_back(*order);
                }
            }
            _ => {}
        }
        freed
    }

    /// All connections break: nobody is under way, and nothing is locked.
    pub(super) fn break_off(&mut self) {
        self.begun.clear();
        self.locks = Locks::default();
    }

    fn put_back(&mut self, order: OrderId) {
        let rows = self.held.remove(&order).unwrap_or_default();
        self.changed(&rows);
    }

    fn changed(&mut self, rows: &[Row]) {
        for row in rows {
            *self.versions.entry(*row).or_default() += 1;
        }
    }
}

impl World<'_> {
    /// A statement has a connection: it locks what it must, then it is served.
    pub(super) fn start_statement(&mut self, at: Time, statement: u32) {
        if let Some(transactions) = &mut self.transactions {
            transactions.begin(statement, self.statements[statement as usize].call);
        }
        self.lock_and_serve(at, statement);
    }

    /// A statement locks what it still must, and is served when it has all.
    pub(super) fn lock_and_serve(&mut self, at: Time, statement: u32) {
        if let Some(transactions) = &mut self.transactions
            && transactions.lock(statement) == Asked::Waits
        {
            return;
        }
        self.serve_statement(at, statement);
    }

    /// How long a transaction stays open beside its statements.
    pub(super) fn pause(&mut self, at: Time, call: InventoryCall) -> Duration {
        let pause = self.scenario.shop.time_in_transaction.0;
        let Some(transactions) = &self.transactions else { return pause };
        match call {
            InventoryCall::Reserve { order, .. } if transactions.held.contains_key(&order) => {
                Duration::ZERO
            }
            // What falls short is rolled back at once.
            InventoryCall::Reserve { item, slot, quantity, .. } => {
                match self.inventory.apply(at, InventoryCall::Read { item, slot }) {
                    InventoryReply::Free { item, slot }
                        if item >= i64::from(quantity) && slot.is_none_or(|free| free > 0) =>
                    {
                        pause
                    }
                    _ => Duration::ZERO,
                }
            }
            _ => pause,
        }
    }
}
