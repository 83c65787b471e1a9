//! The provider's own JSON API.
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
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::ledger::LedgerError;
use super::shared::Shared;
use crate::rules;

/// How long a body may be: the longest sensible one has a hundredth of it.
const BODY_BYTES_MAX: usize = 16 << 10;

/// How long an idempotency key, a reference and an account may be: 255 characters, as Stripe has
/// it for keys.
const NAME_BYTES_MAX: usize = 255;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The calls of merchants.
pub(super) fn payments(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/authorizations", post(authorize))
        .route("/v1/authorizations/{id}", get(look_up))
        .route("/v1/authorizations/{id}/capture", post(capture))
        .route("/v1/authorizations/{id}/void", post(void))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .fallback(async || Fault::not_found("no such path; try POST /v1/authorizations"))
        .with_state(shared)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorizeBody {
    amount: Amount,
    #[serde(default)]
    card: u32,
    reference: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaptureBody {
    amount: Amount,
    reference: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VoidBody {
    reference: String,
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

/// Reads are free: no limiter counts them.
async fn look_up(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let account = account(&headers)?;
    let missing = || Fault::not_found(&format!("the account has no authorization `{id}`"));
    let number = id.parse().map_err(|_| missing())?;
    let known = shared.authorization(AuthorizationId(number))?.filter(|it| it.account == account);
    let known = known.ok_or_else(missing)?;
    let (status, captured) = match known.state {
        rules::State::Open => ("authorized", Amount::ZERO),
        rules::State::Captured(amount) => ("captured", amount),
        rules::State::Voided => ("voided", Amount::ZERO),
    };
    let body = json!({
        "id": id, "status": status, "amount": known.amount, "captured": captured,
        "reference": known.reference,
    });
    Ok(in_json(StatusCode::OK, &body))
}

/// Answers when the rules say so; a call that hangs keeps its connection until the caller goes.
async fn answer(shared: &Shared, request: &PaymentRequest) -> Result<Response, Fault> {
    let decision = shared.answer(request).await?;
    let reply = decision.reply.expect("a call that hangs is never answered");
    let mut response = in_http(&reply, decision.line.payment.as_deref());
    if decision.line.replayed {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
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
        PaymentReply::RateLimited { retry_after } => {
            let mut response = error(StatusCode::TOO_MANY_REQUESTS, "rate_limit");
            if let Some(wait) = retry_after {
                response.headers_mut().insert(RETRY_AFTER, wait.as_secs().into());
            }
            response
        }
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

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self { status, code: error.code(), message: error.to_string() }
    }
}

fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Fault> {
    let body = body.map_err(|rejection| Fault {
        status: rejection.status(),
        code: "body_unreadable",
        message: format!("{}; at most {BODY_BYTES_MAX} bytes", rejection.body_text()),
    })?;
    serde_json::from_slice(&body)
        .map_err(|error| Fault::bad("parameter_invalid", format!("body: {error}")))
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
    match name.map(str::trim).unwrap_or_default() {
        "" => Err(Fault::bad("parameter_missing", format!("{what}: missing or empty"))),
        name if name.len() > NAME_BYTES_MAX => {
            let message = format!("{what}: {} bytes, at most {NAME_BYTES_MAX}", name.len());
            Err(Fault::bad("parameter_invalid", message))
        }
        name => Ok(name.to_owned()),
    }
}

fn authorization(id: &str) -> Result<AuthorizationId, Fault> {
    let missing = |_| Fault::bad("resource_missing", format!("no authorization is named `{id}`"));
    id.parse().map(AuthorizationId).map_err(missing)
}
