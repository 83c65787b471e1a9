//! HTTP/2 over a stream: the state machine of the `h2` crate, driven by hand.
//!
//! Nothing here waits or wakes: after each event everything is polled once, with a waker that does
//! nothing, until all of it waits for the next event.

mod channel;
mod exchange;
mod request;

use std::cell::Cell;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};

use super::failure::ConnectError;
use super::stream::{Opening, Stream};
use super::{Answer, Loss, Progress};
use crate::live::http::{Body, HEAD_MAX};
use channel::{Channel, Tide};
pub(super) use exchange::Exchange;

/// What frames may cost beyond the bytes in them before the connection is given up \[bytes\]: as
/// much as a whole window in frames of one byte, at the 256 bytes that the library counts for each.
/// A server that trickles is slow, not hostile.
const SMALL_FRAMES_MAX: usize = 65_535 * 256;

/// A connection that speaks HTTP/2.
pub(super) struct Http2 {
    stage: Stage,
    /// Whether it is secured, and then whether an earlier session was resumed.
    resumed: Option<bool>,
    tide: Rc<Cell<Tide>>,
    present: Exchange,
    /// How many answers it has carried.
    answers: u32,
    /// Whether the connection is over, or may carry no other request.
    ended: bool,
}

type Greeting = Pin<Box<dyn Future<Output = Result<Greeted, h2::Error>>>>;
type Greeted = (SendRequest<Bytes>, Connection<Channel, Bytes>);

#[expect(
    clippy::large_enum_variant,
    reason = "nearly all of a connection's time is spent in the largest"
)]
enum Stage {
    Opening(Stream),
    Greeting(Greeting),
    Open { requests: SendRequest<Bytes>, connection: Connection<Channel, Bytes> },
    Lost,
}

impl fmt::Debug for Http2 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Http2").field("present", &self.present).finish_non_exhaustive()
    }
}

impl Http2 {
    /// Over `stream`, which need not be open yet.
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stage: Stage::Opening(stream),
            resumed: None,
            tide: Rc::new(Cell::new(Tide::In)),
            present: Exchange::idle(),
            answers: 0,
            ended: false,
        }
    }

    /// How far the connection is now; open means that it has greeted the server.
    ///
    /// # Errors
    /// When the other side refused, could not be reached, or does not agree.
    pub(super) fn open(&mut self) -> Result<Opening, ConnectError> {
        if let Stage::Opening(stream) = &mut self.stage {
            let opening = stream.open()?;
            if opening != Opening::Open {
                return Ok(opening);
            }
            self.resumed = stream.resumed();
            self.greet();
        }
        let Stage::Greeting(greeting) = &mut self.stage else { return Ok(Opening::Open) };
        let (requests, connection) = match greeting.as_mut().poll(&mut context()) {
            Poll::Pending => return Ok(Opening::Securing),
            Poll::Ready(greeted) => greeted.map_err(ConnectError::Greeting)?,
        };
        self.stage = Stage::Open { requests, connection };
        Ok(Opening::Open)
    }

    fn greet(&mut self) {
        let Stage::Opening(stream) = std::mem::replace(&mut self.stage, Stage::Lost) else {
            return;
        };
        let channel = Channel { stream, tide: Rc::clone(&self.tide) };
        let mut builder = Builder::new();
        let head_max = u32::try_from(HEAD_MAX).expect("a head is shorter than 4 GB");
        builder
            .enable_push(false)
            .max_header_list_size(head_max)
            .data_frame_budget(SMALL_FRAMES_MAX);
        self.stage = Stage::Greeting(Box::pin(builder.handshake(channel)));
    }

    /// Whether it is secured, and then whether an earlier session was resumed.
    pub(super) const fn resumed(&self) -> Option<bool> {
        self.resumed
    }

    pub(super) fn send(&mut self, request: &[u8], body: Body) -> Result<(), Loss> {
        debug_assert!(!self.present.is_under_way(), "one request at a time");
        let scheme = if self.resumed.is_some() { "https" } else { "http" };
        let (request, content) = request::parse(request, scheme).ok_or(Loss::Request)?;
        self.present = Exchange::new(request, content, body);
        self.drive().map(|_| ())
    }

    pub(super) fn read(&mut self, closing: bool) -> Result<Progress, Loss> {
        self.tide.set(if closing { Tide::Last } else { Tide::In });
        self.drive()
    }

    /// Whether the connection may still be used; what the server says meanwhile (settings, pings)
    /// is answered.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.tide.set(Tide::Last);
        self.drive().is_ok() && self.is_reusable()
    }

    pub(super) fn answered(&mut self) {
        self.answers += 1;
        self.present = Exchange::idle();
    }

    pub(super) fn answer(&self) -> Answer<'_> {
        Answer::Http2(&self.present)
    }

    pub(super) fn is_reusable(&mut self) -> bool {
        let Stage::Open { requests, .. } = &mut self.stage else { return false };
        !self.ended && !matches!(requests.poll_ready(&mut context()), Poll::Ready(Err(_)))
    }

    pub(super) fn went_stale(&self) -> bool {
        let untouched = self.present.head().is_none();
        self.present.was_refused() || untouched && self.answers > 0
    }

    pub(super) const fn took_bytes(&self) -> bool {
        self.present.was_asked()
    }

    /// Polls all there is until it waits for the next event.
    fn drive(&mut self) -> Result<Progress, Loss> {
        let Stage::Open { requests, connection } = &mut self.stage else {
            return Err(Loss::Network(io::ErrorKind::NotConnected.into()));
        };
        let mut context = context();
        self.present.ask(requests, &mut context)?;
        loop {
            if !self.ended {
                self.ended = Pin::new(&mut *connection).poll(&mut context).is_ready();
            }
            // The server may just have made room.
            self.present.ask(requests, &mut context)?;
            let made_room = self.present.advance(&mut context)?;
            if self.present.is_whole() {
                return Ok(Progress::Whole);
            }
            if self.ended || !made_room {
                break;
            }
        }
        if self.ended {
            return Err(Loss::Network(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(Progress::Partial)
    }
}

const fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
