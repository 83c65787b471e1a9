//! The generic cell rate algorithm, as a meter that refuses and as a queue that delays.

use super::grains::{CALL, calls_in, time_for};
use super::{Admission, Quota, Remaining};
use crate::time::Time;

/// Virtual scheduling (ITU-T I.371): calls are due one per 1/rate; how far the next due time lies
/// ahead is the backlog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gcra {
    /// Grains per nanosecond.
    rate: u64,
    /// The largest backlog that a call may leave behind, in grains.
    capacity: u128,
    /// The theoretical arrival time of the next call, in grains since the run began.
    arrival: u128,
}

impl Gcra {
    /// No backlog; `rate` \[grains/ns\], `capacity` \[grains\], at least a call.
    pub(super) fn new(rate: u64, capacity: u128) -> Self {
        assert!(capacity >= CALL, "a burst of at least one call");
        Self { rate, capacity, arrival: 0 }
    }

    fn grains_at(&self, at: Time) -> u128 {
        u128::from(at.nanos()) * u128::from(self.rate)
    }

    /// The calls that are not due yet, in grains.
    fn backlog_at(&self, at: Time) -> u128 {
        self.arrival.saturating_sub(self.grains_at(at))
    }

    pub(super) fn would_admit(&self, at: Time) -> Admission {
        match (self.backlog_at(at) + CALL).saturating_sub(self.capacity) {
            0 => Admission::Admit,
            over => Admission::Refuse { retry_after: time_for(over, self.rate) },
        }
    }

    pub(super) fn take(&mut self, at: Time) {
        self.arrival = self.arrival.max(self.grains_at(at)) + CALL;
    }

    /// The backlog keeps its calls, as far as the new allowance holds them: nothing is emptier
    /// than empty.
    pub(super) fn change(&mut self, at: Time, to: &Self) {
        self.change_to_backlog(at, to, self.backlog_at(at).min(to.capacity));
    }

    fn change_to_backlog(&mut self, at: Time, to: &Self, backlog: u128) {
        *self = to.clone();
        self.arrival = self.grains_at(at) + backlog;
    }

    pub(super) fn quota(&self) -> Quota {
        let window = Some(time_for(self.capacity, self.rate));
        Quota { calls: calls_in(self.capacity), window }
    }

    pub(super) fn remaining(&self, at: Time) -> Remaining {
        let backlog = self.backlog_at(at);
        let room = self.capacity.saturating_sub(backlog);
        let whole = u128::from(calls_in(self.capacity)) * CALL;
        let resets_in = time_for((backlog + whole).saturating_sub(self.capacity), self.rate);
        Remaining { calls: calls_in(room), resets_in }
    }

    pub(super) fn is_rested(&self, at: Time) -> bool {
        self.backlog_at(at) == 0
    }
}

/// The leaky bucket as a queue: a call that is not due yet waits until it is.
///
/// The same schedule, with room for the call that leaves and for those that wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LeakyQueue(Gcra);

impl LeakyQueue {
    /// Nobody waits; `rate` \[grains/ns\], at most `burst` \[grains\] wait.
    pub(super) fn new(rate: u64, burst: u128) -> Self {
        Self(Gcra::new(rate, burst + CALL))
    }

    pub(super) fn would_admit(&self, at: Time) -> Admission {
        match (self.0.would_admit(at), self.0.backlog_at(at)) {
            (Admission::Admit, 0) => Admission::Admit,
            (Admission::Admit, backlog) => Admission::Delay { by: time_for(backlog, self.0.rate) },
            (refusal, _) => refusal,
        }
    }

    pub(super) fn take(&mut self, at: Time) {
        self.0.take(at);
    }

    /// Those who wait were told when they leave and leave then; they are all counted, at the new
    /// rate.
    pub(super) fn change(&mut self, at: Time, to: &Self) {
        let backlog = self.0.backlog_at(at);
        self.0.change_to_backlog(at, &to.0, backlog);
    }

