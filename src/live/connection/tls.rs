//! TLS by rustls: what a run agrees to, and one secured connection.

use std::io::{self, ErrorKind, Read, Write as _};
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::client::Resumption;
use rustls::pki_types::{ServerName, pem};
use rustls::{ClientConfig, ClientConnection, HandshakeKind};

use super::failure::ConnectError;
use super::proxy::Passage;
use super::tickets::Tickets;
use super::trust::configuration;
use crate::scenario::{Protocol, Tls};

/// How the connections of a run are secured.
#[derive(Clone, Debug)]
pub(in crate::live) struct Security {
    configuration: Arc<ClientConfig>,
    name: ServerName<'static>,
    protocol: Protocol,
    /// What this loop's fans remember; absent when every handshake is to be a full one.
    tickets: Option<Arc<Tickets>>,
}

/// Why connections cannot be secured.
#[derive(Debug, thiserror::Error)]
pub enum SecurityError {
    /// No certificate is trusted.
    #[error(
        "trust the shop's certificate: none is given\nhint: `[live] tls` is for the embedded shop, \
         whose certificate is known; leave it out for a shop of your own"
    )]
    NobodyTrusted,
    /// This machine trusts nobody.
    #[error(
        "trust the shop's certificate: this machine has no certificates of authorities\nhint: name \
         them by `--cacert FILE`, or by the variable SSL_CERT_FILE"
    )]
    NoRoots,
    /// The certificates to be trusted cannot be read.
    #[error("read the certificates to be trusted")]
    Unreadable(#[source] pem::Error),
    /// One of them is none that could be trusted.
    #[error("trust a certificate")]
    Untrusted(#[source] rustls::Error),
    /// The shop's name can stand in no certificate.
    #[error("ask the shop for a certificate of `{host}`: that is no name of a machine")]
    Name {
        /// As it was given.
        host: String,
    },
    /// The algorithms at hand offer no version of TLS.
    #[error("set up TLS")]
    Versions(#[source] rustls::Error),
}

impl Security {
    /// Connections to `host` (a name or an address, with or without a port), whose certificate must
    /// lead to one of those in `trusted` (PEM).
    ///
    /// # Errors
    /// When nobody can be trusted, or there is no such name.
    pub(in crate::live) fn new(
        host: &str,
        trusted: Option<&[u8]>,
        protocol: Protocol,
    ) -> Result<Self, SecurityError> {
        let mut configuration = configuration(trusted)?;
        configuration.alpn_protocols = vec![protocol.alpn().into()];
        configuration.resumption = Resumption::disabled();
        Self::with(Arc::new(configuration), bare_host(host), protocol)
    }

    /// Connections to `name`, a name or an address alone, by what was agreed on before.
    ///
    /// # Errors
    /// When there is no such name.
    pub(super) fn with(
        configuration: Arc<ClientConfig>,
        name: &str,
        protocol: Protocol,
    ) -> Result<Self, SecurityError> {
        Ok(Self { configuration, name: name_of(name)?, protocol, tickets: None })
    }

    /// The same for one loop, whose fans remember their sessions if `tls` says so.
    pub(in crate::live) fn for_loop(&self, tls: Tls) -> Self {
        let tickets = (tls == Tls::Resumed).then(Arc::default);
        Self { tickets, ..self.clone() }
    }

    /// Begins to secure `tcp` for `fan`, which need not be connected yet, behind the proxy that
    /// `passage` asks if there is one.
    ///
    /// # Errors
    /// When no keys can be made.
    pub(super) fn secure(
        &self,
        tcp: TcpStream,
        fan: u64,
        passage: Option<Passage>,
    ) -> Result<Secure, ConnectError> {
        let configuration = match &self.tickets {
            None => Arc::clone(&self.configuration),
            Some(tickets) => {
                let mut own = ClientConfig::clone(&self.configuration);
                own.resumption = Resumption::store(tickets.of(fan));
                Arc::new(own)
            }
        };
        let tls = ClientConnection::new(configuration, self.name.clone());
        let tls = tls.map_err(ConnectError::Tls)?;
        Ok(Secure { tcp, tls, protocol: self.protocol, drained: false, passage })
    }
}

/// The name that the certificate of `host` must bear.
///
/// # Errors
/// When no certificate could.
pub(in crate::live) fn server_name(host: &str) -> Result<ServerName<'static>, SecurityError> {
    name_of(bare_host(host))
}

fn name_of(name: &str) -> Result<ServerName<'static>, SecurityError> {
    ServerName::try_from(name.to_owned()).map_err(|_| SecurityError::Name { host: name.to_owned() })
}

