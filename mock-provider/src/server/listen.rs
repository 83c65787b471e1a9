//! Listening, with an error that a person understands.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// How many connections may wait to be accepted: a spike opens thousands at once. The system may
/// allow fewer (`net.core.somaxconn`).
const BACKLOG: i32 = 4_096;

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else does already.
    #[error(
        "failed to listen on {address}: address already in use\n\
         hint: name another port, or port 0 for a free one"
    )]
    InUse {
        /// As it was given.
        address: String,
    },
    /// It cannot be, for another reason.
    #[error("failed to listen on {address}")]
    Other {
        /// As it was given.
        address: String,
        /// Why.
        source: io::Error,
    },
}

/// Listens on `address`, such as `127.0.0.1:12111` or `localhost:0`.
pub(super) fn listen_on(address: &str) -> Result<TcpListener, ListenError> {
    let listener = resolve(address).and_then(bind);
    listener.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse { address: address.to_owned() },
        _ => ListenError::Other { address: address.to_owned(), source },
    })
}

/// Listens for the administration: on `address`, where a port alone means this machine. Without
/// one it shares the merchants' listener, unless other machines reach that: then it takes a free
/// port of this machine, and `None` means the shared one.
pub(super) fn listen_for_admin(
    address: Option<&str>,
    merchants: SocketAddr,
) -> Result<Option<TcpListener>, ListenError> {
    let here = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string();
    let address = match address {
        Some(text) => text.parse().map_or_else(|_| text.to_owned(), here),
        None if merchants.ip().to_canonical().is_loopback() => return Ok(None),
        None => here(0),
    };
    listen_on(&address).map(Some)
}

fn resolve(address: &str) -> io::Result<SocketAddr> {
    address.to_socket_addrs()?.next().ok_or_else(|| io::Error::other("the name has no address"))
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A server that was just ended may be started again at once.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
