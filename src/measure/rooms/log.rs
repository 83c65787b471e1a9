//! Takes note of what becomes of rooms, event by event.

use domain::time::{Duration, Time, nanos_of};
use hdrhistogram::Histogram;

use crate::evidence::rooms::{RoomRecord, RoomStep, UpdateRecord};
use crate::evidence::spread::Spread;

/// How exactly waits are kept: three digits.
const DIGITS: u8 = 3;
/// One second \[ns\].
const SECOND: u64 = 1_000_000_000;
/// How many entries the series has at most: one per minute of a day.
const STEPS_MAX: u64 = 1_440;

/// How things stand between two events.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Rooms that have a machine.
    pub rooms: u64,
    /// Rooms that wait for one.
    pub waiting: u64,
    /// Machines ordered and not yet ready.
    pub booting: u64,
    /// Machines ready and without a room.
    pub ready: u64,
    /// Machines with a room.
    pub in_use: u64,
}

/// Takes note of what becomes of rooms.
#[derive(Debug)]
pub struct RoomLog {
    at: Time,
    standing: Standing,
    within: Duration,
    waits: Histogram<u64>,
    step: u64,
    record: RoomRecord,
}

impl RoomLog {
    /// Nothing has happened yet; rooms are looked at for `lasts`, each is to have its machine `within` that, and
    /// a machine costs `price` \[money per hour\].
    ///
    /// # Panics
    /// Never: three digits are a precision that histograms know.
    pub fn new(lasts: Duration, within: Duration, price: f64) -> Self {
        let step_s = nanos_of(lasts).div_ceil(SECOND).div_ceil(STEPS_MAX).max(1);
        let record =
            RoomRecord { within_s: within.as_secs_f64(), price, step_s, ..RoomRecord::default() };
        Self {
            at: Time::ZERO,
            standing: Standing::default(),
            within,
            waits: Histogram::new(DIGITS).expect("three digits are known"),
            step: step_s * SECOND,
            record,
        }
    }

    /// Nothing has changed until `at`.
    pub fn until(&mut self, at: Time) {
        let lasted_s = at.since(self.at).as_secs_f64();
        let Standing { booting, ready, in_use, .. } = self.standing;
        self.record.booting_s += booting as f64 * lasted_s;
        self.record.ready_s += ready as f64 * lasted_s;
        self.record.in_use_s += in_use as f64 * lasted_s;
        self.at = self.at.max(at);
        self.step();
    }

    /// This is how things stand from now on.
    pub fn stands(&mut self, standing: Standing) {
        self.standing = standing;
        let Standing { rooms, waiting, booting, ready, in_use } = standing;
        self.record.most = self.record.most.max(booting + ready + in_use);
        let step = self.step();
        (step.rooms, step.in_use, step.booting) = (rooms, in_use, booting);
        step.ready = step.ready.min(ready);
        step.waiting = step.waiting.max(waiting);
    }

    /// A room of so many people asks for a machine.
    pub fn asks(&mut self, visitors: u32) {
        self.record.openings += 1;
        self.record.visitors.came += u64::from(visitors);
        self.step().openings += 1;
    }

    /// It found none ready, and waits.
    pub fn waits(&mut self) {
        self.record.stock_outs += 1;
        self.step().stock_outs += 1;
    }

    /// It found none ready, and its people leave.
    pub fn leaves(&mut self, visitors: u32) {
        self.waits();
        self.record.left += 1;
        self.record.visitors.left += u64::from(visitors);
    }

    /// A room is assigned a machine after so long.
    pub fn is_assigned(&mut self, waited: Duration) {
        self.record.assigned += 1;
        self.record.assigned_within += u64::from(waited <= self.within);
        self.has_waited(waited);
    }

    /// A room waits for a machine still, at the end, and has for so long: the least that it will be.
    pub fn waits_still(&mut self, waited: Duration) {
        self.has_waited(waited);
    }

    fn has_waited(&mut self, waited: Duration) {
        self.waits.record(nanos_of(waited) / 1_000).expect("a histogram without bounds grows");
    }

    /// The update begins.
    pub fn update_begins(&mut self) {
        let rooms = self.standing.rooms;
        self.record.update =
            Some(UpdateRecord { began: self.at, rooms, ..UpdateRecord::default() });
    }

    /// The update closes a room of so many people, who will open it again.
    pub fn is_closed(&mut self, visitors: u32) {
        self.record.reopened += 1;
        self.record.visitors.disconnected += u64::from(visitors);
        if let Some(update) = &mut self.record.update {
            update.closed += 1;
        }
    }

    /// No machine of the old version is left.
    pub fn update_ends(&mut self) {
        if let Some(update) = &mut self.record.update {
            update.ended = Some(self.at);
        }
    }

