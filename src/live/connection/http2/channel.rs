//! The bytes below HTTP/2's state machine.

use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::live::connection::stream::Stream;

/// What the last event said that may be read.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Tide {
    /// All that had come has been read.
    Out,
    /// Bytes have come.
    In,
    /// The end has been announced, and is to be read as well.
    Last,
}

/// A stream that is read only after an event, and no further than a short read: each call that
/// would only say "nothing there" is spared. What waits is polled again after the next event, so
/// nobody needs waking.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) stream: Stream,
    pub(super) tide: Rc<Cell<Tide>>,
}

impl AsyncRead for Channel {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.tide.get() == Tide::Out {
            return Poll::Pending;
        }
        let room = buffer.initialize_unfilled();
        match unless_interrupted(|| this.stream.read(room)) {
            Ok(count) => {
                if count > 0
                    && this.tide.get() == Tide::In
                    && this.stream.is_drained(count, room.len())
                {
                    this.tide.set(Tide::Out);
                }
                buffer.advance(count);
                Poll::Ready(Ok(()))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                this.tide.set(Tide::Out);
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl AsyncWrite for Channel {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match unless_interrupted(|| this.stream.write(bytes)) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
            done => Poll::Ready(done),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut().stream.flush() {
            Ok(true) => Poll::Ready(Ok(())),
            Ok(false) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // To drop the stream ends it.
        Poll::Ready(Ok(()))
    }
}

fn unless_interrupted(mut act: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match act() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
