//! Against a real server, where this machine has one (`./test` sees to it).

mod insight;
mod units;

use std::cell::Cell;

use domain::shop::{Balance, Item, Sale, Short, Slot};
use machine::postgres::{Server, StartError};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestCaseResult, TestRunner};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_postgres::{Client, NoTls};

use super::calls::Hand;
use super::session::Session;
use super::*;
use crate::inventory::memory::Memory;
use crate::inventory::trial::{Course, call, catalogue, row};
use crate::rules::Found;
use crate::settings::{Settings, ShopSettings};

/// Those that sell nothing twice.
const SOUND: [Inventory; 4] =
    [Inventory::GuardedCounter, Inventory::RowLock, Inventory::Optimistic, Inventory::UnitRows];

/// How often something is asked that comes true by itself.
const LOOKS_MAX: u32 = 1_000_000;

/// A server, and what is needed to speak with it.
struct House {
    server: Server,
    runtime: Runtime,
    runs: Cell<u64>,
}

fn house() -> Option<House> {
    let server = match Server::start(60) {
        Ok(server) => server,
        Err(StartError::Missing) => {
            eprintln!("PostgreSQL is not installed: nothing was tested with it");
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    Some(House { server, runtime, runs: Cell::new(0) })
}

impl House {
    /// A run of its own.
    fn clock(&self) -> Clock {
        self.runs.set(self.runs.get() + 1);
        Clock::new(Some(1_700_000_000_000_000_000 + self.runs.get()))
    }

    fn open(&self, settings: &ShopSettings, clock: Clock) -> Result<(Plan, Vec<Found>), OpenError> {
        self.runtime.block_on(Plan::open(&self.server.url(), settings, clock))
    }

    fn plan(&self, settings: &ShopSettings) -> Plan {
        self.open(settings, self.clock()).unwrap().0
    }

    /// A connection of the test's own to the tables of a run.
    fn guest(&self, plan: &Plan) -> Client {
        let url = format!("{}?options=-c%20search_path%3D{}", self.server.url(), plan.schema);
        self.runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        })
    }

    fn say(&self, guest: &Client, sql: &str) {
        self.runtime.block_on(guest.batch_execute(sql)).unwrap();
    }

    fn number(&self, guest: &Client, sql: &str) -> i64 {
        self.runtime.block_on(guest.query_one(sql, &[])).unwrap().get(0)
    }

    /// Waits until somebody waits for a lock of a run.
    fn wait_for_a_waiter(&self, guest: &Client) {
        let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'";
        assert!((0..LOOKS_MAX).any(|_| self.number(guest, waiting) > 0), "nobody waits");
    }
}

/// A pool at work, and what it has to say.
struct Open {
    pool: Pool,
    notices: UnboundedReceiver<Notice>,
}

impl Open {
    fn start(plan: Plan) -> Self {
        let (tell, notices) = mpsc::unbounded_channel();
        Self { pool: Pool::start(plan, tell).unwrap(), notices }
    }

    fn ask(&self, order: u64, call: InventoryCall) {
        self.pool.call(Asker::Order(OrderId(order)), call);
    }

    /// The next answer, whoever asked; what was written down is no answer.
    fn answer(&mut self) -> (Asker, InventoryReply) {
        loop {
            match self.notices.blocking_recv().unwrap() {
                Notice::Reply { asker, reply } => return (asker, reply),
                Notice::Recorded(_) | Notice::Unrecorded(_) => {}
                Notice::Failed(error) => panic!("{error}"),
            }
        }
    }

    fn reserve(&mut self, order: u64, quantity: u32) -> InventoryReply {
        self.ask(order, wish(order, quantity));
        self.answer().1
    }

    fn lines(&self) -> Vec<ShopLine> {
        self.pool.lines().blocking_recv().unwrap()
    }

    fn balances(&self) -> (Balance, Balance) {
        let balances = self.pool.balances().blocking_recv().unwrap();
        (balances.items["tee"], balances.slots["day/noon"])
    }
}

