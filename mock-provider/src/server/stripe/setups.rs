//! `/v1/setup_intents` (`docs.stripe.com/api/setup_intents`): cards made ready to be charged later.

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::asked::{About, Asked, AskedByAnyone};
use super::caller::is_live;
use super::errand::{ask, ask_for_list, page_of};
use super::error::ErrorObject;
use super::expand::Expand;
use super::form::Parameters;
use super::intents::{ASKED_AT, RETURN_URL, address, as_owner_of, ways_to_pay};
use super::methods;
use super::name::{client_secret, number_in};
use super::refusal;
use super::render::{View, customer, metadata, method, next_action_at, said, seconds};
use super::terms::{metadata_of, say, text_of};
use crate::rules::directory::{
    Errand, Kind, ListSetups, NewSetup, Setup, SetupChange, SetupStatus,
};
use crate::rules::request::{Confirm, Terms};
use crate::server::shared::Shared;

const URL: &str = "/v1/setup_intents";

/// What is called so in parameters of expansion.
const OBJECT: &str = "setup_intent";

/// What may be said of a setup, whenever it is said.
const KNOWN: [&str; 12] = [
    "attach_to_self",
    "customer",
    "customer_account",
    "description",
    "excluded_payment_method_types",
    "expand",
    "flow_directions",
    "metadata",
    "payment_method",
    "payment_method_configuration",
    "payment_method_data",
    "payment_method_options",
];

/// What may be said besides when it is confirmed.
const CONFIRMATION: [&str; 6] = [
    "client_secret",
    "confirmation_token",
    "mandate_data",
    "radar_options",
    "return_url",
    "use_stripe_sdk",
];

/// The calls about setups.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route(URL, post(create).get(list_all))
        .route("/v1/setup_intents/{setup}", get(retrieve).post(update))
        .route("/v1/setup_intents/{setup}/confirm", post(confirm))
        .route("/v1/setup_intents/{setup}/cancel", post(cancel))
}

fn about(name: &str) -> About<'_> {
    About { kind: Kind::Setup, word: "setupintent", param: "intent", name }
}

/// The number of a setup; 0, which none has, for what is no name of one.
fn number_of(name: &str) -> u64 {
    number_in("seti_", name).unwrap_or(0)
}

async fn create(asked: Asked) -> Response {
    let read = |parameters: &Parameters<'_>| {
        let own = [
            "automatic_payment_methods",
            "confirm",
            "on_behalf_of",
            "payment_method_types",
            "single_use",
            "usage",
        ];
        parameters.known_only(&[&own[..], &KNOWN, &CONFIRMATION].concat())?;
        let mut change = change(parameters)?;
        let mut terms = change.terms.take().unwrap_or_default();
        ways_to_pay(parameters, &mut terms)?;
        if let Some(usage) = parameters.one_of("usage", &["off_session", "on_session"])? {
            terms.fields.insert("usage".into(), usage.into());
        }
        let confirm = match parameters.boolean("confirm")? {
            Some(true) => Confirm::Now,
            _ => Confirm::Later,
        };
        if confirm == Confirm::Now {
            say_where(&asked, parameters, &mut terms)?;
        }
        change.terms = Some(terms);
        Ok(Errand::MakeSetup(NewSetup { confirm, change }))
    };
    ask(&asked, None, OBJECT, read).await
}

async fn retrieve(AskedByAnyone(asked): AskedByAnyone) -> Response {
    let asked = match as_its_owner(asked).await {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let name = asked.name(0);
    let read = |parameters: &Parameters<'_>| {
        parameters.known_only(&["client_secret", "expand"])?;
        Ok(Errand::FindSetup(number_of(name)))
    };
    ask(&asked, Some(about(name)), OBJECT, read).await
}

async fn update(asked: Asked) -> Response {
    let name = asked.name(0);
    let read = |parameters: &Parameters<'_>| {
        parameters.known_only(&[&KNOWN[..], &["payment_method_types"]].concat())?;
        Ok(Errand::ChangeSetup { setup: number_of(name), change: change(parameters)? })
    };
    ask(&asked, Some(about(name)), OBJECT, read).await
}

async fn confirm(AskedByAnyone(asked): AskedByAnyone) -> Response {
    let asked = match as_its_owner(asked).await {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let name = asked.name(0);
    let read = |parameters: &Parameters<'_>| {
        let own = ["expand", "payment_method", "payment_method_data", "payment_method_options"];
        parameters.known_only(&[&own[..], &CONFIRMATION].concat())?;
        let source = methods::source(parameters)?;
        let mut terms = Terms::default();
        say_where(&asked, parameters, &mut terms)?;
        let change = SetupChange { source, customer: None, terms: Some(Box::new(terms)) };
        Ok(Errand::ConfirmSetup { setup: number_of(name), change })
    };
    ask(&asked, Some(about(name)), OBJECT, read).await
}

