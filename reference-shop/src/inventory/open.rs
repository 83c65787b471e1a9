//! The `SQLite` file of a run: a new one, or the one that a shop of the same run left when it died.

use std::path::Path;

use domain::id::{AuthorizationId, ItemId, SlotId};
use domain::money::Amount;
use domain::shop::{Catalogue, Checkout, OrderStatus};
use domain::time::Time;
use rusqlite::{Connection, OpenFlags, Result, Row, params};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as WordError;

use crate::inventory::rows::{Shelf, order_id, signed};
use crate::inventory::sold;
use crate::inventory::sqlite::{CreateError, Sqlite};
use crate::rules::fault::Fault;
use crate::rules::{Found, OrderRow};
use crate::settings::Inventory;

impl Sqlite {
    /// The file of the run that began at `began_utc_ns` \[ns\]: a new one in which everything is free;
    /// or, where a shop that sold the same left it, with all that stands in it, and its orders.
    ///
    /// # Errors
    /// When it cannot be read or written, or there is a file of something else.
    pub fn open(
        path: &Path,
        catalogue: &Catalogue,
        strategy: Inventory,
        faults: &[Fault],
        began_utc_ns: u64,
    ) -> Result<(Self, Vec<Found>), CreateError> {
        if !path.exists() {
            let new = Self::create(path, catalogue, strategy, faults, began_utc_ns)?;
            return Ok((new, Vec::new()));
        }
        let run = (signed(began_utc_ns), sold(catalogue, strategy));
        if run_of(path).ok() != Some(run) {
            return Err(CreateError::Exists(path.to_owned()));
        }
        let failed = |source| CreateError::Database { path: path.to_owned(), source };
        let connection = Connection::open(path).map_err(failed)?;
        let left = Self::on(connection, path, catalogue, strategy, faults, began_utc_ns)
            .map_err(failed)?;
        let found = left.found().map_err(failed)?;
        Ok((left, found))
    }

    /// Writes down which run the file is of.
    pub(super) fn record_run(&self) -> Result<()> {
        let sold = sold(&self.catalogue, self.strategy);
        let values = params![signed(self.began_utc_ns), sold];
        self.connection.execute("insert into run values (?1, ?2)", values).map(drop)
    }

    /// Every order that was written down, and whether it holds something.
    fn found(&self) -> Result<Vec<Found>> {
        let mut query = self.connection.prepare(
            "select orders.*, reservations.state is 'held' as holds from orders \
             left join reservations using (order_id) order by order_id",
        )?;
        query.query_map([], |row| self.found_in(row))?.collect()
    }

    fn found_in(&self, row: &Row<'_>) -> Result<Found> {
        let status: String = row.get("status")?;
        let status: Result<OrderStatus, WordError> =
            OrderStatus::deserialize(status.as_str().into_deserializer());
        let fan: String = row.get("fan")?;
        let item: String = row.get("item")?;
        let slot: Option<String> = row.get("slot")?;
        let payment: Option<i64> = row.get("payment")?;
        let checkout = Checkout {
            fan: fan.parse().expect("the shop alone writes orders"),
            intent: row.get("intent")?,
            key: row.get("idempotency_key")?,
            item: ItemId(place(&self.items, &item)),
            slot: slot.map(|slot| SlotId(place(&self.slots, &slot))),
            quantity: row.get("quantity")?,
            card: row.get("card")?,
        };
        let order = OrderRow {
            order: order_id(row.get("order_id")?),
            checkout,
            status: status.expect("the shop alone writes statuses"),
            payment: payment.map(|payment| AuthorizationId(payment.unsigned_abs())),
            amount: Amount::new(row.get::<_, i64>("amount")?.unsigned_abs()),
            created: self.since_the_beginning(row.get("created_utc_ns")?),
            updated: self.since_the_beginning(row.get("updated_utc_ns")?),
            attempt: row.get("attempt")?,
        };
        Ok(Found { row: order, holds: row.get("holds")? })
    }

    const fn since_the_beginning(&self, utc_ns: i64) -> Time {
        Time::from_nanos(utc_ns.unsigned_abs().saturating_sub(self.began_utc_ns))
    }
}

/// Which run a file is of. It is not touched: it may be anybody's.
fn run_of(path: &Path) -> Result<(i64, String)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection
        .query_row("select began_utc_ns, sold from run", [], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn place(shelves: &[Shelf], name: &str) -> u16 {
    let place = shelves.iter().position(|shelf| shelf.name == name);
    u16::try_from(place.expect("only what exists is ordered")).expect("items fit 16 bits")
}

#[cfg(test)]
mod tests {
    use domain::id::OrderId;

    use super::*;
    use crate::inventory::trial::{catalogue, row};
    use crate::rules::{InventoryCall, InventoryReply};

    const BEGAN: u64 = 1_700_000_000_000_000_000;

    fn open(path: &Path, began_utc_ns: u64) -> Result<(Sqlite, Vec<Found>), CreateError> {
        Sqlite::open(path, &catalogue(), Inventory::UnitRows, &[], began_utc_ns)
    }

    #[test]
    fn a_shop_that_died_left_its_orders_and_what_they_hold() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let (shop, found) = open(&path, BEGAN).unwrap();
        assert_eq!(found, []);
        let (held, unheld) = (row(3), row(4));
        let Checkout { item, slot, quantity, .. } = held.checkout;
        let reserve =
            InventoryCall::Reserve { order: OrderId(3), item, slot, quantity, until: None };
        shop.begin().unwrap();
        assert_eq!(shop.apply(reserve).unwrap(), InventoryReply::Reserved);
        shop.record(&held).unwrap();
        shop.record(&unheld).unwrap();
        shop.commit().unwrap();
        let balances = shop.balances().unwrap();
        // It has no time to close anything.
        std::mem::forget(shop);

        let (again, found) = open(&path, BEGAN).unwrap();
        assert_eq!(again.balances().unwrap(), balances);
        let of = |row, holds| Found { row, holds };
        assert_eq!(found, [of(held, true), of(unheld, false)]);
    }

    #[test]
    fn the_file_of_another_run_or_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        drop(open(&path, BEGAN).unwrap());
        let other = Inventory::NaiveCounter;
        for error in [
            open(&path, BEGAN + 1).unwrap_err(),
            Sqlite::open(&path, &catalogue(), other, &[], BEGAN).unwrap_err(),
        ] {
            assert!(error.to_string().contains("hint: name another file"), "{error}");
        }
        let precious = folder.path().join("precious");
        std::fs::write(&precious, "precious").unwrap();
        assert!(open(&precious, BEGAN).is_err());
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
    }
}
