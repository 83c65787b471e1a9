//! The provider's rules as a pure machine: one call in, one decision out, time as an argument.

use domain::provider::{PaymentLine, PaymentReply, PaymentRequest};
use domain::time::{Duration, Time};

use crate::settings::Settings;

/// The provider: authorizations, idempotency keys and limiters.
#[derive(Debug)]
pub struct Provider {
    settings: Settings,
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

impl Provider {
    /// A provider without any authorization.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Decides a call that arrives `at`; `utc_ns` is the same instant in UTC \[ns\], for the ledger.
    pub fn handle(&mut self, at: Time, utc_ns: u64, request: &PaymentRequest) -> Decision {
        let _ = (&self.settings, at, utc_ns, request);
        todo!()
    }
}
