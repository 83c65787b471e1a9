//! The shop over HTTP: listener, connections, shutdown.

mod connection;
mod date;
mod desk;
mod gate;
mod http;
mod lane;
mod link;
mod machine;
mod nginx;
mod node;
mod origin;
mod pages;
mod payment;
mod said;
mod service;
#[cfg(test)]
mod tests;
mod tls;
mod warehouse;

use std::fs;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use anyhow::{Context as _, bail};
use tokio::runtime::{Builder, Runtime};

use crate::clock::Clock;
use crate::server::machine::{Kept, StdinWatch};
use crate::server::node::Nodes;
use crate::server::service::{Edge, Service};
use crate::server::tls::Identity;
use crate::settings::{self, ShopSettings};

/// How many threads serve connections at most. The load generator and the provider want the other
/// processors, and one thread answers more cached pages than a machine of two can ask for.
const THREADS_MAX: usize = 8;

/// The most processes of the edge: together they hold more connections than a machine has ports.
const EDGE_PROCESSES_MAX: i64 = 64;

/// The command line of the shop.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", env = "SPIKE_SHOP_LISTEN")]
    pub listen: SocketAddr,
    /// The shop's settings and catalogue as JSON; left out: a small sale that is open already
    #[arg(long, value_name = "FILE", env = "SPIKE_SHOP_SETTINGS")]
    pub settings: Option<PathBuf>,
    /// The payment provider, such as `http://127.0.0.1:12111`
    #[arg(long, value_name = "URL", env = "SPIKE_SHOP_PROVIDER")]
    pub provider: Option<String>,
    /// The database file: a new one, or that of a shop of the same beginning and settings, which
    /// this one goes on with; left out: a temporary one, deleted at the end. With `storage =
    /// "postgres"`: the address of a server that was started for it; left out: one of its own
    #[arg(long, value_name = "FILE", env = "SPIKE_SHOP_DATABASE")]
    pub database: Option<PathBuf>,
    /// Speaks TLS with a key made at the start, and writes its certificate (PEM) to FILE
    #[arg(long, value_name = "FILE", env = "SPIKE_SHOP_TLS_CERTIFICATE")]
    pub tls_certificate: Option<PathBuf>,
    /// Keeps that key there, for this user alone, and takes it up again where it is there already
    #[arg(long, value_name = "FILE", requires = "tls_certificate", env = "SPIKE_SHOP_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// How many processes hold the edge's connections, each with a cache of its own; 0: this one. Of
    /// nginx so many workers, which share one cache
    #[arg(long, value_name = "N", default_value_t = 0, env = "SPIKE_SHOP_EDGE_PROCESSES")]
    #[arg(value_parser = clap::value_parser!(u16).range(..=EDGE_PROCESSES_MAX))]
    pub edge_processes: u16,
    /// How many connections an edge of nginx has room for
    #[arg(long, value_name = "N", default_value_t = 16_384, env = "SPIKE_SHOP_EDGE_CONNECTIONS")]
    pub edge_connections: u64,
    /// When the run began, in nanoseconds of UTC; left out: now
    #[arg(long, value_name = "N", env = "SPIKE_SHOP_BEGAN_UTC_NS")]
    pub began_utc_ns: Option<u64>,
    /// End when standard input closes, so that no shop outlives who started it
    #[arg(long, env = "SPIKE_SHOP_UNTIL_STDIN_CLOSES")]
    #[arg(value_parser = clap::builder::FalseyValueParser::new())]
    pub until_stdin_closes: bool,
    /// Be a process of the edge; the shop starts those itself
    #[arg(long, hide = true)]
    pub edge_node: bool,
}

/// What the shop counted since it began.
#[derive(Debug, Default)]
struct Counters {
    /// Requests that reached the edge.
    edge: AtomicU64,
    /// Requests that reached the origin.
    origin: AtomicU64,
    /// Calls to the provider.
    payment: AtomicU64,
    /// Requests that are not the fans': for what the shop says of itself, and for what is not there.
    beside: AtomicU64,
}

/// Runs the shop until it is told to end: by SIGINT, SIGTERM or, if so asked, a closed standard
/// input. Once ready it prints `listening on http://…` (`https://…` with TLS), and nothing else, on
/// standard output.
///
/// # Errors
/// When the settings cannot be read, the provider is not named, the address is taken, the
/// certificate cannot be written or the database fails, or a process of the edge ends.
pub fn run(args: &Args) -> anyhow::Result<()> {
    if args.edge_node {
        return node::run();
    }
    let settings = read_settings(args.settings.as_deref())?;
    let Some(provider) = &args.provider else {
        bail!(
            "call a payment provider: none is named\nhint: start one with `mock-provider --listen \
             127.0.0.1:12111`, then pass `--provider http://127.0.0.1:12111`"
        );
    };
    let descriptors = ::machine::raise_descriptor_limit();
    let clock = Clock::new(args.began_utc_ns);
    let stdin = if args.until_stdin_closes { StdinWatch::Watched } else { StdinWatch::Ignored };
    runtime(args.edge_processes)?.block_on(async {
        let stop = machine::told_to_end(stdin)?;
        let door = door(args, settings.shop.edge.clone(), descriptors).await?;
        let database = args.database.as_deref();
        let service = Service::start(door.edge, settings, provider, database, clock).await?;
        let mut stdout = io::stdout();
        let scheme = if args.tls_certificate.is_some() { "https" } else { "http" };
        writeln!(stdout, "listening on {scheme}://{}", door.address)
            .and_then(|()| stdout.flush())
            .context("write to standard output")?;
        service.serve(stop).await
    })
}

