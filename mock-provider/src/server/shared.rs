//! What all connections share: the clock, the measurements, and behind one lock the rules and the
//! ledger.

use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use domain::provider::{PaymentLine, PaymentOperation};
use domain::time::{Duration, Time};
use tokio::sync::Notify;

use super::ledger::{ExportError, Ledger, LedgerError, LedgerFileError, Reading, Receipt};
use super::metrics::{CallCounts, Figures, Meters, UnderWay};
use crate::clock::Clock;
use crate::rules::directory::Setup;
use crate::rules::webhook::{Answered, Delivery, Dispatcher};
use crate::rules::{Answer, Counts, Decision, Fault, Intent, Provider, Request};
use crate::settings::{Limit, Names, Settings};
use crate::tally::{Ruling, Tally};

/// The running provider. Its lock is held for microseconds, and never while a task waits.
#[derive(Debug)]
pub(super) struct Shared {
    clock: Clock,
    seed: u64,
    key_chars_max: u16,
    names: Names,
    /// How many requests were not understood, and never became calls.
    strays: AtomicU64,
    desk: Mutex<Desk>,
    reading: Reading,
    meters: Meters,
    exporting: tokio::sync::Mutex<()>,
    /// Wakes whoever sends messages.
    earlier: Notify,
}

/// One lock for all, so that the ledger's order is the order of the decisions, and the counts are
/// those of the ledger.
#[derive(Debug)]
struct Desk {
    provider: Provider,
    ledger: Ledger,
    calls: CallCounts,
    tally: Tally,
    /// When whoever sends messages looks again by itself.
    looks_again: Option<Time>,
}

/// A call that was decided, and whose answer has not left.
#[derive(Debug)]
pub(super) struct Called<'shared> {
    /// Apart, for the call moves from one future into the next.
    pub(super) decision: Box<Decision>,
    under_way: UnderWay<'shared>,
    operation: PaymentOperation,
    at: Time,
    receipt: Receipt,
}

impl Shared {
    pub(super) fn new(clock: Clock, settings: Settings, ledger: Ledger) -> Self {
        let (seed, key_chars_max) = (settings.seed, settings.keys.length);
        let names = settings.names.clone();
        let reading = ledger.reading();
        let provider = Provider::new(settings);
        let (calls, tally) = (CallCounts::default(), Tally::default());
        let desk = Mutex::new(Desk { provider, ledger, calls, tally, looks_again: None });
        Self {
            clock,
            seed,
            key_chars_max,
            names,
            strays: AtomicU64::new(0),
            desk,
            reading,
            meters: Meters::default(),
            exporting: tokio::sync::Mutex::default(),
            earlier: Notify::new(),
        }
    }

