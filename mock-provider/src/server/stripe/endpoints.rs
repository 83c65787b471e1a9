//! `/v1/webhook_endpoints`: where a merchant hears of events.
//!
//! Source: <https://docs.stripe.com/api/webhook_endpoints>.

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::asked::{About, Asked};
use super::caller::is_live;
use super::errand;
use super::error::ErrorObject;
use super::expand::Expand;
use super::form::required;
use super::name::{named, number_in};
use super::page;
use super::render::{View, seconds};
use super::terms::terms_of;
use crate::rules::directory::Kind;
use crate::rules::webhook::{Endpoint, EndpointChange, NewEndpoint, Secret, Switch, WebhookCall};
use crate::rules::{Call, Reply};
use crate::server::shared::Shared;

const URL: &str = "/v1/webhook_endpoints";

/// How long the name of a version of the API may be \[characters\]: `2026-10-28.endive` has 17.
const VERSION_CHARS_MAX: usize = 64;

/// The calls about endpoints.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route(URL, get(list_all).post(create)).route(
        "/v1/webhook_endpoints/{webhook_endpoint}",
        get(retrieve).post(update).delete(delete),
    )
}

/// The name of the endpoint of that number.
pub(in crate::server) fn name_of(number: u64) -> String {
    named("we_", number)
}

async fn create(asked: Asked) -> Response {
    answer(&asked, None, new_of(&asked).map(WebhookCall::Create)).await
}

fn new_of(asked: &Asked) -> Result<NewEndpoint, ErrorObject> {
    let parameters = asked.parameters();
    let known = ["url", "enabled_events", "api_version", "connect", "description", "metadata"];
    parameters.known_only(&[&known[..], &["expand"]].concat())?;
    Expand::of("webhook_endpoint", &parameters)?;
    // Endpoints of a platform hear of its accounts' events, of which there are none here.
    parameters.boolean("connect")?;
    let version = parameters.text("api_version")?;
    if version.is_some_and(|version| version.chars().count() > VERSION_CHARS_MAX) {
        let message = format!("Invalid api_version: at most {VERSION_CHARS_MAX} characters.");
        return Err(ErrorObject::invalid(message).param("api_version"));
    }
    let events = required("enabled_events", parameters.texts("enabled_events")?)?;
    Ok(NewEndpoint {
        url: required("url", parameters.text("url")?)?.to_owned(),
        events: events.into_iter().map(str::to_owned).collect(),
        api_version: version.map(str::to_owned),
        terms: Some(Box::new(terms_of(&parameters)?)),
    })
}

async fn update(asked: Asked) -> Response {
    let endpoint = number(&asked);
    let call = change_of(&asked).map(|change| WebhookCall::Update { endpoint, change });
    answer(&asked, Some(about(&asked)), call).await
}

fn change_of(asked: &Asked) -> Result<EndpointChange, ErrorObject> {
    let parameters = asked.parameters();
    let known = ["url", "enabled_events", "disabled", "description", "metadata", "expand"];
    parameters.known_only(&known)?;
    Expand::of("webhook_endpoint", &parameters)?;
    let events = parameters.texts("enabled_events")?;
    let disabled = parameters.boolean("disabled")?;
    Ok(EndpointChange {
        url: parameters.text("url")?.map(str::to_owned),
        events: events.map(|events| events.into_iter().map(str::to_owned).collect()),
        switch: disabled.map(|disabled| if disabled { Switch::Disabled } else { Switch::Enabled }),
        terms: Some(Box::new(terms_of(&parameters)?)),
    })
}

async fn retrieve(asked: Asked) -> Response {
    let endpoint = number(&asked);
    let call = nothing_but_expand(&asked).map(|()| WebhookCall::Retrieve { endpoint });
    answer(&asked, Some(about(&asked)), call).await
}

async fn delete(asked: Asked) -> Response {
    let endpoint = number(&asked);
    let call = nothing_but_expand(&asked).map(|()| WebhookCall::Delete { endpoint });
    answer(&asked, Some(about(&asked)), call).await
}

fn nothing_but_expand(asked: &Asked) -> Result<(), ErrorObject> {
    let parameters = asked.parameters();
    parameters.known_only(&["expand"])?;
    Expand::of("webhook_endpoint", &parameters)?;
    Ok(())
}

async fn list_all(asked: Asked) -> Response {
    let parameters = asked.parameters();
    let read = || {
        parameters.known_only(&page::PARAMETERS)?;
        Expand::of_list("webhook_endpoint", &parameters)?;
        let number_of = |name: &str| {
            let has = |number: &u64| {
                let account = asked.account();
                asked.shared().with_webhooks(|webhooks| webhooks.knows(account, *number))
            };
            number_in("we_", name).filter(has)
        };
        page::page_of(&parameters, "webhook endpoint", number_of)
    };
    let call = read().map(WebhookCall::List);
    answer(&asked, None, call).await
}

fn number(asked: &Asked) -> u64 {
    number_in("we_", asked.name(0)).unwrap_or(0)
}

fn about(asked: &Asked) -> About<'_> {
    let (kind, word) = (Kind::Endpoint, "webhook endpoint");
    About { kind, word, param: "webhook_endpoint", name: asked.name(0) }
}

async fn answer(
    asked: &Asked,
    about: Option<About<'_>>,
    call: Result<WebhookCall, ErrorObject>,
) -> Response {
    let call = call.map(|call| Call::Webhook(Box::new(call)));
    let show = |view: &View<'_>, reply: &Reply| errand::shown(view, &Expand::default(), URL, reply);
    asked.answer(about, call, show).await
}

/// The object `webhook_endpoint`.
pub(super) fn show(endpoint: &Endpoint, secret: Secret) -> Value {
    let metadata = endpoint.terms.metadata.iter();
    let metadata = metadata.map(|(key, value)| (key.clone(), Value::from(value.as_str())));
    let mut object = json!({
        "id": name_of(endpoint.number),
        "object": "webhook_endpoint",
        "api_version": endpoint.api_version,
        "application": null,
        "created": seconds(endpoint.created_utc_ns),
        "description": endpoint.terms.fields.get("description"),
        "enabled_events": endpoint.events,
        "livemode": endpoint.account.as_deref().is_some_and(is_live),
        "metadata": metadata.collect::<serde_json::Map<_, _>>(),
        "status": match endpoint.switch {
            Switch::Enabled => "enabled",
            Switch::Disabled => "disabled",
        },
        "url": endpoint.url,
    });
    if secret == Secret::Told {
        object["secret"] = Value::from(&*endpoint.secret);
    }
    object
}
