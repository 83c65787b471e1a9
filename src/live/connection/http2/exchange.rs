//! One request and its answer on a stream of HTTP/2.

use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream};
use http::Request;
use http::header::{HeaderMap, HeaderValue, RETRY_AFTER};

use crate::live::connection::Loss;
use crate::live::http::{BODY_MAX, Body, Head, KEPT_MAX, ReadError, RetryAfter};

/// One request and its answer, as far as they are.
#[derive(Debug)]
pub(in crate::live) struct Exchange {
    phase: Phase,
    body: Body,
    head: Option<Head>,
    /// The lines of the head, as HTTP/1.1 would write them, where they are kept.
    fields: Vec<u8>,
    kept: Vec<u8>,
    body_bytes: u64,
    /// Whether the server says that it has not touched the request.
    refused: bool,
}

#[derive(Debug)]
enum Phase {
    /// Nothing is asked.
    Idle,
    /// The server has no room for one more request yet.
    Queued(Box<(Request<()>, Bytes)>),
    /// The head is waited for.
    Asked(ResponseFuture),
    /// The body is coming.
    Body(RecvStream),
    Whole,
}

impl Exchange {
    /// Before any request.
    pub(super) const fn idle() -> Self {
        Self {
            phase: Phase::Idle,
            body: Body::Skip,
            head: None,
            fields: Vec::new(),
            kept: Vec::new(),
            body_bytes: 0,
            refused: false,
        }
    }

    /// A request that is to be asked as soon as the server has room.
    pub(super) fn new(request: Request<()>, content: Bytes, body: Body) -> Self {
        Self { phase: Phase::Queued(Box::new((request, content))), body, ..Self::idle() }
    }

    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.phase, Phase::Whole)
    }

    /// Whether an answer is still to come.
    pub(super) const fn is_under_way(&self) -> bool {
        !matches!(self.phase, Phase::Idle | Phase::Whole)
    }

    /// Whether the server may have seen the request.
    pub(super) const fn was_asked(&self) -> bool {
        !matches!(self.phase, Phase::Idle | Phase::Queued(..)) && !self.refused
    }

    /// Whether the server says that it has not touched the request.
    pub(super) const fn was_refused(&self) -> bool {
        self.refused
    }

    /// The head of the answer, once it has come.
    pub(in crate::live::connection) const fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// The body, if the whole body was kept.
    pub(in crate::live::connection) fn body(&self) -> &[u8] {
        if self.body_bytes == self.kept.len() as u64 { &self.kept } else { &[] }
    }

    /// The lines of the head, if they were kept.
    pub(in crate::live::connection) fn fields(&self) -> &[u8] {
        &self.fields
    }

    /// Asks, if that has not been done and the server has room.
    ///
    /// # Errors
    /// When the connection takes no requests any more.
    pub(super) fn ask(
        &mut self,
        requests: &mut SendRequest<Bytes>,
        context: &mut Context<'_>,
    ) -> Result<(), Loss> {
        if !matches!(self.phase, Phase::Queued(..)) || requests.poll_ready(context)?.is_pending() {
            return Ok(());
        }
        let Phase::Queued(waiting) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return Ok(());
        };
        let (head, upload) = *waiting;
        let (response, mut stream) = requests.send_request(head, upload.is_empty())?;
        if !upload.is_empty() {
            stream.send_data(upload, true)?;
        }
        self.phase = Phase::Asked(response);
        Ok(())
    }

    /// Takes what has come; true when the server was told that there is room for more, which it
    /// must hear.
    ///
    /// # Errors
    /// When the answer breaks off or is longer than allowed.
    pub(super) fn advance(&mut self, context: &mut Context<'_>) -> Result<bool, Loss> {
        let advanced = self.try_advance(context);
        if let Err(Loss::Broken(error)) = &advanced {
            let untouched = error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM);
            self.refused = error.is_remote() && untouched && self.head.is_none();
        }
        advanced
    }

    fn try_advance(&mut self, context: &mut Context<'_>) -> Result<bool, Loss> {
        if let Phase::Asked(response) = &mut self.phase {
            let Poll::Ready(response) = std::pin::Pin::new(response).poll(context)? else {
                return Ok(false);
            };
            let (parts, stream) = response.into_parts();
            let retry_after = parts.headers.get(RETRY_AFTER).map(HeaderValue::as_bytes);
            self.head = Some(Head {
                status: parts.status.as_u16(),
                retry_after: retry_after.and_then(RetryAfter::read),
                keep_alive: true,
            });
            if self.body.keeps_fields() {
                self.fields = lines(&parts.headers);
            }
            self.phase = Phase::Body(stream);
        }
        let mut made_room = false;
        while let Phase::Body(stream) = &mut self.phase {
            match stream.poll_data(context) {
                Poll::Ready(Some(data)) => {
                    let data = data?;
                    stream.flow_control().release_capacity(data.len())?;
                    made_room = true;
                    self.keep(&data)?;
                }
                Poll::Ready(None) if stream.poll_trailers(context)?.is_ready() => {
                    self.phase = Phase::Whole;
                }
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        Ok(made_room)
    }

    fn keep(&mut self, data: &[u8]) -> Result<(), Loss> {
        self.body_bytes += data.len() as u64;
        if self.body_bytes > BODY_MAX {
            return Err(ReadError::BodyTooLong.into());
        }
        let room = KEPT_MAX - self.kept.len();
        if self.body.is_kept() {
            self.kept.extend_from_slice(&data[..data.len().min(room)]);
        }
        Ok(())
    }
}

/// Header fields as lines of HTTP/1.1.
fn lines(fields: &HeaderMap) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in fields {
        lines.extend_from_slice(name.as_str().as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value.as_bytes());
        lines.extend_from_slice(b"\r\n");
    }
    lines
}
