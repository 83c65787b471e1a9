//! Objectives of rooms that take machines of a warm pool: `"venues assigned ratio" = ">= 99.9%"`.

use super::reading::{Unit, kept, waited_ms};
use super::{ObjectiveProblem, Statistic};
use crate::measure::RoomSummary;

/// What an objective reads of rooms.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum RoomReading {
    /// `assigned ratio`: the share that was assigned a machine soon enough.
    Assigned,
    /// `stock-out ratio`: the share that found no machine ready.
    StockOut,
    /// `wait p(99)`: how long those assigned had waited, and so far those that wait still \[ms\].
    Wait(Statistic),
    /// `machines`: the most machines at once.
    Machines,
    /// `disconnected`: how many people the update threw out.
    Disconnected,
    /// `update`: how long it took until no machine of the old version was left \[ms\].
    Update,
    /// `cost`: what all machines cost \[money\].
    Cost,
}

impl RoomReading {
    /// The name of rooms and what is read of them, if that is what the words of a key say.
    ///
    /// # Errors
    /// When the statistic is none.
    pub(super) fn parse(words: &[&str]) -> Result<Option<(String, Self)>, ObjectiveProblem> {
        let (name, reading) = match words {
            // What operations wait for a pooled connection.
            ["pool", "wait", _] => return Ok(None),
            [name, "assigned", "ratio"] => (name, Self::Assigned),
            [name, "stock-out", "ratio"] => (name, Self::StockOut),
            [name, "machines"] => (name, Self::Machines),
            [name, "disconnected"] => (name, Self::Disconnected),
            [name, "update"] => (name, Self::Update),
            [name, "cost"] => (name, Self::Cost),
            [name, "wait", word] => (name, Self::Wait(kept(word, "rooms")?)),
            _ => return Ok(None),
        };
        Ok(Some(((*name).to_owned(), reading)))
    }

    /// What its value is.
    const fn unit(self) -> Unit {
        match self {
            Self::Assigned | Self::StockOut => Unit::Ratio,
            Self::Wait(_) | Self::Update => Unit::Milliseconds,
            Self::Machines | Self::Disconnected | Self::Cost => Unit::Count,
        }
    }

    /// The bound that a value is compared with, in the reading's unit.
    ///
    /// # Errors
    /// When the text is none.
    pub(super) fn bound(self, text: &str) -> Result<f64, ObjectiveProblem> {
        self.unit().bound(text)
    }

    /// Whether its value is a length of time.
    pub fn is_time(self) -> bool {
        self.unit() == Unit::Milliseconds
    }

    /// Its value, in its unit; infinite where something never ended.
    ///
    /// # Errors
    /// Why there is none.
    pub fn value(self, rooms: &RoomSummary) -> Result<f64, String> {
        let of_all = |share: f64| match rooms.openings {
            0 => Err("nobody opened a room".to_owned()),
            _ => Ok(share),
        };
        match self {
            Self::Assigned => of_all(rooms.assigned_within),
            Self::StockOut => of_all(rooms.stock_out),
            Self::Wait(statistic) => {
                let none = || "no room was assigned a machine or waits for one".to_owned();
                let waited = rooms.wait_s.ok_or_else(none)?;
                waited_ms(statistic, &waited)
            }
            Self::Machines => Ok(rooms.machines.most as f64),
            Self::Disconnected => Ok(rooms.visitors.disconnected as f64),
            Self::Update => {
                let update = rooms.update.ok_or_else(|| "there was no update".to_owned())?;
                Ok(update.took_s.map_or(f64::INFINITY, |took_s| took_s * 1e3))
            }
            Self::Cost => Ok(rooms.machines.cost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::spread::Spread;
    use crate::measure::UpdateOutcome;
    use crate::measure::latency::Series;
    use crate::verdict::objective::{Objective, Subject};

    #[test]
    fn objectives_of_rooms_are_read_as_people_write_them() {
        let p99 = Statistic::Quantile(0.99);
        for (key, value, reading, bound) in [
            ("venues assigned ratio", ">= 99.9%", RoomReading::Assigned, 0.999),
            ("venues stock-out ratio", "< 0.1%", RoomReading::StockOut, 0.001),
            ("venues wait p(99)", "< 5s", RoomReading::Wait(p99), 5_000.0),
            ("venues machines", "<= 2_500", RoomReading::Machines, 2_500.0),
            ("venues disconnected", "<= 0", RoomReading::Disconnected, 0.0),
            ("venues update", "< 2h", RoomReading::Update, 7_200_000.0),
            ("venues cost", "< 120.5", RoomReading::Cost, 120.5),
        ] {
            let read = Objective::parse(key, value).unwrap();
            assert_eq!(read.subject, Subject::Rooms(reading), "{key}");
            assert_eq!(read.name.as_deref(), Some("venues"));
            assert!((read.bound - bound).abs() < 1e-9, "{key}: {}", read.bound);
        }
        let wait = Objective::parse("pool wait p(99)", "< 1s").unwrap();
        assert_eq!(wait.subject, Subject::Time(Series::PoolWait, p99), "it is of connections");
    }

    #[test]
    fn what_cannot_be_read_of_them_says_what_would_be_right() {
        for (key, value, hint) in [
            ("venues wait avg", "< 1s", "p(50), p(90)"),
            ("venues machines", "< many", "such as"),
            ("venues update", "< 3", "needs its unit"),
            ("venues assigned ratio in opening", "> 1%", "leave out"),
        ] {
            let problem = Objective::parse(key, value).unwrap_err();
            assert!(problem.hint.contains(hint), "{key}: {problem:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_read_and_what_never_ended_is_longer_than_every_bound() {
        let mut rooms = RoomSummary::default();
        let wait = RoomReading::Wait(Statistic::Quantile(0.99));
        for reading in [RoomReading::Assigned, RoomReading::StockOut, wait, RoomReading::Update] {
            assert!(reading.value(&rooms).is_err(), "{reading:?}");
        }
        rooms.openings = 10;
        assert_eq!(RoomReading::StockOut.value(&rooms), Ok(0.0));
        rooms.wait_s = Some(Spread::of(100, |_| 1.0));
        assert!(wait.value(&rooms).is_err(), "a hundred are too few");
        assert_eq!(RoomReading::Wait(Statistic::Max).value(&rooms), Ok(1_000.0));
        rooms.update = Some(UpdateOutcome::default());
        assert_eq!(RoomReading::Update.value(&rooms), Ok(f64::INFINITY));
    }
}
