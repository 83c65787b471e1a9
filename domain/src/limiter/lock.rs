//! The lock of one object: its writers line up, but not for long.

use super::{Admission, Quota, Remaining};
use crate::time::{Duration, Time};

/// One call at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ObjectLock {
    /// How long a writer waits at most.
    wait: Duration,
    /// When the answer to the last writer in line leaves.
    free_at: Time,
}

impl ObjectLock {
    /// Nobody holds it.
    pub(super) fn new(wait: Duration) -> Self {
        Self { wait, free_at: Time::ZERO }
    }

    pub(super) fn would_admit(&self, at: Time) -> Admission {
        let by = self.free_at.since(at);
        match by.saturating_sub(self.wait) {
            _ if by.is_zero() => Admission::Admit,
            Duration::ZERO => Admission::Delay { by },
            retry_after => Admission::Refuse { retry_after },
        }
    }

    pub(super) fn take(&mut self, leaves: Time) {
        self.free_at = self.free_at.max(leaves);
    }

    /// Those in line stay there.
    pub(super) fn change(&mut self, to: &Self) {
        self.wait = to.wait;
    }

    pub(super) fn quota() -> Quota {
        Quota { calls: 1, window: None }
    }

    pub(super) fn remaining(&self, at: Time) -> Remaining {
        let resets_in = self.free_at.since(at);
        Remaining { calls: u64::from(resets_in.is_zero()), resets_in }
    }

    pub(super) fn is_rested(&self, at: Time) -> bool {
        self.free_at <= at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::limiter::tests::{any_gaps, call, times};
    use crate::limiter::{Admission, Limiter};
    use crate::time::{Duration, Time};

    #[test]
    fn writers_line_up_and_who_would_wait_too_long_is_refused() {
        let mut lock = Limiter::object_lock(Duration::from_millis(250));
        let latency = Duration::from_millis(100);
        let told: Vec<Admission> = (0..4).map(|_| call(&mut lock, Time::ZERO, latency)).collect();
        let by = Duration::from_millis;
        let expected = [
            Admission::Admit,
            Admission::Delay { by: by(100) },
            Admission::Delay { by: by(200) },
            Admission::Refuse { retry_after: by(50) },
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_change_keeps_the_line() {
        let mut lock = Limiter::object_lock(Duration::from_secs(1));
        let _ = call(&mut lock, Time::ZERO, Duration::from_millis(600));
        lock.change(Time::ZERO, &Limiter::object_lock(Duration::from_millis(500)));
        let retry_after = Duration::from_millis(100);
        assert_eq!(lock.would_admit(Time::ZERO), Admission::Refuse { retry_after });
    }

    proptest! {
        #[test]
        fn nobody_writes_beside_another_or_waits_too_long(
            wait_ms in 0_u64..500,
            gaps in any_gaps(),
            back in 0_u64..100_000_000,
            latencies in prop::collection::vec(0_u64..300_000_000, 200),
        ) {
            let wait = Duration::from_millis(wait_ms);
            let mut lock = Limiter::object_lock(wait);
            let mut free_at = Time::ZERO;
            for (number, (at, latency)) in times(&gaps).into_iter().zip(latencies).enumerate() {
                // Some clocks run late.
                let at = if number % 5 == 2 { at.before(Duration::from_nanos(back)) } else { at };
                let admission = call(&mut lock, at, Duration::from_nanos(latency));
                let begins = at + admission.delay();
                if admission.admits() {
                    prop_assert!(begins >= free_at && admission.delay() <= wait);
                    prop_assert!(begins == at || begins == free_at, "nobody waits in vain");
                    free_at = begins + Duration::from_nanos(latency);
                } else {
                    prop_assert!(free_at - at > wait, "who could wait is not refused");
                }
            }
        }
    }
}
