//! What all connections share: the clock, and behind one lock the rules and the ledger.

use std::sync::{Mutex, MutexGuard};

use axum::body::Bytes;
use domain::time::{Duration, Time};

use super::ledger::{Bookmark, Ledger};
use crate::clock::Clock;
use crate::rules::{Counts, Decision, Provider, Request};
use crate::settings::Settings;

/// The running provider. Its lock is held for microseconds, and never while a task waits.
#[derive(Debug)]
pub(super) struct Shared {
    clock: Clock,
    desk: Mutex<Desk>,
}

/// One lock for both, so that the ledger's order is the order of the decisions.
#[derive(Debug)]
struct Desk {
    provider: Provider,
    ledger: Ledger,
}

/// What cannot be written down does not happen.
#[derive(Debug, thiserror::Error)]
#[error("the ledger is full: start the provider anew for another run")]
pub(super) struct LedgerFullError;

impl Shared {
    pub(super) fn new(clock: Clock, settings: Settings) -> Self {
        let desk = Desk { provider: Provider::new(settings), ledger: Ledger::default() };
        Self { clock, desk: Mutex::new(desk) }
    }

    /// Decides a call and writes it down. The time is read under the lock, so that it does not
    /// run backwards from one line to the next.
    pub(super) fn decide(&self, request: &Request<'_>) -> Result<Decision, LedgerFullError> {
        let mut desk = self.desk();
        if desk.ledger.is_full() {
            return Err(LedgerFullError);
        }
        let at = self.clock.now();
        let decision = desk.provider.handle(at, self.clock.utc_ns(at), request);
        for line in &decision.lines {
            desk.ledger.append(line);
        }
        Ok(decision)
    }

    /// Lets `act` look at the provider, or change it, at the present.
    pub(super) fn with_provider<T>(&self, act: impl FnOnce(Time, &mut Provider) -> T) -> T {
        let mut desk = self.desk();
        act(self.clock.now(), &mut desk.provider)
    }

    pub(super) fn counts(&self) -> Counts {
        let mut desk = self.desk();
        desk.provider.counts(self.clock.now())
    }

    /// How long until the last answer under way has left.
    pub(super) fn busy_for(&self) -> Duration {
        let desk = self.desk();
        desk.provider.last_answer_leaves().since(self.clock.now())
    }

    /// The whole ledger.
    pub(super) fn ledger(&self) -> Vec<Bytes> {
        self.ledger_after(&mut Bookmark::default())
    }

    /// The ledger's lines after `bookmark`, which is moved behind them.
    pub(super) fn ledger_after(&self, bookmark: &mut Bookmark) -> Vec<Bytes> {
        self.desk().ledger.read_on(bookmark)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().expect("a panic under the lock has ended the provider's truth")
    }
}
