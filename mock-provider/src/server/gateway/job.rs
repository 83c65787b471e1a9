//! What is to be done with a trade: the parameter `JobCd`; and where a trade stands.

use domain::money::Amount;

use crate::rules::Status;
use crate::rules::intent::Intent;
use crate::rules::request::CaptureMethod;

/// A value of `JobCd`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Asks whether the card is good, and moves no money.
    Check,
    /// Reserves the money and takes it at once.
    Capture,
    /// Reserves the money.
    Auth,
    /// Takes the reserved money.
    Sales,
    /// Lets go, or gives back, on the same day.
    Void,
    /// Gives back in the same month.
    Return,
    /// Gives back later.
    ReturnOfAnEarlierMonth,
}

impl Job {
    const ENDINGS: [Self; 3] = [Self::Void, Self::Return, Self::ReturnOfAnEarlierMonth];

    /// Its word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Check => "CHECK",
            Self::Capture => "CAPTURE",
            Self::Auth => "AUTH",
            Self::Sales => "SALES",
            Self::Void => "VOID",
            Self::Return => "RETURN",
            Self::ReturnOfAnEarlierMonth => "RETURNX",
        }
    }

    /// Whether it undoes a trade.
    pub(super) fn ends(self) -> bool {
        Self::ENDINGS.contains(&self)
    }
}

/// The job that a trade was registered for.
pub(super) const fn registered(intent: &Intent) -> Job {
    match (intent.amount, intent.capture) {
        (Amount::ZERO, _) => Job::Check,
        (_, CaptureMethod::Automatic) => Job::Capture,
        (_, CaptureMethod::Manual) => Job::Auth,
    }
}

/// The last job that was done; none before the trade is paid.
pub(super) fn done(intent: &Intent) -> Option<Job> {
    let ending = |reason: Option<&str>| {
        let known = Job::ENDINGS.into_iter().find(|job| Some(job.word()) == reason);
        // Money that ran out by itself was let go as well.
        known.unwrap_or(Job::Void)
    };
    match intent.status {
        Status::RequiresPaymentMethod | Status::RequiresConfirmation | Status::RequiresAction => {
            None
        }
        Status::RequiresCapture | Status::Processing => Some(Job::Auth),
        Status::Canceled => Some(ending(intent.canceled.as_ref().map(|(_, reason)| &**reason))),
        Status::Succeeded if intent.amount == Amount::ZERO => Some(Job::Check),
        Status::Succeeded if intent.refunded == intent.received => {
            let last = intent.refunds.last().and_then(|refund| refund.reason.as_deref());
            Some(ending(last))
        }
        Status::Succeeded => match intent.capture {
            CaptureMethod::Automatic => Some(Job::Capture),
            CaptureMethod::Manual => Some(Job::Sales),
        },
    }
}

/// Where a trade stands: a value of `Status`.
pub(super) fn status(intent: &Intent) -> &'static str {
    match (done(intent), intent.status) {
        (Some(job), _) => job.word(),
        (None, Status::RequiresAction) => "AUTHENTICATED",
        (None, _) => "UNPROCESSED",
    }
}
