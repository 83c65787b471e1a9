//! Operations on their way: from a fan's wish to its reply, over one connection at a time.
//!
//! An operation is one or several calls, one after the other. Its `sent` is when the first byte
//! was handed to the socket or, where a connection had to be made first, when that was begun: to
//! connect is part of the service. Each operation ends in exactly one reply in the inbox.

use domain::outcome::{Operation, Outcome};
use domain::time::Time;

use super::{LoadLoop, NONE, Visitor};
use crate::evidence::{Attempt, ConnectionFailure};
use crate::fan::{Input, Reply, Request};
use crate::live::Connections;
use crate::live::connection::{Connection, Progress};
use crate::live::dialogue::{Call, Heard, Told};
use crate::scenario::Population;

/// An operation on its way.
#[derive(Debug)]
pub(super) struct Flight {
    /// Whose it is.
    visitor: u32,
    pub(super) request: Request,
    /// The present call, from 0.
    call: u16,
    /// How many requests of the operation were told which trace they belong to.
    pub(super) requests: u16,
    /// When the operation was sent; absent while it waits for a pooled connection.
    pub(super) sent: Option<Time>,
    /// When the first byte of the first call's answer came.
    first_byte: Option<Time>,
    /// When the present call was sent or, of the first one, queued for the pool.
    pub(super) call_sent: Time,
    /// Whether the present call has been repeated after a connection turned out to be stale.
    retried: bool,
    /// How many further addresses of the host have been tried.
    tries: u8,
    /// Its number among those that wait for the pool, as long as it waits.
    pub(super) queued: Option<u64>,
}

impl Flight {
    /// The number of the fan whose operation it is.
    pub(super) const fn visitor(&self) -> u32 {
        self.visitor
    }
}

