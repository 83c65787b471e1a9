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

#[test]
fn a_capped_pool_sells_every_piece_once_and_makes_rows_as_they_are_needed() {
    let Some(house) = house() else { return };
    let pooled = |pool| Settings {
        storage: Storage::Postgres,
        units: Some(Units { pool: Some(pool), ..Units::default() }),
        ..with(Inventory::UnitRows)
    };
    let plan = house.plan(&shop(100, 60, pooled(7)));
    let guest = house.guest(&plan);
    let free =
        |house: &House| house.number(&guest, "select count(*) from units where state = 'free'");
    let mut open = Open::start(plan);
    assert_eq!(free(&house), 7);
    // 33 orders of three, all at once; one piece is left of the hundred.
    for order in 1..=34 {
        open.ask(order, wish(order, 3));
    }
    let replies: Vec<InventoryReply> = (0..34).map(|_| open.answer().1).collect();
    let reserved = replies.iter().filter(|reply| **reply == InventoryReply::Reserved).count();
    assert_eq!(reserved, 33, "{replies:?}");
    assert_eq!(open.balances().0, Balance { free: 1, held: 99, sold: 0 });
    assert_eq!(open.reserve(50, 1), InventoryReply::Reserved);
    assert_eq!(open.reserve(51, 1), InventoryReply::Short(Short::Item));
    // What is given back is free again; more than the pool at once is had too.
    for order in 1..=34 {
        open.ask(order, InventoryCall::Release { order: OrderId(order) });
        open.answer();
    }
    assert_eq!(open.reserve(52, 40), InventoryReply::Reserved);
    open.pool.close();
}

#[test]
fn pieces_without_a_row_are_free_in_every_account() {
    let Some(house) = house() else { return };
    let units = Some(Units { pool: Some(10), ..Units::default() });
    let settings = Settings { storage: Storage::Postgres, units, ..with(Inventory::UnitRows) };
    let mut open = Open::start(house.plan(&shop(60, 5, settings)));
    // More than the pool has.
    assert_eq!(open.reserve(1, 25), InventoryReply::Reserved);
    assert_eq!(open.balances().0, Balance { free: 35, held: 25, sold: 0 });
    let mut units = Vec::new();
    for line in open.lines() {
        match line {
            ShopLine::Unit { unit, state, .. } => units.push((unit, state)),
            ShopLine::Stock { free, held, .. } => assert_eq!((free, held), (35, 25)),
            _ => {}
        }
    }
    units.sort();
    assert_eq!(units.iter().filter(|(_, state)| state == "free").count(), 35);
    let (first, _) = units[0];
    let numbers: Vec<u64> = units.iter().map(|(unit, _)| *unit).collect();
    assert_eq!(numbers, (first..first + 60).collect::<Vec<_>>(), "each once");
    open.pool.close();
}

/// Rows that are there before anybody asks.
fn living(units: Units) -> u64 {
    6_000 + u64::from(units.sold_before)
}
