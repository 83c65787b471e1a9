//! Payment methods: cards with a name, which a customer may keep.

use std::sync::Arc;

use super::{Directory, Kind, News, Object, said};
use crate::rules::card::{Card, CardData, CardFault, Fate, TestCard};
use crate::rules::reply::{Fault, Reply};
use crate::rules::request::{PageOf, Source, Terms};

/// How many payment methods are remembered that no customer keeps; the oldest are forgotten first.
/// Every payment by a ready-made one makes another: at 100 per second this is eight minutes, and a
/// payment remembers its own besides.
pub(super) const LOOSE_MAX: usize = 50_000;

/// How many payment methods are remembered that customers keep, about 60 MB; those of the customer
/// who was made first are forgotten first.
pub(super) const KEPT_MAX: usize = 200_000;

/// How many payment methods one customer may keep: so many that no shop meets it by accident, and
/// so few that a list of them all is no feat.
pub(super) const KEPT_BY_ONE_MAX: usize = 500;

/// A card with a name: `pm_…`.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// Its number, from 1.
    pub number: u64,
    /// The merchant account that made it.
    pub account: Box<str>,
    /// The card.
    pub card: Card,
    /// Whose card, where it is kept for a customer.
    pub customer: Option<u64>,
    /// Whether it can still be used.
    pub standing: Standing,
    /// Whether its holder agreed that it is charged while they are away.
    pub set_up: bool,
    /// What else the merchant says: metadata, and under `address`, `email`, `name` and `phone` the
    /// billing details.
    pub terms: Option<Box<Terms>>,
    /// When it was made, in nanoseconds of UTC \[ns\].
    pub created_utc_ns: u64,
}

/// Whether a payment method can still be used.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can.
    Fresh,
    /// It paid once and no customer kept it, or it was taken from its customer.
    Spent,
}

/// A payment method to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMethod {
    /// Of which card.
    pub card: CardOrigin,
    /// What else the merchant says.
    pub terms: Option<Box<Terms>>,
}

/// Where a card comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum CardOrigin {
    /// Its holder typed it in.
    Data(CardData),
    /// It is a test card, by its name.
    Test(&'static TestCard),
    /// From a token, which is spent by it.
    Token(u64),
}

/// What changes about a payment method.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MethodChange {
    /// The last month it is valid in.
    pub exp_month: Option<i64>,
    /// The last year it is valid in.
    pub exp_year: Option<i64>,
    /// What else the merchant says.
    pub terms: Option<Box<Terms>>,
}

impl Method {
    /// What becomes of a charge of it.
    pub(in crate::rules) fn fate(&self) -> Fate {
        match self.card.test.fate {
            Fate::ChallengedUnlessSetUp if self.set_up => Fate::ChallengedOnSession,
            fate => fate,
        }
    }

    /// Its name: `pm_` and 24 digits.
    pub fn name(&self) -> String {
        name_of(self.number)
    }
}

/// The name of a payment method.
pub(super) fn name_of(number: u64) -> String {
    super::named("pm_", number)
}

impl Directory {
    /// A payment method of the account.
    pub(in crate::rules) fn method(
        &self,
        account: &str,
        number: u64,
    ) -> Result<&Arc<Method>, Fault> {
        let known = self.methods.get(number).filter(|method| *method.account == *account);
        known.ok_or(Fault::Missing(Kind::Method))
    }

    /// The payment method that a path names.
    pub(super) fn find(
        &mut self,
        utc_ns: u64,
        account: &str,
        source: &Source,
    ) -> Result<Arc<Method>, Fault> {
        match source {
            Source::Method(number) => self.method(account, *number).cloned(),
            source => {
                let found = self.resolve(utc_ns, account, source)?;
                found.ok_or(Fault::Missing(Kind::Method))
            }
        }
    }

    /// The payment method that is meant, made if it is none yet; none where a card is only counted.
    pub(in crate::rules) fn resolve(
        &mut self,
        utc_ns: u64,
        account: &str,
        source: &Source,
    ) -> Result<Option<Arc<Method>>, Fault> {
        let new = match source {
            Source::Nth(_) => return Ok(None),
            Source::Method(number) => return self.method(account, *number).cloned().map(Some),
            Source::Test(card) => NewMethod { card: CardOrigin::Test(card), terms: None },
            Source::New(new) => NewMethod::clone(new),
        };
        self.make_method(utc_ns, account, new).map(Some)
    }

