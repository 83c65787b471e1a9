//! What the database says of itself, and of very many pieces.

use domain::database::DatabaseView;

use super::*;
use crate::settings::Storage;

pub(super) fn views(lines: &[ShopLine]) -> (&DatabaseView, &DatabaseView) {
    let last = lines.last().unwrap();
    let ShopLine::Database { before, after } = last else { panic!("{last:?}") };
    (before, after)
}

/// How often the statement that takes rows was carried out.
fn taken(view: &DatabaseView) -> u64 {
    let statements = view.statements.as_ref().unwrap().iter();
    let taking = statements.filter(|it| it.statement.contains("for update skip locked"));
    taking.map(|it| it.calls).sum()
}

#[test]
fn what_the_database_says_of_itself_is_of_this_run() {
    let Some(house) = house() else { return };
    let settings = Settings { storage: Storage::Postgres, ..with(Inventory::UnitRows) };
    for _ in 0..2 {
        let mut open = Open::start(house.plan(&shop(5, 5, settings.clone())));
        (1..=3).for_each(|order| drop(open.reserve(order, 1)));
        let lines = open.lines();
        let (before, after) = views(&lines);
        // Of items and of slots alike.
        assert_eq!(taken(after) - taken(before), 6, "{after:#?}");
        let names: Vec<&str> = after.tables.iter().map(|table| table.table.as_str()).collect();
        assert_eq!(names, ["items", "orders", "places", "reservations", "slots", "units"]);
        // Rows that were there before anybody asked are not counted again later.
        assert_eq!([before, after].map(|view| view.tables[5].live_rows), [5, 5]);
        assert!(after.reserving.contains("item = 'tee'"), "{}", after.reserving);
        assert!(after.plan.iter().any(|line| line.contains("LockRows")), "{after:#?}");
        open.pool.close();
    }
}

#[test]
fn who_waits_for_a_lock_is_seen() {
    let Some(house) = house() else { return };
    let plan = house.plan(&shop(5, 5, with(Inventory::GuardedCounter)));
    let guest = house.guest(&plan);
    house.say(&guest, "begin; update items set version = version");
    let mut open = Open::start(plan);
    // The reader has a connection from here on.
    open.balances();
    open.ask(1, wish(1, 1));
    assert!((0..LOOKS_MAX).any(|_| open.pool.state().lock_waits > 0), "nobody is seen");
    assert_eq!(open.pool.state().lock_waits_max, 1);
    house.say(&guest, "commit");
    assert_eq!(open.answer().1, InventoryReply::Reserved);
    open.pool.close();
}

#[test]
fn very_many_pieces_are_counted_by_what_is_taken_and_in_the_ledger_one_by_one() {
    const MANY: u32 = 100_001;
    let Some(house) = house() else { return };
    let mut open = Open::start(house.plan(&shop(MANY, 9, with(Inventory::UnitRows))));
    (1..=4).for_each(|order| drop(open.reserve(order, 2)));
    open.ask(1, InventoryCall::Sell { order: OrderId(1) });
    open.answer();
    open.ask(2, InventoryCall::Release { order: OrderId(2) });
    open.answer();
    let whole = balance(i64::from(MANY) - 6, 4, 2);
    assert_eq!(open.balances().0, whole);
    let lines = open.lines();
    let stock = lines.iter().find(|line| matches!(line, ShopLine::Stock { .. })).unwrap();
    let Balance { free, held, sold } = whole;
    let initial = u64::from(MANY);
    assert_eq!(stock, &ShopLine::Stock { item: "tee".to_owned(), initial, free, held, sold });
    assert!(!lines.iter().any(|line| matches!(line, ShopLine::Unit { .. })));
    open.pool.close();
}
