//! How much there was to do, and how much is remembered.

use std::cmp::Reverse;

use domain::time::Time;

use super::Provider;
use super::webhook::Tally;

/// How many calls there were, and what is remembered.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// All calls, whatever became of them.
    pub calls: u64,
    /// Those that a limiter refused.
    pub refused: u64,
    /// Those whose answer has not left yet; one that hangs counts as long as its answer would
    /// have taken.
    pub pending: u64,
    /// Payments whose money is reserved.
    pub open: u64,
    /// Payments that are remembered.
    pub payments: u64,
    /// Idempotency keys that are remembered.
    pub keys: u64,
    /// How messages to merchants fared.
    pub webhooks: Tally,
}

impl Provider {
    /// How many calls there were, and how many are under way `at` that time.
    pub fn counts(&mut self, at: Time) -> Counts {
        self.forget_what_left(at);
        Counts {
            calls: self.calls,
            refused: self.refused,
            pending: self.leaving.len() as u64,
            open: self.book.open(),
            payments: self.book.len() as u64,
            keys: self.executed.len() as u64,
            webhooks: self.dispatcher.tally(),
        }
    }

    /// When the last of the answers under way leaves; [`Time::ZERO`] before the first.
    pub const fn last_answer_leaves(&self) -> Time {
        self.last_leaves
    }

    /// An answer is under way that leaves at `leaves`.
    pub(super) fn under_way(&mut self, at: Time, leaves: Time) {
        self.forget_what_left(at);
        self.leaving.push(Reverse(leaves));
        self.last_leaves = self.last_leaves.max(leaves);
    }

    fn forget_what_left(&mut self, at: Time) {
        while self.leaving.peek().is_some_and(|Reverse(leaves)| *leaves <= at) {
            self.leaving.pop();
        }
    }
}
