//! Stock and orders in a `SQLite` file: a row per piece and per place (or counters, for the naive
//! counter), read and written through one connection.

use std::path::{Path, PathBuf};

use domain::id::{ItemId, OrderId, SlotId};
use domain::shop::{Catalogue, Short};
use domain::time::Time;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Result, params};

use crate::inventory::rows::{ITEMS, SLOTS, Shelf, order_id, signed};
use crate::inventory::{Balances, item_margin, leaks, slot_margin, slot_name};
use crate::rules::fault::Fault;
use crate::rules::{InventoryCall, InventoryReply};
use crate::settings::Inventory;

/// How many statements each connection keeps compiled: all of this module's.
const STATEMENTS_MAX: usize = 64;

/// How long a connection waits for another's lock \[ms\]. One connection writes, so only somebody
/// who opens the file from outside can make it wait.
const BUSY_MS: u64 = 5_000;

/// A database that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The file is there already, and not of this run.
    #[error(
        "create the database `{0}`: there is a file of that name that is not of this run\nhint: name \
         another file, or delete this one"
    )]
    Exists(PathBuf),
    /// The database refused.
    #[error("create the database `{path}`")]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
}

/// One connection to the database.
#[derive(Debug)]
pub struct Sqlite {
    pub(super) connection: Connection,
    path: PathBuf,
    pub(super) catalogue: Catalogue,
    pub(super) strategy: Inventory,
    faults: Vec<Fault>,
    pub(super) began_utc_ns: u64,
    pub(super) items: Vec<Shelf>,
    pub(super) slots: Vec<Shelf>,
}

/// What an order holds or bought, by its row.
pub(super) struct Reservation {
    pub(super) item: String,
    pub(super) slot: Option<String>,
    pub(super) quantity: u32,
}

impl Sqlite {
    /// A new file in which everything is free, of a run that began at `began_utc_ns` \[ns\].
    ///
    /// # Errors
    /// When there is a file already, or it cannot be written.
    pub fn create(
        path: &Path,
        catalogue: &Catalogue,
        strategy: Inventory,
        faults: &[Fault],
        began_utc_ns: u64,
    ) -> Result<Self, CreateError> {
        if path.exists() {
            return Err(CreateError::Exists(path.to_owned()));
        }
        Self::fill(path, catalogue, strategy, faults, began_utc_ns)
            .map_err(|source| CreateError::Database { path: path.to_owned(), source })
    }

