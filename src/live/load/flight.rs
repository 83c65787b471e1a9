//! Operations on their way: from a fan's wish to its reply, over one connection at a time.
//!
//! An operation is one or several calls, one after the other. Its `sent` is when the first byte
//! was handed to the socket or, where a connection had to be made first, when that was begun: to
//! connect is part of the service. Each operation ends in exactly one reply in the inbox.

use std::collections::VecDeque;

use domain::outcome::{Operation, Outcome};
use domain::time::Time;

use super::{LoadLoop, NONE};
use crate::evidence::{Attempt, ConnectionFailure};
use crate::fan::{Input, Reply, Request};
use crate::live::Connections;
use crate::live::connection::{Connection, Progress};
use crate::live::request::{Script, takes_effect};
use crate::scenario::Population;

/// An operation on its way.
#[derive(Debug)]
pub(super) struct Flight {
    /// Whose it is.
    visitor: u32,
    request: Request,
    /// The present call, from 0.
    call: u16,
    /// When the operation was sent; absent while it waits for a pooled connection.
    sent: Option<Time>,
    /// When the first byte of the first call's answer came.
    first_byte: Option<Time>,
    /// When the present call was sent or, of the first one, queued for the pool.
    call_sent: Time,
    /// Whether the present call has been repeated after a connection turned out to be stale.
    retried: bool,
    /// Its number among those that waited for the pool.
    queued: Option<u64>,
}

impl Flight {
    /// The number of the fan whose operation it is.
    pub(super) const fn visitor(&self) -> u32 {
        self.visitor
    }
}

/// A bounded number of connections, shared by the fans of one loop.
#[derive(Debug)]
pub(super) struct Pool {
    limit: usize,
    pub(super) idle: Vec<u32>,
    /// Who waits, first come first served, with the number of the flight that waits: an entry
    /// whose flight has ended is passed over.
    waiting: VecDeque<(u32, u64)>,
    queued: u64,
}

impl Pool {
    /// A pool of at most `limit` connections, none of them open yet.
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, idle: Vec::new(), waiting: VecDeque::new(), queued: 0 }
    }
}

impl<'run> LoadLoop<'run> {
    /// Sends an operation of `visitor`, or queues it for the pool.
    ///
    /// For the pool's queue the meter's `sent` is when it was queued: the wait is in the response
    /// time, but it is no lateness of this instrument.
    pub(super) fn send(&mut self, visitor: u32, request: Request) {
        let now = self.course.clock.now();
        assert!(request.intended <= now, "a fan asks now; for later there is sleep");
        let queued = self.pool.as_mut().filter(|pool| {
            let none_free = pool.idle.is_empty() && self.connections.len() >= pool.limit;
            none_free || !pool.waiting.is_empty()
        });
        let queued = queued.map(|pool| {
            pool.queued += 1;
            pool.waiting.push_back((visitor, pool.queued));
            pool.queued
        });
        let flight = self.flights.insert(Flight {
            visitor,
            request,
            call: 0,
            sent: None,
            first_byte: None,
            call_sent: now,
            retried: false,
            queued,
        });
        self.deadlines.insert(flight, request.deadline);
        self.next_timer = self.next_timer.min(request.deadline);
        self.visitors[visitor as usize].flight = flight;
        if queued.is_some() {
            self.meter.sent(request.operation, request.intended, now);
        } else {
            self.begin(visitor, now);
        }
    }

    /// Begins the operations that waited for the pool, as far as connections are free.
    pub(super) fn serve_waiting(&mut self) {
        while let Some(pool) = &mut self.pool {
            let Some((visitor, number)) = pool.waiting.front().copied() else { return };
            let flight = self.flights.get(self.visitors[visitor as usize].flight);
            if flight.is_none_or(|flight| flight.queued != Some(number)) {
                pool.waiting.pop_front();
                continue;
            }
            if pool.idle.is_empty() && self.connections.len() >= pool.limit {
                return;
            }
            pool.waiting.pop_front();
            self.begin(visitor, self.course.clock.now());
        }
    }

    /// Something happened to a connection; `closing` says that its end was announced.
    pub(super) fn ready(&mut self, number: u32, closing: bool) {
        // It may have been closed earlier in the same batch of events.
        let Some(connection) = self.connections.get_mut(number) else { return };
        let holder = self.holders[number as usize];
        if holder == NONE || self.visitors[holder as usize].flight == NONE {
            if !connection.is_quiet() {
                self.drop_connection(number);
            }
            return;
        }
        if connection.is_connecting() {
            if !self.establish(number) {
                return;
            }
            self.write(holder);
        } else if connection.flush().is_err() {
            return self.lose(holder);
        }
        self.read(holder, closing);
    }

