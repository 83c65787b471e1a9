//! The provider's own JSON API.
//!
//! Every request is either one [`PaymentRequest`] for the rules, or wrong: then its answer says
//! what is wrong, nothing happens and no ledger line is written.

use std::mem::take;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{
    ConnectInfo, FromRequest, FromRequestParts, Path, Request as HttpRequest, State,
};
use axum::http::header::{AUTHORIZATION, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::id::AuthorizationId;
use domain::money::Amount;
use domain::provider::{Call, PaymentReply};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{deliver, in_json, refused};
use super::connection::Connection;
use super::decode::{
    self, AuthorizeBody, BODY_BYTES_MAX, CaptureBody, DecodeError, TokenBody, VoidBody,
};
use super::ledger::LedgerError;
use super::shared::{Called, Shared};
use crate::rules::{self, Decision, Face, Intent, Refusal, Reply, Request, Status};

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
        .route("/v1/card-tokens", post(tokenize))
        .with_state(shared)
}

async fn authorize(State(shared): State<Arc<Shared>>, order: Order) -> Result<Response, Fault> {
    let AuthorizeBody { amount, card, reference } = order.read()?;
    let call = Call::Authorize { amount, card };
    answer(&shared, &order, &reference, call).await
}

async fn capture(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    order: Order,
) -> Result<Response, Fault> {
    let CaptureBody { amount, reference } = order.read()?;
    let call = Call::Capture { authorization: authorization(&id)?, amount };
    answer(&shared, &order, &reference, call).await
}

async fn void(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    order: Order,
) -> Result<Response, Fault> {
    let VoidBody { reference } = order.read()?;
    let call = Call::Void { authorization: authorization(&id)? };
    answer(&shared, &order, &reference, call).await
}

async fn refund(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    order: Order,
) -> Result<Response, Fault> {
    let CaptureBody { amount, reference } = order.read()?;
    let call = Call::Refund { authorization: authorization(&id)?, amount };
    answer(&shared, &order, &reference, call).await
}

/// A token of a customer's card, which browsers ask for.
async fn tokenize(State(shared): State<Arc<Shared>>, order: Order) -> Result<Response, Fault> {
    let TokenBody { card, reference } = order.read()?;
    answer(&shared, &order, &reference, Call::Tokenize { card }).await
}

/// A look needs no key: it takes no effect.
async fn look_up(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    merchant: Merchant,
) -> Result<Response, Fault> {
    let missing = || Fault::not_found(&format!("the account has no authorization `{id}`"));
    let intent = id.parse().map_err(|_| missing())?;
    let request = Request {
        face: Face::Native,
        account: merchant.account()?,
        key: None,
        fingerprint: 0,
        reference: "",
        intent: "",
        call: rules::Call::Retrieve { intent },
    };
    let decision = shared.decide(&request)?;
    let say = |decision: &Decision| match &decision.reply {
        Reply::Intent(intent) => in_json(StatusCode::OK, whole(intent).to_string()),
        Reply::Refused(_) => missing().into_response(),
        Reply::Limited(refusal) => limited(refusal),
        other => in_http(&other.plain(), ""),
    };
    Ok(deliver(&shared, &merchant.connection, decision, say).await?)
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

/// Lets the rules decide, and answers as they say.
async fn answer(
    shared: &Shared,
    order: &Order,
    reference: &str,
    call: Call,
) -> Result<Response, Fault> {
    let merchant = &order.merchant;
    let about = match &call {
        Call::Authorize { .. } | Call::Tokenize { .. } => None,
        Call::Capture { authorization, .. }
        | Call::Void { authorization }
        | Call::Refund { authorization, .. }
        | Call::Retrieve { authorization } => Some(*authorization),
    };
    let called = decide(shared, merchant, reference, &call)?;
    let say = |decision: &Decision| say(decision, about);
    Ok(deliver(shared, &merchant.connection, called, say).await?)
}

fn decide<'shared>(
    shared: &'shared Shared,
    merchant: &Merchant,
    reference: &str,
    call: &Call,
) -> Result<Called<'shared>, Fault> {
    let reference = decode::name("reference", Some(reference))?;
    let key = decode::name("header Idempotency-Key", merchant.key())?;
    let request = Request::shared(merchant.account()?, key, reference, call);
    Ok(shared.decide(&request)?)
}

