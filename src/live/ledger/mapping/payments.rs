//! The rows of a provider's ledger: a line for each thing that happened to a payment, or one row
//! for each payment, with where it stands.

use domain::money::Amount;
use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};

use super::{Fault, Row, intent};

/// The columns of which one says what happened.
const SAYING: [&str; 3] = ["outcome", "status", "state"];

/// What a word says of a payment.
fn meaning(word: &str) -> Option<PaymentOutcome> {
    if let Some(outcome) = PaymentOutcome::ALL.into_iter().find(|outcome| outcome.word() == word) {
        return Some(outcome);
    }
    Some(match word {
        "requires_capture" => PaymentOutcome::Authorized,
        "succeeded" | "paid" | "settled" => PaymentOutcome::Captured,
        "canceled" | "cancelled" | "expired" => PaymentOutcome::Voided,
        "partially_refunded" => PaymentOutcome::Refunded,
        "rejected" | "requires_payment_method" => PaymentOutcome::Declined,
        "requires_action" | "requires_confirmation" | "pending" | "processing" | "created" => {
            PaymentOutcome::Challenged
        }
        _ => return None,
    })
}

/// Reads a row as the lines that it stands for: where it says no operation, it is all that became
/// of a payment, so that one that was refunded was captured before.
///
/// # Errors
/// When it is not what a payment needs.
pub(in crate::live::ledger) fn read(
    row: &Row<'_>,
    prefix: &str,
) -> Result<Vec<PaymentLine>, Fault> {
    let says = SAYING.into_iter().find(|column| row.has(column)).unwrap_or("outcome");
    let word = row.needed(says)?;
    let outcome = meaning(&word.to_ascii_lowercase()).ok_or_else(|| {
        let known: Vec<&str> = PaymentOutcome::ALL.iter().map(|outcome| outcome.word()).collect();
        row.fault(says, format!("{word:?} is none of {}", known.join(", ")))
    })?;
    let operation = row.text("operation")?;
    let amount = row.money("amount", "amount_major")?.unwrap_or(0);
    let captured = row.money("captured", "captured_major")?.unwrap_or(amount);
    let refunded = row.money("refunded", "refunded_major")?;
    let line = |outcome, amount| -> Result<PaymentLine, Fault> {
        Ok(PaymentLine {
            utc_ns: row.instant("at")?.or(row.instant("created")?).unwrap_or(0),
            payment: row.text("payment")?.filter(|name| !name.is_empty()).map(str::to_owned),
            reference: row.text("reference")?.unwrap_or_default().to_owned(),
            intent: intent(row.text("intent")?.unwrap_or_default(), prefix),
            operation: of(operation, outcome),
            outcome,
            told: outcome,
            amount: Amount::new(amount),
            key: row.text("key")?.unwrap_or_default().to_owned(),
            replayed: row.text("replayed")?.is_some_and(|text| {
                matches!(text.to_ascii_lowercase().as_str(), "t" | "true" | "1" | "yes")
            }),
        })
    };
    Ok(match outcome {
        PaymentOutcome::Captured => {
            let given_back = refunded.filter(|money| *money > 0);
            let mut lines = vec![line(PaymentOutcome::Captured, captured)?];
            if let Some(money) = given_back {
                lines.push(line(PaymentOutcome::Refunded, money)?);
            }
            lines
        }
        PaymentOutcome::Refunded if operation.is_none() => vec![
            line(PaymentOutcome::Captured, captured)?,
            line(PaymentOutcome::Refunded, refunded.unwrap_or(captured))?,
        ],
        outcome => vec![line(outcome, amount)?],
    })
}

/// The operation of that name, or the one that has such an outcome.
fn of(name: Option<&str>, outcome: PaymentOutcome) -> PaymentOperation {
    if let Some(name) = name {
        let known = PaymentOperation::ALL.into_iter().find(|known| known.word() == name);
        return known.unwrap_or(PaymentOperation::Other);
    }
    match outcome {
        PaymentOutcome::Captured => PaymentOperation::Capture,
        PaymentOutcome::Voided => PaymentOperation::Void,
        PaymentOutcome::Refunded => PaymentOperation::Refund,
        _ => PaymentOperation::Authorize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::ledger::rows::Value;
    use crate::scenario::target::Kind;

    fn outcomes(columns: &[&str], values: &[&str]) -> Result<Vec<(PaymentOutcome, u64)>, Fault> {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let values: Vec<Value> =
            values.iter().map(|text| Value::Text((*text).to_owned())).collect();
        let lines = read(&Row::new(Kind::Payments, 1, &columns, &values), "run-")?;
        Ok(lines.iter().map(|line| (line.outcome, line.amount.minor())).collect())
    }

    #[test]
    fn a_row_per_payment_says_all_that_became_of_it() {
        let columns = ["payment", "status", "amount", "refunded"];
        let of = |status, refunded| outcomes(&columns, &["pi_1", status, "900", refunded]).unwrap();
        assert_eq!(of("requires_capture", "0"), [(PaymentOutcome::Authorized, 900)]);
        assert_eq!(of("Succeeded", "0"), [(PaymentOutcome::Captured, 900)]);
        let partly = [(PaymentOutcome::Captured, 900), (PaymentOutcome::Refunded, 400)];
        assert_eq!(of("succeeded", "400"), partly);
        assert_eq!(of("partially_refunded", "400"), partly);
        assert_eq!(of("canceled", "0"), [(PaymentOutcome::Voided, 900)]);
    }

    #[test]
    fn a_line_per_event_says_one_thing() {
        let columns = ["payment", "operation", "outcome", "amount_major"];
        let refund = outcomes(&columns, &["pi_1", "refund", "refunded", "9.00"]);
        assert_eq!(refund.unwrap(), [(PaymentOutcome::Refunded, 900)]);
    }

    #[test]
    fn a_word_that_nobody_knows_is_told() {
        let fault = outcomes(&["payment", "status"], &["pi_1", "gone"]).unwrap_err().to_string();
        assert!(
            fault.starts_with("payments row 1, column `status`: \"gone\" is none of"),
            "{fault}"
        );
    }
}
