//! The pieces of an item, or the places of a slot, in the database: how each strategy takes them.

use domain::id::OrderId;

use crate::inventory::postgres::session::{Failure, Session};
use crate::inventory::rows::{Kind, Shelf, signed};
use crate::inventory::shelf::doubled_row;
use crate::settings::Inventory;

/// What is done about rows that others have locked.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Locked {
    PassedOver,
    WaitedFor,
}

/// Whether there was enough.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    All,
    Short,
}

impl Taken {
    const fn if_enough(free: i64, wanted: i64) -> Self {
        if free >= wanted { Self::All } else { Self::Short }
    }
}

/// One shelf as one session sees it.
pub(super) struct At<'a> {
    pub(super) session: &'a mut Session,
    pub(super) shelf: &'a Shelf,
    pub(super) strategy: Inventory,
    /// The column in whose order free rows are taken.
    pub(super) order: &'static str,
    /// Whether only some of what is free has rows.
    pub(super) is_pooled: bool,
}

impl At<'_> {
    /// Locks what is wanted and takes it, or falls short: then there may be locks, but nothing was
    /// written. The optimistic strategy has a way of its own.
    pub(super) async fn take(
        &mut self,
        order: OrderId,
        wanted: u32,
        locked: Locked,
    ) -> Result<Taken, Failure> {
        let wanted = i64::from(wanted);
        match self.strategy {
            Inventory::NaiveCounter => self.add(-wanted).await.map(|()| Taken::All),
            Inventory::GuardedCounter => self.take_guarded(wanted).await,
            Inventory::RowLock => self.take_locked(wanted).await,
            Inventory::Optimistic => match self.version(wanted).await? {
                Some(version) => self.take_version(version, wanted).await.map(|()| Taken::All),
                None => Ok(Taken::Short),
            },
            Inventory::UnitRows => self.take_rows(order, wanted, locked).await,
        }
    }

    /// How much is free, as the shelf says: a broken promise makes it lie.
    pub(super) async fn says_free(&mut self) -> Result<i64, Failure> {
        let free = if self.strategy.has_rows() {
            self.free_pieces(i64::MAX).await? - self.doubled_rows().await?
        } else {
            self.counter("").await?
        };
        Ok(free + self.shelf.margin)
    }

    /// Whether there are pieces enough that are not sold, whoever has their rows locked.
    pub(super) async fn has_unsold(&mut self, wanted: u32) -> Result<bool, Failure> {
        let pieces = i64::from(wanted) - self.shelf.margin.min(0);
        Ok(self.free_pieces(pieces).await? >= pieces)
    }

    /// What an order holds becomes sold.
    pub(super) async fn sell(&mut self, order: OrderId) -> Result<(), Failure> {
        if !self.strategy.has_rows() {
            return Ok(());
        }
        let sql = format!("update {} set state = 'sold' where order_id = $1", self.kind().rows);
        self.session.change(&sql, &[&signed(order.0)]).await.map(drop)
    }

    /// What an order holds becomes free.
    pub(super) async fn put_back(&mut self, order: OrderId, quantity: i64) -> Result<(), Failure> {
        if !self.strategy.has_rows() {
            return self.add(quantity).await;
        }
        let (rows, order) = (self.kind().rows, signed(order.0));
        let sql = format!("delete from {rows} where order_id = $1 and doubled = 1");
        self.session.change(&sql, &[&order]).await?;
        let sql = format!("update {rows} set state = 'free', order_id = null where order_id = $1");
        self.session.change(&sql, &[&order]).await.map(drop)
    }

    /// One free piece arrives nowhere.
    pub(super) async fn lose_one(&mut self) -> Result<(), Failure> {
        let (Kind { of, rows, name, .. }, order) = (self.kind(), self.order);
        let sql = if self.strategy.has_rows() {
            format!(
                "delete from {rows} where id in (select id from {rows} where {name} = $1 and \
                 state = 'free' order by {order} limit 1 for update skip locked)"
            )
        } else {
            format!("update {of} set free = free - 1 where {name} = $1 and free > 0")
        };
        self.session.change(&sql, &[&self.shelf.name]).await.map(drop)
    }

    /// The counter's version, if there is enough.
    pub(super) async fn version(&mut self, wanted: i64) -> Result<Option<i64>, Failure> {
        let sql = versioned(self.kind());
        let row = self.session.row(&sql, &[&self.shelf.name]).await?;
        let row = row.expect("every item and slot has a row");
        let free: i64 = row.get(1);
        Ok((free + self.shelf.margin >= wanted).then(|| row.get(0)))
    }

    /// Takes what is wanted, if the counter still has this version.
    ///
    /// # Errors
    /// [`Failure::Conflict`] when it has not.
    pub(super) async fn take_version(&mut self, version: i64, wanted: i64) -> Result<(), Failure> {
        let Kind { of, name, .. } = self.kind();
        let sql = format!(
            "update {of} set free = free - $2, version = version + 1 \
             where {name} = $1 and version = $3"
        );
        match self.session.change(&sql, &[&self.shelf.name, &wanted, &version]).await? {
            0 => Err(Failure::Conflict),
            _ => Ok(()),
        }
    }

    async fn take_guarded(&mut self, wanted: i64) -> Result<Taken, Failure> {
        let sql = guarded(self.kind());
        let changed =
            self.session.change(&sql, &[&self.shelf.name, &wanted, &self.shelf.margin]).await?;
        Ok(if changed == 0 { Taken::Short } else { Taken::All })
    }

    async fn take_locked(&mut self, wanted: i64) -> Result<Taken, Failure> {
        let free = self.counter("for update").await?;
        let taken = Taken::if_enough(free + self.shelf.margin, wanted);
        if taken == Taken::All {
            self.add(-wanted).await?;
        }
        Ok(taken)
    }

    async fn take_rows(
        &mut self,
        order: OrderId,
        wanted: i64,
        locked: Locked,
    ) -> Result<Taken, Failure> {
        let hidden = -self.shelf.margin.min(0);
        if hidden > 0 && self.free_rows(wanted + hidden).await? < wanted + hidden {
            return Ok(Taken::Short);
        }
        let rows = self.kind().rows;
        let sql = free_rows_locked(self.kind(), self.order, locked);
        let found = self.session.rows(&sql, &[&self.shelf.name, &wanted]).await?;
        let ids: Vec<i64> = found.iter().map(|row| row.get(0)).collect();
        let missing = wanted - i64::try_from(ids.len()).expect("as many as were asked for");
        if missing > 0
            && (missing + self.doubled_rows().await? > self.shelf.margin
                || self.rowless("").await? > 0)
        {
            return Ok(Taken::Short);
        }
        let sql = format!("update {rows} set state = 'held', order_id = $2 where id = any($1)");
        self.session.change(&sql, &[&ids, &signed(order.0)]).await?;
        for n in 0..missing {
            self.double(order, n).await?;
        }
        Ok(Taken::All)
    }

    /// Gives the order a row that is another's, for want of the `n`th free one.
    async fn double(&mut self, order: OrderId, n: i64) -> Result<(), Failure> {
        let Kind { rows, name, number, .. } = self.kind();
        let Shelf { first, initial, .. } = *self.shelf;
        let row = doubled_row(first, initial, order, n.unsigned_abs());
        let sql = format!(
            "insert into {rows} ({number}, {name}, state, order_id, doubled) \
             values ($1, $2, 'held', $3, 1)"
        );
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&signed(row), &self.shelf.name, &signed(order.0)];
        self.session.change(&sql, &values).await.map(drop)
    }

    /// Changes the counter.
    async fn add(&mut self, more: i64) -> Result<(), Failure> {
        let sql = changed(self.kind());
        self.session.change(&sql, &[&self.shelf.name, &more]).await.map(drop)
    }

    async fn counter(&mut self, lock: &str) -> Result<i64, Failure> {
        let sql = counted(self.kind(), lock);
        self.session.number(&sql, &[&self.shelf.name]).await
    }

    /// Free rows, counted up to `most`.
    pub(super) async fn free_rows(&mut self, most: i64) -> Result<i64, Failure> {
        let sql = free_rows(self.kind(), self.order);
        self.session.number(&sql, &[&self.shelf.name, &most]).await
    }

    /// Likewise, and the pieces that have no row yet: both at one moment, for the ones become the others.
    async fn free_pieces(&mut self, most: i64) -> Result<i64, Failure> {
        let (Kind { of, name, .. }, rows) = (self.kind(), free_rows(self.kind(), self.order));
        let sql = format!("select rowless + ({rows}) from {of} where {name} = $1");
        self.session.number(&sql, &[&self.shelf.name, &most]).await
    }

    async fn doubled_rows(&mut self) -> Result<i64, Failure> {
        if self.shelf.margin <= 0 {
            return Ok(0);
        }
        let Kind { rows, name, .. } = self.kind();
        let sql = format!("select count(*) from {rows} where {name} = $1 and doubled = 1");
        self.session.number(&sql, &[&self.shelf.name]).await
    }

    pub(super) const fn kind(&self) -> Kind {
        self.shelf.kind
    }
}