/// The answer to a call that is `about` an authorization, or makes one.
fn say(decision: &Decision, about: Option<AuthorizationId>) -> Response {
    if let Reply::Limited(refusal) = &decision.reply {
        return limited(refusal);
    }
    let reply = decision.reply.plain();
    let made = match &reply {
        PaymentReply::Authorized { authorization } | PaymentReply::Challenged { authorization } => {
            Some(*authorization)
        }
        _ => None,
    };
    let about = made.or(about).map(|id| id.to_string()).unwrap_or_default();
    let mut response = in_http(&reply, &about);
    if decision.is_replay() {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// A refusal of a limiter, in the words of its settings.
fn limited(refusal: &Refusal) -> Response {
    let mut response = refused(refusal);
    if let Some(wait) = refusal.retry_after {
        response.headers_mut().insert(RETRY_AFTER, wait.as_secs().into());
    }
    response
}

/// The answer of the rules as the API says it; `payment` is the authorization it is about. Its
/// words need no escapes: they are digits, and codes of this provider.
fn in_http(reply: &PaymentReply, payment: &str) -> Response {
    let done = |status: &str| {
        in_json(StatusCode::OK, format!(r#"{{"id":"{payment}","status":"{status}"}}"#))
    };
    match reply {
        PaymentReply::Authorized { .. } => done("authorized"),
        PaymentReply::Captured => done("captured"),
        PaymentReply::Voided => done("voided"),
        PaymentReply::Refunded => done("refunded"),
        PaymentReply::Tokenized => done("tokenized"),
        PaymentReply::Challenged { .. } => done("requires_action"),
        PaymentReply::Declined { code } => error(StatusCode::PAYMENT_REQUIRED, code),
        PaymentReply::RateLimited { .. } => error(StatusCode::TOO_MANY_REQUESTS, "rate_limit"),
        PaymentReply::InFlight => error(StatusCode::CONFLICT, "idempotency_key_in_use"),
        PaymentReply::Refused { code } => error(StatusCode::BAD_REQUEST, code),
        PaymentReply::Failed => error(StatusCode::INTERNAL_SERVER_ERROR, "api_error"),
    }
}

fn error(status: StatusCode, code: &str) -> Response {
    in_json(status, format!(r#"{{"error":{{"code":"{code}"}}}}"#))
}

/// Who calls: the account is the whole credential, since this is a mock.
struct Merchant {
    headers: HeaderMap,
    connection: Connection,
}

impl Merchant {
    fn of(headers: HeaderMap, extensions: &Extensions) -> Result<Self, Fault> {
        let connection = extensions.get::<ConnectInfo<Connection>>();
        let connection = connection.map(|info| info.0.clone()).unwrap_or_default();
        let merchant = Self { headers, connection };
        merchant.account()?;
        Ok(merchant)
    }

    fn text(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn account(&self) -> Result<&str, Fault> {
        let bearer = self.text(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let account = decode::name("header Authorization: Bearer <account>", bearer);
        account.map_err(|error| Fault {
            status: StatusCode::UNAUTHORIZED,
            code: "unauthorized",
            message: error.to_string(),
        })
    }

    fn key(&self) -> Option<&str> {
        self.text(IDEMPOTENCY_KEY)
    }
}

impl<S: Sync> FromRequestParts<S> for Merchant {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        Self::of(take(&mut parts.headers), &parts.extensions)
    }
}

/// A call that moves money: who calls, and what is asked.
struct Order {
    merchant: Merchant,
    body: Bytes,
}

impl<S: Sync> FromRequest<S> for Order {
    type Rejection = Fault;

    /// Reads the body by hand: the limit of axum would be one more layer around every call. The
    /// future holds no request, and so is small enough for the quick course of the allocator.
    fn from_request(
        request: HttpRequest,
        _: &S,
    ) -> impl Future<Output = Result<Self, Fault>> + Send {
        let (Parts { headers, extensions, .. }, body) = request.into_parts();
        let merchant = Merchant::of(headers, &extensions);
        async {
            // A body that is left unread would break the connection under the answer.
            let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
            let merchant = merchant?;
            match body {
                Ok(body) => Ok(Self { merchant, body: body.to_bytes() }),
                Err(error) => Err(unreadable(&*error)),
            }
        }
    }
}

fn unreadable(error: &(dyn std::error::Error + 'static)) -> Fault {
    let too_long = error.is::<LengthLimitError>();
    let status = if too_long { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
    let message =
        format!("Failed to buffer the request body: {error}; at most {BODY_BYTES_MAX} bytes");
    Fault { status, code: "body_unreadable", message }
}

impl Order {
    fn read<'order, T: Deserialize<'order>>(&'order self) -> Result<T, Fault> {
        Ok(decode::body(&self.body)?)
    }
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
        in_json(self.status, body.to_string())
    }
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self::bad(error.code(), error.to_string())
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self { status, code: error.code(), message: error.to_string() }
    }
}

fn authorization(id: &str) -> Result<AuthorizationId, Fault> {
    let missing = |_| Fault::bad("resource_missing", format!("no authorization is named `{id}`"));
    id.parse().map(AuthorizationId).map_err(missing)
}
