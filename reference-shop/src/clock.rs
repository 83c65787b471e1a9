//! The shop's clock: time since the run began.

#![expect(clippy::disallowed_types, reason = "this is the package's clock file")]

use std::time::{Instant, SystemTime};

use domain::time::{Duration, Time, nanos_of};

/// A clock that runs evenly, whatever happens to the machine's time of day.
#[derive(Copy, Clone, Debug)]
pub struct Clock {
    began_utc_ns: u64,
    /// Nanoseconds of UTC at `started`.
    started_utc_ns: u64,
    started: Instant,
}

impl Clock {
    /// A clock for a run that began at `began_utc_ns` \[ns\], or that begins now.
    pub fn new(began_utc_ns: Option<u64>) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let started_utc_ns = since.map_or(0, nanos_of);
        let began_utc_ns = began_utc_ns.unwrap_or(started_utc_ns);
        Self { began_utc_ns, started_utc_ns, started: Instant::now() }
    }

    /// The run's beginning, in nanoseconds of UTC \[ns\].
    pub fn began_utc_ns(&self) -> u64 {
        self.began_utc_ns
    }

    /// Now; the run's beginning as long as that lies ahead.
    pub fn now(&self) -> Time {
        Time::from_nanos(self.now_utc_ns().saturating_sub(self.began_utc_ns))
    }

    /// How long until `at`; zero when that is past.
    pub fn until(&self, at: Time) -> Duration {
        let at_utc_ns = self.began_utc_ns.saturating_add(at.nanos());
        Duration::from_nanos(at_utc_ns.saturating_sub(self.now_utc_ns()))
    }

    /// Now, in whole seconds of UTC \[s\].
    pub fn now_utc_s(&self) -> u64 {
        self.now_utc_ns() / 1_000_000_000
    }

    fn now_utc_ns(&self) -> u64 {
        self.started_utc_ns.saturating_add(nanos_of(self.started.elapsed()))
    }
}

/// The date of a second of UTC \[s\] as HTTP writes it (RFC 9110, 5.6.7).
pub fn http_date(utc_s: u64) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(utc_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_begins_later_stands_at_its_beginning() {
        let clock = Clock::new(None);
        let later = Clock::new(Some(clock.began_utc_ns() + 3_600_000_000_000));
        assert_eq!(later.now(), Time::ZERO);
        assert!(later.until(Time::ZERO) > Duration::from_mins(59));
        let earlier = Clock::new(Some(clock.began_utc_ns() - 1_000_000_000));
        assert!(earlier.now() >= Time::from_millis(1_000));
        assert_eq!(earlier.until(Time::from_millis(500)), Duration::ZERO);
    }
}
