//! The limiters in front of the provider: all admit a call, or those alone are debited that count
//! whatever is offered.

mod allowances;
mod headers;
mod state;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use domain::limiter::Admission;
use domain::provider::PaymentOperation;
use domain::time::{Duration, Time};

pub use state::{ChangeError, LimitState, PlannedChange};

use crate::settings::{
    Algorithm, Change, Counts, LIMITS_MAX, Limit, Settings, Told, names, planned,
};
use allowances::{Allowances, Holder};

/// Headers that the limiters add to an answer.
pub(super) type Headers = Vec<(Cow<'static, str>, String)>;

/// All limiters of the provider, in the order they are asked.
#[derive(Debug)]
pub(super) struct Gate {
    seed: u64,
    barriers: Vec<Barrier>,
    /// How the limits will change, the next first.
    planned: VecDeque<Planned>,
    /// Whether answers to calls that pass carry headers.
    speaks: Speaks,
}

/// A change that lies ahead.
#[derive(Clone, Debug)]
struct Planned {
    at: Time,
    place: usize,
    change: Change,
}

/// Whether answers to calls that pass carry headers of limits.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Speaks {
    OfRefusals,
    Always,
}

/// One limit, and what is left of each of its allowances.
#[derive(Debug)]
struct Barrier {
    limit: Limit,
    allowances: Allowances,
    told: Arc<Told>,
}

/// What a limit said to a call: nothing if it is not about such calls.
type Said = Option<(Holder, Admission)>;

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

/// Limits of the provider, by their places in the list.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LimitSet(u32);

impl LimitSet {
    /// Whether the limit at that place is one of them.
    pub const fn contains(self, place: usize) -> bool {
        place < LIMITS_MAX && self.0 >> place & 1 == 1
    }

    /// Their places, ascending.
    pub fn places(self) -> impl Iterator<Item = usize> {
        (0..LIMITS_MAX).filter(move |place| self.contains(*place))
    }

    const fn add(&mut self, place: usize) {
        self.0 |= 1 << place;
    }
}

/// A call that the limiters let pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    /// How long it waits before it is executed.
    pub(super) delay: Duration,
    /// The limits it was debited to.
    pub(super) admitted: LimitSet,
    /// Headers that the limiters add to its answer.
    pub(super) headers: Headers,
}

/// A call that a limiter refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which limit refused it: its place in the settings' list.
    pub limit: usize,
    /// What the caller is told.
    pub told: Arc<Told>,
    /// Whether it is a matter of rates or of another call that holds the payment.
    pub reason: Reason,
    /// When to come back, where the limit that refused says so; in whole seconds, as HTTP has it.
    pub retry_after: Option<Duration>,
    /// How long it waited before it was refused.
    pub waited: Duration,
    /// The limits it was debited to all the same.
    pub admitted: LimitSet,
    /// Headers that the limiters add to the answer, but for `Retry-After`.
    pub headers: Vec<(Cow<'static, str>, String)>,
}

impl Refusal {
    /// The whole body, where it is not the API's own.
    pub fn body(&self) -> Option<String> {
        self.told.body(self.retry_after.map_or(0, |wait| wait.as_secs()))
    }
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

impl Reason {
    const fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Concurrency => Self::Concurrency,
            Algorithm::ObjectLock => Self::Lock,
            Algorithm::PenaltyBox => Self::Ban,
            _ => Self::Rate,
        }
    }
}

impl Gate {
    /// The limiters of `settings`, none of which saw a call. The settings are in range.
    pub(super) fn new(settings: &Settings) -> Self {
        let Settings { seed, limits, schedule, .. } = settings;
        let mut gate = Self {
            seed: *seed,
            barriers: Vec::new(),
            planned: VecDeque::new(),
            speaks: Speaks::OfRefusals,
        };
        gate.put(Time::ZERO, limits);
        for (number, place, _) in planned(limits, schedule) {
            let change = schedule[number].clone();
            let at = change.at.time().expect("settings in range have no instants left");
            gate.planned.push_back(Planned { at, place, change });
        }
        gate
    }

    /// Asks every limiter whether a call may pass that arrives `at` and, if it is not delayed,
    /// takes `latency` to be answered.
    pub(super) fn admit(
        &mut self,
        at: Time,
        caller: Caller<'_>,
        latency: Duration,
    ) -> Result<Passage, Refusal> {
        self.change_until(at);
        let mut said: [Said; LIMITS_MAX] = [None; LIMITS_MAX];
        let mut refused_by = None;
        for (place, barrier) in self.barriers.iter_mut().enumerate() {
            said[place] = barrier.ask(at, caller);
            if matches!(said[place], Some((_, Admission::Refuse { .. }))) {
                refused_by.get_or_insert(place);
            }
        }
        match refused_by {
            Some(place) => Err(self.refuse(at, place, &said)),
            None => Ok(self.pass(at, &said, latency)),
        }
    }

