//! A way to a secured shop for clients that speak plain HTTP: what is no load goes through it.
//!
//! The clients of snapshots, ledgers and hooks are the same for every server; TLS is put around
//! their bytes here, with the same trust as the fans'.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

/// A tunnel from a port of this machine to a server.
pub(super) struct Tunnel {
    /// Where it begins.
    pub(super) entrance: SocketAddr,
    listener: StdListener,
    connector: TlsConnector,
    name: ServerName<'static>,
    to: String,
}

/// This machine gives no port for a tunnel.
#[derive(Debug, thiserror::Error)]
#[error("open a tunnel to the shop")]
pub struct TunnelError(#[source] io::Error);

impl Tunnel {
    /// A tunnel to the server at `to`, a name or an address with its port, whose certificate must
    /// bear `name` and do by `configuration`.
    ///
    /// # Errors
    /// When this machine gives no port.
    pub(super) fn open(
        to: String,
        name: ServerName<'static>,
        configuration: ClientConfig,
    ) -> Result<Self, TunnelError> {
        let listen = || {
            let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        };
        let (entrance, listener) = listen().map_err(TunnelError)?;
        let connector = TlsConnector::from(Arc::new(configuration));
        Ok(Self { entrance, listener, connector, name, to })
    }

    /// Takes whoever enters to the server, as long as the runtime runs.
    pub(super) async fn serve(self) {
        let Ok(listener) = TcpListener::from_std(self.listener) else { return };
        while let Ok((client, _)) = listener.accept().await {
            let (connector, name) = (self.connector.clone(), self.name.clone());
            tokio::spawn(pass(client, self.to.clone(), connector, name));
        }
    }
}

/// Who breaks off on one side is cut off on the other, which its client tells.
async fn pass(
    mut client: TcpStream,
    to: String,
    connector: TlsConnector,
    name: ServerName<'static>,
) -> io::Result<()> {
    let tcp = TcpStream::connect(to).await?;
    let mut stream = connector.connect(name, tcp).await?;
    copy_bidirectional(&mut client, &mut stream).await?;
    Ok(())
}
