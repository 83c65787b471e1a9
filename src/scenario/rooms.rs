//! Rooms as meant: how they are opened, which pool they take machines of, and what is done to those.

use domain::law::Law;
use domain::time::{Duration, Time, duration_from_seconds};

use crate::tier::warm_pool::{Empty, Machine, Pool, Update};

/// Rooms of one kind, each of which takes a machine of a warm pool: the table `[[rooms]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rooms {
    /// Their name, unique in the scenario.
    pub name: String,
    /// How long they are looked at, from the run's beginning.
    pub lasts: Duration,
    /// How many are opened in the mean, scaled; 0: none but those of the doors \[1/s\].
    pub openings_per_s: f64,
    /// The moment at which everybody comes.
    pub doors: Option<Doors>,
    /// How many people a room holds.
    pub capacity: u32,
    /// How long a room lasts once it has its machine; absent: to the end.
    pub stay: Option<Law>,
    /// What those do who find no machine ready.
    pub empty: Empty,
    /// Within how long a room is to be assigned its machine.
    pub within: Duration,
    /// The pool.
    pub pool: Pool,
    /// A machine.
    pub machine: Machine,
    /// The update.
    pub update: Option<Update>,
}

/// Everybody comes at the same moment: `[rooms.doors]`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Doors {
    /// When.
    pub at: Time,
    /// How many people, scaled.
    pub visitors: u32,
    /// Over how long they come, evenly.
    pub over: Duration,
}

impl Doors {
    /// How many rooms of that capacity they open.
    pub const fn rooms(&self, capacity: u32) -> u32 {
        self.visitors.div_ceil(capacity)
    }

    /// When the room of that number (from 0) is opened, and by how many people: all are full but the last one.
    pub fn room(&self, number: u32, capacity: u32) -> (Time, u32) {
        let share = f64::from(number) / f64::from(self.rooms(capacity));
        let after = duration_from_seconds(self.over.as_secs_f64() * share);
        let before = number.saturating_mul(capacity);
        (self.at + after, self.visitors.saturating_sub(before).min(capacity))
    }
}

impl Rooms {
    /// When they were looked at last.
    pub fn end(&self) -> Time {
        Time::ZERO + self.lasts
    }

    /// How many machines are under way in the mean to take the place of those that were taken, where each holds
    /// one room: λ·E\[L\].
    pub fn offered(&self) -> f64 {
        self.openings_per_s * self.pool.lead.mean().as_secs_f64()
    }

    /// How many rooms are there at once in the mean, if none is turned away: λ·E\[S\]; absent where they last to
    /// the end.
    pub fn usual_rooms(&self) -> Option<f64> {
        self.stay.map(|stay| self.openings_per_s * stay.mean().as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_fill_rooms_evenly_over_the_time_in_which_they_come() {
        let at = Time::from_millis(600_000);
        let doors = Doors { at, visitors: 110, over: Duration::from_secs(30) };
        assert_eq!(doors.rooms(50), 3);
        let rooms: Vec<_> = (0..3).map(|number| doors.room(number, 50)).collect();
        let after = |seconds| at + Duration::from_secs(seconds);
        assert_eq!(rooms, [(after(0), 50), (after(10), 50), (after(20), 10)]);
    }
}
