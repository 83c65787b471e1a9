//! The provider's rules as a pure machine: one call in, one decision out, time as an argument.
//!
//! A call first meets the limiters, then the idempotency layer, then the operation. Invariants: a
//! key takes effect at most once; no payment takes more than it reserved or gives back more than
//! it took; the ledger lines, read in order, give the state. Its memory grows with the open
//! authorizations; what is finished is remembered for a while, and never more than a fixed number.

mod book;
pub mod card;
mod companion;
pub mod directory;
mod due;
pub mod event;
mod execute;
mod fate;
mod gate;
mod idempotency;
pub mod intent;
mod line;
mod payer;
pub mod reply;
pub mod request;
pub mod webhook;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use domain::id::AuthorizationId;
use domain::money::Amount;
use domain::provider::{PaymentOutcome, PaymentRequest};
use domain::time::{Duration, Time};

pub use event::Events;
pub use gate::{ChangeError, LimitSet, LimitState, PlannedChange, Reason, Refusal};
pub use intent::{Answer, Intent, Status};
pub use reply::{Decision, Delivery, Fault, Reply};
pub use request::{Call, Face, Request};

use crate::settings::{Limit, Settings};
use book::Book;
use directory::Directory;
use due::Due;
use fate::{Mishap, Subject, Tries};
use gate::{Caller, Effect, Gate, Passage, Takes};
use idempotency::{Executed, Known, Store};
use line::{Draft, Matter};
use webhook::{Dispatcher, Tally};

/// The provider: payments, idempotency keys and limiters.
#[derive(Debug)]
pub struct Provider {
    settings: Settings,
    gate: Gate,
    executed: Store,
    book: Book,
    directory: Directory,
    events: Events,
    dispatcher: Dispatcher,
    /// The newest event whose messages are planned.
    dispatched: u64,
    tries: Tries,
    due: Due,
    /// When the answers under way leave, the next first.
    leaving: BinaryHeap<Reverse<Time>>,
    last_leaves: Time,
    calls: u64,
    refused: u64,
}

/// How many calls there were, and what is remembered.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// All calls, whatever became of them.
    pub calls: u64,
    /// Those that a limiter refused.
    pub refused: u64,
    /// Those whose answer has not left yet; one that hangs counts as long as its answer would
    /// have taken.
    pub pending: u64,
    /// Payments whose money is reserved.
    pub open: u64,
    /// Payments that are remembered.
    pub payments: u64,
    /// Idempotency keys that are remembered.
    pub keys: u64,
    /// How messages to merchants fared.
    pub webhooks: Tally,
}

/// An instant, in the run's time and in UTC.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Now {
    at: Time,
    utc_ns: u64,
    /// The number of the call under way; none when something falls due by itself.
    call: Option<u64>,
}

impl Provider {
    /// A provider without any payment.
    ///
    /// # Panics
    /// When a limit is out of range: when [`Settings::check`] finds something.
    pub fn new(settings: Settings) -> Self {
        Self {
            gate: Gate::new(&settings),
            executed: Store::new(settings.keys.kept.0),
            book: Book::default(),
            directory: Directory::default(),
            events: Events::default(),
            dispatcher: Dispatcher::new(settings.seed, settings.webhooks.clone()),
            dispatched: 0,
            tries: Tries::default(),
            due: Due::default(),
            leaving: BinaryHeap::new(),
            last_leaves: Time::ZERO,
            calls: 0,
            refused: 0,
            settings,
        }
    }

    /// Decides a shop's call in the words that all providers share: see [`Provider::handle`].
    pub fn call(&mut self, at: Time, utc_ns: u64, request: &PaymentRequest) -> Decision {
        self.handle(at, utc_ns, &Request::from(request))
    }

    /// Decides a call that arrives `at`; `utc_ns` is the same instant in UTC \[ns\], for the
    /// ledger.
    ///
    /// It takes effect at that instant; only its answer takes time. A line's `told` is what is
    /// sent off: whether it arrives, the provider cannot know.
    pub fn handle(&mut self, at: Time, utc_ns: u64, request: &Request<'_>) -> Decision {
        let mut lines = self.settle(at, utc_ns);
        let call = Some(self.calls + 1);
        let mut decision = self.decide(Now { at, utc_ns, call }, request);
        self.dispatch(at, at + decision.delay);
        lines.append(&mut decision.lines);
        Decision { lines, ..decision }
    }

