//! Customers: who keeps which payment methods.

use std::sync::Arc;

use super::method::check_keepable;
use super::{Directory, Kind, Object, said};
use crate::rules::reply::{Fault, Reply};
use crate::rules::request::{PageOf, Source, Terms};

/// How many customers are remembered, deleted ones included; the oldest are forgotten first, with
/// what they keep. About 60 MB where each says a name, an address and an e-mail address.
pub(super) const CUSTOMERS_MAX: usize = 100_000;

/// A customer: `cus_…`.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    /// Its number, from 1.
    pub number: u64,
    /// The merchant account that made it.
    pub account: Box<str>,
    /// Whether it still is one.
    pub existence: Existence,
    /// The payment method that invoices are paid by.
    pub default_method: Option<u64>,
    /// What the merchant says: metadata, and the other fields under the names of the answer.
    pub terms: Option<Box<Terms>>,
    /// When it was made, in nanoseconds of UTC \[ns\].
    pub created_utc_ns: u64,
}

/// Whether a customer still is one.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Existence {
    /// It is.
    Known,
    /// It was deleted; only its name is left.
    Deleted,
}

/// What is said of a customer who is made or changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomerChange {
    /// A payment method to be kept; only who is made can say so.
    pub method: Option<Source>,
    /// The payment method that invoices are paid by.
    pub default_method: DefaultChange,
    /// What else the merchant says.
    pub terms: Option<Box<Terms>>,
}

/// What happens to the payment method that a customer's invoices are paid by.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum DefaultChange {
    /// It stays.
    #[default]
    Keep,
    /// There is none any more.
    Unset,
    /// It becomes this, which the customer keeps.
    Set(Source),
}

impl Customer {
    /// Its name: `cus_` and 24 digits.
    pub fn name(&self) -> String {
        name_of(self.number)
    }

    /// What the merchant says under that name, if it is a text.
    pub fn says(&self, field: &str) -> Option<&str> {
        self.terms.as_deref()?.fields.get(field)?.as_str()
    }
}

/// The name of a customer.
pub(super) fn name_of(number: u64) -> String {
    super::named("cus_", number)
}

impl Directory {
    /// A customer of the account, deleted or not.
    pub(in crate::rules) fn customer(
        &self,
        account: &str,
        number: u64,
    ) -> Result<&Arc<Customer>, Fault> {
        let known = self.customers.get(number).filter(|customer| *customer.account == *account);
        known.ok_or(Fault::Missing(Kind::Customer))
    }

    /// A customer of the account who is not deleted.
    pub(in crate::rules) fn given_customer(
        &self,
        account: &str,
        number: u64,
    ) -> Result<&Arc<Customer>, Fault> {
        let known = self.customer(account, number)?;
        match known.existence {
            Existence::Known => Ok(known),
            Existence::Deleted => Err(Fault::Missing(Kind::Customer)),
        }
    }

    pub(super) fn make_customer(
        &mut self,
        utc_ns: u64,
        account: &str,
        new: CustomerChange,
    ) -> Result<Reply, Fault> {
        let CustomerChange { method, default_method, terms } = new;
        // A card that nobody accepts makes no customer either.
        let kept = match &method {
            Some(source) => self.resolve(utc_ns, account, source)?,
            None => None,
        };
        if let Some(kept) = &kept {
            check_keepable(kept)?;
        }
        let default_method = match default_method {
            DefaultChange::Keep | DefaultChange::Unset => None,
            // A ready-made one that is named twice is meant once.
            DefaultChange::Set(source) if Some(&source) == method.as_ref() => {
                kept.as_ref().map(|kept| kept.number)
            }
            DefaultChange::Set(_) => return Err(not_kept()),
        };
        let customer = self.customers.add(|number| Customer {
            number,
            account: account.into(),
            existence: Existence::Known,
            default_method,
            terms,
            created_utc_ns: utc_ns,
        });
        self.tell("customer.created", Object::Customer(Arc::clone(&customer)));
        if let Some(kept) = kept {
            self.keep(&kept, customer.number)?;
        }
        for forgotten in self.customers.forget_beyond(CUSTOMERS_MAX) {
            self.forget_methods_of(forgotten);
        }
        Ok(Reply::Object(Object::Customer(customer)))
    }

    pub(super) fn change_customer(
        &mut self,
        account: &str,
        number: u64,
        change: CustomerChange,
    ) -> Result<Reply, Fault> {
        let CustomerChange { method: _, default_method, terms } = change;
        let known = self.given_customer(account, number)?;
        let default_method = match default_method {
            DefaultChange::Keep => known.default_method,
            DefaultChange::Unset => None,
            DefaultChange::Set(Source::Method(method)) if self.kept.contains(&(number, method)) => {
                Some(method)
            }
            DefaultChange::Set(_) => return Err(not_kept()),
        };
        let terms = said(known.terms.as_deref(), terms)?;
        let before = Object::Customer(Arc::clone(known));
        let customer = self.set_customer(number, |customer| {
            customer.default_method = default_method;
            customer.terms = terms;
        });
        let after = Object::Customer(Arc::clone(&customer));
        self.tell_change("customer.updated", after, before);
        Ok(Reply::Object(Object::Customer(customer)))
    }

    /// Deletes a customer, and takes away what it keeps.
    pub(super) fn delete_customer(&mut self, account: &str, number: u64) -> Result<Reply, Fault> {
        let known = Arc::clone(self.given_customer(account, number)?);
        let kept: Vec<_> = self.kept.range((number, 0)..=(number, u64::MAX)).copied().collect();
        for (_, method) in kept {
            self.take_away(number, method);
        }
        self.set_customer(number, |customer| {
            customer.existence = Existence::Deleted;
            customer.default_method = None;
            customer.terms = None;
        });
        self.tell("customer.deleted", Object::Customer(Arc::clone(&known)));
        Ok(Reply::Deleted(Object::Customer(known)))
    }

    /// The account's customers who are not deleted.
    pub(super) fn list_customers(
        &self,
        account: &str,
        email: Option<&str>,
        page: &PageOf,
    ) -> Result<Reply, Fault> {
        super::check_cursor(page, "cus_", |it| self.customer(account, it).is_ok())?;
        let fits = |customer: &Customer| {
            *customer.account == *account
                && customer.existence == Existence::Known
                && email.is_none_or(|email| customer.says("email") == Some(email))
                && page.covers(customer.created_utc_ns)
        };
        Ok(super::list(self.customers.page(page, fits), Object::Customer))
    }

    fn set_customer(&mut self, number: u64, change: impl FnOnce(&mut Customer)) -> Arc<Customer> {
        self.customers.change(number, change).expect("whoever changes a customer has just found it")
    }

    fn forget_methods_of(&mut self, customer: u64) {
        let kept: Vec<_> = self.kept.range((customer, 0)..=(customer, u64::MAX)).copied().collect();
        for (customer, method) in kept {
            self.kept.remove(&(customer, method));
            self.methods.remove(method);
        }
    }
}

fn not_kept() -> Fault {
    Fault::Parameter {
        param: "invoice_settings[default_payment_method]".into(),
        code: "resource_missing",
        message: "The customer does not keep this payment method: attach it first.".to_owned(),
    }
}