/// A shop with so many pieces and places.
fn shop(stock: u32, places: u32, shop: Settings) -> ShopSettings {
    let item = Item { id: "tee".to_owned(), stock, price: domain::money::Amount::new(100) };
    let sale = Sale {
        id: "day".to_owned(),
        opens: Time::ZERO,
        closes: Time::NEVER,
        limit_per_fan: 9,
        items: vec![item],
        lottery: None,
        slots: vec![Slot { id: "noon".to_owned(), capacity: places }],
    };
    ShopSettings { shop, catalogue: Catalogue { sales: vec![sale] }, ..ShopSettings::small() }
}

fn with(inventory: Inventory) -> Settings {
    Settings { inventory, connections: Some(8), ..Settings::default() }
}

fn wish(order: u64, quantity: u32) -> InventoryCall {
    let (order, item, slot) = (OrderId(order), ItemId(0), Some(SlotId(0)));
    InventoryCall::Reserve { order, item, slot, quantity, until: None }
}

const fn balance(free: i64, held: i64, sold: i64) -> Balance {
    Balance { free, held, sold }
}

/// The same calls to the database and to the memory, one after the other.
fn compare(
    house: &House,
    calls: Vec<InventoryCall>,
    strategy: Inventory,
    faults: &[Fault],
) -> TestCaseResult {
    let settings = Settings { faults: faults.to_vec(), ..with(strategy) };
    let settings = ShopSettings { shop: settings, catalogue: catalogue(), ..ShopSettings::small() };
    let plan = house.plan(&settings);
    let memory = Memory::new(&catalogue(), strategy, faults).began(plan.began_utc_ns);
    house.runtime.block_on(async {
        let mut session = Session::open(&plan.config).await.unwrap();
        let counts = Counts::new();
        let mut hand = Hand { session: &mut session, plan: &plan, counts: &counts };
        ask_both(&mut hand, memory, calls).await
    })
}

async fn ask_both(
    hand: &mut Hand<'_>,
    mut memory: Memory,
    calls: Vec<InventoryCall>,
) -> TestCaseResult {
    let plan = hand.plan;
    let mut course = Course::of(plan.strategy);
    for call in calls {
        let Some(call) = course.next(call) else { continue };
        let expected = memory.apply(Time::NEVER, call);
        let reply = match call {
            InventoryCall::Sweep { now } => hand.sweep(now).await,
            InventoryCall::Availability { sale } => plan.available(hand.session, sale).await,
            call => hand.order(None, call).await,
        };
        let reply = reply.unwrap();
        prop_assert_eq!(&reply, &expected, "to {:?}", call);
        course.heard(call, &reply);
    }
    for order in [3, 1, 3] {
        memory.record(row(order));
        hand.record_alone(Some(&row(order))).await.unwrap();
    }
    prop_assert_eq!(plan.balances(hand.session).await.unwrap(), memory.balances());
    prop_assert_eq!(plan.lines(hand.session).await.unwrap(), memory.lines());
    let mut kept = plan.orders(hand.session).await.unwrap();
    // Rows are read in the order of their numbers.
    prop_assert_eq!(kept.remove(0), row(1));
    prop_assert_eq!(kept, [row(3)]);
    Ok(())
}

#[test]
fn the_database_behaves_as_the_memory_does() {
    let Some(house) = house() else { return };
    let strategies = [&SOUND[..], &[Inventory::NaiveCounter]].concat();
    let given = (
        prop::collection::vec(call(), 1..60),
        prop::sample::select(strategies),
        prop::sample::subsequence(Fault::ALL.to_vec(), 0..3),
    );
    let cases = Cases { cases: 40, failure_persistence: None, ..Cases::default() };
    let compared = TestRunner::new(cases)
        .run(&given, |(calls, strategy, faults)| compare(&house, calls, strategy, &faults));
    compared.unwrap();
}

