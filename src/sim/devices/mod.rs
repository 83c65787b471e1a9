//! Devices in virtual time: the device machine, the stations that accept and serve it, and a deploy.

mod rollout;

use std::ops::ControlFlow;

use domain::draw::{Purpose, draw_for};
use domain::law::Law;
use domain::time::Time;

use super::calendar::Calendar;
use crate::device::{Action, Device, Habits, Input, Message};
use crate::evidence::devices::DeviceRecord;
use crate::measure::devices::{DeviceLog, Standing};
use crate::scenario::devices::Devices;
use crate::tier::station::{Offered, Station};
use crate::tier::websocket::{Batch, Database, Stale};

use rollout::Rollout;

/// After how many events it is asked whether to go on.
const BREATH: u64 = 1 << 16;

/// What can happen.
#[derive(Copy, Clone, Debug)]
enum Event {
    /// A device's sleep is over, if nothing happened to it since.
    Woke(Turn),
    /// A device's deadline has passed, if nothing happened to it since.
    TimedOut(Turn),
    /// A container has accepted an attempt.
    Accepted(Turn),
    /// The database has carried out what somebody asked for.
    Carried(Work),
    /// The deploy goes on.
    Rollout,
    /// The batch begins.
    BatchBegins,
    /// The batch is over.
    BatchEnds,
}

/// A device between two things that happen to it: what belongs to an earlier turn of it is void.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Turn {
    device: u32,
    turn: u32,
}

/// What the database is asked for.
#[derive(Copy, Clone, Debug)]
struct Work {
    whose: Turn,
    what: Asked,
    asked: Time,
}

/// By whom.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Asked {
    /// By an attempt to connect.
    Connect,
    /// By a message.
    Message(Message),
}

/// What the world knows of a device.
#[derive(Copy, Clone, Debug)]
struct Place {
    turn: u32,
    /// Whether its connection is, or was last, held by an old container.
    on_old: bool,
}

struct World<'a> {
    meant: &'a Devices,
    habits: Habits,
    calendar: Calendar<Event>,
    devices: Vec<Device>,
    places: Vec<Place>,
    connected: u32,
    server: Station<Turn>,
    database: Option<Station<Work>>,
    rollout: Option<Rollout>,
    /// How many of the database's servers the batch has.
    batch: u32,
    draws: u64,
    log: DeviceLog,
}

/// Lives `meant` to its end; the same seed gives the same record. `watch` is asked now and then whether to
/// go on; broken off, the record ends there.
pub fn run(meant: &Devices, seed: u64, watch: &mut dyn FnMut() -> ControlFlow<()>) -> DeviceRecord {
    let mut world = World::new(meant, seed);
    world.begin();
    let mut events = 0_u64;
    while let Some(at) = world.calendar.peek().filter(|at| *at < meant.end()) {
        let Some((_, event)) = world.calendar.pop() else { break };
        world.log.until(at);
        world.happens(at, event);
        world.log.stands(world.standing());
        events += 1;
        if events.is_multiple_of(BREATH) && watch().is_break() {
            return world.log.record(at);
        }
    }
    world.log.record(meant.end())
}

impl<'a> World<'a> {
    fn new(meant: &'a Devices, seed: u64) -> Self {
        let window_from = meant.deploy.map_or(Time::ZERO, |deploy| deploy.at);
        let server = Station::new(meant.server.places(), meant.server.backlog);
        Self {
            meant,
            habits: meant.habits(seed),
            calendar: Calendar::new(),
            devices: Vec::with_capacity(meant.count as usize),
            places: vec![Place { turn: 0, on_old: true }; meant.count as usize],
            connected: meant.count,
            server,
            database: meant.database.map(|database| Station::new(database.servers, None)),
            rollout: meant.deploy.map(Rollout::new),
            batch: 0,
            draws: 0,
            log: DeviceLog::new(meant.count, window_from),
        }
    }

