//! Who pays, and by what: the cards and customers of payments.

use std::sync::Arc;

use serde_json::Value;

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
        let agreed = field("setup_future_usage").is_some_and(Value::is_string);
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
        self.spread(Now { at, utc_ns, call: None }, &setup.account, None, news);
        self.dispatch(at, at);
        Ok(setup)
    }

    /// A setup of any account, if it is remembered.
    pub fn setup(&self, number: u64) -> Option<&Arc<Setup>> {
        self.directory.any_setup(number)
    }

    /// Writes down as events what has happened.
    pub(super) fn spread(&mut self, now: Now, account: &str, key: Option<&str>, news: News) {
        for (kind, object, before) in news {
            let (about, before) = (About::Object(object), before.map(About::Object));
            self.tell_anyway(now, (account, key), kind, about, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::law::Law;
    use domain::money::Amount;
    use domain::time::Time;
    use proptest::prelude::*;

    use super::*;
    use crate::rules::card::by_name;
    use crate::rules::directory::{CardOrigin, CustomerChange, Errand, NewMethod};
    use crate::rules::reply::Reply;
    use crate::rules::request::{
        Call, CaptureMethod, Confirm, Confirmation, Currency, NewIntent, Terms,
    };
    use crate::settings::{Latency, Overrides, Settings};

    fn provider() -> Provider {
        Provider::new(Settings {
            limits: Vec::new(),
            declines: 0.0,
            latency: Latency::every(Law::default()),
            ..Overrides::default().resolve(7).unwrap()
        })
    }

    fn ask(provider: &mut Provider, call: Call) -> Reply {
        let request = Request {
            face: Face::Stripe,
            account: "test_shop",
            key: None,
            fingerprint: 0,
            reference: "",
            intent: "",
            call,
        };
        provider.handle(Time::ZERO, 1_773_532_800_000_000_000, &request).reply
    }

    fn new(confirm: Confirm, source: Option<Source>, customer: Option<u64>) -> Call {
        let mut terms = Terms::default();
        terms.fields.insert("setup_future_usage".to_owned(), "off_session".into());
        Call::Create(Box::new(NewIntent {
            amount: Amount::new(900),
            currency: Currency::JPY,
            capture: CaptureMethod::Manual,
            confirm,
            source,
            customer,
            terms: Some(Box::new(terms)),
        }))
    }

    fn test(name: &str) -> Source {
        Source::Test(by_name(name).unwrap())
    }

    fn errand(errand: Errand) -> Call {
        Call::Directory(Box::new(errand))
    }

    fn made() -> Call {
        let card = CardOrigin::Test(by_name("pm_card_visa").unwrap());
        errand(Errand::MakeMethod(NewMethod { card, terms: None }))
    }

    #[test]
    fn a_payment_remembers_its_card_when_the_provider_has_forgotten_it() {
        let mut provider = provider();
        let declined = Some(test("pm_card_visa_chargeDeclined"));
        ask(&mut provider, new(Confirm::Later, declined, None));
        for _ in 0..60_000 {
            ask(&mut provider, made());
        }
        assert!(provider.directory.method("test_shop", 1).is_err());
        let confirm = Call::Confirm { intent: 1, with: Box::default() };
        let Reply::Declined { intent, decline } = ask(&mut provider, confirm) else {
            panic!("its fate is that of its card");
        };
        let card = provider.method_of(&intent, decline.method.unwrap()).unwrap().card;
        assert_eq!(card.test.last4(), "0002");
    }

    /// A call of a small world, in which everything collides.
    fn any_call() -> impl Strategy<Value = Call> {
        let id = || 0_u64..6;
        let cards = [
            "visa",
            "chargeDeclined",
            "chargeCustomerFail",
            "authenticationRequired",
            "authenticationRequiredChargeDeclinedInsufficientFunds",
        ];
        let card =
            (0..cards.len()).prop_map(move |which| test(&format!("pm_card_{}", cards[which])));
        let source = prop_oneof![card, id().prop_map(Source::Method)].boxed();
        let some = prop::option::of(source.clone()).boxed();
        let confirm = prop_oneof![Just(Confirm::Now), Just(Confirm::Later)];
        let change = (some.clone(), prop::option::of(id())).prop_map(|(source, customer)| {
            Box::new(IntentChange { source, customer, ..IntentChange::default() })
        });
        prop_oneof![
            (confirm, some.clone(), prop::option::of(id()))
                .prop_map(|(confirm, source, customer)| new(confirm, source, customer)),
            (id(), some).prop_map(|(intent, source)| {
                let with = Box::new(Confirmation { source, ..Confirmation::default() });
                Call::Confirm { intent, with }
            }),
            (id(), change).prop_map(|(intent, change)| Call::Update { intent, change }),
            id().prop_map(|intent| Call::Cancel { intent, reason: None }),
            Just(errand(Errand::MakeCustomer(CustomerChange::default()))),
            (source, id())
                .prop_map(|(method, customer)| { errand(Errand::Attach { method, customer }) }),
            id().prop_map(|method| errand(Errand::Detach(method))),
            id().prop_map(|customer| errand(Errand::DeleteCustomer(customer))),
        ]
    }

    proptest! {
        #[test]
        fn every_card_of_a_payment_can_be_shown(
            calls in prop::collection::vec((any_call(), 0_u64..6, any::<bool>()), 1..60),
        ) {
            let mut provider = provider();
            for (call, number, passes) in calls {
                ask(&mut provider, call);
                let answer = if passes { Answer::Passed } else { Answer::Failed };
                provider.authenticate(Time::ZERO, 0, number, answer).ok();
                for number in 1..70 {
                    let Some(intent) = provider.intent(number) else { continue };
                    let declined = intent.declines.iter().chain(&intent.last_decline);
                    let named = declined.filter_map(|it| it.method).chain(intent.method);
                    for method in named {
                        prop_assert!(intent.methods.iter().any(|known| known.number == method));
                    }
                    let reserved = intent.status == Status::RequiresCapture;
                    prop_assert!(!reserved || intent.method.is_some());
                }
            }
        }
    }
}
