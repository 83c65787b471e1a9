//! The limiters in front of the provider: all admit a call, or none is debited.

use std::collections::HashMap;

use domain::limiter::{Admission, Limiter};
use domain::provider::{PaymentOperation, PaymentRequest};
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
    Account(String),
    Operation(PaymentOperation),
}

/// A call that a limiter refused.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// When to come back, where the limit that refused says so; in whole seconds, as HTTP has it.
    pub(super) retry_after: Option<Duration>,
}

impl Gate {
    pub(super) fn new(limits: &[Limit]) -> Self {
        let barrier = |limit: &Limit| Barrier { limit: limit.clone(), allowances: HashMap::new() };
        Self { barriers: limits.iter().map(barrier).collect() }
    }

    /// Debits every limiter, or none: then the first that refuses decides what the caller is told.
    pub(super) fn admit(&mut self, at: Time, request: &PaymentRequest) -> Result<(), Refusal> {
        let mut told = None;
        let mut wait = Duration::ZERO;
        for barrier in &mut self.barriers {
            if let Admission::Refuse { retry_after } =
                barrier.allowance(at, request).would_admit(at)
            {
                told.get_or_insert(barrier.limit.retry_after);
                wait = wait.max(retry_after);
            }
        }
        if let Some(says_when) = told {
            return Err(Refusal { retry_after: says_when.then(|| in_whole_seconds(wait)) });
        }
        for barrier in &mut self.barriers {
            barrier.allowance(at, request).take(at, at);
        }
        Ok(())
    }
}

impl Barrier {
    fn allowance(&mut self, at: Time, request: &PaymentRequest) -> &mut Limiter {
        if self.allowances.len() >= ALLOWANCES_MAX {
            self.allowances.retain(|_, limiter| !limiter.is_rested(at));
        }
        let holder = match self.limit.scope {
            Scope::Global => Holder::Everybody,
            Scope::Key => Holder::Account(request.account.clone()),
            Scope::Endpoint => Holder::Operation(request.call.operation()),
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
    use domain::money::Amount;
    use domain::provider::Call;

    use super::*;
    use crate::settings::Algorithm;

    fn limit(scope: Scope, rate: f64, burst: f64) -> Limit {
        let algorithm = Algorithm::TokenBucket;
        Limit { scope, algorithm, rate, burst: Some(burst), window: None, retry_after: true }
    }

    fn authorize(account: &str) -> PaymentRequest {
        PaymentRequest {
            account: account.to_owned(),
            reference: "0-417".to_owned(),
            key: "0-417-0".to_owned(),
            call: Call::Authorize { amount: Amount::new(4_500), card: 0 },
        }
    }

    fn capture(account: &str) -> PaymentRequest {
        let authorization = domain::id::AuthorizationId(1);
        let call = Call::Capture { authorization, amount: Amount::new(4_500) };
        PaymentRequest { call, ..authorize(account) }
    }

    #[test]
    fn what_one_limit_refuses_debits_no_other() {
        let mut gate =
            Gate::new(&[limit(Scope::Global, 1.0, 3.0), limit(Scope::Endpoint, 1.0, 1.0)]);
        assert!(gate.admit(Time::ZERO, &authorize("a")).is_ok());
        for _ in 0..10 {
            assert!(gate.admit(Time::ZERO, &authorize("a")).is_err());
        }
        assert!(gate.admit(Time::ZERO, &capture("a")).is_ok());
    }

    #[test]
    fn scopes_share_what_they_say() {
        let refused = |scope, other: PaymentRequest| {
            let mut gate = Gate::new(&[limit(scope, 1.0, 1.0)]);
            gate.admit(Time::ZERO, &authorize("a")).unwrap();
            gate.admit(Time::ZERO, &other).is_err()
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
        gate.admit(Time::ZERO, &authorize("a")).unwrap();
        let at = Time::from_millis(500);
        let retry_after = Some(Duration::from_secs(10));
        assert_eq!(gate.admit(at, &authorize("a")), Err(Refusal { retry_after }));
        assert_eq!(gate.admit(at + Duration::from_secs(10), &authorize("a")), Ok(()));
    }

    #[test]
    fn accounts_that_rest_are_forgotten() {
        let mut gate = Gate::new(&[limit(Scope::Key, 1.0, 1.0)]);
        for (number, at) in (0..2 * ALLOWANCES_MAX).zip((0..).step_by(10)) {
            gate.admit(Time::from_millis(at), &authorize(&number.to_string())).unwrap();
        }
        assert!(gate.barriers[0].allowances.len() <= ALLOWANCES_MAX);
    }
}
