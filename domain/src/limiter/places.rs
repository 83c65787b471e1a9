//! Places that calls occupy until a time known when they come: the sliding log, where that is a
//! window later, and the cap on calls in flight, where it is when the answer leaves.

use std::collections::VecDeque;

use super::{Admission, Quota, Remaining};
use crate::time::{Duration, Time, nanos_of};

/// The most calls that one limiter remembers one by one: 8 MB.
pub const CALLS_REMEMBERED_MAX: u64 = 1_000_000;

/// A number of places, and when each occupied one becomes free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// How many there are.
    number: usize,
    /// In ascending order; those that passed are forgotten when the next call comes. No more than
    /// `number`, unless there were more before a change.
    free_at: VecDeque<Time>,
}

impl Places {
    /// All free; their number is from 1 to [`CALLS_REMEMBERED_MAX`].
    pub(super) fn new(number: u64) -> Self {
        assert!(
            (1..=CALLS_REMEMBERED_MAX).contains(&number),
            "from 1 to {CALLS_REMEMBERED_MAX} calls are remembered, not {number}"
        );
        let number = usize::try_from(number).expect("a million fits");
        Self { number, free_at: VecDeque::new() }
    }

    pub(super) fn number(&self) -> u64 {
        self.number as u64
    }

    /// From when on one is free, unless another call comes.
    fn next_free(&self) -> Time {
        match self.free_at.len().checked_sub(self.number) {
            Some(place) => self.free_at[place],
            None => Time::ZERO,
        }
    }

    /// From when on all are free, unless another call comes.
    pub(super) fn all_free(&self) -> Time {
        self.free_at.back().copied().unwrap_or(Time::ZERO)
    }

    pub(super) fn occupied(&self, at: Time) -> u64 {
        (self.free_at.len() - self.free_at.partition_point(|free_at| *free_at <= at)) as u64
    }

    pub(super) fn occupy(&mut self, at: Time, until: Time) {
        while self.free_at.front().is_some_and(|free_at| *free_at <= at) {
            self.free_at.pop_front();
        }
        if until <= at {
            return;
        }
        if self.all_free() <= until {
            self.free_at.push_back(until);
        } else {
            let place = self.free_at.partition_point(|free_at| *free_at <= until);
            self.free_at.insert(place, until);
        }
    }

    pub(super) fn clear(&mut self) {
        self.free_at.clear();
    }

    /// As many places as `like` has.
    pub(super) fn renumber(&mut self, like: &Self) {
        self.number = like.number;
    }

    /// Another length of the window that each call occupies its place for: what is left of it
    /// keeps its share of the whole, rounded up to nanoseconds.
    pub(super) fn stretch(&mut self, at: Time, from_ns: u64, to_ns: u64) {
        if from_ns == to_ns {
            return;
        }
        for free_at in &mut self.free_at {
            let left = u128::from(nanos_of(free_at.since(at)));
            let left = (left * u128::from(to_ns)).div_ceil(u128::from(from_ns));
            // What has passed stays in the past.
            *free_at = (*free_at).min(at) + super::grains::duration_of(left);
        }
    }

    fn would_admit(&self, at: Time) -> Admission {
        match self.next_free().since(at) {
            Duration::ZERO => Admission::Admit,
            retry_after => Admission::Refuse { retry_after },
        }
    }

    pub(super) fn remaining(&self, at: Time) -> Remaining {
        let calls = self.number().saturating_sub(self.occupied(at));
        Remaining { calls, resets_in: self.all_free().since(at) }
    }
}

/// At most so many calls in any window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SlidingLog {
    window_ns: u64,
    places: Places,
}

impl SlidingLog {
    /// Nothing logged; `limit` calls per `window_ns` nanoseconds, both above 0.
    pub(super) fn new(limit: u64, window_ns: u64) -> Self {
        Self { window_ns, places: Places::new(limit) }
    }

    pub(super) fn would_admit(&self, at: Time) -> Admission {
        self.places.would_admit(at)
    }

    pub(super) fn take(&mut self, at: Time) {
        self.places.occupy(at, at + Duration::from_nanos(self.window_ns));
    }

    /// What is logged stays, and what is left of its window keeps its share of the whole.
    pub(super) fn change(&mut self, at: Time, to: &Self) {
        self.places.stretch(at, self.window_ns, to.window_ns);
        self.places.renumber(&to.places);
        self.window_ns = to.window_ns;
    }

    pub(super) fn quota(&self) -> Quota {
        let window = Some(Duration::from_nanos(self.window_ns));
        Quota { calls: self.places.number(), window }
    }

    pub(super) fn remaining(&self, at: Time) -> Remaining {
        self.places.remaining(at)
    }

    pub(super) fn is_rested(&self, at: Time) -> bool {
        self.places.all_free() <= at
    }
}

/// At most so many calls in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Concurrency(Places);

impl Concurrency {
    /// Nothing in flight; at most `calls_max`, which is above 0.
    pub(super) fn new(calls_max: u32) -> Self {
        Self(Places::new(u64::from(calls_max)))
    }

