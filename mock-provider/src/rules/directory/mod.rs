//! What a checkout needs beside payments: cards that have names, customers, cards kept for later.

mod customer;
mod method;
mod setup;
mod shelf;
#[cfg(test)]
mod tests;
mod token;

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::provider::PaymentOperation;

pub use customer::{Customer, CustomerChange, DefaultChange, Existence};
pub(super) use method::check_usable;
pub use method::{CardOrigin, Method, MethodChange, NewMethod, Standing};
pub use setup::{ListSetups, NewSetup, Setup, SetupChange, SetupStatus};
pub use token::Token;

use super::card::CardData;
use super::event::Event;
use super::reply::{Fault, Reply};
use super::request::{PageOf, Source, Terms};
use super::webhook::{Endpoint, Secret};
use shelf::Shelf;

/// A kind of object.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A payment.
    Intent,
    /// Money given back.
    Refund,
    /// A card with a name.
    Method,
    /// Who keeps cards.
    Customer,
    /// A card being made ready.
    Setup,
    /// A card that is handed on once.
    Token,
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
    /// Who keeps cards.
    Customer(Arc<Customer>),
    /// A card being made ready.
    Setup(Arc<Setup>),
    /// A card that is handed on once.
    Token(Arc<Token>),
    /// Where a merchant hears of events, and whether its secret is told.
    Endpoint(Arc<Endpoint>, Secret),
    /// Something that happened, and how many endpoints have not taken it yet.
    Event(Arc<Event>, u32),
}

/// What is asked about anything but payments.
#[derive(Clone, Debug, PartialEq)]
pub enum Errand {
    /// Makes a payment method of a card.
    MakeMethod(NewMethod),
    /// Looks at a payment method; a ready-made one is made by it.
    FindMethod(Source),
    /// Changes what is said of a payment method.
    ChangeMethod {
        /// Which.
        method: u64,
        /// What changes.
        change: MethodChange,
    },
    /// Keeps a payment method for a customer.
    Attach {
        /// Which.
        method: Source,
        /// For whom.
        customer: u64,
    },
    /// Takes a payment method from its customer.
    Detach(u64),
    /// Looks at the payment methods that are kept.
    ListMethods {
        /// By whom; left out: all.
        customer: Option<u64>,
        /// The page.
        page: PageOf,
    },
    /// Looks at a payment method that a customer keeps.
    FindMethodOf {
        /// Who.
        customer: u64,
        /// Which.
        method: u64,
    },
    /// Makes a customer.
    MakeCustomer(CustomerChange),
    /// Looks at a customer.
    FindCustomer(u64),
    /// Changes what is said of a customer.
    ChangeCustomer {
        /// Whom.
        customer: u64,
        /// What changes.
        change: CustomerChange,
    },
    /// Deletes a customer.
    DeleteCustomer(u64),
    /// Looks at customers.
    ListCustomers {
        /// Only those with this e-mail address.
        email: Option<String>,
        /// The page.
        page: PageOf,
    },
    /// Makes a setup, and confirms it at once if asked to.
    MakeSetup(NewSetup),
    /// Looks at a setup.
    FindSetup(u64),
    /// Changes what is said of a setup.
    ChangeSetup {
        /// Which.
        setup: u64,
        /// What changes.
        change: SetupChange,
    },
    /// Sets the card up.
    ConfirmSetup {
        /// Which.
        setup: u64,
        /// By which card, and what else is said.
        change: SetupChange,
    },
    /// Lets a setup go.
    CancelSetup {
        /// Which.
        setup: u64,
        /// Why, in the merchant's words.
        reason: Option<String>,
    },
    /// Looks at setups.
    ListSetups(ListSetups),
    /// Makes a token of a card.
    MakeToken {
        /// The card.
        card: CardData,
        /// Its billing details.
        terms: Option<Box<Terms>>,
    },
    /// Looks at a token.
    FindToken(u64),
}

impl Errand {
    /// The endpoint that limiters count.
    pub fn operation(&self) -> PaymentOperation {
        match self {
            Self::MakeMethod(_) | Self::MakeToken { .. } => PaymentOperation::Tokenize,
            Self::FindMethod(_)
            | Self::FindMethodOf { .. }
            | Self::FindCustomer(_)
            | Self::FindSetup(_)
            | Self::FindToken(_) => PaymentOperation::Retrieve,
            Self::ListMethods { .. } | Self::ListCustomers { .. } | Self::ListSetups(_) => {
                PaymentOperation::List
            }
            Self::ChangeMethod { .. } => PaymentOperation::Update,
            Self::Attach { .. }
            | Self::Detach(_)
            | Self::MakeCustomer(_)
            | Self::ChangeCustomer { .. }
            | Self::DeleteCustomer(_) => PaymentOperation::Customer,
            Self::MakeSetup(_)
            | Self::ChangeSetup { .. }
            | Self::ConfirmSetup { .. }
            | Self::CancelSetup { .. } => PaymentOperation::Setup,
        }
    }

    /// Whether it only looks.
    pub fn only_reads(&self) -> bool {
        matches!(self.operation(), PaymentOperation::Retrieve | PaymentOperation::List)
    }
}

