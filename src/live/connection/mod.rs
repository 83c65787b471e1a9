//! One connection to the shop: non-blocking connect, TLS where that is asked for, requests and
//! answers; one request at a time.
//!
//! What a fan's request is does not depend on what carries it: it is rendered once, as HTTP/1.1,
//! and HTTP/2 takes method, path, fields and body from those bytes.

mod dial;
mod failure;
mod http1;
mod http2;
mod probe;
mod proxy;
mod stream;
mod tickets;
mod tls;
mod trust;

use std::io;

use domain::time::Time;

pub(super) use dial::Dialer;
pub(super) use failure::ConnectError;
pub(super) use probe::{probe, reach};
pub use tls::SecurityError;
pub(super) use tls::server_name;
pub(super) use trust::{authorities, configuration, foreign};

use crate::live::clock::Clock;
use crate::live::http::{Body, Head, Heads, ReadError, Reader};
use http1::Http1;
use http2::Http2;
use stream::Opening;

/// A connection; dropping it closes it.
#[derive(Debug)]
pub(super) struct Connection {
    exchange: Exchange,
    begun: Time,
    stage: Stage,
    /// To whom, by the number of the host.
    host: u8,
}

#[derive(Debug)]
enum Exchange {
    Http1(Http1),
    /// In a place of its own: it is ten times as large, and most crowds speak HTTP/1.1.
    Http2(Box<Http2>),
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Stage {
    Connecting,
    Securing { connected: Time },
    Open,
}

/// A connection that has come to stand.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Established {
    /// When it was begun.
    pub(super) begun: Time,
    /// When the other side had accepted.
    pub(super) connected: Time,
    /// When it was secured, where that was asked for.
    pub(super) secured: Option<Time>,
    /// Whether the session of an earlier connection was resumed.
    pub(super) resumed: bool,
}

/// How far the present answer is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is more to come.
    Partial,
    /// It is whole.
    Whole,
}