    fn pass(&mut self, at: Time, said: &[Said], latency: Duration) -> Passage {
        let delay = said.iter().flatten().map(|(_, admission)| admission.delay()).sum();
        let mut admitted = LimitSet::default();
        for (place, (barrier, said)) in self.barriers.iter_mut().zip(said).enumerate() {
            let Some((holder, _)) = said else { continue };
            barrier.allowances.of(at, *holder).take(at, at + delay + latency);
            admitted.add(place);
        }
        let headers = match self.speaks {
            Speaks::Always => self.headers(at, said),
            Speaks::OfRefusals => Vec::new(),
        };
        Passage { delay, admitted, headers }
    }

    /// The first limit that refuses decides what the caller is told; when to come back is when all
    /// of them admit.
    fn refuse(&mut self, at: Time, limit: usize, said: &[Said]) -> Refusal {
        let mut admitted = LimitSet::default();
        let mut wait = Duration::ZERO;
        for (place, (barrier, said)) in self.barriers.iter_mut().zip(said).enumerate() {
            let Some((holder, admission)) = said else { continue };
            let limiter = barrier.allowances.of(at, *holder);
            limiter.note_refusal(at);
            match (admission, barrier.limit.counts) {
                (Admission::Admit | Admission::Delay { .. }, Counts::Offered) => {
                    limiter.take(at, at + admission.delay());
                    admitted.add(place);
                }
                _ => {
                    // The refusal itself may have led into a penalty box.
                    if let Admission::Refuse { retry_after } = limiter.would_admit(at) {
                        wait = wait.max(retry_after);
                    }
                }
            }
        }
        let Barrier { limit: refusing, told, .. } = &self.barriers[limit];
        let reason = Reason::of(refusing.algorithm);
        let waited = if reason == Reason::Lock { refusing.wait() } else { Duration::ZERO };
        let retry_after = refusing.headers.say_when().then(|| in_whole_seconds(wait));
        let told = Arc::clone(told);
        let mut headers = match self.speaks {
            Speaks::Always => self.headers(at, said),
            Speaks::OfRefusals => Vec::new(),
        };
        headers.extend(self.barriers[limit].stripe_reason());
        Refusal { limit, told, reason, retry_after, waited, admitted, headers }
    }

    /// Makes the changes that are due, each exactly at its time.
    fn change_until(&mut self, at: Time) {
        while let Some(next) = self.planned.pop_front_if(|next| next.at <= at) {
            let limit = next.change.applied_to(&self.barriers[next.place].limit);
            self.barriers[next.place].change(next.at, limit);
        }
    }

    /// These limits instead of those there were; a limit that bears the name of one before keeps
    /// what was used of it.
    fn put(&mut self, at: Time, limits: &[Limit]) {
        let mut before: Vec<_> = self.barriers.drain(..).map(Some).collect();
        for ((limit, name), place) in limits.iter().zip(names(limits)).zip(0..) {
            let is_it = |known: &&mut Option<Barrier>| {
                known.as_ref().is_some_and(|known| known.told.limit == name)
            };
            let barrier = match before.iter_mut().find(is_it).and_then(Option::take) {
                Some(mut known) => {
                    known.change(at, limit.clone());
                    known
                }
                None => Barrier::new(self.seed, place, limit),
            };
            self.barriers.push(barrier);
        }
        self.name_all();
    }

    /// Names the limits, of which one has changed.
    fn name_all(&mut self) {
        let limits: Vec<_> = self.barriers.iter().map(|barrier| barrier.limit.clone()).collect();
        for (barrier, name) in self.barriers.iter_mut().zip(names(&limits)) {
            barrier.told = Arc::new(barrier.limit.told(&name));
        }
        let speaks = limits.iter().any(|limit| limit.headers.are_on_every_answer());
        self.speaks = if speaks { Speaks::Always } else { Speaks::OfRefusals };
    }
}

impl Barrier {
    fn new(seed: u64, place: u32, limit: &Limit) -> Self {
        Self {
            limit: limit.clone(),
            allowances: Allowances::new(seed, place, limit),
            told: Arc::new(limit.told("")),
        }
    }

    /// What the limit says to a call, if it is about such calls.
    fn ask(&mut self, at: Time, caller: Caller<'_>) -> Said {
        if !self.limit.applies_to(caller.operation) {
            return None;
        }
        let holder = Holder::of(self.limit.scope, caller)?;
        Some((holder, self.allowances.of(at, holder).would_admit(at)))
    }

    /// Another limit from `at` on. What was used of each allowance stays used, unless others share
    /// it from now on.
    fn change(&mut self, at: Time, limit: Limit) {
        let told = limit.told(&self.told.limit);
        self.allowances.change(at, &self.limit, &limit);
        (self.limit, self.told) = (limit, Arc::new(told));
    }
}

/// The wait as a `Retry-After` header can say it: whole seconds, never too short.
fn in_whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}
