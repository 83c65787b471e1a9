//! One question asked as fans will ask, before they come.

use std::io;

use domain::time::Duration;
use mio::{Events, Poll, Token};

use super::{ConnectError, Connection, Dialer, Loss, Progress};
use crate::live::clock::Clock;
use crate::live::http::{Body, Heads};

/// What one answer is read through \[bytes\].
const BUFFER: usize = 16 * 1024;

/// Why nobody understood.
#[derive(Debug, thiserror::Error)]
pub(in crate::live) enum ProbeError {
    /// The system gives no event queue.
    #[error("wait for the shop")]
    Wait(#[source] io::Error),
    /// No connection came to stand.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It broke off.
    #[error(transparent)]
    Lost(#[from] Loss),
    /// No answer came in time.
    #[error("no answer within {} s", .0.as_secs())]
    Silence(Duration),
}

impl ProbeError {
    /// What is wrong with the certificate that was shown, if that is it.
    pub(in crate::live) fn certificate(&self) -> Option<String> {
        match self {
            Self::Connect(ConnectError::Tls(rustls::Error::InvalidCertificate(why))) => {
                Some(why.to_string())
            }
            _ => None,
        }
    }

    /// Whether somebody answered who did not agree on TLS.
    pub(in crate::live) const fn is_of_tls(&self) -> bool {
        matches!(self, Self::Connect(ConnectError::Tls(_) | ConnectError::HungUp))
    }
}

/// Asks one question over a connection of the kind that `dialer` opens; any answer will do.
///
/// # Errors
/// When none has come within `patience`.
pub(in crate::live) fn probe(
    dialer: &Dialer,
    host: &str,
    clock: Clock,
    patience: Duration,
) -> Result<(), ProbeError> {
    let request = format!("GET /sales/0/status HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let mut buffer = vec![0; BUFFER];
    let ask = |connection: &mut Connection, closing| {
        advance(connection, request.as_bytes(), clock, &mut buffer, closing)
    };
    let mut dialer = dialer.for_loop(0);
    connect(&mut dialer, 0, clock, patience, ask)
}

/// Connects to the host of that number, as far as TLS and the protocol's own greeting, and asks
/// nothing. Its addresses are tried in turn.
///
/// # Errors
/// When no connection has come to stand within `patience` each.
pub(in crate::live) fn reach(
    dialer: &Dialer,
    host: usize,
    clock: Clock,
    patience: Duration,
) -> Result<(), ProbeError> {
    let mut dialer = dialer.for_loop(0);
    let mut tried = 1;
    loop {
        let establish = |connection: &mut Connection, _| Ok(connection.establish(clock)?.is_some());
        let reached = connect(&mut dialer, host, clock, patience, establish);
        if reached.is_ok() || tried >= dialer.pass_over(host) {
            return reached;
        }
        tried += 1;
    }
}

/// Connects, and goes on by `advance` after each event until that is done.
fn connect(
    dialer: &mut Dialer,
    host: usize,
    clock: Clock,
    patience: Duration,
    mut advance: impl FnMut(&mut Connection, bool) -> Result<bool, ProbeError>,
) -> Result<(), ProbeError> {
    let mut poll = Poll::new().map_err(ProbeError::Wait)?;
    let mut events = Events::with_capacity(1);
    let begun = clock.now();
    let mut connection = dialer.open((host, 0), begun, poll.registry(), Token(0))?;
    loop {
        let waited = clock.now().since(begun);
        if waited >= patience {
            return Err(ProbeError::Silence(patience));
        }
        match poll.poll(&mut events, Some(patience.saturating_sub(waited))) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(ProbeError::Wait(error));
            }
            _ => {}
        }
        for event in &events {
            let closing = event.is_read_closed() || event.is_error();
            if advance(&mut connection, closing)? {
                return Ok(());
            }
        }
    }
}

/// Goes on after an event; true once the answer is whole.
fn advance(
    connection: &mut Connection,
    request: &[u8],
    clock: Clock,
    buffer: &mut [u8],
    closing: bool,
) -> Result<bool, ProbeError> {
    if connection.is_connecting() {
        if connection.establish(clock)?.is_none() {
            return Ok(false);
        }
        connection.send(request, Body::Skip)?;
    } else {
        connection.flush()?;
    }
    Ok(connection.read(buffer, &mut Heads::default(), closing)? == Progress::Whole)
}
