//! A load balancer: it passes on what its own capacity allows, answers the rest with an error of its own,
//! and grows when it was asked for much, but late.
//!
//! No published model of an ALB's capacity was found; AWS says that it grows with its traffic in minutes
//! and shrinks in hours, and names no figure. What is known stands at each setting.

pub mod targets;

use std::collections::VecDeque;

use domain::rate::Rate;
use domain::time::{Duration, Span, Time, nanos_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use targets::Health;

/// The load balancer between the edge and the application: `[stack.balancer]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Balancer {
    /// How many requests it takes at the run's beginning: what its traffic of the last hours has left
    /// it with.
    pub capacity: Rate,
    /// How many are reserved for it (LCU reservation of an ALB): it never takes fewer.
    #[serde(default)]
    pub reserved: Option<Rate>,
    /// The most that it grows to; left out: any number.
    #[serde(default)]
    pub max: Option<Rate>,
    /// How it grows, and shrinks.
    #[serde(default)]
    pub grows: Growth,
    /// When a new task is healthy; left out: `stack.application.start` says it.
    #[serde(default)]
    pub health: Option<Health>,
    /// How long a new task gets less than its share of the requests, rising in proportion to time: 0 s, off,
    /// as in an ALB, which allows 30 to 900 s.
    #[serde(default)]
    pub slow_start: Span,
    /// How long a task that goes has for what it has begun, until that is cut off (deregistration delay): 300
    /// s, the default of an ALB.
    #[serde(default = "deregistration")]
    pub deregistration: Span,
}

const fn deregistration() -> Span {
    Span(Duration::from_mins(5))
}

/// How a balancer grows and shrinks: `stack.balancer.grows`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Growth {
    /// What its capacity is multiplied by in a step: 1.5, after the guidance for Elastic Load Balancing to
    /// raise load by at most 50 % in five minutes. 1: it never grows.
    pub by: f64,
    /// How long one step is after the other, in whole minutes: 5 min, likewise; 1 min is an optimist's.
    pub every: Span,
    /// It grows after a minute in which it was asked for more than this share of its capacity: 0.7, an
    /// assumption.
    pub above: f64,
    /// From the end of that minute until it has grown. Left out: so long that a step is there `every` after
    /// that minute's beginning.
    pub lag: Option<Span>,
    /// It takes a step back when all that it was asked for so long would have found room after it: 1 h, an
    /// assumption; practitioners say hours.
    pub shrink_after: Span,
}

impl Default for Growth {
    fn default() -> Self {
        Self {
            by: 1.5,
            every: Span(Duration::from_mins(5)),
            above: 0.7,
            lag: None,
            shrink_after: Span(Duration::from_hours(1)),
        }
    }
}

/// How often a balancer looks at what it was asked for: `CloudWatch` has metrics of load balancers once a
/// minute.
pub const LOOKS_EVERY: Duration = Duration::from_mins(1);

/// How far ahead of its capacity requests may come at once.
const BURST: Duration = Duration::from_secs(1);

impl Growth {
    /// From the end of a minute until it has grown for it.
    pub fn lag(&self) -> Duration {
        self.lag.map_or_else(|| self.every.0.saturating_sub(LOOKS_EVERY), |lag| lag.0)
    }

    /// How many steps it takes from `capacity` until `demand` finds room \[both 1/s\]; none where it
    /// never does.
    pub fn steps(&self, capacity: f64, demand: f64) -> Option<u32> {
        if demand <= capacity {
            return Some(0);
        }
        let steps = (libm::log(demand / capacity) / libm::log(self.by) - 1e-9).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is more than 0, and a factor of more than 1 takes few steps"
        )]
        (self.by > 1.0).then_some(steps as u32)
    }

    /// How long after the demand came so many steps are over, where it came with a minute.
    pub fn until(&self, steps: u32) -> Duration {
        let later = self.every.0.saturating_mul(steps.saturating_sub(1));
        if steps == 0 { Duration::ZERO } else { LOOKS_EVERY + self.lag() + later }
    }
}

impl Balancer {
    /// What it takes at the run's beginning, and at least ever after \[requests/s\].
    pub fn at_least(&self) -> f64 {
        self.reserved.map_or(0.0, Rate::per_s).max(self.capacity.per_s())
    }

    fn at_most(&self) -> f64 {
        self.max.map_or(f64::INFINITY, Rate::per_s)
    }
}

