//! One load loop: a thread of its own that lives its share of the fans.
//!
//! Nothing is shared between loops but what nobody writes; a fan, its timer, its connection and
//! its measurements belong to one thread. Once a second a loop hands over what it counted.

mod connect;
mod due;
mod flight;
mod pool;
mod step;
mod tracer;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::mpsc::Sender;

use domain::id::FanId;
use domain::time::{Duration, Time};
use mio::{Events, Poll, Token};
use serde::{Deserialize, Serialize};

use crate::arrival::Arrivals;
use crate::evidence::{Complaint, PurchaseLine};
use crate::fan::{Action, Fan, Input};
use crate::live::clock::Clock;
use crate::live::connection::{Connection, Dialer};
use crate::live::dialogue::Dialogue;
use crate::live::guard::Seen;
use crate::live::http::Heads;
use crate::live::pacing::{Alarm, Pacer};
use crate::live::process::lines;
use crate::live::request::Script;
use crate::live::slab::Slab;
use crate::live::sleepers::Sleepers;
use crate::live::stop::{Signal, Wish};
use crate::live::wheel::Wheel;
use crate::live::{Settings, Target};
use crate::measure::diary::Diary;
use crate::measure::meter::{Harvest, Meter};
use crate::scenario::{Population, Scenario};
use flight::Flight;
use pool::Pool;
use tracer::Tracer;

/// The most timers, and the most arrivals, that are served before sockets are looked at again:
/// sending must not starve the reading of answers (at 10 µs each, 0.6 ms).
const BATCH: usize = 64;
/// The most socket events taken at once, for the same reason the other way round.
const EVENTS: usize = 256;
/// The buffer that all connections of a loop read through: larger than most answers \[bytes\].
const BUFFER: usize = 64 * 1024;
/// The longest time for which a loop does not look whether it shall stop.
const STOP_CHECK: Duration = Duration::from_millis(50);
/// How long answers are waited for after the user asked to stop.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// How often a loop hands over what it counted.
const SECOND: Duration = Duration::from_secs(1);
/// No connection.
const NONE: u32 = u32::MAX;
/// The alarm's token: no connection bears this number.
const ALARM: Token = Token(NONE as usize);

/// What all loops of a run read and none writes.
#[derive(Debug)]
pub(super) struct Course<'run> {
    /// The scenario.
    pub(super) scenario: &'run Scenario,
    /// How to live it.
    pub(super) settings: &'run Settings,
    /// Whom to ask.
    pub(super) target: &'run Target,
    /// How connections to whom is asked are opened.
    pub(super) dialer: Dialer,
    /// The run's clock.
    pub(super) clock: Clock,
    /// The requests of each population.
    pub(super) scripts: Vec<Script>,
    /// Whether to stop.
    pub(super) signal: Signal,
    /// When the first sale opens.
    pub(super) opening: Time,
    /// When the load ends whatever the fans do.
    pub(super) horizon: Time,
}

/// What a loop hands over once a second, when it has timed too much to keep it, and when it ends.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    /// Which loop.
    pub(super) place: usize,
    /// The whole second up to which everything has been handed over.
    pub(super) until: Time,
    /// What its meter counted.
    pub(super) harvest: Harvest,
    /// What its fans' purchases were, in about the order of time.
    #[serde(with = "lines")]
    pub(super) lines: Vec<PurchaseLine>,
    /// What its fans could not understand or say since its last report.
    #[serde(with = "lines")]
    pub(super) complaints: Vec<Complaint>,
    /// How often each step of theirs was answered since then, by its name.
    pub(super) answered: Vec<(String, u64)>,
    /// Its counts since the beginning.
    pub(super) tally: Tally,
    /// When its last fan had left, in its last report.
    pub(super) ended: Option<Time>,
}

/// What a loop counts about itself, since the beginning.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Operations for which no socket could be had.
    pub(super) shed_sockets: u64,
    /// Operations that waited for a pooled connection until their deadline.
    pub(super) shed_pool: u64,
    /// Fans that were still there when the load had to end.
    pub(super) left_behind: u64,
    /// What went out and came back.
    pub(super) seen: Seen,
}

