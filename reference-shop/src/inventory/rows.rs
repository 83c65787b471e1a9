//! The rows of one kind of stock in the database: pieces of items, or places of slots.

use domain::id::OrderId;
use domain::shop::Balance;
use rusqlite::{Connection, Params, Result, params};

use crate::inventory::shelf::doubled_row;
use crate::settings::Inventory;

/// One kind of stock: the names of its tables and columns.
#[derive(Copy, Clone, Debug)]
pub(super) struct Kind {
    /// The table of what is for sale, and the table of its rows.
    pub(super) of: &'static str,
    pub(super) rows: &'static str,
    /// The column of the name, and that of the row's number.
    pub(super) name: &'static str,
    pub(super) number: &'static str,
}

/// Items, a row per piece.
pub(super) const ITEMS: Kind = Kind { of: "items", rows: "units", name: "item", number: "unit" };

/// Slots, a row per place.
pub(super) const SLOTS: Kind = Kind { of: "slots", rows: "places", name: "slot", number: "place" };

/// An item or a slot, by its name.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) initial: u32,
    /// The number of its first row.
    pub(super) first: u64,
    /// What a broken promise adds to what is free, or hides of it.
    pub(super) margin: i64,
}

impl Shelf {
    /// Puts everything on the shelf.
    pub(super) fn fill(&self, at: &Connection, sale: &str, strategy: Inventory) -> Result<()> {
        let Kind { of, rows, name, number } = self.kind;
        let free = (!strategy.has_rows()).then_some(self.initial);
        let zero = free.map(|_| 0);
        let insert = format!("insert into {of} values (?1, ?2, ?3, ?4, ?5, ?5)");
        at.execute(&insert, params![self.name, sale, self.initial, free, zero])?;
        if strategy.has_rows() {
            let insert = format!("insert into {rows} ({number}, {name}) values (?1, ?2)");
            let mut insert = at.prepare_cached(&insert)?;
            for row in self.first..self.first + u64::from(self.initial) {
                insert.execute(params![signed(row), self.name])?;
            }
        }
        Ok(())
    }

    /// How much is free, as the shelf says: a broken promise makes it lie.
    pub(super) fn says_free(&self, at: &Connection, strategy: Inventory) -> Result<i64> {
        let free = if strategy.has_rows() {
            self.free_rows(at, i64::MAX)? - self.doubled_rows(at)?
        } else {
            let Kind { of, name, .. } = self.kind;
            one(at, &format!("select free from {of} where {name} = ?1"), [&self.name])?
        };
        Ok(free + self.margin)
    }

    /// Whether at least `quantity` is free, as the shelf says; it reads no more rows than it must.
    pub(super) fn has(&self, at: &Connection, strategy: Inventory, quantity: u32) -> Result<bool> {
        if !strategy.has_rows() {
            return Ok(self.says_free(at, strategy)? >= i64::from(quantity));
        }
        let rows = i64::from(quantity) + self.doubled_rows(at)? - self.margin;
        Ok(rows <= 0 || self.free_rows(at, rows)? >= rows)
    }

    /// What is free becomes held, whether or not there is enough.
    pub(super) fn take(
        &self,
        at: &Connection,
        strategy: Inventory,
        order: OrderId,
        quantity: u32,
        until: Option<i64>,
    ) -> Result<()> {
        let Kind { rows, name, number, .. } = self.kind;
        if !strategy.has_rows() {
            return self.count(at, "free = free - ?2, held = held + ?2", quantity);
        }
        let taken = run(
            at,
            &format!(
                "update {rows} set state = 'held', order_id = ?1, held_until = ?2 where rowid in \
                 (select rowid from {rows} where {name} = ?3 and state = 'free' \
                  order by {number} limit ?4)"
            ),
            params![signed(order.0), until, self.name, quantity],
        )?;
        let insert = format!(
            "insert into {rows} ({number}, {name}, state, order_id, held_until, doubled) \
             values (?1, ?2, 'held', ?3, ?4, 1)"
        );
        for n in 0..u64::from(quantity) - taken as u64 {
            let row = doubled_row(self.first, self.initial, order, n);
            run(at, &insert, params![signed(row), self.name, signed(order.0), until])?;
        }
        Ok(())
    }