/// What became of a request.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It goes on to the application.
    Passed,
    /// The balancer answers it: 503.
    Rejected,
}

/// A balancer at work.
///
/// Always: passed + rejected = offered.
#[derive(Clone, Debug)]
pub struct LoadBalancer {
    settings: Balancer,
    /// \[requests/s\]
    capacity: f64,
    /// From one request to the next, at capacity \[ns\].
    apart: u64,
    /// When all that was passed on would be over, at capacity (GCRA) \[ns\].
    due: u64,
    offered: u64,
    rejected: u64,
    cut: u64,
    /// Whether there is a task that requests can be sent to.
    has_targets: bool,
    /// When the present minute ends, and what was offered before it began.
    ends: Time,
    offered_before: u64,
    /// When it grows for what was seen.
    growing: VecDeque<Time>,
    /// Until then no other step is decided on.
    rests_until: Time,
    /// How long it has been larger than it need be.
    idle: Duration,
}

impl LoadBalancer {
    /// At the run's beginning.
    pub fn new(settings: Balancer) -> Self {
        let capacity = settings.at_least();
        Self {
            capacity,
            apart: apart(capacity),
            settings,
            due: 0,
            offered: 0,
            rejected: 0,
            cut: 0,
            has_targets: true,
            ends: Time::ZERO + LOOKS_EVERY,
            offered_before: 0,
            growing: VecDeque::new(),
            rests_until: Time::ZERO,
            idle: Duration::ZERO,
        }
    }

    /// A request comes.
    pub fn offer(&mut self, at: Time) -> Passage {
        self.offered += 1;
        let begins = self.due.max(at.nanos());
        if begins - at.nanos() > nanos_of(BURST) || !self.has_targets {
            self.rejected += 1;
            return Passage::Rejected;
        }
        self.due = begins.saturating_add(self.apart);
        Passage::Passed
    }

    /// A second is over.
    pub fn second(&mut self, at: Time) {
        if at >= self.ends {
            self.look(at);
        }
        while self.growing.pop_front_if(|due| *due <= at).is_some() {
            self.resize(self.capacity * self.settings.grows.by);
        }
    }

    /// A minute is over: whether it has to grow, or may shrink.
    fn look(&mut self, at: Time) {
        let grows = &self.settings.grows;
        let demand = (self.offered - self.offered_before) as f64 / LOOKS_EVERY.as_secs_f64();
        self.offered_before = self.offered;
        self.ends = at + LOOKS_EVERY;
        let (above, by) = (grows.above, grows.by);
        // What is on its way counts as if it were there.
        let under_way = self.growing.iter().fold(self.capacity, |sum, _| sum * by);
        let is_short = demand > above * under_way;
        if is_short && under_way < self.settings.at_most() && at >= self.rests_until {
            self.growing.push_back(at + grows.lag());
            self.rests_until = at + grows.every.0;
        }
        let is_idle = demand <= above * under_way / by;
        self.idle = if is_idle { self.idle + LOOKS_EVERY } else { Duration::ZERO };
        if self.idle >= grows.shrink_after.0 {
            self.idle = Duration::ZERO;
            self.resize(self.capacity / by);
        }
    }

    fn resize(&mut self, capacity: f64) {
        let at_least = self.settings.at_least();
        self.capacity = capacity.min(self.settings.at_most().max(at_least)).max(at_least);
        self.apart = apart(self.capacity);
    }

    /// Whether there is a task from now on that requests can be sent to; without, it refuses all.
    pub fn has_targets(&mut self, has_targets: bool) {
        self.has_targets = has_targets;
    }

    /// A request that it passed on is cut off: its task is gone.
    pub fn cut_off(&mut self) {
        self.cut += 1;
    }

    /// How long a task that goes has for what it has begun.
    pub fn deregistration(&self) -> Duration {
        self.settings.deregistration.0
    }

    /// What it takes now \[requests/s\].
    pub fn capacity(&self) -> f64 {
        self.capacity
    }

    /// Requests that came.
    pub fn offered(&self) -> u64 {
        self.offered
    }

    /// Requests that it answered with an error.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// Requests that it passed on and then cut off.
    pub fn cut(&self) -> u64 {
        self.cut
    }
}

/// From one request to the next \[ns\].
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a capacity is more than 0, and what is too long saturates"
)]
fn apart(capacity: f64) -> u64 {
    (1e9 / capacity).round() as u64
}

#[cfg(test)]
mod tests;