#[test]
fn of_orders_that_race_as_many_are_served_as_there_are_pieces() {
    let Some(house) = house() else { return };
    for strategy in SOUND {
        let pause = domain::time::Span(Duration::from_millis(1));
        let settings = Settings { time_in_transaction: pause, ..with(strategy) };
        let mut open = Open::start(house.plan(&shop(20, 40, settings)));
        (1..=35).for_each(|order| open.ask(order, wish(order, 1)));
        let answers: Vec<InventoryReply> = (0..35).map(|_| open.answer().1).collect();
        let of = |reply: &InventoryReply| answers.iter().filter(|it| *it == reply).count();
        assert_eq!(of(&InventoryReply::Reserved), 20, "{strategy:?}: {answers:?}");
        assert_eq!(of(&InventoryReply::Short(Short::Item)), 15, "{strategy:?}: {answers:?}");
        assert_eq!(open.balances(), (balance(0, 20, 0), balance(20, 20, 0)), "{strategy:?}");
        open.pool.close();
    }
}

#[test]
fn who_reads_before_another_writes_sells_a_naive_counter_twice() {
    let Some(house) = house() else { return };
    let mut open = Open::start(house.plan(&shop(1, 9, with(Inventory::NaiveCounter))));
    for order in [1, 2] {
        open.ask(order, InventoryCall::Read { item: ItemId(0), slot: Some(SlotId(0)) });
        let free = InventoryReply::Free { item: 1, slot: Some(9) };
        assert_eq!(open.answer().1, free);
    }
    for order in [1, 2] {
        let InventoryCall::Reserve { order: id, item, slot, quantity, until } = wish(order, 1)
        else {
            unreachable!("a wish is to be reserved");
        };
        open.ask(order, InventoryCall::Decrement { order: id, item, slot, quantity, until });
        assert_eq!(open.answer().1, InventoryReply::Reserved);
    }
    assert_eq!(open.balances(), (balance(-1, 2, 0), balance(7, 2, 0)));
    open.pool.close();
}

#[test]
fn a_hot_row_is_held_for_all_the_time_in_the_transaction() {
    let Some(house) = house() else { return };
    let pause = Duration::from_millis(20);
    for strategy in [Inventory::GuardedCounter, Inventory::RowLock] {
        let time = domain::time::Span(pause);
        let settings = Settings { time_in_transaction: time, ..with(strategy) };
        let plan = house.plan(&shop(20, 20, settings));
        let clock = plan.clock;
        let mut open = Open::start(plan);
        let began = clock.now();
        (1..=5).for_each(|order| open.ask(order, wish(order, 1)));
        (1..=5).for_each(|_| assert_eq!(open.answer().1, InventoryReply::Reserved));
        // One after the other on eight connections: less would be less than they slept.
        assert!(clock.now().since(began) >= pause * 5, "{strategy:?}");
        open.pool.close();
    }
}

/// A guest has locked one of two pieces and may give it back: what somebody who wants both is told
/// meanwhile, or after the guest has given it back where he waits for that.
fn told_of_a_locked_piece(house: &House, recheck: Recheck) -> InventoryReply {
    let settings = Settings { recheck, ..with(Inventory::UnitRows) };
    let plan = house.plan(&shop(2, 9, settings));
    let guest = house.guest(&plan);
    house.say(&guest, "begin");
    house.say(&guest, "select id from units order by id limit 1 for update");
    let mut open = Open::start(plan);
    open.ask(1, wish(1, 2));
    if recheck == Recheck::Blocking {
        house.wait_for_a_waiter(&house.guest(&open.pool.shared.plan));
        house.say(&guest, "rollback");
    }
    let reply = open.answer().1;
    assert_eq!(open.pool.state().rechecks, u64::from(recheck != Recheck::None));
    open.pool.close();
    reply
}

#[test]
fn pieces_that_are_given_back_are_not_sold_out_for_who_looks_again_and_waits() {
    let Some(house) = house() else { return };
    let phantom = InventoryReply::Short(Short::Item);
    assert_eq!(told_of_a_locked_piece(&house, Recheck::None), phantom);
    assert_eq!(told_of_a_locked_piece(&house, Recheck::SkipLocked), phantom);
    assert_eq!(told_of_a_locked_piece(&house, Recheck::Blocking), InventoryReply::Reserved);
}

