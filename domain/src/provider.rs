//! What a shop asks of a payment provider, what it is told, and what is true.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::AuthorizationId;
use crate::money::Amount;
use crate::time::Duration;

/// What is asked of the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Reserves `amount` on a card.
    Authorize {
        /// How much.
        amount: Amount,
        /// Which of the customer's cards, from 0: another card is another chance.
        card: u32,
    },
    /// Takes the money of an authorization.
    Capture {
        /// Which.
        authorization: AuthorizationId,
        /// How much, at most what was authorized.
        amount: Amount,
    },
    /// Lets an authorization go.
    Void {
        /// Which.
        authorization: AuthorizationId,
    },
    /// Gives captured money back.
    Refund {
        /// Of which authorization.
        authorization: AuthorizationId,
        /// How much, at most what was captured and not given back yet.
        amount: Amount,
    },
    /// Asks where an authorization stands; nothing moves.
    Retrieve {
        /// Which.
        authorization: AuthorizationId,
    },
    /// Makes a token of a card, as the customer's browser does; nothing moves.
    Tokenize {
        /// Which of the customer's cards, from 0.
        card: u32,
    },
}

impl Call {
    /// The call's operation.
    pub const fn operation(&self) -> PaymentOperation {
        match self {
            Self::Authorize { .. } => PaymentOperation::Authorize,
            Self::Capture { .. } => PaymentOperation::Capture,
            Self::Void { .. } => PaymentOperation::Void,
            Self::Refund { .. } => PaymentOperation::Refund,
            Self::Retrieve { .. } => PaymentOperation::Retrieve,
            Self::Tokenize { .. } => PaymentOperation::Tokenize,
        }
    }
}

/// One call on its way to the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRequest {
    /// The merchant account.
    pub account: String,
    /// The merchant's reference: the purchase intent.
    pub reference: String,
    /// The idempotency key: the same call under the same key takes effect once.
    pub key: String,
    /// What is asked.
    pub call: Call,
}

/// An operation of the provider. Each is an endpoint of its own to the limiters.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PaymentOperation {
    /// Reserve money on a card, in one call.
    Authorize,
    /// Make a payment without money yet: it is confirmed later.
    Create,
    /// Reserve (or take) the money of a payment that was made before.
    Confirm,
    /// The cardholder passes or fails the challenge of 3-D Secure: no call of the merchant.
    Authenticate,
    /// Change what is said of a payment.
    Update,
    /// Take it.
    Capture,
    /// Let it go.
    Void,
    /// Let go because nobody captured in time: no call of the merchant.
    Expire,
    /// Give it back.
    Refund,
    /// Look at one thing.
    Retrieve,
    /// Look at many.
    List,
    /// Make a token or a payment method of a card.
    Tokenize,
    /// Anything about a customer.
    Customer,
    /// Keep a card for later.
    Setup,
    /// Anything else: events, webhook endpoints.
    Other,
}

impl PaymentOperation {
    /// All operations.
    pub const ALL: [Self; 15] = [
        Self::Authorize,
        Self::Create,
        Self::Confirm,
        Self::Authenticate,
        Self::Update,
        Self::Capture,
        Self::Void,
        Self::Expire,
        Self::Refund,
        Self::Retrieve,
        Self::List,
        Self::Tokenize,
        Self::Customer,
        Self::Setup,
        Self::Other,
    ];

    /// The operation's word in files and idempotency keys.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Create => "create",
            Self::Confirm => "confirm",
            Self::Authenticate => "authenticate",
            Self::Update => "update",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Expire => "expire",
            Self::Refund => "refund",
            Self::Retrieve => "retrieve",
            Self::List => "list",
            Self::Tokenize => "tokenize",
            Self::Customer => "customer",
            Self::Setup => "setup",
            Self::Other => "other",
        }
    }
}

