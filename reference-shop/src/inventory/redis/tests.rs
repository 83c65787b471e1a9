//! Stock counted in Redis, where this machine has it (`./test` sees to it).

use machine::redis::{Redis, RedisError};
use proptest::prelude::*;
use redis::IntoConnectionInfo as _;
use tokio::sync::mpsc;

use super::*;
use crate::inventory::memory::Memory;
use crate::inventory::trial::{Course, call, catalogue, row};
use crate::inventory::writer::{Storage, Writer};
use crate::rules::Asker;

const BEGAN: u64 = 1_700_000_000_000_000_000;

fn server() -> Option<Redis> {
    match Redis::start() {
        Ok(redis) => Some(redis),
        Err(RedisError::Missing) => {
            eprintln!("Redis is not installed: nothing was tested with it");
            None
        }
        Err(error) => panic!("{error:?}"),
    }
}

fn open(redis: &Redis, path: &Path, began_utc_ns: u64) -> (Counted, Vec<Found>) {
    let info = redis.url().into_connection_info().unwrap();
    Counted::open(info, path, &catalogue(), began_utc_ns).unwrap()
}

fn reserve(order: u64) -> InventoryCall {
    let (order, item) = (OrderId(order), ItemId(0));
    InventoryCall::Reserve { order, item, slot: None, quantity: 1, until: None }
}

/// What is free, held and sold of the first item.
fn first(counted: &Counted) -> (i64, i64, i64) {
    let name = &counted.books.items[0].name;
    let balance = counted.balances().unwrap().unwrap().items[name];
    (balance.free, balance.held, balance.sold)
}

#[test]
fn redis_and_its_books_behave_as_the_memory_does() {
    let Some(redis) = server() else { return };
    let began = std::cell::Cell::new(BEGAN);
    proptest!(ProptestConfig::with_cases(32), |(calls in prop::collection::vec(call(), 1..60))| {
        began.set(began.get() + 1);
        let folder = tempfile::tempdir().unwrap();
        let (counted, found) = open(&redis, &folder.path().join("shop.db"), began.get());
        prop_assert!(found.is_empty());
        let strategy = Inventory::GuardedCounter;
        let mut memory = Memory::new(&catalogue(), strategy, &[]).began(began.get());
        let mut course = Course::of(strategy);
        for call in calls {
            let Some(call) = course.next(call) else { continue };
            counted.begin().unwrap();
            let expected = memory.apply(Time::NEVER, call);
            let reply = counted.apply(call).unwrap();
            counted.commit().unwrap();
            prop_assert_eq!(&reply, &expected, "to {:?}", call);
            course.heard(call, &reply);
        }
        counted.begin().unwrap();
        memory.record(row(1));
        counted.record(&row(1)).unwrap();
        counted.commit().unwrap();
        prop_assert_eq!(counted.reader().unwrap().balances().unwrap().unwrap(), memory.balances());
        prop_assert_eq!(counted.lines().unwrap().unwrap(), memory.lines());
        // Another shop of the same run finds what was written down.
        drop(counted);
        let (again, found) = open(&redis, &folder.path().join("shop.db"), began.get());
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(&found[0].row, &row(1));
        prop_assert_eq!(again.balances().unwrap().unwrap(), memory.balances());
    });
}

#[test]
fn a_shop_that_dies_between_counter_and_books_strands_pieces() {
    let Some(redis) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let (counted, _) = open(&redis, &path, BEGAN);
    let (stock, ..) = first(&counted);
    counted.begin().unwrap();
    assert_eq!(counted.apply(reserve(1)).unwrap(), InventoryReply::Reserved);
    // It dies: what was not committed is not there.
    drop(counted);
    let (counted, _) = open(&redis, &path, BEGAN);
    assert_eq!(first(&counted), (stock - 1, 0, 0));
}

#[test]
fn counters_that_are_gone_are_filled_from_the_books_and_a_server_that_is_gone_is_an_answer() {
    let Some(mut redis) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (counted, _) = open(&redis, &folder.path().join("shop.db"), BEGAN);
    let (stock, ..) = first(&counted);
    counted.begin().unwrap();
    assert_eq!(counted.apply(reserve(1)).unwrap(), InventoryReply::Reserved);
    counted.commit().unwrap();
    redis.kill().unwrap();
    counted.begin().unwrap();
    assert_eq!(counted.apply(reserve(2)).unwrap(), InventoryReply::Failed);
    counted.commit().unwrap();
    assert_eq!(counted.balances().unwrap(), None);
    assert_eq!(counted.lines().unwrap(), None);
    redis.start_again().unwrap();
    counted.begin().unwrap();
    assert_eq!(counted.apply(reserve(3)).unwrap(), InventoryReply::Reserved);
    counted.commit().unwrap();
    assert_eq!(first(&counted), (stock - 2, 2, 0));
}

#[test]
fn who_asks_in_a_rush_is_told_balances_that_add_up() {
    let Some(redis) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (counted, _) = open(&redis, &folder.path().join("shop.db"), BEGAN);
    let (stock, ..) = first(&counted);
    let name = counted.books.items[0].name.clone();
    let (notices, _told) = mpsc::unbounded_channel();
    // Between counter and books each order takes its time.
    let pause = Duration::from_millis(1);
    let writer = Writer::start(Storage::Redis(Box::new(counted)), pause, notices).unwrap();
    let accounts = (1..=60).map(|order| {
        writer.call(Time::ZERO, Asker::Order(OrderId(order)), reserve(order));
        writer.balances()
    });
    for account in accounts.collect::<Vec<_>>() {
        let balance = account.blocking_recv().unwrap().items[&name];
        assert_eq!(balance.free + balance.held + balance.sold, stock, "{balance:?}");
    }
    writer.close();
}