/// One load loop.
pub(super) struct LoadLoop<'run> {
    course: &'run Course<'run>,
    place: usize,
    reports: Sender<Report>,
    poll: Poll,
    arrivals: Arrivals,
    /// Everybody who is there; a fan's place here is its number.
    visitors: Vec<Visitor>,
    /// The places of those who have left.
    vacant: Vec<u32>,
    present: usize,
    /// What happened and has not been told to its fan yet.
    inbox: VecDeque<(u32, Input)>,
    sleepers: Sleepers,
    /// Operations on their way; a waiting fan has none and takes no memory for it.
    flights: Slab<Flight>,
    /// The deadlines of the flights, by their numbers.
    deadlines: Wheel,
    dialer: Dialer,
    /// A time before which no sleep ends and no deadline passes: until then nobody looks for them.
    next_timer: Time,
    pacer: Pacer,
    alarm: Alarm,
    connections: Slab<Connection>,
    /// Who holds each connection, by its number; [`NONE`] while it is idle in the pool.
    holders: Vec<u32>,
    /// Connections that fans hold to hosts that they do not speak to at present, by fan and host.
    aside: HashMap<(u32, usize), u32>,
    pool: Option<Pool>,
    meter: Meter,
    diary: Diary<'run>,
    tally: Tally,
    buffer: Box<[u8]>,
    heads: Heads,
    rendered: Vec<u8>,
    /// What tells requests which trace they belong to, where they are traced.
    tracer: Option<Tracer>,
    marked: Vec<u8>,
    dialogue: Dialogue<'run>,
    expired: Vec<(u32, Time)>,
    next_report: Time,
    /// When nothing more was sent, and until when answers are waited for.
    stopping: Option<Time>,
}

/// A fan and what is known of it here.
#[derive(Debug)]
struct Visitor {
    fan: Fan,
    /// The connection it holds, or [`NONE`].
    connection: u32,
    /// Its operation on its way, or [`NONE`].
    flight: u32,
}

/// A million fans wait at once: 56 bytes here and 8 among the sleepers.
const _: () =
    assert!(size_of::<Visitor>() <= size_of::<Fan>() + 8, "a visitor is a fan and what it holds");

impl<'run> LoadLoop<'run> {
    /// A loop for those who come by `arrivals`, ordered by time, with at most `pool` connections.
    ///
    /// # Errors
    /// When the system gives no poll.
    pub(super) fn new(
        course: &'run Course<'run>,
        place: usize,
        arrivals: Arrivals,
        pool: Option<usize>,
        reports: Sender<Report>,
    ) -> io::Result<Self> {
        let sockets = Poll::new()?;
        // Room that takes memory as it is used, and is never moved.
        let people = arrivals.people();
        Ok(Self {
            course,
            place,
            reports,
            next_timer: Time::NEVER,
            pacer: Pacer::new(course.settings.pacing),
            alarm: Alarm::new(sockets.registry(), ALARM)?,
            poll: sockets,
            visitors: Vec::with_capacity(people),
            vacant: Vec::new(),
            present: 0,
            inbox: VecDeque::with_capacity(2 * BATCH + EVENTS),
            sleepers: Sleepers::with_capacity(people),
            flights: Slab::new(),
            deadlines: Wheel::new(),
            arrivals,
            dialer: course.dialer.for_loop(place),
            connections: Slab::new(),
            holders: Vec::new(),
            aside: HashMap::new(),
            pool: pool.map(Pool::new),
            meter: Meter::new(course.opening),
            diary: Diary::new(&course.scenario.catalogue),
            tally: Tally::default(),
            buffer: vec![0; BUFFER].into_boxed_slice(),
            heads: Heads::default(),
            rendered: Vec::with_capacity(1_024),
            tracer: course.settings.tracing.map(Tracer::new),
            marked: Vec::new(),
            dialogue: Dialogue::new(
                course.scenario,
                course.target,
                &course.scripts,
                course.settings,
            ),
            expired: Vec::with_capacity(BATCH),
            next_report: Time::ZERO + SECOND,
            stopping: None,
        })
    }

