//! What a checkout needs beside payments: cards that have names, customers, cards kept for later.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::provider::PaymentOperation;

use super::card::TestCard;
use super::event::Event;
use super::reply::{Fault, Reply};
use super::webhook::{Endpoint, Secret};

/// A kind of object.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A payment.
    Intent,
    /// Money given back.
    Refund,
    /// A card with a name.
    Method,
    /// Where a merchant hears of events.
    Endpoint,
    /// Something that happened.
    Event,
}

/// An object that is no payment.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    /// A card with a name.
    Method(Arc<Method>),
    /// Where a merchant hears of events, and whether its secret is told.
    Endpoint(Arc<Endpoint>, Secret),
    /// Something that happened, and how many endpoints have not taken it yet.
    Event(Arc<Event>, u32),
}

/// A card with a name: `pm_…`.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// Its number, from 1.
    pub number: u64,
    /// The merchant account that made it.
    pub account: Box<str>,
    /// The card.
    pub card: &'static TestCard,
    /// Whose card, where it is kept for a customer.
    pub customer: Option<u64>,
    /// When it was made, in nanoseconds of UTC \[ns\].
    pub created_utc_ns: u64,
}

/// What is asked about anything but payments.
#[derive(Clone, Debug, PartialEq)]
pub enum Errand {
    /// Makes a payment method of a card.
    MakeMethod(&'static TestCard),
    /// Looks at a payment method.
    FindMethod(u64),
}

impl Errand {
    /// The endpoint that limiters count.
    pub fn operation(&self) -> PaymentOperation {
        match self {
            Self::MakeMethod(_) => PaymentOperation::Tokenize,
            Self::FindMethod(_) => PaymentOperation::Retrieve,
        }
    }

    /// Whether it only looks.
    pub fn only_reads(&self) -> bool {
        matches!(self, Self::FindMethod(_))
    }
}

/// All objects that are no payments.
#[derive(Debug, Default)]
pub(super) struct Directory {
    methods: BTreeMap<u64, Arc<Method>>,
    made: u64,
}

impl Directory {
    pub(super) fn perform(
        &mut self,
        utc_ns: u64,
        account: &str,
        errand: Errand,
    ) -> Result<Reply, Fault> {
        match errand {
            Errand::MakeMethod(card) => {
                let method = self.make_method(utc_ns, account, card);
                Ok(Reply::Object(Object::Method(method)))
            }
            Errand::FindMethod(number) => {
                let method = self.method(account, number)?;
                Ok(Reply::Object(Object::Method(Arc::clone(method))))
            }
        }
    }

    /// A payment method of the account.
    pub(super) fn method(&self, account: &str, number: u64) -> Result<&Arc<Method>, Fault> {
        let known = self.methods.get(&number).filter(|method| *method.account == *account);
        known.ok_or(Fault::Missing(Kind::Method))
    }

    pub(super) fn make_method(
        &mut self,
        utc_ns: u64,
        account: &str,
        card: &'static TestCard,
    ) -> Arc<Method> {
        self.made += 1;
        let method = Arc::new(Method {
            number: self.made,
            account: account.into(),
            card,
            customer: None,
            created_utc_ns: utc_ns,
        });
        self.methods.insert(self.made, Arc::clone(&method));
        method
    }
}
