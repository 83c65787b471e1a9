//! Which invariants nobody can check, for want of a ledger, a query or a column.

use crate::audit::{INVARIANTS, Source};
use crate::scenario::Scenario;
use crate::scenario::target::{Kind, ProviderLedger, Rows, ShopLedger, Target};

/// A sentence for each thing that is missing, with the invariants that need it.
pub(super) fn unseen(scenario: &Scenario, target: &Target) -> Vec<String> {
    let mut by_reason: Vec<(String, Vec<&str>)> = Vec::new();
    // Of a foreign shop no admission is known, and the promise is not applicable.
    for invariant in INVARIANTS.iter().filter(|invariant| invariant.id != "INV-QUOTA") {
        let Some(reason) = lacks(scenario, target, invariant.id, invariant.reads) else { continue };
        match by_reason.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, ids)) => ids.push(invariant.id),
            None => by_reason.push((reason, vec![invariant.id])),
        }
    }
    by_reason.into_iter().map(|(reason, ids)| format!("{}: {reason}", ids.join(", "))).collect()
}

/// The first thing that an invariant needs and that is not there.
fn lacks(scenario: &Scenario, target: &Target, id: &str, reads: &[Source]) -> Option<String> {
    if reads.contains(&Source::Shop) {
        let Some(shop) = &target.shop else {
            return Some("there is no `[ledger.shop]`".to_owned());
        };
        if !shop.questions.contains_key(&Kind::Orders) {
            return Some("`[ledger.shop]` has no query `orders`".to_owned());
        }
        if let Some(why) = of_the_shop(scenario, target, shop, id) {
            return Some(why);
        }
    }
    if !reads.contains(&Source::Provider) {
        return None;
    }
    match &target.provider {
        None => Some("there is no `[ledger.provider]`".to_owned()),
        Some(ProviderLedger::Mapped { rows, payments }) => {
            let columns = match id {
                "INV-OVERSELL" => &[][..],
                "INV-ORPHAN-AUTH" => &["payment|key"],
                _ => &["amount|amount_major|captured|captured_major"],
            };
            lacking(is_sql(rows), payments, columns)
                .map(|column| format!("`payments` gives no column `{column}`"))
        }
        Some(ProviderLedger::Mock { .. }) => None,
    }
}

/// What an invariant needs of the shop's rows.
fn of_the_shop(
    scenario: &Scenario,
    target: &Target,
    shop: &ShopLedger,
    id: &str,
) -> Option<String> {
    let columns: &[&str] = match id {
        "INV-CONSERVE" | "INV-OVERSELL" | "INV-STRANDED" | "INV-UNDERSOLD" | "INV-PERUSER" => {
            &["status", "item", "quantity"]
        }
        "INV-CAPTURED-NO-STOCK" => &["status", "quantity"],
        "INV-STOCK-NO-CAPTURE" => &["status", "amount|amount_major|total|total_major"],
        "INV-DOUBLE-CHARGE" | "INV-SILENT-CHARGE" => &["intent"],
        _ => &["status"],
    };
    let is_sql = is_sql(&shop.rows);
    let orders = shop.questions.get(&Kind::Orders).map_or("", String::as_str);
    if let Some(column) = lacking(is_sql, orders, columns) {
        return Some(format!("`orders` gives no column `{column}`"));
    }
    let has = |column| lacking(is_sql, orders, &[column]).is_none();
    let joins = matches!(id, "INV-ORPHAN-AUTH" | "INV-CAPTURED-NO-STOCK" | "INV-STOCK-NO-CAPTURE");
    if joins && !has("intent") && !has("payment") {
        return Some("`orders` gives neither `intent` nor `payment`".to_owned());
    }
    if id == "INV-PERUSER" && !has("intent") && !has("fan") {
        return Some("`orders` gives neither `intent` nor `fan`".to_owned());
    }
    let stock = shop.questions.get(&Kind::Stock);
    let gives_free = stock.is_some_and(|query| lacking(is_sql, query, &["free"]).is_none());
    match id {
        "INV-OVERSELL" | "INV-UNDERSOLD" => {
            let takes_slots = scenario.catalogue.slots().next().is_some();
            if takes_slots && !has("slot") {
                return Some("`orders` gives no column `slot`".to_owned());
            }
            (stock.is_none() && !target.unstated.is_empty())
                .then(|| "no query `stock`, and the scenario states no stock".to_owned())
        }
        "INV-CONSERVE" if stock.is_none() => Some("there is no query `stock`".to_owned()),
        "INV-CONSERVE" | "INV-STRANDED"
            if !shop.questions.contains_key(&Kind::Reservations) && !gives_free =>
        {
            Some("no query `reservations`, and `stock` gives no column `free`".to_owned())
        }
        _ => None,
    }
}

const fn is_sql(rows: &Rows) -> bool {
    matches!(rows, Rows::Sql { .. })
}

/// The first of these columns that a query does not name, by any of its names (`one|or another`).
/// What a server answers, and what a `*` stands for, only asking tells.
fn lacking<'a>(is_sql: bool, query: &str, columns: &[&'a str]) -> Option<&'a str> {
    if !is_sql || query.contains('*') {
        return None;
    }
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let names = |column: &str| {
        query.split(|letter| !is_part(letter)).any(|word| word.eq_ignore_ascii_case(column))
    };
    let lacks = columns.iter().find(|column| !column.split('|').any(names))?;
    lacks.split('|').next()
}