    /// What an order holds is held until another time.
    pub(super) fn prolong(
        &self,
        at: &Connection,
        order: OrderId,
        until: Option<i64>,
    ) -> Result<()> {
        let rows = self.kind.rows;
        let update = format!("update {rows} set held_until = ?2 where order_id = ?1");
        run(at, &update, params![signed(order.0), until]).map(drop)
    }

    /// What an order holds becomes sold.
    pub(super) fn sell(
        &self,
        at: &Connection,
        strategy: Inventory,
        order: OrderId,
        quantity: u32,
    ) -> Result<()> {
        if !strategy.has_rows() {
            return self.count(at, "held = held - ?2, sold = sold + ?2", quantity);
        }
        let rows = self.kind.rows;
        let update =
            format!("update {rows} set state = 'sold', held_until = null where order_id = ?1");
        run(at, &update, [signed(order.0)]).map(drop)
    }

    /// What an order holds becomes free.
    pub(super) fn put_back(
        &self,
        at: &Connection,
        strategy: Inventory,
        order: OrderId,
        quantity: u32,
    ) -> Result<()> {
        if !strategy.has_rows() {
            return self.count(at, "held = held - ?2, free = free + ?2", quantity);
        }
        let rows = self.kind.rows;
        let delete = format!("delete from {rows} where order_id = ?1 and doubled = 1");
        run(at, &delete, [signed(order.0)])?;
        let update = format!(
            "update {rows} set state = 'free', order_id = null, held_until = null \
             where order_id = ?1"
        );
        run(at, &update, [signed(order.0)]).map(drop)
    }

    /// One free piece arrives nowhere.
    pub(super) fn lose_one(&self, at: &Connection, strategy: Inventory) -> Result<()> {
        if self.says_free(at, strategy)? - self.margin <= 0 {
            return Ok(());
        }
        if !strategy.has_rows() {
            return self.count(at, "free = free - ?2", 1);
        }
        let Kind { rows, name, number, .. } = self.kind;
        let delete = format!(
            "delete from {rows} where rowid in (select rowid from {rows} \
             where {name} = ?1 and state = 'free' order by {number} limit 1)"
        );
        run(at, &delete, [&self.name]).map(drop)
    }

    /// Where everything is.
    pub(super) fn balance(&self, at: &Connection, strategy: Inventory) -> Result<Balance> {
        let Kind { of, rows, name, .. } = self.kind;
        let query = if strategy.has_rows() {
            format!(
                "select coalesce(sum((state = 'free') - doubled), 0), \
                 coalesce(sum(state = 'held'), 0), coalesce(sum(state = 'sold'), 0) \
                 from {rows} where {name} = ?1"
            )
        } else {
            format!("select free, held, sold from {of} where {name} = ?1")
        };
        let mut statement = at.prepare_cached(&query)?;
        statement.query_row([&self.name], |row| {
            Ok(Balance { free: row.get(0)?, held: row.get(1)?, sold: row.get(2)? })
        })
    }

    /// Free rows, counted up to `most`.
    fn free_rows(&self, at: &Connection, most: i64) -> Result<i64> {
        let Kind { rows, name, .. } = self.kind;
        let query = format!(
            "select count(*) from \
             (select 1 from {rows} where {name} = ?1 and state = 'free' limit ?2)"
        );
        one(at, &query, params![self.name, most])
    }

    fn doubled_rows(&self, at: &Connection) -> Result<i64> {
        let Kind { rows, name, .. } = self.kind;
        let query = format!("select count(*) from {rows} where {name} = ?1 and doubled = 1");
        one(at, &query, [&self.name])
    }

    /// Changes the counters; `?2` is the quantity.
    fn count(&self, at: &Connection, change: &str, quantity: u32) -> Result<()> {
        let Kind { of, name, .. } = self.kind;
        let update = format!("update {of} set {change} where {name} = ?1");
        run(at, &update, params![self.name, quantity]).map(drop)
    }
}

fn one(at: &Connection, query: &str, params: impl Params) -> Result<i64> {
    at.prepare_cached(query)?.query_row(params, |row| row.get(0))
}

fn run(at: &Connection, statement: &str, params: impl Params) -> Result<usize> {
    at.prepare_cached(statement)?.execute(params)
}

/// An order by its number in a database.
pub(super) fn order_id(number: i64) -> OrderId {
    OrderId(u64::try_from(number).expect("orders are numbered from 1"))
}

/// A number as `SQLite` stores it.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("numbers and times of a run stay below 2^63")
}
