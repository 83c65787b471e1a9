//! How the rows of pieces are kept.

use domain::database::{DatabaseView, TableState};

use super::insight::views;
use super::*;
use crate::settings::{Storage, UnitIndex, Units};

fn rows(view: &DatabaseView) -> &TableState {
    view.tables.iter().find(|table| table.table == "units").unwrap()
}

#[test]
fn rows_are_kept_as_settings_say() {
    let Some(house) = house() else { return };
    let kept = |units| Settings {
        storage: Storage::Postgres,
        units: Some(units),
        ..with(Inventory::UnitRows)
    };
    let before = Units { sold_before: 4_000, ..Units::default() };
    let stale = Units { analyze: false, ..Units::default() };
    // Dead rows, a word of the plan.
    let each = [
        (Units::default(), 0, "units_free"),
        (before, 0, "units_free"),
        (Units { vacuum: false, ..before }, 4_000, "units_free"),
        (Units { index: UnitIndex::PrimaryKey, ..before }, 0, "units_pkey"),
        (Units { index: UnitIndex::Item, ..Units::default() }, 0, "units_pkey"),
        (Units { index: UnitIndex::Item, ..stale }, 1_000, "Sort"),
        (stale, 1_000, "units_free"),
    ];
    for (units, dead, word) in each {
        let mut open = Open::start(house.plan(&shop(6_000, 5, kept(units))));
        assert_eq!(open.reserve(1, 1), InventoryReply::Reserved, "{units:?}");
        let lines = open.lines();
        let (view, _) = views(&lines);
        assert_eq!(
            (rows(view).live_rows, rows(view).dead_rows),
            (living(units), dead),
            "{units:?}"
        );
        assert!(view.plan.iter().any(|line| line.contains(word)), "{units:?}: {:?}", view.plan);
        // What earlier sales sold is no stock of this one, and nobody's order.
        let told = lines.iter().filter(|line| matches!(line, ShopLine::Unit { .. })).count();
        assert_eq!(told, 6_000, "{units:?}");
        let balance = open.balances().0;
        assert_eq!(balance, Balance { free: 5_999, held: 1, sold: 0 }, "{units:?}");
        open.pool.close();
    }
}

/// Rows that are there before anybody asks.
fn living(units: Units) -> u64 {
    6_000 + u64::from(units.sold_before)
}
