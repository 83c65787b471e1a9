//! Rows of a foreign ledger as the lines that the judge knows: pure, any text in, a line or a fault
//! out.

pub(super) mod payments;
pub(super) mod shop;
mod value;

use crate::live::ledger::rows::Value;
use crate::scenario::target::Kind;

/// Every column that the judge knows; others are not looked at.
pub(super) const COLUMNS: [&str; 37] = [
    "amount",
    "amount_major",
    "at",
    "available",
    "capacity",
    "captured",
    "captured_major",
    "created",
    "fan",
    "free",
    "held",
    "held_until",
    "intent",
    "item",
    "key",
    "operation",
    "order_id",
    "outcome",
    "payment",
    "quantity",
    "reference",
    "refunded",
    "refunded_major",
    "replayed",
    "sale",
    "slot",
    "sold",
    "state",
    "status",
    "stock",
    "told",
    "total",
    "total_major",
    "unit",
    "updated",
    "voided",
    "voided_at",
];

/// The name of a kind of rows, as a scenario writes it.
pub(super) const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Stock => "stock",
        Kind::Slots => "slots",
        Kind::Orders => "orders",
        Kind::Reservations => "reservations",
        Kind::Units => "units",
        Kind::Payments => "payments",
    }
}

/// A row that is not what its kind needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} row {row}, column `{column}`: {what}", word(*kind))]
pub(super) struct Fault {
    /// What kind of row.
    pub(super) kind: Kind,
    /// Which, from 1.
    pub(super) row: u64,
    /// Its column.
    pub(super) column: &'static str,
    /// What is wrong with it.
    pub(super) what: String,
}

/// One row, read by the names of its columns.
#[derive(Copy, Clone, Debug)]
pub(super) struct Row<'a> {
    kind: Kind,
    number: u64,
    columns: &'a [String],
    values: &'a [Value],
}

impl<'a> Row<'a> {
    /// The `number`th row of its kind, from 1.
    pub(super) const fn new(
        kind: Kind,
        number: u64,
        columns: &'a [String],
        values: &'a [Value],
    ) -> Self {
        Self { kind, number, columns, values }
    }

    /// Whether there is such a column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|name| name == column)
    }

    /// The text of a column; none where it has no value, or there is no such column.
    ///
    /// # Errors
    /// When it is something that is no text.
    pub(super) fn text(&self, column: &'static str) -> Result<Option<&'a str>, Fault> {
        let place = self.columns.iter().position(|name| name == column);
        match place.and_then(|place| self.values.get(place)) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Odd(what)) => {
                let what = format!("it is {what}, not text; convert it in the query");
                Err(self.fault(column, what))
            }
        }
    }

    /// The text of a column that must have one.
    ///
    /// # Errors
    /// When it has none.
    pub(super) fn needed(&self, column: &'static str) -> Result<&'a str, Fault> {
        self.text(column)?.ok_or_else(|| self.fault(column, "it is NULL".to_owned()))
    }

    /// A whole number, as `read` reads it.
    fn parsed<T>(
        &self,
        column: &'static str,
        read: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Result<Option<T>, Fault> {
        let Some(text) = self.text(column)? else { return Ok(None) };
        read(text).map(Some).map_err(|why| self.fault(column, format!("{text:?} {why}")))
    }

    /// A number of pieces, 0 or more.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn count(&self, column: &'static str) -> Result<Option<u64>, Fault> {
        self.parsed(column, value::count)
    }

    /// A number of pieces that may be below 0.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn balance(&self, column: &'static str) -> Result<Option<i64>, Fault> {
        self.parsed(column, value::whole)
    }

    /// Money \[minor units\]: of the column `minor` in minor units, or of `major` in hundredths.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn money(
        &self,
        minor: &'static str,
        major: &'static str,
    ) -> Result<Option<u64>, Fault> {
        match self.parsed(minor, value::minor)? {
            Some(amount) => Ok(Some(amount)),
            None => self.parsed(major, value::major),
        }
    }

    /// An instant \[ns of UTC\].
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn instant(&self, column: &'static str) -> Result<Option<u64>, Fault> {
        Ok(self.parsed(column, value::instant)?.flatten())
    }

    /// What is wrong with a column.
    pub(super) const fn fault(&self, column: &'static str, what: String) -> Fault {
        Fault { kind: self.kind, row: self.number, column, what }
    }

    /// The whole row as one text, to know it again.
    pub(super) fn whole(&self) -> String {
        format!("{:?}", self.values)
    }
}

/// A purchase intent of the run whose texts begin with `prefix`, as clients write it: without that
/// beginning, and of an idempotency key the intent alone. Any other stays as it is.
pub(super) fn intent(text: &str, prefix: &str) -> String {
    let Some(own) = text.strip_prefix(prefix) else { return text.to_owned() };
    let mut parts = own.split('-');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(population), Some(fan), Some(purchase), None)
            if purchase.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            format!("{population}-{fan}")
        }
        _ => own.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_intent_of_this_run_loses_its_beginning_and_no_other_does() {
        for (text, intent) in [
            ("mi9s-0-417", "0-417"),
            ("mi9s-0-417-1", "0-417"),
            ("mi9s-canary", "canary"),
            ("ab12-0-417", "ab12-0-417"),
            ("mi9s", "mi9s"),
            ("", ""),
        ] {
            assert_eq!(super::intent(text, "mi9s-"), intent, "{text}");
        }
    }

    #[test]
    fn a_fault_names_kind_row_and_column() {
        let columns = ["quantity".to_owned(), "item".to_owned()];
        let values = [Value::Text("two".to_owned()), Value::Null];
        let row = Row::new(Kind::Orders, 17, &columns, &values);
        let told = row.count("quantity").unwrap_err().to_string();
        assert_eq!(told, "orders row 17, column `quantity`: \"two\" is no whole number");
        let told = row.needed("item").unwrap_err().to_string();
        assert_eq!(told, "orders row 17, column `item`: it is NULL");
        assert_eq!((row.text("status"), row.has("status")), (Ok(None), false));
    }

    #[test]
    fn columns_stand_in_order_and_once() {
        assert!(COLUMNS.is_sorted_by(|one, next| one < next));
    }
}
