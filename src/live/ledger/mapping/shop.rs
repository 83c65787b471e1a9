//! The rows of a shop's ledger: what each kind needs, and what it is read as.

use std::collections::BTreeSet;

use super::{Fault, Row, intent};
use crate::scenario::target::Kind;

/// The words for a piece that nobody has.
const FREE: [&str; 4] = ["free", "available", "unsold", "open"];

/// A row of the shop's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::live::ledger) enum ShopRow {
    Stock(Count),
    Slot(Count),
    Order(Order),
    Reservation(Reservation),
    Unit(Unit),
}

/// How many there are of an item or of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::live::ledger) struct Count {
    /// The item; or the slot, as `sale/slot` where the row names the sale.
    pub(in crate::live::ledger) name: String,
    /// `stock` or `capacity`.
    pub(in crate::live::ledger) stock: Option<i64>,
    pub(in crate::live::ledger) free: Option<i64>,
    pub(in crate::live::ledger) held: Option<i64>,
    pub(in crate::live::ledger) sold: Option<i64>,
}

/// One item of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::live::ledger) struct Order {
    pub(in crate::live::ledger) id: String,
    pub(in crate::live::ledger) fan: String,
    pub(in crate::live::ledger) intent: String,
    /// Empty where the order holds nothing.
    pub(in crate::live::ledger) item: String,
    pub(in crate::live::ledger) slot: Option<String>,
    pub(in crate::live::ledger) quantity: u32,
    /// The money of this row \[minor units\].
    pub(in crate::live::ledger) amount: u64,
    /// The money of the whole order, where the row says it \[minor units\].
    pub(in crate::live::ledger) total: Option<u64>,
    pub(in crate::live::ledger) status: String,
    pub(in crate::live::ledger) paid: bool,
    pub(in crate::live::ledger) terminal: bool,
    pub(in crate::live::ledger) payment: Option<String>,
    /// By the shop's clock \[ns of UTC\]; 0 where it is not known.
    pub(in crate::live::ledger) created_utc_ns: u64,
    /// Likewise.
    pub(in crate::live::ledger) updated_utc_ns: u64,
}

/// Pieces that are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::live::ledger) struct Reservation {
    /// Empty where it is for no order.
    pub(in crate::live::ledger) order_id: String,
    pub(in crate::live::ledger) item: String,
    pub(in crate::live::ledger) slot: Option<String>,
    pub(in crate::live::ledger) quantity: u32,
    /// By the shop's clock \[ns of UTC\].
    pub(in crate::live::ledger) held_until_utc_ns: Option<u64>,
    /// What makes it the same one when it is read again.
    pub(in crate::live::ledger) identity: String,
}

/// One piece of stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::live::ledger) struct Unit {
    pub(in crate::live::ledger) name: String,
    pub(in crate::live::ledger) item: String,
    /// `free`, `held` or `sold`.
    pub(in crate::live::ledger) state: &'static str,
    pub(in crate::live::ledger) order_id: Option<String>,
}

/// What the words of a shop's ledger mean.
#[derive(Clone, Debug)]
pub(in crate::live::ledger) struct Words {
    /// Statuses that mean sold.
    pub(in crate::live::ledger) paid: BTreeSet<String>,
    /// Statuses that mean that nothing more will happen.
    pub(in crate::live::ledger) terminal: BTreeSet<String>,
    /// What the intents of this run begin with.
    pub(in crate::live::ledger) prefix: String,
}

/// What a kind of rows cannot do without, of which `columns` lacks something.
pub(in crate::live::ledger) fn lacking(kind: Kind, columns: &[String]) -> Option<String> {
    let needed: &[&[&str]] = match kind {
        Kind::Stock => &[&["item"], &["stock", "free"]],
        Kind::Slots => &[&["slot"], &["capacity", "stock", "free"]],
        Kind::Orders => &[&["order_id"]],
        Kind::Reservations => &[&["item"], &["quantity", "unit"]],
        Kind::Units => &[&["unit"], &["item"], &["state"]],
        Kind::Payments => &[&["payment", "intent", "key"], &["outcome", "status", "state"]],
    };
    let there = |names: &&[&str]| names.iter().any(|name| columns.iter().any(|one| one == name));
    let missing = needed.iter().find(|names| !there(names))?;
    let names: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
    let found: Vec<String> = columns.iter().take(20).map(|name| format!("`{name}`")).collect();
    let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
    Some(format!("there is no column {} among {found}", names.join(" or ")))
}