/// The host without its port and without the brackets of an IPv6 address.
fn bare_host(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

/// A secured connection; dropping it says goodbye, as far as the socket takes that at once.
#[derive(Debug)]
pub(super) struct Secure {
    tcp: TcpStream,
    tls: ClientConnection,
    protocol: Protocol,
    /// Whether the last read left nothing in the socket.
    drained: bool,
    /// The way through a proxy, until it is open.
    passage: Option<Passage>,
}

impl Secure {
    /// The connection below.
    pub(super) const fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Goes on with the handshake; true once it is done and both speak the same protocol.
    ///
    /// # Errors
    /// When the other side does not agree, or hangs up.
    pub(super) fn shake_hands(&mut self) -> Result<bool, ConnectError> {
        if let Some(passage) = &mut self.passage {
            if !passage.open(&self.tcp)? {
                return Ok(false);
            }
            self.passage = None;
        }
        while self.tls.is_handshaking() {
            self.flush().map_err(ConnectError::Network)?;
            if !self.tls.is_handshaking() {
                break;
            }
            match self.receive() {
                Ok(0) => return Err(ConnectError::HungUp),
                Ok(_) => {}
                Err(Receipt::Network(error)) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(false);
                }
                Err(Receipt::Network(error)) => return Err(ConnectError::Network(error)),
                Err(Receipt::Tls(error)) => {
                    // The other side learns why, if it still listens.
                    let _ = self.flush();
                    return Err(ConnectError::Tls(error));
                }
            }
        }
        self.flush().map_err(ConnectError::Network)?;
        self.agreed()
    }

    /// Whether the session of an earlier connection was resumed.
    pub(super) fn is_resumed(&self) -> bool {
        self.tls.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// A server that was offered HTTP/1.1 and answers nothing about it speaks it.
    fn agreed(&self) -> Result<bool, ConnectError> {
        let wanted = self.protocol.alpn();
        match (self.tls.alpn_protocol(), self.protocol) {
            (Some(chosen), _) if chosen == wanted.as_bytes() => Ok(true),
            (None, Protocol::Http1) => Ok(true),
            (chosen, _) => {
                let chosen = chosen.map(|name| String::from_utf8_lossy(name).into_owned());
                Err(ConnectError::Protocol { wanted, chosen })
            }
        }
    }

    /// Takes what the socket has and makes of it what it means.
    fn receive(&mut self) -> Result<usize, Receipt> {
        let mut source = Source { tcp: &mut self.tcp, emptied: false };
        let count = self.tls.read_tls(&mut source).map_err(Receipt::Network)?;
        self.drained = source.emptied;
        self.tls.process_new_packets().map_err(Receipt::Tls)?;
        Ok(count)
    }

    /// Reads as much as has come and fits; 0 at the end, which the other side must have announced.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        self.drained = false;
        loop {
            match self.tls.reader().read(&mut buffer[filled..]) {
                Ok(0) => return Ok(filled),
                Ok(count) => {
                    filled += count;
                    if filled == buffer.len() {
                        return Ok(filled);
                    }
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) if filled > 0 => return Ok(filled),
                Err(error) => return Err(error),
            }
            if self.drained {
                return if filled > 0 { Ok(filled) } else { Err(ErrorKind::WouldBlock.into()) };
            }
            match self.receive() {
                Ok(_) => {}
                Err(Receipt::Network(error)) if error.kind() == ErrorKind::WouldBlock => {
                    self.drained = true;
                }
                // It will be met again by the next read.
                Err(_) if filled > 0 => return Ok(filled),
                Err(Receipt::Network(error)) => return Err(error),
                Err(Receipt::Tls(error)) => {
                    let _ = self.flush();
                    return Err(io::Error::new(ErrorKind::InvalidData, error));
                }
            }
        }
    }

    /// Whether the last read left nothing in the socket.
    pub(super) const fn is_drained(&self) -> bool {
        self.drained
    }

    /// Takes as many bytes as it keeps for the socket (64 KB), and sends what the socket takes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.tls.writer().write(bytes)?;
        self.flush()?;
        if taken == 0 && !bytes.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(taken)
    }

    /// Sends what the socket takes; false when some is left.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.tcp) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        if !self.tls.is_handshaking() {
            self.tls.send_close_notify();
            let _ = self.flush();
        }
    }
}

/// What kept bytes from being understood.
enum Receipt {
    Network(io::Error),
    Tls(rustls::Error),
}

/// A socket that notes whether a read emptied it: a short one did, and saves the call that would
/// say so.
struct Source<'socket> {
    tcp: &'socket mut TcpStream,
    emptied: bool,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tcp.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(count) => {
                    // The end is no emptiness: it must be read again to be understood.
                    self.emptied = count < buffer.len() && count > 0;
                    return Ok(count);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_asked_for_without_its_port() {
        for (host, bare) in [
            ("shop.test", "shop.test"),
            ("shop.test:8443", "shop.test"),
            ("127.0.0.1:8443", "127.0.0.1"),
            ("[::1]:8443", "::1"),
            ("[::1]", "::1"),
        ] {
            assert_eq!(bare_host(host), bare);
        }
    }

    #[test]
    fn nobody_is_trusted_unasked() {
        let security = |trusted| Security::new("shop.test", trusted, Protocol::Http1);
        assert!(matches!(security(None), Err(SecurityError::NobodyTrusted)));
        assert!(matches!(security(Some(&b""[..])), Err(SecurityError::NobodyTrusted)));
    }
}
