//! Breaks a run off for the shop's sake: when too much of what it answers are failures of its own,
//! when more is sent than its owner allows, or when somebody puts a certain file in place.

use std::collections::VecDeque;
use std::path::PathBuf;

use domain::time::{Duration, Time};
use serde::{Deserialize, Serialize};

/// How many answers there must be before a share of them means anything.
const ANSWERS_MIN: u64 = 20;

/// The time over which a rate is taken: a storm has bursts.
const RATE_SPAN: Duration = Duration::from_secs(1);

/// How often the loops look at most; older counts than are needed are forgotten.
const LOOKS_MAX: usize = 4_096;

/// When a run is broken off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// The share of answers of 5xx in all answers within [`Limits::within`]; absent: any.
    pub server_errors: Option<f64>,
    /// The time over which that share is taken.
    pub within: Duration,
    /// Requests per second; absent: any.
    pub requests_per_s: Option<f64>,
    /// A file whose appearance ends the run.
    pub kill_file: Option<PathBuf>,
}

/// What was counted since the beginning.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Requests sent.
    pub(super) requests: u64,
    /// Answers that came.
    pub(super) answers: u64,
    /// Those of them with a status of 5xx.
    pub(super) server_errors: u64,
}

impl Seen {
    /// Counts an answer of that status.
    pub(super) fn answer(&mut self, status: Option<u16>) {
        self.answers += 1;
        self.server_errors += u64::from(status.is_some_and(|status| status >= 500));
    }

    /// Both together.
    pub(super) const fn and(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            answers: self.answers + other.answers,
            server_errors: self.server_errors + other.server_errors,
        }
    }
}

/// Looks at what was counted, and says when it is enough.
#[derive(Debug)]
pub(super) struct Guard {
    limits: Limits,
    /// What had been counted when, oldest first.
    looks: VecDeque<(Time, Seen)>,
}

impl Guard {
    /// A guard over `limits`.
    pub(super) const fn new(limits: Limits) -> Self {
        Self { limits, looks: VecDeque::new() }
    }

    /// Why the run is to be broken off, now that `seen` has been counted up to `at`.
    pub(super) fn look(&mut self, at: Time, seen: Seen) -> Option<String> {
        if self.looks.back().is_none_or(|(_, latest)| *latest != seen) {
            self.looks.push_back((at, seen));
        }
        let needed = at.before(self.limits.within.max(RATE_SPAN) * 2);
        while self.looks.len() > LOOKS_MAX || self.looks.front().is_some_and(|(at, _)| *at < needed)
        {
            self.looks.pop_front();
        }
        self.server_errors(at, seen).or_else(|| self.rate(at, seen)).or_else(|| self.killed())
    }

    fn server_errors(&self, at: Time, seen: Seen) -> Option<String> {
        let limit = self.limits.server_errors?;
        let (_, before) = self.seen_before(at.before(self.limits.within));
        let answers = seen.answers - before.answers;
        let failed = seen.server_errors - before.server_errors;
        let is_too_much = answers >= ANSWERS_MIN && failed as f64 > limit * answers as f64;
        is_too_much.then(|| {
            format!(
                "{failed} of {answers} answers within {} s were failures of the shop (5xx), and \
                 {limit} of 1 are borne",
                self.limits.within.as_secs_f64()
            )
        })
    }

    fn rate(&self, at: Time, seen: Seen) -> Option<String> {
        let limit = self.limits.requests_per_s?;
        let (since, before) = self.seen_before(at.before(RATE_SPAN));
        let span_s = at.since(since).as_secs_f64();
        let rate = (seen.requests - before.requests) as f64 / span_s.max(RATE_SPAN.as_secs_f64());
        (rate > limit)
            .then(|| format!("{rate:.0} requests were sent per second, and {limit} are allowed"))
    }

    fn killed(&self) -> Option<String> {
        let file = self.limits.kill_file.as_ref()?;
        file.exists().then(|| format!("there is a file {}", file.display()))
    }

    /// The latest look up to then, and what had been counted; before all looks it is nothing.
    fn seen_before(&self, at: Time) -> (Time, Seen) {
        let before = self.looks.iter().take_while(|(looked, _)| *looked <= at).last();
        before.copied().unwrap_or((Time::ZERO, Seen::default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(requests: u64, answers: u64, server_errors: u64) -> Seen {
        Seen { requests, answers, server_errors }
    }

    fn at(milliseconds: u64) -> Time {
        Time::from_millis(milliseconds)
    }

    #[test]
    fn a_share_of_failures_breaks_a_run_off_and_an_old_one_does_not() {
        let within = Duration::from_secs(5);
        let limits = Limits { server_errors: Some(0.5), within, ..Limits::default() };
        let mut guard = Guard::new(limits.clone());
        assert_eq!(guard.look(at(1_000), seen(19, 19, 19)), None, "too few to mean anything");
        let told = guard.look(at(2_000), seen(40, 40, 30)).unwrap();
        assert!(told.starts_with("30 of 40 answers within 5 s were failures"), "{told}");

        let mut guard = Guard::new(limits);
        assert_eq!(guard.look(at(1_000), seen(100, 100, 50)), None, "half of them are borne");
        assert_eq!(guard.look(at(7_000), seen(200, 200, 99)), None);
        assert!(guard.look(at(7_100), seen(230, 230, 129)).is_some());
    }

    #[test]
    fn more_than_is_allowed_within_a_second_breaks_a_run_off() {
        let limits = Limits { requests_per_s: Some(100.0), ..Limits::default() };
        let mut guard = Guard::new(limits);
        for second in 1..10 {
            assert_eq!(guard.look(at(second * 1_000), seen(second * 100, 0, 0)), None);
        }
        let told = guard.look(at(9_500), seen(1_001, 0, 0)).unwrap();
        assert_eq!(told, "134 requests were sent per second, and 100 are allowed");
    }

    #[test]
    fn a_file_put_in_place_breaks_a_run_off() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("stop");
        let limits = Limits { kill_file: Some(file.clone()), ..Limits::default() };
        let mut guard = Guard::new(limits);
        assert_eq!(guard.look(at(1_000), Seen::default()), None);
        std::fs::write(&file, "").unwrap();
        let told = guard.look(at(1_001), Seen::default()).unwrap();
        assert!(told.contains(&file.display().to_string()), "{told}");
    }

    #[test]
    fn without_limits_nothing_is_broken_off() {
        let mut guard = Guard::new(Limits::default());
        assert_eq!(guard.look(at(1_000), seen(u64::MAX, u64::MAX, u64::MAX)), None);
    }
}