/// What has happened, in Stripe's words, to which objects, and how they stood before where that is
/// told.
pub(super) type News = Vec<(&'static str, Object, Option<Object>)>;

/// All objects that are no payments.
#[derive(Debug, Default)]
pub(super) struct Directory {
    methods: Shelf<Method>,
    /// Payment methods that no customer keeps.
    loose: BTreeSet<u64>,
    /// Customers, and the payment methods that they keep.
    kept: BTreeSet<(u64, u64)>,
    customers: Shelf<Customer>,
    setups: Shelf<Setup>,
    tokens: Shelf<Token>,
    /// What has happened in the call under way.
    news: News,
}

impl Directory {
    /// Does what is asked, and says what has happened by it. Who is refused may have left a payment
    /// method that nobody keeps, and nothing else.
    pub(super) fn perform(
        &mut self,
        utc_ns: u64,
        account: &str,
        errand: Errand,
    ) -> (Result<Reply, Fault>, News) {
        let done = match errand {
            Errand::MakeMethod(new) => self.make_method(utc_ns, account, new).map(of_method),
            Errand::FindMethod(source) => self.find(utc_ns, account, &source).map(of_method),
            Errand::ChangeMethod { method, change } => {
                self.change_method(utc_ns, account, method, change)
            }
            Errand::Attach { method, customer } => {
                self.attach(utc_ns, account, &method, customer).map(of_method)
            }
            Errand::Detach(method) => self.detach(account, method).map(of_method),
            Errand::ListMethods { customer, page } => self.list_methods(account, customer, &page),
            Errand::FindMethodOf { customer, method } => {
                self.method_of(account, customer, method).map(of_method)
            }
            Errand::MakeCustomer(new) => self.make_customer(utc_ns, account, new),
            Errand::FindCustomer(number) => self.customer(account, number).map(of_customer),
            Errand::ChangeCustomer { customer, change } => {
                self.change_customer(account, customer, change)
            }
            Errand::DeleteCustomer(number) => self.delete_customer(account, number),
            Errand::ListCustomers { email, page } => {
                self.list_customers(account, email.as_deref(), &page)
            }
            Errand::MakeSetup(new) => self.make_setup(utc_ns, account, new),
            Errand::FindSetup(number) => self.setup(account, number).cloned().map(of_setup),
            Errand::ChangeSetup { setup, change } => {
                self.change_setup(utc_ns, account, setup, change)
            }
            Errand::ConfirmSetup { setup, change } => {
                self.confirm_setup(utc_ns, account, setup, change)
            }
            Errand::CancelSetup { setup, reason } => self.cancel_setup(account, setup, reason),
            Errand::ListSetups(wanted) => self.list_setups(account, &wanted),
            Errand::MakeToken { card, terms } => self.make_token(utc_ns, account, &card, terms),
            Errand::FindToken(number) => {
                self.token(account, number).map(|it| Reply::Object(Object::Token(Arc::clone(it))))
            }
        };
        (done, self.news())
    }

    /// What has happened since this was last asked.
    fn news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }

    fn tell(&mut self, kind: &'static str, object: Object) {
        self.news.push((kind, object, None));
    }

    fn tell_change(&mut self, kind: &'static str, object: Object, before: Object) {
        self.news.push((kind, object, Some(before)));
    }
}

fn of_method(method: Arc<Method>) -> Reply {
    Reply::Object(Object::Method(method))
}

fn of_setup(setup: Arc<Setup>) -> Reply {
    Reply::Object(Object::Setup(setup))
}

fn of_customer(customer: &Arc<Customer>) -> Reply {
    let object = Object::Customer(Arc::clone(customer));
    match customer.existence {
        Existence::Known => Reply::Object(object),
        Existence::Deleted => Reply::Deleted(object),
    }
}

/// The name of an object.
fn named(prefix: &str, number: u64) -> String {
    format!("{prefix}{number:024}")
}

/// Whether the objects that bound a page are known.
fn check_cursor(page: &PageOf, prefix: &str, knows: impl Fn(u64) -> bool) -> Result<(), Fault> {
    let cursors = [("starting_after", page.after), ("ending_before", page.before)];
    let unknown = cursors
        .iter()
        .find_map(|(param, cursor)| cursor.filter(|it| !knows(*it)).map(|it| (*param, it)));
    unknown.map_or(Ok(()), |(param, number)| {
        let message = format!("No such object: '{}'", named(prefix, number));
        Err(Fault::Parameter { param: param.into(), code: "resource_missing", message })
    })
}

/// A page as a reply.
fn list<T>((page, more): (Vec<Arc<T>>, bool), object: fn(Arc<T>) -> Object) -> Reply {
    Reply::Objects { page: page.into_iter().map(object).collect(), more }
}

/// What is said once a change is made.
fn said(known: Option<&Terms>, change: Option<Box<Terms>>) -> Result<Option<Box<Terms>>, Fault> {
    let known = known.cloned().map(Box::new);
    let Some(change) = change else { return Ok(known) };
    let mut terms = known.unwrap_or_default();
    terms.change(*change)?;
    Ok(Some(terms))
}
