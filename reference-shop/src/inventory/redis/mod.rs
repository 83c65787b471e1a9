//! Stock counted in Redis, reservations and orders in a `SQLite` file beside it.
//!
//! What is free stands in Redis alone, a counter for each item and slot; one script looks and decrements in
//! a step that nothing comes between. What is held, for whom, and what is sold stands in the file, the
//! books. The two are not one transaction: pieces leave Redis first and come into the books a moment later
//! (and go back the other way round, from the books first). That moment is the known crash window: a shop
//! that dies in it leaves pieces that are neither free nor anybody's, and a Redis that comes back with older
//! counters sells again what the books know to be sold.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use domain::id::{ItemId, OrderId, SlotId};
use domain::shop::{Catalogue, ShopLine, Short};
use domain::time::{Duration, Time};
use redis::{Client, Connection, ConnectionInfo, RedisResult, Script};

use crate::inventory::Balances;
use crate::inventory::sqlite::Sqlite;
use crate::rules::{Found, InventoryCall, InventoryReply, OrderRow};
use crate::settings::Inventory;

/// Looks at all counters, then decrements them, or says which is short or missing.
const TAKE: &str = include_str!("take.lua");

/// How long Redis may take; then it counts as gone.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// How the books count: in counters, which are written and never asked whether there is enough.
const BOOKS: Inventory = Inventory::NaiveCounter;

/// What [`TAKE`] says.
const TAKEN: i64 = 0;
const MISSING: i64 = -1;

/// Stock counted in Redis.
#[derive(Debug)]
pub struct Counted {
    books: Sqlite,
    counters: Counters,
    /// What goes back to Redis once the books say so.
    returned: Mutex<Vec<(String, u32)>>,
}

/// The way to the counters.
struct Counters {
    client: Client,
    connection: Mutex<Option<Connection>>,
    /// What the names of all counters of this run begin with.
    prefix: String,
}

impl Counted {
    /// Stock at that Redis, with books in the file `path`: new ones, or those that an earlier shop of the
    /// same run has left, and its orders. Counters that are not there yet are filled with what the books
    /// know to be left.
    ///
    /// # Errors
    /// When Redis cannot be reached, or the books cannot be made or read.
    pub fn open(
        info: ConnectionInfo,
        path: &Path,
        catalogue: &Catalogue,
        began_utc_ns: u64,
    ) -> anyhow::Result<(Self, Vec<Found>)> {
        let (books, found) = Sqlite::open(path, catalogue, BOOKS, &[], began_utc_ns)?;
        let prefix = format!("spike:{began_utc_ns}:stock");
        let address = info.addr().to_string();
        let client = Client::open(info)?;
        let counters = Counters { client, connection: Mutex::new(None), prefix };
        let counted = Self { books, counters, returned: Mutex::default() };
        counted.fill()?.with_context(|| {
            format!(
                "reach Redis at {address}, which counts the stock\nhint: start it (`redis-server`), or say \
                 `storage = \"redis\"` and the shop starts one"
            )
        })?;
        Ok((counted, found))
    }

    /// Another way to the same stock, which only reads.
    ///
    /// # Errors
    /// When the books cannot be opened.
    pub(super) fn reader(&self) -> rusqlite::Result<Self> {
        let Counters { client, prefix, .. } = &self.counters;
        let (client, prefix) = (client.clone(), prefix.clone());
        let counters = Counters { client, connection: Mutex::new(None), prefix };
        Ok(Self { books: self.books.reader()?, counters, returned: Mutex::default() })
    }

    /// Begins a transaction of the books.
    ///
    /// # Errors
    /// When the file cannot be locked.
    pub(super) fn begin(&self) -> rusqlite::Result<()> {
        self.books.begin()
    }

