//! What each invariant needs of a foreign shop's ledgers: without it nothing is claimed, neither
//! that it holds nor that it is violated.

use std::collections::BTreeSet;

use domain::id::FanId;

use crate::audit::books::Books;
use crate::audit::foreign::{self, SUMS};
use crate::evidence::demand;
use crate::evidence::ledgers::Ledgers;
use crate::evidence::rows::ShopRow;

/// Something that an invariant needs of a foreign shop's ledgers.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// One of these columns of a kind of rows: without it nothing can be said.
    Must(&'static str, &'static [&'static str]),
    /// Likewise: without it not all can be said.
    Should(&'static str, &'static [&'static str]),
    /// That orders and payments name each other.
    Joined,
    /// That payments name the intents of clients.
    Named,
    /// Which slot an order takes, where slots are for sale.
    Slot,
    /// What there was of every item and slot for sale.
    Stock,
    /// What is left of every item for sale.
    Left,
    /// What is held: by reservations, or by what is left.
    Held,
}

/// The columns that say how much money a payment moved.
const MOVED: &[&str] = &["amount", "amount_major", "captured", "captured_major"];
/// A payment's own name.
const PAYMENT: &[&str] = &["payment", "key"];

const STATUS: Need = Need::Must("orders", &["status"]);
const ITEM: Need = Need::Must("orders", &["item"]);
const QUANTITY: Need = Need::Must("orders", &["quantity"]);
const MONEY: Need = Need::Must("payments", MOVED);

/// What the invariant `id` needs of a foreign shop's ledgers.
pub fn needs(id: &str) -> &'static [Need] {
    match id {
        "INV-CONSERVE" => &[STATUS, ITEM, QUANTITY, Need::Left],
        "INV-OVERSELL" | "INV-UNDERSOLD" => &[STATUS, ITEM, QUANTITY, Need::Slot, Need::Stock],
        "INV-STRANDED" => &[STATUS, ITEM, QUANTITY, Need::Held],
        "INV-ORPHAN-AUTH" => &[STATUS, Need::Must("payments", PAYMENT), Need::Joined],
        "INV-DOUBLE-CHARGE" => {
            &[Need::Must("payments", PAYMENT), MONEY, Need::Named, Need::Should("orders", &SUMS)]
        }
        "INV-CAPTURED-NO-STOCK" => {
            &[STATUS, QUANTITY, MONEY, Need::Joined, Need::Should("payments", &["intent"])]
        }
        "INV-STOCK-NO-CAPTURE" => &[STATUS, Need::Must("orders", &SUMS), MONEY, Need::Joined],
        "INV-SILENT-CHARGE" => &[MONEY, Need::Named],
        "INV-PHANTOM-SALE" | "INV-PERUSER" => {
            &[STATUS, ITEM, QUANTITY, Need::Must("orders", &["intent", "fan"])]
        }
        "INV-RESOLVED" => &[STATUS],
        _ => &[],
    }
}

/// Why nothing can be said of the invariant `id`, if so.
pub(super) fn nothing_to_say(books: &Books<'_>, id: &str) -> Option<String> {
    let ledgers = books.ledgers?;
    let lacking = needs(id).iter().find_map(|need| match *need {
        // A ledger that is missing altogether is told elsewhere.
        Need::Must("payments", columns) if books.evidence.has_provider() => {
            lacks(ledgers, "payments", columns)
        }
        Need::Must("orders", columns) if books.evidence.has_shop() => {
            lacks(ledgers, "orders", columns)
        }
        Need::Slot
            if books.evidence.has_shop() && books.evidence.catalogue.slots().next().is_some() =>
        {
            lacks(ledgers, "orders", &["slot"])
        }
        Need::Joined => not_joined(books, ledgers).or_else(|| other_units(books, id)),
        Need::Named => nameless(books, ledgers).or_else(|| other_units(books, id)),
        _ => None,
    });
    // More sold than there was is that, whichever orders count.
    let reads_paid = needs(id).contains(&STATUS) && id != "INV-OVERSELL";
    lacking.or_else(|| books.unlisted().cloned().filter(|_| reads_paid))
}

/// Why not all can be said of it, if so.
pub(super) fn not_all(books: &Books<'_>, id: &str) -> Option<String> {
    let ledgers = books.ledgers?;
    needs(id).iter().find_map(|need| match *need {
        Need::Should(kind, columns) => lacks(ledgers, kind, columns),
        Need::Stock => unknown_stock(books, ledgers),
        STATUS => books.unlisted().cloned(),
        Need::Left => nothing_left(books, ledgers),
        Need::Held if ledgers.has("reservations") => {
            let about = &["order_id", "held_until"];
            lacks(ledgers, "reservations", about)
        }
        Need::Held => match ledgers.lacking.get("reservations") {
            Some(why) => Some(format!("the query `reservations` failed: {why}")),
            None => nothing_left(books, ledgers)
                .map(|why| format!("{why}, and there is no query `reservations`")),
        },
        _ => None,
    })
}

/// Which column a kind of rows lacks.
fn lacks(ledgers: &Ledgers, kind: &str, columns: &[&str]) -> Option<String> {
    if ledgers.has_one_of(kind, columns) {
        return None;
    }
    if let Some(why) = ledgers.lacking.get(kind) {
        return Some(format!("the query `{kind}` failed: {why}"));
    }
    let names: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
    Some(format!("the query `{kind}` gives no column {}", names.join(" or ")))
}

/// Whether orders and payments do not find each other.
fn not_joined(books: &Books<'_>, ledgers: &Ledgers) -> Option<String> {
    if !books.evidence.has_shop() || !books.evidence.has_provider() {
        return None;
    }
    let both =
        |column| ["orders", "payments"].iter().all(|kind| ledgers.has_one_of(kind, &[column]));
    if !both("intent") && !both("payment") {
        return Some("orders and payments share neither `intent` nor `payment`".to_owned());
    }
    let ours = || books.orders.iter().filter(|order| order.is_ours());
    if !books.orders.is_empty() && ours().next().is_none() && told_bought(books) {
        return Some("no order bears an `intent` of this run".to_owned());
    }
    if let Some(why) = foreign::another_provider(books) {
        return Some(why);
    }
    let paid = ours().any(|order| order.paid);
    let found = books.payments.iter().any(|payment| payment.order().is_some());
    (paid && !books.payments.is_empty() && !found)
        .then(|| "no payment is one of the orders': neither `intent` nor `payment` fits".to_owned())
}

/// Whether payments do not bear the intents of clients.
fn nameless(books: &Books<'_>, ledgers: &Ledgers) -> Option<String> {
    if !books.evidence.has_provider() {
        return None;
    }
    if let Some(why) = lacks(ledgers, "payments", &["intent"]) {
        return Some(why);
    }
    let named = books.payments.iter().any(|payment| payment.intent().parse::<FanId>().is_ok());
    (!books.payments.is_empty() && !named && told_bought(books))
        .then(|| "no payment bears an `intent` of this run".to_owned())
}

fn told_bought(books: &Books<'_>) -> bool {
    demand::told_bought(books.evidence).1 > 0
}

/// Whether shop and provider count money in different units: each paid order's is a hundredth of
/// its payment's, or a hundred times.
fn other_units(books: &Books<'_>, id: &str) -> Option<String> {
    if !needs(id).contains(&MONEY) {
        return None;
    }
    let sums: Vec<(u64, u64)> = books
        .orders
        .iter()
        .filter(|order| order.is_ours() && order.paid && order.amount > 0)
        .map(|order| (order.amount, books.net(order)))
        .filter(|(_, net)| *net > 0)
        .collect();
    let all = |fits: fn(u64, u64) -> bool| {
        !sums.is_empty() && sums.iter().all(|(amount, net)| fits(*amount, *net))
    };
    let hundredth = |amount: u64, net: u64| amount.checked_mul(100) == Some(net);
    if all(hundredth) {
        Some(
            "the orders' `amount` is a hundredth of what was paid: is it `amount_major`?"
                .to_owned(),
        )
    } else if all(|amount, net| net.checked_mul(100) == Some(amount)) {
        Some(
            "the payments' `amount` is a hundredth of what is due: is it `amount_major`?"
                .to_owned(),
        )
    } else {
        None
    }
}

fn unknown_stock(books: &Books<'_>, ledgers: &Ledgers) -> Option<String> {
    let catalogue = &books.evidence.catalogue;
    let item = catalogue.items().find(|(_, _, item)| !ledgers.stock.contains_key(&item.id));
    if let Some((_, _, item)) = item {
        if ledgers.has("stock") {
            return Some(no_row(ledgers, &item.id));
        }
        return Some(format!(
            "nobody says how many there were of {}: state its `stock`, or add the query `stock`",
            item.id
        ));
    }
    let place = |(_, sale, slot): &(_, &domain::shop::Sale, &domain::shop::Slot)| {
        format!("{}/{}", sale.id, slot.id)
    };
    let slot = catalogue.slots().find(|found| !ledgers.places.contains_key(&place(found)))?;
    Some(format!("nobody says how many places there were in {}", place(&slot)))
}

fn nothing_left(books: &Books<'_>, ledgers: &Ledgers) -> Option<String> {
    if let Some(why) = ledgers.lacking.get("stock") {
        return Some(format!("the query `stock` failed: {why}"));
    }
    if !books.evidence.has_shop() {
        return None;
    }
    let item = |row| match row {
        ShopRow::Stock { item, .. } => Some(item),
        _ => None,
    };
    let balanced: BTreeSet<&str> = books.evidence.shop_rows().filter_map(item).collect();
    let unknown = |name: &str| !balanced.contains(name) && !ledgers.units.contains_key(name);
    let mut items = books.evidence.catalogue.items();
    let (_, _, item) = items.find(|(_, _, item)| unknown(&item.id))?;
    if !ledgers.has("stock") {
        return Some("there is no query `stock` with a column `free`".to_owned());
    }
    if ledgers.has_one_of("stock", &["free"]) {
        return Some(no_row(ledgers, &item.id));
    }
    Some("the query `stock` gives no column `free`".to_owned())
}

/// How many items a sentence names that are not the sale's.
const ELSEWHERE_MAX: usize = 5;

/// That the query `stock` knows other items than this one, and which: often it is only their names.
fn no_row(ledgers: &Ledgers, item: &str) -> String {
    let known: Vec<&str> =
        ledgers.elsewhere.iter().map(String::as_str).take(ELSEWHERE_MAX).collect();
    let more = ledgers.elsewhere.len().saturating_sub(known.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    match known.as_slice() {
        [] => format!("the query `stock` gives no row for {item}"),
        known => {
            format!(
                "the query `stock` gives no row for {item}: it knows {}{more}",
                known.join(", ")
            )
        }
    }
}
