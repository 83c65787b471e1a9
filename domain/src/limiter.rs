//! Rate limiters as pure machines: the time of each call is an argument.
//!
//! All arithmetic is on integers, so nothing drifts however long a run lasts. A call is counted in
//! grains of 10⁻¹⁸ calls: a rate of r calls per second is then r·10⁹ grains per nanosecond, a whole
//! number for every rate with at most nine decimals. Times that run backwards count as the latest
//! time seen.

use crate::time::{Duration, Time, nanos_of};

/// Grains per call.
const CALL: u128 = 1_000_000_000_000_000_000;

/// The highest rate \[1/s\] and burst \[calls\]: above it, 584 years of grains leave 128 bits.
pub const ALLOWANCE_MAX: f64 = 1e9;

/// What a limiter says to a call.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The call may pass.
    Admit,
    /// It may not.
    Refuse {
        /// How long to wait: a call exactly then is admitted if none came in between, and none
        /// earlier is.
        retry_after: Duration,
    },
}

impl Admission {
    /// Whether the call may pass.
    pub const fn admits(self) -> bool {
        matches!(self, Self::Admit)
    }
}

/// A rate limiter: one allowance, and what is left of it.
///
/// Several limiters in front of one thing are asked in two steps, so that all admit a call or none
/// is debited: [`Limiter::would_admit`] on each, then [`Limiter::take`] on each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limiter(Algorithm);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Algorithm {
    TokenBucket(TokenBucket),
    Gcra(Gcra),
    FixedWindow(FixedWindow),
}

impl Limiter {
    /// A full bucket of `burst` tokens \[calls\], refilled at `rate_per_s` \[calls/s\]; a call
    /// takes one. Any closed window w admits at most burst + rate·w calls.
    ///
    /// # Panics
    /// When the rate is not above 0, the burst is below 1, or either above [`ALLOWANCE_MAX`].
    pub fn token_bucket(rate_per_s: f64, burst: f64) -> Self {
        let burst = grains_of_burst(burst);
        Self(Algorithm::TokenBucket(TokenBucket {
            rate: grains_per_ns(rate_per_s),
            burst,
            tokens: burst,
            last: Time::ZERO,
        }))
    }

    /// The generic cell rate algorithm in its virtual scheduling form (ITU-T I.371): it admits
    /// exactly what a token bucket of the same rate and burst admits.
    ///
    /// # Panics
    /// As [`Limiter::token_bucket`].
    pub fn gcra(rate_per_s: f64, burst: f64) -> Self {
        let tolerance = grains_of_burst(burst) - CALL;
        Self(Algorithm::Gcra(Gcra { rate: grains_per_ns(rate_per_s), tolerance, arrival: 0 }))
    }

    /// At most ⌊rate·window⌋ calls, but always one, in each window \[n·window, (n+1)·window) of
    /// the run. A window that straddles an edge may see twice as many.
    ///
    /// # Panics
    /// When the rate is not above 0, above [`ALLOWANCE_MAX`], or the window is empty.
    pub fn fixed_window(rate_per_s: f64, window: Duration) -> Self {
        let window_ns = nanos_of(window);
        assert!(window_ns > 0, "a window has a length");
        let limit = u128::from(grains_per_ns(rate_per_s)) * u128::from(window_ns) / CALL;
        let limit = u64::try_from(limit.max(1)).expect("10^9 calls/s for 584 years fit 64 bits");
        Self(Algorithm::FixedWindow(FixedWindow { limit, window_ns, place: 0, count: 0 }))
    }

    /// What a call `at` that time would be told; nothing is debited.
    pub fn would_admit(&self, at: Time) -> Admission {
        match &self.0 {
            Algorithm::TokenBucket(bucket) => bucket.would_admit(at),
            Algorithm::Gcra(gcra) => gcra.would_admit(at),
            Algorithm::FixedWindow(window) => window.would_admit(at),
        }
    }

    /// Debits a call that [`Limiter::would_admit`] admitted at the same time.
    pub fn take(&mut self, at: Time) {
        debug_assert!(self.would_admit(at).admits(), "only an admitted call is debited");
        match &mut self.0 {
            Algorithm::TokenBucket(bucket) => bucket.take(at),
            Algorithm::Gcra(gcra) => gcra.take(at),
            Algorithm::FixedWindow(window) => window.take(at),
        }
    }

    /// Decides a call `at` that time, and debits it when it may pass.
    pub fn admit(&mut self, at: Time) -> Admission {
        let admission = self.would_admit(at);
        if admission.admits() {
            self.take(at);
        }
        admission
    }

