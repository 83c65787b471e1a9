//! What is wrong with a limit.

use domain::limiter::{ALLOWANCE_MAX, CALLS_REMEMBERED_MAX};
use domain::time::{Duration, Span};

use super::{Algorithm, Counts, Limit, Scope, names};
use crate::settings::problem::Problem;

/// The largest share by which an allowance may be off: beyond it, it is another limit.
const ERROR_MAX: f64 = 0.5;

/// How many limiters a provider may have: each is asked at each call.
pub(crate) const LIMITS_MAX: usize = 16;

/// All that is wrong with `limits`, in the order of the list and its keys.
pub(in crate::settings) fn check(limits: &[Limit]) -> Vec<Problem> {
    let mut problems = Vec::new();
    if limits.len() > LIMITS_MAX {
        let message = format!("{} limits: at most {LIMITS_MAX}", limits.len());
        problems.push(Problem::new("limits", message));
    }
    for (place, limit) in limits.iter().enumerate() {
        let named_before = limits[..place].iter().any(|other| other.name == limit.name);
        if let Some(name) = limit.name.as_ref().filter(|_| named_before) {
            let message = format!("`{name}` is the name of a limit before");
            problems.push(Problem::new(format!("limits.{place}.name"), message));
        }
        problems.extend(limit.check(&format!("limits.{place}")));
    }
    debug_assert_eq!(names(limits).len(), limits.len(), "each limit has a name");
    problems
}

/// A parameter and whether an algorithm has it.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Wants {
    It,
    Perhaps,
    Not,
}

impl Algorithm {
    /// The parameters it has, and whether they may be left out.
    const fn parameters(self) -> &'static [(&'static str, Wants)] {
        match self {
            Self::TokenBucket | Self::Gcra | Self::LeakyQueue => {
                &[("rate", Wants::It), ("burst", Wants::Perhaps)]
            }
            Self::FixedWindow | Self::SlidingLog | Self::SlidingCounter => {
                &[("rate", Wants::It), ("window", Wants::Perhaps)]
            }
            Self::Concurrency => &[("calls", Wants::It)],
            Self::ObjectLock => &[("wait", Wants::It)],
            Self::PenaltyBox => {
                &[("refusals", Wants::It), ("window", Wants::It), ("ban", Wants::It)]
            }
        }
    }

    fn wants(self, parameter: &str) -> Wants {
        let mut parameters = self.parameters().iter();
        parameters.find(|(name, _)| *name == parameter).map_or(Wants::Not, |(_, wants)| *wants)
    }

    /// Its parameters, as a sentence lists them.
    fn all_parameters(self) -> String {
        let names: Vec<_> = self.parameters().iter().map(|(name, _)| format!("`{name}`")).collect();
        names.join(", ")
    }
}

/// What is wrong with one limit so far.
struct Checked<'limit> {
    limit: &'limit Limit,
    place: &'limit str,
    problems: Vec<Problem>,
}

impl Limit {
    /// What is out of range; `place` is where the limit stands, such as `limits.0`.
    pub(in crate::settings) fn check(&self, place: &str) -> Vec<Problem> {
        let mut checked = Checked { limit: self, place, problems: Vec::new() };
        checked.name();
        checked.operations();
        checked.parameters();
        checked.ranges();
        checked.rest();
        checked.problems
    }