/// Where fans come in, and what is kept for it.
struct Door {
    edge: Edge,
    address: SocketAddr,
    _nodes: Option<Nodes>,
    _kept: Option<Kept>,
}

/// Opens the address that fans know, in this process, in others of the edge, or in nginx; `descriptors`
/// is how many files a process may hold open.
async fn door(args: &Args, edge: settings::Edge, descriptors: u64) -> anyhow::Result<Door> {
    let papers = args
        .tls_certificate
        .as_deref()
        .map(|certificate| Papers { certificate, key: args.tls_key.as_deref() });
    if edge.by == settings::EdgeBy::Shop && args.edge_processes == 0 {
        let listener = machine::listen(args.listen)?;
        let address = listener.local_addr().context("read the own address")?;
        let edge = Edge::Here(listener, identity(papers, address)?, None);
        return Ok(Door { edge, address, _nodes: None, _kept: None });
    }
    let kept = machine::keep(args.listen)?;
    let address = kept.address;
    let identity = identity(papers, address)?;
    if edge.by == settings::EdgeBy::Shop {
        let (nodes, links) = Nodes::start(args.edge_processes)?;
        let edge = Edge::There(links, address, identity);
        return Ok(Door { edge, address, _nodes: Some(nodes), _kept: Some(kept) });
    }
    let listener = machine::listen((Ipv4Addr::LOCALHOST, 0).into())?;
    let plan = nginx::Plan {
        listen: address,
        origin: listener.local_addr().context("read the own address")?,
        identity,
        edge,
        connections: args.edge_connections,
        workers: u64::from(args.edge_processes).max(threads() as u64),
        descriptors,
    };
    let nginx = nginx::Nginx::start(plan).await?;
    let edge = Edge::Here(listener, None, Some(nginx));
    Ok(Door { edge, address, _nodes: None, _kept: Some(kept) })
}

/// The threads of the origin, and of the edge where that is in the same process. On a small machine
/// one thread does both: the load generator and the provider want the other processors.
fn runtime(edge_processes: u16) -> anyhow::Result<Runtime> {
    let mut builder = match (edge_processes, threads()) {
        (0, threads) if threads > 1 => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
        _ => Builder::new_current_thread(),
    };
    builder.enable_all().build().context("start the threads")
}

/// How many threads, or workers of nginx, serve connections.
fn threads() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (processors / 2).clamp(1, THREADS_MAX)
}

/// Where an identity in TLS is written down.
#[derive(Copy, Clone)]
struct Papers<'a> {
    certificate: &'a Path,
    key: Option<&'a Path>,
}

/// Who the edge is in TLS; without papers there is no TLS. Where its key was kept it is who it was.
fn identity(papers: Option<Papers<'_>>, address: SocketAddr) -> anyhow::Result<Option<Identity>> {
    let Some(Papers { certificate, key }) = papers else { return Ok(None) };
    if let Some(key) = key.filter(|key| key.exists()) {
        let read = |path: &Path| {
            fs::read_to_string(path).with_context(|| format!("read `{}`", path.display()))
        };
        let kept = Identity::kept(read(certificate)?, read(key)?);
        return Ok(Some(kept.context("take up the key and its certificate")?));
    }
    let identity = Identity::make(address.ip()).context("make a certificate")?;
    let unwritten = |path: &Path| format!("write `{}`", path.display());
    fs::write(certificate, &identity.pem).with_context(|| unwritten(certificate))?;
    if let Some(path) = key {
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        let written = file.and_then(|mut file| file.write_all(identity.key_pem.as_bytes()));
        written.with_context(|| unwritten(path))?;
    }
    Ok(Some(identity))
}

/// The settings in a file, or a small sale.
fn read_settings(path: Option<&Path>) -> anyhow::Result<ShopSettings> {
    let Some(path) = path else { return Ok(ShopSettings::small()) };
    let text = fs::read_to_string(path)
        .with_context(|| format!("read the settings `{}`", path.display()))?;
    let settings: ShopSettings = serde_json::from_str(&text)
        .with_context(|| format!("read the settings `{}`", path.display()))?;
    let problems = settings.problems();
    if !problems.is_empty() {
        bail!("use the settings `{}`:\n  {}", path.display(), problems.join("\n  "));
    }
    Ok(settings)
}
