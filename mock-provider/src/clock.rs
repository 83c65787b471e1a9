//! The one clock of the provider: everything else is told the time.

#![expect(clippy::disallowed_types, reason = "this is the file that reads time")]

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use domain::time::{Time, nanos_of};

/// Maps the present to nanoseconds since the run began; it never runs backwards.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Clock {
    began_utc_ns: u64,
    made_utc_ns: u64,
    made: Instant,
}

impl Clock {
    /// A clock of a run that began, or will begin, at `began_utc_ns` \[ns of UTC\], or begins now.
    pub(crate) fn new(began_utc_ns: Option<u64>) -> Self {
        let made = Instant::now();
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let made_utc_ns = nanos_of(since_epoch.expect("it is later than 1970"));
        Self { began_utc_ns: began_utc_ns.unwrap_or(made_utc_ns), made_utc_ns, made }
    }

    /// When the run began, in nanoseconds of UTC \[ns\].
    pub(crate) const fn began_utc_ns(&self) -> u64 {
        self.began_utc_ns
    }

    /// The present; the run's beginning as long as that lies ahead.
    pub(crate) fn now(&self) -> Time {
        let now_utc_ns = self.made_utc_ns.saturating_add(nanos_of(self.made.elapsed()));
        Time::from_nanos(now_utc_ns.saturating_sub(self.began_utc_ns))
    }

    /// An instant of the run in nanoseconds of UTC.
    pub(crate) fn utc_ns(&self, at: Time) -> u64 {
        self.began_utc_ns.saturating_add(at.nanos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_begins_later_stands_at_its_beginning() {
        let began = Clock::new(None).began_utc_ns;
        assert_eq!(Clock::new(Some(began + 3_600_000_000_000)).now(), Time::ZERO);
        assert!(Clock::new(Some(began - 1_000_000_000)).now() >= Time::from_millis(1_000));
    }

    #[test]
    fn a_beginning_that_lies_ahead_is_waited_for() {
        let began = Clock::new(None).began_utc_ns + 5_000_000;
        let clock = Clock::new(Some(began));
        // The clock must not have run from the moment it was made.
        while clock.now() == Time::ZERO {
            std::hint::spin_loop();
        }
        let reference = Clock::new(Some(began));
        assert!(
            reference.now() >= clock.now() || clock.now().since(reference.now()).as_millis() < 5
        );
    }
}
