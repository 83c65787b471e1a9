//! The simulated world: the same fans, an event calendar for a world.
//!
//! Fans, the shop's rules, the edge cache, the inventory and the provider are the very machines of
//! the live world; only the medium is simulated: the network, and stations that serve and queue.

mod balancing;
pub mod calendar;
mod database;
pub mod devices;
mod edge;
mod full;
mod guest;
mod path;
pub mod queue;
mod region;
pub mod rooms;
mod scaling;
mod shop;
mod site;
mod transactions;
mod workers;

use std::io;
use std::ops::ControlFlow;

use domain::id::OrderId;
use domain::provider::PaymentReply;
use domain::shop::ShopSnapshot;
use domain::time::{Duration, Time};
use mock_provider::rules::Provider;
use reference_shop::inventory::memory::Memory;
use reference_shop::rules::{Shop, Ticket, Wake};

use crate::evidence::{Ending, RegionRecord, Trigger};
use crate::fan::Visit;
use crate::measure::diary::Diary;
use crate::measure::meter::Meter;
use crate::measure::recorder::{Progress, Recorder};
use crate::scenario::Scenario;
use crate::tier::balancer::LoadBalancer;
use crate::tier::outage::Outages;
use crate::tier::slowdown::Slowdowns;
use crate::tier::station::Station;

use database::{DatabaseTier, Statement};
use edge::EdgeCaches;
use full::Counted;
use guest::Guest;
use path::Call;
use region::{Agenda, Life, RegionEvent, Regions};
use scaling::Scaling;
use shop::Books;
use site::Site;
use transactions::Transactions;
use workers::Workers;

pub use shop::Ledgers;

/// What can happen in the simulated world.
#[derive(Debug)]
enum Event {
    /// A fan arrives.
    Arrive(u32),
    /// A fan's sleep is over.
    Wake(u32),
    /// A fan's operation has had its time, or an earlier one would have.
    Deadline(u32),
    /// A request reaches the edge.
    AtEdge(u32),
    /// The edge has done its part of a request.
    EdgeDone(u32),
    /// A fetch has had its time, or an earlier one would have.
    OriginTimeout { call: u32, asked: u64 },
    /// The application has done its part of a request.
    ApplicationDone(u32),
    /// The task that serves a request is gone before it is over.
    CutOff(u32),
    /// A request of the application's workers may be done with its work.
    Workers,
    /// The workers' processors become slower or faster.
    WorkersResized,
    /// So many tasks of so many went then, and what they still have is cut off.
    CutTasks { since: Time, gone: u32, of: u32 },
    /// An answer reaches its fan.
    Answered(u32),
    /// The database has carried out a statement.
    DatabaseDone(u32),
    /// The work of the statement that was next at the database's processors may be done.
    Processors,
    /// The database fails over, for the time of that number.
    FailsOver(usize),
    /// The database is there again.
    DatabaseBack,
    /// The provider answers a browser that wants a token, or has had its time.
    Token { ticket: Ticket, reply: Option<PaymentReply> },
    /// The provider answers for an order, or has had its time.
    Provider { order: OrderId, reply: Option<PaymentReply> },
    /// The shop wanted to be woken.
    Shop(Wake),
    /// A task of the application may be ready.
    Tasks,
    /// Something happens to a region.
    Region(RegionEvent),
}

/// Everything there is.
struct World<'a> {
    scenario: &'a Scenario,
    calendar: Agenda,
    /// The regions, where one is lost.
    regions: Option<Regions>,
    guests: Vec<Guest>,
    present: u64,
    calls: slab::Slab<Call>,
    statements: slab::Slab<Statement>,
    edge: EdgeCaches,
    balancer: Option<LoadBalancer>,
    application: Option<Station<u32>>,
    /// Its processors, where it has workers.
    workers: Option<Workers>,
    /// When the application's servers are slow.
    slowdowns: Slowdowns,
    /// When it fails.
    outages: Outages,
    outage_draws: u64,
    /// What changes the application's servers, where something does.
    scaling: Option<Scaling>,
    database: Option<Station<u32>>,
    /// What a database has that has a capacity or fails over.
    database_tier: Option<DatabaseTier>,
    /// Those of a database that carries out several at once.
    transactions: Option<Transactions>,
    shop: Shop,
    inventory: Memory,
    provider: Provider,
    books: Books,
    /// What came to each station, and what it has done, up to the last second.
    counted: Counted,
    meter: Meter,
    diary: Diary<'a>,
    visits: Option<Vec<Visit>>,
    draws: u64,
}

