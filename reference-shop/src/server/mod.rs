//! The shop over HTTP: listener, connections, shutdown.

mod connection;
mod date;
mod desk;
mod gate;
mod http;
mod lane;
mod link;
mod machine;
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

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use anyhow::{Context as _, bail};
use tokio::runtime::{Builder, Runtime};

use crate::clock::Clock;
use crate::server::machine::StdinWatch;
use crate::server::node::Nodes;
use crate::server::service::{Edge, Service};
use crate::server::tls::Identity;
use crate::settings::ShopSettings;

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
    /// The database file, which must not exist yet; left out: a temporary one, deleted at the end
    #[arg(long, value_name = "FILE", env = "SPIKE_SHOP_DATABASE")]
    pub database: Option<PathBuf>,
    /// Speaks TLS with a key made at the start, and writes its certificate (PEM) to FILE
    #[arg(long, value_name = "FILE", env = "SPIKE_SHOP_TLS_CERTIFICATE")]
    pub tls_certificate: Option<PathBuf>,
    /// How many processes hold the edge's connections, each with a cache of its own; 0: this one
    #[arg(long, value_name = "N", default_value_t = 0, env = "SPIKE_SHOP_EDGE_PROCESSES")]
    #[arg(value_parser = clap::value_parser!(u16).range(..=EDGE_PROCESSES_MAX))]
    pub edge_processes: u16,
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
}

/// Runs the shop until it is told to end: by SIGINT, SIGTERM or, if so asked, a closed standard
/// input. Once ready it prints `listening on http://…` (`https://…` with TLS), and nothing else, on
/// standard output.
///
/// # Errors
/// When the settings cannot be read, the provider is not named, the address is taken, the
/// certificate cannot be written or the database fails, or a process of the edge ends.
pub fn run(args: Args) -> anyhow::Result<()> {
    if args.edge_node {
        return node::run();
    }
    let settings = read_settings(args.settings.as_deref())?;
    let Some(provider) = args.provider else {
        bail!(
            "call a payment provider: none is named\nhint: start one with `mock-provider --listen \
             127.0.0.1:12111`, then pass `--provider http://127.0.0.1:12111`"
        );
    };
    ::machine::raise_descriptor_limit();
    let clock = Clock::new(args.began_utc_ns);
    let stdin = if args.until_stdin_closes { StdinWatch::Watched } else { StdinWatch::Ignored };
    runtime(args.edge_processes)?.block_on(async {
        let stop = machine::told_to_end(stdin)?;
        let certificate = args.tls_certificate.as_deref();
        let (edge, address, _nodes) = match args.edge_processes {
            0 => {
                let listener = machine::listen(args.listen)?;
                let address = listener.local_addr().context("read the own address")?;
                (Edge::Here(listener, identity(certificate, address)?), address, None)
            }
            count => {
                let kept = machine::keep(args.listen)?;
                let address = kept.address;
                let identity = identity(certificate, address)?;
                let (nodes, links) = Nodes::start(count)?;
                (Edge::There(links, address, identity), address, Some((nodes, kept)))
            }
        };
        let database = args.database.as_deref();
        let service = Service::start(edge, settings, &provider, database, clock).await?;
        let mut stdout = io::stdout();
        let scheme = if certificate.is_some() { "https" } else { "http" };
        writeln!(stdout, "listening on {scheme}://{address}")
            .and_then(|()| stdout.flush())
            .context("write to standard output")?;
        service.serve(stop).await
    })
}

/// The threads of the origin, and of the edge where that is in the same process. On a small machine
/// one thread does both: the load generator and the provider want the other processors.
fn runtime(edge_processes: u16) -> anyhow::Result<Runtime> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let mut builder = match (edge_processes, (processors / 2).clamp(1, THREADS_MAX)) {
        (0, threads) if threads > 1 => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
        _ => Builder::new_current_thread(),
    };
    builder.enable_all().build().context("start the threads")
}

/// Who the edge is in TLS, its certificate written to `path`; without one there is no TLS.
fn identity(path: Option<&Path>, address: SocketAddr) -> anyhow::Result<Option<Identity>> {
    let Some(path) = path else { return Ok(None) };
    let identity = Identity::make(address.ip()).context("make a certificate")?;
    std::fs::write(path, &identity.pem)
        .with_context(|| format!("write the certificate `{}`", path.display()))?;
    Ok(Some(identity))
}

/// The settings in a file, or a small sale.
fn read_settings(path: Option<&Path>) -> anyhow::Result<ShopSettings> {
    let Some(path) = path else { return Ok(ShopSettings::small()) };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("read the settings `{}`", path.display()))?;
    let settings: ShopSettings = serde_json::from_str(&text)
        .with_context(|| format!("read the settings `{}`", path.display()))?;
    let problems = settings.problems();
    if !problems.is_empty() {
        bail!("use the settings `{}`:\n  {}", path.display(), problems.join("\n  "));
    }
    Ok(settings)
}
