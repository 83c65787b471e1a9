//! A way to a secured shop for clients that speak plain HTTP: what is no load goes through it.
//!
//! The client of snapshots and ledgers is the same for every shop; TLS is put around its bytes
//! here, with the same trust as the fans'.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use crate::live::Target;
use crate::live::connection::{SecurityError, configuration, server_name};
use crate::scenario::Protocol;

/// A tunnel from a port of this machine to the shop.
pub(super) struct Tunnel {
    /// Where it begins.
    pub(super) entrance: SocketAddr,
    listener: StdListener,
    connector: TlsConnector,
    name: ServerName<'static>,
    shop: SocketAddr,
}

/// Why there is no tunnel.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// This machine gives no port.
    #[error("open a tunnel to the shop")]
    Listen(#[source] io::Error),
    /// Nobody can be trusted.
    #[error(transparent)]
    Security(#[from] SecurityError),
}

impl Tunnel {
    /// A tunnel to `target`, whose certificate is verified.
    ///
    /// # Errors
    /// When nobody can be trusted, or this machine gives no port.
    pub(super) fn open(target: &Target) -> Result<Self, TunnelError> {
        let mut configuration = configuration(target.certificate.as_deref())?;
        configuration.alpn_protocols = vec![Protocol::Http1.alpn().into()];
        let name = server_name(&target.host)?;
        let listen = || {
            let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        };
        let (entrance, listener) = listen().map_err(TunnelError::Listen)?;
        let connector = TlsConnector::from(Arc::new(configuration));
        Ok(Self { entrance, listener, connector, name, shop: target.shop })
    }

    /// Takes whoever enters to the shop, as long as the runtime runs.
    pub(super) async fn serve(self) {
        let Ok(listener) = TcpListener::from_std(self.listener) else { return };
        while let Ok((client, _)) = listener.accept().await {
            let (connector, name) = (self.connector.clone(), self.name.clone());
            tokio::spawn(pass(client, self.shop, connector, name));
        }
    }
}

/// Who breaks off on one side is cut off on the other, which its client tells.
async fn pass(
    mut client: TcpStream,
    shop: SocketAddr,
    connector: TlsConnector,
    name: ServerName<'static>,
) -> io::Result<()> {
    let tcp = TcpStream::connect(shop).await?;
    let mut stream = connector.connect(name, tcp).await?;
    copy_bidirectional(&mut client, &mut stream).await?;
    Ok(())
}