    fn fill(
        path: &Path,
        catalogue: &Catalogue,
        strategy: Inventory,
        faults: &[Fault],
        began_utc_ns: u64,
    ) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        let sqlite = Self::on(connection, path, catalogue, strategy, faults, began_utc_ns)?;
        sqlite.begin()?;
        sqlite.connection.execute_batch(include_str!("schema.sql"))?;
        sqlite.record_run()?;
        for (shelf, (_, sale, _)) in sqlite.items.iter().zip(catalogue.items()) {
            shelf.fill(&sqlite.connection, &sale.id, strategy)?;
        }
        for (shelf, (_, sale, _)) in sqlite.slots.iter().zip(catalogue.slots()) {
            shelf.fill(&sqlite.connection, &sale.id, strategy)?;
        }
        sqlite.commit()?;
        Ok(sqlite)
    }

    /// On a connection to the file `path`, whatever stands in it.
    pub(super) fn on(
        connection: Connection,
        path: &Path,
        catalogue: &Catalogue,
        strategy: Inventory,
        faults: &[Fault],
        began_utc_ns: u64,
    ) -> Result<Self> {
        let (items, slots) = shelves(catalogue, faults);
        Ok(Self {
            connection: tuned(connection)?,
            path: path.to_owned(),
            catalogue: catalogue.clone(),
            strategy,
            faults: faults.to_vec(),
            began_utc_ns,
            items,
            slots,
        })
    }

    /// Another connection to the same file, which only reads.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn reader(&self) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        let Self { path, catalogue, strategy, faults, began_utc_ns, .. } = self;
        Self::on(connection, path, catalogue, *strategy, faults, *began_utc_ns)
    }

    /// Begins a transaction that no other connection can write beside.
    ///
    /// # Errors
    /// When the file cannot be locked.
    pub fn begin(&self) -> Result<()> {
        self.connection.prepare_cached("begin immediate")?.execute([]).map(drop)
    }

    /// Begins a transaction that reads one state of the database.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn begin_reading(&self) -> Result<()> {
        self.connection.prepare_cached("begin")?.execute([]).map(drop)
    }

    /// Makes what was done since [`Self::begin`] last.
    ///
    /// # Errors
    /// When the file cannot be written: the disk is full, say.
    pub fn commit(&self) -> Result<()> {
        self.connection.prepare_cached("commit")?.execute([]).map(drop)
    }

    /// Carries out a call: completely, or not at all if something is short. Everything is looked
    /// at before anything is written, so that a call which falls short leaves nothing to undo and
    /// spoils no other call of its transaction.
    ///
    /// # Errors
    /// When the database fails; the transaction is then lost.
    pub fn apply(&self, call: InventoryCall) -> Result<InventoryReply> {
        match call {
            InventoryCall::Read { item, slot } => self.read(item, slot),
            InventoryCall::Reserve { order, item, slot, quantity, until } => {
                self.reserve(order, item, slot, quantity, until)
            }
            InventoryCall::Decrement { order, item, slot, quantity, until } => {
                self.hold(order, item, slot, quantity, until)
            }
            InventoryCall::Sell { order } => self.sell(order),
            InventoryCall::Release { order } => self.release(order),
            InventoryCall::Sweep { now } => self.sweep(now),
            InventoryCall::Availability { sale } => self.availability(sale),
        }
    }

    /// Where all pieces and places are.
    ///
    /// # Errors
    /// When the database fails.
    pub fn balances(&self) -> Result<Balances> {
        let of = |shelf: &Shelf| {
            Ok((shelf.name.clone(), shelf.balance(&self.connection, self.strategy)?))
        };
        Ok(Balances {
            items: self.items.iter().map(of).collect::<Result<_>>()?,
            slots: self.slots.iter().map(of).collect::<Result<_>>()?,
        })
    }

    fn read(&self, item: ItemId, slot: Option<SlotId>) -> Result<InventoryReply> {
        let free = |shelf: &Shelf| shelf.says_free(&self.connection, self.strategy);
        let item = free(&self.items[usize::from(item.0)])?;
        let slot = slot.map(|slot| free(&self.slots[usize::from(slot.0)])).transpose()?;
        Ok(InventoryReply::Free { item, slot })
    }

    fn reserve(
        &self,
        order: OrderId,
        item: ItemId,
        slot: Option<SlotId>,
        quantity: u32,
        until: Option<Time>,
    ) -> Result<InventoryReply> {
        if self.holding(order)?.is_some() {
            return self.prolong(order, until);
        }
        let has = |shelf: &Shelf, wanted| shelf.has(&self.connection, self.strategy, wanted);
        if !has(&self.items[usize::from(item.0)], quantity)? {
            return Ok(InventoryReply::Short(Short::Item));
        }
        if let Some(slot) = slot
            && !has(&self.slots[usize::from(slot.0)], 1)?
        {
            return Ok(InventoryReply::Short(Short::Slot));
        }
        self.hold(order, item, slot, quantity, until)
    }

    /// What an order holds already it keeps, until another time.
    fn prolong(&self, order: OrderId, until: Option<Time>) -> Result<InventoryReply> {
        let until = until.map(|until| self.utc(until));
        let mut update = self
            .connection
            .prepare_cached("update reservations set held_until = ?2 where order_id = ?1")?;
        update.execute(params![signed(order.0), until])?;
        for shelves in [&self.items, &self.slots] {
            if let Some(shelf) = shelves.first() {
                shelf.prolong(&self.connection, order, until)?;
            }
        }
        Ok(InventoryReply::Reserved)
    }

    fn hold(
        &self,
        order: OrderId,
        item: ItemId,
        slot: Option<SlotId>,
        quantity: u32,
        until: Option<Time>,
    ) -> Result<InventoryReply> {
        let until = until.map(|until| self.utc(until));
        let item = &self.items[usize::from(item.0)];
        let slot = slot.map(|slot| &self.slots[usize::from(slot.0)]);
        item.take(&self.connection, self.strategy, order, quantity, until)?;
        if let Some(slot) = slot {
            slot.take(&self.connection, self.strategy, order, 1, until)?;
        }
        if leaks(order, &self.faults) {
            item.lose_one(&self.connection, self.strategy)?;
        }
        let mut insert = self.connection.prepare_cached(
            "insert or replace into reservations (order_id, item, slot, quantity, held_until) \
             values (?1, ?2, ?3, ?4, ?5)",
        )?;
        let slot = slot.map(|slot| &slot.name);
        insert.execute(params![signed(order.0), item.name, slot, quantity, until])?;
        Ok(InventoryReply::Reserved)
    }

    fn sell(&self, order: OrderId) -> Result<InventoryReply> {
        let Some(reservation) = self.holding(order)? else {
            return Ok(InventoryReply::Done { held: false });
        };
        let (item, slot) = self.shelves_of(&reservation);
        item.sell(&self.connection, self.strategy, order, reservation.quantity)?;
        if let Some(slot) = slot {
            slot.sell(&self.connection, self.strategy, order, 1)?;
        }
        let mut update = self.connection.prepare_cached(
            "update reservations set state = 'sold', held_until = null where order_id = ?1",
        )?;
        update.execute([signed(order.0)])?;
        Ok(InventoryReply::Done { held: true })
    }

    fn release(&self, order: OrderId) -> Result<InventoryReply> {
        let Some(reservation) = self.holding(order)? else {
            return Ok(InventoryReply::Done { held: false });
        };
        let (item, slot) = self.shelves_of(&reservation);
        item.put_back(&self.connection, self.strategy, order, reservation.quantity)?;
        if let Some(slot) = slot {
            slot.put_back(&self.connection, self.strategy, order, 1)?;
        }
        let mut delete =
            self.connection.prepare_cached("delete from reservations where order_id = ?1")?;
        delete.execute([signed(order.0)])?;
        Ok(InventoryReply::Done { held: true })
    }

    fn sweep(&self, now: Time) -> Result<InventoryReply> {
        let orders = self.due(now)?;
        for order in &orders {
            self.release(*order)?;
        }
        Ok(InventoryReply::Swept(orders))
    }

    /// The orders whose holds have run out.
    pub(super) fn due(&self, now: Time) -> Result<Vec<OrderId>> {
        let mut due = self.connection.prepare_cached(
            "select order_id from reservations where state = 'held' and held_until is not null \
             and held_until <= ?1 order by held_until, order_id",
        )?;
        let orders = due.query_map([self.utc(now)], |row| row.get(0).map(order_id))?;
        orders.collect()
    }

    fn availability(&self, sale: u16) -> Result<InventoryReply> {
        let number = usize::from(sale);
        let of = &self.catalogue.sales[number];
        let bits = |shelves: &[Shelf], first: u16, count: usize| {
            let mut bits = 0_u64;
            for (place, shelf) in (0_u32..).zip(&shelves[usize::from(first)..][..count]) {
                if shelf.has(&self.connection, self.strategy, 1)? {
                    bits |= 1_u64.checked_shl(place).unwrap_or(0);
                }
            }
            Ok::<_, rusqlite::Error>(bits)
        };
        Ok(InventoryReply::Available {
            items: bits(&self.items, self.catalogue.first_item(number).0, of.items.len())?,
            slots: bits(&self.slots, self.catalogue.first_slot(number).0, of.slots.len())?,
        })
    }

    /// What is held for an order.
    pub(super) fn holding(&self, order: OrderId) -> Result<Option<Reservation>> {
        let mut query = self.connection.prepare_cached(
            "select item, slot, quantity from reservations where order_id = ?1 and state = 'held'",
        )?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Reservation { item: row.get(0)?, slot: row.get(1)?, quantity: row.get(2)? })
        };
        query.query_row([signed(order.0)], read).optional()
    }

    fn shelves_of(&self, reservation: &Reservation) -> (&Shelf, Option<&Shelf>) {
        let find = |shelves: &'_ [Shelf], name: &str| {
            shelves.iter().position(|shelf| shelf.name == name).expect("only what exists is held")
        };
        let item = &self.items[find(&self.items, &reservation.item)];
        let slot = reservation.slot.as_ref().map(|name| &self.slots[find(&self.slots, name)]);
        (item, slot)
    }

    pub(super) fn utc(&self, time: Time) -> i64 {
        signed(self.began_utc_ns.saturating_add(time.nanos()))
    }
}