/// What has come of the present answer.
#[derive(Copy, Clone, Debug)]
pub(super) enum Answer<'connection> {
    /// In HTTP/1.1.
    Http1(&'connection Reader),
    /// In HTTP/2.
    Http2(&'connection http2::Exchange),
}

impl<'connection> Answer<'connection> {
    /// The head of the answer, once it has come.
    pub(super) const fn head(self) -> Option<&'connection Head> {
        match self {
            Self::Http1(reader) => reader.head(),
            Self::Http2(exchange) => exchange.head(),
        }
    }

    /// The body, if the whole body was kept; `taken` is what was read last, which it may lie in.
    pub(super) fn body(self, taken: &'connection [u8]) -> &'connection [u8] {
        match self {
            Self::Http1(reader) => reader.body(taken),
            Self::Http2(exchange) => exchange.body(),
        }
    }

    /// The lines of the head below the status line, if they were kept; `taken` as for
    /// [`Answer::body`].
    pub(super) fn fields(self, taken: &'connection [u8]) -> &'connection [u8] {
        match self {
            Self::Http1(reader) => reader.fields(taken),
            Self::Http2(exchange) => exchange.fields(),
        }
    }

    /// Whether not one byte of it has come.
    pub(super) fn is_untouched(self) -> bool {
        match self {
            Self::Http1(reader) => reader.is_untouched(),
            Self::Http2(exchange) => exchange.head().is_none(),
        }
    }
}

/// Why no answer will come on this connection any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Loss {
    /// The network failed.
    #[error("the connection was lost")]
    Network(#[source] io::Error),
    /// The answer cannot be read.
    #[error("the answer cannot be read")]
    Answer(#[from] ReadError),
    /// The server broke off this answer or the whole connection, in the words of HTTP/2.
    #[error("the server broke off")]
    Broken(#[from] h2::Error),
    /// The request cannot be sent in HTTP/2.
    #[error("the request cannot be sent in HTTP/2")]
    Request,
}

impl Connection {
    /// A connection over `exchange` to `host`, which was begun at `begun`.
    fn new(exchange: Exchange, begun: Time, host: u8) -> Self {
        Self { exchange, begun, stage: Stage::Connecting, host }
    }

    /// The number of the host that it leads to.
    pub(super) const fn host(&self) -> usize {
        self.host as usize
    }

    /// Whether it is not known yet if the other side accepts and agrees.
    pub(super) fn is_connecting(&self) -> bool {
        self.stage != Stage::Open
    }

    /// Whether the connection stands now; `None` when that is still open.
    ///
    /// # Errors
    /// When the other side refused, could not be reached, or does not agree.
    pub(super) fn establish(&mut self, clock: Clock) -> Result<Option<Established>, ConnectError> {
        let at = clock.now();
        let opening = match &mut self.exchange {
            Exchange::Http1(exchange) => exchange.stream().open()?,
            Exchange::Http2(exchange) => exchange.open()?,
        };
        let connected = match (self.stage, opening) {
            (Stage::Securing { connected }, _) => connected,
            (_, Opening::Connecting) => return Ok(None),
            _ => at,
        };
        if opening != Opening::Open {
            self.stage = Stage::Securing { connected };
            return Ok(None);
        }
        self.stage = Stage::Open;
        let resumed = match &mut self.exchange {
            Exchange::Http1(exchange) => exchange.stream().resumed(),
            Exchange::Http2(exchange) => exchange.resumed(),
        };
        Ok(Some(Established {
            begun: self.begun,
            connected,
            secured: resumed.is_some().then(|| clock.now()),
            resumed: resumed == Some(true),
        }))
    }

    /// Sends a request whose answer's body is treated as `body` says; what the socket does not
    /// take now is kept for [`Connection::flush`].
    ///
    /// # Errors
    /// When the connection is lost.
    pub(super) fn send(&mut self, request: &[u8], body: Body) -> Result<(), Loss> {
        match &mut self.exchange {
            Exchange::Http1(exchange) => exchange.send(request, body),
            Exchange::Http2(exchange) => exchange.send(request, body),
        }
    }

    /// Sends what is left of the present request, as far as the socket takes it.
    ///
    /// # Errors
    /// When the connection is lost.
    pub(super) fn flush(&mut self) -> Result<(), Loss> {
        match &mut self.exchange {
            Exchange::Http1(exchange) => exchange.flush(),
            // It sends and reads in one.
            Exchange::Http2(_) => Ok(()),
        }
    }

    /// Reads all that has come, through `buffer`. `closing` says that the event announced the end
    /// of the stream, which must then be read too: it is announced once.
    ///
    /// An answer that came whole may lie in `buffer` afterwards: see [`Answer::body`].
    ///
    /// # Errors
    /// When the connection is lost or the answer cannot be read.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        heads: &mut Heads,
        closing: bool,
    ) -> Result<Progress, Loss> {
        match &mut self.exchange {
            Exchange::Http1(exchange) => exchange.read(buffer, heads, closing),
            Exchange::Http2(exchange) => exchange.read(closing),
        }
    }

    /// Whether an idle connection may still be used: nothing has come that ends it.
    pub(super) fn is_quiet(&mut self) -> bool {
        match &mut self.exchange {
            Exchange::Http1(exchange) => exchange.is_quiet(),
            Exchange::Http2(exchange) => exchange.is_quiet(),
        }
    }

    /// Notes that the answer has been understood; the memory of it is given back.
    pub(super) fn answered(&mut self) {
        match &mut self.exchange {
            Exchange::Http1(exchange) => exchange.answered(),
            Exchange::Http2(exchange) => exchange.answered(),
        }
    }

    /// The present answer; one that came whole may lie in the buffer it was read through last.
    pub(super) fn answer(&self) -> Answer<'_> {
        match &self.exchange {
            Exchange::Http1(exchange) => exchange.answer(),
            Exchange::Http2(exchange) => exchange.answer(),
        }
    }

    /// Whether the present answer, which is whole, leaves the connection fit for another request.
    pub(super) fn is_reusable(&mut self) -> bool {
        match &mut self.exchange {
            Exchange::Http1(exchange) => exchange.is_reusable(),
            Exchange::Http2(exchange) => exchange.is_reusable(),
        }
    }

    /// Whether the present request may be asked again on another connection for the other side's
    /// sake: it had closed an idle one before the request reached it (it has served before, and
    /// not a byte of the answer came), or it says that it has not touched this request.
    pub(super) fn went_stale(&self) -> bool {
        match &self.exchange {
            Exchange::Http1(exchange) => exchange.went_stale(),
            Exchange::Http2(exchange) => exchange.went_stale(),
        }
    }

    /// Whether the socket has taken any byte of the present request, unless the other side says
    /// that it has not touched it.
    pub(super) fn took_bytes(&self) -> bool {
        match &self.exchange {
            Exchange::Http1(exchange) => exchange.took_bytes(),
            Exchange::Http2(exchange) => exchange.took_bytes(),
        }
    }
}

#[cfg(test)]
mod tests;