    pub(super) fn quota(&self) -> Quota {
        self.0.quota()
    }

    pub(super) fn remaining(&self, at: Time) -> Remaining {
        self.0.remaining(at)
    }

    pub(super) fn is_rested(&self, at: Time) -> bool {
        self.0.is_rested(at)
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::{Clock, FakeRelativeClock};
    use governor::{Quota, RateLimiter};
    use proptest::prelude::*;
    use std::num::NonZeroU32;

    use crate::limiter::tests::{any_gaps, times};
    use crate::limiter::{Admission, Limiter};
    use crate::time::{Duration, Time};

    #[test]
    fn whoever_waits_leaves_in_turn_and_who_finds_the_queue_full_is_refused() {
        let mut queue = Limiter::leaky_queue(10.0, 2.0);
        let by = Duration::from_millis;
        let told: Vec<Admission> = (0..4).map(|_| queue.admit(Time::ZERO, Time::ZERO)).collect();
        let expected = [
            Admission::Admit,
            Admission::Delay { by: by(100) },
            Admission::Delay { by: by(200) },
            Admission::Refuse { retry_after: by(100) },
        ];
        assert_eq!(told, expected);
        let at = Time::from_millis(150);
        assert_eq!(queue.admit(at, at), Admission::Delay { by: by(150) });
    }

    #[test]
    fn a_queue_without_room_refuses_whoever_comes_too_early() {
        let mut queue = Limiter::leaky_queue(10.0, 0.0);
        assert_eq!(queue.admit(Time::ZERO, Time::ZERO), Admission::Admit);
        let at = Time::from_millis(40);
        let retry_after = Duration::from_millis(60);
        assert_eq!(queue.admit(at, at), Admission::Refuse { retry_after });
    }

    #[test]
    fn a_backlog_keeps_its_calls_over_a_change() {
        let mut queue = Limiter::leaky_queue(10.0, 10.0);
        for _ in 0..11 {
            assert!(queue.admit(Time::ZERO, Time::ZERO).admits());
        }
        // Six of the eleven are due later.
        let at = Time::from_millis(500);
        queue.change(at, &Limiter::leaky_queue(100.0, 10.0));
        assert_eq!(queue.admit(at, at), Admission::Delay { by: Duration::from_millis(60) });

        let mut gcra = Limiter::gcra(10.0, 10.0);
        for _ in 0..10 {
            assert!(gcra.admit(Time::ZERO, Time::ZERO).admits());
        }
        // Five are due later: of a burst of 20, fifteen are left; of one of 2, none.
        let mut smaller = gcra.clone();
        gcra.change(at, &Limiter::gcra(1.0, 20.0));
        assert_eq!(gcra.remaining(at).calls, 15);
        smaller.change(at, &Limiter::gcra(1.0, 2.0));
        let retry_after = Duration::from_secs(1);
        assert_eq!(smaller.would_admit(at), Admission::Refuse { retry_after });
    }

    /// A period \[ns\] whose rate has at most nine decimals, and that rate \[1/s\].
    fn any_exact_period() -> impl Strategy<Value = (u64, f64)> {
        let period = (0_u32..=12, 3_u32..=12)
            .prop_map(|(twos, fives)| 2_u64.pow(twos) * 5_u64.pow(fives))
            .prop_filter("from 1 us to 100 s", |ns| (1_000..100_000_000_000).contains(ns));
        period.prop_map(|ns| (ns, 1e9 / ns as f64))
    }

    proptest! {
        #[test]
        fn the_two_forms_of_the_bucket_say_the_same(
            rate in 1_u32..2_000_000, burst in 1_000_u32..50_000, gaps in any_gaps(),
            other_rate in 1_u32..2_000_000, back in 0_u64..3_000_000_000,
        ) {
            let [rate_per_s, other_per_s, burst] = [rate, other_rate, burst]
                .map(|milli| f64::from(milli) / 1e3);
            let mut bucket = Limiter::token_bucket(rate_per_s, burst);
            let mut gcra = Limiter::gcra(rate_per_s, burst);
            for (number, at) in times(&gaps).into_iter().enumerate() {
                if number == 60 {
                    bucket.change(at, &Limiter::token_bucket(other_per_s, burst));
                    gcra.change(at, &Limiter::gcra(other_per_s, burst));
                }
                let at = if number % 7 == 3 { at.before(Duration::from_nanos(back)) } else { at };
                prop_assert_eq!(bucket.admit(at, at), gcra.admit(at, at));
                prop_assert_eq!(bucket.is_rested(at), gcra.is_rested(at));
                prop_assert_eq!(bucket.remaining(at), gcra.remaining(at));
            }
        }

        #[test]
        fn governor_admits_the_same_calls_and_names_the_same_waits(
            (period_ns, rate_per_s) in any_exact_period(),
            burst in 1_u32..50,
            gaps in any_gaps(),
            shares in prop::collection::vec(0_u64..3_000, 200),
        ) {
            let period = Duration::from_nanos(period_ns);
            let burst_calls = NonZeroU32::new(burst).unwrap();
            let quota = Quota::with_period(period).unwrap().allow_burst(burst_calls);
            let clock = FakeRelativeClock::default();
            let governor = RateLimiter::direct_with_clock(quota, clock.clone());
            let mut limiter = Limiter::gcra(rate_per_s, f64::from(burst));
            // Every other gap is of the period's own size, so that all rates see both answers.
            let gaps: Vec<u64> = gaps.iter().zip(&shares).enumerate()
                .map(|(number, (gap, share))| {
                    if number % 2 == 0 { period_ns / 1_000 * share } else { *gap }
                })
                .collect();
            for (at, gap) in times(&gaps).into_iter().zip(&gaps) {
                clock.advance(Duration::from_nanos(*gap));
                let told = match governor.check() {
                    Ok(()) => Admission::Admit,
                    Err(not_until) => {
                        let retry_after = not_until.wait_time_from(clock.now());
                        Admission::Refuse { retry_after }
                    }
                };
                prop_assert_eq!(limiter.admit(at, at), told);
            }
        }

        #[test]
        fn departures_are_a_period_apart_and_only_a_full_queue_refuses(
            rate in 1_u64..2_000, burst in 0_u64..20, gaps in any_gaps(),
        ) {
            let mut queue = Limiter::leaky_queue(rate as f64, burst as f64);
            // Turns in ns·rate, exactly; departures in ns.
            let (mut next_turn, mut departures) = (0_u128, Vec::new());
            for at in times(&gaps) {
                let waiting = departures.iter().filter(|leaves| **leaves > at).count() as u64;
                let turn = next_turn.max(u128::from(at.nanos()) * u128::from(rate));
                let leaves_ns = u64::try_from(turn.div_ceil(u128::from(rate))).unwrap();
                match queue.admit(at, at) {
                    Admission::Refuse { .. } => {
                        let early = u128::from(at.nanos()) * u128::from(rate) < next_turn;
                        prop_assert!(waiting == burst && early);
                    }
                    admission => {
                        prop_assert_eq!(at + admission.delay(), Time::from_nanos(leaves_ns));
                        let waits = u64::from(!admission.delay().is_zero());
                        prop_assert!(waiting + waits <= burst);
                        departures.push(Time::from_nanos(leaves_ns));
                        next_turn = turn + 1_000_000_000;
                    }
                }
            }
            for pair in departures.windows(2) {
                prop_assert!(pair[1] - pair[0] >= Duration::from_nanos(1_000_000_000 / rate));
            }
            // And none is gained by the rounding, however many leave.
            for (first, start) in departures.iter().enumerate() {
                for (more, end) in departures[first..].iter().enumerate() {
                    let nanos = u128::from((end.nanos() - start.nanos()) + 1);
                    prop_assert!(more as u128 * 1_000_000_000 < nanos * u128::from(rate));
                }
            }
        }
    }
}
