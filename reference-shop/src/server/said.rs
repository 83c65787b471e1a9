//! What the edge answers, whatever the protocol.

use bytes::Bytes;
use domain::outcome::Outcome;
use domain::shop::ShopReply;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, SET_COOKIE};
use hyper::{Response, StatusCode};

use crate::server::date::DATE_LENGTH;

/// How long the head of an answer is at most \[bytes\]: those made here are below 200.
const HEAD_LENGTH: usize = 256;

/// What a body is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// One JSON text.
    Json,
    /// A JSON text per line.
    Lines,
    /// Plain text.
    Text,
}

impl Content {
    pub(super) const ALL: [Self; 3] = [Self::Json, Self::Lines, Self::Text];

    /// Its media type.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Lines => "application/x-ndjson",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// The status of HTTP.
    pub(super) status: u16,
    pub(super) content: Content,
    /// Who may keep it.
    pub(super) cache_control: HeaderValue,
    /// The cookie it sets.
    pub(super) cookie: Option<&'static str>,
    /// When to ask again, in whole seconds \[s\].
    pub(super) retry_after_s: Option<u32>,
    pub(super) body: Bytes,
}

impl Said {
    /// A JSON text that nobody may keep.
    pub(super) fn new(body: Bytes) -> Self {
        let cache_control = HeaderValue::from_static("no-store");
        Self {
            status: 200,
            content: Content::Json,
            cache_control,
            cookie: None,
            retry_after_s: None,
            body,
        }
    }

    /// An answer of the shop's rules.
    pub(super) fn reply(reply: &ShopReply) -> Self {
        let body = serde_json::to_vec(reply).expect("a reply can always be written");
        let (status, retry_after_s) = (ShopReply::status(reply.outcome), reply.retry_after_s);
        Self { status, retry_after_s, ..Self::new(Bytes::from(body)) }
    }

    /// The answer of a shop that is shutting down.
    pub(super) fn gone() -> Self {
        Self::reply(&ShopReply::of(Outcome::Error))
    }

    /// Plain words.
    pub(super) fn text(status: StatusCode, text: &str) -> Self {
        let (status, body) = (status.as_u16(), Bytes::copy_from_slice(text.as_bytes()));
        Self { status, content: Content::Text, ..Self::new(body) }
    }

    /// Appends the answer as a message of HTTP/1.1, at the time of `date`.
    pub(super) fn render(&self, date: &[u8; DATE_LENGTH], to: &mut Vec<u8>) {
        to.reserve(HEAD_LENGTH + self.body.len());
        let status = StatusCode::from_u16(self.status).ok();
        let reason = status.and_then(|status| status.canonical_reason()).unwrap_or_default();
        to.extend_from_slice(b"HTTP/1.1 ");
        put_number(usize::from(self.status), to);
        to.push(b' ');
        to.extend_from_slice(reason.as_bytes());
        to.extend_from_slice(b"\r\ncontent-type: ");
        to.extend_from_slice(self.content.media_type().as_bytes());
        to.extend_from_slice(b"\r\ncache-control: ");
        to.extend_from_slice(self.cache_control.as_bytes());
        if let Some(cookie) = self.cookie {
            to.extend_from_slice(b"\r\nset-cookie: ");
            to.extend_from_slice(cookie.as_bytes());
        }
        if let Some(seconds) = self.retry_after_s {
            to.extend_from_slice(b"\r\nretry-after: ");
            put_number(seconds as usize, to);
        }
        to.extend_from_slice(b"\r\ncontent-length: ");
        put_number(self.body.len(), to);
        to.extend_from_slice(b"\r\ndate: ");
        to.extend_from_slice(date);
        to.extend_from_slice(b"\r\n\r\n");
        to.extend_from_slice(&self.body);
    }

    /// The answer as a message for the library.
    ///
    /// # Panics
    /// When the status is none of HTTP.
    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let status = StatusCode::from_u16(self.status).expect("answers have statuses of HTTP");
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static(self.content.media_type());
        headers.insert(CONTENT_TYPE, kind);
        headers.insert(CACHE_CONTROL, self.cache_control);
        if let Some(cookie) = self.cookie {
            headers.insert(SET_COOKIE, HeaderValue::from_static(cookie));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Appends a number in decimal, without the machinery of formatting.
fn put_number(number: usize, to: &mut Vec<u8>) {
    let (mut digits, mut begin, mut left) = ([0; 20], 20, number);
    loop {
        begin -= 1;
        digits[begin] = b'0' + u8::try_from(left % 10).expect("a digit is below ten");
        left /= 10;
        if left == 0 {
            break;
        }
    }
    to.extend_from_slice(&digits[begin..]);
}