async fn cancel(asked: Asked) -> Response {
    let name = asked.name(0);
    let read = |parameters: &Parameters<'_>| {
        parameters.known_only(&["cancellation_reason", "expand"])?;
        let known = &["abandoned", "duplicate", "requested_by_customer"];
        let reason = parameters.one_of("cancellation_reason", known)?.map(str::to_owned);
        Ok(Errand::CancelSetup { setup: number_of(name), reason })
    };
    ask(&asked, Some(about(name)), OBJECT, read).await
}

async fn list_all(asked: Asked) -> Response {
    let read = |parameters: &Parameters<'_>| {
        let known = ["attach_to_self", "customer", "payment_method"];
        let word = (OBJECT, |name: &str| number_in("seti_", name));
        let page = page_of(parameters, &known, word)?;
        let customer = methods::customer(parameters)?;
        let method = parameters.text("payment_method")?;
        let method = method.map(|name| number_in("pm_", name).unwrap_or(0));
        Ok(Errand::ListSetups(ListSetups { page, customer, method }))
    };
    ask_for_list(&asked, None, OBJECT, read).await
}

fn change(parameters: &Parameters<'_>) -> Result<SetupChange, ErrorObject> {
    let mut terms = metadata_of(parameters)?;
    say(&mut terms.fields, "description", text_of(parameters, "description")?);
    let (source, customer) = (methods::source(parameters)?, methods::customer(parameters)?);
    Ok(SetupChange { source, customer, terms: Some(Box::new(terms)) })
}

/// Where the cardholder is asked, and where they go then.
fn say_where(
    asked: &Asked,
    parameters: &Parameters<'_>,
    terms: &mut Terms,
) -> Result<(), ErrorObject> {
    let back = match parameters.text("return_url")? {
        None => Value::Null,
        Some(url) => address(url)?.into(),
    };
    terms.fields.insert(RETURN_URL.into(), back);
    terms.fields.insert(ASKED_AT.into(), asked.base().into());
    Ok(())
}

/// A browser that has the setup's client secret acts for the merchant.
async fn as_its_owner(asked: Asked) -> Result<Asked, Box<Response>> {
    let setup = asked.shared().setup(number_of(asked.name(0)));
    as_owner_of(asked, setup.map(|setup| setup.account.clone()), ("setupintent", OBJECT)).await
}

/// The object `setup_intent`.
pub(super) fn show(view: &View<'_>, expand: &Expand, setup: &Setup) -> Value {
    let terms = setup.terms.as_deref();
    let said = |field| said(terms, field);
    let or = |field, otherwise: Value| match said(field) {
        Value::Null => otherwise,
        said => said,
    };
    let id = setup.name();
    let secret = client_secret(view.seed, &id);
    let next_action = match setup.status {
        SetupStatus::RequiresAction => next_action_at(terms, &secret),
        _ => Value::Null,
    };
    let named = setup.method.as_ref().map(|method| method.number);
    json!({
        "id": id,
        "object": "setup_intent",
        "allowed_payment_method_types": null,
        "application": null,
        "automatic_payment_methods": said("automatic_payment_methods"),
        "cancellation_reason": setup.canceled,
        "client_secret": secret,
        "created": seconds(setup.created_utc_ns),
        "customer": customer(view, expand, setup.customer),
        "customer_account": null,
        "description": said("description"),
        "excluded_payment_method_types": null,
        "flow_directions": null,
        "last_setup_error": last_setup_error(view, setup),
        "latest_attempt": null,
        "livemode": is_live(&setup.account),
        "mandate": null,
        "metadata": metadata(terms),
        "next_action": next_action,
        "on_behalf_of": null,
        "payment_method": method(view, expand, "payment_method", named),
        "payment_method_configuration_details": null,
        "payment_method_options": options(said("payment_method_options")),
        "payment_method_types": or("payment_method_types", json!(["card"])),
        "single_use_mandate": null,
        "status": setup.status.word(),
        "usage": or("usage", "off_session".into()),
    })
}

/// What was said of cards: nobody pays in parts here, so that installments are no matter.
fn options(mut said: Value) -> Value {
    if let Some(card) = said.pointer_mut("/card").and_then(Value::as_object_mut) {
        card.remove("installments");
    }
    said
}

fn last_setup_error(view: &View<'_>, setup: &Setup) -> Value {
    let Some((fault, tried)) = &setup.last_fault else { return Value::Null };
    let shown = methods::show(view, &Expand::default(), tried);
    refusal::of_card(*fault).with("payment_method", shown).told()
}
