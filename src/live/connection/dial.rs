//! How a loop opens its connections: where to, from which address, and what is spoken there.

use std::io::{self, ErrorKind::NotFound};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use domain::time::Time;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use nix::sys::socket::{setsockopt, sockopt};
use rustix::io::Errno;
use rustls::ClientConfig;
use socket2::{Domain, Socket, Type};

use super::failure::ConnectError;
use super::http1::Http1;
use super::http2::Http2;
use super::proxy::Passage;
use super::stream::Stream;
use super::tls::{Security, SecurityError};
use super::trust::foreign;
use super::{Connection, Exchange};
use crate::live::Target;
use crate::live::abroad::Abroad;
use crate::scenario::{Protocol, Tls, Wire};
use crate::step::funnel::{Host, Scheme};

/// Opens the connections of one loop.
#[derive(Clone, Debug)]
pub(in crate::live) struct Dialer {
    wire: Wire,
    /// Where to, by the numbers of the hosts; the embedded shop is the only one.
    ways: Vec<Way>,
    /// How ways to further hosts are found; absent: there are none.
    abroad: Option<(Arc<Abroad>, Trusted)>,
    /// The addresses of this machine that connections come from, in turn; none: the system chooses.
    sources: Vec<IpAddr>,
    /// Whose turn it is.
    turn: usize,
}

/// The way to one host.
#[derive(Clone, Debug)]
struct Way {
    /// Where it is, tried in turn; none: nobody knows.
    addresses: Vec<SocketAddr>,
    /// Whose turn it is.
    turn: usize,
    security: Option<Security>,
    /// Whom a proxy is asked for a way to, a host with its port.
    passage: Option<Arc<str>>,
    protocol: Protocol,
}

/// Whom the hosts of a foreign shop may be, as far as anybody needs to be trusted.
type Trusted = Option<Arc<ClientConfig>>;

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
        let dialer =
            Self { wire, ways: Vec::new(), abroad: None, sources: sources.to_vec(), turn: 0 };
        let Some(abroad) = &target.abroad else {
            let trusted = target.certificate.as_deref();
            let security = match wire.tls {
                Tls::Off => None,
                Tls::Full | Tls::Resumed => {
                    Some(Security::new(&target.host, trusted, wire.protocol)?)
                }
            };
            let protocol = wire.protocol;
            let addresses = vec![target.shop];
            let way = Way { addresses, turn: 0, security, passage: None, protocol };
            return Ok(Self { ways: vec![way], ..dialer });
        };
        let is_secured = abroad.hosts.iter().any(|host| host.scheme == Scheme::Https);
        let trusted = match foreign(&abroad.trust, wire.protocol) {
            Ok(configuration) => Some(Arc::new(configuration)),
            // Who speaks to nobody over TLS needs nobody to trust.
            Err(_) if !is_secured => None,
            Err(error) => return Err(error),
        };
        let mut dialer = Self { abroad: Some((Arc::new(abroad.clone()), trusted)), ..dialer };
        for host in &abroad.hosts {
            dialer.add(host)?;
        }
        Ok(dialer)
    }

    /// The same for the loop at `place`, whose fans share nothing with those of another, and who
    /// begins with another source.
    pub(in crate::live) fn for_loop(&self, place: usize) -> Self {
        let mut dialer = Self { turn: place, ..self.clone() };
        let tls = self.remembering();
        for way in &mut dialer.ways {
            way.security = way.security.as_ref().map(|security| security.for_loop(tls));
        }
        dialer
    }

    /// How many hosts there are ways to.
    pub(in crate::live) const fn hosts(&self) -> usize {
        self.ways.len()
    }

    /// Adds the way to a further host; where none can be found, none will stand.
    ///
    /// # Errors
    /// When it is to be secured and has a name that no certificate bears.
    pub(in crate::live) fn add(&mut self, host: &Host) -> Result<(), SecurityError> {
        let mut way = Way {
            addresses: Vec::new(),
            turn: 0,
            security: None,
            passage: None,
            protocol: self.wire.protocol,
        };
        if let Some((abroad, trusted)) = &self.abroad {
            way.addresses = abroad.ways(host);
            if host.scheme == Scheme::Https {
                let trusted = trusted.clone().ok_or(SecurityError::NobodyTrusted)?;
                let security = Security::with(trusted, &host.name, way.protocol)?;
                way.security = Some(security.for_loop(self.remembering()));
                let (name, port) = abroad.place(host);
                let place = Host { scheme: Scheme::Http, name, port };
                // Its authority names the port, unless it is that of plain HTTP.
                let authority = place.authority();
                let authority = if port == 80 { format!("{authority}:80") } else { authority };
                way.passage = abroad.proxy.is_some().then(|| authority.into());
            } else if abroad.proxy.is_some() {
                way.protocol = Protocol::Http1;
            }
        }
        self.ways.push(way);
        Ok(())
    }

    /// Takes the next address of a host, for one refused; how many there are.
    pub(in crate::live) fn pass_over(&mut self, host: usize) -> usize {
        let way = &mut self.ways[host];
        way.turn = (way.turn + 1) % way.addresses.len().max(1);
        way.addresses.len()
    }

    /// Whether sessions are remembered: to a foreign shop they are, as browsers do, unless every
    /// handshake is to be a full one.
    fn remembering(&self) -> Tls {
        match (&self.abroad, self.wire.tls) {
            (Some(_), Tls::Off) => Tls::Resumed,
            (_, tls) => tls,
        }
    }

    /// Begins at `begun` to connect to the host of that number for `fan`, by whose number its TLS
    /// sessions are remembered; an event under `token` says when that goes on.
    ///
    /// # Errors
    /// When no socket can be had, or the address refuses at once.
    pub(in crate::live) fn open(
        &mut self,
        (host, fan): (usize, u64),
        begun: Time,
        registry: &Registry,
        token: Token,
    ) -> Result<Connection, ConnectError> {
        let tcp = self.connect(host, registry, token).map_err(ConnectError::Network)?;
        let way = &self.ways[host];
        let stream = match &way.security {
            None => Stream::Plain(tcp),
            Some(security) => {
                let proxy = self.abroad.as_ref().and_then(|(abroad, _)| abroad.proxy.as_ref());
                let credentials = proxy.and_then(|proxy| proxy.credentials.as_ref());
                let passage = way.passage.as_deref().map(|to| Passage::to(to, credentials));
                Stream::Secure(Box::new(security.secure(tcp, fan, passage)?))
            }
        };
        let exchange = match way.protocol {
            Protocol::Http1 => Exchange::Http1(Http1::new(stream)),
            Protocol::Http2 => Exchange::Http2(Box::new(Http2::new(stream))),
        };
        let host = u8::try_from(host).expect("there are at most 64 hosts");
        Ok(Connection::new(exchange, begun, host))
    }

    fn connect(&mut self, host: usize, registry: &Registry, token: Token) -> io::Result<TcpStream> {
        let way = &self.ways[host];
        let address = way.addresses.get(way.turn).copied();
        let address = address.ok_or_else(|| io::Error::new(NotFound, "its name has no address"))?;
        let mut stream = if self.sources.is_empty() {
            TcpStream::connect(address)?
        } else {
            self.turn = (self.turn + 1) % self.sources.len();
            connect_from(self.sources[self.turn], address)?
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
