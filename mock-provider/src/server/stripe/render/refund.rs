//! The object `refund`.

use serde_json::{Value, json};

use super::{View, charge, customer, intent as show_intent, metadata, method, seconds};
use crate::rules::Intent;
use crate::rules::intent::Refund;
use crate::server::stripe::expand::Expand;
use crate::server::stripe::name::{self, named};

/// Money given back.
pub(in super::super) fn refund(
    view: &View<'_>,
    expand: &Expand,
    refund: &Refund,
    intent: &Intent,
) -> Value {
    let of_charge = match expand.under("charge") {
        Some(expand) => charge(view, expand, intent, refund.charge).unwrap_or(Value::Null),
        None => name::charge(intent, refund.charge).into(),
    };
    let of_intent = match expand.under("payment_intent") {
        Some(expand) => show_intent(view, expand, intent),
        None => named("pi_", intent.number).into(),
    };
    json!({
        "id": name::refund(refund),
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": null,
        "charge": of_charge,
        "created": seconds(refund.created_utc_ns),
        "currency": refund.currency.code(),
        "customer": customer(view, expand, intent.customer),
        "customer_account": null,
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": metadata(refund.terms.as_deref()),
        "payment_intent": of_intent,
        "payment_method": method(view, expand, "payment_method", intent.method),
        "reason": refund.reason,
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": "succeeded",
        "transfer_reversal": null,
    })
}
