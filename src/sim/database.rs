//! The database while the simulation runs: a statement waits for a connection, then for the rows that it
//! locks, then it shares the processors with all others, and its transaction stays open a while.

use domain::draw::Purpose;
use domain::shop::DatabaseLoad;
use domain::time::{Duration, Time};
use reference_shop::rules::{Asker, Input, InventoryCall, InventoryReply};

use super::path::number;
use super::transactions::Ending;
use super::{Event, World};
use crate::scenario::Scenario;
use crate::tier::database::processors::Processors;
use crate::tier::station::{Offered, Station};

/// A statement on its way through the database.
#[derive(Copy, Clone, Debug)]
pub(super) struct Statement {
    asker: Asker,
    pub(super) call: InventoryCall,
    stage: Stage,
}

/// Where a statement is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// It waits, or processors are at it.
    Waits,
    /// Its work is done, and the calendar says when it ends.
    Ends,
    /// Its connection broke after that: nobody waits for it.
    Broken,
    /// There is no database to ask.
    Refused,
}

/// A database that has a capacity, or fails over.
#[derive(Debug)]
pub(super) struct DatabaseTier {
    /// Where it has a capacity.
    processors: Option<Processors>,
    /// When the calendar says that a statement may be done.
    awaited: Option<Time>,
    is_down: bool,
    /// Statements that failed so far.
    failed: u64,
}

impl DatabaseTier {
    /// Of a scenario whose database has one or the other.
    pub(super) fn new(scenario: &Scenario) -> Option<Self> {
        let database = scenario.stack.database.as_ref()?;
        database.is_bounded().then(|| Self {
            processors: database.capacity.clone().map(Processors::new),
            awaited: None,
            is_down: false,
            failed: 0,
        })
    }
}

/// How many statements the database carries out at once; none if it has a connection for everybody.
pub(super) fn connections(scenario: &Scenario) -> Option<u32> {
    let shop = &scenario.shop;
    let pool = shop.storage.is_postgres().then(|| shop.pool());
    let stack = scenario.stack.database.as_ref();
    stack.map(|database| database.connections(pool)).or(pool)
}

