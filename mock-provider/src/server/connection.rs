//! Connections that can be reset: the caller then meets a broken connection, not an answer.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use domain::time::Duration;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// One caller's connection, as the answer of a call knows it.
#[derive(Clone, Debug)]
pub(super) enum Connection {
    /// A socket; the flag asks for its reset.
    Live(Arc<AtomicBool>),
    /// None: how an answer would arrive is only described. See [`super::answer::Manner`].
    #[cfg(feature = "wiremock")]
    Described,
}

impl Default for Connection {
    fn default() -> Self {
        Self::Live(Arc::default())
    }
}

impl Connection {
    /// Breaks the connection (a TCP reset) instead of writing whatever is answered next.
    pub(super) fn reset(&self) {
        match self {
            Self::Live(flag) => flag.store(true, Ordering::Relaxed),
            #[cfg(feature = "wiremock")]
            Self::Described => {}
        }
    }

    fn is_reset(&self) -> bool {
        match self {
            Self::Live(flag) => flag.load(Ordering::Relaxed),
            #[cfg(feature = "wiremock")]
            Self::Described => false,
        }
    }
}

/// A listener whose connections can be reset.
#[derive(Debug)]
pub(super) struct Connections(pub(super) TcpListener);

impl Listener for Connections {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // A small answer must not wait for more; a socket that cannot say so is only slower.
        drop(stream.set_nodelay(true));
        (Stream { stream, connection: Connection::default() }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Connections>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Self {
        stream.io().connection.clone()
    }
}

/// The bytes of a connection, until it is reset.
#[derive(Debug)]
pub(super) struct Stream {
    stream: TcpStream,
    connection: Connection,
}

impl Stream {
    /// Fails when the connection is to be reset; the server then drops it.
    fn check(&self) -> io::Result<()> {
        if !self.connection.is_reset() {
            return Ok(());
        }
        // Closing a socket that may not linger sends a reset. Where the system refuses, the
        // connection is closed all the same, and the caller still gets no answer.
        drop(SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)));
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
