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

use domain::limiter::{Admission, Limiter};
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

/// A limit that was asked about a call, and what it said.
#[derive(Debug)]
struct Asked<'gate> {
    limit: &'gate Limit,
    told: &'gate Arc<Told>,
    limiter: &'gate mut Limiter,
    admission: Admission,
}

/// What each limit said, by its place: nothing, if it is not about such calls.
type AllAsked<'gate> = [Option<Asked<'gate>>];

/// A call, as the limiters see it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller<'call> {
    /// The merchant account.
    pub(super) account: &'call str,
    /// The endpoint.
    pub(super) operation: PaymentOperation,
    /// The payment it is about.
    pub(super) object: Option<u64>,
    /// Whether it would be executed.
    pub(super) effect: Effect,
}

/// Whether a call would be executed, if it may pass.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It would.
    Executes,
    /// It repeats another, or meets one that is under way: it waits for no lock and holds none.
    Nothing,
}

/// How long a call takes once it may begin.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Takes {
    /// Until it is done: as long it holds what it changes.
    pub(super) work: Duration,
    /// Until the last byte of its answer leaves: as long it is in flight.
    pub(super) answer: Duration,
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

    /// Asks every limiter whether a call may pass that arrives `at` and `takes` so long, if it is
    /// not delayed.
    pub(super) fn admit(
        &mut self,
        at: Time,
        caller: Caller<'_>,
        takes: Takes,
    ) -> Result<Passage, Refusal> {
        self.change_until(at);
        let limits = self.barriers.len();
        let mut asked: [Option<Asked<'_>>; LIMITS_MAX] = [const { None }; LIMITS_MAX];
        let mut refused_by = None;
        for (place, barrier) in self.barriers.iter_mut().enumerate() {
            asked[place] = barrier.ask(at, caller);
            let refuses = |asked: &Asked<'_>| !asked.admission.admits();
            if refused_by.is_none() && asked[place].as_ref().is_some_and(refuses) {
                refused_by = Some(place);
            }
        }
        let asked = &mut asked[..limits];
        match refused_by {
            Some(place) => Err(refuse(at, place, asked, self.speaks)),
            None => Ok(pass(at, asked, takes, self.speaks)),
        }
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

/// Debits a call to all that admit it.
fn pass(at: Time, asked: &mut AllAsked<'_>, takes: Takes, speaks: Speaks) -> Passage {
    let delay = asked.iter().flatten().map(|asked| asked.admission.delay()).sum();
    let mut admitted = LimitSet::default();
    for (place, asked) in asked.iter_mut().enumerate() {
        if let Some(asked) = asked {
            let held = match asked.limit.algorithm {
                Algorithm::ObjectLock => takes.work,
                _ => takes.answer,
            };
            asked.limiter.take(at, at + delay + held);
            admitted.add(place);
        }
    }
    Passage { delay, admitted, headers: headers::on_every_answer(at, asked, speaks) }
}

/// The first limit that refuses decides what the caller is told; when to come back is when all of
/// them admit.
fn refuse(at: Time, place: usize, asked: &mut AllAsked<'_>, speaks: Speaks) -> Refusal {
    let mut admitted = LimitSet::default();
    let mut wait = Duration::ZERO;
    for (place, asked) in asked.iter_mut().enumerate() {
        let Some(Asked { limit, limiter, admission, .. }) = asked else { continue };
        limiter.note_refusal(at);
        if admission.admits() && limit.counts == Counts::Offered {
            limiter.take(at, at + admission.delay());
            admitted.add(place);
        }
        // The refusal itself may have used a limit up, or have led into a penalty box.
        if let Admission::Refuse { retry_after } = limiter.would_admit(at) {
            wait = wait.max(retry_after);
        }
    }
    let mut headers = headers::on_every_answer(at, asked, speaks);
    let Asked { limit, told, .. } = asked[place].as_ref().expect("a limit that refuses was asked");
    headers.extend(headers::stripe_reason(limit));
    let reason = Reason::of(limit.algorithm);
    let waited = if reason == Reason::Lock { limit.wait() } else { Duration::ZERO };
    let retry_after = limit.headers.say_when().then(|| in_whole_seconds(wait));
    let told = Arc::clone(told);
    Refusal { limit: place, told, reason, retry_after, waited, admitted, headers }
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
    fn ask(&mut self, at: Time, caller: Caller<'_>) -> Option<Asked<'_>> {
        let locks = self.limit.algorithm == Algorithm::ObjectLock;
        if !self.limit.applies_to(caller.operation) || locks && caller.effect == Effect::Nothing {
            return None;
        }
        let holder = Holder::of(self.limit.scope, caller)?;
        let limiter = self.allowances.of(at, holder);
        let admission = limiter.would_admit(at);
        Some(Asked { limit: &self.limit, told: &self.told, limiter, admission })
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