    pub(super) fn would_admit(&self, at: Time) -> Admission {
        self.0.would_admit(at)
    }

    pub(super) fn take(&mut self, at: Time, leaves: Time) {
        self.0.occupy(at, leaves);
    }

    /// Those in flight stay there, be they more than may be now.
    pub(super) fn change(&mut self, to: &Self) {
        self.0.renumber(&to.0);
    }

    pub(super) fn quota(&self) -> Quota {
        Quota { calls: self.0.number(), window: None }
    }

    pub(super) fn remaining(&self, at: Time) -> Remaining {
        self.0.remaining(at)
    }

    pub(super) fn is_rested(&self, at: Time) -> bool {
        self.0.all_free() <= at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limiter::Limiter;
    use crate::limiter::tests::{any_gaps, saturate, times};

    #[test]
    fn a_log_remembers_no_more_than_its_limit() {
        let mut log = SlidingLog::new(100, 1_000_000_000);
        for ms in 0..20_000 {
            let at = Time::from_millis(ms);
            if log.would_admit(at).admits() {
                log.take(at);
            }
            assert!(log.places.free_at.len() <= 100);
        }
    }

    #[test]
    fn a_cap_remembers_no_more_than_its_number() {
        let mut cap = Concurrency::new(8);
        for ms in 0..20_000_u64 {
            let at = Time::from_millis(ms);
            if cap.would_admit(at).admits() {
                cap.take(at, at + Duration::from_millis(ms * 7_919 % 100));
            }
            assert!(cap.0.free_at.len() <= 8);
        }
    }

    #[test]
    fn a_lower_cap_admits_nobody_until_enough_have_left() {
        let mut limiter = Limiter::concurrency(5);
        for seconds in 1..=5 {
            let leaves = Time::from_millis(seconds * 1_000);
            assert!(limiter.admit(Time::ZERO, leaves).admits());
        }
        limiter.change(Time::ZERO, &Limiter::concurrency(2));
        let retry_after = Duration::from_secs(4);
        assert_eq!(limiter.would_admit(Time::ZERO), Admission::Refuse { retry_after });
        limiter.change(Time::ZERO, &Limiter::concurrency(7));
        assert_eq!(limiter.remaining(Time::ZERO).calls, 2);
    }

    #[test]
    fn what_is_left_of_a_window_keeps_its_share_when_the_window_changes() {
        let mut limiter = Limiter::sliding_log(1.0, Duration::from_secs(1));
        assert!(limiter.admit(Time::ZERO, Time::ZERO).admits());
        let at = Time::from_millis(250);
        limiter.change(at, &Limiter::sliding_log(0.1, Duration::from_secs(10)));
        let retry_after = Duration::from_millis(7_500);
        assert_eq!(limiter.would_admit(at), Admission::Refuse { retry_after });
    }

    #[test]
    fn a_cap_and_a_latency_make_a_throughput() {
        for (calls_max, latency_ms) in [(20_u32, 700_u64), (30, 1_000), (66, 100), (1, 3)] {
            let latency = Duration::from_millis(latency_ms);
            let mut limiter = Limiter::concurrency(calls_max);
            let end = Time::from_millis(60_000);
            let admitted = saturate(&mut limiter, latency, end).len() as u64;
            assert_eq!(admitted, u64::from(calls_max) * (60_000 / latency_ms + 1));
        }
    }

    proptest! {
        #[test]
        fn a_half_open_window_admits_at_most_its_limit_and_is_used_up(
            limit in 1_u64..40, window_ms in 1_u64..3_000, gaps in any_gaps(),
        ) {
            let window = Duration::from_millis(window_ms);
            let rate_per_s = limit as f64 / window.as_secs_f64();
            let mut limiter = Limiter::sliding_log(rate_per_s, window);
            let mut admitted: Vec<Time> = Vec::new();
            for at in times(&gaps) {
                let within = |earlier: &&Time| at.since(**earlier) < window;
                let count = admitted.iter().filter(within).count() as u64;
                prop_assert!(count <= limit);
                prop_assert_eq!(limiter.admit(at, at).admits(), count < limit);
                if count < limit {
                    admitted.push(at);
                }
            }
        }

        #[test]
        fn never_more_are_in_flight_than_may_be(
            calls_max in 1_u32..40,
            gaps in any_gaps(),
            latencies in prop::collection::vec(0_u64..2_000_000_000, 200),
        ) {
            let mut limiter = Limiter::concurrency(calls_max);
            let mut leaving: Vec<Time> = Vec::new();
            for (at, latency) in times(&gaps).into_iter().zip(latencies) {
                leaving.retain(|leaves| *leaves > at);
                prop_assert!(leaving.len() <= calls_max as usize);
                let leaves = at + Duration::from_nanos(latency);
                let first = leaving.iter().min().copied();
                let expected = if leaving.len() < calls_max as usize {
                    leaving.push(leaves);
                    Admission::Admit
                } else {
                    Admission::Refuse { retry_after: first.unwrap() - at }
                };
                prop_assert_eq!(limiter.admit(at, leaves), expected);
            }
        }
    }
}
