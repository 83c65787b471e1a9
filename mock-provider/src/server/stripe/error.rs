//! Error objects, as documented: `{"error": {"type", "code", "message", "param", …}}`.
//!
//! Sources: docs.stripe.com/api/errors, docs.stripe.com/error-codes. The texts are our own.

use std::borrow::Cow;

use axum::http::StatusCode;
use domain::time::Duration;
use serde_json::{Map, Value, json};

use super::form::FieldError;

/// Something that is wrong with a call, as the merchant is told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ErrorObject {
    /// The status of the answer.
    pub(super) status: StatusCode,
    /// Such as `card_error`.
    pub(super) kind: Cow<'static, str>,
    /// Such as `card_declined`.
    pub(super) code: Option<Cow<'static, str>>,
    /// A sentence.
    pub(super) message: String,
    /// The parameter it is about.
    pub(super) param: Option<String>,
    /// Other fields, such as `payment_intent`.
    pub(super) more: Map<String, Value>,
    /// Whether to try again, where the provider says so: `Stripe-Should-Retry`.
    pub(super) should_retry: Option<&'static str>,
    /// When to come back, where a limit says so: `Retry-After`.
    pub(super) retry_after: Option<Duration>,
    /// The whole body, where a limit has one of its own.
    pub(super) whole: Option<String>,
}

impl ErrorObject {
    /// The most common kind: the call cannot succeed (400, `invalid_request_error`).
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind: "invalid_request_error".into(),
            code: None,
            message: message.into(),
            param: None,
            more: Map::new(),
            should_retry: None,
            retry_after: None,
            whole: None,
        }
    }

    /// An object that the account does not have: `word` is what it is called, such as
    /// `payment_intent`, and `param` the parameter that names it.
    pub(super) fn missing(word: &str, name: &str, param: &str) -> Self {
        let name: String = name.chars().take(NAME_CHARS_MAX).collect();
        Self::invalid(format!("No such {word}: '{name}'")).code("resource_missing").param(param)
    }

    /// A card that does not do (402, `card_error`).
    pub(super) fn card(code: &'static str, message: impl Into<String>) -> Self {
        let status = StatusCode::PAYMENT_REQUIRED;
        Self { status, kind: "card_error".into(), ..Self::invalid(message) }.code(code)
    }

    /// The same with that status.
    pub(super) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The same with that code.
    pub(super) fn code(self, code: impl Into<Cow<'static, str>>) -> Self {
        Self { code: Some(code.into()), ..self }
    }

    /// The same about that parameter.
    pub(super) fn param(self, param: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..self }
    }

    /// The same with one more field.
    pub(super) fn with(mut self, field: &str, value: Value) -> Self {
        self.more.insert(field.to_owned(), value);
        self
    }

    /// The answer's body; `request` is the name of the call.
    pub(super) fn body(self, request: &str) -> String {
        if let Some(whole) = self.whole {
            return whole;
        }
        let mut error = self.told();
        let log = format!("https://dashboard.stripe.com/test/logs/{request}");
        error["request_log_url"] = log.into();
        json!({ "error": error }).to_string()
    }

    /// The error alone, as an object that it befell tells it.
    pub(super) fn told(self) -> Value {
        let mut error = self.more;
        error.insert("type".into(), self.kind.into());
        error.insert("message".into(), self.message.into());
        if let Some(code) = self.code {
            let page = code.replace('_', "-");
            error.insert("doc_url".into(), format!("{DOCUMENTATION}/{page}").into());
            error.insert("code".into(), code.into());
        }
        if let Some(param) = self.param {
            error.insert("param".into(), param.into());
        }
        error.into()
    }
}

/// Where error codes are explained.
const DOCUMENTATION: &str = "https://docs.stripe.com/error-codes";

/// How much of a name that was sent an error repeats.
const NAME_CHARS_MAX: usize = 255;

impl From<FieldError> for ErrorObject {
    fn from(error: FieldError) -> Self {
        let mut object = Self::invalid(error.to_string());
        object.code = error.code().map(Into::into);
        object.param = error.param().map(Into::into);
        object
    }
}
