//! `/v1/events` (docs.stripe.com/api/events): what happened, as a merchant is told who listens or
//! asks.

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::asked::{About, Asked};
use super::caller::is_live;
use super::envelope::VERSION;
use super::errand;
use super::error::ErrorObject;
use super::expand::Expand;
use super::name::{self, named, number_in};
use super::page;
use super::render::{self, View, seconds};
use crate::rules::directory::Kind;
use crate::rules::event::{self, Delivered, Event, ListEvents};
use crate::rules::webhook::{Delivery, WebhookCall};
use crate::rules::{Call, Reply};
use crate::server::shared::Shared;

const URL: &str = "/v1/events";

/// The parameters of the list beside those of every list.
const PARAMETERS: [&str; 3] = ["delivery_success", "type", "types"];

/// How many kinds a list may be narrowed to (docs.stripe.com/api/events/list).
const KINDS_MAX: usize = 20;

/// The calls about events.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route(URL, get(list_all)).route("/v1/events/{event}", get(retrieve))
}

/// The name of the event of that number.
pub(in crate::server) fn name_of(number: u64) -> String {
    named("evt_", number)
}

async fn retrieve(asked: Asked) -> Response {
    let name = asked.name(0);
    let about = About { kind: Kind::Event, word: "event", param: "id", name };
    let event = number_in("evt_", name).unwrap_or(0);
    let call = asked.parameters().known_only(&["expand"]);
    let call = call.map_err(ErrorObject::from);
    let call = call.map(|()| webhook(WebhookCall::RetrieveEvent { event }));
    asked.answer(Some(about), call, shown).await
}

async fn list_all(asked: Asked) -> Response {
    let call = wanted(&asked).map(|wanted| webhook(WebhookCall::ListEvents(wanted)));
    asked.answer(None, call, shown).await
}

fn shown(view: &View<'_>, reply: &Reply) -> Result<Value, ErrorObject> {
    errand::shown(view, &Expand::default(), URL, reply)
}

fn wanted(asked: &Asked) -> Result<ListEvents, ErrorObject> {
    let parameters = asked.parameters();
    parameters.known_only(&[&page::PARAMETERS[..], &PARAMETERS].concat())?;
    Expand::of_list("event", &parameters)?;
    let number_of = |name: &str| {
        number_in("evt_", name).filter(|number| asked.shared().has_event(asked.account(), *number))
    };
    let page = page::page_of(&parameters, "event", number_of)?;
    let kind = parameters.text("type")?;
    let kinds = parameters.texts("types")?.unwrap_or_default();
    if kind.is_some() && !kinds.is_empty() {
        let message = "You may only specify one of these parameters: type, types.";
        return Err(ErrorObject::invalid(message).param("types"));
    }
    if kinds.len() > KINDS_MAX {
        let message = format!("Invalid array: must contain no more than {KINDS_MAX} elements.");
        return Err(ErrorObject::invalid(message).param("types"));
    }
    let kinds = kinds.into_iter().chain(kind).map(str::to_owned).collect();
    let delivered = parameters.boolean("delivery_success")?;
    let delivered = delivered.map(|all| if all { Delivered::ToAll } else { Delivered::NotToAll });
    Ok(ListEvents { page, kinds, delivered })
}

fn webhook(call: WebhookCall) -> Call {
    Call::Webhook(Box::new(call))
}

/// The body of a message to a merchant.
pub(in crate::server) fn body(shared: &Shared, message: &Delivery) -> String {
    let Delivery { event, endpoint, left, .. } = message;
    let (seed, began_utc_ns) = (shared.seed(), shared.began_utc_ns());
    let view = View { seed, began_utc_ns, companions: &[] };
    show(&view, event, *left, endpoint.api_version.as_deref()).to_string()
}

/// The object `event`, for an endpoint that asked for a version of the API or for nobody special;
/// `left` endpoints have not taken it yet.
pub(super) fn show(view: &View<'_>, event: &Event, left: u32, version: Option<&str>) -> Value {
    // The cards and customers as they stood then.
    let view = View { companions: &event.companions, ..*view };
    let object = object(&view, &event.about);
    let mut data = Map::new();
    if let Some(before) = &event.before {
        let before = self::object(&view, before);
        data.insert("previous_attributes".to_owned(), changed(&before, &object));
    }
    data.insert("object".to_owned(), object);
    json!({
        "id": name_of(event.number),
        "object": "event",
        "api_version": version.unwrap_or(VERSION),
        "created": seconds(event.utc_ns),
        "data": data,
        "livemode": is_live(&event.account),
        "pending_webhooks": left,
        "request": {
            "id": event.call.map(|call| name::request(view.seed, call)),
            "idempotency_key": event.key,
        },
        "type": event.kind,
    })
}

/// What the event is about.
fn object(view: &View<'_>, about: &event::About) -> Value {
    let names = Expand::default();
    match about {
        event::About::Intent(intent) => render::intent(view, &names, intent),
        event::About::Refund(refund, intent) => render::refund(view, &names, refund, intent),
        event::About::Charge(intent) => {
            render::charge(view, &names, intent, intent.charges).unwrap_or(Value::Null)
        }
        event::About::Object(object) => errand::show(view, &names, object),
    }
}

/// What stood in `before` where `after` has something else: in tables entry by entry, everything
/// else whole.
fn changed(before: &Value, after: &Value) -> Value {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return before.clone();
    };
    let differs = |name: &&String| before.get(*name) != after.get(*name);
    let fresh = after.keys().filter(|name| !before.contains_key(*name));
    let names = before.keys().chain(fresh).filter(differs);
    let entry = |name: &String| {
        let (was, is) = (before.get(name), after.get(name));
        let both = was.zip(is).filter(|(was, is)| was.is_object() && is.is_object());
        let was = match both {
            Some((was, is)) => changed(was, is),
            None => was.cloned().unwrap_or(Value::Null),
        };
        (name.clone(), was)
    };
    Value::Object(names.map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_as_it_was() {
        let before = json!({ "a": 1, "b": [1], "name": null, "metadata": { "x": "1", "y": "2" } });
        let after = json!({
            "a": 1, "b": [2], "name": "n", "metadata": { "x": "1", "y": "3", "z": "4" },
        });
        let expected = json!({ "b": [1], "name": null, "metadata": { "y": "2", "z": null } });
        assert_eq!(changed(&before, &after), expected);
        assert_eq!(changed(&after, &after), json!({}));
    }
}
