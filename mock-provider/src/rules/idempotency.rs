//! The idempotency layer: the first result under a key is the result, failures included.
//!
//! What a limiter refused and what met a call still under way is never kept under the key. Keys
//! are kept as long as the provider lives (a run is shorter than the 24 hours that providers
//! promise), so the store grows by about 200 bytes with every executed call.

use std::collections::HashMap;

use domain::provider::{Call, PaymentOutcome, PaymentReply, PaymentRequest};
use domain::time::Time;

/// What is known of the calls that were executed, by merchant account and key.
#[derive(Debug, Default)]
pub(super) struct Store {
    accounts: HashMap<String, HashMap<String, Executed>>,
}

/// A call that was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Executed {
    call: Call,
    reference: Box<str>,
    /// The answer, also when it was never sent.
    pub(super) reply: PaymentReply,
    /// What truly happened.
    pub(super) outcome: PaymentOutcome,
    /// The authorization that was meant or made.
    pub(super) payment: Option<String>,
    /// When the answer leaves, or would leave if it did not get lost.
    pub(super) leaves: Time,
}

/// What the store knows about a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known<'store> {
    /// Nothing: the key is new.
    New,
    /// The first call under the key is still under way.
    UnderWay,
    /// The key was used for something else.
    Reused,
    /// The call was executed.
    Executed(&'store Executed),
}

impl Store {
    /// What is known `at` that time about the call.
    pub(super) fn look_up(&self, at: Time, request: &PaymentRequest) -> Known<'_> {
        let keys = self.accounts.get(&request.account);
        match keys.and_then(|keys| keys.get(&request.key)) {
            None => Known::New,
            Some(executed) if !executed.is_the_same_call(request) => Known::Reused,
            Some(executed) if at < executed.leaves => Known::UnderWay,
            Some(executed) => Known::Executed(executed),
        }
    }

    /// Keeps the result of a call whose key is new.
    pub(super) fn keep(&mut self, request: &PaymentRequest, executed: Executed) {
        let keys = self.accounts.entry(request.account.clone()).or_default();
        let before = keys.insert(request.key.clone(), executed);
        assert!(before.is_none(), "a call under a known key is not executed");
    }
}

impl Executed {
    pub(super) fn new(
        request: &PaymentRequest,
        (outcome, reply): (PaymentOutcome, PaymentReply),
        payment: Option<String>,
        leaves: Time,
    ) -> Self {
        let reference = request.reference.as_str().into();
        Self { call: request.call.clone(), reference, reply, outcome, payment, leaves }
    }

    fn is_the_same_call(&self, request: &PaymentRequest) -> bool {
        self.call == request.call && *self.reference == *request.reference
    }
}
