//! The face that speaks as Stripe does: form-encoded bodies in, documented objects and errors out.
//!
//! Each part of the API reads its parameters into one call for the rules, and shows what they
//! reply; all else (keys, errors, headers, waiting) is in `asked`, once. What is wrong with the
//! parameters of a call is limited as any call, since Stripe's limiters come first, but never
//! written down or kept; what has no sound key, path or body is not even limited.

mod asked;
mod caller;
pub(super) mod challenge;
mod charges;
mod customers;
mod decline;
mod endpoints;
mod envelope;
mod errand;
mod error;
mod events;
mod expand;
pub mod form;
mod intents;
mod methods;
mod money;
mod name;
mod page;
mod refunds;
mod refusal;
mod render;
mod setups;
mod terms;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;

pub(super) use endpoints::name_of as endpoint_name;
pub(super) use events::{body as event_body, name_of as event_name};

use super::shared::Shared;
use envelope::Envelope;
use error::ErrorObject;

/// The calls of merchants, and the page where a cardholder is asked.
pub(super) fn face(shared: Arc<Shared>) -> Router {
    Router::new()
        .merge(intents::routes())
        .merge(charges::routes())
        .merge(refunds::routes())
        .merge(methods::routes())
        .merge(customers::routes())
        .merge(setups::routes())
        .merge(tokens::routes())
        .merge(challenge::routes())
        .merge(events::routes())
        .merge(endpoints::routes())
        // Not there, and no names of objects.
        .route("/v1/payment_intents/search", get(unknown))
        .route("/v1/charges/search", get(unknown))
        .route("/v1/customers/search", get(unknown))
        .layer(DefaultBodyLimit::max(form::BODY_BYTES_MAX))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .with_state(shared)
}

/// A path, or a method of a path, that there is not. The body is read, so that the connection can
/// be used again.
async fn unknown(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    _body: Result<Bytes, BytesRejection>,
) -> Response {
    let path: String = uri.path().chars().take(255).collect();
    let message = format!(
        "Unrecognized request URL ({method}: {path}); try POST /v1/payment_intents, or \
         POST /v1/authorizations of the native API."
    );
    let error = ErrorObject::invalid(message).status(StatusCode::NOT_FOUND);
    Envelope::of(&method, &headers).stray(&shared, error)
}