#[test]
fn a_place_is_given_back_with_the_pieces_unless_they_are_reserved_one_after_the_other() {
    let Some(house) = house() else { return };
    for strategy in SOUND {
        for (reserve, stranded) in [(Reserve::Together, 0), (Reserve::OneAfterTheOther, 1)] {
            let settings = Settings { reserve, ..with(strategy) };
            let mut open = Open::start(house.plan(&shop(1, 9, settings)));
            assert_eq!(open.reserve(1, 1), InventoryReply::Reserved);
            assert_eq!(open.reserve(2, 1), InventoryReply::Short(Short::Item));
            let places = balance(8 - stranded, 1 + stranded, 0);
            assert_eq!(open.balances(), (balance(0, 1, 0), places), "{strategy:?}, {reserve:?}");
            open.pool.close();
        }
    }
}

#[test]
fn a_ledger_is_what_stood_there_at_one_moment() {
    let Some(house) = house() else { return };
    for strategy in SOUND {
        let mut open = Open::start(house.plan(&shop(60, 60, with(strategy))));
        for batch in 0..10 {
            let orders = batch * 6 + 1..batch * 6 + 7;
            orders.for_each(|order| open.ask(order, wish(order, 1)));
            let lines = open.lines();
            let held = lines.iter().filter_map(|line| match line {
                ShopLine::Reservation { quantity, .. } => Some(i64::from(*quantity)),
                _ => None,
            });
            let held = held.sum();
            let stock = lines.iter().find(|line| matches!(line, ShopLine::Stock { .. })).unwrap();
            let item = "tee".to_owned();
            let whole = ShopLine::Stock { item, initial: 60, free: 60 - held, held, sold: 0 };
            assert_eq!(stock, &whole, "{strategy:?}");
        }
        (0..60).for_each(|_| assert_eq!(open.answer().1, InventoryReply::Reserved));
        open.pool.close();
    }
}

#[test]
fn who_waits_in_a_circle_begins_again() {
    let Some(house) = house() else { return };
    let plan = house.plan(&shop(5, 5, with(Inventory::GuardedCounter)));
    let (guest, looker) = (house.guest(&plan), house.guest(&plan));
    // Who has waited longest finds the circle: not the guest, unless the machine is so busy that the
    // circle was not closed when the pool looked.
    house.say(&guest, "alter role shop set deadlock_timeout = '2s'; set deadlock_timeout = '6s'");
    let mut open = Open::start(plan);
    let began_again = (1..=5).any(|order| {
        house.say(&guest, "begin; update slots set version = version");
        open.ask(order, wish(order, 1));
        house.wait_for_a_waiter(&looker);
        let closes = guest.batch_execute("update items set version = version; commit");
        let gave_way = house.runtime.block_on(closes).is_err();
        if gave_way {
            house.say(&guest, "rollback");
        }
        assert_eq!(open.answer().1, InventoryReply::Reserved);
        !gave_way
    });
    assert!(began_again, "the guest gave way each time");
    // On a busy machine a second circle can close before the guest is through.
    assert!(open.pool.state().deadlocks >= 1);
    open.pool.close();
}

#[test]
fn a_version_that_changes_meanwhile_is_read_again() {
    let Some(house) = house() else { return };
    let plan = house.plan(&shop(5, 5, with(Inventory::Optimistic)));
    let (guest, looker) = (house.guest(&plan), house.guest(&plan));
    house.say(&guest, "begin; update items set version = version + 1");
    let mut open = Open::start(plan);
    open.ask(1, wish(1, 1));
    house.wait_for_a_waiter(&looker);
    house.say(&guest, "commit");
    assert_eq!(open.answer().1, InventoryReply::Reserved);
    assert_eq!(open.pool.state().conflicts, 1);
    open.pool.close();
}