    pub(super) fn make_method(
        &mut self,
        utc_ns: u64,
        account: &str,
        new: NewMethod,
    ) -> Result<Arc<Method>, Fault> {
        let NewMethod { card, mut terms } = new;
        let card = match card {
            CardOrigin::Data(data) => Card::read(&data, utc_ns).map_err(Fault::Card)?,
            CardOrigin::Test(test) => Card::named(test, utc_ns),
            CardOrigin::Token(number) => {
                let token = self.spend_token(account, number)?;
                terms = said(token.terms.as_deref(), terms)?;
                token.card
            }
        };
        let method = self.methods.add(|number| Method {
            number,
            account: account.into(),
            card,
            customer: None,
            standing: Standing::Fresh,
            set_up: false,
            terms,
            created_utc_ns: utc_ns,
        });
        self.loose.insert(method.number);
        self.forget_loose();
        Ok(method)
    }

    pub(super) fn change_method(
        &mut self,
        utc_ns: u64,
        account: &str,
        number: u64,
        change: MethodChange,
    ) -> Result<Reply, Fault> {
        let MethodChange { exp_month, exp_year, terms } = change;
        let card = self.method(account, number)?.card;
        let data = CardData {
            number: card.test.number.into(),
            exp_month: exp_month.unwrap_or(i64::from(card.exp_month)),
            exp_year: exp_year.unwrap_or(i64::from(card.exp_year)),
            cvc: None,
        };
        let touched = exp_month.is_some() || exp_year.is_some();
        let read = if touched { Card::read(&data, utc_ns).map_err(Fault::Card)? } else { card };
        let terms = said(self.method(account, number)?.terms.as_deref(), terms)?;
        let before = Object::Method(Arc::clone(self.method(account, number)?));
        let method = self.set_method(number, |method| {
            method.card = Card { cvc: card.cvc, ..read };
            method.terms = terms;
        });
        let after = Object::Method(Arc::clone(&method));
        self.tell_change("payment_method.updated", after, before);
        Ok(Reply::Object(Object::Method(method)))
    }

    /// Keeps a payment method for a customer, once its bank agrees.
    pub(super) fn attach(
        &mut self,
        utc_ns: u64,
        account: &str,
        source: &Source,
        customer: u64,
    ) -> Result<Arc<Method>, Fault> {
        self.given_customer(account, customer)?;
        let method = self.find(utc_ns, account, source)?;
        if method.customer == Some(customer) {
            return Ok(method);
        }
        check_keepable(&method)?;
        self.keep(&method, customer)
    }

    /// Keeps a payment method for a customer.
    pub(super) fn keep(&mut self, method: &Method, customer: u64) -> Result<Arc<Method>, Fault> {
        let number = method.number;
        if self.kept.range((customer, 0)..=(customer, u64::MAX)).count() >= KEPT_BY_ONE_MAX {
            return Err(Fault::Parameter {
                param: "customer".into(),
                code: "customer_max_payment_methods",
                message: format!("A customer can keep {KEPT_BY_ONE_MAX} payment methods at most."),
            });
        }
        let kept = self.set_method(number, |method| {
            method.customer = Some(customer);
            method.standing = Standing::Fresh;
        });
        self.loose.remove(&number);
        self.kept.insert((customer, number));
        self.tell("payment_method.attached", Object::Method(Arc::clone(&kept)));
        while self.kept.len() > KEPT_MAX
            && let Some(oldest) = self.kept.iter().copied().find(|it| *it != (customer, number))
        {
            self.kept.remove(&oldest);
            self.methods.remove(oldest.1);
        }
        Ok(kept)
    }

    pub(super) fn detach(&mut self, account: &str, number: u64) -> Result<Arc<Method>, Fault> {
        let method = self.method(account, number)?;
        let Some(customer) = method.customer else {
            return Err(unexpected(format!(
                "The payment method {} is kept for no customer, so that it cannot be detached.",
                method.name(),
            )));
        };
        Ok(self.take_away(customer, number))
    }

    /// Takes a payment method from its customer; it cannot be used any more.
    pub(super) fn take_away(&mut self, customer: u64, number: u64) -> Arc<Method> {
        let method = self.set_method(number, |method| {
            method.customer = None;
            method.standing = Standing::Spent;
        });
        self.kept.remove(&(customer, number));
        self.loose.insert(number);
        self.customers.change(customer, |it| {
            it.default_method = it.default_method.filter(|default| *default != number);
        });
        self.tell("payment_method.detached", Object::Method(Arc::clone(&method)));
        self.forget_loose();
        method
    }