/// What a simulated run leaves beside what it recorded.
#[derive(Debug)]
pub struct SimulatedRun {
    /// How it ended.
    pub ending: Ending,
    /// Both ledgers.
    pub ledgers: Ledgers,
    /// Each fan's every step, where asked for.
    pub visits: Vec<Visit>,
    /// How many events it took.
    pub events: u64,
}

/// Whether each fan's every step is kept, for the twin test.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Visits {
    /// They are forgotten.
    Forget,
    /// They are kept.
    Keep,
}

/// Lives `scenario` in virtual time and records it; the same scenario gives the same bytes.
///
/// `drain` is how long the shop is left alone after the last fan; `watch` is told once per
/// virtual second and may break the run off, which is then judged as aborted.
///
/// # Errors
/// When evidence cannot be written.
///
/// # Panics
/// When the scenario has more than 2^32 fans.
pub fn run(
    scenario: &Scenario,
    drain: Duration,
    visits: Visits,
    recorder: &mut Recorder,
    watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> io::Result<SimulatedRun> {
    let mut world = World::new(scenario, visits);
    world.admit_everyone();
    world.plan_regions();
    world.plan_failovers();
    world.plan_slow_workers();
    world.open_the_shop();
    let mut events = 0;
    let mut second = Time::from_millis(1_000);
    let mut load_ended = None;
    let (judged, aborted) = loop {
        while world.calendar.peek().is_some_and(|at| at <= second) {
            let (at, event) = world.calendar.pop().expect("it was peeked at");
            world.happen(at, event);
            if world.meter.is_full() {
                recorder.fold(&mut world.meter.block());
            }
            events += 1;
        }
        world.settle_payments(second);
        world.look_at_primary();
        world.scale(second);
        world.record(second, recorder)?;
        let aborted = watch(&recorder.progress()).is_break();
        if world.present == 0 && load_ended.is_none() {
            load_ended = Some(second);
        }
        let rested = load_ended.is_some_and(|ended| {
            second.since(ended) >= drain || world.is_quiet_until(ended + drain)
        });
        if rested || aborted {
            break (second, aborted);
        }
        second += Duration::from_secs(1);
    };
    let mut go_on = || watch(&recorder.progress());
    let beside = beside(scenario, &mut go_on);
    let is_empty = beside.queues.is_empty() && beside.devices.is_empty() && beside.rooms.is_empty();
    let aborted = aborted || (!is_empty && go_on().is_break());
    let ending = Ending {
        triggers: triggers(scenario),
        task_waits: world.task_waits(),
        region: world.region_record(),
        began_utc_ns: 0,
        load_ended: load_ended.unwrap_or(judged),
        judged,
        drained: !aborted,
        aborted,
        ..beside
    };
    let books = std::mem::take(&mut world.books);
    Ok(SimulatedRun {
        ending,
        ledgers: books.ledgers((&world.inventory, &world.shop), world.inventory_aside()),
        visits: world.visits.unwrap_or_default(),
        events,
    })
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, visits: Visits) -> Self {
        let Site {
            edge,
            balancer,
            application,
            workers,
            scaling,
            database,
            database_tier,
            transactions,
            statements,
            shop,
            inventory,
            counted,
        } = Site::new(scenario);
        Self {
            calendar: Agenda::new(),
            regions: Regions::new(scenario),
            guests: Vec::new(),
            present: 0,
            calls: slab::Slab::new(),
            statements,
            edge,
            balancer,
            application,
            workers,
            slowdowns: slowdowns(scenario),
            outages: outages(scenario),
            outage_draws: 0,
            scaling,
            database,
            database_tier,
            transactions,
            inventory,
            shop,
            provider: Provider::new(scenario.provider.clone()),
            books: Books::default(),
            counted,
            meter: Meter::in_virtual_time(scenario.first_opening()),
            diary: Diary::new(&scenario.catalogue),
            visits: (visits == Visits::Keep).then(Vec::new),
            draws: 0,
            scenario,
        }
    }

    /// One event: who it concerns deals with it.
    fn happen(&mut self, at: Time, (life, event): (Life, Event)) {
        if !self.is_in_service(life, &event) {
            return;
        }
        match event {
            Event::Arrive(guest) => self.arrive(at, guest),
            Event::Wake(guest) => self.wake(at, guest),
            Event::Deadline(guest) => self.deadline(at, guest),
            Event::AtEdge(call) => self.at_edge(at, call),
            Event::EdgeDone(call) => self.edge_done(at, call),
            Event::OriginTimeout { call, asked } => self.origin_timeout(at, call, asked),
            Event::ApplicationDone(call) => self.application_done(at, call),
            Event::CutOff(call) => self.cut_off(at, call),
            Event::Workers => self.workers_due(at),
            Event::WorkersResized => self.resize_workers(at),
            Event::CutTasks { since, gone, of } => self.cut_tasks(at, since, (gone, of)),
            Event::Answered(call) => self.answered(at, call),
            Event::DatabaseDone(statement) => self.database_done(at, statement),
            Event::Processors => self.processors_due(at),
            Event::FailsOver(failover) => self.fails_over(at, failover),
            Event::DatabaseBack => self.database_is_back(),
            Event::Token { ticket, reply } => self.token_answered(at, ticket, reply),
            Event::Provider { order, reply } => self.provider_answered(at, order, reply),
            Event::Shop(wake) => self.wake_shop(at, wake),
            Event::Tasks => self.tasks_due(at),
            Event::Region(event) => self.region_due(at, event),
        }
    }

    /// Writes down what was counted up to `second`, and what the shop says of itself.
    fn record(&mut self, second: Time, recorder: &mut Recorder) -> io::Result<()> {
        let full = self.full_stations();
        recorder.snapshot(&ShopSnapshot { full, ..self.snapshot(second) })?;
        let purchases = self.diary.take();
        recorder.absorb(second, vec![self.meter.harvest()], &purchases)
    }

    /// A number for the next random service time.
    fn next_draw(&mut self) -> u64 {
        self.draws += 1;
        self.draws
    }
}

