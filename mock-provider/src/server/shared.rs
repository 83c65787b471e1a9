//! What all connections share: the clock, the measurements, and behind one lock the rules and the
//! ledger.

use std::fs::File;
use std::sync::{Mutex, MutexGuard};

use domain::id::AuthorizationId;
use domain::provider::{PaymentOutcome, PaymentRequest};
use domain::time::{Duration, Time};

use super::ledger::{ExportError, Ledger, LedgerError, LedgerFileError, Reading, Receipt};
use super::metrics::{CallCounts, Figures, Meters};
use crate::clock::Clock;
use crate::rules::{Authorization, Counts, Decision, Provider};
use crate::settings::{Limit, Settings};
use crate::tally::{Ruling, Tally};

/// The running provider. Its lock is held for microseconds, and never while a task waits.
#[derive(Debug)]
pub(super) struct Shared {
    clock: Clock,
    desk: Mutex<Desk>,
    reading: Reading,
    meters: Meters,
    exporting: tokio::sync::Mutex<()>,
}

/// One lock for all, so that the ledger's order is the order of the decisions, and the counts are
/// those of the ledger.
#[derive(Debug)]
struct Desk {
    provider: Provider,
    ledger: Ledger,
    calls: CallCounts,
    tally: Tally,
}

impl Shared {
    pub(super) fn new(clock: Clock, settings: Settings, ledger: Ledger) -> Self {
        let reading = ledger.reading();
        let provider = Provider::new(settings);
        let (calls, tally) = (CallCounts::default(), Tally::default());
        let desk = Mutex::new(Desk { provider, ledger, calls, tally });
        Self {
            clock,
            desk,
            reading,
            meters: Meters::default(),
            exporting: tokio::sync::Mutex::default(),
        }
    }

    /// Decides a call, writes it down, and gives the decision when its answer leaves: as late as
    /// the rules say, and not before its lines stand. A call that hangs is never answered: the
    /// future is dropped when its caller goes.
    ///
    /// # Errors
    /// When it cannot be written down: then nothing of it may be told.
    pub(super) async fn answer(&self, request: &PaymentRequest) -> Result<Decision, LedgerError> {
        let under_way = self.meters.begin();
        let (at, decision, receipt) = self.decide(request)?;
        if !self.reading.has(receipt) {
            self.reading.wait_for(receipt).await?;
        }
        if !decision.delay.is_zero() {
            // What the file took is a part of it.
            tokio::time::sleep((at + decision.delay).since(self.clock.now())).await;
        }
        if decision.reply.is_none() {
            return std::future::pending().await;
        }
        let after = self.clock.now().since(at);
        under_way.leave(request.call.operation(), decision.line.told, after);
        Ok(decision)
    }

    /// The time is read under the lock, so that it does not run backwards from one line to the
    /// next.
    fn decide(&self, request: &PaymentRequest) -> Result<(Time, Decision, Receipt), LedgerError> {
        let mut desk = self.desk();
        desk.ledger.has_room()?;
        let at = self.clock.now();
        let decision = desk.provider.handle(at, self.clock.utc_ns(at), request);
        let lines = std::slice::from_ref(&decision.line);
        let receipt = desk.ledger.append(lines)?;
        desk.calls.note(lines);
        desk.note_limits(at, &decision);
        Ok((at, decision, receipt))
    }

    /// An authorization, if there is one of that name.
    ///
    /// # Errors
    /// When the ledger has failed: then the rules know of a call that did not happen.
    pub(super) fn authorization(
        &self,
        id: AuthorizationId,
    ) -> Result<Option<Authorization>, LedgerError> {
        self.reading.stand().state.takes_lines()?;
        Ok(self.desk().provider.authorization(id).cloned())
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
    /// Every limit is asked, and admits what was not refused; of several limits the rules do not
    /// say which one refused.
    fn note_limits(&mut self, at: Time, decision: &Decision) {
        let limits = self.provider.settings().limits.len();
        match decision.line.outcome {
            PaymentOutcome::RateLimited if limits == 1 => self.tally.note(at, 0, Ruling::Refused),
            PaymentOutcome::RateLimited => {}
            _ => (0..limits).for_each(|limit| self.tally.note(at, limit, Ruling::Passed)),
        }
    }
}

#[cfg(test)]
mod tests;
