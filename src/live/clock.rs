//! The live world's clock: the only file of this package that reads one.

#![expect(
    clippy::disallowed_types,
    reason = "this is the one file that reads clocks; all others are handed a `Time`"
)]

use std::thread;
use std::time::SystemTime;

use domain::time::{Duration, Time, nanos_of};
use rustix::time::{ClockId, Timespec};
use serde::{Deserialize, Serialize};

/// When a run began, by the machine's monotonic clock and in UTC; the same instant twice.
///
/// Copies tell the same time, in every process of this machine: the monotonic clock counts from the
/// machine's own beginning (`clock_gettime(2)`). A step of the wall clock during the run moves
/// nothing.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the unit belongs to each name")]
pub struct Clock {
    /// On the monotonic clock \[ns\].
    began_ns: u64,
    began_utc_ns: u64,
    /// How far the two clocks' readings at the beginning may have lain apart \[ns\].
    apart_ns: u64,
}

/// How wrong a clock's times can be.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct ClockError {
    /// The smallest step of the monotonic clock.
    pub resolution: Duration,
    /// How far the wall clock has moved against the monotonic one since the run began: drift,
    /// slewing and steps together. Ledgers carry the wall clock's time.
    pub drift: Duration,
    /// How exactly the two clocks could be read against each other, at the beginning and now.
    pub reading: Duration,
}

impl ClockError {
    /// The most by which a time told by one of this machine's clocks may differ from the same
    /// instant told by the other.
    pub fn bound(&self) -> Duration {
        self.resolution + self.drift + self.reading
    }
}

impl Clock {
    /// A clock whose run begins `lead` from now, so that what is embedded can be started and told
    /// the run's beginning first.
    ///
    /// # Panics
    /// When the wall clock stands before 1970 or after 2554.
    pub fn begin_in(lead: Duration) -> Self {
        let both = Both::read();
        let began_utc_ns = both.utc_ns.saturating_add(nanos_of(lead));
        assert!(began_utc_ns < u64::MAX, "the wall clock stands before 2554");
        Self { began_ns: both.monotonic_ns + nanos_of(lead), began_utc_ns, apart_ns: both.apart_ns }
    }

    /// The run's beginning in UTC \[ns\].
    pub const fn began_utc_ns(&self) -> u64 {
        self.began_utc_ns
    }

    /// Now; zero while the run has not begun.
    pub fn now(&self) -> Time {
        Time::from_nanos(monotonic_ns().saturating_sub(self.began_ns))
    }

    /// Now, in UTC by the run's beginning \[ns\].
    pub fn now_utc_ns(&self) -> u64 {
        self.began_utc_ns.saturating_add(self.now().nanos())
    }

    /// `at` on the machine's monotonic clock, for its timers.
    ///
    /// # Panics
    /// Never: seconds of 64 bits hold nanoseconds of 64 bits.
    pub fn monotonic(&self, at: Time) -> Timespec {
        let since_boot = Duration::from_nanos(self.began_ns.saturating_add(at.nanos()));
        Timespec::try_from(since_boot).expect("2^64 ns are seconds that fit")
    }

    /// Sleeps until the run begins; returns at once when it has.
    pub fn sleep_until_beginning(&self) {
        thread::sleep(Duration::from_nanos(self.began_ns.saturating_sub(monotonic_ns())));
    }

    /// Sleeps until `at`, at most `longest`; returns at once when it has passed.
    pub fn sleep_until(&self, at: Time, longest: Duration) {
        let until = self.began_ns.saturating_add(at.nanos());
        let wait = Duration::from_nanos(until.saturating_sub(monotonic_ns()));
        thread::sleep(wait.min(longest));
    }

    /// How wrong this clock's times can be by now.
    pub fn error(&self) -> ClockError {
        let both = Both::read();
        let passed_utc = i128::from(both.utc_ns) - i128::from(self.began_utc_ns);
        let passed = i128::from(both.monotonic_ns) - i128::from(self.began_ns);
        let drift = u64::try_from((passed_utc - passed).unsigned_abs()).unwrap_or(u64::MAX);
        ClockError {
            resolution: resolution(),
            drift: Duration::from_nanos(drift),
            reading: Duration::from_nanos(self.apart_ns.saturating_add(both.apart_ns)),
        }
    }
}

/// Both clocks, read as one.
#[derive(Copy, Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "the unit belongs to each name")]
struct Both {
    monotonic_ns: u64,
    utc_ns: u64,
    /// How far apart the two readings may be \[ns\].
    apart_ns: u64,
}

impl Both {
    /// Reads the wall clock between two readings of the monotonic one, a few times, and keeps the
    /// closest: a reading that was interrupted in between says little.
    fn read() -> Self {
        let once = |_| {
            let before = monotonic_ns();
            let utc = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .expect("the wall clock stands after 1970");
            let apart_ns = monotonic_ns() - before;
            Self { monotonic_ns: before + apart_ns / 2, utc_ns: nanos_of(utc), apart_ns }
        };
        (0..READINGS).map(once).min_by_key(|both| both.apart_ns).expect("it is read at least once")
    }
}

/// How often both clocks are read to know them together.
const READINGS: u32 = 5;

fn monotonic_ns() -> u64 {
    nanos_of(duration(rustix::time::clock_gettime(ClockId::Monotonic)))
}

/// A reading of a clock that counts from zero.
fn duration(at: Timespec) -> Duration {
    Duration::try_from(at).unwrap_or(Duration::ZERO)
}

/// The processor time that this process has used, on all cores, in user and kernel mode.
pub fn processor_time() -> Duration {
    duration(rustix::time::clock_gettime(ClockId::ProcessCPUTime))
}

/// The shortest time that the clock tells apart.
pub fn resolution() -> Duration {
    duration(rustix::time::clock_getres(ClockId::Monotonic))
}

/// How many readings are timed: some 0.2 ms of a fast clock, 10 ms of a slow one.
const READINGS_TIMED: u32 = 10_000;

/// What one reading of the clock costs, in the mean of some now.
pub fn cost_of_a_reading() -> Duration {
    let began = monotonic_ns();
    for _ in 0..READINGS_TIMED {
        std::hint::black_box(monotonic_ns());
    }
    Duration::from_nanos(monotonic_ns() - began) / READINGS_TIMED
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
    fn a_copy_sent_to_another_process_tells_the_same_time() {
        let clock = Clock::begin_in(Duration::ZERO);
        let sent = serde_json::to_string(&clock).unwrap();
        let copy: Clock = serde_json::from_str(&sent).unwrap();
        assert_eq!(copy, clock);
        let (first, second, third) = (clock.now(), copy.now(), clock.now());
        assert!(first <= second && second <= third);
    }

    #[test]
    fn the_clocks_error_is_known_and_a_step_of_the_wall_clock_is_in_it() {
        let clock = Clock::begin_in(Duration::from_secs(1));
        let error = clock.error();
        assert!(error.resolution > Duration::ZERO && error.bound() >= error.drift);
        let hour = Duration::from_hours(1);
        let stepped = Clock { began_utc_ns: clock.began_utc_ns - nanos_of(hour), ..clock };
        let bound = stepped.error().bound();
        assert!(bound + error.bound() > hour && bound < hour * 2, "{bound:?}");
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
