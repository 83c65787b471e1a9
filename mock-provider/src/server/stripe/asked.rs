//! A merchant's request: who asks, under which key, with which parameters; and its way to an
//! answer.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use domain::provider::PaymentOperation;
use serde_json::Value;

use super::caller::{Caller, Rights};
use super::envelope::Envelope;
use super::error::ErrorObject;
use super::form::{BODY_BYTES_MAX, Form, Parameters};
use super::refusal;
use crate::rules::directory::Kind;
use crate::rules::{self, Call, Decision, Face, Fault, Reply};
use crate::server::answer::deliver;
use crate::server::connection::Connection;
use crate::server::ledger::LedgerError;
use crate::server::shared::Shared;

use super::render::View;

/// Where the purchase intent is looked for first: a header that a shop in a rehearsal adds.
const INTENT_HEADER: &str = "x-spike-intent";

/// How long a reference and a purchase intent may be: the rest is cut, since they stand on every
/// line of the ledger.
const NAME_CHARS_MAX: usize = 255;

/// A request by a secret key.
pub(super) struct Asked {
    shared: Arc<Shared>,
    connection: Connection,
    envelope: Envelope,
    caller: Caller,
    method: Method,
    path: String,
    names: Vec<String>,
    base: String,
    intent: Option<String>,
    key: Option<String>,
    form: Form,
}

/// A request by any key: a publishable one, which a browser knows, as well.
pub(super) struct AskedByAnyone(pub(super) Asked);

/// The object that the path names.
#[derive(Copy, Clone, Debug)]
pub(super) struct About<'name> {
    /// What it is.
    pub(super) kind: Kind,
    /// What it is called, such as `payment_intent`.
    pub(super) word: &'static str,
    /// The parameter that the path stands for, such as `intent`.
    pub(super) param: &'static str,
    /// Its name as it was sent.
    pub(super) name: &'name str,
}

impl About<'_> {
    /// The account has no such object (404).
    pub(super) fn missing(&self) -> ErrorObject {
        let error = ErrorObject::missing(self.word, self.name, self.param);
        error.status(StatusCode::NOT_FOUND)
    }
}

impl FromRequest<Arc<Shared>> for Asked {
    type Rejection = Response;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, Response> {
        let AskedByAnyone(asked) = AskedByAnyone::from_request(request, shared).await?;
        match asked.caller.rights {
            Rights::Secret => Ok(asked),
            Rights::Publishable => {
                let message = "This call cannot be made with a publishable key. Use a secret key.";
                Err(asked
                    .refuse(
                        ErrorObject::invalid(message)
                            .code("secret_key_required")
                            .status(StatusCode::UNAUTHORIZED),
                    )
                    .await)
            }
        }
    }
}

impl FromRequest<Arc<Shared>> for AskedByAnyone {
    type Rejection = Response;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let envelope = Envelope::of(&parts.method, &parts.headers);
        let stray = |error| envelope.stray(shared, error);
        let caller = Caller::of(parts.headers.get(AUTHORIZATION));
        let connection = parts.extensions.get::<ConnectInfo<Connection>>();
        let connection = connection.map(|info| info.0.clone()).unwrap_or_default();
        let names = names_in(&mut parts, shared).await;
        // Read first, whatever else is wrong: a connection whose request was not read to its end
        // is closed, and the caller's next request with it.
        let body = Bytes::from_request(Request::from_parts(parts.clone(), body), shared).await;
        let caller = caller.map_err(stray)?;
        let names = names.map_err(stray)?;
        let body = body
            .map_err(|rejection| stray(unreadable(rejection.status(), &rejection.body_text())))?;
        let form = form_of(&parts.method, &parts.headers, parts.uri.query(), &body);
        let form = form.map_err(stray)?;
        let key = key_of(&parts.method, &parts.headers, shared.key_chars_max()).map_err(stray)?;
        let base = format!("http://{}", text(&parts.headers, HOST.as_str()).unwrap_or_default());
        let intent = text(&parts.headers, INTENT_HEADER).filter(|text| !text.is_empty());
        let intent = intent.map(shortened);
        Ok(Self(Asked {
            shared: Arc::clone(shared),
            connection,
            caller,
            path: parts.uri.path().to_owned(),
            method: parts.method,
            names,
            base,
            intent,
            key,
            form,
            envelope,
        }))
    }
}

