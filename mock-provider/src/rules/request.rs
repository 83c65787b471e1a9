//! What can be asked of the provider, whichever face it was asked through.

use domain::money::Amount;
use domain::provider::{Call as PlainCall, PaymentOperation, PaymentRequest};
use serde_json::{Map, Value};

use super::card::TestCard;
use super::directory::{Errand, NewMethod};
use super::reply::Fault;
use super::webhook::WebhookCall;

/// How many keys an object's metadata may have (docs.stripe.com/api/metadata).
pub const METADATA_KEYS_MAX: usize = 50;

/// The largest amount \[minor units\]: eight digits, as Stripe has it.
pub const AMOUNT_MAX: Amount = Amount::new(99_999_999);

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

/// A payment to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewIntent {
    /// How much.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Whether confirming reserves the money or takes it.
    pub capture: CaptureMethod,
    /// Whether to confirm at once.
    pub confirm: Confirm,
    /// The card, if it is known already.
    pub source: Option<Source>,
    /// Whose card, where a customer is named.
    pub customer: Option<u64>,
    /// What else the merchant says; none through the native face.
    pub terms: Option<Box<Terms>>,
}

/// Whether a payment is confirmed in the call that makes it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// In the same call.
    Now,
    /// In a call of its own.
    Later,
}

/// Whether confirming reserves money or takes it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum CaptureMethod {
    /// Confirming takes it.
    Automatic,
    /// Confirming reserves it; a capture takes it.
    Manual,
}

/// How a payment is confirmed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Confirmation {
    /// Another card than the one known.
    pub source: Option<Source>,
    /// What else the merchant says.
    pub terms: Option<Box<Terms>>,
    /// Whether the confirmation reserves or takes, where it changes.
    pub capture: Option<CaptureMethod>,
}

/// What changes about a payment that is not confirmed yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntentChange {
    /// How much.
    pub amount: Option<Amount>,
    /// In which currency.
    pub currency: Option<Currency>,
    /// Whether confirming reserves or takes.
    pub capture: Option<CaptureMethod>,
    /// The card.
    pub source: Option<Source>,
    /// Whose card.
    pub customer: Option<u64>,
    /// What else the merchant says.
    pub terms: Option<Box<Terms>>,
}

/// A card, as a merchant names it.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The customer's first, second … card: its fate is drawn.
    Nth(u32),
    /// A card with a documented fate, by its test number, token or name.
    Test(&'static TestCard),
    /// A payment method that was made before.
    Method(u64),
    /// A payment method that is made by the call.
    New(Box<NewMethod>),
}

/// What a merchant says of a payment that moves no money: kept and told again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// Metadata: at most 50 keys; in a change, an empty value takes its key away.
    pub metadata: Vec<(String, String)>,
    /// In a change: whether the metadata known so far goes first.
    pub metadata_anew: bool,
    /// Other fields, under the names and in the shapes of the answer that tells them again.
    pub fields: Map<String, Value>,
    /// Whether the cardholder is away, so that nobody could pass a challenge.
    pub presence: Presence,
}

/// Whether the cardholder is there.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// On the page.
    #[default]
    OnSession,
    /// Away: a card that asks for its holder is declined.
    OffSession,
}

impl Terms {
    /// Takes over what `change` says.
    ///
    /// # Errors
    /// When there would be more metadata than [`METADATA_KEYS_MAX`] keys.
    pub fn change(&mut self, change: Self) -> Result<(), Fault> {
        if change.metadata_anew {
            self.metadata.clear();
        }
        for (key, value) in change.metadata {
            self.metadata.retain(|(known, _)| *known != key);
            if !value.is_empty() {
                self.metadata.push((key, value));
            }
        }
        if self.metadata.len() > METADATA_KEYS_MAX {
            let keys = self.metadata.len();
            return Err(Fault::Parameter {
                param: "metadata".into(),
                code: "",
                message: format!(
                    "Metadata can have up to {METADATA_KEYS_MAX} keys, but there would be {keys}."
                ),
            });
        }
        self.fields.extend(change.fields);
        self.presence = change.presence;
        Ok(())
    }
}