    /// The deadline of an operation passed, or nothing more is waited for: no answer is taken for
    /// it any more, whatever becomes of its connection.
    pub(super) fn give_up(&mut self, visitor: u32, at: Time) {
        let flight = self.flight(visitor);
        let operation = flight.request.operation;
        let Some(sent) = flight.sent else {
            let queued_at = flight.call_sent;
            self.meter.pool_waited(queued_at, at);
            self.tally.shed_pool += 1;
            return self.finish(visitor, Reply::of(Outcome::Shed), at);
        };
        // A deadline may have passed before a late instrument sent at all.
        let done = at.max(sent).max(flight.call_sent);
        let number = self.visitors[visitor as usize].connection;
        if self.connections.get(number).is_some_and(Connection::is_connecting) {
            self.meter.connection_failed(done, ConnectionFailure::TimedOut);
        }
        self.count_call(visitor, operation, done, Outcome::Unknown);
        self.drop_connection(self.visitors[visitor as usize].connection);
        self.finish(visitor, Reply::of(Outcome::Unknown), done);
    }

    /// Makes the present call over the fan's connection, an idle one, or a new one; `now` was read
    /// just before.
    fn begin(&mut self, visitor: u32, now: Time) {
        if self.visitors[visitor as usize].connection == NONE
            && let Some(idle) = self.pool.as_mut().and_then(|pool| pool.idle.pop())
        {
            self.holders[idle as usize] = visitor;
            self.visitors[visitor as usize].connection = idle;
        }
        if self.visitors[visitor as usize].connection == NONE {
            return self.connect(visitor, now);
        }
        self.stamp_call(visitor, now);
        self.write(visitor);
    }

    /// Notes when the present call, and with the first the operation, was sent.
    pub(super) fn stamp_call(&mut self, visitor: u32, at: Time) {
        let flight = self.flight_mut(visitor);
        if flight.retried {
            return;
        }
        let queued_at = std::mem::replace(&mut flight.call_sent, at);
        if flight.sent.is_none() {
            flight.sent = Some(at);
            let (request, queued) = (flight.request, flight.queued);
            if queued.is_none() {
                self.meter.sent(request.operation, request.intended, at);
            } else {
                self.meter.pool_waited(queued_at, at);
            }
        }
    }

    /// Hands the bytes of the present call to the fan's connection.
    fn write(&mut self, visitor: u32) {
        let mut rendered = std::mem::take(&mut self.rendered);
        let flight = self.flight(visitor);
        let said = (self.visitors[visitor as usize].fan.id(), flight.request, flight.call);
        let script = self.script(visitor);
        let (bytes, body) = self.dialogue.say(visitor, said, script, &mut rendered);
        let sent = self.connection(visitor).send(bytes, body);
        self.rendered = rendered;
        if sent.is_err() {
            self.lose(visitor);
        }
    }

    /// Reads what has come for a fan.
    fn read(&mut self, visitor: u32, closing: bool) {
        let number = self.visitors[visitor as usize].connection;
        // To write may just have failed, and the operation may be over.
        let Some(connection) = self.connections.get_mut(number) else { return };
        match connection.read(&mut self.buffer, &mut self.heads, closing) {
            Ok(Progress::Partial) => self.note_first_byte(visitor),
            Ok(Progress::Whole) => self.answer(visitor),
            Err(_) => self.lose(visitor),
        }
    }

    /// Notes when an answer began that is not whole yet; nearly all are whole at once.
    fn note_first_byte(&mut self, visitor: u32) {
        let is_first = self.flight(visitor).first_byte.is_none();
        if is_first && !self.connection(visitor).answer().is_untouched() {
            self.flight_mut(visitor).first_byte = Some(self.course.clock.now());
        }
    }

    /// The present call's answer is whole: the next call, or the reply.
    fn answer(&mut self, visitor: u32) {
        let done = self.course.clock.now();
        self.flight_mut(visitor).first_byte.get_or_insert(done);
        let utc_ns = self.course.clock.began_utc_ns().saturating_add(done.nanos());
        let flight = self.flight(visitor);
        let (request, call) = (flight.request, flight.call);
        let number = self.visitors[visitor as usize].connection;
        let connection = self.connections.get_mut(number).expect("the answer came over it");
        let reusable = connection.is_reusable();
        let answer = connection.answer();
        let body = answer.body(&self.buffer);
        let reply = match answer.head() {
            Some(head) => self.dialogue.hear(visitor, &request, head, body, utc_ns),
            None => Reply::of(Outcome::Error),
        };
        connection.answered();
        self.count_call(visitor, request.operation, done, reply.outcome);
        if !reusable {
            self.drop_connection(self.visitors[visitor as usize].connection);
        }
        if !self.script(visitor).goes_on(&request, call, reply.outcome) {
            return self.finish(visitor, reply, done);
        }
        let flight = self.flight_mut(visitor);
        flight.call += 1;
        flight.retried = false;
        // The next call follows at once: its `sent` is this answer's `done`, which was read less
        // than a microsecond ago.
        self.begin(visitor, done);
    }

