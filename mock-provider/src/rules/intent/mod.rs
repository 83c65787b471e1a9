//! A payment: money that is reserved, taken, let go or given back, and never more than there is.
//!
//! ```text
//! requires_payment_method ──> requires_confirmation ──> requires_action (3-D Secure)
//!         ^ declined, challenge failed │                        │
//!         └────────────────────────────┼────────────────────────┘
//!                                      v
//!                  requires_capture ──> succeeded          any but the last ──> canceled
//! ```
//!
//! The states and their names are those of Stripe's `PaymentIntent`. What the native face calls an
//! authorization is a payment that is captured manually.

mod charge;
mod refund;

use std::sync::Arc;

use domain::money::Amount;
use domain::time::Time;

use super::directory::Method;
use super::line::name_of;
use super::reply::Fault;
use super::request::{CaptureMethod, Currency, Face, IntentChange, NewIntent, Source, Terms};

pub(super) use charge::Word;
pub use charge::{Answer, Challenge, Decline};
pub use refund::Refund;

/// Why a payment is let go that nobody captured in time, in Stripe's word.
const RAN_OUT: &str = "automatic";

/// A payment.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// Its number, from 1: the name of the authorization.
    pub number: u64,
    /// The face it was made through.
    pub face: Face,
    /// The merchant account that made it.
    pub account: Box<str>,
    /// The merchant's own reference of the order; may be empty.
    pub reference: Box<str>,
    /// The purchase intent that both ledgers name.
    pub intent: Box<str>,
    /// How much.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Whether confirming reserves or takes.
    pub capture: CaptureMethod,
    /// Where it stands.
    pub status: Status,
    /// How much is reserved and can be taken.
    pub capturable: Amount,
    /// How much was taken.
    pub received: Amount,
    /// How much of that was given back.
    pub refunded: Amount,
    /// The card.
    pub source: Option<Source>,
    /// The payment method, where it has a name.
    pub method: Option<u64>,
    /// The payment methods it was tried with, as they were then: the provider may forget them
    /// before the payment.
    pub methods: Vec<Arc<Method>>,
    /// Whose card, where a customer is named.
    pub customer: Option<u64>,
    /// How often a bank was asked: each is a charge of its own, numbered from 1.
    pub charges: u16,
    /// Why the last charge was declined, if it was.
    pub last_decline: Option<Decline>,
    /// All charges that a bank declined, in order.
    pub declines: Vec<Decline>,
    /// Whether the cardholder passed the challenge of the charge that stands.
    pub authenticated: bool,
    /// When it was made, in nanoseconds of UTC \[ns\].
    pub created_utc_ns: u64,
    /// When the money was reserved or taken by the bank, in nanoseconds of UTC \[ns\].
    pub charged_utc_ns: Option<u64>,
    /// When it was let go, in nanoseconds of UTC \[ns\], and why.
    pub canceled: Option<(u64, Box<str>)>,
    /// When reserved money is let go if nobody captures it.
    pub expires: Option<Time>,
    /// The challenge that is under way.
    pub challenge: Option<Challenge>,
    /// What was given back, in order.
    pub refunds: Vec<Arc<Refund>>,
    /// What else the merchant says.
    pub terms: Option<Box<Terms>>,
}

/// Where a payment stands, in Stripe's words.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// No card yet, or the last one was declined.
    RequiresPaymentMethod,
    /// A card, but no word to charge it.
    RequiresConfirmation,
    /// The cardholder is asked.
    RequiresAction,
    /// The bank is asked.
    Processing,
    /// Money is reserved.
    RequiresCapture,
    /// Money was taken.
    Succeeded,
    /// Let go.
    Canceled,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::RequiresPaymentMethod,
        Self::RequiresConfirmation,
        Self::RequiresAction,
        Self::Processing,
        Self::RequiresCapture,
        Self::Succeeded,
        Self::Canceled,
    ];

    /// Its word in Stripe's API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }

    /// Whether nothing more can happen to it but a refund.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Canceled)
    }
}

impl Intent {
    pub(super) fn new(
        number: u64,
        utc_ns: u64,
        (face, account): (Face, &str),
        (reference, intent): (&str, &str),
        new: &NewIntent,
    ) -> Self {
        let status = match new.source {
            Some(_) => Status::RequiresConfirmation,
            None => Status::RequiresPaymentMethod,
        };
        Self {
            number,
            face,
            account: account.into(),
            reference: reference.into(),
            intent: intent.into(),
            amount: new.amount,
            currency: new.currency,
            capture: new.capture,
            status,
            capturable: Amount::ZERO,
            received: Amount::ZERO,
            refunded: Amount::ZERO,
            source: new.source.clone(),
            method: None,
            methods: Vec::new(),
            customer: new.customer,
            charges: 0,
            last_decline: None,
            declines: Vec::new(),
            authenticated: false,
            created_utc_ns: utc_ns,
            charged_utc_ns: None,
            canceled: None,
            expires: None,
            challenge: None,
            refunds: Vec::new(),
            terms: new.terms.clone(),
        }
    }

