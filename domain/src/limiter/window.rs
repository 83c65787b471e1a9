//! Counters per window of the run, \[n·window, (n+1)·window): the fixed window, and the sliding
//! counter that lets the last window fade.

use super::grains::duration_of;
use super::{Admission, Quota, Remaining};
use crate::time::{Duration, Time};

/// One counter, forgotten at each edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FixedWindow {
    /// Calls per window.
    limit: u64,
    window_ns: u64,
    /// The window that `count` counts, from 0.
    place: u64,
    count: u64,
}

impl FixedWindow {
    /// Nothing counted; `limit` calls per window of `window_ns` nanoseconds, both above 0.
    pub(super) fn new(limit: u64, window_ns: u64) -> Self {
        Self { limit, window_ns, place: 0, count: 0 }
    }

    fn count_at(&self, at: Time) -> u64 {
        if at.nanos() / self.window_ns == self.place { self.count } else { 0 }
    }

    /// How long the window lasts from then on.
    fn rest_at(&self, at: Time) -> Duration {
        Duration::from_nanos(self.window_ns - at.nanos() % self.window_ns)
    }

    pub(super) fn would_admit(&self, at: Time) -> Admission {
        if self.count_at(at) < self.limit {
            Admission::Admit
        } else {
            Admission::Refuse { retry_after: self.rest_at(at) }
        }
    }

    pub(super) fn take(&mut self, at: Time) {
        self.count = self.count_at(at) + 1;
        self.place = at.nanos() / self.window_ns;
    }

    /// What the present window counted, the present window of the new length has counted.
    pub(super) fn change(&mut self, at: Time, to: &Self) {
        let (limit, window_ns) = (to.limit, to.window_ns);
        *self = Self { limit, window_ns, place: at.nanos() / window_ns, count: self.count_at(at) };
    }

    pub(super) fn quota(&self) -> Quota {
        Quota { calls: self.limit, window: Some(Duration::from_nanos(self.window_ns)) }
    }

    pub(super) fn remaining(&self, at: Time) -> Remaining {
        let count = self.count_at(at);
        let resets_in = if count == 0 { Duration::ZERO } else { self.rest_at(at) };
        Remaining { calls: self.limit.saturating_sub(count), resets_in }
    }

    pub(super) fn is_rested(&self, at: Time) -> bool {
        self.count_at(at) == 0
    }
}

/// Two counters, this window's and the last one's; the last one's counts less and less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SlidingCounter {
    /// Calls per window.
    limit: u64,
    window_ns: u64,
    /// The window that `current` counts, from 0.
    place: u64,
    current: u64,
    /// What the window before counted.
    previous: u64,
}

/// The two counters at some time.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Counts {
    current: u64,
    previous: u64,
    /// How much of the window has passed \[ns\].
    passed_ns: u64,
}

impl SlidingCounter {
    /// Nothing counted; `limit` calls per window of `window_ns` nanoseconds, both above 0.
    pub(super) fn new(limit: u64, window_ns: u64) -> Self {
        Self { limit, window_ns, place: 0, current: 0, previous: 0 }
    }

    fn counts_at(&self, at: Time) -> Counts {
        let place = at.nanos() / self.window_ns;
        let (current, previous) = match place.saturating_sub(self.place) {
            0 => (self.current, self.previous),
            1 => (0, self.current),
            _ => (0, 0),
        };
        Counts { current, previous, passed_ns: at.nanos() % self.window_ns }
    }

    /// current + previous·(1 − passed/window), times the window.
    fn estimate(&self, counts: Counts) -> u128 {
        let faded = u128::from(counts.previous) * u128::from(self.window_ns - counts.passed_ns);
        (u128::from(counts.current) * u128::from(self.window_ns)).saturating_add(faded)
    }

    /// The whole of the quota, times the window.
    fn whole(&self) -> u128 {
        u128::from(self.limit) * u128::from(self.window_ns)
    }

    /// How much of a window must pass until `count` calls of the window before it count as fewer
    /// than `fewer_than`, which is from 1 to `count` \[ns\].
    fn fades(&self, count: u64, fewer_than: u64) -> u128 {
        let excess = u128::from(count - fewer_than);
        excess * u128::from(self.window_ns) / u128::from(count) + 1
    }

    pub(super) fn would_admit(&self, at: Time) -> Admission {
        let counts = self.counts_at(at);
        if self.estimate(counts) < self.whole() {
            return Admission::Admit;
        }
        let passed = u128::from(counts.passed_ns);
        let wait = match self.limit.checked_sub(counts.current) {
            Some(room) if room > 0 => self.fades(counts.previous, room) - passed,
            // This window's calls alone are too many: they have to fade in the next one.
            _ => u128::from(self.window_ns) - passed + self.fades(counts.current, self.limit),
        };
        Admission::Refuse { retry_after: duration_of(wait) }
    }

    pub(super) fn take(&mut self, at: Time) {
        let Counts { current, previous, .. } = self.counts_at(at);
        self.place = at.nanos() / self.window_ns;
        (self.current, self.previous) = (current + 1, previous);
    }

    /// The present window and the one before keep their counts, whatever their new length.
    pub(super) fn change(&mut self, at: Time, to: &Self) {
        let Counts { current, previous, .. } = self.counts_at(at);
        let place = at.nanos() / to.window_ns;
        *self = Self { place, current, previous, ..to.clone() };
    }

    pub(super) fn quota(&self) -> Quota {
        Quota { calls: self.limit, window: Some(Duration::from_nanos(self.window_ns)) }
    }

