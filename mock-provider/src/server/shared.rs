//! What all connections share: the clock, and behind one lock the rules and the ledger.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use domain::provider::PaymentLine;
use domain::time::{Duration, Time};

use super::ledger::{Bookmark, Ledger};
use crate::clock::Clock;
use crate::rules::directory::Setup;
use crate::rules::{Answer, Counts, Decision, Fault, Intent, Provider, Request};
use crate::settings::Settings;

/// The running provider. Its lock is held for microseconds, and never while a task waits.
#[derive(Debug)]
pub(super) struct Shared {
    clock: Clock,
    seed: u64,
    key_chars_max: u16,
    /// How many requests were not understood, and never became calls.
    strays: AtomicU64,
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
        let (seed, key_chars_max) = (settings.seed, settings.keys.length);
        let desk = Desk { provider: Provider::new(settings), ledger: Ledger::default() };
        Self { clock, seed, key_chars_max, strays: AtomicU64::new(0), desk: Mutex::new(desk) }
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
        desk.write_down(&decision.lines);
        Ok(decision)
    }

    /// The cardholder answers a challenge on a page: the payment as it then stands, and what it
    /// names.
    pub(super) fn authenticate(
        &self,
        number: u64,
        answer: Answer,
    ) -> Result<Result<Arc<Intent>, Fault>, LedgerFullError> {
        let mut desk = self.desk();
        if desk.ledger.is_full() {
            return Err(LedgerFullError);
        }
        let at = self.clock.now();
        let answered = desk.provider.authenticate(at, self.clock.utc_ns(at), number, answer);
        Ok(answered.map(|(intent, lines)| {
            desk.write_down(&lines);
            intent
        }))
    }

    /// The cardholder answers whether a card may be charged later: the setup as it then stands.
    pub(super) fn authenticate_setup(
        &self,
        number: u64,
        answer: Answer,
    ) -> Result<Arc<Setup>, Fault> {
        let mut desk = self.desk();
        let at = self.clock.now();
        desk.provider.authenticate_setup(at, self.clock.utc_ns(at), number, answer)
    }

    /// A setup of any account, if it is remembered.
    pub(super) fn setup(&self, number: u64) -> Option<Arc<Setup>> {
        self.desk().provider.setup(number).cloned()
    }

    /// Lets happen what has fallen due by itself, and writes it down.
    pub(super) fn settle(&self) -> Result<(), LedgerFullError> {
        let mut desk = self.desk();
        let at = self.clock.now();
        if desk.provider.next_due().is_none_or(|due| due > at) {
            return Ok(());
        }
        if desk.ledger.is_full() {
            return Err(LedgerFullError);
        }
        let lines = desk.provider.settle(at, self.clock.utc_ns(at));
        desk.write_down(&lines);
        Ok(())
    }

    /// A payment of any account, if it is remembered.
    pub(super) fn intent(&self, number: u64) -> Option<Arc<Intent>> {
        self.desk().provider.intent(number).cloned()
    }

    /// The payment that the account made for that order through the gateway face.
    pub(super) fn order(&self, account: &str, reference: &str) -> Option<u64> {
        self.desk().provider.order(account, reference)
    }

    /// The present, in nanoseconds of UTC \[ns\].
    pub(super) fn utc_ns(&self) -> u64 {
        self.clock.utc_ns(self.clock.now())
    }

    /// What names and secrets are drawn from.
    pub(super) const fn seed(&self) -> u64 {
        self.seed
    }

    /// How long an idempotency key may be \[characters\].
    pub(super) fn key_chars_max(&self) -> usize {
        self.key_chars_max.into()
    }

    /// The number of a request that was not understood, from 0.
    pub(super) fn stray(&self) -> u64 {
        self.strays.fetch_add(1, Ordering::Relaxed)
    }

    /// When the run began \[ns of UTC\].
    pub(super) fn began_utc_ns(&self) -> u64 {
        self.clock.utc_ns(Time::ZERO)
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

impl Desk {
    fn write_down(&mut self, lines: &[PaymentLine]) {
        for line in lines {
            self.ledger.append(line);
        }
    }
}
