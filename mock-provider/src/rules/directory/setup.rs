//! Setups: a card is made ready to be charged later, without a charge.
//!
//! ```text
//! requires_payment_method ──> requires_confirmation ──> requires_action (3-D Secure)
//!         ^ declined, challenge failed │                        │
//!         └────────────────────────────┼────────────────────────┘
//!                                      v
//!                                  succeeded               any but the last ──> canceled
//! ```

use std::sync::Arc;

use super::method::{Method, check_usable};
use super::{Directory, Kind, News, Object, said};
use crate::rules::card::{CardFault, Fate};
use crate::rules::intent::Answer;
use crate::rules::reply::{Fault, Reply};
use crate::rules::request::{Confirm, PageOf, Source, Terms};

/// How many setups are remembered; the oldest are forgotten first. A checkout makes one for each
/// card that is kept: at 50 per second this is a quarter of an hour.
pub(super) const SETUPS_MAX: usize = 50_000;

/// A card being made ready: `seti_…`.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// Its number, from 1.
    pub number: u64,
    /// The merchant account that made it.
    pub account: Box<str>,
    /// Where it stands.
    pub status: SetupStatus,
    /// The payment method, as it was when it was named.
    pub method: Option<Arc<Method>>,
    /// Whose card, where a customer is named.
    pub customer: Option<u64>,
    /// Why the last try failed, and the payment method it was about.
    pub last_fault: Option<(CardFault, Arc<Method>)>,
    /// Why it was let go, in the merchant's words.
    pub canceled: Option<Box<str>>,
    /// What else the merchant says: metadata, and the other fields under the names of the answer.
    pub terms: Option<Box<Terms>>,
    /// When it was made, in nanoseconds of UTC \[ns\].
    pub created_utc_ns: u64,
}

/// Where a setup stands, in Stripe's words.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum SetupStatus {
    /// No card yet, or the last one was declined.
    RequiresPaymentMethod,
    /// A card, but no word to set it up.
    RequiresConfirmation,
    /// The cardholder is asked.
    RequiresAction,
    /// The card is ready.
    Succeeded,
    /// Let go.
    Canceled,
}

impl SetupStatus {
    /// Its word in Stripe's API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }

    /// Whether nothing more can happen to it.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Canceled)
    }
}

/// A setup to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSetup {
    /// Whether to confirm it at once.
    pub confirm: Confirm,
    /// The card, whose it is, and what else the merchant says.
    pub change: SetupChange,
}

/// What is said of a setup.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetupChange {
    /// The card.
    pub source: Option<Source>,
    /// Whose card.
    pub customer: Option<u64>,
    /// What else the merchant says.
    pub terms: Option<Box<Terms>>,
}

/// Which setups are looked for; the newest come first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListSetups {
    /// The page.
    pub page: PageOf,
    /// Only those of this customer.
    pub customer: Option<u64>,
    /// Only those of this payment method.
    pub method: Option<u64>,
}

impl Setup {
    /// Its name: `seti_` and 24 digits.
    pub fn name(&self) -> String {
        super::named("seti_", self.number)
    }

    fn unexpected(&self, operation: &'static str) -> Fault {
        Fault::SetupState { setup: Arc::new(self.clone()), operation }
    }

    /// Back to the beginning: another card may do.
    fn fail(&mut self, fault: CardFault) {
        self.status = SetupStatus::RequiresPaymentMethod;
        self.last_fault = self.method.take().map(|method| (fault, method));
    }
}

impl Directory {
    /// A setup of the account.
    pub(in crate::rules) fn setup(&self, account: &str, number: u64) -> Result<&Arc<Setup>, Fault> {
        let known = self.setups.get(number).filter(|setup| *setup.account == *account);
        known.ok_or(Fault::Missing(Kind::Setup))
    }

    /// A setup of any account.
    pub(in crate::rules) fn any_setup(&self, number: u64) -> Option<&Arc<Setup>> {
        self.setups.get(number)
    }

    pub(super) fn make_setup(
        &mut self,
        utc_ns: u64,
        account: &str,
        new: NewSetup,
    ) -> Result<Reply, Fault> {
        let NewSetup { confirm, change } = new;
        let mut setup = Setup {
            number: 0,
            account: account.into(),
            status: SetupStatus::RequiresPaymentMethod,
            method: None,
            customer: None,
            last_fault: None,
            canceled: None,
            terms: None,
            created_utc_ns: utc_ns,
        };
        self.say_of(utc_ns, &mut setup, change)?;
        if confirm == Confirm::Now && setup.method.is_none() {
            return Err(setup.unexpected("confirm"));
        }
        let setup = self.setups.add(|number| Setup { number, ..setup });
        self.setups.forget_beyond(SETUPS_MAX);
        self.tell("setup_intent.created", Object::Setup(Arc::clone(&setup)));
        match confirm {
            Confirm::Now => self.ask(Setup::clone(&setup)),
            Confirm::Later => Ok(Reply::Object(Object::Setup(setup))),
        }
    }

    pub(super) fn change_setup(
        &mut self,
        utc_ns: u64,
        account: &str,
        number: u64,
        change: SetupChange,
    ) -> Result<Reply, Fault> {
        let mut setup = Setup::clone(self.setup(account, number)?);
        if setup.status.is_final() && (change.source.is_some() || change.customer.is_some()) {
            return Err(setup.unexpected("update"));
        }
        self.say_of(utc_ns, &mut setup, change)?;
        Ok(Reply::Object(Object::Setup(self.put_setup(setup))))
    }

