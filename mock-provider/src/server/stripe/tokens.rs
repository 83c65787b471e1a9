//! `/v1/tokens` (`docs.stripe.com/api/tokens`): cards that are handed on once.

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::asked::{About, AskedByAnyone};
use super::caller::is_live;
use super::errand::ask;
use super::form::{Parameters, required};
use super::methods::{card_data, token_terms};
use super::name::{named, number_in};
use super::render::{said, seconds};
use crate::rules::card::{Card, Given};
use crate::rules::directory::{Errand, Kind, Token};
use crate::server::shared::Shared;

/// What is called so in parameters of expansion: nothing can be.
const OBJECT: &str = "token";

/// What may be said of a card.
const CARD: [&str; 13] = [
    "address_city",
    "address_country",
    "address_line1",
    "address_line2",
    "address_state",
    "address_zip",
    "currency",
    "cvc",
    "exp_month",
    "exp_year",
    "name",
    "networks",
    "number",
];

/// The calls about tokens.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/v1/tokens", post(create)).route("/v1/tokens/{token}", get(retrieve))
}

/// A page of the shop makes them.
async fn create(AskedByAnyone(asked): AskedByAnyone) -> Response {
    let read = |parameters: &Parameters<'_>| {
        parameters.known_only(&["card", "expand"])?;
        let card = required("card", parameters.table("card")?)?;
        card.known_only(&CARD)?;
        let terms = Some(Box::new(token_terms(&card)?));
        Ok(Errand::MakeToken { card: card_data(&card)?, terms })
    };
    ask(&asked, None, OBJECT, read).await
}

async fn retrieve(AskedByAnyone(asked): AskedByAnyone) -> Response {
    let name = asked.name(0);
    let about = About { kind: Kind::Token, word: "token", param: "token", name };
    let read = |parameters: &Parameters<'_>| {
        parameters.known_only(&["expand"])?;
        Ok(Errand::FindToken(number_in("tok_", name).unwrap_or(0)))
    };
    ask(&asked, Some(about), OBJECT, read).await
}

/// The object `token`.
pub(super) fn show(token: &Token) -> Value {
    json!({
        "id": token.name(),
        "object": "token",
        "card": card(token),
        "client_ip": null,
        "created": seconds(token.created_utc_ns),
        "livemode": is_live(&token.account),
        "type": "card",
        "used": token.used,
    })
}

fn card(token: &Token) -> Value {
    let Card { test, exp_month, exp_year, cvc } = token.card;
    let terms = token.terms.as_deref();
    let address = said(terms, "address");
    let unchecked = |value: &Value| value.is_string().then_some("unchecked");
    json!({
        "id": named("card_", token.number),
        "object": "card",
        "address_city": address["city"],
        "address_country": address["country"],
        "address_line1": address["line1"],
        "address_line1_check": unchecked(&address["line1"]),
        "address_line2": address["line2"],
        "address_state": address["state"],
        "address_zip": address["postal_code"],
        "address_zip_check": unchecked(&address["postal_code"]),
        "allow_redisplay": "unspecified",
        "brand": brand(test.brand),
        "country": test.country,
        "cvc_check": (cvc == Given::Yes).then_some("unchecked"),
        "dynamic_last4": null,
        "exp_month": exp_month,
        "exp_year": exp_year,
        "fingerprint": test.fingerprint(),
        "funding": test.funding,
        "last4": test.last4(),
        "metadata": {},
        "name": said(terms, "name"),
        "networks": { "preferred": null },
        "regulated_status": "unregulated",
        "tokenization_method": null,
    })
}

/// The brand as cards of tokens spell it.
fn brand(brand: &str) -> &str {
    match brand {
        "amex" => "American Express",
        "diners" => "Diners Club",
        "discover" => "Discover",
        "jcb" => "JCB",
        "mastercard" => "MasterCard",
        "unionpay" => "UnionPay",
        "visa" => "Visa",
        _ => "Unknown",
    }
}