    fn given(&self) -> [(&'static str, bool); 7] {
        [
            ("rate", self.rate.is_some()),
            ("burst", self.burst.is_some()),
            ("window", self.window.is_some()),
            ("calls", self.calls.is_some()),
            ("wait", self.wait.is_some()),
            ("refusals", self.refusals.is_some()),
            ("ban", self.ban.is_some()),
        ]
    }
}

impl Checked<'_> {
    fn report(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(format!("{}.{key}", self.place), message));
    }

    fn name(&mut self) {
        let Some(name) = &self.limit.name else { return };
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        if !(begins && name.len() <= 64 && name.bytes().all(known)) {
            let message =
                format!("`{name}`: must be a letter, then up to 63 of letters, digits, - _ .");
            self.report("name", message);
        }
    }

    fn operations(&mut self) {
        if self.limit.scope == Scope::Zone && self.limit.operations.is_empty() {
            self.report("operations", "missing: a zone is the operations that are named");
        }
    }

    fn parameters(&mut self) {
        let algorithm = self.limit.algorithm;
        let word = algorithm.word();
        for (key, given) in self.limit.given() {
            match algorithm.wants(key) {
                Wants::It if !given => {
                    let message = format!("missing: `{word}` has {}", algorithm.all_parameters());
                    self.report(key, message);
                }
                Wants::Not if given => {
                    let all = algorithm.all_parameters();
                    self.report(key, format!("`{word}` has no `{key}`: it has {all}"));
                }
                _ => {}
            }
        }
    }

    fn has(&self, key: &str) -> bool {
        self.limit.algorithm.wants(key) != Wants::Not
    }

    fn ranges(&mut self) {
        let Limit { rate, burst, algorithm, .. } = *self.limit;
        if let Some(rate) = rate.filter(|_| self.has("rate")) {
            if rate > 0.0 && rate <= ALLOWANCE_MAX {
                self.calls_per_window(rate);
            } else {
                let message = "calls per second: must be above 0 and at most 1e9";
                self.report("rate", format!("{rate} {message}"));
            }
        }
        let least = if algorithm == Algorithm::LeakyQueue { 0.0 } else { 1.0 };
        let out_of_range = |burst: &f64| !(least..=ALLOWANCE_MAX).contains(burst);
        if let Some(burst) = burst.filter(out_of_range).filter(|_| self.has("burst")) {
            self.report("burst", format!("{burst} calls at once: must be from {least} to 1e9"));
        }
        for (key, count) in [("calls", self.limit.calls), ("refusals", self.limit.refusals)] {
            let out_of_range =
                |count: &u32| !(1..=CALLS_REMEMBERED_MAX).contains(&u64::from(*count));
            if let Some(count) = count.filter(out_of_range).filter(|_| self.has(key)) {
                self.report(key, format!("{count}: must be from 1 to {CALLS_REMEMBERED_MAX}"));
            }
        }
        for (key, span) in [("window", self.limit.window), ("ban", self.limit.ban)] {
            if span == Some(Span(Duration::ZERO)) && self.has(key) {
                self.report(key, "must be longer than 0s");
            }
        }
    }

    /// What a window has room for; `rate` is in range.
    fn calls_per_window(&mut self, rate: f64) {
        let window = self.limit.window();
        if !self.limit.algorithm.counts_windows() || window.is_zero() {
            return;
        }
        let calls = rate * window.as_secs_f64();
        let window = Span(window);
        // A billionth less than one call is a matter of binary fractions.
        if calls < 1.0 - 1e-9 {
            let message = format!("{rate} calls per second leave no call for a window of {window}");
            self.report("window", message);
        } else if self.limit.algorithm == Algorithm::SlidingLog
            && calls >= CALLS_REMEMBERED_MAX as f64 + 1.0
        {
            let message = format!(
                "{rate} calls per second in {window}: a sliding-log remembers at most \
                 {CALLS_REMEMBERED_MAX} calls"
            );
            self.report("window", message);
        }
    }

    fn rest(&mut self) {
        let word = self.limit.algorithm.word();
        let has_allowance = self.has("rate") || self.has("calls");
        match self.limit.error {
            Some(_) if !has_allowance => {
                self.report("error", format!("`{word}` has no allowance that could be off"));
            }
            Some(error) if !(0.0..=ERROR_MAX).contains(&error) => {
                self.report("error", format!("{error}: must be from 0 to {ERROR_MAX}"));
            }
            _ => {}
        }
        if self.limit.counts == Counts::Offered && !self.has("rate") {
            let message = format!("`{word}` counts no calls: one that is refused holds nothing");
            self.report("counts", message);
        }
        let status = self.limit.refusal.status;
        if let Some(status) = status.filter(|status| !(200..=599).contains(status)) {
            self.report("refusal.status", format!("{status}: must be from 200 to 599"));
        }
        self.headers();
    }

    fn headers(&mut self) {
        let limit = self.limit;
        for names in limit.headers.vendor() {
            let named =
                [("remaining", &names.remaining), ("limit", &names.limit), ("reset", &names.reset)];
            if named.iter().all(|(_, name)| name.is_none()) {
                self.report("headers.vendor", "names no header: `remaining`, `limit`, `reset`");
            }
            for (key, name) in named {
                if let Some(name) = name.as_ref().filter(|name| !is_header_name(name)) {
                    let message = format!("`{name}`: no name of a header");
                    self.report(&format!("headers.vendor.{key}"), message);
                }
            }
        }
    }
}

/// A token of RFC 9110, section 5.6.2, of at most 64 letters.
fn is_header_name(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(known)
}
