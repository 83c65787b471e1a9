//! How the rows of pieces are kept in `PostgreSQL`: their index, what earlier sales left, and what the
//! planner knows of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::{Misfit, Settings};

/// How the rows of pieces are kept in `PostgreSQL`: `[shop] units`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Units {
    /// By which index free rows are found.
    pub index: UnitIndex,
    /// Rows of each item that earlier sales have sold; they stand before those that are for sale.
    #[schemars(range(max = SOLD_BEFORE_MAX))]
    pub sold_before: u32,
    /// Whether those were cleared of what their sale left behind, and the server may do so in
    /// mid-sale.
    pub vacuum: bool,
    /// Whether statistics were drawn after the rows were made; otherwise the planner has those of
    /// another item, and the server draws none in mid-sale.
    pub analyze: bool,
    /// The most free rows of each item that there are at once; the other pieces are a number until rows are
    /// made of them. Left out: a row for every piece from the beginning.
    #[schemars(range(min = 1))]
    pub pool: Option<u32>,
}

/// The most rows that earlier sales have sold, of each item: some gigabytes.
const SOLD_BEFORE_MAX: u32 = 10_000_000;

impl Default for Units {
    fn default() -> Self {
        Self {
            index: UnitIndex::default(),
            sold_before: 0,
            vacuum: true,
            analyze: true,
            pool: None,
        }
    }
}

/// By which index free rows of pieces are found.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnitIndex {
    /// One of the free rows alone, by item and number.
    #[default]
    Free,
    /// One by item: all rows of it are read and sorted, or those of the primary key in their order.
    Item,
    /// None but the primary key: rows are read in their order until one is free.
    PrimaryKey,
}

impl Settings {
    /// How rows are kept, where that makes a difference: rows in memory have no index to be wrong.
    pub(super) fn units_only_live(&self) -> Option<Misfit> {
        self.units.filter(|units| *units != Units::default()).map(|_| Misfit {
            key: "units",
            message: "`units` shows in a real database alone: in virtual time rows have neither \
                      index nor statistics"
                .to_owned(),
            hint: "`spike run` lives it; without `units` it can be simulated".to_owned(),
        })
    }

    /// What does not fit the way in which rows of pieces are kept.
    pub(super) fn misfits_of_units(&self) -> Vec<Misfit> {
        let Self { storage, inventory, .. } = self;
        let Some(units) = self.units else { return Vec::new() };
        let misfit = |message, hint: &str| Misfit { key: "units", message, hint: hint.to_owned() };
        let elsewhere = (!storage.is_postgres() || !inventory.has_rows()).then(|| {
            let message = format!(
                "`units` does not fit `storage = \"{}\"` with `inventory = \"{}\"`: it is about \
                 rows of pieces in PostgreSQL",
                storage.word(),
                inventory.word()
            );
            let hint =
                "leave it out, or write `storage = \"postgres\"` and `inventory = \"unit-rows\"`";
            misfit(message, hint)
        });
        let too_many = (units.sold_before > SOLD_BEFORE_MAX).then(|| {
            let message = format!("`units.sold_before` must be at most {SOLD_BEFORE_MAX}");
            misfit(message, "write fewer")
        });
        let empty = (units.pool == Some(0)).then(|| {
            misfit(
                "`units.pool` of 0 rows sells nothing".to_owned(),
                "write 1 or more: 1_000 is usual",
            )
        });
        elsewhere.into_iter().chain(too_many).chain(empty).collect()
    }
}