    fn decide(&mut self, now: Now, request: &Request<'_>) -> Decision {
        self.calls += 1;
        let operation = request.call.operation(request.face);
        let matter = self.matter_of(request);
        let known = matter.intent.as_ref().map_or("", |intent| &*intent.reference);
        let name = [request.reference, known, request.key.unwrap_or_default()]
            .into_iter()
            .find(|name| !name.is_empty())
            .map_or_else(|| self.unnamed(&request.call).into(), Cow::Borrowed);
        let subject = self.tries.subject(request.account, &name, operation);
        let draft = Draft::new(now, request, matter);
        let latency = subject.latency(&self.settings, now.at, request.call.authorizes());
        let round_trip = subject.round_trip(&self.settings);
        let known = self.executed.look_up(now.at, request);
        // What is known, or still under way, is told at once and changes nothing.
        let is_garbled = matches!(request.call, Call::Garbled { .. });
        let (effect, mishap, work) = match known {
            Known::New if !is_garbled => {
                (Effect::Executes, subject.mishap(&self.settings, now.at), latency)
            }
            _ => (Effect::Nothing, None, round_trip),
        };
        let answer = match mishap {
            Some(Mishap::SlowBody(over)) => work + over,
            _ => work,
        };
        let object = request.call.intent();
        let caller = Caller { account: request.account, operation, object, effect };
        let passage = match self.gate.admit(now.at, caller, Takes { work, answer }) {
            Ok(passage) => passage,
            Err(refusal) => {
                self.refused += 1;
                let refused = draft.refuse(round_trip, refusal);
                return Decision { call: self.calls, ..refused };
            }
        };
        let round_trip = passage.delay + round_trip;
        let mut decision = match known {
            Known::UnderWay => draft.turn_away(round_trip, Reply::InFlight),
            Known::Reused => draft.turn_away(round_trip, Reply::KeyReused),
            Known::Executed(first) => draft.replay(round_trip, first),
            Known::New if is_garbled => draft.turn_away(round_trip, Reply::Refused(Fault::Garbled)),
            Known::New => {
                let delay = passage.delay + latency;
                self.execute(now, request, (subject, mishap), draft, delay)
            }
        };
        let Passage { admitted, headers, .. } = passage;
        (decision.admitted, decision.headers) = (admitted, headers);
        decision.call = self.calls;
        decision
    }

    /// Carries out a call that is new, unless something goes wrong first.
    fn execute(
        &mut self,
        now: Now,
        request: &Request<'_>,
        (subject, mishap): (Subject, Option<Mishap>),
        draft: Draft<'_>,
        delay: Duration,
    ) -> Decision {
        if mishap.is_some_and(|mishap| !matches!(mishap, Mishap::SlowBody(_))) {
            self.tries.note(subject);
        }
        let leaves = now.at + delay;
        self.under_way(now.at, leaves);
        match mishap {
            Some(Mishap::ResetBeforeCommit) => return draft.lose(delay, Delivery::Reset),
            Some(Mishap::TimeoutBeforeCommit) => return draft.lose(delay, Delivery::Never),
            _ => {}
        }
        let (outcome, reply, payment) = match mishap {
            Some(Mishap::FailThenRollBack) => (PaymentOutcome::Failed, Reply::Failed, None),
            _ => self.perform(now, request),
        };
        let draft = draft.about(payment);
        let kept = match mishap {
            Some(Mishap::CommitThenFail) => Reply::Failed,
            _ => reply,
        };
        let companions = self.companions(request, &kept);
        let executed = Executed {
            fingerprint: request.fingerprint,
            call: self.calls,
            companions: companions.clone(),
            reply: kept.clone(),
            outcome,
            payment: draft.payment(),
            stands: draft.stands(&kept),
            leaves,
        };
        if !request.call.only_reads() && !kept.is_about_words() {
            self.executed.keep(now.at, request, executed);
        }
        let (delivery, told) = match mishap {
            Some(Mishap::CommitThenTimeout) => (Delivery::Never, PaymentOutcome::Silence),
            Some(Mishap::CommitThenReset) => (Delivery::Reset, PaymentOutcome::Silence),
            Some(Mishap::CommitThenFail) => (Delivery::Whole, PaymentOutcome::Failed),
            Some(Mishap::SlowBody(over)) => (Delivery::Slow(over), outcome),
            _ => (Delivery::Whole, outcome),
        };
        Decision { companions, delivery, ..draft.decide(delay, kept, outcome, told) }
    }

    /// A payment, if it is remembered.
    pub fn intent(&self, number: u64) -> Option<&Arc<Intent>> {
        self.book.get(number)
    }

    /// The payment that the account made for that order through the gateway face.
    pub fn order(&self, account: &str, reference: &str) -> Option<u64> {
        self.book.order(account, reference)
    }

