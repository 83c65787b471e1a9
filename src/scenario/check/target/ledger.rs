//! `[ledger]`: where your shop's rows and the provider's come from.

use std::collections::BTreeMap;

use crate::scenario::check::target::host::address;
use crate::scenario::check::{Checker, Setting};
use crate::scenario::place::Place;
use crate::scenario::target::{Kind, ProviderLedger, Rows, ShopLedger};
use crate::scenario::written::File;
use crate::scenario::written::target::ShopLedgerTable;

/// What a database's address begins with.
pub(super) const DATABASES: [&str; 5] = ["sqlite", "postgres", "postgresql", "mysql", "mariadb"];
/// What a server's address begins with.
pub(super) const SERVERS: [&str; 2] = ["http", "https"];

/// The ledger of the shop.
pub(super) fn shop(
    checker: &mut Checker,
    file: &File,
    root: Place<'_>,
    allow_hosts: &[String],
    setting: Setting<'_>,
) -> Option<ShopLedger> {
    let table = file.ledger.shop.as_ref()?;
    let place = root.key("ledger").key("shop");
    let written = (table.sql.as_ref(), table.http.as_ref());
    let rows = rows(checker, written, (place, "`[ledger.shop]`"), allow_hosts, setting);
    let questions = questions(checker, table, place);
    if questions.is_empty() && !place.struck("orders") {
        checker
            .wrong(place, "`[ledger.shop]` asks nothing")
            .mark("has no question")
            .advise("add `orders = \"select …\"`, whose columns docs/SCENARIO.md names");
    }
    let paid = table.paid.clone().unwrap_or_default();
    if questions.contains_key(&Kind::Orders) && !place.struck("paid") {
        if table.paid.is_none() {
            checker
                .wrong(place, "missing key `paid` in `[ledger.shop]`")
                .mark("does not say which statuses mean sold")
                .advise("add `paid = [\"paid\", \"confirmed\"]`, in the words of your orders");
        } else if paid.is_empty() && !place.key("paid").lacks_elements() {
            checker.wrong(place.key("paid"), "no status means sold").mark("nothing could be sold");
        }
    }
    Some(ShopLedger {
        rows: rows?,
        questions,
        paid,
        terminal: table.terminal.clone().unwrap_or_default(),
    })
}

/// `sql` or `http`, one of them.
fn rows(
    checker: &mut Checker,
    (sql, http): (Option<&String>, Option<&String>),
    (place, table): (Place<'_>, &str),
    allow_hosts: &[String],
    setting: Setting<'_>,
) -> Option<Rows> {
    let mut check = |text: &str, key: &str, schemes: &[&str]| {
        address(checker, text, (place.key(key), key), schemes, allow_hosts, setting);
    };
    match (sql, http) {
        (Some(url), None) => {
            check(url, "sql", &DATABASES);
            Some(Rows::Sql { url: url.clone() })
        }
        (None, Some(url)) => {
            check(url, "http", &SERVERS);
            Some(Rows::Http { url: url.clone() })
        }
        (Some(_), Some(_)) => {
            checker.wrong(place.key("http"), format!("{table} has both `sql` and `http`"));
            None
        }
        (None, None) => {
            if !place.struck("sql") && !place.struck("http") {
                checker
                    .wrong(place, format!("{table} does not say where its rows come from"))
                    .advise("add `sql = \"sqlite:///path/shop.db\"` or `http = \"http://…\"`");
            }
            None
        }
    }
}

fn questions(
    checker: &mut Checker,
    table: &ShopLedgerTable,
    place: Place<'_>,
) -> BTreeMap<Kind, String> {
    let kinds = [
        (Kind::Stock, "stock", &table.stock),
        (Kind::Slots, "slots", &table.slots),
        (Kind::Orders, "orders", &table.orders),
        (Kind::Reservations, "reservations", &table.reservations),
        (Kind::Units, "units", &table.units),
    ];
    let mut questions = BTreeMap::new();
    for (kind, key, written) in kinds {
        let Some(question) = written else { continue };
        check_question(checker, question, table.sql.is_none(), place, key);
        questions.insert(kind, question.clone());
    }
    questions
}

/// A question is a query, or the path of a server.
fn check_question(checker: &mut Checker, text: &str, is_path: bool, place: Place<'_>, key: &str) {
    if text.trim().is_empty() {
        checker.wrong(place.key(key), format!("`{key}` asks nothing")).mark("is empty");
    } else if is_path && place.has("http") && !text.starts_with('/') {
        checker
            .wrong(place.key(key), format!("`{key}` is no path"))
            .mark("must begin with `/`: it is asked of the server in `http`");
    }
}

/// The ledger of the provider.
pub(super) fn provider(
    checker: &mut Checker,
    file: &File,
    root: Place<'_>,
    allow_hosts: &[String],
    setting: Setting<'_>,
) -> Option<ProviderLedger> {
    let table = file.ledger.provider.as_ref()?;
    let place = root.key("ledger").key("provider");
    if let Some(url) = &table.mock {
        if let Some(key) = ["sql", "http", "payments"].into_iter().find(|key| place.has(key)) {
            checker
                .wrong(place.key(key), format!("`{key}` beside `mock` in `[ledger.provider]`"))
                .mark("a mock's ledger needs no question");
        }
        address(checker, url, (place.key("mock"), "mock"), &SERVERS, allow_hosts, setting);
        return Some(ProviderLedger::Mock { url: url.clone() });
    }
    if place.struck("mock") {
        return None;
    }
    if table.sql.is_none() && table.http.is_none() {
        checker.wrong(place, "`[ledger.provider]` does not say where its rows come from").advise(
            "add `mock = \"http://127.0.0.1:12111\"`, the administration of `spike provider`",
        );
        return None;
    }
    let written = (table.sql.as_ref(), table.http.as_ref());
    let rows = rows(checker, written, (place, "`[ledger.provider]`"), allow_hosts, setting);
    let name = "`[ledger.provider]`";
    let payments = checker.required(table.payments.as_ref(), place, name, "payments");
    if table.payments.is_some() {
        check_question(checker, &payments, table.sql.is_none(), place, "payments");
    }
    Some(ProviderLedger::Mapped { rows: rows?, payments })
}
