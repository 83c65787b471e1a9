//! The gate in front of the payment: a bucket of tokens, one per new order, and the wait asked of
//! those who come while it is empty.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use domain::draw::{Purpose, draw};
use domain::id::FanId;
use domain::time::{Duration, Time};

use crate::settings::Admission as Settings;

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

/// The gate: tokens, and who was refused and is expected back.
#[derive(Debug)]
pub(super) struct Admission {
    seed: u64,
    rate_per_s: f64,
    burst: f64,
    tokens: f64,
    refilled: Time,
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

impl Admission {
    /// A gate whose bucket is full, as it is at an opening that nobody could order before.
    pub(super) fn new(settings: Settings, seed: u64) -> Self {
        let rate_per_s = settings.orders_per_second;
        let burst = settings.burst.unwrap_or_else(|| rate_per_s.max(2.0)).max(1.0);
        Self {
            seed,
            rate_per_s,
            burst,
            tokens: burst,
            refilled: Time::ZERO,
            waiting: HashMap::new(),
            forgets: BinaryHeap::new(),
        }
    }

    /// Takes a token for a new order of `fan`, if there is one. In any span of w seconds at most
    /// burst + rate · w orders pass.
    pub(super) fn admit(&mut self, at: Time, fan: FanId) -> bool {
        let refill = at.since(self.refilled).as_secs_f64() * self.rate_per_s;
        self.tokens = (self.tokens + refill).min(self.burst);
        self.refilled = self.refilled.max(at);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        self.waiting.remove(&fan);
        true
    }

    /// How long `fan`, refused `at`, is asked to wait \[s\]: long enough that all who wait knock
    /// about [`KNOCKS_PER_TOKEN`] times per token, spread so that they do not come together.
    pub(super) fn wait_s(&mut self, at: Time, fan: FanId) -> u32 {
        self.forget(at);
        let refusals = self.waiting.get(&fan).map_or(0, |waiting| waiting.refusals);
        let others = self.waiting.len() - usize::from(self.waiting.contains_key(&fan));
        let crowd = (others + 1) as f64;
        let even = (crowd / (KNOCKS_PER_TOKEN * self.rate_per_s)).clamp(WAIT_MIN_S, WAIT_MAX_S);
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
    use crate::settings::AdmissionBy;
    use proptest::prelude::*;

    fn gate(orders_per_second: f64, burst: Option<f64>) -> Admission {
        Admission::new(Settings { orders_per_second, burst, by: AdmissionBy::Memory }, 7)
    }

    fn fan(index: u32) -> FanId {
        FanId { population: 0, index }
    }

    struct Crowd {
        admitted_at: Vec<Time>,
        knocks: u32,
    }

    /// Lets `count` fans knock from `first(index)` on, each as often as it is told to.
    fn knock(gate: &mut Admission, count: u32, first: impl Fn(u32) -> Time) -> Crowd {
        let mut calendar: BinaryHeap<Reverse<(Time, u32)>> =
            (0..count).map(|index| Reverse((first(index), index))).collect();
        let mut crowd = Crowd { admitted_at: Vec::new(), knocks: 0 };
        while let Some(Reverse((at, index))) = calendar.pop() {
            crowd.knocks += 1;
            if gate.admit(at, fan(index)) {
                crowd.admitted_at.push(at);
            } else {
                let wait = Duration::from_secs(u64::from(gate.wait_s(at, fan(index))));
                calendar.push(Reverse((at + wait, index)));
            }
        }
        crowd
    }

    /// The share of the tokens that were used while a crowd of at least `left` still waited.
    fn used(crowd: &Crowd, rate_per_s: f64, left: usize) -> f64 {
        let until = crowd.admitted_at[crowd.admitted_at.len() - left];
        let passed = crowd.admitted_at.partition_point(|at| *at <= until);
        passed as f64 / (rate_per_s.max(2.0) + rate_per_s * until.seconds()).floor()
    }

    #[test]
    fn no_token_is_left_unused_while_a_crowd_waits() {
        for (rate_per_s, count, left) in
            [(45.0, 2_000, 180), (9.0, 1_400, 36), (2.0, 400, 20), (200.0, 20_000, 800)]
        {
            let spread = knock(&mut gate(rate_per_s, None), count, |index| {
                Time::from_millis(u64::from(index) * 3_000 / u64::from(count))
            });
            let at_once = knock(&mut gate(rate_per_s, None), count, |_| Time::ZERO);
            for crowd in [spread, at_once] {
                assert_eq!(crowd.admitted_at.len(), count as usize);
                let used = used(&crowd, rate_per_s, left);
                assert!(used >= 0.99, "{used} of the tokens at {rate_per_s}/s");
            }
        }
    }

    #[test]
    fn the_crowd_itself_is_not_the_storm() {
        let rate_per_s = 45.0;
        let crowd = knock(&mut gate(rate_per_s, None), 4_000, |_| Time::ZERO);
        let lasted = crowd.admitted_at.last().unwrap().seconds();
        // The first knock of each fan is its own; the others are asked for.
        let asked = f64::from(crowd.knocks - 4_000);
        assert!(asked < 6.0 * rate_per_s * lasted, "{asked} knocks in {lasted} s");
    }

    #[test]
    fn those_who_do_not_come_back_are_forgotten() {
        let mut gate = gate(1.0, Some(1.0));
        assert!(gate.admit(Time::ZERO, fan(0)));
        for index in 1..100 {
            assert!(!gate.admit(Time::ZERO, fan(index)));
            gate.wait_s(Time::ZERO, fan(index));
        }
        assert_eq!(gate.waiting.len(), 99);
        gate.wait_s(Time::from_millis(200_000), fan(500));
        assert_eq!(gate.waiting.len(), 1);
    }

    #[test]
    fn one_fan_who_knocks_often_is_one_fan() {
        let mut gate = gate(1.0, Some(1.0));
        for _ in 0..100 {
            gate.wait_s(Time::ZERO, fan(3));
        }
        assert_eq!(gate.waiting.len(), 1);
    }

    proptest! {
        #[test]
        fn in_any_window_at_most_burst_and_rate_pass(
            gaps in prop::collection::vec(0_u64..400, 1..300),
            rate_per_s in 1.0..50.0_f64,
            burst in 1.0..20.0_f64,
        ) {
            let mut gate = gate(rate_per_s, Some(burst));
            let mut at = Time::ZERO;
            let mut passed = Vec::new();
            for gap in gaps {
                at += Duration::from_millis(gap);
                if gate.admit(at, fan(0)) {
                    passed.push(at);
                }
            }
            for (first, from) in passed.iter().enumerate() {
                for (last, to) in passed.iter().enumerate().skip(first) {
                    let bound = burst + rate_per_s * (*to - *from).as_secs_f64();
                    prop_assert!((last - first + 1) as f64 <= bound + 1e-6);
                }
            }
        }
    }
}
