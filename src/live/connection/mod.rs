//! One connection to the shop: non-blocking connect, write and read; one request at a time.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustix::io::Errno;

use crate::live::http::{Body, ReadError, Reader};

/// A connection; dropping it closes it.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    connecting: bool,
    /// The rest of a request that the socket would not take yet; usually empty.
    unsent: Vec<u8>,
    /// Whether the socket has taken any byte of the present request.
    took_bytes: bool,
    reader: Reader,
    /// How many answers it has carried.
    answers: u32,
    /// Whether the server closed it, or said more than it was asked.
    spoiled: bool,
}

/// How far the present answer is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is more to come.
    Partial,
    /// It is whole.
    Whole,
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
}

impl Connection {
    /// Begins to connect to `address`; an event under `token` says when that is over.
    ///
    /// # Errors
    /// When no socket can be had, or the address refuses at once: see [`is_own_fault`].
    pub(super) fn open(address: SocketAddr, registry: &Registry, token: Token) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        // A request leaves at once, whole or not.
        stream.set_nodelay(true)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            stream,
            connecting: true,
            unsent: Vec::new(),
            took_bytes: false,
            reader: Reader::new(),
            answers: 0,
            spoiled: false,
        })
    }

    /// Whether it is not known yet if the other side accepts.
    pub(super) const fn is_connecting(&self) -> bool {
        self.connecting
    }

    /// Whether the connection stands now; false when that is still open.
    ///
    /// # Errors
    /// When the other side refused, or could not be reached.
    pub(super) fn establish(&mut self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => {
                self.connecting = false;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sends a request whose answer's body is treated as `body` says; what the socket does not
    /// take now is kept for [`Connection::flush`].
    ///
    /// # Errors
    /// When the connection is lost.
    pub(super) fn send(&mut self, request: &[u8], body: Body) -> Result<(), Loss> {
        debug_assert!(self.unsent.is_empty(), "one request at a time");
        self.reader.expect(body);
        self.took_bytes = false;
        let sent = self.write_some(request)?;
        self.unsent.extend_from_slice(&request[sent..]);
        Ok(())
    }

    /// Sends what is left of the present request, as far as the socket takes it.
    ///
    /// # Errors
    /// When the connection is lost.
    pub(super) fn flush(&mut self) -> Result<(), Loss> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        let unsent = std::mem::take(&mut self.unsent);
        let sent = self.write_some(&unsent)?;
        self.unsent = unsent;
        self.unsent.drain(..sent);
        Ok(())
    }

    /// Reads all that has come, through `buffer`. `closing` says that the event announced the end
    /// of the stream, which must then be read too: it is announced once.
    ///
    /// # Errors
    /// When the connection is lost or the answer cannot be read.
    pub(super) fn read(&mut self, buffer: &mut [u8], closing: bool) -> Result<Progress, Loss> {
        self.spoiled |= closing;
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => {
                    self.spoiled = true;
                    self.reader.close()?;
                    return Ok(Progress::Whole);
                }
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(self.progress()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) if self.reader.is_whole() => return Ok(Progress::Whole),
                Err(error) => return Err(Loss::Network(error)),
            };
            let used = self.reader.feed(&buffer[..count])?;
            self.spoiled |= used < count;
            // A short read emptied the socket: whatever comes later is a new event. So an answer
            // usually costs one call. A full buffer may hide bytes that nobody asked for.
            let emptied = count < buffer.len() && !closing;
            if emptied || self.spoiled && self.reader.is_whole() {
                return Ok(self.progress());
            }
        }
    }

    /// Whether an idle connection may still be used: nothing has come, not even its end.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        matches!(self.stream.read(&mut byte), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Notes that the answer has been understood; the memory of it is given back.
    pub(super) fn answered(&mut self) {
        self.answers += 1;
        self.reader.expect(Body::Skip);
    }

    /// The present answer.
    pub(super) const fn answer(&self) -> &Reader {
        &self.reader
    }

    /// Whether the present answer, which is whole, leaves the connection fit for another request.
    pub(super) fn is_reusable(&self) -> bool {
        let keep_alive = self.reader.head().is_some_and(|head| head.keep_alive);
        keep_alive && !self.spoiled && self.unsent.is_empty()
    }

    /// Whether the other side had closed an idle connection before the present request reached it:
    /// it has served before, and not a byte of the answer came.
    pub(super) fn went_stale(&self) -> bool {
        self.answers > 0 && self.reader.is_untouched()
    }

    /// Whether the socket has taken any byte of the present request.
    pub(super) const fn took_bytes(&self) -> bool {
        self.took_bytes
    }

    fn progress(&self) -> Progress {
        if self.reader.is_whole() { Progress::Whole } else { Progress::Partial }
    }

    /// Writes as much as the socket takes.
    fn write_some(&mut self, bytes: &[u8]) -> Result<usize, Loss> {
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(0) => return Err(Loss::Network(ErrorKind::WriteZero.into())),
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Loss::Network(error)),
            }
            self.took_bytes |= sent > 0;
        }
        Ok(sent)
    }
}

/// Whether a socket could not be had for want of something of our own: descriptors, ports, memory.
/// Such an operation was never sent, and the shop is not to blame.
pub(super) fn is_own_fault(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw_os_error),
        Some(Errno::MFILE | Errno::NFILE | Errno::ADDRNOTAVAIL | Errno::NOBUFS | Errno::NOMEM)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lack_of_our_own_means_is_our_own_fault() {
        for own in [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOBUFS] {
            assert!(is_own_fault(&own.into()));
        }
        for theirs in [Errno::CONNREFUSED, Errno::CONNRESET, Errno::TIMEDOUT, Errno::HOSTUNREACH] {
            assert!(!is_own_fault(&theirs.into()));
        }
    }
}
