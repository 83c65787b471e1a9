//! `/v1/payment_methods` (docs.stripe.com/api/payment_methods).

mod read;
mod show;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};

use super::asked::{About, Asked, AskedByAnyone};
use super::errand::{about_customer, ask, ask_for_list, page_of};
use super::error::ErrorObject;
use super::form::{Parameters, required};
use super::name::number_in;
use crate::rules::directory::{Errand, Kind};
use crate::server::shared::Shared;
pub(super) use read::{address, card_data, customer, named_source, source, token_terms};
pub(super) use show::{billing_details, billing_details_of, charged_card, show};

const URL: &str = "/v1/payment_methods";

/// What is called so in parameters of expansion.
const OBJECT: &str = "payment_method";

/// The only type of payment methods here.
const TYPES: &[&str] = &["card"];

/// The calls about payment methods.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route(URL, post(create).get(list_all))
        .route("/v1/payment_methods/{method}", get(retrieve).post(update))
        .route("/v1/payment_methods/{method}/attach", post(attach))
        .route("/v1/payment_methods/{method}/detach", post(detach))
        .route("/v1/customers/{customer}/payment_methods", get(list_of_customer))
        .route("/v1/customers/{customer}/payment_methods/{method}", get(retrieve_of_customer))
}

fn about(name: &str) -> About<'_> {
    About { kind: Kind::Method, word: "PaymentMethod", param: "payment_method", name }
}

/// A page of the shop may make one as well.
async fn create(AskedByAnyone(asked): AskedByAnyone) -> Response {
    let read = |parameters: &Parameters<'_>| read::new_method(parameters).map(Errand::MakeMethod);
    ask(&asked, None, OBJECT, read).await
}

async fn retrieve(asked: Asked) -> Response {
    let name = asked.name(0);
    let read = |parameters: &Parameters<'_>| {
        parameters.known_only(&["expand"])?;
        Ok(Errand::FindMethod(named_source(name)))
    };
    ask(&asked, Some(about(name)), OBJECT, read).await
}

async fn update(asked: Asked) -> Response {
    let name = asked.name(0);
    let read = |parameters: &Parameters<'_>| {
        let change = read::method_change(parameters)?;
        Ok(Errand::ChangeMethod { method: number_of(name), change })
    };
    ask(&asked, Some(about(name)), OBJECT, read).await
}

async fn attach(asked: Asked) -> Response {
    let name = asked.name(0);
    let read = |parameters: &Parameters<'_>| {
        parameters.known_only(&["customer", "expand"])?;
        let customer = required("customer", customer(parameters)?)?;
        Ok(Errand::Attach { method: named_source(name), customer })
    };
    ask(&asked, Some(about(name)), OBJECT, read).await
}

async fn detach(asked: Asked) -> Response {
    let name = asked.name(0);
    let read = |parameters: &Parameters<'_>| {
        parameters.known_only(&["expand"])?;
        Ok(Errand::Detach(number_of(name)))
    };
    ask(&asked, Some(about(name)), OBJECT, read).await
}

async fn list_all(asked: Asked) -> Response {
    let read = |parameters: &Parameters<'_>| {
        let page = page(parameters, &["allow_redisplay", "customer", "type"])?;
        Ok(Errand::ListMethods { customer: customer(parameters)?, page })
    };
    ask_for_list(&asked, None, OBJECT, read).await
}

async fn list_of_customer(asked: Asked) -> Response {
    let name = asked.name(0);
    let read = |parameters: &Parameters<'_>| {
        let page = page(parameters, &["allow_redisplay", "type"])?;
        Ok(Errand::ListMethods { customer: Some(number_in("cus_", name).unwrap_or(0)), page })
    };
    ask_for_list(&asked, Some(about_customer("customer", name)), OBJECT, read).await
}

async fn retrieve_of_customer(asked: Asked) -> Response {
    let (customer, name) = (asked.name(0), asked.name(1));
    let read = |parameters: &Parameters<'_>| {
        parameters.known_only(&["expand"])?;
        let customer = number_in("cus_", customer).unwrap_or(0);
        Ok(Errand::FindMethodOf { customer, method: number_of(name) })
    };
    ask(&asked, Some(about(name)), OBJECT, read).await
}

/// The number of a payment method; 0, which none has, for what is no name of one.
fn number_of(name: &str) -> u64 {
    number_in("pm_", name).unwrap_or(0)
}

fn page(
    parameters: &Parameters<'_>,
    known: &[&str],
) -> Result<crate::rules::request::PageOf, ErrorObject> {
    let page = page_of(parameters, known, ("PaymentMethod", |name| number_in("pm_", name)))?;
    parameters.one_of("type", TYPES)?;
    Ok(page)
}
