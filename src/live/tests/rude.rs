//! A shop that does what it is told, however rude: one thread per connection, over whatever the
//! fans connect by.

mod http1;
mod http2;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use domain::outcome::Outcome;
use domain::shop::ShopReply;
use domain::time::Duration;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use crate::scenario::{Protocol, Tls, Wire};

/// What the shop does about one request.
#[derive(Clone, Debug)]
pub(in crate::live) enum Deed {
    /// Answers.
    Answer(String),
    /// Answers one byte at a time, each in a packet of its own.
    Trickle(String),
    /// Sends this much and resets the connection.
    Reset(String),
    /// Answers and closes the connection, without having said so.
    AnswerAndClose(String),
    /// Answers, says that it will say no more, and listens on until the other side goes.
    HalfClose(String),
    /// Stops listening, answers, and closes.
    Deaf(String),
    /// Sends this much, and then nothing until the other side goes.
    Part(String),
    /// Sends the first, and then the second again and again until the other side goes.
    Endless(String, String),
    /// Answers after a while, during which this connection is frozen.
    Late(Duration, String),
    /// Never answers.
    Silence,
}

/// A request that the shop is to decide about.
#[derive(Clone, Debug)]
pub(in crate::live) struct Asked {
    /// Such as `GET /sales/0/status`.
    pub(in crate::live) line: String,
    /// How many requests with the same line came before, over all connections.
    pub(in crate::live) before: usize,
}

/// A running shop; it ends with the process.
#[derive(Debug)]
pub(in crate::live) struct RudeShop {
    pub(in crate::live) address: SocketAddr,
    /// Connections that carried requests of fans.
    pub(in crate::live) connections: Arc<AtomicUsize>,
    /// Those among them that resumed a session of TLS.
    pub(in crate::live) resumed: Arc<AtomicUsize>,
    /// What its certificate leads to (PEM), if it has one.
    pub(in crate::live) certificate: Option<Vec<u8>>,
}

/// The answer of an honest shop, with a body where it has one to give.
pub(in crate::live) fn json(reply: &ShopReply) -> String {
    let body = serde_json::to_string(reply).unwrap();
    let status = ShopReply::status(reply.outcome);
    format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// What an honest, open and well-stocked shop answers.
pub(in crate::live) fn honest(line: &str) -> String {
    let ok = ShopReply { items: Some(1), slots: Some(1), ..ShopReply::of(Outcome::Ok) };
    let body = "<p>page</p>".repeat(50);
    match line {
        _ if line.contains("/page/") => {
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        }
        "GET /admin/snapshot" => {
            let snapshot = domain::shop::ShopSnapshot::default();
            let body = serde_json::to_string(&snapshot).unwrap();
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        }
        "GET /admin/ledger" => {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n0\r\n\r\n".to_owned()
        }
        _ => json(&ok),
    }
}

/// The shop's own certificate for `name` and what makes TLS with it.
pub(in crate::live) fn identity(name: &str, protocols: &[&str]) -> (Vec<u8>, ServerConfig) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    (made.cert.pem().into_bytes(), config)
}

/// What is done about the request that a line begins.
type Decide = dyn Fn(&str) -> Option<Deed> + Send + Sync;

/// What a connection knows of its shop.
struct Clerk {
    decide: Box<Decide>,
    connections: Arc<AtomicUsize>,
    resumed: Arc<AtomicUsize>,
}

/// One connection: what it is over, and whether a fan has spoken on it.
struct Guest<'shop> {
    clerk: &'shop Clerk,
    is_resumed: bool,
    is_fan: bool,
    tcp: TcpStream,
}

impl Guest<'_> {
    /// What to do about a request of `agent` for `line`.
    fn decide(&mut self, line: &str, agent: &str) -> Deed {
        let by_fan = agent.starts_with("spike/");
        if by_fan && !self.is_fan {
            self.is_fan = true;
            self.clerk.connections.fetch_add(1, Ordering::SeqCst);
            self.clerk.resumed.fetch_add(usize::from(self.is_resumed), Ordering::SeqCst);
        }
        let deed = if by_fan { (self.clerk.decide)(line) } else { None };
        deed.unwrap_or_else(|| Deed::Answer(honest(line)))
    }

    /// The connection is reset as soon as it is closed.
    fn reset(&self) -> io::Result<()> {
        socket2::SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO))
    }
}

impl RudeShop {
    /// Opens a shop on a free port that does `deed` about fans' requests; `None` means that it
    /// answers honestly, as it always does to the probe and to administrators.
    pub(in crate::live) fn open(
        deed: impl Fn(&Asked) -> Option<Deed> + Send + Sync + 'static,
    ) -> Self {
        Self::open_over(Wire::default(), deed)
    }

    /// The same, over `wire`.
    pub(in crate::live) fn open_over(
        wire: Wire,
        deed: impl Fn(&Asked) -> Option<Deed> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let [connections, resumed] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let seen = std::sync::Mutex::new(std::collections::HashMap::new());
        let decide = move |line: &str| {
            let mut seen = seen.lock().unwrap();
            let before: &mut usize = seen.entry(line.to_owned()).or_default();
            *before += 1;
            deed(&Asked { line: line.to_owned(), before: *before - 1 })
        };
        let clerk = Arc::new(Clerk {
            decide: Box::new(decide),
            connections: Arc::clone(&connections),
            resumed: Arc::clone(&resumed),
        });
        let (certificate, config) = identity("shop.test", &["h2", "http/1.1"]);
        let is_secured = wire.tls != Tls::Off;
        let acceptor = is_secured.then(|| TlsAcceptor::from(Arc::new(config)));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (clerk, acceptor) = (Arc::clone(&clerk), acceptor.clone());
                // A broken connection is what these shops are for.
                thread::spawn(move || drop(receive(stream, acceptor, &clerk)));
            }
        });
        let certificate = is_secured.then_some(certificate);
        Self { address, connections, resumed, certificate }
    }
}

/// Serves one connection, in the language that its client chose.
fn receive(tcp: TcpStream, acceptor: Option<TlsAcceptor>, clerk: &Clerk) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let mut guest = Guest { clerk, is_resumed: false, is_fan: false, tcp: tcp.try_clone()? };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tcp.set_nonblocking(true)?;
        let stream = tokio::net::TcpStream::from_std(tcp)?;
        let Some(acceptor) = acceptor else {
            // Prior knowledge shows in the first letters (RFC 9113 §3.4).
            let mut letters = [0; 3];
            while stream.peek(&mut letters).await? < letters.len() {}
            let protocol = if letters == *b"PRI" { Protocol::Http2 } else { Protocol::Http1 };
            return speak(protocol, stream, &mut guest).await;
        };
        let stream = acceptor.accept(stream).await?;
        let (_, tls) = stream.get_ref();
        guest.is_resumed = tls.handshake_kind() == Some(HandshakeKind::Resumed);
        let is_http2 = tls.alpn_protocol() == Some(b"h2");
        let protocol = if is_http2 { Protocol::Http2 } else { Protocol::Http1 };
        speak(protocol, stream, &mut guest).await
    })
}

async fn speak(
    protocol: Protocol,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    guest: &mut Guest<'_>,
) -> io::Result<()> {
    match protocol {
        Protocol::Http1 => http1::serve(stream, guest).await,
        Protocol::Http2 => http2::serve(stream, guest).await.map_err(io::Error::other),
    }
}
