//! The object `payment_intent`.

use serde_json::{Value, json};

use super::{View, charge, customer, metadata, method, said, seconds};
use crate::rules::Intent;
use crate::rules::intent::{Decline, Status};
use crate::rules::request::{CaptureMethod, Terms};
use crate::server::stripe::caller::is_live;
use crate::server::stripe::expand::Expand;
use crate::server::stripe::intents::{ASKED_AT, CAPTURE_WORD, RETURN_URL};
use crate::server::stripe::name::{self, named};
use crate::server::stripe::{decline, methods};

/// What the merchant said, and is told again.
const SAID: [&str; 12] = [
    "application_fee_amount",
    "automatic_payment_methods",
    "description",
    "on_behalf_of",
    "payment_method_options",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];

/// What this provider has nothing of.
const NOTHING: [&str; 9] = [
    "allowed_payment_method_types",
    "application",
    "customer_account",
    "excluded_payment_method_types",
    "managed_payments",
    "payment_method_configuration_details",
    "processing",
    "review",
    "source",
];

/// The payment as it stands.
pub(in super::super) fn intent(view: &View<'_>, expand: &Expand, intent: &Intent) -> Value {
    let terms = intent.terms.as_deref();
    let id = named("pi_", intent.number);
    let (canceled_at, why) = match &intent.canceled {
        Some((utc_ns, why)) => (Some(seconds(*utc_ns)), Some(&**why).filter(|why| !why.is_empty())),
        None => (None, None),
    };
    let mut shown = json!({
        "id": id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": intent.capturable,
        "amount_details": { "tip": {} },
        "amount_received": intent.received,
        "canceled_at": canceled_at,
        "cancellation_reason": why,
        "capture_method": capture_method(intent),
        "client_secret": name::client_secret(view.seed, &id),
        "confirmation_method": terms
            .and_then(|terms| terms.fields.get("confirmation_method").cloned())
            .unwrap_or_else(|| "automatic".into()),
        "created": seconds(intent.created_utc_ns),
        "currency": intent.currency.code(),
        "customer": customer(view, expand, intent.customer),
        "last_payment_error": last_payment_error(view, intent),
        "latest_charge": latest_charge(view, expand, intent),
        "livemode": is_live(&intent.account),
        "metadata": metadata(terms),
        "next_action": next_action(view, intent, &id),
        "payment_method": method(view, expand, "payment_method", intent.method),
        "payment_method_types": terms
            .and_then(|terms| terms.fields.get("payment_method_types").cloned())
            .unwrap_or_else(|| json!(["card"])),
        "status": intent.status.word(),
    });
    for field in NOTHING {
        shown[field] = Value::Null;
    }
    for field in SAID {
        shown[field] = said(terms, field);
    }
    shown
}

/// The word for it: two of them mean that confirming takes the money.
fn capture_method(intent: &Intent) -> Value {
    match (intent.capture, said(intent.terms.as_deref(), CAPTURE_WORD)) {
        (CaptureMethod::Manual, _) => "manual".into(),
        (CaptureMethod::Automatic, Value::String(word)) if word != "manual" => word.into(),
        (CaptureMethod::Automatic, _) => "automatic_async".into(),
    }
}

fn latest_charge(view: &View<'_>, expand: &Expand, intent: &Intent) -> Value {
    match (intent.charges, expand.under("latest_charge")) {
        (0, _) => Value::Null,
        (number, Some(expand)) => charge(view, expand, intent, number).unwrap_or(Value::Null),
        (number, None) => name::charge(intent, number).into(),
    }
}

/// Where the cardholder is asked.
fn next_action(view: &View<'_>, intent: &Intent, id: &str) -> Value {
    if intent.status != Status::RequiresAction {
        return Value::Null;
    }
    next_action_at(intent.terms.as_deref(), &name::client_secret(view.seed, id))
}

/// The page where the holder of a client secret is asked.
pub(in super::super) fn next_action_at(terms: Option<&Terms>, secret: &str) -> Value {
    let base = said(terms, ASKED_AT);
    let url = format!("{}/3ds/{secret}", base.as_str().unwrap_or_default());
    match said(terms, RETURN_URL) {
        Value::Null => json!({
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {
                "type": "three_d_secure_redirect",
                "stripe_js": url,
                "source": null,
            },
        }),
        back => json!({
            "type": "redirect_to_url",
            "redirect_to_url": { "url": url, "return_url": back },
        }),
    }
}

fn last_payment_error(view: &View<'_>, intent: &Intent) -> Value {
    let Some(last) = &intent.last_decline else { return Value::Null };
    if intent.status == Status::Succeeded || intent.status == Status::RequiresCapture {
        return Value::Null;
    }
    let mut error = error_of(last);
    let method = last.method.and_then(|number| view.method(number));
    if let Some(method) = method {
        error["payment_method"] = methods::show(view, &Expand::default(), method);
    }
    if last.charge > 0 {
        error["charge"] = name::charge(intent, last.charge).into();
    }
    error
}

fn error_of(last: &Decline) -> Value {
    let page = last.code.replace('_', "-");
    let mut error = json!({
        "code": last.code,
        "doc_url": format!("https://docs.stripe.com/error-codes/{page}"),
        "message": decline::message(last),
        "type": decline::kind(last),
    });
    if let Some(reason) = last.decline_code {
        error["decline_code"] = reason.into();
    }
    if let Some(param) = decline::param(last) {
        error["param"] = param.into();
    }
    error
}
