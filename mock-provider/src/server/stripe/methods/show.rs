//! The object `payment_method`, and what a charge says of its card.

use serde_json::{Value, json};

use crate::rules::card::{Card, Given};
use crate::rules::directory::Method;
use crate::rules::request::Terms;
use crate::server::stripe::caller::is_live;
use crate::server::stripe::expand::Expand;
use crate::server::stripe::render::{View, customer, metadata, said, seconds};

/// The object `payment_method`.
pub(in super::super) fn show(view: &View<'_>, expand: &Expand, method: &Method) -> Value {
    let terms = method.terms.as_deref();
    let redisplay = match said(terms, "allow_redisplay") {
        Value::Null => "unspecified".into(),
        shown => shown,
    };
    json!({
        "id": method.name(),
        "object": "payment_method",
        "allow_redisplay": redisplay,
        "billing_details": billing_details_of(method),
        "card": card(method),
        "created": seconds(method.created_utc_ns),
        "customer": customer(view, expand, method.customer),
        "customer_account": null,
        "livemode": is_live(&method.account),
        "metadata": metadata(terms),
        "type": "card",
    })
}

/// Whose card it is: nobody said.
pub(in super::super) fn billing_details() -> Value {
    billing(None)
}

/// Whose card it is, as the payment method says.
pub(in super::super) fn billing_details_of(method: &Method) -> Value {
    billing(method.terms.as_deref())
}

fn billing(terms: Option<&Terms>) -> Value {
    let mut address = json!({
        "city": null, "country": null, "line1": null, "line2": null, "postal_code": null,
        "state": null,
    });
    if let (Value::Object(said), Some(address)) = (said(terms, "address"), address.as_object_mut())
    {
        address.extend(said);
    }
    json!({
        "address": address,
        "email": said(terms, "email"),
        "name": said(terms, "name"),
        "phone": said(terms, "phone"),
        "tax_id": said(terms, "tax_id"),
    })
}

/// What a payment method says of its card. Before a bank was asked, nothing was checked.
fn card(method: &Method) -> Value {
    let Card { test, exp_month, exp_year, .. } = method.card;
    let asked = method.customer.is_some() || method.set_up;
    let networks: Vec<_> = test.co_brand.into_iter().chain([test.brand]).collect();
    json!({
        "brand": test.brand,
        "checks": checks(method, if asked { Asked::Yes } else { Asked::No }),
        "country": test.country,
        "display_brand": display_brand(test.brand),
        "exp_month": exp_month,
        "exp_year": exp_year,
        "fingerprint": test.fingerprint(),
        "funding": test.funding,
        "generated_from": null,
        "last4": test.last4(),
        "networks": { "available": networks, "preferred": null },
        "regulated_status": "unregulated",
        "three_d_secure_usage": { "supported": test.brand != "amex" },
        "wallet": null,
    })
}

/// What a charge says of the card it was made with.
pub(in super::super) fn charged_card(method: &Method) -> Value {
    let Card { test, exp_month, exp_year, .. } = method.card;
    json!({
        "brand": test.brand,
        "checks": checks(method, Asked::Yes),
        "country": test.country,
        "exp_month": exp_month,
        "exp_year": exp_year,
        "fingerprint": test.fingerprint(),
        "funding": test.funding,
        "installments": null,
        "last4": test.last4(),
        "mandate": null,
        "network": test.brand,
        "network_token": { "used": false },
        "network_transaction_id": null,
        "regulated_status": "unregulated",
        "transaction_link_id": null,
        "wallet": null,
    })
}

/// Whether a bank was asked about the card.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Asked {
    Yes,
    No,
}

/// What the bank found of what the cardholder said; null where nothing was said.
fn checks(method: &Method, asked: Asked) -> Value {
    let Card { test, cvc, .. } = method.card;
    let address = said(method.terms.as_deref(), "address");
    let found = |given: bool, check: crate::rules::card::Check| match (given, asked) {
        (false, _) => None,
        (true, Asked::No) => Some("unchecked"),
        (true, Asked::Yes) => Some(check.word()),
    };
    json!({
        "address_line1_check": found(address["line1"].is_string(), test.line1_check),
        "address_postal_code_check":
            found(address["postal_code"].is_string(), test.postal_code_check),
        "cvc_check": found(cvc == Given::Yes, test.cvc_check),
    })
}

/// The brand as it is displayed, which one spells otherwise.
fn display_brand(brand: &str) -> &str {
    match brand {
        "amex" => "american_express",
        "diners" => "diners_club",
        "unionpay" => "union_pay",
        brand => brand,
    }
}
