//! What the connections to the database have been through.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::database::DatabaseState;
use domain::time::{Duration, nanos_of};
use hdrhistogram::Histogram;

use crate::inventory::postgres::session::{Failure, is_passing};

/// The longest wait that is told as it is \[ns\]: an hour.
const WAIT_MAX_NS: u64 = 3_600_000_000_000;

/// How exact waits are told: to a hundredth of each.
const DIGITS: u8 = 2;

/// Counted from the beginning.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) busy: AtomicU64,
    pub(super) waiting_max: AtomicU64,
    lock_looks: AtomicU64,
    lock_waits: AtomicU64,
    lock_waits_max: AtomicU64,
    pub(super) rechecks: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) failed: AtomicU64,
    deadlocks: AtomicU64,
    conflicts: AtomicU64,
    waits: Mutex<Histogram<u64>>,
}

impl Counts {
    pub(super) fn new() -> Self {
        let waits = Histogram::new_with_bounds(1, WAIT_MAX_NS, DIGITS);
        let waits = Mutex::new(waits.expect("these bounds are such as there can be"));
        let zero = || AtomicU64::new(0);
        Self {
            busy: zero(),
            waiting_max: zero(),
            lock_looks: zero(),
            lock_waits: zero(),
            lock_waits_max: zero(),
            rechecks: zero(),
            lost: zero(),
            failed: zero(),
            deadlocks: zero(),
            conflicts: zero(),
            waits,
        }
    }

    /// A call had to wait so long for a connection.
    pub(super) fn waited(&self, wait: Duration) {
        let mut waits = self.waits.lock().expect("who counts does not panic");
        waits.saturating_record(nanos_of(wait));
    }

    /// The database says that so many transactions wait for a lock now.
    pub(super) fn saw_lock_waits(&self, waits: u64) {
        add(&self.lock_looks);
        self.lock_waits.fetch_add(waits, Ordering::Relaxed);
        self.lock_waits_max.fetch_max(waits, Ordering::Relaxed);
    }

    /// Takes note of what went wrong; whether it may go well at another try.
    pub(super) fn note(&self, failure: &Failure) -> bool {
        let counter = match failure {
            Failure::Database(error) if is_passing(error) => &self.deadlocks,
            Failure::Conflict => &self.conflicts,
            Failure::Database(_) | Failure::NotBegun(_) | Failure::Contended => return false,
        };
        add(counter);
        true
    }

    /// What a snapshot says, for so many connections and calls that wait.
    pub(super) fn state(&self, connections: u64, waiting: u64) -> DatabaseState {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let waits = self.waits.lock().expect("who counts does not panic");
        DatabaseState {
            connections,
            busy: of(&self.busy),
            waiting,
            waiting_max: of(&self.waiting_max),
            lock_looks: of(&self.lock_looks),
            lock_waits: of(&self.lock_waits),
            lock_waits_max: of(&self.lock_waits_max),
            calls: waits.len(),
            wait_p50_ns: waits.value_at_quantile(0.5),
            wait_p99_ns: waits.value_at_quantile(0.99),
            wait_max_ns: waits.max(),
            deadlocks: of(&self.deadlocks),
            conflicts: of(&self.conflicts),
            rechecks: of(&self.rechecks),
            lost: of(&self.lost),
            failed: of(&self.failed),
        }
    }
}

/// One more.
pub(super) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
