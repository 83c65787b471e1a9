//! The provider as an HTTP server: Axum over the pure rules.
//!
//! One lock around the rules, held for microseconds and never across an await; answers are delayed
//! by timers, and a call that hangs keeps its connection until the caller goes. The ledger is kept
//! in memory, and appended to a file where one is named.

pub mod decode;
mod ledger;
mod limits;
mod listen;
mod native;
mod settings_file;
mod shared;
mod stop;
pub mod stripe;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;

use anyhow::Context;
use axum::Router;
use axum::serve::ListenerExt;
use clap::value_parser;
use domain::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub use ledger::LedgerFileError;
pub use listen::ListenError;
pub use settings_file::SettingsError;

use crate::clock::Clock;
use crate::settings::Settings;
use ledger::LedgerFile;
use shared::Shared;
use stop::Stdin;

/// How long the server waits at its end for answers under way, which are usually gone within 3 s.
const GRACE_MAX: Duration = Duration::from_secs(5);

/// How long an answer that has just left may take through the sockets.
const LINGER: Duration = Duration::from_millis(100);

/// How many threads serve: one would do, a second one lets the ledger be read meanwhile. Measured,
/// unoptimised and beside wrk on two cores: 8,400 authorizations per second.
const THREADS: usize = 2;

/// How to run the provider.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Listen on this address; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    #[arg(env = "SPIKE_PROVIDER_LISTEN")]
    pub listen: String,

    /// Serve /admin on this address instead
    #[arg(long, value_name = "ADDR", env = "SPIKE_PROVIDER_ADMIN")]
    pub admin: Option<String>,

    /// Behave like this provider: a name of --list-profiles, or a TOML file [default: stripe-2024]
    #[arg(long, value_name = "NAME|FILE", env = "SPIKE_PROVIDER_PROFILE")]
    pub profile: Option<String>,

    /// Say which profiles there are, their limits and where their figures come from, and end
    #[arg(long)]
    pub list_profiles: bool,

    /// Read the settings from this TOML or JSON file: the keys of a scenario's [provider], and seed
    #[arg(long, value_name = "FILE", env = "SPIKE_PROVIDER_SETTINGS", conflicts_with = "profile")]
    pub settings: Option<PathBuf>,

    /// Set a key of the settings, such as declines=0 or limits.0.rate=30
    #[arg(long, value_name = "KEY=VALUE", env = "SPIKE_PROVIDER_SET", value_delimiter = ';')]
    pub set: Vec<String>,

    /// Draw latencies, declines and hangs from this seed [default: the settings' own, or 0]
    #[arg(long, value_name = "N", env = "SPIKE_PROVIDER_SEED")]
    pub seed: Option<u64>,

    /// Append the ledger to this file, which is new or empty
    #[arg(long, value_name = "FILE", env = "SPIKE_PROVIDER_LEDGER")]
    pub ledger: Option<PathBuf>,

    /// When the run began, in nanoseconds of UTC [default: now]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64))]
    #[arg(env = "SPIKE_PROVIDER_BEGAN_UTC_NS")]
    pub began_utc_ns: Option<u64>,

    /// End when standard input is closed
    #[arg(long, env = "SPIKE_PROVIDER_UNTIL_STDIN_CLOSES")]
    #[arg(value_parser = clap::builder::FalseyValueParser::new())]
    pub until_stdin_closes: bool,
}

/// Serves until SIGINT, SIGTERM or, if asked to, the end of standard input.
///
/// Once ready it prints one line on stdout: `listening on http://127.0.0.1:12111`.
///
/// # Errors
/// When the settings are wrong, the port is taken or the ledger cannot be written.
pub fn run(args: Args) -> anyhow::Result<()> {
    if args.list_profiles {
        let list = settings_file::list_profiles();
        return io::stdout().write_all(list.as_bytes()).context("failed to write to stdout");
    }
    let began_utc_ns = Clock::new(args.began_utc_ns).began_utc_ns();
    let settings = settings_file::settings_of(&args, began_utc_ns)?;
    let args = Args { began_utc_ns: Some(began_utc_ns), ..args };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .context("failed to start the runtime")?;
    let served = runtime.block_on(async {
        let stdin = if args.until_stdin_closes { Stdin::Watched } else { Stdin::Ignored };
        let server = Server::bind(args, settings)?;
        let stop = stop::asked_to_stop(stdin).context("failed to listen for signals")?;
        server.announce().context("failed to write to stdout")?;
        Ok(server.serve(stop).await?)
    });
    // Calls that hang would keep the runtime for ever.
    runtime.shutdown_background();
    served
}

