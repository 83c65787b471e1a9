//! The provider's rules as a pure machine: one call in, one decision out, time as an argument.
//!
//! A call first meets the limiters, then the idempotency layer, then the operation. Invariants: a
//! key takes effect at most once; an authorization is captured or voided at most once, and never
//! for more than was reserved; the ledger lines, read in order, give the state. Its memory grows
//! with the calls that are executed (about 400 bytes each), not with those that are refused.

mod authorization;
mod fate;
mod gate;
mod idempotency;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use domain::id::AuthorizationId;
use domain::money::Amount;
use domain::provider::{
    Call, PaymentLine, PaymentOperation, PaymentOutcome, PaymentReply, PaymentRequest,
};
use domain::time::{Duration, Time};

pub use authorization::{Authorization, State};

use crate::settings::Settings;
use authorization::{Book, Refusal};
use gate::Gate;
use idempotency::{Executed, Known, Store};

/// The provider: authorizations, idempotency keys and limiters.
#[derive(Debug)]
pub struct Provider {
    settings: Settings,
    gate: Gate,
    executed: Store,
    authorizations: Book,
    /// When the answers under way leave, the next first.
    leaving: BinaryHeap<Reverse<Time>>,
    last_leaves: Time,
    calls: u64,
    refused: u64,
}

/// What the provider does about one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The answer; `None` means that none ever comes.
    pub reply: Option<PaymentReply>,
    /// How long after the call the answer leaves.
    pub delay: Duration,
    /// The ledger line to append: what truly happened.
    pub line: PaymentLine,
}

/// How many calls there were.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// All calls, whatever became of them.
    pub calls: u64,
    /// Those that a limiter refused.
    pub refused: u64,
    /// Those whose answer has not left yet; one that hangs counts as long as its answer would
    /// have taken.
    pub pending: u64,
}

impl Provider {
    /// A provider without any authorization.
    ///
    /// # Panics
    /// When a limit is out of range: when [`Settings::check`] finds something.
    pub fn new(settings: Settings) -> Self {
        Self {
            gate: Gate::new(&settings.limits),
            executed: Store::default(),
            authorizations: Book::default(),
            leaving: BinaryHeap::new(),
            last_leaves: Time::ZERO,
            calls: 0,
            refused: 0,
            settings,
        }
    }

    /// Decides a call that arrives `at`; `utc_ns` is the same instant in UTC \[ns\], for the
    /// ledger.
    ///
    /// It takes effect at that instant; only its answer takes time. The line's `told` is what is
    /// sent off: whether it arrives, the provider cannot know.
    pub fn handle(&mut self, at: Time, utc_ns: u64, request: &PaymentRequest) -> Decision {
        self.calls += 1;
        let (payment, amount) = self.subject(request);
        let round_trip = fate::round_trip(&self.settings, request);
        let line = Draft { utc_ns, request, payment, amount, round_trip };
        if let Err(gate::Refusal { retry_after }) = self.gate.admit(at, request) {
            self.refused += 1;
            return line.turn_away(PaymentReply::RateLimited { retry_after });
        }
        match self.executed.look_up(at, request) {
            Known::UnderWay => line.turn_away(PaymentReply::InFlight),
            Known::Reused => {
                let code = "idempotency_key_reused".to_owned();
                line.turn_away(PaymentReply::Refused { code })
            }
            Known::Executed(first) => line.replay(first),
            Known::New => self.execute(at, request, line),
        }
    }

    /// An authorization, if there is one of that name.
    pub fn authorization(&self, id: AuthorizationId) -> Option<&Authorization> {
        self.authorizations.get(id)
    }

    /// How many authorizations are neither captured nor voided.
    pub const fn open_authorizations(&self) -> u64 {
        self.authorizations.open()
    }

    /// How many calls there were, and how many are under way `at` that time.
    pub fn counts(&mut self, at: Time) -> Counts {
        self.forget_what_left(at);
        Counts { calls: self.calls, refused: self.refused, pending: self.leaving.len() as u64 }
    }

    /// When the last of the answers under way leaves; [`Time::ZERO`] before the first.
    pub const fn last_answer_leaves(&self) -> Time {
        self.last_leaves
    }

