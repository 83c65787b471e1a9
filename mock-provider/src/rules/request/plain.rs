//! The call of a shop in the words that all providers share.

use std::hash::{DefaultHasher, Hash, Hasher};

use domain::provider::{Call as PlainCall, PaymentRequest};

use super::{Call, CaptureMethod, Confirm, Currency, Face, NewIntent, NewRefund, Request, Source};

impl<'call> From<&'call PaymentRequest> for Request<'call> {
    fn from(request: &'call PaymentRequest) -> Self {
        Self::shared(&request.account, &request.key, &request.reference, &request.call)
    }
}

impl<'call> Request<'call> {
    /// The call of a shop in the words that all providers share: one currency, the yen, and no
    /// word beyond the money.
    pub fn shared(
        account: &'call str,
        key: &'call str,
        reference: &'call str,
        asked: &PlainCall,
    ) -> Self {
        let call = match *asked {
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
            PlainCall::Tokenize { .. } => Call::Tokenize,
        };
        Self {
            face: Face::Native,
            account,
            key: Some(key),
            fingerprint: fingerprint(reference, asked),
            reference,
            intent: reference,
            call,
        }
    }
}

/// A number for everything a shop asks in the shared words.
fn fingerprint(reference: &str, asked: &PlainCall) -> u64 {
    let mut hasher = DefaultHasher::new();
    reference.hash(&mut hasher);
    asked.operation().hash(&mut hasher);
    match *asked {
        PlainCall::Authorize { amount, card } => (amount.minor(), card).hash(&mut hasher),
        PlainCall::Capture { authorization, amount }
        | PlainCall::Refund { authorization, amount } => {
            (authorization.0, amount.minor()).hash(&mut hasher);
        }
        PlainCall::Tokenize { card } => card.hash(&mut hasher),
        PlainCall::Void { authorization } | PlainCall::Retrieve { authorization } => {
            authorization.0.hash(&mut hasher);
        }
    }
    hasher.finish()
}
