//! A warm pool: machines that are started before anybody asks for them, taken one by one, and ordered anew.

mod machines;
mod stock_out;

pub use machines::{Count, Machines};
pub use stock_out::{Empty, erlang_b, poisson_tail};

use domain::law::Law;
use domain::time::{Duration, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A warm pool as meant: `[rooms.pool]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// How many machines are to be ready; so many are when the run begins.
    pub size: u32,
    /// How long it takes from when a machine is ordered until it is ready.
    pub lead: Law,
    /// When the size changes, in the order of time.
    pub schedule: Vec<Resize>,
}

/// A new size of a pool, ordered then.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Resize {
    /// When.
    pub at: Time,
    /// How many are to be ready from then on.
    pub size: u32,
}

impl Pool {
    /// How many machines are to be ready then.
    pub fn size_at(&self, at: Time) -> u32 {
        let before = self.schedule.iter().take_while(|resize| resize.at <= at);
        before.last().map_or(self.size, |resize| resize.size)
    }
}

/// What a machine is: `[rooms.machine]`.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Machine {
    /// How many rooms one of performance 1 holds.
    pub rooms: u32,
    /// How many times as much this one does.
    pub performance: f64,
    /// What it costs from when it is ordered \[money per hour\].
    pub price: f64,
}

impl Machine {
    /// How many whole rooms it holds.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "neither is negative, and a product beyond 32 bits saturates"
    )]
    pub fn holds(&self) -> u32 {
        // More by a whisker, for 30 times 1.1 is 33.000000000000004 in binary, and another less than whole.
        (f64::from(self.rooms) * self.performance + 1e-9) as u32
    }
}

/// All machines are replaced by ones of a new version: `[rooms.update]`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// When it begins.
    pub at: Time,
    /// How.
    pub strategy: Strategy,
}

/// How old machines go.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Those without a room go as new ones become ready, the others when their last room is over.
    IdleFirst {
        /// How long rooms on old machines have; absent: as long as they last.
        deadline: Option<Duration>,
    },
    /// All at the same time, with the rooms that they hold.
    AllAtOnce,
}

/// An update's word.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateWord {
    /// Idle machines first, the others when their last room is over.
    #[default]
    IdleFirst,
    /// All of them at the same time.
    AllAtOnce,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_holds_whole_rooms() {
        for (rooms, performance, holds) in [
            (1, 1.0, 1),
            (1, 1.33, 1),
            (3, 1.3334, 4),
            (100, 1.33, 133),
            (30, 1.1, 33),
            (1, 0.5, 0),
        ] {
            let machine = Machine { rooms, performance, price: 0.0 };
            assert_eq!(machine.holds(), holds, "{rooms} times {performance}");
        }
    }

    #[test]
    fn a_pool_has_the_size_that_was_set_last() {
        let at = |seconds: u64| Time::from_millis(seconds * 1_000);
        let resize = |seconds, size| Resize { at: at(seconds), size };
        let schedule = vec![resize(60, 2_000), resize(600, 50)];
        let pool = Pool { size: 100, lead: Law::default(), schedule };
        for (seconds, size) in [(0, 100), (59, 100), (60, 2_000), (599, 2_000), (601, 50)] {
            assert_eq!(pool.size_at(at(seconds)), size, "{seconds} s");
        }
    }
}
