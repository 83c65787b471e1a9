//! Calls about customers, payment methods, setups and tokens: asked, and shown as objects.

use axum::response::Response;
use serde_json::{Value, json};

use super::asked::{About, Asked};
use super::error::ErrorObject;
use super::expand::Expand;
use super::form::Parameters;
use super::page;
use super::render::View;
use super::{customers, endpoints, events, methods, refusal, setups, tokens};
use crate::rules::directory::{Errand, Kind, Object};
use crate::rules::request::PageOf;
use crate::rules::{Call, Reply};

/// Asks about one object; `object` is what answers, such as `customer`.
pub(super) async fn ask(
    asked: &Asked,
    about: Option<About<'_>>,
    object: &str,
    read: impl FnOnce(&Parameters<'_>) -> Result<Errand, ErrorObject>,
) -> Response {
    let parameters = asked.parameters();
    let expand = Expand::of(object, &parameters);
    answer(asked, about, expand, read(&parameters)).await
}

/// Asks for a page of such objects.
pub(super) async fn ask_for_list(
    asked: &Asked,
    about: Option<About<'_>>,
    object: &str,
    read: impl FnOnce(&Parameters<'_>) -> Result<Errand, ErrorObject>,
) -> Response {
    let parameters = asked.parameters();
    let expand = Expand::of_list(object, &parameters);
    answer(asked, about, expand, read(&parameters)).await
}

async fn answer(
    asked: &Asked,
    about: Option<About<'_>>,
    expand: Result<Expand, ErrorObject>,
    errand: Result<Errand, ErrorObject>,
) -> Response {
    let (expand, errand) = match expand {
        Ok(expand) => (expand, errand),
        Err(error) => (Expand::default(), Err(error)),
    };
    let call = errand.map(|errand| Call::Directory(Box::new(errand)));
    let show = |view: &View<'_>, reply: &Reply| shown(view, &expand, asked.path(), reply);
    asked.answer(about, call, show).await
}

/// The page of a list that is asked for, whose parameters besides are `known`.
pub(super) fn page_of(
    parameters: &Parameters<'_>,
    known: &[&str],
    (word, number_of): (&str, impl Fn(&str) -> Option<u64>),
) -> Result<PageOf, ErrorObject> {
    parameters.known_only(&[&page::PARAMETERS[..], known].concat())?;
    page::page_of(parameters, word, number_of)
}

/// The answer to a call that is answered with such objects; `path` is that of a list.
///
/// # Errors
/// When a setup was declined.
pub(super) fn shown(
    view: &View<'_>,
    expand: &Expand,
    path: &str,
    reply: &Reply,
) -> Result<Value, ErrorObject> {
    match reply {
        Reply::Object(object) => Ok(show(view, expand, object)),
        Reply::Deleted(object) => Ok(deleted(object)),
        Reply::Objects { page, more } => {
            let data = page.iter().map(|object| show(view, expand, object)).collect();
            Ok(page::list(path, data, *more))
        }
        Reply::SetupDeclined { setup, fault } => {
            let error = refusal::of_card(*fault);
            let error = match &setup.last_fault {
                Some((_, method)) => {
                    error.with("payment_method", methods::show(view, &Expand::default(), method))
                }
                None => error,
            };
            Err(error.with("setup_intent", setups::show(view, &Expand::default(), setup)))
        }
        other => unreachable!("an errand is answered with objects, not {other:?}"),
    }
}

/// An object that is no payment.
pub(super) fn show(view: &View<'_>, expand: &Expand, object: &Object) -> Value {
    match object {
        Object::Method(method) => methods::show(view, expand, method),
        Object::Customer(customer) => customers::show(view, expand, customer),
        Object::Setup(setup) => setups::show(view, expand, setup),
        Object::Token(token) => tokens::show(token),
        Object::Endpoint(endpoint, secret) => endpoints::show(endpoint, *secret),
        Object::Event(event, left) => events::show(view, event, *left, None),
    }
}

fn deleted(object: &Object) -> Value {
    let (id, object) = match object {
        Object::Method(method) => (method.name(), "payment_method"),
        Object::Customer(customer) => (customer.name(), "customer"),
        Object::Setup(setup) => (setup.name(), "setup_intent"),
        Object::Token(token) => (token.name(), "token"),
        Object::Endpoint(endpoint, _) => (endpoints::name_of(endpoint.number), "webhook_endpoint"),
        Object::Event(event, _) => (events::name_of(event.number), "event"),
    };
    json!({ "id": id, "object": object, "deleted": true })
}

/// The customer that the path names, under that parameter.
pub(super) fn about_customer<'name>(param: &'static str, name: &'name str) -> About<'name> {
    About { kind: Kind::Customer, word: "customer", param, name }
}
