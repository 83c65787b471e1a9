//! A deploy: new containers take the place of the old ones, which hold the connections.

use core::ops::Range;

use domain::rate::Rate;
use domain::time::{Duration, Time, duration_from_seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest time that a container has after its stop signal: `stopTimeout` of an ECS task on Fargate
/// (Amazon ECS API reference, `ContainerDefinition`).
pub const STOP_TIMEOUT_MAX: Duration = Duration::from_mins(2);

/// A deploy as meant: `[devices.deploy]`.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Deploy {
    /// When it begins.
    pub at: Time,
    /// How.
    pub strategy: Strategy,
}

/// How the old containers go.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Strategy {
    /// All at once; new ones accept so much later, and nobody does until then.
    Kill {
        /// How much later.
        start: Duration,
    },
    /// New ones are there first, and the old ones close their connections one by one.
    Graceful {
        /// How many connections are closed in a second, of all old containers together \[1/s\].
        pace: Rate,
        /// How many containers close theirs at the same time; the next ones follow.
        at_once: u32,
        /// How long a container has: what it has not closed by then is cut off. Absent: it closes them
        /// before it is told to stop, and has as long as that takes.
        stop_timeout: Option<Duration>,
    },
    /// New ones ("green") stand beside the old ones ("blue"); the share of new connections that go to them
    /// grows evenly from nothing to all, and then the old ones are destroyed with what they hold.
    BlueGreen {
        /// Over how long.
        shift: Duration,
    },
}

/// A strategy's word.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyWord {
    /// All old containers are killed at once.
    #[default]
    Kill,
    /// They close their connections one by one.
    Graceful,
    /// New connections are shifted, and then the old containers are destroyed.
    BlueGreen,
}

impl Strategy {
    /// Its word.
    pub const fn word(self) -> StrategyWord {
        match self {
            Self::Kill { .. } => StrategyWord::Kill,
            Self::Graceful { .. } => StrategyWord::Graceful,
            Self::BlueGreen { .. } => StrategyWord::BlueGreen,
        }
    }
}

impl Deploy {
    /// How long it takes with so many connections on so many containers, evenly; and how many connections
    /// are cut off, not closed.
    pub fn planned(&self, devices: u32, tasks: u32) -> (Duration, u32) {
        match self.strategy {
            Strategy::Kill { start } => (start, devices),
            Strategy::BlueGreen { shift } => (shift, devices),
            Strategy::Graceful { pace, at_once, stop_timeout } => {
                let (mut took, mut cut) = (Duration::ZERO, 0);
                let mut left = devices;
                for batch in 0..tasks.div_ceil(at_once.max(1)) {
                    let of = self.batch(batch, tasks).len();
                    // Each container holds its share, the last batch what is left.
                    let all = (batch + 1) * at_once >= tasks;
                    let share = f64::from(devices) * of as f64 / f64::from(tasks);
                    let here = if all { left } else { rounded(share).min(left) };
                    left -= here;
                    let closing = duration_from_seconds(f64::from(here) / pace.per_s());
                    let has = stop_timeout.unwrap_or(closing).min(closing);
                    took = took.saturating_add(has);
                    let closed = rounded(has.as_secs_f64() * pace.per_s()).min(here);
                    cut += here - closed;
                }
                (took, cut)
            }
        }
    }

    /// The containers of a batch, by number from 0: those that go together.
    pub fn batch(&self, batch: u32, tasks: u32) -> Range<u32> {
        match self.strategy {
            Strategy::Kill { .. } | Strategy::BlueGreen { .. } => 0..tasks,
            Strategy::Graceful { at_once, .. } => {
                let from = batch.saturating_mul(at_once).min(tasks);
                from..from.saturating_add(at_once).min(tasks)
            }
        }
    }

    /// The share of new connections that go to the new containers, in \[0, 1\].
    pub fn share_of_new(&self, at: Time) -> f64 {
        match self.strategy {
            _ if at < self.at => 0.0,
            Strategy::BlueGreen { shift } => {
                (at.since(self.at).as_secs_f64() / shift.as_secs_f64()).min(1.0)
            }
            Strategy::Kill { .. } | Strategy::Graceful { .. } => 1.0,
        }
    }
}

/// The whole number nearest to a count.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of devices, not negative and at most 20 million"
)]
fn rounded(count: f64) -> u32 {
    count.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graceful(at_once: u32, stop_timeout: Option<u64>) -> Deploy {
        let strategy = Strategy::Graceful {
            pace: Rate::per_second(100.0).unwrap(),
            at_once,
            stop_timeout: stop_timeout.map(Duration::from_secs),
        };
        Deploy { at: Time::from_millis(60_000), strategy }
    }

    #[test]
    fn a_drain_takes_as_long_as_its_pace_says_and_cuts_off_what_does_not_fit() {
        let s = Duration::from_secs;
        for (at_once, stop_timeout, planned) in [
            (1, None, (s(300), 0)),
            (10, None, (s(300), 0)),
            (1, Some(120), (s(300), 0)),       // 30 s each
            (4, Some(120), (s(300), 0)),       // 120 s, 120 s and 60 s
            (10, Some(120), (s(120), 18_000)), // a 300 s drain does not fit
            (5, Some(120), (s(240), 6_000)),
        ] {
            assert_eq!(graceful(at_once, stop_timeout).planned(30_000, 10), planned, "{at_once}");
        }
        assert_eq!(graceful(4, None).batch(2, 10), 8..10);
    }

    #[test]
    fn new_connections_shift_evenly() {
        let strategy = Strategy::BlueGreen { shift: Duration::from_mins(10) };
        let deploy = Deploy { at: Time::from_millis(60_000), strategy };
        let share = |at_s: u64| deploy.share_of_new(Time::from_millis(at_s * 1_000));
        for (at_s, expected) in [(0, 0.0), (60, 0.0), (210, 0.25), (660, 1.0), (900, 1.0)] {
            assert!((share(at_s) - expected).abs() < 1e-9, "{at_s} s: {}", share(at_s));
        }
        assert_eq!(deploy.planned(30_000, 10), (Duration::from_mins(10), 30_000));
    }
}
