//! The live world's clock: the only file of this package that reads one.

#![expect(
    clippy::disallowed_types,
    reason = "this is the one file that reads clocks; all others are handed a `Time`"
)]

use std::thread;
use std::time::{Instant, SystemTime};

use domain::time::{Duration, Time, nanos_of};
use rustix::time::ClockId;

/// When a run began, by the monotonic clock and in UTC; the same instant twice.
///
/// Copies tell the same time. Times are monotonic: a step of the wall clock during the run moves
/// nothing.
#[derive(Copy, Clone, Debug)]
pub struct Clock {
    began: Instant,
    began_utc_ns: u64,
}

impl Clock {
    /// A clock whose run begins `lead` from now, so that what is embedded can be started and told
    /// the run's beginning first.
    ///
    /// # Panics
    /// When the wall clock stands before 1970 or after 2554.
    pub fn begin_in(lead: Duration) -> Self {
        let now = Instant::now();
        let utc = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("the wall clock stands after 1970");
        let began_utc_ns = nanos_of(utc + lead);
        assert!(began_utc_ns < u64::MAX, "the wall clock stands before 2554");
        Self { began: now + lead, began_utc_ns }
    }

    /// The run's beginning in UTC \[ns\].
    pub const fn began_utc_ns(&self) -> u64 {
        self.began_utc_ns
    }

    /// Now; zero while the run has not begun.
    pub fn now(&self) -> Time {
        Time::from_nanos(nanos_of(Instant::now().saturating_duration_since(self.began)))
    }

    /// Now, in UTC by the run's beginning \[ns\].
    pub fn now_utc_ns(&self) -> u64 {
        self.began_utc_ns.saturating_add(self.now().nanos())
    }

    /// Sleeps until the run begins; returns at once when it has.
    pub fn sleep_until_beginning(&self) {
        thread::sleep(self.began.saturating_duration_since(Instant::now()));
    }

    /// Sleeps until `at`, at most `longest`; returns at once when it has passed.
    pub fn sleep_until(&self, at: Time, longest: Duration) {
        let wait = (self.began + Duration::from_nanos(at.nanos()))
            .saturating_duration_since(Instant::now());
        thread::sleep(wait.min(longest));
    }
}

/// The processor time that this process has used, on all cores, in user and kernel mode.
pub fn processor_time() -> Duration {
    let used = rustix::time::clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(used).unwrap_or(Duration::ZERO)
}

/// The shortest time that the clock tells apart.
pub fn resolution() -> Duration {
    let resolution = rustix::time::clock_getres(ClockId::Monotonic);
    Duration::try_from(resolution).unwrap_or(Duration::ZERO)
}

/// How many readings are timed: some 0.2 ms of a fast clock, 10 ms of a slow one.
const READINGS: u32 = 10_000;

/// What one reading of the clock costs, in the mean of some now.
pub fn cost_of_a_reading() -> Duration {
    let began = Instant::now();
    for _ in 0..READINGS {
        std::hint::black_box(Instant::now());
    }
    began.elapsed() / READINGS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_still_until_the_run_begins() {
        let clock = Clock::begin_in(Duration::from_hours(1));
        assert_eq!(clock.now(), Time::ZERO);
        assert_eq!(clock.now_utc_ns(), clock.began_utc_ns());
    }

    #[test]
    fn time_and_utc_run_together() {
        let clock = Clock::begin_in(Duration::ZERO);
        let (first, second) = (clock.now(), clock.now());
        assert!(first <= second);
        assert!(clock.now_utc_ns() >= clock.began_utc_ns() + second.nanos());
    }

    #[test]
    fn the_clock_says_what_it_tells_apart_and_what_that_costs() {
        assert!(resolution() > Duration::ZERO);
        assert!(cost_of_a_reading() > Duration::ZERO);
    }

    #[test]
    fn used_processor_time_never_shrinks() {
        let before = processor_time();
        let sum: u64 = (0..1_000_000_u64).map(std::hint::black_box).sum();
        assert!(sum > 0 && processor_time() > before);
    }
}
