//! When a load loop wakes: exactly when something is due, or at most once per millisecond.
//!
//! Below saturation a request costs less than the waking for it: on a virtual machine of two cores
//! a prototype that woke for each arrival paid three times the processor time of one that woke once
//! per millisecond, and was a millisecond more exact. Neither hides anything: lateness, sent −
//! intended, is measured the same in both, and answers are read as they come in both.
//!
//! Load threads stay in the ordinary scheduling class. A real-time class would shave the tail of
//! lateness, but on a machine that also runs the shop it would take the processor from the shop,
//! and so change what is measured.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};

use domain::time::{Duration, Time};
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::live::clock::Clock;
pub use crate::scenario::Pacing;

/// How often a batch is sent: fine enough that its lateness stays below a page's own variation.
const TICK: Duration = Duration::from_millis(1);
/// The rate from which on a loop sends in batches where that is its own choice \[1/s\]: to wake for
/// each of 5,000 arrivals a second costs some 15 % of a core (30 µs each, by the same prototype),
/// and a batch then holds five.
const BATCH_FROM_PER_S: u64 = 5_000;
/// The rate below which it goes back to waking for each \[1/s\]: less than the other, so that it
/// does not waver between the two.
const PRECISE_BELOW_PER_S: u64 = 4_000;
/// Over which time the rate is measured: a spike's first tenth decides for its rest.
const WINDOW: Duration = Duration::from_millis(100);

/// When what is due is looked at.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Manner {
    /// When it is due.
    Precise,
    /// At the next whole millisecond.
    Batch,
}

/// One loop's pace.
#[derive(Debug)]
pub(super) struct Pacer {
    pacing: Pacing,
    manner: Manner,
    /// When the next batch is due.
    next_tick: Time,
    window_ends: Time,
    served: u64,
}

impl Pacer {
    /// A pacer before the run's beginning. Left to itself it is precise until it has seen a rate.
    pub(super) const fn new(pacing: Pacing) -> Self {
        let manner = match pacing {
            Pacing::Auto | Pacing::Precise => Manner::Precise,
            Pacing::Batch => Manner::Batch,
        };
        Self { pacing, manner, next_tick: Time::ZERO, window_ends: Time::ZERO, served: 0 }
    }

    /// Whether at `now` arrivals and timers are served, as far as they are due. Between two batches
    /// they are not, though the loop may be awake to read answers: what is sent alone is answered
    /// alone, and costs a waking of its own.
    pub(super) fn serves(&mut self, now: Time) -> bool {
        if self.pacing == Pacing::Auto && now >= self.window_ends {
            self.choose(now);
        }
        match self.manner {
            Manner::Precise => true,
            Manner::Batch if now < self.next_tick => false,
            Manner::Batch => {
                self.next_tick = tick_after(now);
                true
            }
        }
    }

    /// Notes that so many arrivals and timers were served.
    pub(super) const fn served(&mut self, count: u64) {
        self.served += count;
    }

    /// Serves on at once: the batch was cut, and something that is due left over.
    pub(super) const fn hurry(&mut self) {
        self.next_tick = Time::ZERO;
    }

    /// When to wake for what is due at `due`.
    pub(super) fn wake(&self, due: Time) -> Time {
        match self.manner {
            Manner::Precise => due,
            Manner::Batch => {
                let tick_ns = nanos(TICK);
                let ticks = due.nanos().div_ceil(tick_ns);
                Time::from_nanos(ticks.saturating_mul(tick_ns)).max(self.next_tick)
            }
        }
    }

    /// Chooses the manner by the rate of the window that ends.
    fn choose(&mut self, now: Time) {
        // After a long sleep the window was longer, and its rate lower.
        let window = WINDOW + now.since(self.window_ends);
        let rate_per_s = u128::from(self.served) * 1_000_000_000 / window.as_nanos();
        if rate_per_s >= u128::from(BATCH_FROM_PER_S) {
            self.manner = Manner::Batch;
        } else if rate_per_s < u128::from(PRECISE_BELOW_PER_S) {
            self.manner = Manner::Precise;
        }
        self.window_ends = now + WINDOW;
        self.served = 0;
    }
}

/// The first whole tick after `now`.
fn tick_after(now: Time) -> Time {
    let tick_ns = nanos(TICK);
    Time::from_nanos((now.nanos() / tick_ns + 1).saturating_mul(tick_ns))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("a tick is short")
}

/// A timer among a loop's sockets: the poll's own timeout knows whole milliseconds only.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: OwnedFd,
    /// When it rings.
    rings: Time,
}

impl Alarm {
    /// An alarm that has not been set; its ringing is an event under `token`.
    ///
    /// # Errors
    /// When the system gives no timer.
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { timer, rings: Time::ZERO })
    }

    /// Lets it ring at `at` or before: a later ringing that is already set is brought forward, an
    /// earlier one stays, for one ringing too many costs less than a system call each time that
    /// something is put off.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn set(&mut self, at: Time, now: Time, clock: Clock) -> io::Result<()> {
        if now < self.rings && self.rings <= at {
            return Ok(());
        }
        let once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let setting = Itimerspec { it_interval: once, it_value: clock.monotonic(at) };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &setting)?;
        self.rings = at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_us(us: u64) -> Time {
        Time::from_nanos(us * 1_000)
    }

    #[test]
    fn precise_pacing_serves_always_and_wakes_when_something_is_due() {
        let mut pacer = Pacer::new(Pacing::Precise);
        for us in [0, 1, 250, 251] {
            pacer.served(1_000);
            assert!(pacer.serves(at_us(us)));
            assert_eq!(pacer.wake(at_us(us + 7)), at_us(us + 7));
        }
    }

    #[test]
    fn batch_pacing_serves_once_per_millisecond() {
        let mut pacer = Pacer::new(Pacing::Batch);
        let served: Vec<u64> =
            (0..400).map(|n| n * 10).filter(|us| pacer.serves(at_us(*us))).collect();
        assert_eq!(served, [0, 1_000, 2_000, 3_000]);
        assert_eq!(pacer.wake(at_us(4_321)), at_us(5_000));
        assert_eq!(pacer.wake(at_us(3_100)), at_us(4_000));
        assert_eq!(pacer.wake(at_us(1_100)), at_us(4_000), "the present batch has been sent");
        pacer.hurry();
        assert!(pacer.serves(at_us(3_991)), "a batch may be sent in several parts");
    }

    #[test]
    fn left_to_itself_a_loop_sends_in_batches_only_at_high_rates() {
        use Manner::{Batch, Precise};
        let mut pacer = Pacer::new(Pacing::Auto);
        let mut manners = Vec::new();
        let mut now = Time::ZERO;
        for rate_per_s in [0, 100, 4_999, 5_000, 4_500, 3_999, 50_000, 0] {
            pacer.serves(now);
            pacer.served(rate_per_s / 10);
            now += WINDOW;
            pacer.serves(now);
            manners.push(pacer.manner);
        }
        assert_eq!(manners, [Precise, Precise, Precise, Batch, Batch, Precise, Batch, Precise]);
    }

    #[test]
    fn after_a_long_sleep_the_rate_is_that_of_the_whole_sleep() {
        let mut pacer = Pacer::new(Pacing::Auto);
        pacer.serves(Time::ZERO);
        pacer.served(1_000);
        pacer.serves(Time::from_millis(10_000));
        assert_eq!(pacer.manner, Manner::Precise);
    }
}
