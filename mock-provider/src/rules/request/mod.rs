//! What can be asked of the provider, whichever face it was asked through.

mod list;
mod payment;
mod plain;
mod terms;

use domain::money::Amount;
use domain::provider::PaymentOperation;

use super::directory::Errand;
use super::webhook::WebhookCall;

pub use list::{Charged, ListIntents, PageOf};
pub use payment::{
    AMOUNT_MAX, CaptureMethod, Confirm, Confirmation, Currency, IntentChange, NewIntent, NewRefund,
    Source,
};
pub use terms::{METADATA_KEYS_MAX, Presence, Terms};

/// One call, as the rules see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request<'call> {
    /// The face it came through: it names the objects that are made.
    pub face: Face,
    /// The merchant account.
    pub account: &'call str,
    /// The idempotency key: the same call under the same key takes effect once.
    pub key: Option<&'call str>,
    /// A number for everything that was asked: the same key with another is a mistake.
    pub fingerprint: u64,
    /// The merchant's own reference of the order; may be empty.
    pub reference: &'call str,
    /// The purchase intent that both ledgers name; empty means the reference.
    pub intent: &'call str,
    /// What is asked.
    pub call: Call,
}

/// How the merchant speaks to the provider.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Face {
    /// The provider's own JSON API: payments are named by their numbers.
    #[default]
    Native,
    /// As Stripe's API: payments are named `pi_…`.
    Stripe,
    /// As an older Japanese gateway: errors come inside a 200.
    Gateway,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Makes a payment, and confirms it at once if asked to.
    Create(Box<NewIntent>),
    /// Reserves or takes the money of a payment.
    Confirm {
        /// Which.
        intent: u64,
        /// By which card and under which terms, where they change.
        with: Box<Confirmation>,
    },
    /// Changes what is said of a payment.
    Update {
        /// Which.
        intent: u64,
        /// What changes.
        change: Box<IntentChange>,
    },
    /// Takes reserved money.
    Capture {
        /// Of which payment.
        intent: u64,
        /// How much; left out: all that is reserved.
        amount: Option<Amount>,
        /// What else the merchant says.
        terms: Option<Box<Terms>>,
    },
    /// Lets a payment go.
    Cancel {
        /// Which.
        intent: u64,
        /// Why, in the merchant's words.
        reason: Option<String>,
    },
    /// Gives money back.
    Refund(Box<NewRefund>),
    /// Changes what is said of a refund.
    UpdateRefund {
        /// Of which payment.
        intent: u64,
        /// Its place among the payment's refunds, from 1.
        place: u16,
        /// What changes.
        terms: Box<Terms>,
    },
    /// Looks at a payment.
    Retrieve {
        /// Which.
        intent: u64,
    },
    /// Makes a token of a customer's card, of which the native face keeps nothing: it names cards by their
    /// places.
    Tokenize,
    /// Looks at payments, the newest first.
    List(ListIntents),
    /// Looks at refunds, the newest first.
    ListRefunds(PageOf),
    /// Anything about cards and customers.
    Directory(Box<Errand>),
    /// Anything about events and webhook endpoints.
    Webhook(Box<WebhookCall>),
    /// What makes no sense: limiters count it, and nothing happens.
    Garbled {
        /// What it would have been.
        operation: PaymentOperation,
    },
}

impl Call {
    /// The call's operation: the endpoint that limiters count.
    pub fn operation(&self, face: Face) -> PaymentOperation {
        match self {
            Self::Create(new) if new.confirm == Confirm::Now && face != Face::Stripe => {
                PaymentOperation::Authorize
            }
            Self::Create(_) => PaymentOperation::Create,
            Self::Confirm { .. } => PaymentOperation::Confirm,
            Self::Update { .. } | Self::UpdateRefund { .. } => PaymentOperation::Update,
            Self::Capture { .. } => PaymentOperation::Capture,
            Self::Cancel { .. } => PaymentOperation::Void,
            Self::Refund(_) => PaymentOperation::Refund,
            Self::Retrieve { .. } => PaymentOperation::Retrieve,
            Self::Tokenize => PaymentOperation::Tokenize,
            Self::List(_) | Self::ListRefunds(_) => PaymentOperation::List,
            Self::Directory(errand) => errand.operation(),
            Self::Webhook(_) => PaymentOperation::Other,
            Self::Garbled { operation } => *operation,
        }
    }

    /// Whether the card's bank is asked, which takes the time of an authorization.
    pub fn authorizes(&self) -> bool {
        match self {
            Self::Create(new) => new.confirm == Confirm::Now,
            Self::Confirm { .. } => true,
            _ => false,
        }
    }

    /// Whether the call is about no payment, so that the ledger has no line for it.
    pub fn is_about_no_payment(&self) -> bool {
        matches!(self, Self::Directory(_) | Self::Webhook(_) | Self::Garbled { .. })
    }

    /// Whether the call only looks.
    pub fn only_reads(&self) -> bool {
        match self {
            Self::Retrieve { .. } | Self::List(_) | Self::ListRefunds(_) => true,
            Self::Directory(errand) => errand.only_reads(),
            Self::Webhook(call) => call.only_reads(),
            _ => false,
        }
    }

    /// The payment it is about; none when it makes one.
    pub fn intent(&self) -> Option<u64> {
        match self {
            Self::Confirm { intent, .. }
            | Self::Update { intent, .. }
            | Self::Capture { intent, .. }
            | Self::Cancel { intent, .. }
            | Self::UpdateRefund { intent, .. }
            | Self::Retrieve { intent } => Some(*intent),
            Self::Refund(refund) => Some(refund.intent),
            Self::Create(_)
            | Self::Tokenize
            | Self::List(_)
            | Self::ListRefunds(_)
            | Self::Directory(_)
            | Self::Webhook(_)
            | Self::Garbled { .. } => None,
        }
    }
}
