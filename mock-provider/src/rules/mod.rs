//! The provider's rules as a pure machine: one call in, one decision out, time as an argument.
//!
//! [`Provider::handle`] takes a call through its layers, in this order; each may end it:
//!
//! 1. **What falls due** (`due`) happens first, each at its own instant: cardholders answer,
//!    reserved money is let go. It may also be asked for alone: [`Provider::settle`].
//! 2. **The limiters** (`gate`), by the schedule as it stands by then. All admit the call, or it is
//!    refused: nothing is executed, and nothing is kept under its key.
//! 3. **The idempotency layer** (`idempotency`). A key that is known is answered with its first
//!    result; or refused, if that call is still under way or asked for something else.
//! 4. **Mishaps** (`fate`): instead of the operation there is a 5xx, a reset or silence; or it
//!    happens, and the answer lies, trickles or gets lost.
//! 5. **The operation** (`execute`), with what merchants are told of it (`event`). Its result is
//!    kept under the key, whatever was told of it.
//!
//! Then the messages to merchants are planned (`webhook`): they count from the answer's leaving.
//!
//! All of it is pure: no clock, no socket, no file, no stored generator. Whoever calls says what
//! time it is, sends what [`Provider::webhooks_mut`] has due, and appends the lines of a
//! [`Decision`] to a ledger. Chance is a hash of seed, subject and purpose (`domain::draw`), so
//! fates do not hang on the order in which calls arrive.
//!
//! Invariants: a key takes effect at most once; no payment takes more than it reserved or gives
//! back more than it took; the ledger lines, read in order, give the state.
//!
//! Memory grows with the open authorizations, the challenges that will be answered and the answers
//! under way, and with nothing else. What is finished is remembered up to a fixed number, the
//! oldest is forgotten first:
//!
//! | what | at most |
//! |---|---|
//! | payments that hold no money, and refunds | `book::IDLE_MAX`: 100,000 each |
//! | idempotency keys | `idempotency::KEYS_MAX`: 500,000, and no longer than the settings say |
//! | events | `event::EVENTS_MAX`: 50,000 |
//! | messages that wait | [`webhook::PENDING_MAX`]: 50,000; endpoints: 1,024 |
//! | allowances of one limit | `gate::allowances::ALLOWANCES_MAX`: 100,000 |
//! | calls that met a mishap, for their next try | `fate::INTERRUPTED_MAX`: 100,000 |
//! | payment methods, kept by customers and not | `directory`: 200,000 and 50,000 |
//! | customers, setups, tokens | `directory`: 100,000, 50,000 and 20,000 |
//! | what may fall due | twice what still can, or 4,096 |

// What is asked, and what is answered.
pub mod reply;
pub mod request;

// The layers of a call.
mod due;
mod execute;
mod fate;
mod gate;
mod idempotency;
mod line;

// What operations are about.
mod book;
pub mod card;
mod companion;
pub mod directory;
pub mod intent;
mod payer;

// What can be seen from outside, and changed by the owner.
mod counts;
mod overview;

// What merchants are told.
pub mod event;
pub mod webhook;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use domain::money::Amount;
use domain::provider::{PaymentOutcome, PaymentRequest};
use domain::time::{Duration, Time};

pub use counts::Counts;
pub use event::Events;
pub use gate::{ChangeError, LimitSet, LimitState, PlannedChange, Reason, Refusal};
pub use intent::{Answer, Intent, Status};
pub use reply::{Decision, Delivery, Fault, Reply};
pub use request::{Call, Face, Request};

use crate::settings::Settings;
use book::Book;
use directory::Directory;
use due::Due;
use fate::{Mishap, Subject, Tries};
use gate::{Caller, Effect, Gate, Passage, Takes};
use idempotency::{Executed, Known, Name, Store};
use line::{Draft, Matter};
use webhook::Dispatcher;

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
        let fallen_due = self.settle(at, utc_ns);
        let call = Some(self.calls + 1);
        let mut decision = self.decide(Now { at, utc_ns, call }, request);
        self.dispatch(at, at + decision.delay);
        decision.lines.splice(..0, fallen_due);
        decision
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
            Known::New(_) if !is_garbled => {
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
            Known::New(_) if is_garbled => {
                draft.turn_away(round_trip, Reply::Refused(Fault::Garbled))
            }
            Known::New(name) => {
                let delay = passage.delay + latency;
                self.execute(now, (request, name), (subject, mishap), draft, delay)
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
        (request, name): (&Request<'_>, Option<Name>),
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
        if let Some(name) = name
            && !request.call.only_reads()
            && !kept.is_about_words()
        {
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
            self.executed.keep(now.at, name, executed);
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

    /// Plans the messages about what happened `at` that time; the answer to the call that caused
    /// it leaves at `answered`.
    fn dispatch(&mut self, at: Time, answered: Time) {
        for event in self.events.after(self.dispatched) {
            self.dispatcher.note(event, at, answered);
        }
        self.dispatched = self.events.made();
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
}
