//! Connections that could not be made, and whose fault that is.

use std::io::{self, ErrorKind};

use rustix::io::Errno;

use crate::evidence::ConnectionFailure;

/// Why a connection was not made.
#[derive(Debug, thiserror::Error)]
pub(in crate::live) enum ConnectError {
    /// No socket could be had, or the other side could not be reached.
    #[error("connect")]
    Network(#[source] io::Error),
    /// The other side hung up before its connection was secured.
    #[error("the server hung up during the handshake")]
    HungUp,
    /// The two sides did not agree how to secure the connection, or the certificate is not trusted.
    #[error("agree on TLS")]
    Tls(#[source] rustls::Error),
    /// The server does not speak what was asked for.
    #[error("the server does not speak {wanted}: {}", said(.chosen.as_deref()))]
    Protocol {
        /// The protocol that was offered, by its name in ALPN.
        wanted: &'static str,
        /// What the server chose instead, if anything.
        chosen: Option<String>,
    },
    /// A proxy opens no way.
    #[error("the proxy refuses: {said}")]
    Proxy {
        /// The first line of its answer.
        said: String,
    },
    /// The greeting of HTTP/2 failed.
    #[error("greet the server in HTTP/2")]
    Greeting(#[source] h2::Error),
}

fn said(chosen: Option<&str>) -> String {
    chosen.map_or_else(|| "it chose nothing".to_owned(), |chosen| format!("it chose {chosen}"))
}

impl ConnectError {
    /// What is counted.
    pub(in crate::live) fn failure(&self) -> ConnectionFailure {
        match self {
            Self::Network(error) => of_network(error),
            Self::HungUp => ConnectionFailure::Reset,
            Self::Proxy { .. } => ConnectionFailure::Refused,
            Self::Tls(_) | Self::Protocol { .. } => ConnectionFailure::Handshake,
            Self::Greeting(error) => match error.get_io() {
                Some(error) => of_network(error),
                None => ConnectionFailure::Handshake,
            },
        }
    }

    /// Whether a socket could not be had for want of something of our own: descriptors, ports,
    /// memory. Such an operation was never sent, and the shop is not to blame.
    pub(in crate::live) fn is_own_fault(&self) -> bool {
        matches!(self.failure(), ConnectionFailure::NoPort | ConnectionFailure::NoDescriptor)
    }
}

/// An error of a socket before its connection stood (connect(2), socket(2)).
fn of_network(error: &io::Error) -> ConnectionFailure {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    match (errno, error.kind()) {
        (Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM), _) => {
            ConnectionFailure::NoDescriptor
        }
        (Some(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE), _) => ConnectionFailure::NoPort,
        (_, ErrorKind::ConnectionRefused) => ConnectionFailure::Refused,
        (_, ErrorKind::TimedOut) => ConnectionFailure::TimedOut,
        (
            _,
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof,
        ) => ConnectionFailure::Reset,
        _ => ConnectionFailure::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(errno: Errno) -> (ConnectionFailure, bool) {
        let error = ConnectError::Network(errno.into());
        (error.failure(), error.is_own_fault())
    }

    #[test]
    fn only_the_lack_of_our_own_means_is_our_own_fault() {
        for own in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            assert_eq!(failure(own), (ConnectionFailure::NoDescriptor, true));
        }
        assert_eq!(failure(Errno::ADDRNOTAVAIL), (ConnectionFailure::NoPort, true));
        for (theirs, counted) in [
            (Errno::CONNREFUSED, ConnectionFailure::Refused),
            (Errno::CONNRESET, ConnectionFailure::Reset),
            (Errno::TIMEDOUT, ConnectionFailure::TimedOut),
            (Errno::HOSTUNREACH, ConnectionFailure::Other),
        ] {
            assert_eq!(failure(theirs), (counted, false));
        }
    }

    #[test]
    fn a_server_that_speaks_otherwise_is_named() {
        let error = ConnectError::Protocol { wanted: "h2", chosen: Some("http/1.1".to_owned()) };
        assert_eq!(error.to_string(), "the server does not speak h2: it chose http/1.1");
        assert_eq!(error.failure(), ConnectionFailure::Handshake);
    }
}
