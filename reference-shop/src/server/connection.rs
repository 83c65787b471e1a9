//! One connection of the edge: TLS if it is spoken, then HTTP/1.1 or HTTP/2.

use std::sync::Arc;

use domain::time::Duration;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::server::http::{self, Front};

/// How long a client may take for the handshake of TLS: one that stalls keeps no descriptor longer.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// One connection, as long as its client keeps it. A client that breaks off or talks nonsense harms
/// nobody else.
pub(super) async fn converse(stream: TcpStream, tls: Option<TlsAcceptor>, front: Arc<Front>) {
    // Where the option is refused, answers are merely later.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return serve(stream, front).await };
    let handshake = tokio::time::timeout(HANDSHAKE_TIME_MAX, tls.accept(stream));
    if let Ok(Ok(stream)) = handshake.await {
        serve(stream, front).await;
    }
}

/// Serves HTTP/1.1, or HTTP/2 if that is how the client begins.
async fn serve<S>(stream: S, front: Arc<Front>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answer = service_fn(|request| http::answer(Arc::clone(&front), request));
    let server = auto::Builder::new(TokioExecutor::new());
    let _ = server.serve_connection(TokioIo::new(stream), answer).await;
}