    /// All are connected; what is to come by itself is entered.
    fn begin(&mut self) {
        for number in 0..self.meant.count {
            let (device, action) = Device::connected(number, &self.habits);
            self.devices.push(device);
            self.does(Time::ZERO, number, action);
        }
        if let Some(deploy) = self.meant.deploy {
            self.calendar.schedule(deploy.at, Event::Rollout);
        }
        if let Some(batch) = self.batch_job() {
            self.calendar.schedule(Time::ZERO + batch.every, Event::BatchBegins);
        }
        self.log.stands(self.standing());
    }

    fn happens(&mut self, at: Time, event: Event) {
        match event {
            Event::Woke(turn) if self.is_there(turn) => self.tell(at, turn.device, Input::Woke),
            Event::TimedOut(turn) if self.is_there(turn) => self.gives_up(at, turn.device),
            Event::Woke(_) | Event::TimedOut(_) => {}
            Event::Accepted(turn) => self.is_accepted(at, turn),
            Event::Carried(work) => self.is_carried(at, work),
            Event::Rollout => self.roll_out(at),
            Event::BatchBegins => self.batch_begins(at),
            Event::BatchEnds => self.batch_ends(at),
        }
    }

    /// A device is told what happened, and does its next thing. Whether it has a connection can change by
    /// what it is told and by what it does of itself.
    fn tell(&mut self, at: Time, number: u32, input: Input) {
        let device = &mut self.devices[number as usize];
        let before = device.is_connected();
        let action = device.step(at, input, &self.habits);
        let after = device.is_connected();
        self.places[number as usize].turn += 1;
        match (before, after) {
            (true, false) => {
                self.connected -= 1;
                if input != Input::Lost {
                    self.log.loses(number);
                }
            }
            (false, true) => {
                self.connected += 1;
                self.places[number as usize].on_old = self.goes_to_old(at, number);
                self.log.connects(number);
            }
            _ => {}
        }
        self.does(at, number, action);
    }

    fn does(&mut self, at: Time, number: u32, action: Action) {
        let turn = self.turn(number);
        match action {
            Action::Sleep { until } if until == Time::NEVER => {}
            Action::Sleep { until } => self.calendar.schedule(until, Event::Woke(turn)),
            Action::Connect { deadline, attempt } => {
                self.log.tries(attempt);
                // Who is refused has nothing to wait for: no deadline of his lies in the calendar.
                if self.takes_in(at, turn) {
                    self.calendar.schedule(deadline, Event::TimedOut(turn));
                } else {
                    self.log.is_refused();
                    self.tell(at, number, Input::Refused);
                }
            }
            Action::Send { message, deadline } => {
                self.calendar.schedule(deadline, Event::TimedOut(turn));
                self.asks(at, Work { whose: turn, what: Asked::Message(message), asked: at });
            }
        }
    }

    /// An attempt reaches the containers; false where it is refused. Until new ones are there nobody
    /// accepts.
    fn takes_in(&mut self, at: Time, turn: Turn) -> bool {
        let offered = match self.server.servers() {
            0 => Offered::Refused,
            _ => self.server.offer(turn),
        };
        if offered == Offered::Started {
            self.accepts(at, turn);
        }
        offered != Offered::Refused
    }

    /// A container begins to accept an attempt; those whose device is gone may take it no time.
    fn accepts(&mut self, at: Time, turn: Turn) {
        let mut next = Some(turn);
        while let Some(turn) = next {
            if self.takes_time(turn) {
                let service = self.length(self.meant.server.service);
                self.calendar.schedule(at + service, Event::Accepted(turn));
                return;
            }
            next = self.server.finish();
        }
    }

    fn is_accepted(&mut self, at: Time, turn: Turn) {
        if let Some(next) = self.server.finish() {
            self.accepts(at, next);
        }
        if self.takes_time(turn) {
            self.asks(at, Work { whose: turn, what: Asked::Connect, asked: at });
        }
    }

    /// Something is asked of the database; without one it is done at once.
    fn asks(&mut self, at: Time, work: Work) {
        match &mut self.database {
            None => self.is_done(at, work),
            Some(station) => {
                if station.offer(work) == Offered::Started {
                    self.carries(at, work);
                }
            }
        }
    }

