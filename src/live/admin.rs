//! Requests that are no load: the first probe, the shop's snapshots, the ledgers.

use std::io;
use std::net::SocketAddr;

use domain::time::Duration;
use reqwest::{Client, RequestBuilder};
use tokio::runtime::{self, Runtime};

use crate::live::Target;
use crate::live::connection::{SecurityError, configuration, server_name};
use crate::live::tunnel::{Tunnel, TunnelError};
use crate::scenario::{Protocol, Tls};

/// How long a connection for administration may take.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest silence within an answer: a shop that lists a million rows may think a while.
const SILENCE: Duration = Duration::from_secs(30);

/// A client that one thread uses, blocking.
#[derive(Debug)]
pub(super) struct Admin {
    runtime: Runtime,
    client: Client,
    /// Who is asked over TLS, and where the tunnel there begins.
    entrance: Option<(SocketAddr, SocketAddr)>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The system gives no event queue or timer.
    #[error("start the client that reads snapshots and ledgers")]
    Runtime(#[source] io::Error),
    /// The client's settings do not fit together.
    #[error("set up the client that reads snapshots and ledgers")]
    Client(#[source] reqwest::Error),
    /// Nobody can be trusted.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// It cannot be secured.
    #[error(transparent)]
    Tunnel(#[from] TunnelError),
}

impl Admin {
    /// A client of `target` that speaks HTTP/1.1, secured unless `tls` is off, and obeys no proxy
    /// variables: it must see the same shop as the load.
    ///
    /// # Errors
    /// When the system lacks the means.
    pub(super) fn new(tls: Tls, target: &Target) -> Result<Self, AdminError> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(AdminError::Runtime)?;
        let client = Client::builder()
            .no_proxy()
            // A connection to a shop that has died since would be taken for the answer of the next.
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .build()
            .map_err(AdminError::Client)?;
        let tunnel = match tls {
            Tls::Off => None,
            Tls::Full | Tls::Resumed => Some(tunnel_to(target)?),
        };
        let entrance = tunnel.as_ref().map(|tunnel| (target.shop, tunnel.entrance));
        if let Some(tunnel) = tunnel {
            runtime.spawn(tunnel.serve());
        }
        Ok(Self { runtime, client, entrance })
    }

    /// A request for `path` at `address`.
    pub(super) fn get(&self, address: SocketAddr, path: &str) -> RequestBuilder {
        let asked = match self.entrance {
            Some((shop, entrance)) if shop == address => entrance,
            _ => address,
        };
        self.client.get(format!("http://{asked}{path}"))
    }

    /// Waits for `work`.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

/// A way to the shop itself, whose certificate is verified.
fn tunnel_to(target: &Target) -> Result<Tunnel, AdminError> {
    let mut configuration = configuration(target.certificate.as_deref())?;
    configuration.alpn_protocols = vec![Protocol::Http1.alpn().into()];
    let name = server_name(&target.host)?;
    Ok(Tunnel::open(target.shop.to_string(), name, configuration)?)
}

/// The innermost cause of an error: what the system said.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut root = error;
    while let Some(inner) = root.source() {
        root = inner;
    }
    root.to_string()
}

/// An error with all its causes in one line, outermost first.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
