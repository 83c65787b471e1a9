//! The token bucket.

use super::grains::{CALL, calls_in, time_for};
use super::{Admission, Quota, Remaining};
use crate::time::{Time, nanos_of};

/// A bucket that fills at a rate and gives a token per call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenBucket {
    /// Grains per nanosecond.
    rate: u64,
    /// Grains at most.
    burst: u128,
    /// Grains at `last`.
    tokens: u128,
    last: Time,
}

impl TokenBucket {
    /// A full bucket of `burst` grains, at least a call, filled at `rate` \[grains/ns\].
    pub(super) fn new(rate: u64, burst: u128) -> Self {
        assert!(burst >= CALL, "a burst of at least one call");
        Self { rate, burst, tokens: burst, last: Time::ZERO }
    }

    fn tokens_at(&self, at: Time) -> u128 {
        let refill = u128::from(nanos_of(at.since(self.last))) * u128::from(self.rate);
        self.burst.min(self.tokens + refill)
    }

    pub(super) fn would_admit(&self, at: Time) -> Admission {
        let tokens = self.tokens_at(at);
        if tokens >= CALL {
            Admission::Admit
        } else {
            Admission::Refuse { retry_after: time_for(CALL - tokens, self.rate) }
        }
    }

    pub(super) fn take(&mut self, at: Time) {
        self.tokens = self.tokens_at(at).saturating_sub(CALL);
        self.last = at;
    }

    /// The tokens keep their number, as far as the new bucket holds them.
    pub(super) fn change(&mut self, at: Time, to: &Self) {
        let tokens = self.tokens_at(at).min(to.burst);
        *self = Self { tokens, last: at, ..to.clone() };
    }

    pub(super) fn quota(&self) -> Quota {
        let window = Some(time_for(self.burst, self.rate));
        Quota { calls: calls_in(self.burst), window }
    }

    pub(super) fn remaining(&self, at: Time) -> Remaining {
        let tokens = self.tokens_at(at);
        let whole = u128::from(calls_in(self.burst)) * CALL;
        let resets_in = time_for(whole.saturating_sub(tokens), self.rate);
        Remaining { calls: calls_in(tokens), resets_in }
    }

    pub(super) fn is_rested(&self, at: Time) -> bool {
        self.tokens_at(at) == self.burst
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::limiter::Limiter;
    use crate::limiter::tests::{any_gaps, saturate, times};
    use crate::time::{Duration, Time, nanos_of};

    #[test]
    fn a_saturated_minute_admits_the_burst_and_a_minutes_worth() {
        let minute = Time::from_millis(60_000);
        for (rate_per_s, burst, admitted) in
            [(400.0, 40.0, 24_040), (30.0, 30.0, 1_830), (0.7, 2.0, 44), (7.0, 2.5, 422)]
        {
            for mut limiter in
                [Limiter::token_bucket(rate_per_s, burst), Limiter::gcra(rate_per_s, burst)]
            {
                let times = saturate(&mut limiter, Duration::ZERO, minute);
                assert_eq!(times.len(), admitted, "{limiter:?}");
            }
        }
    }

    #[test]
    fn a_saturated_day_has_not_drifted() {
        // A period of 1/3 s is no whole number of nanoseconds; a burst of 1 would have no room for
        // the fraction of a call that a whole nanosecond brings too much.
        let day = Time::from_millis(86_400_000);
        for (mut limiter, more) in
            [(Limiter::token_bucket(3.0, 2.0), 2), (Limiter::leaky_queue(3.0, 2.0), 3)]
        {
            let times = saturate(&mut limiter, Duration::ZERO, day);
            assert_eq!(times.len(), 3 * 86_400 + more);
        }
    }

    #[test]
    fn tokens_keep_their_number_over_a_change() {
        let admitted = |limiter: &mut Limiter, at| {
            (0..1_000).filter(|_| limiter.admit(at, at).admits()).count()
        };
        let mut limiter = Limiter::token_bucket(30.0, 30.0);
        assert_eq!(admitted(&mut limiter, Time::ZERO), 30);
        let at = Time::from_millis(500);
        limiter.change(at, &Limiter::token_bucket(100.0, 100.0));
        assert_eq!(admitted(&mut limiter, at), 15);
        assert_eq!(admitted(&mut limiter, Time::from_millis(600)), 10);
        let later = Time::from_millis(60_000);
        limiter.change(later, &Limiter::token_bucket(1.0, 5.0));
        assert_eq!(admitted(&mut limiter, later), 5);
    }

    proptest! {
        #[test]
        fn a_closed_window_admits_at_most_the_burst_and_its_worth(
            rate in 1_u64..100_000, burst in 1_u64..50, gaps in any_gaps(),
        ) {
            for mut limiter in [
                Limiter::token_bucket(rate as f64, burst as f64),
                Limiter::gcra(rate as f64, burst as f64),
                Limiter::leaky_queue(rate as f64, burst as f64 - 1.0),
            ] {
                let mut all = times(&gaps);
                all.retain(|at| limiter.admit(*at, *at).admits());
                for (first, start) in all.iter().enumerate() {
                    for (last, end) in all.iter().enumerate().skip(first) {
                        let window_ns = u128::from(nanos_of(*end - *start));
                        let worth = u128::from(rate) * window_ns / 1_000_000_000;
                        prop_assert!((last - first + 1) as u128 <= u128::from(burst) + worth);
                    }
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
                prop_assert!(limiter.admit(at, at).admits());
            }
        }
    }
}
