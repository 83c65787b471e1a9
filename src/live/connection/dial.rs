//! How a loop opens its connections: where to, from which address, and what is spoken there.

use std::io;
use std::net::{IpAddr, SocketAddr};

use domain::time::Time;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use nix::sys::socket::{setsockopt, sockopt};
use rustix::io::Errno;
use socket2::{Domain, Socket, Type};

use super::failure::ConnectError;
use super::http1::Http1;
use super::http2::Http2;
use super::stream::Stream;
use super::tls::{Security, SecurityError};
use super::{Connection, Exchange};
use crate::live::Target;
use crate::scenario::{Protocol, Tls, Wire};

/// Opens the connections of one loop.
#[derive(Clone, Debug)]
pub(in crate::live) struct Dialer {
    address: SocketAddr,
    wire: Wire,
    security: Option<Security>,
    /// The addresses of this machine that connections come from, in turn; none: the system chooses.
    sources: Vec<IpAddr>,
    /// Whose turn it is.
    turn: usize,
}

impl Dialer {
    /// Connections to `target` that speak as `wire` says and come from `sources` in turn.
    ///
    /// # Errors
    /// When they are to be secured and cannot be.
    pub(in crate::live) fn new(
        target: &Target,
        wire: Wire,
        sources: &[IpAddr],
    ) -> Result<Self, SecurityError> {
        let trusted = target.certificate.as_deref();
        let security = match wire.tls {
            Tls::Off => None,
            Tls::Full | Tls::Resumed => Some(Security::new(&target.host, trusted, wire.protocol)?),
        };
        Ok(Self { address: target.shop, wire, security, sources: sources.to_vec(), turn: 0 })
    }

    /// The same for the loop at `place`, whose fans share nothing with those of another, and who
    /// begins with another source.
    pub(in crate::live) fn for_loop(&self, place: usize) -> Self {
        let security = self.security.as_ref().map(|security| security.for_loop(self.wire.tls));
        Self { security, turn: place, ..self.clone() }
    }

    /// Begins at `begun` to connect for `fan`, by whose number its TLS sessions are remembered; an
    /// event under `token` says when that goes on.
    ///
    /// # Errors
    /// When no socket can be had, or the address refuses at once.
    pub(in crate::live) fn open(
        &mut self,
        fan: u64,
        begun: Time,
        registry: &Registry,
        token: Token,
    ) -> Result<Connection, ConnectError> {
        let tcp = self.connect(registry, token).map_err(ConnectError::Network)?;
        let stream = match &self.security {
            None => Stream::Plain(tcp),
            Some(security) => Stream::Secure(Box::new(security.secure(tcp, fan)?)),
        };
        let exchange = match self.wire.protocol {
            Protocol::Http1 => Exchange::Http1(Http1::new(stream)),
            Protocol::Http2 => Exchange::Http2(Box::new(Http2::new(stream))),
        };
        Ok(Connection::new(exchange, begun))
    }

    fn connect(&mut self, registry: &Registry, token: Token) -> io::Result<TcpStream> {
        let mut stream = if self.sources.is_empty() {
            TcpStream::connect(self.address)?
        } else {
            self.turn = (self.turn + 1) % self.sources.len();
            connect_from(self.sources[self.turn], self.address)?
        };
        // A request leaves at once, whole or not.
        stream.set_nodelay(true)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(stream)
    }
}

/// Begins to connect from `source`, by a port of the system's choice.
///
/// The port is chosen when it is known where the connection goes (`IP_BIND_ADDRESS_NO_PORT`,
/// ip(7)), so that one that is still in use towards another address, or waits out an old
/// connection, can be taken again.
fn connect_from(source: IpAddr, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), None)?;
    setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
    socket.bind(&SocketAddr::new(source, 0).into())?;
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(Errno::INPROGRESS.raw_os_error()) => {
            return Err(error);
        }
        _ => {}
    }
    Ok(TcpStream::from_std(socket.into()))
}
