//! How the rows of pieces are kept: their index, what earlier sales left, and what the planner knows
//! of them.

use crate::inventory::postgres::Plan;
use crate::inventory::postgres::session::{Failure, Session};
use crate::inventory::rows::{ITEMS, Kind};
use crate::settings::UnitIndex;

/// Of how many rows the planner has statistics where those of the sale were not drawn.
const KNOWN_ROWS: i64 = 1_000;

impl Plan {
    /// The column in whose order free rows are taken: that of the index of the free rows alone; without
    /// it the primary key.
    pub(super) fn order_of(&self, kind: Kind) -> &'static str {
        match self.units.index {
            UnitIndex::Item | UnitIndex::PrimaryKey if kind.of == ITEMS.of => "id",
            _ => kind.number,
        }
    }

    /// Makes the index by which free rows are found, before there are any.
    pub(super) async fn index_units(&self, session: &mut Session) -> Result<(), Failure> {
        match self.units.index {
            UnitIndex::Free => {}
            UnitIndex::Item => {
                let other = "drop index units_free; create index units_item on units (item)";
                session.plain(other).await?;
            }
            UnitIndex::PrimaryKey => session.plain("drop index units_free").await?,
        }
        if !(self.units.vacuum && self.units.analyze) {
            session.plain("alter table units set (autovacuum_enabled = false)").await?;
        }
        if !self.units.analyze {
            let known = format!(
                "insert into units (unit, item) select n, 'of-another-sale' \
                 from generate_series(1, {KNOWN_ROWS}) as n; analyze units; delete from units"
            );
            session.plain(&known).await?;
        }
        Ok(())
    }

    /// Makes the rows that earlier sales have sold, as those leave them: each was free, and then was
    /// not. They stand before those that are for sale.
    pub(super) async fn sell_before(&self, session: &mut Session) -> Result<(), Failure> {
        let many = i64::from(self.units.sold_before);
        if many == 0 || !self.strategy.has_rows() {
            return Ok(());
        }
        for (place, shelf) in (0_i64..).zip(&self.items) {
            let insert = "insert into units (id, unit, item) select n, n, $1 \
                          from generate_series($2::bigint, $3::bigint) as n";
            let (first, last) = (-many * (place + 1), -many * place - 1);
            session.change(insert, &[&shelf.name, &first, &last]).await?;
        }
        session.change("update units set state = 'gone' where id < 0", &[]).await.map(drop)
    }

    /// Clears away what those left, and has the planner look at what there is.
    pub(super) async fn tidy_units(&self, session: &mut Session) -> Result<(), Failure> {
        if self.units.vacuum && self.units.sold_before > 0 {
            session.plain("vacuum units").await?;
        }
        if self.units.analyze {
            session.plain("analyze units").await?;
        }
        Ok(())
    }
}
