//! What the provider answers, whichever face says it.

use std::borrow::Cow;
use std::sync::Arc;

use domain::id::AuthorizationId;
use domain::money::Amount;
use domain::provider::{PaymentLine, PaymentOutcome, PaymentReply};
use domain::time::Duration;

use super::card::CardFault;
use super::directory::{Kind, Object, Setup};
use super::gate::{LimitSet, Refusal};
use super::intent::{Decline, Intent, Refund, Status};
use super::request::AMOUNT_MAX;

/// What the provider does about one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The answer, also when it never arrives.
    pub reply: Reply,
    /// The call's number, from 1.
    pub call: u64,
    /// The number of the call whose result this is once more: the first under its key.
    pub repeats: Option<u64>,
    /// What the reply names and a face may show with it, as it stood then: the cards of payments.
    pub companions: Vec<Object>,
    /// The payment as it stood, where the call was refused: errors show it.
    pub stands: Option<Arc<Intent>>,
    /// How long after the call the answer leaves.
    pub delay: Duration,
    /// Whether and how it arrives.
    pub delivery: Delivery,
    /// What the caller was told, in the ledger's words.
    pub told: PaymentOutcome,
    /// Headers that the limiters add to the answer.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// The ledger lines to append, in order: what fell due before the call, then what the call
    /// did. A call that is not about a payment has none of its own.
    pub lines: Vec<PaymentLine>,
    /// The limits that the call was debited to: of a refused call, those alone that count it all
    /// the same. A limit that is not about such calls is not asked.
    pub admitted: LimitSet,
    /// The limit that refused it: its place in the settings' list.
    pub refused_by: Option<usize>,
}

/// Whether and how an answer arrives.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// At once and whole.
    Whole,
    /// Its body trickles over this long.
    Slow(Duration),
    /// The connection is reset instead.
    Reset,
    /// It never comes; the connection stays open.
    Never,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The payment, as it stands.
    Intent(Arc<Intent>),
    /// Payments.
    Intents {
        /// The page.
        page: Vec<Arc<Intent>>,
        /// Whether there are more.
        more: bool,
    },
    /// Refunds, each with its payment as it stands.
    Refunds {
        /// The page.
        page: Vec<(Arc<Refund>, Arc<Intent>)>,
        /// Whether there are more.
        more: bool,
    },
    /// Money given back, and the payment as it stands.
    Refund(Arc<Refund>, Arc<Intent>),
    /// The card has a token.
    Tokenized,
    /// Anything else.
    Object(Object),
    /// A list of anything else.
    Objects {
        /// The page.
        page: Vec<Object>,
        /// Whether there are more.
        more: bool,
    },
    /// The object is gone.
    Deleted(Object),
    /// The card was declined (402).
    Declined {
        /// The payment, back at the beginning.
        intent: Arc<Intent>,
        /// Why.
        decline: Decline,
    },
    /// A card cannot be made ready to be charged later (402).
    SetupDeclined {
        /// The setup, back at the beginning.
        setup: Arc<Setup>,
        /// Why.
        fault: CardFault,
    },
    /// A limiter refused the call (429), or another call held the payment for too long.
    Limited(Refusal),
    /// A call under the same key is still under way (409).
    InFlight,
    /// The key was used for something else (400).
    KeyReused,
    /// The call can never succeed (4xx).
    Refused(Fault),
    /// The provider failed (5xx): it may have taken effect.
    Failed,
}

/// Why a call can never succeed, with the codes of Stripe's error reference.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The account has none of that name.
    Missing(Kind),
    /// The payment does not stand where it would have to.
    UnexpectedState {
        /// Where it stands.
        status: Status,
        /// What was to be done, such as `capture`.
        operation: &'static str,
    },
    /// More than there is.
    AmountTooLarge {
        /// What there is.
        most: Amount,
        /// The parameter.
        param: &'static str,
    },
    /// Nothing, or less than can be charged.
    AmountTooSmall {
        /// The parameter.
        param: &'static str,
    },
    /// All of it was given back before.
    AlreadyRefunded,
    /// The authorization has run out.
    AuthorizationExpired,
    /// No card is known to pay with.
    CardMissing,
    /// There is a payment for that order already; only the gateway face minds.
    OrderTaken,
    /// The setup does not stand where it would have to.
    SetupState {
        /// The setup, as it stands.
        setup: Arc<Setup>,
        /// What was to be done, such as `confirm`.
        operation: &'static str,
    },
    /// Nobody accepts the card (402).
    Card(CardFault),
    /// The words make no sense; the face knows why.
    Garbled,
    /// A parameter makes no sense.
    Parameter {
        /// As the face spells it.
        param: Cow<'static, str>,
        /// Such as `parameter_invalid_empty`.
        code: &'static str,
        /// A sentence.
        message: String,
    },
}

