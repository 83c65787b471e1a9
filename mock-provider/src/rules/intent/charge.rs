//! What a bank says about a payment: it agrees, declines, or asks its customer first.

use domain::money::Amount;
use domain::time::Time;

use super::{Intent, Status};
use crate::rules::reply::Fault;
use crate::rules::request::CaptureMethod;

/// A challenge of 3-D Secure: the cardholder proves to the bank who pays.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// When and how the cardholder answers; none where a page waits for a person.
    pub answer: Option<(Time, Answer)>,
}

/// How a challenge ends.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The cardholder is who they say.
    Passed,
    /// The cardholder is not, or gave up.
    Failed,
}

/// Why a charge was declined.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Decline {
    /// The error's code, such as `card_declined` or `expired_card`.
    pub code: &'static str,
    /// The bank's reason, such as `insufficient_funds`; none where no bank was asked.
    pub decline_code: Option<&'static str>,
    /// The charge that was declined, from 1; 0 where no bank was asked.
    pub charge: u16,
    /// How much it was about.
    pub amount: Amount,
    /// The payment method, where it has a name.
    pub method: Option<u64>,
    /// When, in nanoseconds of UTC \[ns\].
    pub utc_ns: u64,
}

impl Decline {
    /// The most telling word for it.
    pub fn reason(&self) -> &'static str {
        self.decline_code.unwrap_or(self.code)
    }
}

/// What a bank says about a card.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::rules) enum Word {
    Approved,
    Declined { code: &'static str, decline_code: Option<&'static str> },
    Challenged(Challenge),
}

/// How often a bank may be asked about one payment.
const CHARGES_MAX: u16 = 99;

impl Intent {
    /// Whether it could be charged now; a card may come with the call.
    pub(in crate::rules) fn chargeable(&self) -> Result<(), Fault> {
        let waits =
            matches!(self.status, Status::RequiresConfirmation | Status::RequiresPaymentMethod);
        if !waits || self.charges >= CHARGES_MAX {
            return Err(self.unexpected("confirm"));
        }
        match self.source {
            Some(_) => Ok(()),
            None => Err(Fault::CardMissing),
        }
    }

    /// Takes the bank's word about a charge. `expires` is when the reserved money would be let go.
    pub(in crate::rules) fn charge(&mut self, word: Word, utc_ns: u64, expires: Time) {
        self.charges += 1;
        self.challenge = None;
        self.authenticated = false;
        match word {
            Word::Approved => self.approve(utc_ns, expires),
            Word::Declined { code, decline_code } => {
                let decline = self.declined(code, decline_code, utc_ns);
                self.declines.push(Decline { charge: self.charges, ..decline });
                self.decline(Decline { charge: self.charges, ..decline });
            }
            Word::Challenged(challenge) => {
                // The bank is asked only once its customer has proved who they are.
                self.charges -= 1;
                self.status = Status::RequiresAction;
                self.challenge = Some(challenge);
            }
        }
    }

    /// The cardholder has answered the challenge.
    pub(in crate::rules) fn authenticate(
        &mut self,
        answer: Answer,
        utc_ns: u64,
        expires: Time,
    ) -> Result<(), Fault> {
        if self.status != Status::RequiresAction {
            return Err(self.unexpected("authenticate"));
        }
        match answer {
            Answer::Passed => {
                self.charge(Word::Approved, utc_ns, expires);
                self.authenticated = true;
            }
            Answer::Failed => {
                self.challenge = None;
                let code = "payment_intent_authentication_failure";
                self.decline(self.declined(code, None, utc_ns));
            }
        }
        Ok(())
    }

    fn approve(&mut self, utc_ns: u64, expires: Time) {
        self.last_decline = None;
        self.charged_utc_ns = Some(utc_ns);
        match self.capture {
            CaptureMethod::Manual => {
                self.status = Status::RequiresCapture;
                self.capturable = self.amount;
                self.expires = Some(expires);
            }
            CaptureMethod::Automatic => {
                self.status = Status::Succeeded;
                self.received = self.amount;
            }
        }
    }

    const fn declined(
        &self,
        code: &'static str,
        decline_code: Option<&'static str>,
        utc_ns: u64,
    ) -> Decline {
        let Self { amount, method, .. } = *self;
        Decline { code, decline_code, charge: 0, amount, method, utc_ns }
    }

    /// Back to the beginning: another card may do.
    fn decline(&mut self, decline: Decline) {
        self.status = Status::RequiresPaymentMethod;
        self.last_decline = Some(decline);
        self.source = None;
        self.method = None;
    }
}