    /// Its name as the face says it: `17`, or `pi_` and 24 digits.
    pub fn name(&self) -> String {
        name_of((self.face, self.number))
    }

    /// Whether its money is reserved: an authorization that is open.
    pub fn is_open(&self) -> bool {
        self.status == Status::RequiresCapture
    }

    /// Lets go of what nobody captured in time.
    pub(super) fn run_out(&mut self, utc_ns: u64) -> Result<(), Fault> {
        self.cancel(utc_ns, RAN_OUT.into())
    }

    /// Whether nobody captured it in time.
    fn ran_out(&self) -> bool {
        self.canceled.as_ref().is_some_and(|(_, reason)| **reason == *RAN_OUT)
    }

    /// Takes `amount` of the reserved money, once; the rest is let go.
    pub(super) fn capture(&mut self, amount: Option<Amount>) -> Result<Amount, Fault> {
        if self.ran_out() {
            return Err(Fault::AuthorizationExpired);
        }
        if self.status != Status::RequiresCapture {
            return Err(self.unexpected("capture"));
        }
        let amount = amount.unwrap_or(self.capturable);
        if amount > self.capturable {
            let most = self.capturable;
            return Err(Fault::AmountTooLarge { most, param: "amount_to_capture" });
        }
        if amount == Amount::ZERO {
            return Err(Fault::AmountTooSmall { param: "amount_to_capture" });
        }
        self.status = Status::Succeeded;
        self.capturable = Amount::ZERO;
        self.received = amount;
        self.expires = None;
        Ok(amount)
    }

    /// Lets the payment go, with whatever is reserved.
    pub(super) fn cancel(&mut self, utc_ns: u64, reason: Box<str>) -> Result<(), Fault> {
        if self.status.is_final() || self.status == Status::Processing {
            return Err(self.unexpected("cancel"));
        }
        self.status = Status::Canceled;
        self.capturable = Amount::ZERO;
        self.canceled = Some((utc_ns, reason));
        self.expires = None;
        self.challenge = None;
        Ok(())
    }

    /// Takes over what a merchant changes before the payment is confirmed; metadata and words may
    /// change as long as the payment is not let go.
    pub(super) fn update(&mut self, change: IntentChange) -> Result<(), Fault> {
        let IntentChange { amount, currency, capture, source, customer, terms } = change;
        let touches_money = amount.is_some_and(|amount| amount != self.amount)
            || currency.is_some_and(|currency| currency != self.currency)
            || capture.is_some_and(|capture| capture != self.capture)
            || source.is_some();
        let waits = matches!(
            self.status,
            Status::RequiresPaymentMethod | Status::RequiresConfirmation | Status::RequiresAction
        );
        if self.status == Status::Canceled || touches_money && !waits {
            return Err(self.unexpected("update"));
        }
        self.amount = amount.unwrap_or(self.amount);
        self.currency = currency.unwrap_or(self.currency);
        self.capture = capture.unwrap_or(self.capture);
        self.customer = customer.or(self.customer);
        if touches_money && self.status == Status::RequiresAction {
            self.challenge = None;
            self.status = Status::RequiresConfirmation;
        }
        if let Some(source) = source {
            self.pay_by(source);
        }
        self.say(terms)
    }

    /// Takes over the card.
    pub(super) fn pay_by(&mut self, source: Source) {
        self.method = match source {
            Source::Method(number) => Some(number),
            Source::Nth(_) | Source::Test(_) | Source::New(_) => None,
        };
        self.source = Some(source);
        if self.status == Status::RequiresPaymentMethod {
            self.status = Status::RequiresConfirmation;
        }
    }

    /// Remembers the payment method that it is to be tried with next, besides those that were
    /// declined.
    pub(super) fn remember(&mut self, method: Arc<Method>) {
        let declines = || self.declines.iter().chain(&self.last_decline);
        let told = |known: &Arc<Method>| {
            known.number != method.number && declines().any(|it| it.method == Some(known.number))
        };
        self.methods = self.methods.iter().filter(|known| told(known)).cloned().collect();
        self.methods.push(method);
    }

    /// Takes over what else the merchant says.
    pub(super) fn say(&mut self, terms: Option<Box<Terms>>) -> Result<(), Fault> {
        let Some(said) = terms else { return Ok(()) };
        self.terms.get_or_insert_default().change(*said)
    }

    fn unexpected(&self, operation: &'static str) -> Fault {
        Fault::UnexpectedState { status: self.status, operation }
    }
}