    /// The connection is lost before the answer was whole.
    ///
    /// One that the server had closed while it was idle is replaced once, if the request cannot
    /// have taken effect: it only asks, or not a byte of it left.
    fn lose(&mut self, visitor: u32) {
        let connection = self.connection(visitor);
        let (stale, took_bytes) = (connection.went_stale(), connection.took_bytes());
        self.drop_connection(self.visitors[visitor as usize].connection);
        let flight = self.flight_mut(visitor);
        let may_have_effect = took_bytes && takes_effect(flight.request.operation);
        if stale && !flight.retried && !may_have_effect {
            flight.retried = true;
            return self.connect(visitor, self.course.clock.now());
        }
        let outcome = if may_have_effect { Outcome::Unknown } else { Outcome::Error };
        self.fail(visitor, outcome);
    }

    pub(super) fn fail(&mut self, visitor: u32, outcome: Outcome) {
        let done = self.course.clock.now();
        let operation = self.flight(visitor).request.operation;
        self.count_call(visitor, operation, done, outcome);
        self.finish(visitor, Reply::of(outcome), done);
    }

    /// A request of a reload is over.
    fn count_call(&mut self, visitor: u32, operation: Operation, done: Time, outcome: Outcome) {
        if operation == Operation::Reload && self.flight(visitor).sent.is_some() {
            let sent = self.flight(visitor).call_sent;
            self.meter.call_done(sent, done, outcome);
        }
    }

    /// An operation is over: it is counted, and its fan is told.
    fn finish(&mut self, visitor: u32, reply: Reply, done: Time) {
        let place = &mut self.visitors[visitor as usize];
        let number = std::mem::replace(&mut place.flight, NONE);
        let flight = self.flights.remove(number).expect("only an operation on its way can end");
        let id = place.fan.id();
        let attempt = Attempt {
            fan: id,
            operation: flight.request.operation,
            intended: flight.request.intended,
            // What was never sent has no service time.
            sent: flight.sent.unwrap_or(done),
            // A deadline that passed meanwhile is earlier than the clock was.
            first_byte: flight.first_byte.map(|at| at.min(done)),
            done,
            outcome: reply.outcome,
        };
        assert!(
            attempt.intended <= attempt.sent && attempt.sent <= attempt.done,
            "an operation is intended, then sent, then done: {attempt:?}"
        );
        self.deadlines.cancel(number);
        self.meter.done(&attempt);
        let Population { crowd, sale, .. } =
            &self.course.scenario.populations[usize::from(id.population)];
        if crowd.route.buys(flight.request.stage, &reply) {
            self.meter.bought(done);
        }
        self.diary.attempt(crowd, *sale, &attempt, &flight.request, &reply);
        self.return_connection(visitor);
        self.inbox.push_back((visitor, Input::Replied { at: done, reply }));
    }

    /// A fan keeps its own connection, one for an operation is closed, and a pooled one goes back
    /// to the pool.
    fn return_connection(&mut self, visitor: u32) {
        let place = &mut self.visitors[visitor as usize].connection;
        if self.course.settings.connections == Connections::PerOperation {
            let over = *place;
            return self.drop_connection(over);
        }
        let Some(pool) = &mut self.pool else { return };
        let connection = std::mem::replace(place, NONE);
        if connection != NONE {
            self.holders[connection as usize] = NONE;
            pool.idle.push(connection);
        }
    }

    fn script(&self, visitor: u32) -> &'run Script {
        let course = self.course;
        &course.scripts[usize::from(self.visitors[visitor as usize].fan.id().population)]
    }

    fn flight(&self, visitor: u32) -> &Flight {
        let number = self.visitors[visitor as usize].flight;
        self.flights.get(number).expect("its operation is on its way")
    }

    fn flight_mut(&mut self, visitor: u32) -> &mut Flight {
        let number = self.visitors[visitor as usize].flight;
        self.flights.get_mut(number).expect("its operation is on its way")
    }

    fn connection(&mut self, visitor: u32) -> &mut Connection {
        let number = self.visitors[visitor as usize].connection;
        self.connections.get_mut(number).expect("the fan holds a connection")
    }
}