/// The statement on which it hangs whether pieces are had: `$1` is the name, `$2` how many. Rows are
/// taken in that column's order.
pub(super) fn reserving(strategy: Inventory, kind: Kind, order: &str) -> String {
    match strategy {
        Inventory::NaiveCounter => changed(kind),
        Inventory::GuardedCounter => guarded(kind),
        Inventory::RowLock => counted(kind, "for update"),
        Inventory::Optimistic => versioned(kind),
        Inventory::UnitRows => free_rows_locked(kind, order, Locked::PassedOver),
    }
}

fn changed(Kind { of, name, .. }: Kind) -> String {
    format!("update {of} set free = free + $2, version = version + 1 where {name} = $1")
}

fn guarded(Kind { of, name, .. }: Kind) -> String {
    format!(
        "update {of} set free = free - $2, version = version + 1 \
         where {name} = $1 and free + $3 >= $2"
    )
}

fn counted(Kind { of, name, .. }: Kind, lock: &str) -> String {
    format!("select free from {of} where {name} = $1 {lock}")
}

fn versioned(Kind { of, name, .. }: Kind) -> String {
    format!("select version, free from {of} where {name} = $1")
}

fn free_rows(Kind { rows, name, .. }: Kind, order: &str) -> String {
    format!(
        "select count(*) from (select 1 from {rows} where {name} = $1 and state = 'free' \
         order by {order} limit $2) as free"
    )
}

fn free_rows_locked(Kind { rows, name, .. }: Kind, order: &str, locked: Locked) -> String {
    let or_pass = if locked == Locked::PassedOver { "skip locked" } else { "" };
    format!(
        "select id from {rows} where {name} = $1 and state = 'free' \
         order by {order} limit $2 for update {or_pass}"
    )
}