    /// Lives until the last fan has left, or the run is stopped.
    ///
    /// # Errors
    /// When the system's poll fails.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        while let Some((visitor, input)) = self.next(&mut events)? {
            let at = input_time(&input);
            match self.step(visitor, input) {
                Action::Leave(departure) => self.leave(visitor, at, departure),
                // Who is stopped neither asks nor waits any more.
                _ if self.stopping.is_some() => {}
                Action::Send(request) => self.send(visitor, request),
                // A sleep that is over at once needs no timer.
                Action::Sleep { until } if until <= at => {
                    self.inbox.push_back((visitor, Input::Woke { at: until }));
                }
                Action::Sleep { until } => {
                    self.sleepers.insert(visitor, until);
                    self.next_timer = self.next_timer.min(until);
                }
            }
        }
        self.report(Some(self.course.clock.now()));
        Ok(())
    }

    /// What happens next to which fan; `None` when nothing will.
    fn next(&mut self, events: &mut Events) -> io::Result<Option<(u32, Input)>> {
        loop {
            if let Some(happened) = self.inbox.pop_front() {
                return Ok(Some(happened));
            }
            if self.is_over() {
                return Ok(None);
            }
            self.collect(events)?;
        }
    }

    fn is_over(&self) -> bool {
        let all_left = self.present == 0 && self.arrivals.next_at().is_none();
        let stopped = self.stopping.is_some() && self.flights.len() == 0;
        all_left || stopped || self.course.signal.wish() == Wish::Abandon
    }

    /// Collects what has happened: arrivals, timers, sockets, each in a bounded batch.
    ///
    /// The clock is read once here for what is due, and again whenever an operation is sent or an
    /// answer is whole: two more readings per request, 50 ns of about 6 µs, so that no stamp is
    /// older than its event.
    fn collect(&mut self, events: &mut Events) -> io::Result<()> {
        let now = self.course.clock.now();
        if now >= self.next_report {
            self.report(None);
        } else if self.meter.is_full() {
            self.hand_over();
        }
        self.stop_if_due(now);
        self.serve_due(now);
        let timeout = self.set_alarm(now)?;
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in events.iter().filter(|event| event.token() != ALARM) {
            let number = u32::try_from(event.token().0).expect("tokens are connection numbers");
            let closing = event.is_read_closed() || event.is_error();
            self.ready(number, closing);
        }
        self.serve_waiting();
        Ok(())
    }

    fn population(&self, id: FanId) -> &'run Population {
        &self.course.scenario.populations[usize::from(id.population)]
    }

    /// Stops sending when the user wishes it or the load has lasted as long as it may, and gives
    /// up what is still on its way when its grace is over.
    fn stop_if_due(&mut self, now: Time) {
        match self.stopping {
            None if self.course.signal.wish() != Wish::Go => self.stop(now + STOP_GRACE),
            None if now >= self.course.horizon => self.stop(now),
            None => return,
            Some(_) => {}
        }
        if self.stopping.is_some_and(|until| now >= until) {
            let asking: Vec<u32> = self.flights.iter().map(Flight::visitor).collect();
            for visitor in asking {
                self.give_up(visitor, now);
            }
        }
    }

    fn stop(&mut self, until: Time) {
        self.stopping = Some(until);
        self.arrivals.end();
    }

    /// Hands over what was timed and written in the middle of a second: there is too much of it to
    /// be kept until its end.
    fn hand_over(&mut self) {
        let harvest = self.meter.block();
        self.tell(self.next_report.before(SECOND), harvest, None);
    }

    /// Hands over everything counted so far.
    fn report(&mut self, ended: Option<Time>) {
        let now = self.course.clock.now();
        let seconds = if ended.is_some() {
            now.nanos().div_ceil(1_000_000_000)
        } else {
            now.nanos() / 1_000_000_000
        };
        let until = Time::ZERO + Duration::from_secs(seconds);
        self.next_report = until + SECOND;
        if ended.is_some() {
            self.tally.left_behind = self.present as u64;
        }
        let mut harvest = self.meter.harvest();
        harvest.see(self.dialogue.take_edges());
        harvest.trace(self.tracer.as_mut().map(Tracer::take).unwrap_or_default());
        self.tell(until, harvest, ended);
    }

    fn tell(&mut self, until: Time, harvest: Harvest, ended: Option<Time>) {
        let report = Report {
            place: self.place,
            until,
            harvest,
            lines: self.diary.take(),
            complaints: self.dialogue.take_complaints(),
            answered: self.dialogue.take_answered(),
            tally: self.tally,
            ended,
        };
        // The receiver goes away only when the run has failed, which the signal says too.
        let _ = self.reports.send(report);
    }
}

/// When an input happened.
const fn input_time(input: &Input) -> Time {
    match input {
        Input::Arrived { at } | Input::Woke { at } | Input::Replied { at, .. } => *at,
    }
}
