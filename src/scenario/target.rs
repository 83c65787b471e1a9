//! A foreign shop as meant: whom fans are sent to, what they say there, what of it is believed, and
//! what keeps them from doing harm.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use domain::id::ItemId;
use domain::time::Duration;

use crate::step::funnel::{Funnel, Host, is_loopback};
use crate::step::template::{self, Part, Place, TemplateError};

/// The foreign shop of a scenario: the tables `[target]`, `[setup]`, `[[step]]` and `[ledger]`.
#[derive(Clone, Debug)]
pub struct Target {
    /// Whom fans may be sent to besides this machine, by name, in lower case.
    pub allow_hosts: Vec<String>,
    /// What proves that the shop pays where it may.
    pub canary: Canary,
    /// The items whose stock is not stated: what there is of them, the shop's own ledger says when
    /// the run begins. Their `stock` in the catalogue is 0 and means nothing.
    pub unstated: BTreeSet<ItemId>,
    /// A row for each fan; absent: fans have none.
    pub data: Option<Data>,
    /// What fans say. The way through it is that of each crowd ([`crate::fan::Crowd::route`]).
    pub funnel: Funnel,
    /// How stock is restored before the run.
    pub reset: Option<Hook>,
    /// How what the run has left is removed, once the ledgers were read.
    pub cleanup: Option<Hook>,
    /// The shop's ledger; absent: nobody can be asked.
    pub shop: Option<ShopLedger>,
    /// The provider's ledger; absent: nobody can be asked.
    pub provider: Option<ProviderLedger>,
    /// When the run is broken off for the shop's sake.
    pub abort: Abort,
    /// Whether the scenario says what its provider allows.
    pub limits: Limits,
}

/// Whether a scenario says what limits the provider of a foreign shop has.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Limits {
    /// It does not: nothing follows from any.
    #[default]
    Unknown,
    /// Those of its table `[provider]`.
    Stated,
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
#[derive(Clone, PartialEq, Eq)]
pub struct Data {
    /// The file, as it is named.
    pub file: String,
    /// Its columns: each is a name that templates know.
    pub columns: Vec<String>,
    /// Its rows, each with a value per column.
    pub rows: Vec<Vec<String>>,
}

/// Rows hold addresses and passwords of people, made up or not: they are never shown.
impl fmt::Debug for Data {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, columns, rows } = self;
        write!(formatter, "Data {{ {file:?}, {columns:?}, {} rows }}", rows.len())
    }
}

/// What is done in a foreign shop before the run or after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hook {
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
    /// Which statuses mean that nothing more will happen; empty: those that are paid, and those at
    /// which orders stand whose clients were told at last that nothing was bought.
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

/// The address `text` with its `{{env.NAME}}` filled in by `env`, and `{{run}}` by a stand-in. Where
/// other text stands before a value, it is escaped as a part of an address (`%XX`), so that a
/// password may hold any letter; one that the text begins with is the address, or its beginning.
///
/// # Errors
/// When a variable is not set, or something else stands between braces.
pub fn filled(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, TemplateError> {
    let parts: Vec<Part<'_>> = template::parts(text).collect::<Result<_, _>>()?;
    let mut filled = Vec::new();
    for part in parts {
        let hole = match part {
            Part::Text(text) => {
                filled.extend_from_slice(text.as_bytes());
                continue;
            }
            Part::Hole("run") => {
                filled.push(b'0');
                continue;
            }
            Part::Hole(hole) => hole,
        };
        let variable = hole.strip_prefix("env.").ok_or_else(|| TemplateError::Unknown {
            name: hole.to_owned(),
            hint: "`{{env.NAME}}` and `{{run}}` can stand in an address".to_owned(),
        })?;
        let value =
            env(variable).ok_or_else(|| TemplateError::Unset { name: variable.to_owned() })?;
        let place = if filled.is_empty() { Place::Plain } else { Place::Url };
        template::escape(place, value.as_bytes(), &mut filled);
    }
    Ok(String::from_utf8_lossy(&filled).into_owned())
}

/// Why nothing is sent to a host.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    /// It is a provider of payments, or a part of one.
    #[error("payments are taken there: no rehearsal may send anything to it")]
    TakesPayments,
    /// Nobody has allowed it.
    #[error("it is not in `allow_hosts`")]
    NotNamed,
}

/// Whether something may be sent to `host`: to this machine, or where `allow_hosts` (in lower case)
/// names it; never to a known provider of payments.
///
/// # Errors
/// Why not.
pub fn admit(host: &str, allow_hosts: &[String]) -> Result<(), Stranger> {
    let plain = host.trim_end_matches('.').to_ascii_lowercase();
    if takes_payments(&plain) {
        Err(Stranger::TakesPayments)
    } else if is_loopback(&plain) || allow_hosts.contains(&plain) {
        Ok(())
    } else {
        Err(Stranger::NotNamed)
    }
}

impl Target {
    /// A shop with that funnel, on this machine, of which nothing else is said.
    pub const fn of(funnel: Funnel) -> Self {
        Self {
            allow_hosts: Vec::new(),
            canary: Canary::Unsaid,
            unstated: BTreeSet::new(),
            limits: Limits::Unknown,
            data: None,
            funnel,
            reset: None,
            cleanup: None,
            shop: None,
            provider: None,
            abort: Abort { server_errors: None, within: Duration::from_secs(5), kill_file: None },
        }
    }

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
    fn nothing_is_sent_to_a_stranger_nor_to_anybody_who_takes_payments() {
        let allowed = ["shop.example".to_owned(), "api.stripe.com".to_owned()];
        for host in ["127.0.0.1", "127.8.0.1", "[::1]", "::1", "localhost", "Shop.Example."] {
            assert_eq!(admit(host, &allowed), Ok(()), "{host}");
        }
        for host in ["shop.example.org", "10.0.0.1", "localhost.example", "0.0.0.0", "2130706433"] {
            assert_eq!(admit(host, &allowed), Err(Stranger::NotNamed), "{host}");
        }
        for host in ["api.stripe.com", "API.STRIPE.COM."] {
            assert_eq!(admit(host, &allowed), Err(Stranger::TakesPayments), "{host}");
        }
    }

    #[test]
    fn an_address_is_filled_in_from_the_environment_alone() {
        let env = |name: &str| match name {
            "PASSWORD" => Some("a/b@c".to_owned()),
            "DATABASE_URL" => Some("mysql://u:p@h/db".to_owned()),
            _ => None,
        };
        let fill = |text| filled(text, &env).map_err(|error| error.to_string());
        assert_eq!(
            fill("postgres://u:{{env.PASSWORD}}@h/db").unwrap(),
            "postgres://u:a%2Fb%40c@h/db"
        );
        assert_eq!(fill("{{ env.DATABASE_URL }}").unwrap(), "mysql://u:p@h/db");
        assert!(fill("mysql://{{env.NONE}}@h").unwrap_err().contains("no variable `NONE`"));
        assert!(fill("mysql://{{fan}}@h").unwrap_err().contains("`{{env.NAME}}` and `{{run}}`"));
    }

    #[test]
    fn rows_of_data_are_never_shown() {
        let rows = vec![vec!["a@b.example".to_owned(), "hush".to_owned()]];
        let columns = vec!["mail".to_owned(), "password".to_owned()];
        let data = Data { file: "fans.csv".to_owned(), columns, rows };
        assert_eq!(format!("{data:?}"), r#"Data { "fans.csv", ["mail", "password"], 1 rows }"#);
    }

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
