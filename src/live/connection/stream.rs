//! Bytes to and from the shop: over TCP as they are, or secured.

use std::io;

use mio::net::TcpStream;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

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
        let open = match self {
            Self::Plain(_) => true,
            Self::Secure(secure) => secure.shake_hands()?,
        };
        Ok(if open { Opening::Open } else { Opening::Securing })
    }

    /// Whether it is secured, and then whether the session of an earlier connection was resumed.
    pub(super) fn resumed(&self) -> Option<bool> {
        match self {
            Self::Plain(_) => None,
            Self::Secure(secure) => Some(secure.is_resumed()),
        }
    }

    /// Reads as much as has come and fits; 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => Ok(receive(tcp, buffer)?),
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
            Self::Plain(tcp) => Ok(rustix::net::send(tcp, bytes, SendFlags::NOSIGNAL)?),
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

/// Receives by the bare system call: libc's is a point of cancellation, which every thread that may
/// be cancelled pays for twice (measured: 2 % of a request).
fn receive(tcp: &TcpStream, buffer: &mut [u8]) -> Result<usize, Errno> {
    rustix::net::recv(tcp, buffer, RecvFlags::empty()).map(|(count, _)| count)
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
