//! The way through a proxy to a host that is spoken to over TLS: `CONNECT` (RFC 9110 §9.3.6).

use std::fmt;
use std::io::{self, ErrorKind};

use mio::net::TcpStream;
use rustix::net::{RecvFlags, SendFlags};

use super::failure::ConnectError;
use crate::live::abroad::Credentials;

/// The longest answer of a proxy \[bytes\].
const ANSWER_MAX: usize = 8 * 1024;

/// A question to a proxy, as far as it is asked and answered.
pub(super) struct Passage {
    request: Vec<u8>,
    sent: usize,
    answer: Vec<u8>,
}

/// The request may hold a password.
impl fmt::Debug for Passage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Passage").field("sent", &self.sent).finish_non_exhaustive()
    }
}

impl Passage {
    /// Asks for a way to `authority`, a host with its port.
    pub(super) fn to(authority: &str, credentials: Option<&Credentials>) -> Self {
        let shown = credentials.map(Credentials::line).unwrap_or_default();
        let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{shown}\r\n");
        Self { request: request.into_bytes(), sent: 0, answer: Vec::new() }
    }

    /// Goes on over `tcp`, which is connected; true once the way is open.
    ///
    /// # Errors
    /// When the proxy refuses or breaks off.
    pub(super) fn open(&mut self, tcp: &TcpStream) -> Result<bool, ConnectError> {
        while self.sent < self.request.len() {
            match rustix::net::send(tcp, &self.request[self.sent..], SendFlags::NOSIGNAL) {
                Ok(count) => self.sent += count,
                Err(error) => return would_block(error.into()),
            }
        }
        let mut buffer = [0; 1_024];
        loop {
            match rustix::net::recv(tcp, &mut buffer, RecvFlags::empty()) {
                Ok((0, _)) => return Err(ConnectError::HungUp),
                Ok((count, _)) => self.answer.extend_from_slice(&buffer[..count]),
                Err(error) => return would_block(error.into()),
            }
            // Behind the head the other side says nothing until it is greeted.
            if self.answer.ends_with(b"\r\n\r\n") {
                return self.understood();
            }
            if self.answer.len() > ANSWER_MAX {
                return Err(self.refused());
            }
        }
    }

    fn understood(&self) -> Result<bool, ConnectError> {
        let status = self.answer.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        if status.len() == 3 && status.starts_with(b"2") { Ok(true) } else { Err(self.refused()) }
    }

    fn refused(&self) -> ConnectError {
        let line = self.answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let said = String::from_utf8_lossy(line).chars().take(100).collect();
        ConnectError::Proxy { said }
    }
}

fn would_block(error: io::Error) -> Result<bool, ConnectError> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(false),
        _ => Err(ConnectError::Network(error)),
    }
}
