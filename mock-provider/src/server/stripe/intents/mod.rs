//! `/v1/payment_intents` (`docs.stripe.com/api/payment_intents`).

mod read;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::Value;

use super::asked::{About, Asked, AskedByAnyone};
use super::error::ErrorObject;
use super::expand::Expand;
use super::methods::customer;
use super::name::{number_in, owner_of_secret};
use super::page::{self, list};
use super::render::{self, View};
use crate::rules::directory::Kind;
use crate::rules::request::ListIntents;
use crate::rules::{Call, Intent, Reply};
use crate::server::shared::Shared;
pub(super) use read::{ASKED_AT, CAPTURE_WORD, RETURN_URL, address, ways_to_pay};

const URL: &str = "/v1/payment_intents";

/// What is called so in parameters of expansion.
const OBJECT: &str = "payment_intent";

/// The calls about payments.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route(URL, post(create).get(list_all))
        .route("/v1/payment_intents/{intent}", get(retrieve).post(update))
        .route("/v1/payment_intents/{intent}/confirm", post(confirm))
        .route("/v1/payment_intents/{intent}/capture", post(capture))
        .route("/v1/payment_intents/{intent}/cancel", post(cancel))
}

async fn create(asked: Asked) -> Response {
    let expand = match Expand::of(OBJECT, &asked.parameters()) {
        Ok(expand) => expand,
        Err(error) => return asked.refuse(error).await,
    };
    asked.answer(None, read::create(&asked), |view, reply| Ok(shown(view, &expand, reply))).await
}

async fn update(asked: Asked) -> Response {
    let call = |intent| read::update(&asked, intent);
    about_one(&asked, call).await
}

async fn confirm(AskedByAnyone(asked): AskedByAnyone) -> Response {
    let asked = match as_its_owner(asked).await {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let call = |intent| read::confirm(&asked, intent);
    about_one(&asked, call).await
}

async fn capture(asked: Asked) -> Response {
    let call = |intent| read::capture(&asked, intent);
    about_one(&asked, call).await
}

async fn cancel(asked: Asked) -> Response {
    let call = |intent| read::cancel(&asked, intent);
    about_one(&asked, call).await
}

async fn retrieve(AskedByAnyone(asked): AskedByAnyone) -> Response {
    let asked = match as_its_owner(asked).await {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let call = |intent| {
        asked.parameters().known_only(&["client_secret", "expand"])?;
        Ok(Call::Retrieve { intent })
    };
    about_one(&asked, call).await
}

async fn list_all(asked: Asked) -> Response {
    let parameters = asked.parameters();
    let expand = match Expand::of_list(OBJECT, &parameters) {
        Ok(expand) => expand,
        Err(error) => return asked.refuse(error).await,
    };
    let call = || {
        let known = [&page::PARAMETERS[..], &["customer"]].concat();
        parameters.known_only(&known)?;
        let page = page::page_of(&parameters, OBJECT, |name| number_of(&asked, name))?;
        let customer = customer(&parameters)?;
        Ok(Call::List(ListIntents { page, customer, ..ListIntents::default() }))
    };
    let show = |view: &View<'_>, reply: &Reply| match reply {
        Reply::Intents { page, more } => {
            let data = page.iter().map(|intent| render::intent(view, &expand, intent)).collect();
            Ok(list(URL, data, *more))
        }
        other => unreachable!("a list of payments is answered with payments, not {other:?}"),
    };
    asked.answer(None, call(), show).await
}

/// A call about the one payment that the path names.
async fn about_one(asked: &Asked, call: impl FnOnce(u64) -> Result<Call, ErrorObject>) -> Response {
    let name = asked.name(0);
    let about = About { kind: Kind::Intent, word: OBJECT, param: "intent", name };
    let expand = match Expand::of(OBJECT, &asked.parameters()) {
        Ok(expand) => expand,
        Err(error) => return asked.refuse(error).await,
    };
    // Numbers begin at 1: what is no name of a payment is none that exists.
    let call = call(number_in("pi_", name).unwrap_or(0));
    asked.answer(Some(about), call, |view, reply| Ok(shown(view, &expand, reply))).await
}

fn shown(view: &View<'_>, expand: &Expand, reply: &Reply) -> Value {
    match reply {
        Reply::Intent(intent) => render::intent(view, expand, intent),
        other => unreachable!("a payment is answered with a payment, not {other:?}"),
    }
}

/// The number of a payment of the account.
fn number_of(asked: &Asked, name: &str) -> Option<u64> {
    let intent = known(asked, name)?;
    (*intent.account == *asked.account()).then_some(intent.number)
}

fn known(asked: &Asked, name: &str) -> Option<Arc<Intent>> {
    asked.shared().intent(number_in("pi_", name)?)
}

/// A browser that has the payment's client secret acts for the merchant.
async fn as_its_owner(asked: Asked) -> Result<Asked, Box<Response>> {
    let owner = known(&asked, asked.name(0)).map(|intent| intent.account.clone());
    as_owner_of(asked, owner, (OBJECT, OBJECT)).await
}

/// A browser that has the client secret of the object that the path names acts for its `owner`.
/// An object is called one thing where it is missing, and another in the codes of errors.
pub(super) async fn as_owner_of(
    asked: Asked,
    owner: Option<Box<str>>,
    (word, object): (&str, &str),
) -> Result<Asked, Box<Response>> {
    if !asked.is_publishable() {
        return Ok(asked);
    }
    let name = asked.name(0);
    let secret = asked.parameters().text("client_secret").map_err(ErrorObject::from);
    let owner = secret.and_then(|secret| {
        let missing = "Missing required param: client_secret.";
        let secret = secret.ok_or_else(|| {
            ErrorObject::invalid(missing).code("parameter_missing").param("client_secret")
        })?;
        if owner_of_secret(asked.shared().seed(), secret) != Some(name) {
            let message = "The client_secret provided does not match the object.";
            return Err(ErrorObject::invalid(message)
                .code(format!("{object}_invalid_parameter"))
                .param("client_secret"));
        }
        let missing = || ErrorObject::missing(word, name, "intent");
        owner.ok_or_else(|| missing().status(StatusCode::NOT_FOUND))
    });
    match owner {
        Ok(account) => Ok(asked.on_behalf_of(&account)),
        Err(error) => Err(Box::new(asked.refuse(error).await)),
    }
}