/// Reads a row of the shop's ledger.
///
/// # Errors
/// When it is not what its kind needs.
pub(in crate::live::ledger) fn read(
    kind: Kind,
    row: &Row<'_>,
    words: &Words,
) -> Result<Option<ShopRow>, Fault> {
    Ok(Some(match kind {
        Kind::Stock => ShopRow::Stock(count(row, row.needed("item")?.to_owned(), "stock")?),
        Kind::Slots => ShopRow::Slot(slot(row)?),
        Kind::Orders => ShopRow::Order(order(row, words)?),
        Kind::Reservations => ShopRow::Reservation(reservation(row)?),
        Kind::Units => ShopRow::Unit(unit(row, words)?),
        Kind::Payments => return Ok(None),
    }))
}

fn count(row: &Row<'_>, name: String, stock: &'static str) -> Result<Count, Fault> {
    Ok(Count {
        name,
        stock: row.balance(stock)?,
        free: row.balance("free")?,
        held: row.balance("held")?,
        sold: row.balance("sold")?,
    })
}

fn slot(row: &Row<'_>) -> Result<Count, Fault> {
    let slot = row.needed("slot")?;
    let name = match row.text("sale")? {
        Some(sale) if !slot.starts_with(&format!("{sale}/")) => format!("{sale}/{slot}"),
        _ => slot.to_owned(),
    };
    let capacity = if row.has("capacity") { "capacity" } else { "stock" };
    count(row, name, capacity)
}

fn order(row: &Row<'_>, words: &Words) -> Result<Order, Fault> {
    let status = row.text("status")?.unwrap_or_default().to_owned();
    let paid = words.paid.contains(&status);
    let item = row.text("item")?;
    if paid && item.is_none() && row.has("item") {
        return Err(row.fault("item", format!("it is NULL, and the order is `{status}`")));
    }
    let quantity = match pieces(row)? {
        None if item.is_some() && row.has("quantity") => {
            return Err(row.fault("quantity", "it is NULL".to_owned()));
        }
        quantity => quantity.unwrap_or(0),
    };
    Ok(Order {
        id: row.needed("order_id")?.to_owned(),
        fan: row.text("fan")?.unwrap_or_default().to_owned(),
        intent: intent(row.text("intent")?.unwrap_or_default(), &words.prefix),
        item: item.unwrap_or_default().to_owned(),
        slot: row.text("slot")?.filter(|slot| !slot.is_empty()).map(str::to_owned),
        quantity,
        amount: row.money("amount", "amount_major")?.unwrap_or(0),
        total: row.money("total", "total_major")?,
        terminal: paid || words.terminal.contains(&status),
        paid,
        status,
        payment: row.text("payment")?.filter(|payment| !payment.is_empty()).map(str::to_owned),
        created_utc_ns: row.instant("created")?.unwrap_or(0),
        updated_utc_ns: match row.instant("updated")? {
            Some(updated) => updated,
            None => row.instant("created")?.unwrap_or(0),
        },
    })
}

/// The pieces of a row, as far as anybody can buy.
fn pieces(row: &Row<'_>) -> Result<Option<u32>, Fault> {
    let Some(quantity) = row.count("quantity")? else { return Ok(None) };
    let quantity = u32::try_from(quantity);
    let too_many = |_| row.fault("quantity", "it is more than anybody can buy".to_owned());
    quantity.map(Some).map_err(too_many)
}

fn reservation(row: &Row<'_>) -> Result<Reservation, Fault> {
    let unit = row.text("unit")?;
    let quantity = match pieces(row)? {
        Some(quantity) => quantity,
        // A row for one piece holds one.
        None if unit.is_some() => 1,
        None => return Err(row.fault("quantity", "it is NULL".to_owned())),
    };
    let order_id = row.text("order_id")?.unwrap_or_default().to_owned();
    let item = row.needed("item")?.to_owned();
    let identity = match unit {
        Some(unit) => format!("{order_id}\u{0}{item}\u{0}{unit}"),
        None if !order_id.is_empty() => format!("{order_id}\u{0}{item}"),
        None => row.whole(),
    };
    Ok(Reservation {
        order_id,
        item,
        slot: row.text("slot")?.map(str::to_owned),
        quantity,
        held_until_utc_ns: row.instant("held_until")?,
        identity,
    })
}

