//! From a decision to bytes on the wire, for all faces: the one place where answers wait, trickle,
//! never come, or break their connection.

use std::borrow::Cow;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use domain::time::Duration;
use http_body::{Frame, SizeHint};
use serde::Serialize;
use tokio::time::{Sleep, sleep};

use super::connection::Connection;
use super::ledger::LedgerError;
use super::shared::{Called, Shared};
use crate::rules::{Decision, Delivery, Refusal};
use crate::settings::Told;

/// In how many pieces a body trickles: a caller that waits for the first byte, or for each, is
/// satisfied again and again.
const PIECES: u32 = 8;

/// Waits as long as the rules say, and gives the answer that `say` makes of the decision; or none.
///
/// # Errors
/// When the call cannot be written down: then nothing of it may be told.
pub(super) async fn deliver(
    shared: &Shared,
    connection: &Connection,
    called: Called<'_>,
    say: impl FnOnce(&Decision) -> Response,
) -> Result<Response, LedgerError> {
    #[cfg(feature = "wiremock")]
    if matches!(connection, Connection::Described) {
        return Ok(describe(&shared.leave(called), say));
    }
    shared.answer_is_due(&called).await?;
    match called.decision.delivery {
        Delivery::Whole => Ok(say_whole(&shared.leave(called), say)),
        Delivery::Slow(over) => {
            let whole = say_whole(&shared.leave(called), say);
            Ok(Box::pin(trickle(whole, over)).await)
        }
        // The connection stays open until the caller goes.
        Delivery::Never => std::future::pending().await,
        Delivery::Reset => {
            shared.leave(called);
            connection.reset();
            Ok(Response::default())
        }
    }
}

/// What a limiter says that refuses a call, in the words of the settings and but for its headers.
pub(super) fn refused(refusal: &Refusal) -> Response {
    let told = &refusal.told;
    let status = StatusCode::from_u16(told.status).expect("settings in range have such statuses");
    let Told { code, kind, message, .. } = &**told;
    let own = || Said { error: Error { code, message, kind } };
    let body = refusal.body();
    in_json(status, body.unwrap_or_else(|| serde_json::to_string(&own()).expect("plain texts")))
}

/// What the API itself says of a refusal. Refusals come in floods, so this is no
/// [`serde_json::Value`].
#[derive(Serialize)]
struct Said<'told> {
    error: Error<'told>,
}

#[derive(Serialize)]
struct Error<'told> {
    code: &'told str,
    message: &'told str,
    #[serde(rename = "type")]
    kind: &'told str,
}

/// An answer of JSON.
pub(super) fn in_json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// How an answer is to arrive where nobody waits: an extension of the response.
#[cfg(feature = "wiremock")]
#[derive(Copy, Clone, Debug)]
pub(super) struct Manner {
    /// How long after the call it leaves.
    pub(super) delay: Duration,
    /// Whether and how it arrives.
    pub(super) delivery: Delivery,
}

#[cfg(feature = "wiremock")]
fn describe(decision: &Decision, say: impl FnOnce(&Decision) -> Response) -> Response {
    let Decision { delay, delivery, .. } = *decision;
    let mut response =
        if decision.is_lost() { Response::default() } else { say_whole(decision, say) };
    response.extensions_mut().insert(Manner { delay, delivery });
    response
}

fn say_whole(decision: &Decision, say: impl FnOnce(&Decision) -> Response) -> Response {
    let mut response = say(decision);
    add_headers(&mut response, &decision.headers);
    response
}

/// Adds what the limiters say in headers; of `Retry-After` see [`Refusal::retry_after`].
fn add_headers(response: &mut Response, headers: &[(Cow<'static, str>, String)]) {
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        let name = name.expect("settings in range name headers");
        let value = HeaderValue::from_str(value).expect("limiters speak in plain letters");
        response.headers_mut().append(name, value);
    }
}

async fn trickle(response: Response, over: Duration) -> Response {
    let (parts, body) = response.into_parts();
    let rest = to_bytes(body, usize::MAX).await.expect("an answer's body is in memory");
    let piece = rest.len().div_ceil(PIECES as usize).max(1);
    let body = Trickle { rest, piece, pause: over / PIECES, waits: Box::pin(sleep(over / PIECES)) };
    Response::from_parts(parts, Body::new(body))
}

/// A body that comes in pieces, with a pause before each.
struct Trickle {
    rest: Bytes,
    piece: usize,
    pause: Duration,
    waits: Pin<Box<Sleep>>,
}

impl HttpBody for Trickle {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        ready!(self.waits.as_mut().poll(context));
        let next = self.waits.deadline() + self.pause;
        self.waits.as_mut().reset(next);
        let piece = self.piece.min(self.rest.len());
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
