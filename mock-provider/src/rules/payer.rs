//! Who pays, and by what: the cards and customers of payments.

use std::sync::Arc;

use super::card::Fate;
use super::directory::{Method, News, Setup, check_usable};
use super::event::About;
use super::intent::{Answer, Intent, Status};
use super::reply::Fault;
use super::request::{Face, IntentChange, Request, Source};
use super::{Now, Provider};

impl Provider {
    /// Gives a payment its card, which has a name from now on through the Stripe-compatible face.
    pub(super) fn pay_by(
        &mut self,
        now: Now,
        request: &Request<'_>,
        intent: &mut Intent,
        source: &Source,
    ) -> Result<(), Fault> {
        if request.face != Face::Stripe {
            intent.pay_by(source.clone());
            return Ok(());
        }
        match self.directory.resolve(now.utc_ns, request.account, source)? {
            Some(method) => {
                check_usable(&method, intent.customer)?;
                intent.pay_by(Source::Method(method.number));
                intent.remember(method);
            }
            None => intent.pay_by(source.clone()),
        }
        Ok(())
    }

    /// Changes a payment; what is refused changes nothing.
    pub(super) fn update(
        &mut self,
        now: Now,
        request: &Request<'_>,
        number: u64,
        change: &IntentChange,
    ) -> Result<Arc<Intent>, Fault> {
        let account = request.account;
        self.check_customer(account, change.customer)?;
        let mut changed = Intent::clone(self.book.of(account, number)?);
        changed.update(IntentChange { source: None, ..change.clone() })?;
        if let Some(source) = &change.source {
            changed.update(IntentChange { source: Some(source.clone()), ..Default::default() })?;
            self.pay_by(now, request, &mut changed, source)?;
        } else {
            self.check_payer(&changed)?;
        }
        let (intent, ()) = self.book.change(account, number, |known| {
            *known = changed;
            Ok(())
        })?;
        Ok(intent)
    }

    /// Whether the customer that a parameter names is one.
    pub(super) fn check_customer(&self, account: &str, customer: Option<u64>) -> Result<(), Fault> {
        customer.map_or(Ok(()), |number| self.directory.given_customer(account, number).map(drop))
    }

    /// Whether the payment's card can still be used, and by its customer.
    pub(super) fn check_payer(&self, intent: &Intent) -> Result<(), Fault> {
        let known = intent.method.and_then(|it| self.directory.method(&intent.account, it).ok());
        known.map_or(Ok(()), |method| check_usable(method, intent.customer))
    }

    /// The documented fate of the payment's card, if it has one.
    pub(super) fn fate_of(&self, intent: &Intent) -> Option<Fate> {
        match intent.source.as_ref()? {
            Source::Nth(_) | Source::New(_) => None,
            Source::Test(card) => Some(card.fate),
            Source::Method(number) => self.method_of(intent, *number).map(|it| it.fate()),
        }
    }

    /// A payment method that a payment names: as it stands or, once it is forgotten, as the
    /// payment remembers it.
    pub(super) fn method_of<'known>(
        &'known self,
        intent: &'known Intent,
        number: u64,
    ) -> Option<&'known Arc<Method>> {
        let known = self.directory.method(&intent.account, number).ok();
        known.or_else(|| intent.methods.iter().find(|method| method.number == number))
    }

    /// A payment went through: its customer keeps the card if that was agreed.
    pub(super) fn note_paid(&mut self, now: Now, key: Option<&str>, intent: &Intent) {
        let Some(number) = intent.method else { return };
        if !matches!(intent.status, Status::RequiresCapture | Status::Succeeded) {
            return;
        }
        let field = |name| intent.terms.as_ref().and_then(|terms| terms.fields.get(name));
        let agreed = field("setup_future_usage").is_some_and(|usage| usage.is_string());
        let keeper = intent.customer.filter(|_| agreed);
        let news = self.directory.paid(&intent.account, number, keeper);
        self.spread(now, &intent.account, key, news);
    }

    /// The cardholder has answered on a page whether a card may be charged later.
    ///
    /// # Errors
    /// When there is no such setup, nobody is asked about it, or its card is gone.
    pub fn authenticate_setup(
        &mut self,
        at: domain::time::Time,
        utc_ns: u64,
        number: u64,
        answer: Answer,
    ) -> Result<Arc<Setup>, Fault> {
        let (setup, news) = self.directory.answer_setup(number, answer)?;
        self.spread(Now { at, utc_ns }, &setup.account, None, news);
        Ok(setup)
    }

    /// A setup of any account, if it is remembered.
    pub fn setup(&self, number: u64) -> Option<&Arc<Setup>> {
        self.directory.any_setup(number)
    }

    /// Writes down as events what has happened.
    pub(super) fn spread(&mut self, now: Now, account: &str, key: Option<&str>, news: News) {
        for (kind, object) in news {
            self.events.note(now.utc_ns, account, kind, About::Object(object), key);
        }
    }
}