/// What the provider answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentReply {
    /// The money is reserved.
    Authorized {
        /// Under this name.
        authorization: AuthorizationId,
    },
    /// The money is taken.
    Captured,
    /// The money is let go.
    Voided,
    /// The money is given back.
    Refunded,
    /// The card has a token.
    Tokenized,
    /// The cardholder is asked first (3-D Secure): neither reserved nor declined yet.
    Challenged {
        /// Under this name.
        authorization: AuthorizationId,
    },
    /// The card was declined.
    Declined {
        /// Why, such as `insufficient_funds`.
        code: String,
    },
    /// Too many calls (429).
    RateLimited {
        /// How long to wait, where the provider says so.
        retry_after: Option<Duration>,
    },
    /// A call under the same key is still under way (409).
    InFlight,
    /// The call can never succeed: unknown or finished authorization, key reused for other
    /// parameters (4xx).
    Refused {
        /// Why, such as `payment_intent_unexpected_state`.
        code: String,
    },
    /// The provider failed (5xx): it may have taken effect.
    Failed,
}

/// What truly happened to a call, or what its caller was told.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PaymentOutcome {
    /// Money reserved.
    Authorized,
    /// Money taken.
    Captured,
    /// Money let go.
    Voided,
    /// Money given back.
    Refunded,
    /// Taken note of; no money moved.
    Accepted,
    /// The cardholder is asked first (3-D Secure); nothing reserved yet.
    Challenged,
    /// Card declined; nothing reserved.
    Declined,
    /// Refused by a limiter; nothing happened.
    RateLimited,
    /// Refused because another call held the payment for too long; nothing happened.
    LockTimeout,
    /// Refused as a call that cannot succeed; nothing happened.
    Refused,
    /// Refused because the same key is under way; nothing happened.
    InFlight,
    /// The provider failed; nothing happened, or (in `told`) the caller heard a 5xx.
    Failed,
    /// The caller heard nothing.
    Silence,
}

impl PaymentOutcome {
    /// All outcomes.
    pub const ALL: [Self; 13] = [
        Self::Authorized,
        Self::Captured,
        Self::Voided,
        Self::Refunded,
        Self::Accepted,
        Self::Challenged,
        Self::Declined,
        Self::RateLimited,
        Self::LockTimeout,
        Self::Refused,
        Self::InFlight,
        Self::Failed,
        Self::Silence,
    ];

    /// The outcome's word in files and measurements.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::Voided => "voided",
            Self::Refunded => "refunded",
            Self::Accepted => "accepted",
            Self::Challenged => "challenged",
            Self::Declined => "declined",
            Self::RateLimited => "rate_limited",
            Self::LockTimeout => "lock_timeout",
            Self::Refused => "refused",
            Self::InFlight => "in_flight",
            Self::Failed => "failed",
            Self::Silence => "silence",
        }
    }
}

/// One line of the provider's ledger: append-only, true whatever the caller was told.
///
/// A repetition answered out of the idempotency store writes a line with `replayed`, which moves
/// no money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentLine {
    /// When it took effect, in nanoseconds of UTC \[ns\].
    pub utc_ns: u64,
    /// The authorization, where one is meant or made.
    pub payment: Option<String>,
    /// The merchant's own reference of the order, such as its number; may be empty.
    #[serde(default)]
    pub reference: String,
    /// The purchase intent that both ledgers name: the merchant's reference where it names no
    /// other.
    pub intent: String,
    /// What was asked.
    pub operation: PaymentOperation,
    /// What truly happened.
    pub outcome: PaymentOutcome,
    /// What the caller was told.
    pub told: PaymentOutcome,
    /// The money it is about.
    pub amount: Amount,
    /// The idempotency key.
    pub key: String,
    /// Answered out of the idempotency store: nothing moved.
    #[serde(default)]
    pub replayed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_same_wherever_it_is_written() {
        for operation in PaymentOperation::ALL {
            assert_eq!(serde_json::to_value(operation).unwrap(), operation.word());
        }
        for outcome in PaymentOutcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.word());
        }
    }
}
