//! The simulated world: the same fans, an event calendar for a world.
//!
//! Fans, the shop's rules, the edge cache, the inventory and the provider are the very machines of
//! the live world; only the medium is simulated: the network, and stations that serve and queue.

mod balancing;
pub mod calendar;
mod database;
mod deadlines;
pub mod devices;
mod edge;
mod event;
mod full;
mod guest;
mod lengths;
mod multitude;
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

use domain::shop::ShopSnapshot;
use domain::time::{Duration, Time};
use mock_provider::rules::Provider;
use reference_shop::inventory::memory::Memory;
use reference_shop::rules::Shop;

use crate::arrival::Arrivals;
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
use deadlines::Deadlines;
use edge::EdgeCaches;
use event::{Event, Seldom};
use full::Counted;
use guest::{Asking, Guest};
use lengths::{Laws, Lengths};
use multitude::{Look, Multitude};
use path::Call;
use region::{Agenda, Regions};
use scaling::Scaling;
use shop::Books;
use site::Site;
use transactions::Transactions;
use workers::Workers;

pub use shop::Ledgers;

/// Everything there is.
struct World<'a> {
    scenario: &'a Scenario,
    calendar: Agenda,
    seldom: slab::Slab<Seldom>,
    /// The regions, where one is lost.
    regions: Option<Regions>,
    /// The end of the second that is lived: what was counted up to it is written down then.
    second: Time,
    arrivals: Arrivals,
    /// When the next of them comes.
    next_arrival: Option<Time>,
    /// Who is there.
    guests: slab::Slab<Guest>,
    /// How many have not gone, those who are still to come among them.
    present: u64,
    /// What guests wait for.
    askings: slab::Slab<Asking>,
    deadlines: Deadlines,
    /// How many operations were begun; from 2^32 on they are counted anew.
    operations: u32,
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
    lengths: Lengths,
    laws: Laws,
    /// Those who are not told apart, and their looks that are on the way to the shop.
    multitudes: Vec<Multitude>,
    looks: slab::Slab<Look>,
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
    world.plan_regions();
    world.plan_failovers();
    world.plan_slow_workers();
    world.open_the_shop();
    world.begin_ticks();
    let mut events = 0;
    let mut load_ended = None;
    let (judged, aborted) = loop {
        let second = world.second;
        while world.happens_by(second) {
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
        world.second += Duration::from_secs(1);
    };
    let mut go_on = || watch(&recorder.progress());
    let beside = beside(scenario, &mut go_on);
    let is_empty = beside.queues.is_empty() && beside.devices.is_empty() && beside.rooms.is_empty();
    let aborted = aborted || (!is_empty && go_on().is_break());
    let ending = Ending {
        triggers: triggers(scenario),
        task_waits: world.task_waits(),
        aggregated: world.aggregated(),
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
        let arrivals = scenario.coming_apart();
        let (lengths, laws) = (Lengths::new(scenario), Laws::new(scenario));
        Self {
            calendar: Agenda::new(),
            seldom: slab::Slab::new(),
            regions: Regions::new(scenario),
            second: Time::from_millis(1_000),
            next_arrival: arrivals.next_at(),
            guests: slab::Slab::with_capacity(arrivals.people()),
            arrivals,
            present: scenario.people(),
            askings: slab::Slab::new(),
            deadlines: Deadlines::default(),
            operations: 0,
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
            multitudes: Multitude::all(scenario, &lengths, &laws),
            looks: slab::Slab::new(),
            lengths,
            laws,
            scenario,
        }
    }

    /// Writes down what was counted up to `second`, and what the shop says of itself.
    fn record(&mut self, second: Time, recorder: &mut Recorder) -> io::Result<()> {
        self.tell_of_multitudes();
        let full = self.full_stations();
        recorder.snapshot(&ShopSnapshot { full, ..self.snapshot(second) })?;
        let purchases = self.diary.take();
        recorder.absorb(second, vec![self.meter.harvest()], &purchases)
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
