//! What falls due by itself: challenges that are answered, authorizations that run out.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use domain::time::{Time, nanos_of};

use super::event::About;
use super::intent::Intent;
use super::line::unasked;
use super::{Now, Provider};

/// What falls due, the next first.
#[derive(Debug, Default)]
pub(super) struct Due {
    heap: BinaryHeap<Reverse<(Time, u64)>>,
    /// How many entries there are when the heap is swept: twice as many as the last sweep left.
    swept_at: usize,
}

/// Below this many entries the heap is never swept.
const SWEEP_MIN: usize = 4_096;

impl Due {
    /// Remembers what will become of the payment by itself.
    pub(super) fn note(&mut self, intent: &Intent) {
        if let Some((at, _)) = intent.challenge.and_then(|challenge| challenge.answer) {
            self.heap.push(Reverse((at, intent.number)));
        }
        if let Some(at) = intent.expires {
            self.heap.push(Reverse((at, intent.number)));
        }
    }
}

impl Provider {
    /// When the next thing falls due by itself; it may turn out to be nothing.
    pub fn next_due(&self) -> Option<Time> {
        self.due.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Lets everything happen that has fallen due `at` that time, each at its own instant;
    /// `utc_ns` is the same instant as `at`. The lines are to be appended to the ledger.
    pub fn settle(&mut self, at: Time, utc_ns: u64) -> Vec<PaymentLine> {
        let mut lines = Vec::new();
        while let Some(Reverse((due, number))) = self.due.heap.peek().copied()
            && due <= at
        {
            self.due.heap.pop();
            let utc_ns = utc_ns.saturating_sub(nanos_of(at.since(due)));
            lines.extend(self.fall_due(Now { at: due, utc_ns, call: None }, number));
            self.dispatch(due, due);
        }
        self.sweep_due();
        lines
    }

    fn fall_due(&mut self, now: Now, number: u64) -> Option<PaymentLine> {
        let intent = self.book.get(number)?;
        if let Some((due, answer)) = intent.challenge.and_then(|challenge| challenge.answer)
            && due <= now.at
        {
            return self.answer(now, number, answer).ok().map(|(_, line)| line);
        }
        if intent.expires.is_some_and(|expires| expires <= now.at) {
            return self.expire(now, number);
        }
        None
    }

    fn expire(&mut self, now: Now, number: u64) -> Option<PaymentLine> {
        let account = self.book.get(number)?.account.clone();
        let (intent, ()) =
            self.book.change(&account, number, |intent| intent.run_out(now.utc_ns)).ok()?;
        self.tell(now, None, "charge.expired", &intent, About::Charge);
        self.tell(now, None, "payment_intent.canceled", &intent, About::Intent);
        let operation = PaymentOperation::Expire;
        Some(unasked(now.utc_ns, operation, PaymentOutcome::Voided, &intent))
    }

    /// Forgets entries of payments that were captured or let go: holds last for weeks, and a heap
    /// of them would grow with the run.
    fn sweep_due(&mut self) {
        // As long as half of them are open, little would go.
        let open = usize::try_from(self.book.open()).unwrap_or(usize::MAX);
        let sweeps_at = self.due.swept_at.max(SWEEP_MIN).max(open.saturating_mul(2));
        if self.due.heap.len() < sweeps_at {
            return;
        }
        let book = &self.book;
        self.due.heap.retain(|Reverse((at, number))| {
            book.get(*number).is_some_and(|intent| {
                let challenge = intent.challenge.and_then(|challenge| challenge.answer);
                intent.expires == Some(*at) || challenge.is_some_and(|(due, _)| due == *at)
            })
        });
        self.due.swept_at = 2 * self.due.heap.len();
    }
}