impl LoadLoop<'_> {
    /// Sends an operation of `visitor`, or queues it for the pool.
    pub(super) fn send(&mut self, visitor: u32, request: Request) {
        let now = self.course.clock.now();
        assert!(request.intended <= now, "a fan asks now; for later there is sleep");
        let flight = self.flights.insert(Flight {
            visitor,
            request,
            call: 0,
            requests: 0,
            sent: None,
            first_byte: None,
            call_sent: now,
            retried: false,
            tries: 0,
            queued: None,
        });
        self.deadlines.insert(flight, request.deadline);
        self.next_timer = self.next_timer.min(request.deadline);
        self.visitors[visitor as usize].flight = flight;
        self.begin(visitor, now);
    }

    /// Something happened to a connection; `closing` says that its end was announced.
    pub(super) fn ready(&mut self, number: u32, closing: bool) {
        // It may have been closed earlier in the same batch of events.
        let Some(connection) = self.connections.get_mut(number) else { return };
        let holder = self.holders[number as usize];
        let is_idle = holder == NONE || {
            let Visitor { connection, flight, .. } = self.visitors[holder as usize];
            flight == NONE || connection != number
        };
        if is_idle {
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
        let (sent, queued_at) = (flight.sent, flight.call_sent);
        let waits = flight.queued.is_some();
        let Some(sent) = sent.filter(|_| !waits) else {
            // A deadline may have passed before a late instrument queued at all.
            let done = at.max(queued_at);
            self.meter.pool_waited(queued_at, done);
            self.tally.shed_pool += 1;
            return self.finish(visitor, Reply::of(Outcome::Shed), done);
        };
        let done = at.max(sent).max(queued_at);
        let number = self.visitors[visitor as usize].connection;
        if self.connections.get(number).is_some_and(Connection::is_connecting) {
            self.meter.connection_failed(done, ConnectionFailure::TimedOut);
        }
        self.count_call(visitor, operation, done, Outcome::Unknown);
        self.drop_connection(self.visitors[visitor as usize].connection);
        self.finish(visitor, Reply::of(Outcome::Unknown), done);
    }

    /// Makes the present call over a connection that stands, or a new one.
    pub(super) fn proceed(&mut self, visitor: u32, host: usize, now: Time) {
        if !self.take_connection(visitor, host) {
            if !self.knows_way(host) {
                return self.fail(visitor, Outcome::Error);
            }
            return self.connect(visitor, host, now);
        }
        self.stamp_call(visitor, now);
        self.write(visitor);
    }

    /// Whether there is a way to the host of that number, which a redirect may just have led to.
    fn knows_way(&mut self, number: usize) -> bool {
        while self.dialer.hosts() <= number {
            let Some(host) = self.dialogue.host(self.dialer.hosts()) else { return false };
            if self.dialer.add(host).is_err() {
                return false;
            }
        }
        true
    }

    /// Whether another of the `addresses` of the host is tried for the present call.
    pub(super) fn tries_again(&mut self, visitor: u32, addresses: usize) -> bool {
        let flight = self.flight_mut(visitor);
        flight.tries = flight.tries.saturating_add(1);
        usize::from(flight.tries) < addresses
    }

    /// Notes when the present call, and with the first the operation, was sent.
    pub(super) fn stamp_call(&mut self, visitor: u32, at: Time) {
        let flight = self.flight_mut(visitor);
        if flight.retried {
            return;
        }
        let queued_at = std::mem::replace(&mut flight.call_sent, at);
        let queued = flight.queued.take();
        let is_first = flight.sent.is_none();
        flight.sent.get_or_insert(at);
        let request = flight.request;
        if queued.is_some() {
            self.meter.pool_waited(queued_at, at);
        } else if is_first {
            self.meter.sent(request.operation, request.intended, at);
        }
    }

    /// Hands the bytes of the present call to the fan's connection.
    fn write(&mut self, visitor: u32) {
        let mut rendered = std::mem::take(&mut self.rendered);
        let call = self.call(visitor);
        let (bytes, body) = self.dialogue.say(&call, &mut rendered);
        let mut marked = std::mem::take(&mut self.marked);
        let sending = self.sending(visitor);
        let bytes = match self.tracer.as_mut().zip(sending) {
            Some((tracer, sending)) => tracer.mark(&call, sending, bytes, &mut marked),
            None => bytes,
        };
        let sent = self.connection(visitor).send(bytes, body);
        self.rendered = rendered;
        self.marked = marked;
        self.tally.seen.requests += 1;
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
        let call = self.call(visitor);
        let number = self.visitors[visitor as usize].connection;
        let connection = self.connections.get_mut(number).expect("the answer came over it");
        let reusable = connection.is_reusable();
        let answer = connection.answer();
        let (fields, body) = (answer.fields(&self.buffer), answer.body(&self.buffer));
        let heard = match answer.head() {
            Some(head) => self.dialogue.hear(&call, Told { head, fields, body, at: done }),
            None => Heard::Done(Reply::of(Outcome::Error)),
        };
        let status = answer.head().map(|head| head.status);
        self.tally.seen.answer(status);
        if let Some(tracer) = &mut self.tracer {
            tracer.answered(visitor, status);
        }
        connection.answered();
        let outcome = match &heard {
            // To be led on is no failure.
            Heard::Follow => Outcome::Ok,
            Heard::Done(reply) => reply.outcome,
        };
        self.count_call(visitor, call.request.operation, done, outcome);
        if !reusable {
            self.drop_connection(self.visitors[visitor as usize].connection);
        }
        if let Heard::Done(reply) = heard {
            if !self.dialogue.goes_on(&call, &reply) {
                return self.finish(visitor, reply, done);
            }
            self.flight_mut(visitor).call += 1;
        }
        let flight = self.flight_mut(visitor);
        flight.retried = false;
        flight.tries = 0;
        // The next request follows at once: its `sent` is this answer's `done`, which was read less
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
        let host = connection.host();
        self.drop_connection(self.visitors[visitor as usize].connection);
        let call = self.call(visitor);
        let may_take_effect = took_bytes && self.dialogue.takes_effect(&call);
        let flight = self.flight_mut(visitor);
        if stale && !flight.retried && !may_take_effect {
            flight.retried = true;
            return self.connect(visitor, host, self.course.clock.now());
        }
        let is_unknown = took_bytes && self.dialogue.may_have_taken_effect(&call);
        self.fail(visitor, if is_unknown { Outcome::Unknown } else { Outcome::Error });
    }

    pub(super) fn fail(&mut self, visitor: u32, outcome: Outcome) {
        let done = self.course.clock.now();
        let operation = self.flight(visitor).request.operation;
        self.count_call(visitor, operation, done, outcome);
        self.finish(visitor, Reply::of(outcome), done);
    }

    /// A request is over; those of a reload are counted one by one.
    fn count_call(&mut self, visitor: u32, operation: Operation, done: Time, outcome: Outcome) {
        if let Some(tracer) = &mut self.tracer {
            tracer.ended(visitor, done, outcome);
        }
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
        if let Some(tracer) = &mut self.tracer {
            tracer.finished(visitor, &attempt);
        }
        let Population { crowd, sale, .. } =
            &self.course.scenario.populations[usize::from(id.population)];
        if crowd.route.buys(flight.request.stage, &reply) {
            self.meter.bought(done);
        }
        self.diary.attempt(crowd, *sale, &attempt, &flight.request, &reply);
        self.dialogue.settle(visitor);
        self.return_connection(visitor);
        self.inbox.push_back((visitor, Input::Replied { at: done, reply }));
    }

    /// A fan keeps its own connection, one for an operation is closed, and a pooled one goes back
    /// to the pool.
    fn return_connection(&mut self, visitor: u32) {
        if self.course.settings.connections == Connections::PerOperation {
            return self.drop_connections(visitor);
        }
        if self.pool.is_none() {
            return;
        }
        let number = self.visitors[visitor as usize].connection;
        if let Some(host) = self.connections.get(number).map(Connection::host) {
            self.set_aside(visitor, number, host);
        }
    }

    /// The present call of a fan's operation.
    pub(super) fn call(&self, visitor: u32) -> Call {
        let Visitor { fan, flight, .. } = &self.visitors[visitor as usize];
        let flight = self.flights.get(*flight).expect("its operation is on its way");
        Call { fan: fan.id(), visitor, request: flight.request, number: flight.call }
    }

    fn flight(&self, visitor: u32) -> &Flight {
        let number = self.visitors[visitor as usize].flight;
        self.flights.get(number).expect("its operation is on its way")
    }

    pub(super) fn flight_mut(&mut self, visitor: u32) -> &mut Flight {
        let number = self.visitors[visitor as usize].flight;
        self.flights.get_mut(number).expect("its operation is on its way")
    }

    fn connection(&mut self, visitor: u32) -> &mut Connection {
        let number = self.visitors[visitor as usize].connection;
        self.connections.get_mut(number).expect("the fan holds a connection")
    }
}
