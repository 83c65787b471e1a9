//! A client of the shop's edge, over every wire that it speaks.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring as provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// What is spoken with the edge.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Http1,
    Http2,
    TlsHttp1,
    TlsHttp2,
}

impl Wire {
    pub(super) fn is_secured(self) -> bool {
        matches!(self, Self::TlsHttp1 | Self::TlsHttp2)
    }
}

/// Somebody who makes a connection per request.
pub(super) struct Client {
    pub(super) edge: SocketAddr,
    wire: Wire,
    tls: Option<TlsConnector>,
}

impl Client {
    /// A client of the edge at that address, which trusts the certificate (PEM) alone.
    pub(super) fn new(edge: SocketAddr, wire: Wire, certificate: Option<&str>) -> Self {
        Self { edge, wire, tls: certificate.map(|pem| connector(wire, pem)) }
    }

    /// The answer's status and body.
    pub(super) async fn ask(&self, method: Method, path: &str, body: Vec<u8>) -> (u16, Bytes) {
        let stream = TcpStream::connect(self.edge).await.unwrap();
        let Some(tls) = &self.tls else { return self.converse(stream, method, path, body).await };
        let name = ServerName::from(self.edge.ip());
        let stream = tls.connect(name, stream).await.unwrap();
        self.converse(stream, method, path, body).await
    }

    async fn converse<S>(
        &self,
        stream: S,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> (u16, Bytes)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stream = TokioIo::new(stream);
        let url = format!("http://{}{path}", self.edge);
        let uri = if matches!(self.wire, Wire::Http2 | Wire::TlsHttp2) { &url } else { path };
        let request = Request::builder().method(method).uri(uri).header("host", "shop");
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let response = if uri == path {
            let (mut sender, connection) = http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        } else {
            let (mut sender, connection) =
                http2::handshake(TokioExecutor::new(), stream).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        };
        let status = response.status().as_u16();
        (status, response.into_body().collect().await.unwrap().to_bytes())
    }
}

fn connector(wire: Wire, pem: &str) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(provider::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    let protocol = if wire == Wire::TlsHttp2 { &b"h2"[..] } else { &b"http/1.1"[..] };
    config.alpn_protocols = vec![protocol.to_vec()];
    TlsConnector::from(Arc::new(config))
}