    pub(super) fn remaining(&self, at: Time) -> Remaining {
        let counts = self.counts_at(at);
        let room = self.whole().saturating_sub(self.estimate(counts));
        let calls = room.div_ceil(u128::from(self.window_ns));
        let passed = u128::from(counts.passed_ns);
        let resets_in = match counts {
            Counts { current: 0, previous: 0, .. } => 0,
            Counts { current: 0, previous, .. } => self.fades(previous, 1).saturating_sub(passed),
            Counts { current, .. } => u128::from(self.window_ns) - passed + self.fades(current, 1),
        };
        let calls = u64::try_from(calls).expect("no more than the limit, which has 64 bits");
        Remaining { calls, resets_in: duration_of(resets_in) }
    }

    pub(super) fn is_rested(&self, at: Time) -> bool {
        let Counts { current, previous, .. } = self.counts_at(at);
        current == 0 && previous == 0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use crate::limiter::tests::{any_gaps, times};
    use crate::limiter::{Admission, Limiter};
    use crate::time::{Duration, Time, nanos_of};

    #[test]
    fn a_fixed_window_admits_twice_its_limit_around_an_edge() {
        let mut limiter = Limiter::fixed_window(30.0, Duration::from_secs(1));
        let late = Time::from_millis(999);
        assert_eq!((0..100).filter(|_| limiter.admit(late, late).admits()).count(), 30);
        let refusal = Admission::Refuse { retry_after: Duration::from_millis(1) };
        assert_eq!(limiter.would_admit(late), refusal);
        let next = Time::from_millis(1_000);
        assert_eq!((0..100).filter(|_| limiter.admit(next, next).admits()).count(), 30);
    }

    #[test]
    fn a_window_always_has_room_for_one() {
        let second = Duration::from_secs(1);
        for mut limiter in [
            Limiter::fixed_window(0.3, second),
            Limiter::sliding_log(0.3, second),
            Limiter::sliding_counter(0.3, second),
        ] {
            assert!(limiter.admit(Time::ZERO, Time::ZERO).admits());
            assert!(!limiter.admit(Time::ZERO, Time::ZERO).admits());
        }
    }

    #[test]
    fn a_window_keeps_its_count_over_a_change() {
        let second = Duration::from_secs(1);
        let at = Time::from_millis(500);
        for make in [Limiter::fixed_window, Limiter::sliding_log, Limiter::sliding_counter] {
            let mut limiter = make(30.0, second);
            for _ in 0..30 {
                assert!(limiter.admit(at, at).admits());
            }
            limiter.change(at, &make(100.0, second));
            assert_eq!(limiter.remaining(at).calls, 70);
            limiter.change(at, &make(10.0, second));
            assert_eq!(limiter.remaining(at).calls, 0);
        }
    }

    #[test]
    fn the_last_window_fades() {
        let mut limiter = Limiter::sliding_counter(50.0, Duration::from_mins(1));
        let at = Time::from_millis(30_000);
        for _ in 0..42 {
            assert!(limiter.admit(at, at).admits());
        }
        // A quarter of the next window has passed: 42·3/4 = 31.5 of 3000 are left.
        let at = Time::from_millis(75_000);
        assert_eq!(limiter.remaining(at).calls, 3_000 - 31);
    }

    /// At most `limit` calls in `window_ms` milliseconds, as a rate.
    fn limit_per_s(limit: u64, window_ms: u64) -> f64 {
        limit as f64 / Duration::from_millis(window_ms).as_secs_f64()
    }

    proptest! {
        #[test]
        fn a_window_of_the_run_admits_exactly_its_limit(
            limit in 1_u64..40, window_ms in 1_u64..3_000, gaps in any_gaps(),
        ) {
            let window = Duration::from_millis(window_ms);
            let mut limiter = Limiter::fixed_window(limit_per_s(limit, window_ms), window);
            let mut counts = BTreeMap::new();
            for at in times(&gaps) {
                let count: &mut u64 = counts.entry(at.nanos() / nanos_of(window)).or_default();
                let admitted = limiter.admit(at, at).admits();
                prop_assert_eq!(admitted, *count < limit, "a window is used up before it refuses");
                *count += u64::from(admitted);
            }
        }

        #[test]
        fn a_sliding_counter_is_its_formula(
            limit in 1_u64..40, window_ms in 1_u64..3_000, gaps in any_gaps(),
        ) {
            let window = Duration::from_millis(window_ms);
            let window_ns = nanos_of(window);
            let mut limiter = Limiter::sliding_counter(limit_per_s(limit, window_ms), window);
            let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
            let mut all = times(&gaps);
            all.retain(|at| {
                let place = at.nanos() / window_ns;
                let current = counts.get(&place).copied().unwrap_or(0);
                let before = place.checked_sub(1).and_then(|before| counts.get(&before));
                let left_ns = window_ns - at.nanos() % window_ns;
                let faded = before.copied().unwrap_or(0) * left_ns;
                let admits = current * window_ns + faded < limit * window_ns;
                assert_eq!(limiter.admit(*at, *at).admits(), admits);
                *counts.entry(place).or_default() += u64::from(admits);
                admits
            });
            prop_assert!(counts.values().all(|count| *count <= limit));
            for (first, start) in all.iter().enumerate() {
                for (last, end) in all.iter().enumerate().skip(first) {
                    let admitted = (last - first) as u64;
                    let passed_ns = nanos_of(*end - *start);
                    prop_assert!(admitted * window_ns < limit * (window_ns + passed_ns));
                }
            }
        }
    }
}
