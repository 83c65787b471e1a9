//! `[setup]`: what is done in your shop before the run and after it.

use crate::scenario::check::target::host::address;
use crate::scenario::check::target::ledger::{DATABASES, SERVERS};
use crate::scenario::check::{Checker, Setting};
use crate::scenario::place::Place;
use crate::scenario::target::Hook;
use crate::scenario::written::File;
use crate::scenario::written::target::HookTable;

/// The three ways to do something.
const WAYS: [&str; 3] = ["sql", "http", "command"];

/// What is done by `table`, which `[setup]` has under `key`: one way of the three.
pub(super) fn hook(
    checker: &mut Checker,
    file: &File,
    (table, key): (Option<&HookTable>, &str),
    root: Place<'_>,
    allow_hosts: &[String],
    setting: Setting<'_>,
) -> Option<Hook> {
    let (table, place) = (table?, root.key("setup"));
    let place = place.key(key);
    one_way(checker, place, key)?;
    for (key, text) in [("sql", &table.sql), ("command", &table.command)] {
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            checker.wrong(place.key(key), format!("`{key}` does nothing")).mark("is empty");
        }
    }
    if let Some(url) = &table.database {
        let here = (place.key("database"), "database");
        address(checker, url, here, &DATABASES, allow_hosts, setting);
    }
    if let Some(url) = &table.http {
        address(checker, url, (place.key("http"), "http"), &SERVERS, allow_hosts, setting);
    }
    if let Some(statements) = &table.sql {
        let has_own = table.database.is_some() || place.struck("database");
        if !has_own && file.ledger.shop.as_ref().is_none_or(|shop| shop.sql.is_none()) {
            checker
                .wrong(place.key("sql"), "statements for no database")
                .advise("name it: `database = \"sqlite:///path/shop.db\"` beside `sql`");
        }
        let (url, statements) = (table.database.clone(), statements.clone());
        return Some(Hook::Sql { url, statements });
    }
    if table.database.is_some() {
        checker.wrong(place.key("database"), "`database` without `sql`").mark("is asked nothing");
    }
    let http = table.http.clone().map(|url| Hook::Http { url });
    http.or_else(|| table.command.clone().map(|line| Hook::Command { line }))
}

/// Some if one of the ways is written; that none is, or several are, is told.
fn one_way(checker: &mut Checker, place: Place<'_>, key: &str) -> Option<()> {
    let written: Vec<&str> = WAYS.into_iter().filter(|way| place.has(way)).collect();
    match written.as_slice() {
        [_] => Some(()),
        [] => {
            if !WAYS.into_iter().any(|way| place.struck(way)) {
                checker
                    .wrong(place, format!("`{key}` does nothing"))
                    .advise("write one of `sql`, `http` and `command`");
            }
            None
        }
        [first, second, ..] => {
            checker
                .wrong(place.key(second), format!("`{key}` has both `{first}` and `{second}`"))
                .mark("must be one of `sql`, `http` and `command`");
            Some(())
        }
    }
}
