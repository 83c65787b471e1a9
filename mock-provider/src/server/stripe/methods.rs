//! Payment methods as objects.

use serde_json::{Value, json};

use super::caller::is_live;
use super::expand::Expand;
use super::name::named;
use super::render::{View, customer, seconds};
use crate::rules::card::TestCard;
use crate::rules::directory::Method;

/// The object `payment_method`.
pub(super) fn show(view: &View<'_>, expand: &Expand, method: &Method) -> Value {
    json!({
        "id": named("pm_", method.number),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(),
        "card": card(method.card),
        "created": seconds(method.created_utc_ns),
        "customer": customer(view, expand, method.customer),
        "customer_account": null,
        "livemode": is_live(&method.account),
        "metadata": {},
        "type": "card",
    })
}

/// Whose card it is: nobody said.
pub(super) fn billing_details() -> Value {
    json!({
        "address": {
            "city": null, "country": null, "line1": null, "line2": null, "postal_code": null,
            "state": null,
        },
        "email": null, "name": null, "phone": null, "tax_id": null,
    })
}

/// Whose card it is, as the payment method says.
pub(super) fn billing_details_of(_method: &Method) -> Value {
    billing_details()
}

/// What a payment method says of its card.
fn card(card: &TestCard) -> Value {
    json!({
        "brand": card.brand,
        "checks": {
            "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass",
        },
        "country": "US",
        "display_brand": card.brand,
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": fingerprint(card),
        "funding": "credit",
        "generated_from": null,
        "last4": last4(card),
        "networks": { "available": [card.brand], "preferred": null },
        "regulated_status": "unregulated",
        "three_d_secure_usage": { "supported": true },
        "wallet": null,
    })
}

/// What a charge says of the card it was made with.
pub(super) fn charged_card(card: &TestCard) -> Value {
    json!({
        "brand": card.brand,
        "checks": {
            "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass",
        },
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": fingerprint(card),
        "funding": "credit",
        "installments": null,
        "last4": last4(card),
        "mandate": null,
        "network": card.brand,
        "network_token": { "used": false },
        "wallet": null,
    })
}

fn last4(card: &TestCard) -> &'static str {
    &card.number[card.number.len() - 4..]
}

/// The same for every use of one card number.
fn fingerprint(card: &TestCard) -> String {
    format!("{:016x}", domain::draw::number_of(card.number))
}