    /// The settings it obeys.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    fn execute(&mut self, at: Time, request: &PaymentRequest, mut line: Draft<'_>) -> Decision {
        let (outcome, reply) = self.perform(request);
        if let PaymentReply::Authorized { authorization } = reply {
            line.payment = Some(authorization);
        }
        let delay = fate::latency(&self.settings, request);
        let leaves = at + delay;
        self.forget_what_left(at);
        self.leaving.push(Reverse(leaves));
        self.last_leaves = self.last_leaves.max(leaves);
        let payment = line.payment.map(|id| id.to_string());
        let executed = Executed::new(request, (outcome, reply.clone()), payment, leaves);
        self.executed.keep(request, executed);
        let answered = !fate::hangs(&self.settings, request);
        let told = if answered { outcome } else { PaymentOutcome::Silence };
        Decision { reply: answered.then_some(reply), delay, line: line.line(outcome, told) }
    }

    /// Carries out the operation.
    fn perform(&mut self, request: &PaymentRequest) -> (PaymentOutcome, PaymentReply) {
        let PaymentRequest { account, reference, .. } = request;
        let done = match request.call {
            Call::Authorize { amount, card } => {
                if let Some(code) = fate::decline(&self.settings, reference, card) {
                    let code = code.to_owned();
                    return (PaymentOutcome::Declined, PaymentReply::Declined { code });
                }
                let authorization = self.authorizations.authorize(account, reference, amount);
                Ok(PaymentReply::Authorized { authorization })
            }
            Call::Capture { authorization, amount } => self
                .authorizations
                .capture(account, authorization, amount)
                .map(|()| PaymentReply::Captured),
            Call::Refund { .. } | Call::Retrieve { .. } => Err(Refusal::UnexpectedState),
            Call::Void { authorization } => {
                self.authorizations.void(account, authorization).map(|()| PaymentReply::Voided)
            }
        };
        match done {
            Ok(reply) => (outcome_of(request.call.operation()), reply),
            Err(refusal) => (PaymentOutcome::Refused, refused(refusal)),
        }
    }

    /// The authorization that a call is about, and the money.
    fn subject(&self, request: &PaymentRequest) -> (Option<AuthorizationId>, Amount) {
        match request.call {
            Call::Authorize { amount, .. } => (None, amount),
            Call::Capture { authorization, amount } | Call::Refund { authorization, amount } => {
                (Some(authorization), amount)
            }
            Call::Void { authorization } | Call::Retrieve { authorization } => {
                let own = self.authorization(authorization);
                let own = own.filter(|known| known.account == request.account);
                (Some(authorization), own.map_or(Amount::ZERO, |known| known.amount))
            }
        }
    }

    fn forget_what_left(&mut self, at: Time) {
        while self.leaving.peek().is_some_and(|Reverse(leaves)| *leaves <= at) {
            self.leaving.pop();
        }
    }
}

/// A ledger line without its outcome.
struct Draft<'call> {
    utc_ns: u64,
    request: &'call PaymentRequest,
    payment: Option<AuthorizationId>,
    amount: Amount,
    /// How long an answer takes that executes nothing.
    round_trip: Duration,
}

impl Draft<'_> {
    /// A call that is not executed: nothing happens, and the caller is told so.
    fn turn_away(self, reply: PaymentReply) -> Decision {
        let outcome = match reply {
            PaymentReply::RateLimited { .. } => PaymentOutcome::RateLimited,
            PaymentReply::InFlight => PaymentOutcome::InFlight,
            _ => PaymentOutcome::Refused,
        };
        let delay = self.round_trip;
        Decision { reply: Some(reply), delay, line: self.line(outcome, outcome) }
    }

    /// A repetition: the first result once more, and nothing moves.
    fn replay(self, first: &Executed) -> Decision {
        let delay = self.round_trip;
        let line = self.line(first.outcome, first.outcome);
        let line = PaymentLine { payment: first.payment.clone(), replayed: true, ..line };
        Decision { reply: Some(first.reply.clone()), delay, line }
    }

    fn line(self, outcome: PaymentOutcome, told: PaymentOutcome) -> PaymentLine {
        PaymentLine {
            utc_ns: self.utc_ns,
            payment: self.payment.map(|id| id.to_string()),
            reference: String::new(),
            intent: self.request.reference.clone(),
            operation: self.request.call.operation(),
            outcome,
            told,
            amount: self.amount,
            key: self.request.key.clone(),
            replayed: false,
        }
    }
}

const fn outcome_of(operation: PaymentOperation) -> PaymentOutcome {
    match operation {
        PaymentOperation::Authorize => PaymentOutcome::Authorized,
        PaymentOperation::Capture => PaymentOutcome::Captured,
        PaymentOperation::Void => PaymentOutcome::Voided,
        PaymentOperation::Refund => PaymentOutcome::Refunded,
        _ => PaymentOutcome::Accepted,
    }
}

fn refused(refusal: Refusal) -> PaymentReply {
    PaymentReply::Refused { code: refusal.code().to_owned() }
}

#[cfg(test)]
mod tests;
