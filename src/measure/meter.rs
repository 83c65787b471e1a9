//! A meter: what one load thread counts and times, with nothing shared.

use domain::outcome::{Departure, Operation, Outcome};
use domain::time::{Time, nanos_of};

use crate::evidence::Attempt;

/// A stand-in: what one load thread has counted since the last harvest.
#[derive(Debug, Default)]
pub struct Meter {
    harvest: Harvest,
}

/// A stand-in: what a meter counted in a while.
#[derive(Debug, Default)]
pub struct Harvest {
    /// Arrived less departed.
    pub present: i64,
    /// Operations sent.
    pub sent: u64,
    /// Lateness of each \[ns\].
    pub lateness_ns: Vec<u64>,
    /// Response times \[ns\].
    pub response_ns: Vec<u64>,
    /// Operations done.
    pub done: u64,
    /// Calls done.
    pub calls: u64,
}

impl Meter {
    /// An empty meter; `opening` is the first opening, around which counting is finer.
    pub fn new(opening: Time) -> Self {
        let _ = opening;
        Self::default()
    }

    /// A fan arrived.
    pub fn arrived(&mut self, at: Time) {
        let _ = at;
        self.harvest.present += 1;
    }

    /// A fan left.
    pub fn departed(&mut self, at: Time, departure: Departure) {
        let _ = (at, departure);
        self.harvest.present -= 1;
    }

    /// A fan wants an operation sent at `intended`, and it was handed to the network at `sent`.
    pub fn sent(&mut self, operation: Operation, intended: Time, sent: Time) {
        let _ = operation;
        self.harvest.sent += 1;
        self.harvest.lateness_ns.push(nanos_of(sent.since(intended)));
    }

    /// A whole operation was answered or given up.
    pub fn done(&mut self, attempt: &Attempt) {
        self.harvest.done += 1;
        self.harvest.response_ns.push(nanos_of(attempt.done.since(attempt.intended)));
    }

    /// One request of a reload (`reload.call`) was answered or given up.
    pub fn call_done(&mut self, sent: Time, done: Time, outcome: Outcome) {
        let _ = (sent, done, outcome);
        self.harvest.calls += 1;
    }

    /// Hands over all that was counted and is empty afterwards.
    pub fn harvest(&mut self) -> Harvest {
        std::mem::take(&mut self.harvest)
    }
}