    /// Begins a transaction that reads one state of the books.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn begin_reading(&self) -> rusqlite::Result<()> {
        self.books.begin_reading()
    }

    /// Carries out a call. Redis is asked at once, the books are to be committed.
    ///
    /// # Errors
    /// When the books fail; a Redis that does not answer is an answer.
    pub(super) fn apply(&self, call: InventoryCall) -> rusqlite::Result<InventoryReply> {
        match call {
            InventoryCall::Read { item, slot } => Ok(self.read(item, slot)),
            InventoryCall::Availability { sale } => Ok(self.availability(sale)),
            InventoryCall::Reserve { order, item, slot, quantity, .. } => {
                if self.books.holding(order)?.is_some() {
                    return self.books.apply(call);
                }
                self.take(item, slot, quantity, call)
            }
            InventoryCall::Decrement { item, slot, quantity, .. } => {
                self.take(item, slot, quantity, call)
            }
            InventoryCall::Sell { .. } => self.books.apply(call),
            InventoryCall::Release { order } => self.release(order),
            InventoryCall::Sweep { now } => self.sweep(now),
        }
    }

    /// Makes what was done last, and puts back into Redis what is free again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn commit(&self) -> rusqlite::Result<()> {
        self.books.commit()?;
        let returned = std::mem::take(&mut *locked(&self.returned));
        for (counter, quantity) in returned {
            // Where Redis does not answer, the pieces are stranded: it is the crash window's other side.
            let _ = self.counters.ask(|connection| {
                redis::cmd("INCRBY").arg(&counter).arg(quantity).query::<i64>(connection)
            });
        }
        Ok(())
    }

    /// Writes an order down.
    ///
    /// # Errors
    /// When the books fail.
    pub(super) fn record(&self, row: &OrderRow) -> rusqlite::Result<()> {
        self.books.record(row)
    }

    /// Where all pieces and places are; nothing where Redis does not say.
    ///
    /// # Errors
    /// When the books fail.
    pub(super) fn balances(&self) -> rusqlite::Result<Option<Balances>> {
        let mut balances = self.books.balances()?;
        let Some(free) = self.free() else { return Ok(None) };
        for (name, balance) in &mut balances.items {
            balance.free = free[&self.counters.item(name)];
        }
        for (name, balance) in &mut balances.slots {
            balance.free = free[&self.counters.slot(name)];
        }
        Ok(Some(balances))
    }

    /// The ledger; nothing where Redis does not say.
    ///
    /// # Errors
    /// When the books fail.
    pub(super) fn lines(&self) -> rusqlite::Result<Option<Vec<ShopLine>>> {
        let mut lines = self.books.lines()?;
        let Some(counted) = self.free() else { return Ok(None) };
        for line in &mut lines {
            match line {
                ShopLine::Stock { item, free, .. } => *free = counted[&self.counters.item(item)],
                ShopLine::Slot { slot, sale, free, .. } => {
                    let name = crate::inventory::slot_name(sale, slot);
                    *free = counted[&self.counters.slot(&name)];
                }
                _ => {}
            }
        }
        Ok(Some(lines))
    }

    fn take(
        &self,
        item: ItemId,
        slot: Option<SlotId>,
        quantity: u32,
        call: InventoryCall,
    ) -> rusqlite::Result<InventoryReply> {
        let item = self.counters.item(&self.books.items[usize::from(item.0)].name);
        let slot = slot.map(|slot| self.counters.slot(&self.books.slots[usize::from(slot.0)].name));
        let script = Script::new(TAKE);
        let take = |connection: &mut Connection| {
            let mut run = script.key(&item);
            run.arg(quantity);
            if let Some(slot) = &slot {
                run.key(slot).arg(1);
            }
            run.invoke::<i64>(connection)
        };
        let mut said = self.counters.ask(take);
        if matches!(said, Ok(MISSING)) {
            // It has begun anew, with nothing.
            if self.fill()?.is_err() {
                return Ok(InventoryReply::Failed);
            }
            said = self.counters.ask(take);
        }
        match said {
            Ok(TAKEN) => match call {
                InventoryCall::Reserve { order, item, slot, quantity, until } => self
                    .books
                    .apply(InventoryCall::Decrement { order, item, slot, quantity, until }),
                call => self.books.apply(call),
            },
            Ok(1) => Ok(InventoryReply::Short(Short::Item)),
            Ok(2) => Ok(InventoryReply::Short(Short::Slot)),
            // It may have been done, or not.
            Ok(_) | Err(_) => Ok(InventoryReply::Failed),
        }
    }

    fn release(&self, order: OrderId) -> rusqlite::Result<InventoryReply> {
        if let Some(held) = self.books.holding(order)? {
            let mut returned = locked(&self.returned);
            returned.push((self.counters.item(&held.item), held.quantity));
            returned.extend(held.slot.map(|slot| (self.counters.slot(&slot), 1)));
        }
        self.books.apply(InventoryCall::Release { order })
    }

    fn sweep(&self, now: Time) -> rusqlite::Result<InventoryReply> {
        let due = self.books.due(now)?;
        for order in &due {
            self.release(*order)?;
        }
        Ok(InventoryReply::Swept(due))
    }

    fn read(&self, item: ItemId, slot: Option<SlotId>) -> InventoryReply {
        let Some(free) = self.free() else { return InventoryReply::Failed };
        let item = free[&self.counters.item(&self.books.items[usize::from(item.0)].name)];
        let slot =
            slot.map(|slot| free[&self.counters.slot(&self.books.slots[usize::from(slot.0)].name)]);
        InventoryReply::Free { item, slot }
    }

    fn availability(&self, sale: u16) -> InventoryReply {
        let Some(free) = self.free() else { return InventoryReply::Failed };
        let number = usize::from(sale);
        let catalogue = &self.books.catalogue;
        let of = &catalogue.sales[number];
        let bits = |counters: Vec<String>| {
            (0_u32..)
                .zip(counters)
                .filter(|(_, counter)| free[counter] > 0)
                .fold(0_u64, |bits, (place, _)| bits | 1_u64.checked_shl(place).unwrap_or(0))
        };
        let items = &self.books.items[usize::from(catalogue.first_item(number).0)..];
        let slots = &self.books.slots[usize::from(catalogue.first_slot(number).0)..];
        let items = items[..of.items.len()].iter().map(|it| self.counters.item(&it.name));
        let slots = slots[..of.slots.len()].iter().map(|it| self.counters.slot(&it.name));
        InventoryReply::Available { items: bits(items.collect()), slots: bits(slots.collect()) }
    }

    /// What is free, by counter; nothing where Redis does not say. One that is missing has nothing.
    fn free(&self) -> Option<BTreeMap<String, i64>> {
        let counters = self.all();
        let said: Vec<Option<i64>> = self
            .counters
            .ask(|connection| redis::cmd("MGET").arg(&counters).query(connection))
            .ok()?;
        let said = said.into_iter().map(Option::unwrap_or_default);
        Some(counters.into_iter().zip(said).collect())
    }

    fn all(&self) -> Vec<String> {
        let items = self.books.items.iter().map(|shelf| self.counters.item(&shelf.name));
        let slots = self.books.slots.iter().map(|shelf| self.counters.slot(&shelf.name));
        items.chain(slots).collect()
    }

    /// Fills the counters that are missing with what the books know to be left.
    fn fill(&self) -> rusqlite::Result<RedisResult<()>> {
        let balances = self.books.balances()?;
        let items = balances.items.iter().map(|(name, left)| (self.counters.item(name), left.free));
        let slots = balances.slots.iter().map(|(name, left)| (self.counters.slot(name), left.free));
        for (counter, left) in items.chain(slots) {
            let filled = self.counters.ask(|connection| {
                redis::cmd("SETNX").arg(&counter).arg(left).query::<i64>(connection)
            });
            if let Err(error) = filled {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Counters").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Counters {
    fn item(&self, name: &str) -> String {
        format!("{}:items:{name}", self.prefix)
    }

    fn slot(&self, name: &str) -> String {
        format!("{}:slots:{name}", self.prefix)
    }

    /// Asks over the connection that there is, or over a new one; one that failed is given up.
    fn ask<T>(&self, ask: impl Fn(&mut Connection) -> RedisResult<T>) -> RedisResult<T> {
        let mut kept = locked(&self.connection);
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let said = ask(&mut connection)?;
        *kept = Some(connection);
        Ok(said)
    }

    fn connect(&self) -> RedisResult<Connection> {
        let connection = self.client.get_connection_with_timeout(ANSWERS_WITHIN)?;
        connection.set_read_timeout(Some(ANSWERS_WITHIN))?;
        connection.set_write_timeout(Some(ANSWERS_WITHIN))?;
        Ok(connection)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