/// A provider that listens.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    listener: TcpListener,
    admin: Option<TcpListener>,
    file: Option<LedgerFile>,
}

/// A server that cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// It cannot listen.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// It cannot keep its ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerFileError),
}

/// A server that could not do its work to the end.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Connections can no longer be accepted.
    #[error("failed to accept connections")]
    Accept(#[source] io::Error),
    /// The ledger's file is incomplete.
    #[error(transparent)]
    Ledger(#[from] LedgerFileError),
}

impl Server {
    /// Listens, and opens the ledger's file; nothing is answered yet. Of `args` it reads `listen`,
    /// `admin`, `ledger` and `began_utc_ns`.
    ///
    /// # Errors
    /// When the address is taken or unknown, or the ledger's file cannot be opened or is not empty.
    ///
    /// # Panics
    /// Outside a tokio runtime, and when [`Settings::check`] finds something.
    pub fn bind(args: Args, settings: Settings) -> Result<Self, BindError> {
        let Args { listen, admin, ledger, began_utc_ns, .. } = args;
        let listener = listen::listen_on(&listen)?;
        let admin = admin.as_deref().map(listen::listen_on).transpose()?;
        let file = ledger.as_deref().map(LedgerFile::open).transpose()?;
        let shared = Arc::new(Shared::new(Clock::new(began_utc_ns), settings));
        Ok(Self { shared, listener, admin, file })
    }

    /// Where merchants call.
    ///
    /// # Panics
    /// Never: a bound socket has an address.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound socket has an address")
    }

    /// Where the administration is.
    ///
    /// # Panics
    /// Never: a bound socket has an address.
    pub fn admin_address(&self) -> SocketAddr {
        let admin = self.admin.as_ref().unwrap_or(&self.listener);
        admin.local_addr().expect("a bound socket has an address")
    }

    /// Serves until `stop` is done; then answers under way have a few seconds to leave, and the
    /// last lines go to the ledger's file.
    ///
    /// # Errors
    /// When connections cannot be accepted, or the ledger's file could not be written whole.
    ///
    /// # Panics
    /// When the thread that writes the ledger's file panicked.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let Self { shared, listener, admin, file } = self;
        let (ended, end) = mpsc::channel();
        let keeper = file.map(|file| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || file.keep(&end, |mark| shared.ledger_after(mark)))
        });
        let (close, closing) = watch::channel(());
        let served = tokio::select! {
            served = serve_on(listener, admin, &shared, &closing) => served,
            () = stop_gently(stop, &shared, close) => Ok(()),
        };
        drop(ended);
        let kept = keeper.map(|keeper| keeper.join().expect("the ledger's thread does not panic"));
        served.map_err(ServeError::Accept)?;
        Ok(kept.transpose().map(|_| ())?)
    }

    fn announce(&self) -> io::Result<()> {
        if self.admin.is_some() {
            eprintln!("administration on http://{}", self.admin_address());
        }
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "listening on http://{}", self.address())?;
        stdout.flush()
    }
}

/// Serves merchants and administration, on one listener or on two, until `closing` closes.
async fn serve_on(
    listener: TcpListener,
    admin: Option<TcpListener>,
    shared: &Arc<Shared>,
    closing: &watch::Receiver<()>,
) -> io::Result<()> {
    let payments = native::payments(Arc::clone(shared));
    let administration =
        native::administration(Arc::clone(shared)).merge(limits::routes(Arc::clone(shared)));
    let Some(admin) = admin else {
        return serve_one(listener, payments.merge(administration), closing).await;
    };
    tokio::try_join!(
        serve_one(listener, payments, closing),
        serve_one(admin, administration, closing)
    )?;
    Ok(())
}

async fn serve_one(
    listener: TcpListener,
    router: Router,
    closing: &watch::Receiver<()>,
) -> io::Result<()> {
    // A small answer must not wait for more; a socket that cannot say so is only slower.
    let listener = listener.tap_io(|stream: &mut TcpStream| drop(stream.set_nodelay(true)));
    let mut closing = closing.clone();
    // The other end is dropped, never used: an error is the signal.
    let closed = async move { drop(closing.changed().await) };
    axum::serve(listener, router).with_graceful_shutdown(closed).await
}

/// Waits for `stop`, stops accepting, and gives the answers under way time to leave.
async fn stop_gently(stop: impl Future<Output = ()>, shared: &Shared, close: watch::Sender<()>) {
    stop.await;
    drop(close);
    tokio::time::sleep(shared.busy_for().min(GRACE_MAX) + LINGER).await;
}