impl Asked {
    /// The parameters.
    pub(super) fn parameters(&self) -> Parameters<'_> {
        self.form.parameters()
    }

    /// The name in the path at that place, from 0: `/v1/customers/{0}/payment_methods/{1}`.
    pub(super) fn name(&self, place: usize) -> &str {
        self.names.get(place).map_or("", String::as_str)
    }

    /// The path that was asked for.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The merchant account.
    pub(super) fn account(&self) -> &str {
        &self.caller.account
    }

    /// Whether the key is one that a browser knows.
    pub(super) fn is_publishable(&self) -> bool {
        self.caller.rights == Rights::Publishable
    }

    /// The running provider.
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Where the provider was asked: `http://127.0.0.1:12111`.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The same request in the name of that account.
    pub(super) fn on_behalf_of(mut self, account: &str) -> Self {
        self.caller.account = account.into();
        self
    }

    /// An error in the words of the call: limiters count it as any call, but nothing happens, and
    /// nothing is kept under the key.
    pub(super) async fn refuse(&self, error: ErrorObject) -> Response {
        self.answer(None, Err(error), |_, _| unreachable!("nothing is done")).await
    }

    /// Lets the rules decide about the call, and answers: what went well as `show` shows it, and
    /// everything else as the documented error. `about` is the object that the path names.
    pub(super) async fn answer(
        &self,
        about: Option<About<'_>>,
        call: Result<Call, ErrorObject>,
        show: impl FnOnce(&View<'_>, &Reply) -> Result<Value, ErrorObject>,
    ) -> Response {
        let (call, wrong) = match call {
            Ok(call) => (call, None),
            Err(error) => (Call::Garbled { operation: self.operation() }, Some(error)),
        };
        let reference = self.reference();
        let request = rules::Request {
            face: Face::Stripe,
            account: &self.caller.account,
            key: self.key.as_deref(),
            fingerprint: self.fingerprint(),
            reference: &reference,
            intent: &self.purchase(),
            call,
        };
        let called = match self.shared.decide(&request) {
            Ok(called) => called,
            Err(error) => return self.cannot(error),
        };
        let say = |decision: &Decision| match (&decision.reply, wrong) {
            (Reply::Refused(Fault::Garbled), Some(error)) => {
                self.envelope.seal(self.shared.seed(), decision, Err(error))
            }
            _ => self.say(decision, about, show),
        };
        match deliver(&self.shared, &self.connection, called, say).await {
            Ok(response) => response,
            Err(error) => self.cannot(error),
        }
    }

    /// What cannot be written down does not happen.
    fn cannot(&self, error: LedgerError) -> Response {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let object = ErrorObject::invalid(error.to_string()).status(status);
        self.envelope.stray(&self.shared, object.kind("api_error"))
    }

    fn say(
        &self,
        decision: &Decision,
        about: Option<About<'_>>,
        show: impl FnOnce(&View<'_>, &Reply) -> Result<Value, ErrorObject>,
    ) -> Response {
        let view = View {
            seed: self.shared.seed(),
            began_utc_ns: self.shared.began_utc_ns(),
            companions: &decision.companions,
        };
        let said = match &decision.reply {
            Reply::Refused(Fault::Missing(kind)) => Err(self.missing(*kind, about)),
            Reply::Refused(fault) => {
                Err(refusal::of_fault(&view, fault, decision.stands.as_deref()))
            }
            Reply::Declined { intent, decline } => Err(refusal::of_decline(&view, intent, decline)),
            Reply::Limited(refused) => Err(refusal::of_limit(refused)),
            Reply::InFlight => Err(refusal::in_flight()),
            Reply::KeyReused => Err(refusal::key_reused(self.key.as_deref().unwrap_or_default())),
            Reply::Failed => Err(refusal::failed()),
            reply => show(&view, reply),
        };
        self.envelope.seal(self.shared.seed(), decision, said)
    }

    /// An object that the account does not have: the one that the path names (404), or the one
    /// that a parameter names (400).
    fn missing(&self, kind: Kind, about: Option<About<'_>>) -> ErrorObject {
        if let Some(about) = about.filter(|about| about.kind == kind) {
            return about.missing();
        }
        let parameters = self.parameters();
        let params = refusal::params_of(kind).iter();
        let (param, word) = params
            .copied()
            .find(|(param, _)| parameters.has(param))
            .unwrap_or(refusal::params_of(kind)[0]);
        let name = parameters.text(param).ok().flatten().unwrap_or_default();
        ErrorObject::missing(word, name, param)
    }

    /// What the request would have been if it made sense.
    fn operation(&self) -> PaymentOperation {
        let path = self.path.trim_start_matches("/v1/").trim_end_matches('/');
        let parts: Vec<_> = path.split('/').collect();
        if self.method == Method::GET {
            let names_one = parts.len() % 2 == 0;
            return if names_one { PaymentOperation::Retrieve } else { PaymentOperation::List };
        }
        match parts[..] {
            ["payment_intents"] => PaymentOperation::Create,
            ["payment_intents", _, "confirm"] => PaymentOperation::Confirm,
            ["payment_intents", _, "capture"] => PaymentOperation::Capture,
            ["payment_intents", _, "cancel"] => PaymentOperation::Void,
            ["refunds"] => PaymentOperation::Refund,
            ["payment_methods" | "tokens"] => PaymentOperation::Tokenize,
            ["payment_intents" | "refunds" | "payment_methods", _] => PaymentOperation::Update,
            ["customers" | "payment_methods", ..] => PaymentOperation::Customer,
            ["setup_intents", ..] => PaymentOperation::Setup,
            _ => PaymentOperation::Other,
        }
    }

    /// A number for everything that was asked.
    fn fingerprint(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        (self.method.as_str(), &self.path, self.form.fingerprint()).hash(&mut hasher);
        hasher.finish()
    }

    fn reference(&self) -> String {
        self.first_of(&self.shared.names().reference).unwrap_or_default()
    }

    fn purchase(&self) -> String {
        let found = self.intent.clone().or_else(|| self.first_of(&self.shared.names().intent));
        found.unwrap_or_default()
    }

    /// The first of these names that the merchant says.
    fn first_of(&self, names: &[String]) -> Option<String> {
        let parameters = self.parameters();
        let metadata = parameters.table("metadata").ok().flatten();
        let found = names.iter().find_map(|name| match name.as_str() {
            "description" => parameters.text(name).ok().flatten(),
            key => metadata.as_ref()?.text(key).ok().flatten(),
        });
        found.map(shortened)
    }
}

async fn names_in(
    parts: &mut axum::http::request::Parts,
    shared: &Arc<Shared>,
) -> Result<Vec<String>, ErrorObject> {
    use axum::extract::rejection::RawPathParamsRejection as Rejection;
    match RawPathParams::from_request_parts(parts, shared).await {
        Ok(params) => Ok(params.iter().map(|(_, value)| value.to_owned()).collect()),
        Err(Rejection::MissingPathParams(_)) => Ok(Vec::new()),
        Err(rejection) => {
            Err(ErrorObject::invalid(rejection.body_text()).status(StatusCode::NOT_FOUND))
        }
    }
}

fn form_of(
    method: &Method,
    headers: &HeaderMap,
    query: Option<&str>,
    body: &[u8],
) -> Result<Form, ErrorObject> {
    let query = query.unwrap_or_default().as_bytes();
    if method != Method::POST {
        return Ok(Form::decode(query)?);
    }
    let kind = text(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    if !body.is_empty() && !kind.is_empty() && !kind.contains("x-www-form-urlencoded") {
        let message = "The body must be form-encoded: application/x-www-form-urlencoded.";
        return Err(ErrorObject::invalid(message));
    }
    match query {
        [] => Ok(Form::decode(body)?),
        query => Ok(Form::decode(&[query, b"&", body].concat())?),
    }
}

/// The key of a POST; other methods take no effect twice by themselves.
fn key_of(
    method: &Method,
    headers: &HeaderMap,
    chars_max: usize,
) -> Result<Option<String>, ErrorObject> {
    let Some(key) = headers.get(super::envelope::IDEMPOTENCY_KEY) else { return Ok(None) };
    if method != Method::POST || key.is_empty() {
        return Ok(None);
    }
    let key = std::str::from_utf8(key.as_bytes())
        .map_err(|_| ErrorObject::invalid("The Idempotency-Key is not UTF-8."))?;
    let chars = key.chars().count();
    if chars > chars_max {
        let message = format!("Idempotency keys have at most {chars_max} characters, not {chars}.");
        return Err(ErrorObject::invalid(message));
    }
    Ok(Some(key.to_owned()))
}

fn unreadable(status: StatusCode, message: &str) -> ErrorObject {
    ErrorObject::invalid(format!("{message}; at most {BODY_BYTES_MAX} bytes")).status(status)
}

fn text<'headers>(headers: &'headers HeaderMap, name: &str) -> Option<&'headers str> {
    headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
}

fn shortened(text: &str) -> String {
    text.chars().take(NAME_CHARS_MAX).collect()
}