impl Fault {
    /// Whether the call makes no sense wherever its payment stands.
    pub fn is_about_words(&self) -> bool {
        match self {
            Self::Garbled | Self::Parameter { .. } | Self::AmountTooSmall { .. } => true,
            Self::AmountTooLarge { most, .. } => *most == AMOUNT_MAX,
            _ => false,
        }
    }

    /// Its code in Stripe's error reference.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "resource_missing",
            Self::UnexpectedState { .. } | Self::CardMissing => "payment_intent_unexpected_state",
            Self::AmountTooLarge { .. } => "amount_too_large",
            Self::AmountTooSmall { .. } => "amount_too_small",
            Self::AlreadyRefunded => "charge_already_refunded",
            Self::OrderTaken => "duplicate_order",
            Self::Garbled => "",
            Self::AuthorizationExpired => "capture_charge_authorization_expired",
            Self::SetupState { .. } => "setup_intent_unexpected_state",
            Self::Card(CardFault { code, .. }) | Self::Parameter { code, .. } => code,
        }
    }
}

impl Decision {
    /// Whether it is the first result under its key once more.
    pub const fn is_replay(&self) -> bool {
        self.repeats.is_some()
    }

    /// The answer in the words that all providers share; `None` when none arrives.
    pub fn payment_reply(&self) -> Option<PaymentReply> {
        match self.delivery {
            Delivery::Reset | Delivery::Never => None,
            Delivery::Whole | Delivery::Slow(_) => Some(self.reply.plain()),
        }
    }

    /// Whether no answer ever arrives.
    pub const fn is_lost(&self) -> bool {
        matches!(self.delivery, Delivery::Reset | Delivery::Never)
    }

    /// How long after the call the last byte of the answer leaves, or the connection breaks.
    pub fn takes(&self) -> Duration {
        match self.delivery {
            Delivery::Slow(over) => self.delay + over,
            _ => self.delay,
        }
    }
}

impl Reply {
    /// Whether the call was never begun, since its words make no sense: nothing is kept of it.
    pub(super) fn is_about_words(&self) -> bool {
        matches!(self, Self::Refused(fault) if fault.is_about_words())
    }

    /// The answer in the words that all providers share.
    pub fn plain(&self) -> PaymentReply {
        match self {
            Self::Intent(intent) => of_intent(intent),
            Self::Refund(..) => PaymentReply::Refunded,
            Self::Tokenized => PaymentReply::Tokenized,
            Self::Declined { decline, .. } => {
                PaymentReply::Declined { code: decline.reason().to_owned() }
            }
            Self::Limited(refusal) => {
                PaymentReply::RateLimited { retry_after: refusal.retry_after }
            }
            Self::InFlight => PaymentReply::InFlight,
            Self::KeyReused => PaymentReply::Refused { code: "idempotency_key_reused".to_owned() },
            Self::Refused(fault) => PaymentReply::Refused { code: fault.code().to_owned() },
            Self::Failed => PaymentReply::Failed,
            Self::Intents { .. }
            | Self::Refunds { .. }
            | Self::Object(_)
            | Self::Objects { .. }
            | Self::Deleted(_)
            | Self::SetupDeclined { .. } => {
                unreachable!("the shared words ask for no lists and no objects")
            }
        }
    }
}

fn of_intent(intent: &Intent) -> PaymentReply {
    let authorization = AuthorizationId(intent.number);
    match intent.status {
        Status::RequiresCapture | Status::Processing => PaymentReply::Authorized { authorization },
        Status::Succeeded => PaymentReply::Captured,
        Status::Canceled => PaymentReply::Voided,
        Status::RequiresAction => PaymentReply::Challenged { authorization },
        Status::RequiresPaymentMethod | Status::RequiresConfirmation => {
            let reason = intent.last_decline.as_ref().map_or("generic_decline", Decline::reason);
            PaymentReply::Declined { code: reason.to_owned() }
        }
    }
}
