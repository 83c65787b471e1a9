//! The penalty box: whoever is refused too often is refused everything for a while.

use super::places::Places;
use super::{Admission, Quota, Remaining};
use crate::time::{Duration, Time};

/// The refusals of a window, and the ban they led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PenaltyBox {
    window_ns: u64,
    ban: Duration,
    /// One per refusal that is not a window old, as many as lead to a ban.
    refusals: Places,
    banned_until: Time,
}

impl PenaltyBox {
    /// No refusals yet; `refusals` of them within `window_ns` nanoseconds, both above 0, lead to
    /// a ban.
    pub(super) fn new(refusals: u32, window_ns: u64, ban: Duration) -> Self {
        let refusals = Places::new(u64::from(refusals));
        Self { window_ns, ban, refusals, banned_until: Time::ZERO }
    }

    pub(super) fn would_admit(&self, at: Time) -> Admission {
        match self.banned_until.since(at) {
            Duration::ZERO => Admission::Admit,
            retry_after => Admission::Refuse { retry_after },
        }
    }

    /// A refusal during a ban, which may well be the ban's own, does not prolong it.
    pub(super) fn note_refusal(&mut self, at: Time) {
        if at < self.banned_until {
            return;
        }
        self.refusals.occupy(at, at + Duration::from_nanos(self.window_ns));
        if self.refusals.occupied(at) >= self.refusals.number() {
            self.refusals.clear();
            self.banned_until = at + self.ban;
        }
    }

    /// The refusals stay, as the calls of a sliding log; so does a ban.
    pub(super) fn change(&mut self, at: Time, to: &Self) {
        self.refusals.stretch(at, self.window_ns, to.window_ns);
        self.refusals.renumber(&to.refusals);
        (self.window_ns, self.ban) = (to.window_ns, to.ban);
    }

    pub(super) fn quota(&self) -> Quota {
        let window = Some(Duration::from_nanos(self.window_ns));
        Quota { calls: self.refusals.number(), window }
    }

    pub(super) fn remaining(&self, at: Time) -> Remaining {
        match self.banned_until.since(at) {
            Duration::ZERO => self.refusals.remaining(at),
            resets_in => Remaining { calls: 0, resets_in },
        }
    }

    pub(super) fn is_rested(&self, at: Time) -> bool {
        self.banned_until <= at && self.refusals.all_free() <= at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limiter::Limiter;
    use crate::limiter::tests::{any_gaps, times};

    #[test]
    fn a_ban_stands_over_a_change() {
        let window = Duration::from_secs(1);
        let mut penalty = Limiter::penalty_box(2, window, Duration::from_secs(5));
        penalty.note_refusal(Time::ZERO);
        assert!(penalty.would_admit(Time::ZERO).admits());
        penalty.note_refusal(Time::ZERO);
        penalty.change(Time::ZERO, &Limiter::penalty_box(9, window, Duration::ZERO));
        let retry_after = Duration::from_secs(5);
        assert_eq!(penalty.would_admit(Time::ZERO), Admission::Refuse { retry_after });
    }

    #[test]
    fn a_refusal_is_forgotten_with_the_window() {
        let mut penalty = Limiter::penalty_box(2, Duration::from_secs(1), Duration::from_secs(5));
        for ms in [0, 1_000, 2_000] {
            penalty.note_refusal(Time::from_millis(ms));
        }
        assert!(penalty.would_admit(Time::from_millis(2_000)).admits());
        penalty.note_refusal(Time::from_millis(2_999));
        assert!(!penalty.would_admit(Time::from_millis(2_999)).admits());
    }

    #[test]
    fn other_limiters_ignore_a_refusal() {
        let mut limiter = Limiter::token_bucket(1.0, 1.0);
        limiter.note_refusal(Time::from_millis(5));
        assert_eq!(limiter, Limiter::token_bucket(1.0, 1.0));
    }

    proptest! {
        #[test]
        fn nothing_passes_in_a_ban_and_all_else_does(
            refusals in 1_u32..12, window_ms in 1_u64..2_000, ban_ms in 0_u64..4_000,
            gaps in any_gaps(),
        ) {
            let (window, ban) = (Duration::from_millis(window_ms), Duration::from_millis(ban_ms));
            let mut penalty = Limiter::penalty_box(refusals, window, ban);
            let mut bucket = Limiter::token_bucket(1.0, 2.0);
            let (mut banned_until, mut refused): (Time, Vec<Time>) = (Time::ZERO, Vec::new());
            for at in times(&gaps) {
                let expected = match banned_until.since(at) {
                    Duration::ZERO => Admission::Admit,
                    retry_after => Admission::Refuse { retry_after },
                };
                prop_assert_eq!(penalty.admit(at, at), expected);
                let banned = !expected.admits();
                if banned || !bucket.admit(at, at).admits() {
                    penalty.note_refusal(at);
                    if !banned {
                        refused.push(at);
                    }
                }
                refused.retain(|earlier| at.since(*earlier) < window);
                if refused.len() >= refusals as usize {
                    banned_until = at + ban;
                    refused.clear();
                }
            }
        }
    }
}
