//! A foreign shop as meant: whom fans are sent to, what they say there, what of it is believed, and
//! what keeps them from doing harm.

use std::collections::BTreeMap;

use domain::time::Duration;

use crate::step::funnel::{Funnel, Host};

/// The foreign shop of a scenario: the tables `[target]`, `[setup]`, `[[step]]` and `[ledger]`.
#[derive(Clone, Debug)]
pub struct Target {
    /// Whom fans may be sent to besides this machine, by name, in lower case.
    pub allow_hosts: Vec<String>,
    /// What proves that the shop pays where it may.
    pub canary: Canary,
    /// A row for each fan; absent: fans have none.
    pub data: Option<Data>,
    /// What fans say. The way through it is that of each crowd ([`crate::fan::Crowd::route`]).
    pub funnel: Funnel,
    /// What is done before the run.
    pub reset: Option<Reset>,
    /// The shop's ledger; absent: nobody can be asked.
    pub shop: Option<ShopLedger>,
    /// The provider's ledger; absent: nobody can be asked.
    pub provider: Option<ProviderLedger>,
    /// When the run is broken off for the shop's sake.
    pub abort: Abort,
}

/// What proves, before anything else is sent, that the shop pays where it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canary {
    /// One order of this item must show up in the provider's ledger.
    Item(String),
    /// Nothing; the reason stands in the verdict line.
    None {
        /// Why.
        reason: String,
    },
    /// Nothing is said, which only a shop on this machine allows.
    Unsaid,
}

/// A row of values for each fan, none used twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// The file, as it is named.
    pub file: String,
    /// Its columns: each is a name that templates know.
    pub columns: Vec<String>,
    /// Its rows, each with a value per column.
    pub rows: Vec<Vec<String>>,
}

/// How stock is restored before the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reset {
    /// By statements in the shop's own database.
    Sql {
        /// The database, if it is not that of the shop's ledger.
        url: Option<String>,
        /// The statements.
        statements: String,
    },
    /// By a `POST` without a body; any answer of 2xx will do.
    Http {
        /// Where.
        url: String,
    },
    /// By a command of the shell, which must end with 0.
    Command {
        /// The command line.
        line: String,
    },
}

/// Where rows of a ledger come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// From queries of a database: `sqlite:///path`, `postgres://…`, `mysql://…`. Parts such as
    /// `{{env.PASSWORD}}` are filled in from the environment when it is opened, and never written
    /// anywhere.
    Sql {
        /// The database, as it is written.
        url: String,
    },
    /// From JSON documents: each question is then a path of this server whose answer is an array of
    /// objects, or JSON lines.
    Http {
        /// The server, as it is written.
        url: String,
    },
}

/// The ledger of a foreign shop: where its rows come from, and the question for each kind of them,
/// SQL or a path. Columns bear the names that the judge knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopLedger {
    /// Where from.
    pub rows: Rows,
    /// The questions, by `stock`, `slots`, `orders`, `reservations` and `units`.
    pub questions: BTreeMap<Kind, String>,
    /// Which statuses of an order mean sold.
    pub paid: Vec<String>,
    /// Which statuses mean that nothing more will happen; empty: those that are paid, and any other
    /// once the shop has been left alone.
    pub terminal: Vec<String>,
}

/// A kind of rows.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `item`, `stock`: what there was before the run, or what is left.
    Stock,
    /// `slot`, `capacity`.
    Slots,
    /// `order_id`, `fan`, `item`, `quantity`, `status`, `payment`, `amount`, `intent` …
    Orders,
    /// `unit` or `quantity`, `item`, `order_id`, `held_until`.
    Reservations,
    /// `unit`, `item`, `state`, `order_id`.
    Units,
    /// `payment`, `intent`, `operation`, `amount` … of a provider.
    Payments,
}

/// The ledger of the payment provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderLedger {
    /// That of `spike provider`, by its admin address.
    Mock {
        /// Where, as it is written.
        url: String,
    },
    /// Anybody's.
    Mapped {
        /// Where rows come from.
        rows: Rows,
        /// The question.
        payments: String,
    },
}

/// When a run is broken off for the shop's sake.
#[derive(Clone, Debug, PartialEq)]
pub struct Abort {
    /// The share of answers of 5xx within [`Abort::within`] at which nothing more is sent; absent:
    /// none.
    pub server_errors: Option<f64>,
    /// The time over which the share is taken.
    pub within: Duration,
    /// A file whose appearance ends the run.
    pub kill_file: Option<String>,
}

impl Default for Abort {
    fn default() -> Self {
        Self { server_errors: None, within: Duration::from_secs(5), kill_file: None }
    }
}

/// Who sells payments for a living, by the ends of their hosts' names: no fan is ever sent there.
///
/// Each is the domain of a provider's public API, as its documentation names it.
pub const PAYMENT_HOSTS: [&str; 24] = [
    "stripe.com",
    "adyen.com",
    "adyenpayments.com",
    "paypal.com",
    "braintreegateway.com",
    "braintree-api.com",
    "squareup.com",
    "square.com",
    "checkout.com",
    "worldpay.com",
    "authorize.net",
    "cybersource.com",
    "klarna.com",
    "mollie.com",
    "razorpay.com",
    "pay.jp",
    "gmopg.jp",
    "mul-pay.jp",
    "komoju.com",
    "paypay.ne.jp",
    "omise.co",
    "amazonpay.com",
    "paidy.com",
    "univapay.com",
];

/// Whether `host` is a known provider of payments, or a part of one.
pub fn takes_payments(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    PAYMENT_HOSTS.iter().any(|known| {
        host.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

impl Target {
    /// The shop itself.
    ///
    /// # Panics
    /// When the funnel speaks to nobody, which no scenario that was read does.
    pub fn shop_host(&self) -> &Host {
        self.funnel.hosts.first().expect("a funnel's first host is the shop")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_of_payments_is_known_by_the_end_of_its_name() {
        for host in ["stripe.com", "api.stripe.com", "API.Stripe.com.", "x.y.adyen.com"] {
            assert!(takes_payments(host), "{host}");
        }
        for host in ["127.0.0.1", "shop.example", "mystripe.com", "stripe.com.example"] {
            assert!(!takes_payments(host), "{host}");
        }
    }
}
