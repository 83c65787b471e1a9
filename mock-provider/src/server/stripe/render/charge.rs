//! The object `charge`: one word of a bank about a payment.

use domain::money::Amount;
use serde_json::{Value, json};

use super::{View, customer, intent as show_intent, metadata, said, seconds};
use crate::rules::Intent;
use crate::rules::intent::{Decline, Status};
use crate::server::stripe::caller::is_live;
use crate::server::stripe::expand::Expand;
use crate::server::stripe::name::{self, named};
use crate::server::stripe::{decline, methods};

/// What the merchant said of the payment, and the charge tells again.
const SAID: [&str; 9] = [
    "application_fee_amount",
    "description",
    "on_behalf_of",
    "receipt_email",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];

/// What this provider has nothing of.
const NOTHING: [&str; 11] = [
    "application",
    "application_fee",
    "balance_transaction",
    "destination",
    "dispute",
    "failure_balance_transaction",
    "receipt_number",
    "receipt_url",
    "review",
    "source",
    "source_transfer",
];

/// The numbers of a payment's charges, the newest first.
pub(in super::super) fn charges_of(intent: &Intent) -> impl DoubleEndedIterator<Item = u16> {
    (1..=intent.charges).rev()
}

/// The charge of that number; `None` when the payment has none.
pub(in super::super) fn charge(
    view: &View<'_>,
    expand: &Expand,
    intent: &Intent,
    number: u16,
) -> Option<Value> {
    if number == 0 || number > intent.charges {
        return None;
    }
    let failed = intent.declines.iter().find(|decline| decline.charge == number);
    let terms = intent.terms.as_deref();
    let amount = failed.map_or(intent.amount, |decline| decline.amount);
    let (captured, refunded) = match failed {
        Some(_) => (Amount::ZERO, Amount::ZERO),
        None => (intent.received, given_back(intent)),
    };
    let made = failed.map(|decline| decline.utc_ns).or(intent.charged_utc_ns);
    let method = failed.map_or(intent.method, |decline| decline.method);
    let payment_intent = match expand.under("payment_intent") {
        Some(expand) => show_intent(view, expand, intent),
        None => named("pi_", intent.number).into(),
    };
    let mut shown = json!({
        "id": name::charge(intent, number),
        "object": "charge",
        "amount": amount,
        "amount_captured": captured,
        "amount_refunded": refunded,
        "billing_details": method.and_then(|number| view.method(number)).map_or_else(
            methods::billing_details,
            methods::billing_details_of,
        ),
        "calculated_statement_descriptor": statement(intent),
        "captured": failed.is_none() && intent.status == Status::Succeeded,
        "created": seconds(made.unwrap_or(intent.created_utc_ns)),
        "currency": intent.currency.code(),
        "customer": customer(view, expand, intent.customer),
        "disputed": false,
        "failure_code": failed.map(|decline| decline.code),
        "failure_message": failed.map(decline::message),
        "fraud_details": {},
        "livemode": is_live(&intent.account),
        "metadata": metadata(terms),
        "outcome": outcome(failed),
        "paid": failed.is_none(),
        "payment_intent": payment_intent,
        "payment_method": method.map(|number| named("pm_", number)),
        "payment_method_details": details(view, intent, (failed, amount), method),
        "radar_options": {},
        "refunded": failed.is_none() && refunded >= amount,
        "status": if failed.is_some() { "failed" } else { "succeeded" },
    });
    for field in NOTHING {
        shown[field] = Value::Null;
    }
    for field in SAID {
        shown[field] = said(terms, field);
    }
    Some(shown)
}

/// What of the charge went back: refunds, and what was reserved but never taken.
fn given_back(intent: &Intent) -> Amount {
    let released = match intent.status {
        Status::Succeeded => intent.amount.less(intent.received),
        Status::Canceled => intent.amount,
        _ => Amount::ZERO,
    };
    released.plus(intent.refunded).expect("no more than was reserved")
}

fn statement(intent: &Intent) -> Value {
    let terms = intent.terms.as_deref();
    match said(terms, "statement_descriptor") {
        Value::Null => said(terms, "statement_descriptor_suffix"),
        whole => whole,
    }
}

fn outcome(failed: Option<&Decline>) -> Value {
    match failed {
        None => json!({
            "advice_code": null,
            "network_advice_code": null,
            "network_decline_code": null,
            "network_status": "approved_by_network",
            "reason": null,
            "risk_level": "normal",
            "risk_score": 20,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }),
        Some(decline) => json!({
            "advice_code": "try_again_later",
            "network_advice_code": null,
            "network_decline_code": null,
            "network_status": "declined_by_network",
            "reason": decline.reason(),
            "risk_level": "normal",
            "risk_score": 20,
            "seller_message": decline::message(decline),
            "type": "issuer_declined",
        }),
    }
}

fn details(
    view: &View<'_>,
    intent: &Intent,
    (failed, amount): (Option<&Decline>, Amount),
    method: Option<u64>,
) -> Value {
    let Some(method) = method.and_then(|number| view.method(number)) else { return Value::Null };
    let mut card = methods::charged_card(method);
    card["amount_authorized"] = match failed {
        None => amount.minor().into(),
        Some(_) => Value::Null,
    };
    card["authorization_code"] = Value::Null;
    card["three_d_secure"] = Value::Null;
    if failed.is_none() && intent.authenticated {
        card["three_d_secure"] = json!({
            "authentication_flow": "challenge",
            "electronic_commerce_indicator": "05",
            "exemption_indicator": null,
            "result": "authenticated",
            "result_reason": null,
            "transaction_id": null,
            "version": "2.2.0",
        });
    }
    if let (None, Some(expires)) = (failed, intent.expires) {
        card["capture_before"] = seconds(view.began_utc_ns.saturating_add(expires.nanos())).into();
    }
    let unavailable = json!({ "status": "unavailable" });
    for extra in ["extended_authorization", "incremental_authorization", "multicapture"] {
        card[extra] = unavailable.clone();
    }
    card["extended_authorization"] = json!({ "status": "disabled" });
    card["overcapture"] =
        json!({ "maximum_amount_capturable": amount.minor(), "status": "unavailable" });
    json!({ "type": "card", "card": card })
}