    /// All that was taken note of until `end`.
    pub fn record(mut self, end: Time) -> RoomRecord {
        self.until(end);
        let steps = usize::try_from(end.nanos().div_ceil(self.step)).unwrap_or(usize::MAX);
        self.record.series.truncate(steps);
        let of_waits = |share| self.waits.value_at_quantile(share) as f64 / 1e6;
        let count = self.waits.len();
        let wait_s = (count > 0).then(|| Spread::of(count, of_waits));
        RoomRecord { until: end, wait_s, ..self.record }
    }

    /// The step that is going on; those before it are there.
    fn step(&mut self) -> &mut RoomStep {
        let place = usize::try_from(self.at.nanos() / self.step).unwrap_or(usize::MAX);
        let series = &mut self.record.series;
        while series.len() <= place {
            let Standing { rooms, waiting, booting, ready, in_use } = self.standing;
            let begins = RoomStep { rooms, in_use, booting, ready, waiting, ..RoomStep::default() };
            series.push(begins);
        }
        &mut series[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::rooms::RoomVisitors;

    fn time(seconds: u64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    fn stands(waiting: u64, [booting, ready, in_use]: [u64; 3]) -> Standing {
        Standing { rooms: in_use, waiting, booting, ready, in_use }
    }

    #[test]
    fn it_counts_waits_machines_and_who_was_thrown_out() {
        let mut log = RoomLog::new(Duration::from_secs(100), Duration::from_secs(5), 3_600.0);
        log.stands(stands(0, [0, 2, 0]));
        log.until(time(10));
        log.asks(50);
        log.is_assigned(Duration::ZERO);
        log.stands(stands(0, [1, 1, 1]));
        log.until(time(20));
        for visitors in [50, 30] {
            log.asks(visitors);
        }
        log.is_assigned(Duration::ZERO);
        log.waits();
        log.stands(stands(1, [3, 0, 2]));
        log.until(time(26));
        log.is_assigned(Duration::from_secs(6));
        log.stands(stands(0, [2, 0, 3]));
        log.update_begins();
        log.is_closed(30);
        log.until(time(40));
        log.asks(30);
        log.leaves(30);
        log.update_ends();
        let record = log.record(time(100));
        let counts =
            [record.openings, record.stock_outs, record.left, record.assigned, record.reopened];
        assert_eq!(counts, [4, 2, 1, 3, 1]);
        assert_eq!(record.assigned_within, 2);
        assert_eq!(record.visitors, RoomVisitors { came: 160, left: 30, disconnected: 30 });
        let machines = [record.booting_s, record.ready_s, record.in_use_s];
        let expected = [10.0 + 18.0 + 148.0, 20.0 + 10.0, 10.0 + 12.0 + 222.0];
        assert!(machines.iter().zip(expected).all(|(one, other)| (one - other).abs() < 1e-9));
        assert_eq!((record.most, record.step_s, record.series.len()), (5, 1, 100));
        let wait = record.wait_s.unwrap();
        assert!(wait.p50.abs() < 1e-9 && (wait.max / 6.0 - 1.0).abs() < 1e-3, "{wait:?}");
        let update = record.update.unwrap();
        assert_eq!((update.began, update.ended), (time(26), Some(time(40))));
        assert_eq!((update.rooms, update.closed), (3, 1));
        let at = |second: usize| record.series[second];
        assert_eq!((at(5).ready, at(10).ready, at(19).ready, at(25).ready), (2, 1, 1, 0));
        assert_eq!((at(19).waiting, at(20).waiting, at(26).waiting, at(27).waiting), (0, 1, 1, 0));
        assert_eq!((at(20).openings, at(20).stock_outs, at(99).in_use), (2, 1, 3));
    }

    #[test]
    fn who_waits_still_has_waited_so_long_and_was_assigned_nothing() {
        let mut log = RoomLog::new(Duration::from_secs(100), Duration::from_secs(5), 0.0);
        for _ in 0..3 {
            log.asks(1);
        }
        log.is_assigned(Duration::ZERO);
        log.is_assigned(Duration::ZERO);
        log.waits();
        log.waits_still(Duration::from_secs(100));
        let record = log.record(time(100));
        assert_eq!((record.assigned, record.assigned_within, record.stock_outs), (2, 2, 1));
        let wait = record.wait_s.unwrap();
        assert_eq!(wait.count, 3);
        assert!(wait.p50.abs() < 1e-9 && (wait.max / 100.0 - 1.0).abs() < 1e-3, "{wait:?}");
    }

    #[test]
    fn a_long_run_has_longer_steps() {
        let day = Duration::from_hours(24);
        let mut log = RoomLog::new(day * 28, Duration::ZERO, 0.0);
        log.stands(stands(0, [0, 2, 0]));
        let record = log.record(Time::ZERO + day * 28);
        assert_eq!((record.step_s, record.series.len()), (28 * 60, 1_440));
    }
}
