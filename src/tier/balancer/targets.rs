//! The targets behind a balancer: tasks that are healthy, of which new ones get less than their share at
//! first.

use std::collections::VecDeque;

use domain::time::{Duration, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a new task is healthy: `stack.balancer.health`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// How long one check is after the other: 30 s, the default of an ALB.
    pub interval: Span,
    /// How many in a row must succeed: 5, likewise.
    pub healthy: u32,
    /// How many are enough for a target that was registered just now. Left out: `healthy`; an ALB asks
    /// for one of those whose state is `initial`.
    pub initial: Option<u32>,
}

impl Default for Health {
    fn default() -> Self {
        Self { interval: Span(Duration::from_secs(30)), healthy: 5, initial: None }
    }
}

impl Health {
    /// From when a task could serve until requests are sent to it.
    pub fn takes(&self) -> Duration {
        self.interval.0.saturating_mul(self.initial.unwrap_or(self.healthy))
    }
}

/// Those that are healthy.
#[derive(Clone, Debug)]
pub struct Targets {
    slow_start: Duration,
    healthy: u32,
    /// Those that get less than their share: since when, and how many.
    slow: VecDeque<(Time, u32)>,
}

impl Targets {
    /// So many, none of them new; `slow_start` is how long a new one gets less than its share.
    pub fn new(slow_start: Duration, healthy: u32) -> Self {
        Self { slow_start, healthy, slow: VecDeque::new() }
    }

    /// So many are healthy from now on. As with an ALB, nobody starts slowly where there is none that does
    /// not.
    pub fn become_of(&mut self, at: Time, healthy: u32) {
        self.forget(at);
        match healthy.checked_sub(self.healthy) {
            Some(more) if more > 0 && self.at_full_share() > 0 && !self.slow_start.is_zero() => {
                self.slow.push_back((at, more));
            }
            Some(_) => {}
            None => self.drop_latest(self.healthy - healthy),
        }
        self.healthy = healthy;
    }

    /// How many servers get requests, of which each target has `per_target`: those of a new one in
    /// proportion to the time that it has been there.
    pub fn servers(&mut self, at: Time, per_target: u32) -> u32 {
        self.forget(at);
        let full = self.at_full_share();
        if full == 0 {
            return self.healthy.saturating_mul(per_target);
        }
        let share = |since: Time| at.since(since).as_secs_f64() / self.slow_start.as_secs_f64();
        let slow: f64 =
            self.slow.iter().map(|(since, count)| f64::from(*count) * share(*since)).sum();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of what fits 32 bits; a billionth is the arithmetic's"
        )]
        let slow = (slow * f64::from(per_target) + 1e-9) as u32;
        full.saturating_mul(per_target).saturating_add(slow)
    }

    /// Whether some get less than their share.
    pub fn are_slow(&self) -> bool {
        !self.slow.is_empty()
    }

    fn at_full_share(&self) -> u32 {
        self.healthy - self.slow.iter().map(|(_, count)| count).sum::<u32>()
    }

    /// Who has been there long enough is new no more.
    fn forget(&mut self, at: Time) {
        while self.slow.pop_front_if(|(since, _)| *since + self.slow_start <= at).is_some() {}
    }

    /// The newest go first.
    fn drop_latest(&mut self, mut fewer: u32) {
        while fewer > 0
            && let Some((_, count)) = self.slow.back_mut()
        {
            let dropped = fewer.min(*count);
            fewer -= dropped;
            *count -= dropped;
            if *count == 0 {
                self.slow.pop_back();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: u64) -> Time {
        Time::from_millis(second * 1_000)
    }

    #[test]
    fn a_new_target_of_an_alb_takes_150_s_or_30_where_one_check_is_enough() {
        assert_eq!(Health::default().takes(), Duration::from_secs(150));
        let initial = Health { initial: Some(1), ..Health::default() };
        assert_eq!(initial.takes(), Duration::from_secs(30));
    }

    #[test]
    fn a_slow_start_is_linear() {
        let mut targets = Targets::new(Duration::from_mins(1), 2);
        targets.become_of(second(100), 6);
        let servers = [100, 115, 130, 145, 159, 160].map(|at| targets.servers(second(at), 8));
        assert_eq!(servers, [16, 24, 32, 40, 47, 48]);
        assert!(!targets.are_slow());
    }

    #[test]
    fn those_that_are_new_go_first_and_nobody_is_slow_alone() {
        let mut targets = Targets::new(Duration::from_mins(1), 2);
        targets.become_of(second(0), 6);
        targets.become_of(second(30), 4);
        assert_eq!(targets.servers(second(30), 8), 16 + 8);
        targets.become_of(second(30), 1);
        assert!(!targets.are_slow());
        targets.become_of(second(40), 0);
        assert_eq!(targets.servers(second(40), 8), 0);
        // Nobody is there that could take more than its share.
        targets.become_of(second(50), 3);
        assert_eq!(targets.servers(second(50), 8), 24);
    }

    #[test]
    fn without_a_slow_start_all_serve_at_once() {
        let mut targets = Targets::new(Duration::ZERO, 2);
        targets.become_of(second(10), 6);
        assert_eq!((targets.servers(second(10), 8), targets.are_slow()), (48, false));
    }
}
