//! An nginx in front of the shop: `[shop.edge] by = "nginx"`.
//!
//! It has the address that fans know; the shop listens elsewhere on this machine and answers what nginx
//! does not. How many requests there were it is asked at a socket of its own.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use machine::nginx::{Nginx as Server, NginxError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::server::tls::Identity;
use crate::settings::Edge;

/// Its configuration, in which words in braces are filled in.
const CONFIGURATION: &str = include_str!("../../edge/nginx.conf");

/// The names of the files in its folder.
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

/// Descriptors of a worker for everything that is no connection of a fan: its log, its cache's files.
const DESCRIPTORS_BESIDE: u64 = 128;

/// What the front is made of.
#[derive(Debug)]
pub(super) struct Plan {
    /// Where fans find it.
    pub(super) listen: SocketAddr,
    /// Where the shop listens.
    pub(super) origin: SocketAddr,
    pub(super) identity: Option<Identity>,
    pub(super) edge: Edge,
    /// Connections of fans at once, at most.
    pub(super) connections: u64,
    pub(super) workers: u64,
    /// Files that a worker may hold open.
    pub(super) descriptors: u64,
}

/// A running front. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Nginx {
    server: Server,
    /// How often it was asked how many requests there were: those it counts too.
    asked: AtomicU64,
    /// What it said last.
    counted: AtomicU64,
}

impl Nginx {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// When nginx is not installed or does not start.
    pub(super) async fn start(plan: Plan) -> anyhow::Result<Self> {
        // It takes its time.
        let started = tokio::task::spawn_blocking(move || plan.start()).await;
        let server = started.context("wait for nginx")??;
        Ok(Self { server, asked: AtomicU64::new(0), counted: AtomicU64::new(0) })
    }

    /// How many requests of others it has had so far; what it said last, if it does not answer.
    pub(super) async fn requests(&self) -> u64 {
        let socket = self.server.folder().join("status.sock");
        // Every question is a request too, this one included.
        if let Ok(counted) = ask(socket).await {
            let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
            self.counted.fetch_max(counted.saturating_sub(asked), Ordering::Relaxed);
        }
        self.counted.load(Ordering::Relaxed)
    }
}

impl Plan {
    fn start(&self) -> Result<Server, NginxError> {
        let configuration = self.render();
        let mut files = vec![("nginx.conf", configuration.as_str())];
        if let Some(identity) = &self.identity {
            files.extend([(CERTIFICATE, &*identity.pem), (KEY, &*identity.key_pem)]);
        }
        Server::start(&files)
    }

    fn render(&self) -> String {
        let (tls, certificate) = match self.identity {
            Some(_) => (
                " ssl http2",
                format!(
                    "        ssl_certificate {CERTIFICATE};\n        ssl_certificate_key {KEY};\n        \
                     ssl_protocols TLSv1.2 TLSv1.3;\n        ssl_session_timeout 12h;\n"
                ),
            ),
            None => ("", String::new()),
        };
        // Each connection of a fan may have one to the shop, and one worker may get most of them.
        let connections = self.connections.saturating_mul(2).saturating_add(DESCRIPTORS_BESIDE);
        let most = self.descriptors.saturating_sub(DESCRIPTORS_BESIDE).max(DESCRIPTORS_BESIDE);
        CONFIGURATION
            .replace("{workers}", &self.workers.to_string())
            .replace("{connections}", &connections.min(most).to_string())
            .replace("{origin}", &self.origin.to_string())
            .replace("{listen}", &self.listen.to_string())
            .replace("{tls}", tls)
            .replace("{certificate}", &certificate)
            .replace("{collapse}", if self.edge.collapse { "on" } else { "off" })
    }
}

/// How many requests nginx says it has had
/// (nginx.org, `ngx_http_stub_status_module`).
async fn ask(socket: PathBuf) -> io::Result<u64> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    let mut said = String::new();
    stream.read_to_string(&mut said).await?;
    counted(&said).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The third number below `server accepts handled requests`.
fn counted(said: &str) -> Option<u64> {
    let mut lines = said.lines().skip_while(|line| !line.starts_with("server accepts"));
    lines.nth(1)?.split_whitespace().nth(2)?.parse().ok()
}