    pub(super) fn confirm_setup(
        &mut self,
        utc_ns: u64,
        account: &str,
        number: u64,
        change: SetupChange,
    ) -> Result<Reply, Fault> {
        let mut setup = Setup::clone(self.setup(account, number)?);
        if setup.status.is_final() || setup.status == SetupStatus::RequiresAction {
            return Err(setup.unexpected("confirm"));
        }
        self.say_of(utc_ns, &mut setup, change)?;
        self.ask(setup)
    }

    pub(super) fn cancel_setup(
        &mut self,
        account: &str,
        number: u64,
        reason: Option<String>,
    ) -> Result<Reply, Fault> {
        let mut setup = Setup::clone(self.setup(account, number)?);
        if setup.status.is_final() {
            return Err(setup.unexpected("cancel"));
        }
        setup.status = SetupStatus::Canceled;
        setup.canceled = reason.map(Into::into);
        let setup = self.put_setup(setup);
        self.tell("setup_intent.canceled", Object::Setup(Arc::clone(&setup)));
        Ok(Reply::Object(Object::Setup(setup)))
    }

    pub(super) fn list_setups(&self, account: &str, wanted: &ListSetups) -> Result<Reply, Fault> {
        let ListSetups { page, customer, method } = wanted;
        super::check_cursor(page, "seti_", |it| self.setup(account, it).is_ok())?;
        let fits = |setup: &Setup| {
            *setup.account == *account
                && customer.is_none_or(|customer| setup.customer == Some(customer))
                && method.is_none_or(|it| setup.method.as_ref().is_some_and(|m| m.number == it))
                && page.covers(setup.created_utc_ns)
        };
        Ok(super::list(self.setups.page(page, fits), Object::Setup))
    }

    /// The cardholder has answered a challenge on a page.
    pub(in crate::rules) fn answer_setup(
        &mut self,
        number: u64,
        answer: Answer,
    ) -> Result<(Arc<Setup>, News), Fault> {
        let known = self.setups.get(number).ok_or(Fault::Missing(Kind::Setup))?;
        let mut setup = Setup::clone(known);
        if setup.status != SetupStatus::RequiresAction {
            return Err(setup.unexpected("authenticate"));
        }
        let setup = match answer {
            Answer::Passed => self.succeed(setup)?,
            Answer::Failed => {
                let code = "setup_intent_authentication_failure";
                setup.fail(CardFault { code, decline_code: None, param: None });
                let setup = self.put_setup(setup);
                self.tell("setup_intent.setup_failed", Object::Setup(Arc::clone(&setup)));
                setup
            }
        };
        Ok((setup, self.news()))
    }

    /// Takes over what is said of a setup, unless the card cannot be the customer's.
    fn say_of(&mut self, utc_ns: u64, setup: &mut Setup, change: SetupChange) -> Result<(), Fault> {
        let SetupChange { source, customer, terms } = change;
        if let Some(customer) = customer {
            self.given_customer(&setup.account, customer)?;
            setup.customer = Some(customer);
        }
        if let Some(source) = source
            && let Some(method) = self.resolve(utc_ns, &setup.account, &source)?
        {
            setup.method = Some(method);
            setup.status = SetupStatus::RequiresConfirmation;
        }
        if let Some(method) = &setup.method {
            check_usable(method, setup.customer)?;
        }
        setup.terms = said(setup.terms.as_deref(), terms)?;
        Ok(())
    }

    /// Asks the bank whether the card may be charged later.
    fn ask(&mut self, mut setup: Setup) -> Result<Reply, Fault> {
        let Some(method) = &setup.method else { return Err(setup.unexpected("confirm")) };
        match method.card.test.fate {
            Fate::Declined { code, decline_code } => {
                let fault = CardFault::declined(code, decline_code);
                setup.fail(fault);
                let setup = self.put_setup(setup);
                self.tell("setup_intent.setup_failed", Object::Setup(Arc::clone(&setup)));
                Ok(Reply::SetupDeclined { setup, fault })
            }
            Fate::Challenged
            | Fate::ChallengedUnlessSetUp
            | Fate::ChallengedThenDeclined { .. } => {
                setup.status = SetupStatus::RequiresAction;
                let setup = self.put_setup(setup);
                self.tell("setup_intent.requires_action", Object::Setup(Arc::clone(&setup)));
                Ok(Reply::Object(Object::Setup(setup)))
            }
            Fate::Approved | Fate::DeclinedLater { .. } | Fate::ChallengedOnSession => {
                Ok(Reply::Object(Object::Setup(self.succeed(setup)?)))
            }
        }
    }

    /// The card is ready, and the customer keeps it.
    fn succeed(&mut self, mut setup: Setup) -> Result<Arc<Setup>, Fault> {
        let method = setup.method.take().expect("whoever is asked has a card");
        // It may have been forgotten or taken away while its holder was asked.
        let method = Arc::clone(self.method(&setup.account, method.number)?);
        check_usable(&method, setup.customer)?;
        if let Some(customer) = setup.customer
            && method.customer.is_none()
        {
            self.given_customer(&setup.account, customer)?;
            self.keep(&method, customer)?;
        }
        self.set_up(method.number);
        setup.method = Some(Arc::clone(self.method(&setup.account, method.number)?));
        setup.status = SetupStatus::Succeeded;
        setup.last_fault = None;
        let setup = self.put_setup(setup);
        self.tell("setup_intent.succeeded", Object::Setup(Arc::clone(&setup)));
        Ok(setup)
    }

    fn put_setup(&mut self, setup: Setup) -> Arc<Setup> {
        let put = self.setups.change(setup.number, |known| *known = setup);
        put.expect("whoever changes a setup has just found it")
    }
}
