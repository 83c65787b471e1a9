//! The provider as an HTTP server: Axum over the pure rules.
//!
//! [`run`] is the program from its arguments to its end, [`Server`] the same for a test or for an
//! embedding program. Three faces speak to merchants, each in its own words, and make of every
//! request one call for the rules: `native` (JSON), `stripe` and `gateway`. The call goes through
//! `shared` to the rules and into the `ledger`, and what they decide through `answer` to the wire.
//!
//! One lock around the rules, held for microseconds and never across an await; answers are delayed
//! by timers, and a call that hangs keeps its connection until the caller goes. The ledger is in a
//! file, and a call in the ledger before it is answered.

// How it begins and ends.
mod args;
mod listen;
mod settings_file;
mod stop;

// The faces.
pub mod decode;
pub mod gateway;
mod native;
pub mod stripe;
#[cfg(feature = "wiremock")]
pub mod wiremock;

// From a face to the rules, into the ledger and back.
mod answer;
mod connection;
mod ledger;
mod shared;

// What goes to merchants by itself, and what the owner sees.
mod admin;
mod metrics;
mod webhooks;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use domain::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

pub use args::Args;
pub use ledger::LedgerFileError;
pub use listen::ListenError;
pub use settings_file::SettingsError;
pub use webhooks::WebhookArgs;

use crate::clock::Clock;
use crate::settings::Settings;
use connection::{Connection, Connections};
use ledger::Ledger;
use shared::Shared;
use stop::Stdin;

/// How long the server waits at its end for answers under way, which are usually gone within 3 s.
const GRACE_MAX: Duration = Duration::from_secs(5);

/// How long an answer that has just left may take through the sockets.
const LINGER: Duration = Duration::from_millis(100);

/// How often the server looks whether something has fallen due by itself: any call looks as well,
/// so this is how late an event of a payment can be that nobody calls about.
const SETTLE_EVERY: Duration = Duration::from_millis(50);

/// How many threads serve, beside those that read the ledger. One: calls meet at one lock, and a
/// second thread costs each about two fifths more. Measured on two busy cores: 67,000 to 91,000
/// authorizations per second of processor time.
const THREADS: usize = 1;

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
    machine::raise_descriptor_limit();
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
    /// The ledger could not be written to: calls were turned away.
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
        let merchants = listener.local_addr().expect("a bound socket has an address");
        let admin = listen::listen_for_admin(admin.as_deref(), merchants)?;
        let ledger = Ledger::open(ledger.as_deref())?;
        let shared = Arc::new(Shared::new(Clock::new(began_utc_ns), settings, ledger));
        Ok(Self { shared, listener, admin })
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
    /// ledger is closed.
    ///
    /// # Errors
    /// When connections cannot be accepted, or the ledger could not be written to.
    ///
    /// # Panics
    /// When the thread that writes the ledger panicked.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let Self { shared, listener, admin } = self;
        let (close, closing) = watch::channel(());
        let messages = tokio::spawn(webhooks::send_all(Arc::clone(&shared), closing.clone()));
        let served = tokio::select! {
            served = serve_on(listener, admin, &shared, &closing) => served,
            () = settle(&shared) => unreachable!("it never ends"),
            () = stop_gently(stop, &shared, close) => Ok(()),
        };
        // The other end of `closing` is gone by now, however the serving ended.
        messages.await.expect("the task that sends messages does not panic");
        let closed = tokio::task::spawn_blocking(shared.close()).await;
        if shared.is_followed() {
            // The last lines, and that they are the last, are on their way.
            tokio::time::sleep(LINGER).await;
        }
        served.map_err(ServeError::Accept)?;
        Ok(closed.expect("the ledger's thread does not panic")?)
    }

    fn announce(&self) -> io::Result<()> {
        if self.admin.is_some() {
            eprintln!("administration on http://{}", self.admin_address());
        }
        webhooks::announce(&self.shared);
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
    let payments = faces(shared);
    let administration = admin::administration(Arc::clone(shared));
    let Some(admin) = admin else {
        return serve_one(listener, payments.merge(administration), closing).await;
    };
    tokio::try_join!(
        serve_one(listener, payments, closing),
        serve_one(admin, administration.fallback(admin::elsewhere), closing)
    )?;
    Ok(())
}

/// All faces: their paths do not meet.
fn faces(shared: &Arc<Shared>) -> Router {
    native::payments(Arc::clone(shared))
        .merge(stripe::face(Arc::clone(shared)))
        .merge(gateway::face(Arc::clone(shared)))
}

/// Lets happen in time what falls due by itself: cardholders answer, reserved money is let go.
async fn settle(shared: &Shared) {
    let mut ticks = tokio::time::interval(SETTLE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // What cannot be written down does not happen; the next call says so.
        let _ = shared.settle();
    }
}

async fn serve_one(
    listener: TcpListener,
    router: Router,
    closing: &watch::Receiver<()>,
) -> io::Result<()> {
    let mut closing = closing.clone();
    // The other end is dropped, never used: an error is the signal.
    let closed = async move { drop(closing.changed().await) };
    let service = router.into_make_service_with_connect_info::<Connection>();
    axum::serve(Connections(listener), service).with_graceful_shutdown(closed).await
}

/// Waits for `stop`, stops accepting, and gives the answers under way time to leave.
async fn stop_gently(stop: impl Future<Output = ()>, shared: &Shared, close: watch::Sender<()>) {
    stop.await;
    drop(close);
    tokio::time::sleep(shared.busy_for().min(GRACE_MAX) + LINGER).await;
}