    /// The database begins with something; what nobody waits for any more may take it no time.
    fn carries(&mut self, at: Time, work: Work) {
        let mut next = Some(work);
        while let (Some(work), Some(database)) = (next, self.meant.database) {
            if self.takes_time(work.whose) {
                let service = self.length(law(&database, work.what));
                self.calendar.schedule(at + service, Event::Carried(work));
                return;
            }
            next = self.database.as_mut().and_then(Station::finish);
        }
    }

    fn is_carried(&mut self, at: Time, work: Work) {
        if let Some(next) = self.database.as_mut().and_then(Station::finish) {
            self.carries(at, next);
        }
        self.is_done(at, work);
    }

    /// What was asked for is done: who asked is told, if he still waits.
    fn is_done(&mut self, at: Time, work: Work) {
        let waits = self.is_there(work.whose);
        let input = match work.what {
            Asked::Connect if !waits => {
                self.log.is_in_vain();
                return;
            }
            Asked::Connect => Input::Accepted,
            Asked::Message(_) if !waits => return,
            Asked::Message(Message::Heartbeat) => {
                self.log.heartbeat(at.since(work.asked) + self.habits.network);
                Input::Answered
            }
            Asked::Message(Message::Status) => Input::Answered,
        };
        self.tell(at, work.whose.device, input);
    }

    fn gives_up(&mut self, at: Time, number: u32) {
        if self.devices[number as usize].is_connected() {
            self.log.is_unanswered();
        } else {
            self.log.times_out();
        }
        self.tell(at, number, Input::TimedOut);
    }

    fn batch_job(&self) -> Option<Batch> {
        self.meant.database.and_then(|database| database.batch)
    }

    /// The batch takes its servers as they become free, unless it still has them.
    fn batch_begins(&mut self, at: Time) {
        let Some(batch) = self.batch_job() else { return };
        self.calendar.schedule(at + batch.every, Event::BatchBegins);
        if self.batch == 0 {
            self.has_batch(at, batch.servers);
            self.calendar.schedule(at + batch.lasts(self.meant.count), Event::BatchEnds);
        }
    }

    fn batch_ends(&mut self, at: Time) {
        self.has_batch(at, 0);
    }

    fn has_batch(&mut self, at: Time, servers: u32) {
        self.batch = servers;
        let (Some(database), Some(station)) = (self.meant.database, &mut self.database) else {
            return;
        };
        for work in station.resize(database.servers - servers) {
            self.carries(at, work);
        }
    }

    /// Whether serving it takes time: somebody waits for it, or nobody looks whether he does.
    fn takes_time(&self, turn: Turn) -> bool {
        self.meant.server.stale == Stale::Served || self.is_there(turn)
    }

    /// Whether nothing has happened to a device since that turn.
    fn is_there(&self, turn: Turn) -> bool {
        self.places[turn.device as usize].turn == turn.turn
    }

    fn turn(&self, device: u32) -> Turn {
        Turn { device, turn: self.places[device as usize].turn }
    }

    /// The next random length of a service.
    fn length(&mut self, law: Law) -> core::time::Duration {
        self.draws += 1;
        law.sample(draw_for(self.habits.seed, self.draws, Purpose::Service, 0))
    }

    fn standing(&self) -> Standing {
        let share = |station: &Station<Work>| {
            let all = f64::from(self.meant.database.map_or(1, |database| database.servers));
            // Statements that were begun before the batch took their servers are still at work.
            ((station.in_service() as f64 + f64::from(self.batch)) / all).min(1.0)
        };
        Standing {
            connected: self.connected,
            backlog: self.server.waiting(),
            database: self.database.as_ref().map(share),
        }
    }
}

/// How long the database takes for something.
const fn law(database: &Database, what: Asked) -> Law {
    match what {
        Asked::Connect => database.connect,
        Asked::Message(Message::Heartbeat) => database.heartbeat,
        Asked::Message(Message::Status) => database.status,
    }
}

#[cfg(test)]
mod tests;