    /// The account's payment methods that customers keep, or those of one.
    pub(super) fn list_methods(
        &self,
        account: &str,
        customer: Option<u64>,
        page: &PageOf,
    ) -> Result<Reply, Fault> {
        let Some(customer) = customer else {
            super::check_cursor(page, "pm_", |it| self.method(account, it).is_ok())?;
            let fits = |it: &Method| *it.account == *account && page.covers(it.created_utc_ns);
            return Ok(super::list(self.methods.page(page, fits), Object::Method));
        };
        self.customer(account, customer)?;
        super::check_cursor(page, "pm_", |it| self.method(account, it).is_ok())?;
        let numbers = page.numbers();
        let kept = self.kept.range((customer, numbers.start)..(customer, numbers.end));
        let methods = kept.filter_map(|(_, number)| self.methods.get(*number));
        let fitting = methods.filter(|method| page.covers(method.created_utc_ns));
        Ok(super::list(page.cut(fitting.map(Arc::clone)), Object::Method))
    }

    /// A payment method that a customer keeps.
    pub(super) fn method_of(
        &self,
        account: &str,
        customer: u64,
        number: u64,
    ) -> Result<Arc<Method>, Fault> {
        self.customer(account, customer)?;
        let method = self.method(account, number)?;
        let kept = Some(method).filter(|method| method.customer == Some(customer));
        kept.cloned().ok_or(Fault::Missing(Kind::Method))
    }

    /// A payment by this method went through: the customer keeps it if that was agreed, and where
    /// no customer keeps it, it is spent.
    pub(in crate::rules) fn paid(
        &mut self,
        account: &str,
        number: u64,
        keeper: Option<u64>,
    ) -> News {
        let Ok(method) = self.method(account, number).cloned() else { return News::new() };
        match (method.customer, keeper) {
            (None, Some(customer)) if self.given_customer(account, customer).is_ok() => {
                // A customer who keeps too many keeps no more; the payment stands all the same.
                if self.keep(&method, customer).is_ok() {
                    self.set_up(number);
                }
            }
            (Some(customer), Some(keeper)) if customer == keeper => self.set_up(number),
            (None, _) => {
                self.set_method(number, |method| method.standing = Standing::Spent);
            }
            (Some(_), _) => {}
        }
        self.news()
    }

    /// Its holder agreed that it is charged while they are away.
    pub(super) fn set_up(&mut self, number: u64) {
        self.set_method(number, |method| method.set_up = true);
    }

    fn set_method(&mut self, number: u64, change: impl FnOnce(&mut Method)) -> Arc<Method> {
        self.methods.change(number, change).expect("whoever changes a method has just found it")
    }

    fn forget_loose(&mut self) {
        while self.loose.len() > LOOSE_MAX
            && let Some(oldest) = self.loose.pop_first()
        {
            self.methods.remove(oldest);
        }
    }
}

/// Whether a payment method may be used for that customer, or for none.
pub(in crate::rules) fn check_usable(method: &Method, customer: Option<u64>) -> Result<(), Fault> {
    let name = method.name();
    match (method.customer, customer) {
        (None, _) if method.standing == Standing::Spent => Err(unexpected(format!(
            "The payment method {name} was used without a customer to keep it, or was detached \
             from its customer, and may not be used again. To use one several times, attach it to \
             a customer first.",
        ))),
        (Some(known), Some(wanted)) if known != wanted => {
            Err(unexpected(format!("The payment method {name} is attached to another customer.")))
        }
        (Some(known), None) => Err(unexpected(format!(
            "The payment method {name} is attached to the customer {}: name it in the parameter \
             `customer`.",
            super::customer::name_of(known),
        ))),
        _ => Ok(()),
    }
}

/// Whether another customer could keep a payment method: nobody does, and its bank agrees.
pub(super) fn check_keepable(method: &Method) -> Result<(), Fault> {
    if method.customer.is_some() {
        let name = method.name();
        return Err(unexpected(format!("The payment method {name} is attached to a customer.")));
    }
    check_usable(method, None)?;
    match method.card.test.fate {
        Fate::Declined { code, decline_code } => {
            Err(Fault::Card(CardFault::declined(code, decline_code)))
        }
        _ => Ok(()),
    }
}

fn unexpected(message: String) -> Fault {
    let code = "payment_method_unexpected_state";
    Fault::Parameter { param: "payment_method".into(), code, message }
}
