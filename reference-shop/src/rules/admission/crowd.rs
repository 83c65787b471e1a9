//! Those who found the gate closed: how long each is asked to wait.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use domain::draw::{Purpose, draw};
use domain::id::FanId;
use domain::time::{Duration, Time};

/// How often the crowd together knocks for each order that is let through. With 4 knocks per
/// token, a second without any knock, which would leave tokens unused, is as good as impossible
/// (exp(−4·rate)), and the knocks themselves stay a small load.
const KNOCKS_PER_TOKEN: f64 = 4.0;

/// The shortest wait asked for \[s\]: HTTP's Retry-After counts whole seconds.
const WAIT_MIN_S: f64 = 1.0;

/// The longest wait asked for \[s\]: a fan who is told to wait longer reloads of its own accord.
const WAIT_MAX_S: f64 = 30.0;

/// Half the width of the spread around the wait, as a share of it.
const SPREAD: f64 = 0.5;

/// How many waiting fans are counted: 48 MB. Beyond, the estimate stays at this, far above the
/// longest wait.
const WAITING_MAX: usize = 1 << 20;

/// How long after the time it was given a fan still counts as coming back, beside that wait again.
const LATE: Duration = Duration::from_secs(2);

/// Who was refused and is expected back.
#[derive(Debug)]
pub(super) struct Crowd {
    seed: u64,
    /// Orders let through per second \[1/s\].
    orders_per_s: f64,
    waiting: HashMap<FanId, Waiting>,
    /// When each refusal of `waiting` is forgotten; entries that a later refusal replaced are
    /// skipped when they come up.
    forgets: BinaryHeap<Reverse<(Time, FanId)>>,
}

#[derive(Debug)]
struct Waiting {
    forgotten: Time,
    refusals: u32,
}

impl Crowd {
    /// Nobody waits.
    pub(super) fn new(orders_per_s: f64, seed: u64) -> Self {
        Self { seed, orders_per_s, waiting: HashMap::new(), forgets: BinaryHeap::new() }
    }

    /// `fan` waits no longer.
    pub(super) fn leaves(&mut self, fan: FanId) {
        self.waiting.remove(&fan);
    }

    /// How long `fan`, refused `at`, is asked to wait \[s\]: long enough that all who wait knock
    /// about [`KNOCKS_PER_TOKEN`] times per token, spread so that they do not come together.
    pub(super) fn wait_s(&mut self, at: Time, fan: FanId) -> u32 {
        self.forget(at);
        let refusals = self.waiting.get(&fan).map_or(0, |waiting| waiting.refusals);
        let others = self.waiting.len() - usize::from(self.waiting.contains_key(&fan));
        let crowd = (others + 1) as f64;
        let even = (crowd / (KNOCKS_PER_TOKEN * self.orders_per_s)).clamp(WAIT_MIN_S, WAIT_MAX_S);
        let spread = draw(self.seed, fan, Purpose::RetryAfter, refusals).uniform();
        let wait_s = whole_seconds(even * (1.0 - SPREAD + 2.0 * SPREAD * spread));
        if others < WAITING_MAX {
            let forgotten = at + Duration::from_secs(u64::from(wait_s)) * 2 + LATE;
            self.waiting.insert(fan, Waiting { forgotten, refusals: refusals.saturating_add(1) });
            self.forgets.push(Reverse((forgotten, fan)));
        }
        wait_s
    }

    /// Takes those who have not come back for those who went.
    fn forget(&mut self, at: Time) {
        while let Some(Reverse((due, fan))) = self.forgets.peek().copied() {
            if due > at {
                break;
            }
            self.forgets.pop();
            if self.waiting.get(&fan).is_some_and(|waiting| waiting.forgotten == due) {
                self.waiting.remove(&fan);
            }
        }
    }
}

/// The nearest whole number of seconds, at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of waits just before"
)]
fn whole_seconds(seconds: f64) -> u32 {
    seconds.round().clamp(WAIT_MIN_S, WAIT_MAX_S * (1.0 + SPREAD)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fan(index: u32) -> FanId {
        FanId { population: 0, index }
    }

    #[test]
    fn those_who_do_not_come_back_are_forgotten() {
        let mut crowd = Crowd::new(1.0, 7);
        for index in 1..100 {
            crowd.wait_s(Time::ZERO, fan(index));
        }
        assert_eq!(crowd.waiting.len(), 99);
        crowd.wait_s(Time::from_millis(200_000), fan(500));
        assert_eq!(crowd.waiting.len(), 1);
    }

    #[test]
    fn one_fan_who_knocks_often_is_one_fan() {
        let mut crowd = Crowd::new(1.0, 7);
        for _ in 0..100 {
            crowd.wait_s(Time::ZERO, fan(3));
        }
        assert_eq!(crowd.waiting.len(), 1);
    }
}
