//! Connections that fans share: a bounded number to each host, and who waits for one.

use std::collections::VecDeque;

use domain::outcome::Outcome;
use domain::time::Time;

use super::LoadLoop;
use crate::live::connection::Connection;

/// A bounded number of connections to each host, shared by the fans of one loop.
#[derive(Debug)]
pub(super) struct Pool {
    limit: usize,
    /// By the numbers of the hosts.
    lines: Vec<Line>,
    queued: u64,
}

/// The connections to one host, and who waits for one.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// How many there are.
    pub(super) open: usize,
    pub(super) idle: Vec<u32>,
    /// Who waits, first come first served, with the number of the flight that waits: an entry
    /// whose flight has ended is passed over.
    waiting: VecDeque<(u32, u64)>,
}

impl Pool {
    /// A pool of at most `limit` connections to a host, none of them open yet.
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, lines: Vec::new(), queued: 0 }
    }

    /// What there is of the host of that number.
    pub(super) fn line(&mut self, host: usize) -> &mut Line {
        if host >= self.lines.len() {
            self.lines.resize_with(host + 1, Line::default);
        }
        &mut self.lines[host]
    }
}

impl LoadLoop<'_> {
    /// Begins the calls that waited for the pool, as far as connections are free.
    pub(super) fn serve_waiting(&mut self) {
        let hosts = self.pool.as_ref().map_or(0, |pool| pool.lines.len());
        for host in 0..hosts {
            self.serve_line(host);
        }
    }

    fn serve_line(&mut self, host: usize) {
        while let Some(pool) = &mut self.pool {
            let limit = pool.limit;
            let line = pool.line(host);
            let Some((visitor, number)) = line.waiting.front().copied() else { return };
            let flight = self.flights.get(self.visitors[visitor as usize].flight);
            if flight.is_none_or(|flight| flight.queued != Some(number)) {
                line.waiting.pop_front();
                continue;
            }
            if line.idle.is_empty() && line.open >= limit {
                return;
            }
            line.waiting.pop_front();
            self.proceed(visitor, host, self.course.clock.now());
        }
    }

    /// Begins the present call, or queues it for the pool; `now` was read just before.
    ///
    /// For the pool's queue the meter's `sent` is when it was queued: the wait is in the response
    /// time, but it is no lateness of this instrument.
    pub(super) fn begin(&mut self, visitor: u32, now: Time) {
        let call = self.call(visitor);
        let Some(host) = self.dialogue.prepare(&call) else {
            return self.fail(visitor, Outcome::Error);
        };
        let present = self.connections.get(self.visitors[visitor as usize].connection);
        let holds = present.is_some_and(|present| present.host() == host);
        let Some(pool) = self.pool.as_mut().filter(|_| !holds) else {
            return self.proceed(visitor, host, now);
        };
        let limit = pool.limit;
        let ticket = pool.queued + 1;
        let line = pool.line(host);
        let none_free = line.idle.is_empty() && line.open >= limit;
        if !none_free && line.waiting.is_empty() {
            return self.proceed(visitor, host, now);
        }
        line.waiting.push_back((visitor, ticket));
        pool.queued = ticket;
        // What it holds to another host is free for others while it waits.
        if let Some(other) = present.map(Connection::host) {
            self.set_aside(visitor, self.visitors[visitor as usize].connection, other);
        }
        let flight = self.flight_mut(visitor);
        flight.queued = Some(ticket);
        flight.call_sent = now;
        if flight.sent.is_none() {
            let request = flight.request;
            self.meter.sent(request.operation, request.intended, now);
        }
    }
}
