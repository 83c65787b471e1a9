//! Bytes to and from the shop: over TCP as they are, or secured.

use std::io::{self, Read as _, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use mio::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::failure::ConnectError;
use super::tls::Secure;

/// A stream of bytes; nothing on it ever waits.
#[derive(Debug)]
pub(super) enum Stream {
    /// TCP.
    Plain(TcpStream),
    /// TLS over TCP.
    Secure(Box<Secure>),
}

/// How far a stream is on the way to its use.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// The other side has not accepted yet.
    Connecting,
    /// It has accepted; the two are agreeing on TLS.
    Securing,
    /// It can carry requests.
    Open,
}

impl Stream {
    /// How far the stream is now.
    ///
    /// # Errors
    /// When the other side refused, could not be reached, or does not agree.
    pub(super) fn open(&mut self) -> Result<Opening, ConnectError> {
        let tcp = match self {
            Self::Plain(tcp) => tcp,
            Self::Secure(secure) => secure.tcp(),
        };
        if !is_connected(tcp).map_err(ConnectError::Network)? {
            return Ok(Opening::Connecting);
        }
        match self {
            Self::Secure(secure) if !secure.shake_hands()? => Ok(Opening::Securing),
            Self::Plain(_) | Self::Secure(_) => Ok(Opening::Open),
        }
    }

    /// Whether the session of an earlier connection was resumed.
    pub(super) fn is_resumed(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Secure(secure) => secure.is_resumed(),
        }
    }

    /// Reads as much as has come and fits; 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Secure(secure) => secure.read(buffer),
        }
    }

    /// Whether a read that gave `count` bytes for a buffer of `room` took all that had come:
    /// whatever comes later is a new event.
    pub(super) const fn is_drained(&self, count: usize, room: usize) -> bool {
        match self {
            Self::Plain(_) => count < room,
            Self::Secure(secure) => count < room && secure.is_drained(),
        }
    }

    /// Writes as much as is taken now.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Secure(secure) => secure.write(bytes),
        }
    }

    /// Sends what the stream has taken and the socket has not; false when some is left.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        match self {
            Self::Plain(_) => Ok(true),
            Self::Secure(secure) => secure.flush(),
        }
    }

    /// Whether nothing has come, not even the end.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        matches!(self.read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

fn is_connected(tcp: &TcpStream) -> io::Result<bool> {
    if let Some(error) = tcp.take_error()? {
        return Err(error);
    }
    match tcp.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

/// For HTTP/2's state machine, which is polled after each event and needs no waking.
impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = unless_blocked(|| self.get_mut().read(buffer.initialize_unfilled()));
        read.map_ok(|count| buffer.advance(count))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        unless_blocked(|| self.get_mut().write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut().flush() {
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

fn unless_blocked(mut act: impl FnMut() -> io::Result<usize>) -> Poll<io::Result<usize>> {
    loop {
        match act() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return Poll::Ready(done),
        }
    }
}
