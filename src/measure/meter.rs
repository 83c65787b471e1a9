//! A meter: what one load thread counts and times, with nothing shared.

use domain::outcome::{Departure, Operation, Outcome};
use domain::time::Time;

use crate::evidence::Attempt;

/// What one load thread (or the simulator) has counted since the last harvest.
#[derive(Debug)]
pub struct Meter {}

/// What a meter counted in a while: mergeable without loss.
#[derive(Debug)]
pub struct Harvest {}

impl Meter {
    /// An empty meter; `opening` is the first opening, around which counting is finer.
    pub fn new(opening: Time) -> Self {
        let _ = opening;
        todo!()
    }

    /// A fan arrived.
    pub fn arrived(&mut self, at: Time) {
        let _ = at;
        todo!()
    }

    /// A fan left.
    pub fn departed(&mut self, at: Time, departure: Departure) {
        let _ = (at, departure);
        todo!()
    }

    /// A fan wants an operation sent at `intended`, and it was handed to the network at `sent`.
    pub fn sent(&mut self, operation: Operation, intended: Time, sent: Time) {
        let _ = (operation, intended, sent);
        todo!()
    }

    /// A whole operation was answered or given up.
    pub fn done(&mut self, attempt: &Attempt) {
        let _ = attempt;
        todo!()
    }

    /// One request of a reload (`reload.call`) was answered or given up.
    pub fn call_done(&mut self, sent: Time, done: Time, outcome: Outcome) {
        let _ = (sent, done, outcome);
        todo!()
    }

    /// Hands over all that was counted and is empty afterwards.
    pub fn harvest(&mut self) -> Harvest {
        todo!()
    }
}
