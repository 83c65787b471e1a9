//! What can be seen of the provider outside of any call, and what its owner may change in mid-run.

use std::sync::Arc;

use domain::id::AuthorizationId;
use domain::time::Time;

use super::webhook::Dispatcher;
use super::{ChangeError, Events, Intent, LimitState, PlannedChange, Provider};
use crate::settings::Limit;

impl Provider {
    /// A payment, if it is remembered.
    pub fn intent(&self, number: u64) -> Option<&Arc<Intent>> {
        self.book.get(number)
    }

    /// The payment that the account made for that order through the gateway face.
    pub fn order(&self, account: &str, reference: &str) -> Option<u64> {
        self.book.order(account, reference)
    }

    /// A payment by the name it has as an authorization.
    pub fn authorization(&self, id: AuthorizationId) -> Option<&Arc<Intent>> {
        self.intent(id.0)
    }

    /// The newest events.
    pub const fn events(&self) -> &Events {
        &self.events
    }

    /// The messages to merchants.
    pub const fn webhooks(&self) -> &Dispatcher {
        &self.dispatcher
    }

    /// The messages to merchants, for whoever sends them.
    pub const fn webhooks_mut(&mut self) -> &mut Dispatcher {
        &mut self.dispatcher
    }

    /// How many authorizations are neither captured nor voided.
    pub const fn open_authorizations(&self) -> u64 {
        self.book.open()
    }

    /// The limits as they stand `at` that time, in the order they are asked.
    pub fn limits(&mut self, at: Time) -> Vec<LimitState> {
        self.gate.states(at)
    }

    /// The changes of limits that lie ahead, the next first.
    pub fn planned_changes(&self) -> Vec<PlannedChange> {
        self.gate.planned()
    }

    /// Replaces all limits from `at` on. A limit that bears the name of one before keeps what was
    /// used of it; what is left of the schedule ends.
    ///
    /// # Errors
    /// When a limit is out of range; then nothing changes.
    pub fn replace_limits(&mut self, at: Time, limits: &[Limit]) -> Result<(), ChangeError> {
        self.gate.replace(at, limits)?;
        self.settings.limits = self.gate.limits();
        Ok(())
    }

    /// Changes the limit of that name or place from `at` on by a JSON merge patch (RFC 7396).
    /// What was used of it stays used, unless others share it from now on; what the schedule says
    /// later still comes.
    ///
    /// # Errors
    /// When there is no such limit, or it would be out of range; then nothing changes.
    pub fn change_limit(
        &mut self,
        at: Time,
        name: &str,
        patch: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<(), ChangeError> {
        self.gate.patch(at, name, patch)?;
        self.settings.limits = self.gate.limits();
        Ok(())
    }
}
