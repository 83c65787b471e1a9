//! A capped pool: few free rows at a time, made of a number of pieces that have none yet.

use domain::shop::ShopLine;

use crate::inventory::postgres::Plan;
use crate::inventory::postgres::calls::Hand;
use crate::inventory::postgres::session::{Ending, Failure, Session};
use crate::inventory::postgres::shelf::At;
use crate::inventory::rows::{ITEMS, Kind, Shelf, signed};

impl Plan {
    /// The most free rows that there are at once, where the others have none yet.
    pub(super) fn pool(&self, stock: &Shelf) -> Option<i64> {
        let is_pooled = self.strategy.has_rows() && stock.kind.of == ITEMS.of;
        self.units.pool.filter(|_| is_pooled).map(i64::from)
    }

    /// The last pieces of an item, which have no row yet: they are free all the same.
    pub(super) fn rowless(&self, item: &str, count: i64) -> impl Iterator<Item = ShopLine> {
        let stock = self.items.iter().find(|stock| stock.name == item);
        let Shelf { first, initial, .. } = stock.expect("only what exists has pieces");
        let after = first + u64::from(*initial);
        (after - count.unsigned_abs()..after).map(move |unit| ShopLine::Unit {
            name: None,
            unit,
            item: item.to_owned(),
            state: "free".to_owned(),
            order_id: None,
        })
    }
}

impl Hand<'_> {
    /// Makes rows of pieces that had none, where what was short is pooled; whether there were any. Nobody
    /// has a row locked meanwhile, for others may wait until they can make some.
    pub(super) async fn top_up(&mut self, stock: &Shelf, wanted: u32) -> Result<bool, Failure> {
        let plan = self.plan;
        let Some(pool) = plan.pool(stock) else { return Ok(false) };
        let rows = pool.max(wanted.into());
        let work = async |session: &mut Session| {
            Ok(Ending::Commit(plan.at(session, stock).top_up(rows).await?))
        };
        self.session.transact(self.counts, work).await
    }
}

impl At<'_> {
    /// Makes rows of pieces that have none yet, until so many are free; whether it did, or somebody else
    /// whom it had to wait for.
    async fn top_up(&mut self, pool: i64) -> Result<bool, Failure> {
        let before = self.rowless("").await?;
        let rowless = self.rowless("for update").await?;
        if rowless < before {
            return Ok(true);
        }
        let more = rowless.min(pool - self.free_rows(pool).await?);
        if more <= 0 {
            return Ok(false);
        }
        let Kind { of, rows, name, number } = self.kind();
        let next = signed(self.shelf.first + u64::from(self.shelf.initial)) - rowless;
        let sql = format!(
            "insert into {rows} ({number}, {name}) \
             select n, $1 from generate_series($2::bigint, $3::bigint) as n"
        );
        self.session.change(&sql, &[&self.shelf.name, &next, &(next + more - 1)]).await?;
        let sql = format!("update {of} set rowless = rowless - $2 where {name} = $1");
        self.session.change(&sql, &[&self.shelf.name, &more]).await?;
        Ok(true)
    }

    /// Pieces that have no row yet.
    pub(super) async fn rowless(&mut self, lock: &str) -> Result<i64, Failure> {
        if !self.is_pooled {
            return Ok(0);
        }
        let Kind { of, name, .. } = self.kind();
        let sql = format!("select rowless from {of} where {name} = $1 {lock}");
        self.session.number(&sql, &[&self.shelf.name]).await
    }
}