    /// Whether the limiter behaves from `at` on like one that never saw a call, so that it may be
    /// forgotten.
    pub fn is_rested(&self, at: Time) -> bool {
        match &self.0 {
            Algorithm::TokenBucket(bucket) => bucket.tokens_at(at) == bucket.burst,
            Algorithm::Gcra(gcra) => gcra.arrival <= gcra.grains_at(at),
            Algorithm::FixedWindow(window) => window.count_in(window.place_of(at)) == 0,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct TokenBucket {
    /// Grains per nanosecond.
    rate: u64,
    /// Grains at most.
    burst: u128,
    /// Grains at `last`.
    tokens: u128,
    last: Time,
}

impl TokenBucket {
    fn tokens_at(&self, at: Time) -> u128 {
        let refill = u128::from(nanos_of(at.since(self.last))) * u128::from(self.rate);
        self.burst.min(self.tokens + refill)
    }

    fn would_admit(&self, at: Time) -> Admission {
        let tokens = self.tokens_at(at);
        if tokens >= CALL {
            return Admission::Admit;
        }
        let wait = time_for(CALL - tokens, self.rate);
        Admission::Refuse { retry_after: self.last.since(at) + wait }
    }

    fn take(&mut self, at: Time) {
        self.tokens = self.tokens_at(at) - CALL;
        self.last = self.last.max(at);
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Gcra {
    /// Grains per nanosecond.
    rate: u64,
    /// How early a call may come, in grains: burst − 1 calls.
    tolerance: u128,
    /// The theoretical arrival time of the next call, in grains since the run began.
    arrival: u128,
}

impl Gcra {
    fn grains_at(&self, at: Time) -> u128 {
        u128::from(at.nanos()) * u128::from(self.rate)
    }

    fn would_admit(&self, at: Time) -> Admission {
        let earliest = self.arrival.saturating_sub(self.tolerance);
        match earliest.saturating_sub(self.grains_at(at)) {
            0 => Admission::Admit,
            missing => Admission::Refuse { retry_after: time_for(missing, self.rate) },
        }
    }

    fn take(&mut self, at: Time) {
        self.arrival = self.arrival.max(self.grains_at(at)) + CALL;
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct FixedWindow {
    /// Calls per window.
    limit: u64,
    window_ns: u64,
    /// The window that `count` counts, from 0.
    place: u64,
    count: u64,
}

impl FixedWindow {
    fn place_of(&self, at: Time) -> u64 {
        (at.nanos() / self.window_ns).max(self.place)
    }

    fn count_in(&self, place: u64) -> u64 {
        if place == self.place { self.count } else { 0 }
    }

    fn would_admit(&self, at: Time) -> Admission {
        let place = self.place_of(at);
        if self.count_in(place) < self.limit {
            return Admission::Admit;
        }
        let next_ns = place.saturating_add(1).saturating_mul(self.window_ns);
        Admission::Refuse { retry_after: Time::from_nanos(next_ns).since(at) }
    }

    fn take(&mut self, at: Time) {
        let place = self.place_of(at);
        self.count = self.count_in(place) + 1;
        self.place = place;
    }
}

/// How long a rate of `rate` grains per nanosecond needs for `grains`, rounded up to nanoseconds.
fn time_for(grains: u128, rate: u64) -> Duration {
    let nanos = grains.div_ceil(u128::from(rate));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Calls per second as grains per nanosecond, at least one.
fn grains_per_ns(rate_per_s: f64) -> u64 {
    assert!(rate_per_s > 0.0 && rate_per_s <= ALLOWANCE_MAX, "a rate above 0: {rate_per_s}");
    billionths(rate_per_s).max(1)
}

fn grains_of_burst(burst: f64) -> u128 {
    assert!((1.0..=ALLOWANCE_MAX).contains(&burst), "a burst of at least one call: {burst}");
    u128::from(billionths(burst)) * 1_000_000_000
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the callers check that the value lies between 0 and 10^9"
)]
fn billionths(value: f64) -> u64 {
    (value * 1e9).round() as u64
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use governor::clock::FakeRelativeClock;
    use governor::{Quota, RateLimiter};
    use proptest::prelude::*;

    use super::*;

    /// Calls that are admitted until `end`, included, when each comes as early as it can.
    fn saturate(limiter: &mut Limiter, end: Time) -> u64 {
        let (mut at, mut admitted) = (Time::ZERO, 0);
        while at <= end {
            match limiter.admit(at) {
                Admission::Admit => admitted += 1,
                Admission::Refuse { retry_after } => at += retry_after,
            }
        }
        admitted
    }

    fn times(gaps: &[u64]) -> Vec<Time> {
        let mut at = Time::ZERO;
        gaps.iter()
            .map(|gap| {
                at += Duration::from_nanos(*gap);
                at
            })
            .collect()
    }

    #[test]
    fn a_saturated_minute_admits_the_burst_and_a_minutes_worth() {
        let minute = Time::from_millis(60_000);
        for (rate_per_s, burst, admitted) in
            [(400.0, 40.0, 24_040), (30.0, 30.0, 1_830), (0.7, 2.0, 44), (7.0, 2.5, 422)]
        {
            for mut limiter in
                [Limiter::token_bucket(rate_per_s, burst), Limiter::gcra(rate_per_s, burst)]
            {
                assert_eq!(saturate(&mut limiter, minute), admitted, "{limiter:?}");
            }
        }
    }

    #[test]
    fn a_saturated_day_has_not_drifted() {
        // A period of 1/3 s is no whole number of nanoseconds; a burst of 1 would have no room for
        // the fraction of a call that a whole nanosecond brings too much.
        let mut limiter = Limiter::token_bucket(3.0, 2.0);
        assert_eq!(saturate(&mut limiter, Time::from_millis(86_400_000)), 3 * 86_400 + 2);
    }

    #[test]
    fn a_fixed_window_admits_twice_its_limit_around_an_edge() {
        let mut limiter = Limiter::fixed_window(30.0, Duration::from_secs(1));
        let late = Time::from_millis(999);
        assert_eq!((0..100).filter(|_| limiter.admit(late).admits()).count(), 30);
        let refusal = Admission::Refuse { retry_after: Duration::from_millis(1) };
        assert_eq!(limiter.would_admit(late), refusal);
        let next = Time::from_millis(1_000);
        assert_eq!((0..100).filter(|_| limiter.admit(next).admits()).count(), 30);
    }

    #[test]
    fn a_fixed_window_always_has_room_for_one() {
        let mut limiter = Limiter::fixed_window(0.3, Duration::from_secs(1));
        assert!(limiter.admit(Time::ZERO).admits());
        assert!(!limiter.admit(Time::ZERO).admits());
    }

    #[test]
    fn the_longest_time_and_the_highest_rate_do_not_overflow() {
        for mut limiter in [
            Limiter::token_bucket(ALLOWANCE_MAX, ALLOWANCE_MAX),
            Limiter::gcra(ALLOWANCE_MAX, ALLOWANCE_MAX),
            Limiter::gcra(1e-12, 1.0),
            Limiter::fixed_window(ALLOWANCE_MAX, Duration::from_nanos(u64::MAX)),
            Limiter::fixed_window(1.0, Duration::from_nanos(1)),
        ] {
            assert!(limiter.admit(Time::NEVER).admits());
            let _ = limiter.admit(Time::NEVER);
            let _ = limiter.admit(Time::ZERO);
        }
    }

    fn any_limiter() -> impl Strategy<Value = Limiter> {
        let rate = (1_u32..2_000_000).prop_map(|milli| f64::from(milli) / 1e3);
        let burst = (1_000_u32..50_000).prop_map(|milli| f64::from(milli) / 1e3);
        let window = (1_u64..5_000).prop_map(Duration::from_millis);
        prop_oneof![
            (rate.clone(), burst.clone()).prop_map(|(r, b)| Limiter::token_bucket(r, b)),
            (rate.clone(), burst).prop_map(|(r, b)| Limiter::gcra(r, b)),
            (rate, window).prop_map(|(r, w)| Limiter::fixed_window(r, w)),
        ]
    }

    fn any_gaps() -> impl Strategy<Value = Vec<u64>> {
        let gap = prop_oneof![Just(0), 0_u64..1_000, 0_u64..20_000_000, 0_u64..5_000_000_000];
        prop::collection::vec(gap, 1..200)
    }

    proptest! {
        #[test]
        fn a_closed_window_admits_at_most_the_burst_and_its_worth(
            rate in 1_u64..100_000, burst in 1_u64..50, gaps in any_gaps(),
        ) {
            let mut limiter = Limiter::token_bucket(rate as f64, burst as f64);
            let mut all = times(&gaps);
            all.retain(|at| limiter.admit(*at).admits());
            for (first, start) in all.iter().enumerate() {
                for (last, end) in all.iter().enumerate().skip(first) {
                    let window_ns = u128::from(nanos_of(*end - *start));
                    let worth = u128::from(rate) * window_ns / 1_000_000_000;
                    prop_assert!((last - first + 1) as u128 <= u128::from(burst) + worth);
                }
            }
        }

        #[test]
        fn a_stream_slower_than_the_rate_is_never_refused(
            rate in 1_u64..100_000,
            burst in 1_u64..50,
            spare in prop::collection::vec(0_u64..1_000_000, 1..200),
        ) {
            let period = 1_000_000_000_u64.div_ceil(rate);
            let gaps: Vec<u64> = spare.iter().map(|spare| period + spare).collect();
            let mut limiter = Limiter::token_bucket(rate as f64, burst as f64);
            for at in times(&gaps) {
                prop_assert!(limiter.admit(at).admits());
            }
        }

        #[test]
        fn a_refusal_says_exactly_when_to_come_back(limiter in any_limiter(), gaps in any_gaps()) {
            let mut limiter = limiter;
            for at in times(&gaps) {
                if let Admission::Refuse { retry_after } = limiter.admit(at) {
                    prop_assert!(retry_after > Duration::ZERO);
                    let then = at + retry_after;
                    prop_assert!(limiter.would_admit(then).admits());
                    let earlier = then.before(Duration::from_nanos(1));
                    prop_assert!(!limiter.would_admit(earlier).admits());
                }
            }
        }

        #[test]
        fn the_two_forms_of_the_bucket_say_the_same(
            rate in 1_u32..2_000_000, burst in 1_000_u32..50_000, gaps in any_gaps(),
        ) {
            let (rate_per_s, burst) = (f64::from(rate) / 1e3, f64::from(burst) / 1e3);
            let mut bucket = Limiter::token_bucket(rate_per_s, burst);
            let mut gcra = Limiter::gcra(rate_per_s, burst);
            for at in times(&gaps) {
                prop_assert_eq!(bucket.admit(at), gcra.admit(at));
                prop_assert_eq!(bucket.is_rested(at), gcra.is_rested(at));
            }
        }

        #[test]
        fn governor_admits_the_same_calls(
            // Governor's period is in whole nanoseconds: rates that divide 10^9 alone are exact.
            rate in prop::sample::select(vec![1_u32, 2, 5, 8, 20, 25, 100, 400, 1_000]),
            burst in 1_u32..50, gaps in any_gaps(),
        ) {
            let per_s = NonZeroU32::new(rate).unwrap();
            let quota = Quota::per_second(per_s).allow_burst(NonZeroU32::new(burst).unwrap());
            let clock = FakeRelativeClock::default();
            let governor = RateLimiter::direct_with_clock(quota, clock.clone());
            let mut limiter = Limiter::gcra(f64::from(rate), f64::from(burst));
            for (at, gap) in times(&gaps).into_iter().zip(&gaps) {
                clock.advance(Duration::from_nanos(*gap));
                prop_assert_eq!(limiter.admit(at).admits(), governor.check().is_ok());
            }
        }

        #[test]
        fn a_window_of_the_run_admits_at_most_its_limit(
            limit in 1_u64..40, window_ms in 1_u64..3_000, gaps in any_gaps(),
        ) {
            let window = Duration::from_millis(window_ms);
            let rate_per_s = (limit as f64) / window.as_secs_f64() + 1e-6;
            prop_assume!(rate_per_s * window.as_secs_f64() < (limit + 1) as f64);
            let mut limiter = Limiter::fixed_window(rate_per_s, window);
            let mut counts = std::collections::BTreeMap::new();
            for at in times(&gaps) {
                let count: &mut u64 = counts.entry(at.nanos() / nanos_of(window)).or_default();
                let admitted = limiter.admit(at).admits();
                prop_assert_eq!(admitted, *count < limit, "a window is used up before it refuses");
                *count += u64::from(admitted);
            }
        }

        #[test]
        fn a_rested_limiter_is_as_good_as_new(limiter in any_limiter(), gaps in any_gaps()) {
            let fresh = limiter.clone();
            let mut used = limiter;
            let all = times(&gaps);
            let (before, after) = all.split_at(all.len() / 2);
            for at in before {
                let _ = used.admit(*at);
            }
            if after.first().is_some_and(|at| used.is_rested(*at)) {
                let mut fresh = fresh;
                for at in after {
                    prop_assert_eq!(used.admit(*at), fresh.admit(*at));
                }
            }
        }

        #[test]
        fn asking_changes_nothing(limiter in any_limiter(), gaps in any_gaps()) {
            let mut limiter = limiter;
            for at in times(&gaps) {
                let before = limiter.clone();
                let asked = limiter.would_admit(at);
                prop_assert_eq!(&limiter, &before);
                prop_assert_eq!(limiter.admit(at), asked);
            }
        }
    }
}
