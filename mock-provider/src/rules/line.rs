//! The ledger line of a call, and the decision that carries it.

use std::sync::Arc;

use domain::money::Amount;
use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use domain::time::Duration;

use super::Now;
use super::gate::{LimitSet, Reason, Refusal};
use super::idempotency::Executed;
use super::intent::Intent;
use super::reply::{Decision, Delivery, Reply};
use super::request::{Face, Request};

/// The payment that a call is about, and the money.
#[derive(Clone, Debug)]
pub(super) struct Matter {
    pub(super) number: Option<u64>,
    /// Where the account has it.
    pub(super) intent: Option<Arc<Intent>>,
    pub(super) amount: Amount,
}

/// A ledger line without its outcome.
pub(super) struct Draft<'call> {
    now: Now,
    request: &'call Request<'call>,
    matter: Matter,
}

impl<'call> Draft<'call> {
    pub(super) const fn new(now: Now, request: &'call Request<'call>, matter: Matter) -> Self {
        Self { now, request, matter }
    }

    /// The same, once the payment is made.
    pub(super) fn about(mut self, intent: Option<Arc<Intent>>) -> Self {
        self.matter.intent = intent.or(self.matter.intent);
        self
    }

    /// A call that a limiter refused.
    pub(super) fn refuse(self, round_trip: Duration, refusal: Refusal) -> Decision {
        let outcome = match refusal.reason {
            Reason::Lock => PaymentOutcome::LockTimeout,
            Reason::Rate | Reason::Concurrency | Reason::Ban => PaymentOutcome::RateLimited,
        };
        let (admitted, refused_by) = (refusal.admitted, Some(refusal.limit));
        let headers = refusal.headers.clone();
        let delay = refusal.waited + round_trip;
        let decided = self.decide(delay, Reply::Limited(refusal), outcome, outcome);
        Decision { headers, admitted, refused_by, ..decided }
    }

    /// A call that is not executed: nothing happens, and the caller is told so.
    pub(super) fn turn_away(self, delay: Duration, reply: Reply) -> Decision {
        let outcome = match reply {
            Reply::InFlight => PaymentOutcome::InFlight,
            _ => PaymentOutcome::Refused,
        };
        self.decide(delay, reply, outcome, outcome)
    }

    /// A call that is lost before it takes effect.
    pub(super) fn lose(self, delay: Duration, delivery: Delivery) -> Decision {
        let lost =
            self.decide(delay, Reply::Failed, PaymentOutcome::Failed, PaymentOutcome::Silence);
        Decision { delivery, ..lost }
    }

    /// A repetition: the first result once more, and nothing moves.
    pub(super) fn replay(self, delay: Duration, first: &Executed) -> Decision {
        let told = match first.reply {
            Reply::Failed => PaymentOutcome::Failed,
            _ => first.outcome,
        };
        let mut decision = self.decide(delay, first.reply.clone(), first.outcome, told);
        for line in &mut decision.lines {
            line.payment = first.payment.map(name_of);
            line.replayed = true;
        }
        let (companions, stands) = (first.companions.clone(), first.stands.clone());
        Decision { repeats: Some(first.call), companions, stands, ..decision }
    }

    pub(super) fn decide(
        self,
        delay: Duration,
        reply: Reply,
        outcome: PaymentOutcome,
        told: PaymentOutcome,
    ) -> Decision {
        Decision {
            stands: self.stands(&reply),
            reply,
            call: 0,
            repeats: None,
            companions: Vec::new(),
            delay,
            delivery: Delivery::Whole,
            told,
            headers: Vec::new(),
            lines: self.line(outcome, told).into_iter().collect(),
            admitted: LimitSet::default(),
            refused_by: None,
        }
    }

    /// The payment as it stood, where an answer without it shows it.
    pub(super) fn stands(&self, reply: &Reply) -> Option<Arc<Intent>> {
        let shows = matches!(reply, Reply::Refused(_));
        self.matter.intent.clone().filter(|_| shows)
    }

    /// The payment, and the face that names it.
    pub(super) fn payment(&self) -> Option<(Face, u64)> {
        match &self.matter.intent {
            Some(intent) => Some((intent.face, intent.number)),
            None => self.matter.number.map(|number| (self.request.face, number)),
        }
    }

    /// The line; none for a call that only looks or is not about a payment.
    fn line(&self, outcome: PaymentOutcome, told: PaymentOutcome) -> Option<PaymentLine> {
        let call = &self.request.call;
        if call.only_reads() || call.is_about_no_payment() {
            return None;
        }
        let known = self.matter.intent.as_deref();
        let reference = match (self.request.reference, known) {
            ("", Some(known)) => &known.reference,
            (reference, _) => reference,
        };
        let intent = match (self.request.intent, known) {
            ("", Some(known)) => &known.intent,
            ("", None) => reference,
            (intent, _) => intent,
        };
        Some(PaymentLine {
            utc_ns: self.now.utc_ns,
            payment: self.payment().map(name_of),
            reference: reference.to_owned(),
            intent: intent.to_owned(),
            operation: call.operation(self.request.face),
            outcome,
            told,
            amount: self.matter.amount,
            key: self.request.key.unwrap_or_default().to_owned(),
            replayed: false,
        })
    }
}

/// A line of something that no call did: `told` is silence, since nobody asked.
pub(super) fn unasked(
    utc_ns: u64,
    operation: PaymentOperation,
    outcome: PaymentOutcome,
    intent: &Intent,
) -> PaymentLine {
    PaymentLine {
        utc_ns,
        payment: Some(intent.name()),
        reference: intent.reference.to_string(),
        intent: intent.intent.to_string(),
        operation,
        outcome,
        told: PaymentOutcome::Silence,
        amount: intent.amount,
        key: String::new(),
        replayed: false,
    }
}

/// What a payment's fate hangs on where the merchant has no name for it.
pub(super) fn unnamed(number: u64) -> String {
    format!("payment {number}")
}

/// A payment's name as the face says it: `17`, or `pi_` and 24 digits.
pub(super) fn name_of((face, number): (Face, u64)) -> String {
    match face {
        Face::Native | Face::Gateway => number.to_string(),
        Face::Stripe => format!("pi_{number:024}"),
    }
}
