//! What is due: arrivals and timers, served in bounded batches, and the alarm for the next of them.

use std::io;

use domain::time::{Duration, Time};

use super::{BATCH, LoadLoop, NONE, STOP_CHECK, Visitor};
use crate::fan::{Fan, Input};

impl LoadLoop<'_> {
    /// Serves what is due at `now`, if it is the time to: see [`crate::live::pacing`].
    pub(super) fn serve_due(&mut self, now: Time) {
        if !self.pacer.serves(now) {
            return;
        }
        let admitted = self.admit(now);
        let expired = if now < self.next_timer { 0 } else { self.expire(now) };
        self.pacer.served((admitted + expired) as u64);
        if admitted.max(expired) >= BATCH {
            self.pacer.hurry();
        }
    }

    /// Sets the alarm for what is due next, and says how long sockets may be waited for besides.
    pub(super) fn set_alarm(&mut self, now: Time) -> io::Result<Option<Duration>> {
        if !self.inbox.is_empty() {
            return Ok(Some(Duration::ZERO));
        }
        let arrival = self.arrivals.next_at().unwrap_or(Time::NEVER);
        let due = self.pacer.wake(arrival.min(self.next_timer));
        let wake = due.min(self.next_report).min(now + STOP_CHECK);
        self.alarm.set(wake, now, self.course.clock)?;
        Ok(None)
    }

    /// Those arrive whose time has come; how many.
    fn admit(&mut self, now: Time) -> usize {
        for admitted in 0..BATCH {
            let Some((at, id)) = self.arrivals.next_due(now) else { return admitted };
            let visitor = Visitor { fan: Fan::new(id), connection: NONE, flight: NONE };
            let number = if let Some(vacant) = self.vacant.pop() {
                self.visitors[vacant as usize] = visitor;
                vacant
            } else {
                self.visitors.push(visitor);
                u32::try_from(self.visitors.len() - 1).expect("fewer than 2^32 fans")
            };
            self.present += 1;
            self.meter.arrived(at);
            self.inbox.push_back((number, Input::Arrived { at }));
        }
        BATCH
    }

    /// Sleeps end, and deadlines pass; how many.
    fn expire(&mut self, now: Time) -> usize {
        let Self { sleepers, inbox, .. } = self;
        let stopping = self.stopping.is_some();
        let mut woken = 0;
        sleepers.expire(now, BATCH, |visitor, due| {
            woken += 1;
            if !stopping {
                inbox.push_back((visitor, Input::Woke { at: due }));
            }
        });
        let mut expired = std::mem::take(&mut self.expired);
        self.deadlines.expire(now, BATCH, |flight, due| expired.push((flight, due)));
        let passed = expired.len();
        for (flight, due) in expired.drain(..) {
            let visitor = self.flights.get(flight).expect("it has a deadline").visitor();
            self.give_up(visitor, due);
        }
        self.expired = expired;
        let sleep = self.sleepers.next_due().unwrap_or(Time::NEVER);
        self.next_timer = sleep.min(self.deadlines.next_due().unwrap_or(Time::NEVER));
        woken.max(passed)
    }
}
