//! Tells those who follow a run what it comes to, while it lasts: whoever scrapes, and a collector that is
//! pushed to.
//!
//! A thread of its own does all of it, nicer than the load. What it is handed it takes at once, whoever
//! listens or does not; what somebody does not take in time is dropped, and counted. The recorder, and
//! behind it the load, wait for nobody.

mod push;
mod scrape;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use domain::time::Duration;
use tokio::runtime;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::live::clock::Clock;
use crate::live::crew::give_way;
use crate::measure::delta::{Delta, Tap};
use crate::telemetry::Run;
use crate::telemetry::totals::{Totals, Traffic, Traffics};
use push::Pusher;

pub use push::Collector;

/// How many seconds may wait to be taken at most: they do only where this machine gives the thread no core
/// for so long.
const WAITING_MAX: usize = 64;
/// The word of the thread itself among the consumers, for seconds that it did not come to take.
const OURSELVES: &str = "exporter";
/// How long the last figures may take to reach a collector when the run is over.
const LAST: Duration = Duration::from_secs(3);

/// Why nobody can be told.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Scrapes cannot be answered there.
    #[error(
        "serve metrics at {at}: {why}\nhint: give `--metrics` an address of this machine whose port is free; \
         port 0 takes a free one"
    )]
    Listen {
        /// Where.
        at: SocketAddr,
        /// Why not.
        why: io::Error,
    },
    /// The system gives no thread, or no event queue.
    #[error("start the thread that exports metrics and traces: {0}")]
    Thread(io::Error),
}

/// The thread that tells.
#[derive(Debug)]
pub struct Exporter {
    shared: Arc<Shared>,
    /// Nothing more comes after `None`.
    deltas: Sender<Option<Delta>>,
    /// Where scrapes are answered.
    scraped_at: Option<SocketAddr>,
    thread: JoinHandle<()>,
}

/// What the tasks of that thread share.
#[derive(Debug)]
struct Shared {
    run: Run,
    clock: Clock,
    state: Mutex<State>,
    /// Seconds that were not taken.
    missed: AtomicU64,
}

/// What there is to tell, and what became of it.
#[derive(Debug)]
struct State {
    totals: Totals,
    traffics: Traffics,
    /// Why something did not reach a consumer, the first time.
    trouble: Option<String>,
}

impl Exporter {
    /// Begins to tell of `run`, whose time `clock` tells: those who come to `scrape`, and `collector`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        scrape: Option<TcpListener>,
        collector: Option<Collector>,
        run: Run,
        clock: Clock,
    ) -> Result<Self, ExportError> {
        let scraped_at = scrape.as_ref().and_then(|listener| listener.local_addr().ok());
        let state = State { totals: Totals::of(&run), traffics: Traffics::new(), trouble: None };
        let shared =
            Arc::new(Shared { run, clock, state: Mutex::new(state), missed: AtomicU64::new(0) });
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ExportError::Thread)?;
        let (deltas, told) = mpsc::channel(WAITING_MAX);
        let theirs = Arc::clone(&shared);
        let work = move || {
            give_way();
            runtime.block_on(tell(theirs, told, scrape, collector));
            // A name that is looked up in vain is not waited for.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new()
            .name("exporter".to_owned())
            .spawn(work)
            .map_err(ExportError::Thread)?;
        Ok(Self { shared, deltas, scraped_at, thread })
    }

    /// Where scrapes are answered, if they are.
    pub const fn scraped_at(&self) -> Option<SocketAddr> {
        self.scraped_at
    }

    /// Why something did not reach a consumer, the first time.
    pub fn trouble(&self) -> Option<String> {
        self.shared.state().trouble.clone()
    }

    /// What takes each second of the run. It never waits: where the thread does not come to take it, the
    /// second is missed, and counted.
    pub fn tap(&self) -> Tap {
        let (deltas, shared) = (self.deltas.clone(), Arc::clone(&self.shared));
        Box::new(move |delta| {
            if deltas.try_send(Some(delta)).is_err() {
                shared.missed.fetch_add(1, Ordering::Relaxed);
            }
        })
    }

    /// Tells the last figures and ends, after 3 s at most; what was not told of, in a sentence, if anything.
    pub fn end(self) -> Option<String> {
        let Self { shared, deltas, thread, .. } = self;
        // Where nobody listens the thread has panicked, which is told below.
        let _ = deltas.blocking_send(None);
        if thread.join().is_err() {
            return Some("not exported: the thread that exports panicked".to_owned());
        }
        let mut lacking: Vec<String> = Vec::new();
        let missed = shared.missed.load(Ordering::Relaxed);
        if missed > 0 {
            lacking.push(format!("{missed} seconds for want of a core"));
        }
        let state = shared.state();
        let consumers = state.traffics.iter().filter(|(consumer, _)| **consumer != OURSELVES);
        for (consumer, Traffic { delivered, under_way, dropped }) in consumers {
            let (count, of) = (dropped + under_way, delivered + dropped + under_way);
            if count > 0 {
                lacking.push(format!("{count} of {of} ({consumer})"));
            }
        }
        let lacking = (!lacking.is_empty()).then(|| lacking.join(", "));
        let told: Vec<String> = lacking.into_iter().chain(state.trouble.clone()).collect();
        (!told.is_empty()).then(|| format!("not exported: {}", told.join(": ")))
    }
}