    /// Decides a call and writes it down. The time is read under the lock, so that it does not
    /// run backwards from one line to the next.
    ///
    /// # Errors
    /// When it cannot be written down: then it does not happen.
    pub(super) fn decide(&self, request: &Request<'_>) -> Result<Called<'_>, LedgerError> {
        let under_way = self.meters.begin();
        let operation = request.call.operation(request.face);
        let mut desk = self.desk();
        desk.ledger.has_room()?;
        let at = self.clock.now();
        let decision = desk.provider.handle(at, self.clock.utc_ns(at), request);
        let receipt = desk.write_down(&decision.lines)?;
        desk.note_limits(at, &decision);
        self.wake_sender(&desk);
        Ok(Called { decision: Box::new(decision), under_way, operation, at, receipt })
    }

    /// Waits until the lines of a call stand in the ledger's file, and then until the answer may
    /// leave: what the file took is a part of the answer's delay.
    ///
    /// # Errors
    /// When they cannot be written: then nothing of the call may be told.
    pub(super) async fn answer_is_due(&self, called: &Called<'_>) -> Result<(), LedgerError> {
        if !self.reading.has(called.receipt) {
            self.reading.wait_for(called.receipt).await?;
        }
        if !called.decision.delay.is_zero() {
            let leaves = called.at + called.decision.delay;
            tokio::time::sleep(leaves.since(self.clock.now())).await;
        }
        Ok(())
    }

    /// An answer leaves: what was decided.
    pub(super) fn leave(&self, called: Called<'_>) -> Box<Decision> {
        let Called { under_way, operation, at, decision, .. } = called;
        under_way.leave(operation, decision.told, self.clock.now().since(at));
        decision
    }

    /// The cardholder answers a challenge on a page: the payment as it then stands, and what it
    /// names.
    ///
    /// # Errors
    /// When it cannot be written down: then it does not happen.
    pub(super) fn authenticate(
        &self,
        number: u64,
        answer: Answer,
    ) -> Result<Result<Arc<Intent>, Fault>, LedgerError> {
        let mut desk = self.desk();
        desk.ledger.has_room()?;
        let at = self.clock.now();
        let utc_ns = self.clock.utc_ns(at);
        let mut lines = desk.provider.settle(at, utc_ns);
        let answered = desk.provider.authenticate(at, utc_ns, number, answer);
        let answered = answered.map(|(intent, line)| {
            lines.push(line);
            intent
        });
        desk.write_down(&lines)?;
        self.wake_sender(&desk);
        Ok(answered)
    }

    /// The cardholder answers whether a card may be charged later: the setup as it then stands.
    pub(super) fn authenticate_setup(
        &self,
        number: u64,
        answer: Answer,
    ) -> Result<Arc<Setup>, Fault> {
        let mut desk = self.desk();
        let at = self.clock.now();
        let setup = desk.provider.authenticate_setup(at, self.clock.utc_ns(at), number, answer);
        self.wake_sender(&desk);
        setup
    }

    /// A setup of any account, if it is remembered.
    pub(super) fn setup(&self, number: u64) -> Option<Arc<Setup>> {
        self.desk().provider.setup(number).cloned()
    }

    /// Lets happen what has fallen due by itself, and writes it down.
    ///
    /// # Errors
    /// When it cannot be written down: then it does not happen.
    pub(super) fn settle(&self) -> Result<(), LedgerError> {
        let mut desk = self.desk();
        let at = self.clock.now();
        if desk.provider.next_due().is_none_or(|due| due > at) {
            return Ok(());
        }
        desk.ledger.has_room()?;
        let lines = desk.provider.settle(at, self.clock.utc_ns(at));
        desk.write_down(&lines)?;
        self.wake_sender(&desk);
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

    /// At most `room` messages to merchants that are due, and how long until the next.
    pub(super) fn due(&self, room: usize) -> (Vec<Delivery>, Option<Duration>) {
        let mut desk = self.desk();
        let at = self.clock.now();
        let due = desk.provider.webhooks_mut().due(at, room);
        desk.looks_again = desk.provider.webhooks().next_due();
        (due, desk.looks_again.map(|next| next.since(at)))
    }

    /// Waits until a message is due earlier than was said.
    pub(super) async fn hurry(&self) {
        self.earlier.notified().await;
    }

    /// What an endpoint answered to a message.
    pub(super) fn answered(&self, message: u64, answered: Answered) {
        let mut desk = self.desk();
        let at = self.clock.now();
        desk.provider.webhooks_mut().outcome(message, at, answered);
        self.wake_sender(&desk);
    }

    /// A look at the messages to merchants.
    pub(super) fn with_webhooks<T>(&self, look: impl FnOnce(&Dispatcher) -> T) -> T {
        look(self.desk().provider.webhooks())
    }

    /// Whether the account has that event.
    pub(super) fn has_event(&self, account: &str, number: u64) -> bool {
        let desk = self.desk();
        desk.provider.events().get(number).is_some_and(|event| *event.account == *account)
    }

    /// What the clocks on walls show \[s of UTC\].
    pub(super) fn utc_s(&self) -> u64 {
        self.clock.utc_ns(self.clock.now()) / 1_000_000_000
    }

    fn wake_sender(&self, desk: &Desk) {
        let next = desk.provider.webhooks().next_due();
        if next.is_some_and(|next| desk.looks_again.is_none_or(|look| next < look)) {
            self.earlier.notify_one();
        }
    }

    /// What names and secrets are drawn from.
    pub(super) const fn seed(&self) -> u64 {
        self.seed
    }

    /// How long an idempotency key may be \[characters\].
    pub(super) fn key_chars_max(&self) -> usize {
        self.key_chars_max.into()
    }

    /// Where the merchant's own names for a payment are found.
    pub(super) const fn names(&self) -> &Names {
        &self.names
    }

    /// The number of a request that was not understood, from 0.
    pub(super) fn stray(&self) -> u64 {
        self.strays.fetch_add(1, Ordering::Relaxed)
    }

    /// Forgets what each limit admitted and refused: other limits stand in their places.
    pub(super) fn count_limits_anew(&self) {
        self.desk().tally = Tally::default();
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

    /// The ledger's reading end.
    pub(super) const fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The whole ledger as an `SQLite` file without a name, and its length in bytes. One is made
    /// at a time: each needs the disk for as much as the ledger has.
    pub(super) async fn export(&self) -> Result<(File, u64), ExportError> {
        let _turn = self.exporting.lock().await;
        let reading = self.reading.clone();
        let exported = tokio::task::spawn_blocking(move || reading.export()).await;
        exported.expect("an export does not panic")
    }

    /// Takes no more calls; what comes back waits until the ledger is complete, outside the lock.
    pub(super) fn close(&self) -> impl FnOnce() -> Result<(), LedgerFileError> + use<> {
        self.desk().ledger.close()
    }

    /// Whether somebody reads lines as they are written.
    pub(super) fn is_followed(&self) -> bool {
        // One reading end is the provider's own.
        self.desk().ledger.readings() > 1
    }

    /// What is measured of the answers.
    pub(super) const fn meters(&self) -> &Meters {
        &self.meters
    }

    /// When the run began \[ns of UTC\].
    pub(super) fn began_utc_ns(&self) -> u64 {
        self.clock.utc_ns(Time::ZERO)
    }

    /// All limits, and what each admitted and refused.
    pub(super) fn limits(&self) -> (Vec<Limit>, Tally) {
        let desk = self.desk();
        (desk.provider.settings().limits.clone(), desk.tally.clone())
    }

    /// The counts of this moment.
    pub(super) fn figures(&self) -> Figures {
        let stand = self.reading.stand();
        let desk = self.desk();
        Figures {
            calls: desk.calls.clone(),
            limits: desk.provider.settings().limits.clone(),
            tally: desk.tally.clone(),
            open_authorizations: desk.provider.open_authorizations(),
            stand,
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().expect("a panic under the lock has ended the provider's truth")
    }
}

impl Desk {
    /// Writes down and counts what happened, all or nothing.
    fn write_down(&mut self, lines: &[PaymentLine]) -> Result<Receipt, LedgerError> {
        let receipt = self.ledger.append(lines)?;
        self.calls.note(lines);
        Ok(receipt)
    }

    /// Counts what each limit that was asked said to the call.
    fn note_limits(&mut self, at: Time, decision: &Decision) {
        for limit in decision.admitted.places() {
            self.tally.note(at, limit, Ruling::Passed);
        }
        if let Some(limit) = decision.refused_by {
            self.tally.note(at, limit, Ruling::Refused);
        }
    }
}

#[cfg(test)]
mod tests;