/// Money to be given back.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRefund {
    /// Of which payment.
    pub intent: u64,
    /// How much; left out: all that is left.
    pub amount: Option<Amount>,
    /// Why, in the merchant's words.
    pub reason: Option<String>,
    /// What else the merchant says.
    pub terms: Option<Box<Terms>>,
}

/// Which payments are looked for; the newest come first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListIntents {
    /// How many at most, from 1 to 100.
    pub page: PageOf,
    /// Only those of this customer.
    pub customer: Option<u64>,
    /// Only those about which a bank was asked.
    pub charged: Charged,
}

/// Whether a bank was asked about a payment.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Charged {
    /// It makes no difference.
    #[default]
    Perhaps,
    /// Once at least.
    Yes,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct PageOf {
    /// How many at most, from 1 to 100.
    pub limit: usize,
    /// Only what is older than this object.
    pub after: Option<u64>,
    /// Only what is newer than this object.
    pub before: Option<u64>,
    /// Only what was made in this range of UTC \[s\], both ends included.
    pub created: std::ops::RangeInclusive<u64>,
}

impl Default for PageOf {
    fn default() -> Self {
        Self { limit: 10, after: None, before: None, created: 0..=u64::MAX }
    }
}

/// A currency by its ISO 4217 code, in lower case.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The yen, which has no minor unit.
    pub const JPY: Self = Self(*b"jpy");

    /// The currency of that code, in any case; `None` if it is not three letters.
    pub fn new(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        letters
            .iter()
            .all(u8::is_ascii_alphabetic)
            .then(|| Self(letters.map(|letter| letter.to_ascii_lowercase())))
    }

    /// Its code, in lower case.
    ///
    /// # Panics
    /// Never: three ASCII letters are a text.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("three ASCII letters")
    }
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
            | Self::List(_)
            | Self::ListRefunds(_)
            | Self::Directory(_)
            | Self::Webhook(_)
            | Self::Garbled { .. } => None,
        }
    }
}

impl<'call> From<&'call PaymentRequest> for Request<'call> {
    /// The call of a shop in the words that all providers share: one currency, the yen, and no
    /// word beyond the money.
    fn from(request: &'call PaymentRequest) -> Self {
        let call = match request.call {
            PlainCall::Authorize { amount, card } => Call::Create(Box::new(NewIntent {
                amount,
                currency: Currency::JPY,
                capture: CaptureMethod::Manual,
                confirm: Confirm::Now,
                source: Some(Source::Nth(card)),
                customer: None,
                terms: None,
            })),
            PlainCall::Capture { authorization, amount } => {
                Call::Capture { intent: authorization.0, amount: Some(amount), terms: None }
            }
            PlainCall::Void { authorization } => {
                Call::Cancel { intent: authorization.0, reason: None }
            }
            PlainCall::Refund { authorization, amount } => Call::Refund(Box::new(NewRefund {
                intent: authorization.0,
                amount: Some(amount),
                reason: None,
                terms: None,
            })),
            PlainCall::Retrieve { authorization } => Call::Retrieve { intent: authorization.0 },
        };
        Self {
            face: Face::Native,
            account: &request.account,
            key: Some(&request.key),
            fingerprint: fingerprint(request),
            reference: &request.reference,
            intent: &request.reference,
            call,
        }
    }
}

/// A number for everything a shop asks in the shared words.
fn fingerprint(request: &PaymentRequest) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    request.reference.hash(&mut hasher);
    request.call.operation().hash(&mut hasher);
    match request.call {
        PlainCall::Authorize { amount, card } => (amount.minor(), card).hash(&mut hasher),
        PlainCall::Capture { authorization, amount }
        | PlainCall::Refund { authorization, amount } => {
            (authorization.0, amount.minor()).hash(&mut hasher);
        }
        PlainCall::Void { authorization } | PlainCall::Retrieve { authorization } => {
            authorization.0.hash(&mut hasher);
        }
    }
    hasher.finish()
}
