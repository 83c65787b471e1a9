//! The one clock of the provider: everything else is told the time.

#![expect(clippy::disallowed_types, reason = "this is the file that reads time")]

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use domain::time::{Duration, Time, nanos_of};

/// Maps the present to nanoseconds since the run began; it never runs backwards.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Clock {
    began_utc_ns: u64,
    /// How long the run had lasted when the clock was made.
    before: Duration,
    made: Instant,
}

impl Clock {
    /// A clock of a run that began at `began_utc_ns` \[ns of UTC\], or begins now. Before the
    /// run's beginning, its time starts from 0.
    pub(crate) fn new(began_utc_ns: Option<u64>) -> Self {
        let made = Instant::now();
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_utc_ns = nanos_of(since_epoch.expect("it is later than 1970"));
        let began_utc_ns = began_utc_ns.unwrap_or(now_utc_ns);
        let before = Duration::from_nanos(now_utc_ns.saturating_sub(began_utc_ns));
        Self { began_utc_ns, before, made }
    }

    /// The present.
    pub(crate) fn now(&self) -> Time {
        Time::ZERO + self.before + self.made.elapsed()
    }

    /// An instant of the run in nanoseconds of UTC.
    pub(crate) fn utc_ns(&self, at: Time) -> u64 {
        self.began_utc_ns.saturating_add(at.nanos())
    }
}