/// Lives what stands beside all sales, one after the other: what it came to, and nothing else of an ending.
fn beside(scenario: &Scenario, go_on: &mut dyn FnMut() -> ControlFlow<()>) -> Ending {
    let seed = scenario.seed;
    let queues = scenario.queues.iter();
    let devices = scenario.devices.iter();
    let rooms = scenario.rooms.iter();
    Ending {
        queues: queues.map(|one| (one.name.clone(), queue::run(one, seed, go_on))).collect(),
        devices: devices.map(|one| (one.name.clone(), devices::run(one, seed, go_on))).collect(),
        rooms: rooms.map(|one| (one.name.clone(), rooms::run(one, seed, go_on))).collect(),
        ..Ending::default()
    }
}

/// When the application's servers are slow.
fn slowdowns(scenario: &Scenario) -> Slowdowns {
    let application = scenario.stack.application.as_ref();
    let slowdowns = application.map_or(&[][..], |application| &application.slowdowns);
    Slowdowns::new(slowdowns, scenario.first_opening())
}

/// When the application fails.
fn outages(scenario: &Scenario) -> Outages {
    let application = scenario.stack.application.as_ref();
    let outages = application.map_or(&[][..], |application| &application.outages);
    Outages::new(outages, scenario.first_opening())
}

/// What the scenario does to its stack, for the judge to look at what came after it.
fn triggers(scenario: &Scenario) -> Vec<Trigger> {
    let opens = scenario.first_opening();
    let application = scenario.stack.application.iter();
    let slowdowns = application.flat_map(|application| &application.slowdowns);
    let slowdowns = slowdowns.map(|slowdown| {
        let capacity = slowdown.capacity * 100.0;
        (format!("the application at {capacity} % of its speed"), slowdown.stretch(opens))
    });
    let database = scenario.stack.database.iter();
    let failovers = database.flat_map(|database| &database.failovers);
    let failovers = failovers
        .map(|failover| ("a failover of the database".to_owned(), failover.stretch(opens)));
    let application = scenario.stack.application.iter();
    let outages = application.flat_map(|application| &application.outages);
    let outages = outages.map(|outage| {
        let share = outage.share * 100.0;
        (format!("the application failing {share} % of its requests"), outage.stretch(opens))
    });
    let application = scenario.stack.application.iter();
    let reclaims = application.flat_map(|application| &application.reclaims);
    let reclaims = reclaims.map(|reclaim| (reclaim.clause(), reclaim.stretch(opens)));
    let region = Regions::stretch(scenario).into_iter();
    let region = region.map(|stretch| (RegionRecord::TRIGGER.to_owned(), stretch));
    let all = slowdowns.chain(failovers).chain(outages).chain(reclaims).chain(region);
    all.map(|(what, (from, until))| Trigger { what, from, until }).collect()
}

#[cfg(test)]
mod scalability;
#[cfg(test)]
mod tests;