/// Listens for scrapes at `at`.
///
/// # Errors
/// When that is no address of this machine, or taken.
pub fn listen(at: SocketAddr) -> Result<TcpListener, ExportError> {
    let listen = || {
        let listener = TcpListener::bind(at)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    listen().map_err(|why| ExportError::Listen { at, why })
}

/// All that the thread does, until the run is over.
async fn tell(
    shared: Arc<Shared>,
    mut told: Receiver<Option<Delta>>,
    listener: Option<TcpListener>,
    collector: Option<Collector>,
) {
    match listener.map(tokio::net::TcpListener::from_std) {
        Some(Ok(listener)) => {
            shared.count(scrape::CONSUMER, 0, 0);
            tokio::spawn(scrape::serve(listener, Arc::clone(&shared)));
        }
        Some(Err(why)) => shared.note(format!("scrapes cannot be answered: {why}")),
        None => {}
    }
    let pusher = collector.map(|collector| Pusher::start(&collector, &shared));
    while let Some(Some(mut delta)) = told.recv().await {
        let spans = delta.second.as_mut().map(|second| std::mem::take(&mut second.spans));
        shared.add(delta);
        if let (Some(pusher), Some(spans)) = (&pusher, spans) {
            pusher.tell(&shared, spans);
        }
    }
    if let Some(pusher) = pusher {
        pusher.end(LAST).await;
    }
}

impl Shared {
    /// What there is to tell. It is held for as long as it takes to add a second or to copy what is told, and
    /// never while a task waits.
    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked while holding it left figures behind, which are still figures.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what came in, and how many seconds were missed meanwhile.
    fn add(&self, delta: Delta) {
        let mut state = self.state();
        state.totals.add(delta);
        let missed = self.missed.load(Ordering::Relaxed);
        if missed > 0 {
            state.traffics.entry(OURSELVES).or_default().dropped = missed;
        }
    }

    /// Counts what reached a consumer, and what did not.
    fn count(&self, consumer: &'static str, delivered: u64, dropped: u64) {
        let mut state = self.state();
        let traffic = state.traffics.entry(consumer).or_default();
        traffic.delivered += delivered;
        traffic.dropped += dropped;
    }

    /// So many are on their way to a consumer.
    fn under_way(&self, consumer: &'static str, count: u64) {
        self.state().traffics.entry(consumer).or_default().under_way += count;
    }

    /// Of those on their way so many have arrived, and so many were dropped.
    fn arrived(&self, consumer: &'static str, delivered: u64, dropped: u64) {
        let mut state = self.state();
        let traffic = state.traffics.entry(consumer).or_default();
        traffic.delivered += delivered;
        traffic.dropped += dropped;
        traffic.under_way = traffic.under_way.saturating_sub(delivered + dropped);
    }

    /// Notes why something did not reach a consumer.
    fn note(&self, why: String) {
        self.state().trouble.get_or_insert(why);
    }
}

#[cfg(test)]
mod tests;
