//! What is due: arrivals and timers, served in bounded batches, and the alarm for the next of them.

use std::io;

use domain::time::{Duration, Time};

use super::{BATCH, LoadLoop, NONE, STOP_CHECK, Visitor};
use crate::fan::{Fan, Input};
use crate::measure::diary::Notes;

impl LoadLoop<'_> {
    /// Serves what is due at `now`, if it is the time to: see [`crate::live::pacing`].
    pub(super) fn serve_due(&mut self, now: Time) {
        if self.pacer.serves(now) {
            let (admitted, expired) = (self.admit(now), self.expire(now));
            self.pacer.served((admitted + expired) as u64);
            if admitted.max(expired) >= BATCH {
                self.pacer.hurry();
            }
        }
    }

    /// Sets the alarm for what is due next, and says how long sockets may be waited for besides.
    pub(super) fn set_alarm(&mut self, now: Time) -> io::Result<Option<Duration>> {
        if !self.inbox.is_empty() {
            return Ok(Some(Duration::ZERO));
        }
        let arrival = self.arrivals.peek().map_or(Time::NEVER, |(at, _)| *at);
        let wake = self
            .pacer
            .wake(arrival.min(self.next_timer))
            .min(self.next_report)
            .min(now + STOP_CHECK);
        self.alarm.set(wake, now, self.course.clock)?;
        Ok(None)
    }

    /// Those arrive whose time has come; how many.
    fn admit(&mut self, now: Time) -> usize {
        for admitted in 0..BATCH {
            let Some((at, id)) = self.arrivals.next_if(|(at, _)| *at <= now) else {
                return admitted;
            };
            let number = u32::try_from(self.visitors.len()).expect("fewer than 2^32 fans");
            self.visitors.push(Visitor {
                id,
                fan: Fan::new(id),
                connection: NONE,
                notes: Notes::default(),
                flight: NONE,
            });
            self.present += 1;
            self.meter.arrived(at);
            self.inbox.push_back((number, Input::Arrived { at }));
        }
        BATCH
    }

    /// Sleeps end, and deadlines pass; how many.
    fn expire(&mut self, now: Time) -> usize {
        if now < self.next_timer {
            return 0;
        }
        let mut expired = std::mem::take(&mut self.expired);
        self.wheel.expire(now, BATCH, |visitor, due| expired.push((visitor, due)));
        self.next_timer = self.wheel.next_due().unwrap_or(Time::NEVER);
        let count = expired.len();
        for (visitor, due) in expired.drain(..) {
            if self.visitors[visitor as usize].flight != NONE {
                self.give_up(visitor, due);
            } else if self.stopping.is_none() {
                self.inbox.push_back((visitor, Input::Woke { at: due }));
            }
        }
        self.expired = expired;
        count
    }

    /// Sets a fan's timer. To take one away may leave [`LoadLoop::next_timer`] too early, which
    /// costs one look at the wheel.
    pub(super) fn set_timer(&mut self, visitor: u32, due: Time) {
        self.wheel.insert(visitor, due);
        self.next_timer = self.next_timer.min(due);
    }
}
