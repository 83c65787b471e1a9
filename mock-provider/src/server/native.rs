//! The provider's own JSON API, and its administration.
//!
//! Every request is either one [`PaymentRequest`] for the rules, or wrong: then its answer says
//! what is wrong, nothing happens and no ledger line is written.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::id::AuthorizationId;
use domain::money::Amount;
use domain::provider::{Call, PaymentReply, PaymentRequest};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::decode::{self, AuthorizeBody, BODY_BYTES_MAX, CaptureBody, DecodeError, VoidBody};
use super::limits;
use super::shared::{LedgerFullError, Shared};
use crate::rules::{self, Face, Intent, Refusal, Reply, Request, Status};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The calls of merchants.
pub(super) fn payments(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/authorizations", post(authorize))
        .route("/v1/authorizations/{id}", get(look_up))
        .route("/v1/authorizations/{id}/capture", post(capture))
        .route("/v1/authorizations/{id}/void", post(void))
        .route("/v1/authorizations/{id}/refund", post(refund))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .fallback(async || Fault::not_found("no such path; try POST /v1/authorizations"))
        .with_state(shared)
}

/// What the owner of the mock may see: nothing here is limited, delayed or written down.
pub(super) fn administration(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/admin/ledger", get(ledger))
        .route("/admin/status", get(status))
        .with_state(shared)
}