    /// A payment by the name it has as an authorization.
    pub fn authorization(&self, id: AuthorizationId) -> Option<&Arc<Intent>> {
        self.intent(id.0)
    }

    /// The newest events.
    pub const fn events(&self) -> &Events {
        &self.events
    }

    /// The messages to merchants.
    pub const fn webhooks(&self) -> &Dispatcher {
        &self.dispatcher
    }

    /// The messages to merchants, for whoever sends them.
    pub const fn webhooks_mut(&mut self) -> &mut Dispatcher {
        &mut self.dispatcher
    }

    /// Plans the messages about what happened `at` that time; the answer to the call that caused
    /// it leaves at `answered`.
    fn dispatch(&mut self, at: Time, answered: Time) {
        for event in self.events.after(self.dispatched) {
            self.dispatcher.note(event, at, answered);
        }
        self.dispatched = self.events.made();
    }

    /// How many authorizations are neither captured nor voided.
    pub const fn open_authorizations(&self) -> u64 {
        self.book.open()
    }

    /// How many calls there were, and how many are under way `at` that time.
    pub fn counts(&mut self, at: Time) -> Counts {
        self.forget_what_left(at);
        Counts {
            calls: self.calls,
            refused: self.refused,
            pending: self.leaving.len() as u64,
            open: self.book.open(),
            payments: self.book.len() as u64,
            keys: self.executed.len() as u64,
            webhooks: self.dispatcher.tally(),
        }
    }

    /// When the last of the answers under way leaves; [`Time::ZERO`] before the first.
    pub const fn last_answer_leaves(&self) -> Time {
        self.last_leaves
    }

    /// The limits as they stand `at` that time, in the order they are asked.
    pub fn limits(&mut self, at: Time) -> Vec<LimitState> {
        self.gate.states(at)
    }

    /// The changes of limits that lie ahead, the next first.
    pub fn planned_changes(&self) -> Vec<PlannedChange> {
        self.gate.planned()
    }

    /// Replaces all limits from `at` on. A limit that bears the name of one before keeps what was
    /// used of it; what is left of the schedule ends.
    ///
    /// # Errors
    /// When a limit is out of range; then nothing changes.
    pub fn replace_limits(&mut self, at: Time, limits: &[Limit]) -> Result<(), ChangeError> {
        self.gate.replace(at, limits)?;
        self.settings.limits = self.gate.limits();
        Ok(())
    }

    /// Changes the limit of that name or place from `at` on by a JSON merge patch (RFC 7396).
    /// What was used of it stays used, unless others share it from now on; what the schedule says
    /// later still comes.
    ///
    /// # Errors
    /// When there is no such limit, or it would be out of range; then nothing changes.
    pub fn change_limit(
        &mut self,
        at: Time,
        name: &str,
        patch: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<(), ChangeError> {
        self.gate.patch(at, name, patch)?;
        self.settings.limits = self.gate.limits();
        Ok(())
    }

    /// The settings it obeys; of the limits, what the last change by hand left, before the
    /// schedule.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whose fate a call meets that names neither an order nor a key: that of the payment, or of
    /// the call itself.
    fn unnamed(&self, call: &Call) -> String {
        match (call, call.intent()) {
            (_, Some(number)) => line::unnamed(number),
            (Call::Create(_), None) => line::unnamed(self.book.next()),
            _ => format!("call {}", self.calls),
        }
    }

    /// The payment that a call is about, and the money.
    fn matter_of(&self, request: &Request<'_>) -> Matter {
        let Some(number) = request.call.intent() else {
            let amount = match &request.call {
                Call::Create(new) => new.amount,
                _ => Amount::ZERO,
            };
            return Matter { intent: None, number: None, amount };
        };
        let intent = self.book.of(request.account, number).ok().cloned();
        let amount = match (&request.call, &intent) {
            (Call::Capture { amount: Some(amount), .. }, _) => *amount,
            (Call::Capture { amount: None, .. }, Some(intent)) => intent.capturable,
            (Call::Refund(new), _) if new.amount.is_some() => new.amount.unwrap_or_default(),
            (Call::Refund(_), Some(intent)) => intent.received.less(intent.refunded),
            (_, Some(intent)) => intent.amount,
            (_, None) => Amount::ZERO,
        };
        Matter { intent, number: Some(number), amount }
    }

    fn under_way(&mut self, at: Time, leaves: Time) {
        self.forget_what_left(at);
        self.leaving.push(Reverse(leaves));
        self.last_leaves = self.last_leaves.max(leaves);
    }

    fn forget_what_left(&mut self, at: Time) {
        while self.leaving.peek().is_some_and(|Reverse(leaves)| *leaves <= at) {
            self.leaving.pop();
        }
    }
}