/// What every connection needs.
fn tuned(connection: Connection) -> Result<Connection> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    // A commit survives the shop's death, as every write that the system has taken does. A power cut
    // ends the rehearsal anyway, and to wait for the disk would rehearse it: one flush took 3 s here.
    connection.pragma_update(None, "synchronous", "off")?;
    Ok(connection)
}

/// All items and all slots of `catalogue`, in its order.
pub(super) fn shelves(catalogue: &Catalogue, faults: &[Fault]) -> (Vec<Shelf>, Vec<Shelf>) {
    let (mut unit, mut place) = (1, 1);
    let items = catalogue.items().map(|(_, _, item)| {
        let (initial, first) = (item.stock, unit);
        unit += u64::from(initial);
        let margin = item_margin(initial, faults);
        Shelf { kind: ITEMS, name: item.id.clone(), initial, first, margin }
    });
    let items = items.collect();
    let slots = catalogue.slots().map(|(_, sale, slot)| {
        let (initial, first) = (slot.capacity, place);
        place += u64::from(initial);
        let margin = slot_margin(initial, faults);
        Shelf { kind: SLOTS, name: slot_name(&sale.id, &slot.id), initial, first, margin }
    });
    (items, slots.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::memory::Memory;
    use crate::inventory::trial::{Course, call, catalogue, row};
    use proptest::prelude::*;

    proptest! {
        // Each case writes a file through to the disk.
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn the_database_behaves_as_the_memory_does(
            calls in prop::collection::vec(call(), 1..60),
            naive in any::<bool>(),
            faults in prop::sample::subsequence(Fault::ALL.to_vec(), 0..3),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("shop.db");
            let strategy = if naive { Inventory::NaiveCounter } else { Inventory::UnitRows };
            let began_utc_ns = 1_700_000_000_000_000_000;
            let mut memory =
                Memory::new(&catalogue(), strategy, &faults).began(began_utc_ns);
            let sqlite =
                Sqlite::create(&path, &catalogue(), strategy, &faults, began_utc_ns).unwrap();
            sqlite.begin().unwrap();
            let mut course = Course::of(strategy);
            for call in calls {
                let Some(call) = course.next(call) else { continue };
                let expected = memory.apply(Time::NEVER, call);
                let reply = sqlite.apply(call).unwrap();
                prop_assert_eq!(&reply, &expected, "to {:?}", call);
                course.heard(call, &reply);
            }
            for order in [3, 1, 3] {
                memory.record(row(order));
                sqlite.record(&row(order)).unwrap();
            }
            sqlite.commit().unwrap();
            prop_assert_eq!(sqlite.balances().unwrap(), memory.balances());
            prop_assert_eq!(sqlite.reader().unwrap().lines().unwrap(), memory.lines());
        }
    }

    #[test]
    fn a_file_that_is_there_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        std::fs::write(&path, "precious").unwrap();
        let error = Sqlite::create(&path, &catalogue(), Inventory::UnitRows, &[], 0).unwrap_err();
        assert!(error.to_string().contains("hint: name another file"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }
}
