//! What stands around every answer: its headers.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::error::ErrorObject;
use super::name;
use crate::rules::{Decision, Reply};
use crate::server::shared::Shared;

/// The version of the API whose objects these are; said when a caller names none.
pub(super) const VERSION: &str = "2026-10-28.endive";

pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const ORIGINAL_REQUEST: HeaderName = HeaderName::from_static("original-request");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");

/// What of a request's headers comes back with the answer.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    key: Option<HeaderValue>,
    version: HeaderValue,
}

impl Envelope {
    /// The envelope of the answer to a request.
    pub(super) fn of(method: &Method, headers: &HeaderMap) -> Self {
        let key = headers.get(IDEMPOTENCY_KEY).filter(|_| method == Method::POST).cloned();
        let version = headers.get(STRIPE_VERSION).cloned();
        Self { key, version: version.unwrap_or(HeaderValue::from_static(VERSION)) }
    }

    /// The answer to a request that never became a call.
    pub(super) fn stray(&self, shared: &Shared, error: ErrorObject) -> Response {
        let request = name::stray(shared.seed(), shared.stray());
        self.error(error, &request, &request)
    }

    /// The answer to a call.
    pub(super) fn seal(
        &self,
        seed: u64,
        decision: &Decision,
        said: Result<Value, ErrorObject>,
    ) -> Response {
        let request = name::request(seed, decision.call);
        let Some(first) = decision.repeats else { return self.either(said, &request, &request) };
        // A repetition has the body of the first answer, to the byte, but an id of its own.
        let original = name::request(seed, first);
        let mut response = self.either(said, &request, &original);
        let headers = response.headers_mut();
        headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        headers.insert(ORIGINAL_REQUEST, visible(original));
        if let Reply::Failed = decision.reply {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        response
    }

    fn either(&self, said: Result<Value, ErrorObject>, request: &str, original: &str) -> Response {
        match said {
            Ok(body) => self.wrap(StatusCode::OK, body.to_string(), request),
            Err(error) => self.error(error, request, original),
        }
    }

    fn error(&self, error: ErrorObject, request: &str, original: &str) -> Response {
        let (status, should_retry) = (error.status, error.should_retry);
        let retry_after = error.retry_after;
        let mut response = self.wrap(status, error.body(original), request);
        let headers = response.headers_mut();
        if let Some(should_retry) = should_retry {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static(should_retry));
        }
        if let Some(wait) = retry_after {
            headers.insert(RETRY_AFTER, wait.as_secs().into());
        }
        if status == StatusCode::UNAUTHORIZED {
            let realm = HeaderValue::from_static("Bearer realm=\"provider\"");
            headers.insert(WWW_AUTHENTICATE, realm);
        }
        response
    }

    fn wrap(&self, status: StatusCode, body: String, request: &str) -> Response {
        let kind = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let mut response = (status, kind, body).into_response();
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, visible(request.to_owned()));
        headers.insert(STRIPE_VERSION, self.version.clone());
        if let Some(key) = &self.key {
            headers.insert(IDEMPOTENCY_KEY, key.clone());
        }
        response
    }
}

fn visible(name: String) -> HeaderValue {
    HeaderValue::try_from(name).expect("names have letters and digits alone")
}
