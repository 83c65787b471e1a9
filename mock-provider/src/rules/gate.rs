//! The limiters in front of the provider: all admit a call, or none is debited.

use std::borrow::Cow;
use std::collections::HashMap;

use domain::limiter::{Admission, Limiter};
use domain::provider::PaymentOperation;
use domain::time::{Duration, Time};

use crate::settings::{Limit, Scope};

/// How many allowances one limit keeps before it forgets those that are as good as new: one per
/// merchant account, and a caller may name any number of accounts.
const ALLOWANCES_MAX: usize = 10_000;

/// All limiters of the provider, in the order they are asked.
#[derive(Debug)]
pub(super) struct Gate {
    barriers: Vec<Barrier>,
}

/// One limit, and what is left of each of its allowances.
#[derive(Debug)]
struct Barrier {
    limit: Limit,
    allowances: HashMap<Holder, Limiter>,
}

/// Who shares one allowance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Holder {
    Everybody,
    Account(Box<str>),
    Operation(PaymentOperation),
}

/// A call, as the limiters see it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller<'call> {
    /// The merchant account.
    pub(super) account: &'call str,
    /// The endpoint.
    pub(super) operation: PaymentOperation,
    /// The payment it is about.
    pub(super) object: Option<u64>,
}

/// A call that the limiters let pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    /// How long it waits before it is executed.
    pub(super) delay: Duration,
    /// Headers that the limiters add to its answer.
    pub(super) headers: Vec<(Cow<'static, str>, String)>,
}

/// A call that a limiter refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which limit refused it: its place in the settings' list.
    pub limit: usize,
    /// Whether it is a matter of rates or of another call that holds the payment.
    pub reason: Reason,
    /// When to come back, where the limit that refused says so; in whole seconds, as HTTP has it.
    pub retry_after: Option<Duration>,
    /// How long it waited before it was refused.
    pub waited: Duration,
    /// Headers that the limiters add to the answer.
    pub headers: Vec<(Cow<'static, str>, String)>,
}

/// Why a limiter refuses.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Too many calls.
    Rate,
    /// Too many calls at once.
    Concurrency,
    /// Another call held the payment for too long.
    Lock,
    /// The caller was refused too often and is banned for a while.
    Ban,
}

impl Gate {
    pub(super) fn new(limits: &[Limit]) -> Self {
        let barrier = |limit: &Limit| Barrier { limit: limit.clone(), allowances: HashMap::new() };
        Self { barriers: limits.iter().map(barrier).collect() }
    }

    /// Asks every limiter whether a call may pass that arrives `at` and, if it is not delayed,
    /// takes `latency` to be answered.
    pub(super) fn admit(
        &mut self,
        at: Time,
        caller: Caller<'_>,
        latency: Duration,
    ) -> Result<Passage, Refusal> {
        let _ = (latency, caller.object);
        let mut told = None;
        let mut wait = Duration::ZERO;
        for (place, barrier) in self.barriers.iter_mut().enumerate() {
            if let Admission::Refuse { retry_after } = barrier.allowance(at, caller).would_admit(at)
            {
                told.get_or_insert((place, barrier.limit.retry_after));
                wait = wait.max(retry_after);
            }
        }
        if let Some((limit, says_when)) = told {
            let retry_after = says_when.then(|| in_whole_seconds(wait));
            let (reason, waited) = (Reason::Rate, Duration::ZERO);
            return Err(Refusal { limit, reason, retry_after, waited, headers: Vec::new() });
        }
        for barrier in &mut self.barriers {
            barrier.allowance(at, caller).take(at, at);
        }
        Ok(Passage { delay: Duration::ZERO, headers: Vec::new() })
    }
}

impl Barrier {
    fn allowance(&mut self, at: Time, caller: Caller<'_>) -> &mut Limiter {
        if self.allowances.len() >= ALLOWANCES_MAX {
            self.allowances.retain(|_, limiter| !limiter.is_rested(at));
        }
        let holder = match self.limit.scope {
            Scope::Global => Holder::Everybody,
            Scope::Key => Holder::Account(caller.account.into()),
            Scope::Endpoint => Holder::Operation(caller.operation),
        };
        self.allowances.entry(holder).or_insert_with(|| self.limit.limiter())
    }
}

/// The wait as a `Retry-After` header can say it: whole seconds, never too short.
fn in_whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Algorithm;

    fn limit(scope: Scope, rate: f64, burst: f64) -> Limit {
        let algorithm = Algorithm::TokenBucket;
        Limit { scope, algorithm, rate, burst: Some(burst), window: None, retry_after: true }
    }

    fn authorize(account: &str) -> Caller<'_> {
        Caller { account, operation: PaymentOperation::Authorize, object: None }
    }

    fn capture(account: &str) -> Caller<'_> {
        Caller { account, operation: PaymentOperation::Capture, object: Some(1) }
    }

    #[test]
    fn what_one_limit_refuses_debits_no_other() {
        let mut gate =
            Gate::new(&[limit(Scope::Global, 1.0, 3.0), limit(Scope::Endpoint, 1.0, 1.0)]);
        let mut admit = |caller| gate.admit(Time::ZERO, caller, Duration::ZERO);
        assert!(admit(authorize("a")).is_ok());
        for _ in 0..10 {
            assert!(admit(authorize("a")).is_err());
        }
        assert!(admit(capture("a")).is_ok());
    }

    #[test]
    fn scopes_share_what_they_say() {
        let refused = |scope, other| {
            let mut gate = Gate::new(&[limit(scope, 1.0, 1.0)]);
            gate.admit(Time::ZERO, authorize("a"), Duration::ZERO).unwrap();
            gate.admit(Time::ZERO, other, Duration::ZERO).is_err()
        };
        assert!(refused(Scope::Global, capture("b")));
        assert!(refused(Scope::Key, capture("a")));
        assert!(!refused(Scope::Key, authorize("b")));
        assert!(refused(Scope::Endpoint, authorize("b")));
        assert!(!refused(Scope::Endpoint, capture("a")));
    }

    #[test]
    fn the_wait_lasts_until_every_limit_admits() {
        let mut gate =
            Gate::new(&[limit(Scope::Global, 1.0, 1.0), limit(Scope::Endpoint, 0.1, 1.0)]);
        gate.admit(Time::ZERO, authorize("a"), Duration::ZERO).unwrap();
        let at = Time::from_millis(500);
        let wait = Some(Duration::from_secs(10));
        let refused = gate.admit(at, authorize("a"), Duration::ZERO).unwrap_err();
        assert_eq!(refused.retry_after, wait);
        let later = at + Duration::from_secs(10);
        assert!(gate.admit(later, authorize("a"), Duration::ZERO).is_ok());
    }

    #[test]
    fn accounts_that_rest_are_forgotten() {
        let mut gate = Gate::new(&[limit(Scope::Key, 1.0, 1.0)]);
        for (number, at) in (0..2 * ALLOWANCES_MAX).zip((0..).step_by(10)) {
            let account = number.to_string();
            gate.admit(Time::from_millis(at), authorize(&account), Duration::ZERO).unwrap();
        }
        assert!(gate.barriers[0].allowances.len() <= ALLOWANCES_MAX);
    }
}