#[test]
fn a_connection_that_broke_at_rest_is_made_anew_and_one_that_breaks_at_work_is_not_trusted() {
    let Some(house) = house() else { return };
    let settings = Settings { connections: Some(1), ..with(Inventory::GuardedCounter) };
    let plan = house.plan(&shop(5, 5, settings));
    let (guest, killer) = (house.guest(&plan), house.guest(&plan));
    let kill = format!(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity \
         where application_name = '{}'",
        plan.schema
    );
    let mut open = Open::start(plan);
    assert_eq!(open.reserve(1, 1), InventoryReply::Reserved);
    house.number(&killer, &kill);
    assert_eq!(open.reserve(2, 1), InventoryReply::Reserved);
    assert_eq!((open.pool.state().lost, open.pool.state().failed), (1, 0));
    house.say(&guest, "begin; update items set version = version");
    open.ask(3, wish(3, 1));
    house.wait_for_a_waiter(&killer);
    house.number(&killer, &kill);
    assert_eq!(open.answer().1, InventoryReply::Failed);
    house.say(&guest, "commit");
    assert_eq!(open.reserve(3, 1), InventoryReply::Reserved);
    assert_eq!((open.pool.state().lost, open.pool.state().failed), (2, 1));
    open.pool.close();
}

/// Asks until it is heard.
fn sold_at_last(open: &mut Open, order: u64) -> InventoryReply {
    let mut ask = || {
        open.ask(order, InventoryCall::Sell { order: OrderId(order) });
        open.answer().1
    };
    let heard = (0..LOOKS_MAX).map(|_| ask()).find(|reply| *reply != InventoryReply::Failed);
    heard.expect("the server is back")
}

/// Asks for what changes nothing until nobody is there: a connection's process may outlive its server for a
/// moment.
fn gone_at_last(open: &mut Open) {
    let mut ask = || {
        open.ask(99, InventoryCall::Sell { order: OrderId(99) });
        open.answer().1
    };
    let is_gone = (0..LOOKS_MAX).any(|_| ask() == InventoryReply::Failed);
    assert!(is_gone, "the server was killed");
}

#[test]
fn what_is_committed_outlives_the_server_and_what_is_not_is_written_when_it_is_back() {
    let Some(mut house) = house() else { return };
    let settings = shop(5, 5, with(Inventory::UnitRows));
    let clock = house.clock();
    let mut open = Open::start(house.open(&settings, clock).unwrap().0);
    assert_eq!(open.reserve(1, 2), InventoryReply::Reserved);
    house.server.kill().unwrap();
    gone_at_last(&mut open);
    assert_eq!(open.reserve(2, 1), InventoryReply::Failed);
    let unwritten = OrderRow {
        checkout: domain::shop::Checkout { item: ItemId(0), slot: None, ..row(3).checkout },
        ..row(3)
    };
    open.pool.record(unwritten.clone());
    open.pool.flush();
    let Some(Notice::Unrecorded(OrderId(3))) = open.notices.blocking_recv() else {
        panic!("there is nothing to write to");
    };
    assert!(open.pool.is_writing(OrderId(3)));
    house.server.start_again().unwrap();
    assert_eq!(sold_at_last(&mut open, 1), InventoryReply::Done { held: true });
    open.pool.call(Asker::Sweeper, InventoryCall::Sweep { now: Time::ZERO });
    assert_eq!(open.answer(), (Asker::Sweeper, InventoryReply::Swept(Vec::new())));
    assert_eq!(open.balances(), (balance(3, 0, 2), balance(4, 0, 1)));
    open.pool.close();
    let (_, found) = house.open(&settings, clock).unwrap();
    assert_eq!(found, [Found { row: unwritten, holds: false }]);
}

#[test]
fn a_run_is_never_taken_over_by_a_shop_that_sells_something_else() {
    let Some(house) = house() else { return };
    let clock = house.clock();
    house.open(&shop(5, 5, with(Inventory::UnitRows)), clock).unwrap();
    let error = house.open(&shop(6, 5, with(Inventory::UnitRows)), clock).unwrap_err();
    assert!(matches!(&error, OpenError::OtherRun { .. }), "{error}");
    assert!(error.to_string().contains("hint: drop it"), "{error}");
}