fn unit(row: &Row<'_>, words: &Words) -> Result<Unit, Fault> {
    let state = row.needed("state")?;
    let state = match state {
        state if FREE.contains(&state) => "free",
        state if state == "sold" || words.paid.contains(state) => "sold",
        _ => "held",
    };
    Ok(Unit {
        name: row.needed("unit")?.to_owned(),
        item: row.needed("item")?.to_owned(),
        state,
        order_id: row.text("order_id")?.filter(|order| !order.is_empty()).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::ledger::rows::Value;
    use proptest::prelude::*;

    fn words() -> Words {
        let set = |word: &str| BTreeSet::from([word.to_owned()]);
        Words { paid: set("paid"), terminal: set("void"), prefix: "run-".to_owned() }
    }

    fn row<'a>(kind: Kind, columns: &'a [String], values: &'a [Value]) -> Row<'a> {
        Row::new(kind, 1, columns, values)
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn texts(texts: &[&str]) -> Vec<Value> {
        let value = |text: &&str| match *text {
            "NULL" => Value::Null,
            text => Value::Text(text.to_owned()),
        };
        texts.iter().map(value).collect()
    }

    #[test]
    fn an_order_is_read_by_the_names_of_its_columns() {
        let columns = names(&["item", "order_id", "quantity", "status", "amount", "intent"]);
        let values = texts(&["tee", "7", "2", "paid", "9000.00", "run-0-4"]);
        let read = read(Kind::Orders, &row(Kind::Orders, &columns, &values), &words());
        let Ok(Some(ShopRow::Order(order))) = read else { panic!("{read:?}") };
        assert_eq!((order.id.as_str(), order.intent.as_str()), ("7", "0-4"));
        assert_eq!((order.quantity, order.amount), (2, 9_000));
        assert!(order.paid && order.terminal);
    }

    #[test]
    fn a_paid_order_of_nothing_is_told_and_an_abandoned_cart_is_none() {
        let columns = names(&["order_id", "item", "quantity", "status"]);
        let paid = texts(&["7", "NULL", "NULL", "paid"]);
        let told = read(Kind::Orders, &row(Kind::Orders, &columns, &paid), &words()).unwrap_err();
        assert_eq!(told.column, "item");
        let cart = texts(&["7", "NULL", "NULL", "cart"]);
        assert!(read(Kind::Orders, &row(Kind::Orders, &columns, &cart), &words()).is_ok());
        let torn = texts(&["7", "tee", "NULL", "cart"]);
        let told = read(Kind::Orders, &row(Kind::Orders, &columns, &torn), &words()).unwrap_err();
        assert_eq!(told.to_string(), "orders row 1, column `quantity`: it is NULL");
    }

    #[test]
    fn what_a_kind_cannot_do_without_is_named() {
        let told = lacking(Kind::Stock, &names(&["sku", "free"])).unwrap();
        assert_eq!(told, "there is no column `item` among `sku`, `free`");
        assert_eq!(lacking(Kind::Slots, &names(&["slot", "free"])), None);
        assert_eq!(lacking(Kind::Reservations, &names(&["item", "unit"])), None);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            Just(Value::Odd("bytes")),
            "\\PC{0,12}".prop_map(Value::Text),
            "[0-9.-]{1,12}".prop_map(Value::Text),
        ]
    }

    proptest! {
        #[test]
        fn any_row_is_a_line_or_a_fault(
            kind in prop_oneof![
                Just(Kind::Stock), Just(Kind::Slots), Just(Kind::Orders), Just(Kind::Payments),
                Just(Kind::Reservations), Just(Kind::Units),
            ],
            values in proptest::collection::vec(any_value(), super::super::COLUMNS.len()),
            columns in Just(names(&super::super::COLUMNS)).prop_shuffle(),
            short in 0..super::super::COLUMNS.len(),
        ) {
            let _ = read(kind, &row(kind, &columns, &values), &words());
            let _ = read(kind, &row(kind, &columns, &values[..short]), &words());
            let _ = read(kind, &row(kind, &columns[..short], &values), &words());
            let _ = super::super::payments::read(&row(kind, &columns, &values), "run-");
            let _ = lacking(kind, &columns[..short]);
        }
    }
}
