//! One connection of the edge: TLS if it is spoken, then HTTP/1.1 or HTTP/2.

use std::convert::Infallible;
use std::sync::Arc;

use domain::time::Duration;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::server::http::{self, Front};
use crate::server::lane;

/// How long a client may take for the handshake of TLS: one that stalls keeps no descriptor longer.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// How long to wait before accepting again when there is no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Serves every connection that comes; drop it to end them all.
pub(super) async fn accept(
    listener: &TcpListener,
    tls: Option<TlsAcceptor>,
    front: Arc<Front>,
) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        // What is ready is accepted in one go: a ready listener is asked until it has no more.
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, tls.clone(), Arc::clone(&front)));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, as long as its client keeps it. A client that breaks off or talks nonsense harms
/// nobody else.
async fn converse(stream: TcpStream, tls: Option<TlsAcceptor>, front: Arc<Front>) {
    // Where the option is refused, answers are merely later.
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve(stream, front).await,
        // What TLS keeps is large: a plain connection does without the room for it.
        Some(tls) => Box::pin(secure(stream, tls, front)).await,
    }
}

/// One connection that begins with the handshake of TLS.
async fn secure(stream: TcpStream, tls: TlsAcceptor, front: Arc<Front>) {
    let handshake = tokio::time::timeout(HANDSHAKE_TIME_MAX, tls.accept(stream));
    if let Ok(Ok(stream)) = handshake.await {
        serve(stream, front).await;
    }
}

/// Serves what is plain in the fast lane and leaves the rest to the library, which takes HTTP/1.1,
/// or HTTP/2 if that is how the client goes on.
async fn serve<S>(stream: S, front: Arc<Front>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Some(odd) = lane::serve(stream, &front).await else { return };
    // What the library needs is large, and most connections never do.
    let library = Box::pin(async move {
        let answer = service_fn(move |request| http::answer(Arc::clone(&front), request));
        let builder = auto::Builder::new(TokioExecutor::new());
        builder.serve_connection(TokioIo::new(odd), answer).await
    });
    let _ = library.await;
}