async fn authorize(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Fault> {
    let AuthorizeBody { amount, card, reference } = read(body)?;
    let call = Call::Authorize { amount, card };
    answer(&shared, &request(&headers, &reference, call)?).await
}

async fn capture(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Fault> {
    let CaptureBody { amount, reference } = read(body)?;
    let call = Call::Capture { authorization: authorization(&id)?, amount };
    answer(&shared, &request(&headers, &reference, call)?).await
}

async fn void(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Fault> {
    let VoidBody { reference } = read(body)?;
    let call = Call::Void { authorization: authorization(&id)? };
    answer(&shared, &request(&headers, &reference, call)?).await
}

async fn refund(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Fault> {
    let CaptureBody { amount, reference } = read(body)?;
    let call = Call::Refund { authorization: authorization(&id)?, amount };
    answer(&shared, &request(&headers, &reference, call)?).await
}

/// A look needs no key: it takes no effect.
async fn look_up(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let account = account(&headers)?;
    let missing = |_| Fault::not_found(&format!("the account has no authorization `{id}`"));
    let intent = id.parse().map_err(missing)?;
    let request = Request {
        face: Face::Native,
        account: &account,
        key: None,
        fingerprint: 0,
        reference: "",
        intent: "",
        call: rules::Call::Retrieve { intent },
    };
    answer_as(&shared, &request, |reply| match reply {
        Reply::Intent(intent) => in_json(StatusCode::OK, &whole(intent)),
        Reply::Refused(_) => {
            Fault::not_found(&format!("the account has no authorization `{id}`")).into_response()
        }
        other => in_http(&other.plain(), None),
    })
    .await
}

/// An authorization as a look sees it.
fn whole(intent: &Intent) -> Value {
    let status = match (intent.status, intent.refunded) {
        (Status::RequiresCapture | Status::Processing, _) => "authorized",
        (Status::Succeeded, Amount::ZERO) => "captured",
        (Status::Succeeded, _) => "refunded",
        (Status::Canceled, _) => "voided",
        (Status::RequiresAction, _) => "requires_action",
        (Status::RequiresPaymentMethod | Status::RequiresConfirmation, _) => "declined",
    };
    json!({
        "id": intent.name(), "status": status, "amount": intent.amount,
        "captured": intent.received, "refunded": intent.refunded, "reference": intent.reference,
    })
}

async fn ledger(State(shared): State<Arc<Shared>>) -> Response {
    let lines = shared.ledger().concat();
    ([(CONTENT_TYPE, "application/x-ndjson")], lines).into_response()
}

async fn status(State(shared): State<Arc<Shared>>) -> Response {
    let rules::Counts { calls, refused, pending, open, payments, keys } = shared.counts();
    let body = json!({
        "calls": calls, "refused": refused, "pending": pending,
        "open": open, "payments": payments, "keys": keys,
    });
    in_json(StatusCode::OK, &body)
}

/// Lets the rules decide, waits as long as they say, and answers; or never does, and then the
/// connection stays open until the caller closes it.
async fn answer(shared: &Shared, request: &PaymentRequest) -> Result<Response, Fault> {
    let about = match &request.call {
        Call::Authorize { .. } => None,
        Call::Capture { authorization, .. }
        | Call::Void { authorization }
        | Call::Refund { authorization, .. }
        | Call::Retrieve { authorization } => Some(authorization.to_string()),
    };
    answer_as(shared, &Request::from(request), |reply| {
        let reply = reply.plain();
        let made = match &reply {
            PaymentReply::Authorized { authorization }
            | PaymentReply::Challenged { authorization } => Some(authorization.to_string()),
            _ => None,
        };
        in_http(&reply, made.or(about).as_deref())
    })
    .await
}

async fn answer_as(
    shared: &Shared,
    request: &Request<'_>,
    say: impl FnOnce(&Reply) -> Response,
) -> Result<Response, Fault> {
    let decision = shared.decide(request)?;
    if !decision.delay.is_zero() {
        tokio::time::sleep(decision.delay).await;
    }
    if decision.is_lost() {
        return std::future::pending().await;
    }
    let mut response = match &decision.reply {
        Reply::Limited(refusal) => limited(refusal),
        reply => say(reply),
    };
    limits::add_headers(&mut response, &decision.headers);
    if decision.replayed {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// A refusal of a limiter, in the words of its settings.
fn limited(refusal: &Refusal) -> Response {
    let mut response = limits::refused(refusal);
    if let Some(wait) = refusal.retry_after {
        response.headers_mut().insert(RETRY_AFTER, wait.as_secs().into());
    }
    response
}

/// The answer of the rules as the API says it; `payment` is the authorization it is about.
fn in_http(reply: &PaymentReply, payment: Option<&str>) -> Response {
    let done = |status: &str| in_json(StatusCode::OK, &json!({ "id": payment, "status": status }));
    match reply {
        PaymentReply::Authorized { .. } => done("authorized"),
        PaymentReply::Captured => done("captured"),
        PaymentReply::Voided => done("voided"),
        PaymentReply::Refunded => done("refunded"),
        PaymentReply::Challenged { .. } => done("requires_action"),
        PaymentReply::Declined { code } => error(StatusCode::PAYMENT_REQUIRED, code),
        PaymentReply::RateLimited { .. } => error(StatusCode::TOO_MANY_REQUESTS, "rate_limit"),
        PaymentReply::InFlight => error(StatusCode::CONFLICT, "idempotency_key_in_use"),
        PaymentReply::Refused { code } => error(StatusCode::BAD_REQUEST, code),
        PaymentReply::Failed => error(StatusCode::INTERNAL_SERVER_ERROR, "api_error"),
    }
}

fn error(status: StatusCode, code: &str) -> Response {
    in_json(status, &json!({ "error": { "code": code } }))
}

fn in_json(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// A request that is not understood.
struct Fault {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Fault {
    fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    fn not_found(message: &str) -> Self {
        let message = message.to_owned();
        Self { status: StatusCode::NOT_FOUND, code: "resource_missing", message }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        in_json(self.status, &body)
    }
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self::bad(error.code(), error.to_string())
    }
}

impl From<LedgerFullError> for Fault {
    fn from(full: LedgerFullError) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self { status, code: "ledger_full", message: full.to_string() }
    }
}

fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Fault> {
    let body = body.map_err(|rejection| Fault {
        status: rejection.status(),
        code: "body_unreadable",
        message: format!("{}; at most {BODY_BYTES_MAX} bytes", rejection.body_text()),
    })?;
    Ok(decode::body(&body)?)
}

fn request(headers: &HeaderMap, reference: &str, call: Call) -> Result<PaymentRequest, Fault> {
    let reference = named("reference", Some(reference))?;
    let account = account(headers)?;
    let key = named("header Idempotency-Key", text(headers, &IDEMPOTENCY_KEY))?;
    Ok(PaymentRequest { account, reference, key, call })
}

/// The merchant account, which is the whole credential: this is a mock.
fn account(headers: &HeaderMap) -> Result<String, Fault> {
    let bearer = text(headers, &AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    named("header Authorization: Bearer <account>", bearer).map_err(|fault| Fault {
        status: StatusCode::UNAUTHORIZED,
        code: "unauthorized",
        ..fault
    })
}

fn text<'headers>(headers: &'headers HeaderMap, name: &HeaderName) -> Option<&'headers str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn named(what: &str, name: Option<&str>) -> Result<String, Fault> {
    Ok(decode::name(what, name)?)
}

fn authorization(id: &str) -> Result<AuthorizationId, Fault> {
    let missing = |_| Fault::bad("resource_missing", format!("no authorization is named `{id}`"));
    id.parse().map(AuthorizationId).map_err(missing)
}