impl World<'_> {
    /// A statement goes to the database.
    pub(super) fn ask_inventory(&mut self, at: Time, asker: Asker, call: InventoryCall) {
        let statement = Statement { asker, call, stage: Stage::Waits };
        let statement = number(self.statements.insert(statement));
        if self.database_tier.as_ref().is_some_and(|tier| tier.is_down) {
            self.statements[statement as usize].stage = Stage::Refused;
            return self.calendar.schedule(at, Event::DatabaseDone(statement));
        }
        let is_pooled = self.takes_a_connection(asker);
        let database = self.database.as_mut().filter(|_| is_pooled);
        match database.map(|station| station.offer(statement)) {
            // A database that the scenario does not speak of has a connection for everybody.
            None | Some(Offered::Started) => self.start_statement(at, statement),
            Some(Offered::Queued) => {}
            Some(Offered::Refused) => unreachable!("the database's queue has no limit"),
        }
    }

    /// A statement has all that it waited for.
    pub(super) fn serve_statement(&mut self, at: Time, statement: u32) {
        let service = self.lengths.sample(self.laws.database.as_ref());
        let Some(processors) = self.processors() else {
            let pause = self.time_open(at, statement);
            return self.ends(at + service + pause, statement);
        };
        processors.begin(at, statement, service);
        self.statements[statement as usize].stage = Stage::Waits;
        self.await_processors();
    }

    fn processors(&mut self) -> Option<&mut Processors> {
        self.database_tier.as_mut()?.processors.as_mut()
    }

    /// Sees to it that the next statement whose work is done is not missed.
    fn await_processors(&mut self) {
        let Some(tier) = &mut self.database_tier else { return };
        let due = tier.processors.as_ref().and_then(Processors::next);
        let is_sooner = |due: &Time| tier.awaited.is_none_or(|awaited| *due < awaited);
        if let Some(due) = due.filter(is_sooner) {
            tier.awaited = Some(due);
            self.calendar.schedule(due, Event::Processors);
        }
    }

    /// The work of a statement may be done.
    pub(super) fn processors_due(&mut self, at: Time) {
        if let Some(tier) = &mut self.database_tier {
            tier.awaited = tier.awaited.filter(|awaited| *awaited > at);
        }
        while let Some(statement) = self.processors().and_then(|processors| processors.done(at)) {
            let pause = self.time_open(at, statement);
            if pause.is_zero() {
                self.database_done(at, statement);
            } else {
                self.ends(at + pause, statement);
            }
        }
        self.await_processors();
    }

    /// How long a statement's transaction stays open beside its work.
    fn time_open(&mut self, at: Time, statement: u32) -> Duration {
        let call = self.statements[statement as usize].call;
        if in_transaction(call) { self.pause(at, call) + self.replicates() } else { Duration::ZERO }
    }

    fn ends(&mut self, at: Time, statement: u32) {
        self.statements[statement as usize].stage = Stage::Ends;
        self.calendar.schedule(at, Event::DatabaseDone(statement));
    }

    pub(super) fn database_done(&mut self, at: Time, statement: u32) {
        match self.statements[statement as usize].stage {
            Stage::Waits | Stage::Ends => {}
            Stage::Broken => {
                self.statements.remove(statement as usize);
                return;
            }
            Stage::Refused => return self.fails(at, statement),
        }
        let ending = match &mut self.transactions {
            Some(transactions) => transactions.ending(statement),
            None => Ending::Commits,
        };
        if ending == Ending::BeginsAgain {
            return self.serve_statement(at, statement);
        }
        let Statement { asker, call, .. } = self.statements.remove(statement as usize);
        let reply = match ending {
            Ending::Fails => InventoryReply::Failed,
            _ => self.inventory.apply(at, call),
        };
        let freed = match &mut self.transactions {
            Some(transactions) => transactions.end(statement, call, &reply),
            None => Vec::new(),
        };
        for statement in freed {
            self.lock_and_serve(at, statement);
        }
        let is_pooled = self.takes_a_connection(asker);
        if let Some(next) = self.database.as_mut().filter(|_| is_pooled).and_then(Station::finish) {
            self.start_statement(at, next);
        }
        self.tell_shop(at, Input::Inventory { asker, reply });
    }

    /// Whether who asks waits for one of the connections: `[stack] database` is for all, those of the
    /// shop's own pool are for what orders and sweeps do.
    fn takes_a_connection(&self, asker: Asker) -> bool {
        self.scenario.stack.database.is_some() || !matches!(asker, Asker::Request(_))
    }

    /// Nobody knows whether a statement was carried out.
    fn fails(&mut self, at: Time, statement: u32) {
        let Statement { asker, .. } = self.statements.remove(statement as usize);
        self.told_of_failure(at, asker);
    }

    fn told_of_failure(&mut self, at: Time, asker: Asker) {
        if let Some(tier) = &mut self.database_tier {
            tier.failed += 1;
        }
        self.tell_shop(at, Input::Inventory { asker, reply: InventoryReply::Failed });
    }

    /// Enters when the database fails over.
    pub(super) fn plan_failovers(&mut self) {
        let database = self.scenario.stack.database.as_ref();
        let failovers = database.map_or(&[][..], |database| &database.failovers);
        for (number, failover) in (0_u32..).zip(failovers) {
            let (from, until) = failover.stretch(self.scenario.first_opening());
            self.calendar.schedule(from, Event::FailsOver(number));
            self.calendar.schedule(until, Event::DatabaseBack);
        }
    }

    /// The database is gone: all connections break, and who waits for an answer is told that nobody knows.
    pub(super) fn fails_over(&mut self, at: Time, failover: u32) {
        let failovers = self.scenario.stack.database.as_ref().map(|database| &database.failovers);
        let committed = failovers.map_or(0.0, |failovers| failovers[failover as usize].committed);
        let Some(tier) = &mut self.database_tier else { return };
        tier.is_down = true;
        if let Some(processors) = &mut tier.processors {
            processors.break_off(at);
        }
        let under_way = self.statements.iter().filter(|(_, statement)| statement.is_under_way());
        let under_way: Vec<u32> = under_way.map(|(statement, _)| number(statement)).collect();
        let mut askers = Vec::with_capacity(under_way.len());
        for statement in under_way {
            let Statement { asker, call, stage } = self.statements[statement as usize];
            askers.push(asker);
            if stage == Stage::Ends {
                if in_transaction(call) && self.is_committed(committed) {
                    self.commit_unheard(at, statement, call);
                }
                self.statements[statement as usize].stage = Stage::Broken;
            } else {
                self.statements.remove(statement as usize);
            }
        }
        if let Some(transactions) = &mut self.transactions {
            transactions.break_off();
        }
        if let Some(station) = &mut self.database {
            station.abandon();
        }
        for asker in askers {
            self.told_of_failure(at, asker);
        }
    }

    /// Whether a transaction that was about to end was committed all the same.
    fn is_committed(&mut self, share: f64) -> bool {
        self.lengths.next(Purpose::Committed).chance(share)
    }

    /// A transaction is committed and its answer is lost.
    fn commit_unheard(&mut self, at: Time, statement: u32, call: InventoryCall) {
        let ending = self.transactions.as_mut().map(|all| all.ending(statement));
        if ending.is_some_and(|ending| ending != Ending::Commits) {
            return;
        }
        let reply = self.inventory.apply(at, call);
        if let Some(transactions) = &mut self.transactions {
            // Who waited for its rows has no connection any more.
            transactions.end(statement, call, &reply);
        }
    }

    /// The database is there again.
    pub(super) fn database_is_back(&mut self) {
        if let Some(tier) = &mut self.database_tier {
            tier.is_down = false;
        }
    }

    /// A second is over: what its processors did, and how many there are from now on.
    pub(super) fn database_second(&mut self, second: Time) {
        if let Some(processors) = self.processors() {
            processors.second(second);
            self.await_processors();
        }
    }

    /// The database as it stands, where it has a capacity or fails over.
    pub(super) fn database_load(&self) -> Option<DatabaseLoad> {
        let (tier, station) = (self.database_tier.as_ref()?, self.database.as_ref()?);
        let processors = tier.processors.as_ref();
        let last = processors.map(Processors::last);
        Some(DatabaseLoad {
            capacity: processors.map(Processors::units),
            cores: last.map(|last| last.cores),
            busy_cores: last.map(|last| last.busy),
            sharing: processors.map_or(0, Processors::under_way),
            connections: station.servers(),
            in_use: station.in_service(),
            waiting: station.waiting(),
            carried_out: station.served(),
            failed: tier.failed,
        })
    }
}

impl Statement {
    /// Whether somebody waits for it.
    fn is_under_way(self) -> bool {
        matches!(self.stage, Stage::Waits | Stage::Ends)
    }
}

/// Whether a statement changes something, in a transaction that stays open a while.
pub(super) fn in_transaction(call: InventoryCall) -> bool {
    !matches!(
        call,
        InventoryCall::Read { .. }
            | InventoryCall::Availability { .. }
            | InventoryCall::Sweep { .. }
    )
}
