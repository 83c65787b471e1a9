//! What was free when the reader last looked: the same answer, for nothing, until something is
//! written.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::rules::InventoryReply;

/// What is free in each sale, as long as nothing was committed since.
#[derive(Debug, Default)]
pub(super) struct View {
    /// How many transactions have been committed.
    commits: AtomicU64,
    /// What is free in each sale, and how many transactions had been committed before it was read.
    available: Mutex<BTreeMap<u16, (u64, InventoryReply)>>,
}

impl View {
    /// What was written can be read now.
    pub(super) fn committed(&self) {
        self.commits.fetch_add(1, Ordering::Release);
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// What is free, if it was read after the latest commit.
    pub(super) fn available(&self, sale: u16) -> Option<InventoryReply> {
        let available = self.locked();
        let (commits, reply) = available.get(&sale)?;
        (*commits == self.commits()).then(|| reply.clone())
    }

    /// What is free was read after so many commits.
    pub(super) fn read(&self, sale: u16, commits: u64, reply: InventoryReply) {
        self.locked().insert(sale, (commits, reply));
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<u16, (u64, InventoryReply)>> {
        self.available.lock().expect("who locks the view does not panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(items: u64) -> InventoryReply {
        InventoryReply::Available { items, slots: 0 }
    }

    #[test]
    fn what_was_read_before_a_commit_is_not_told_after_it() {
        let view = View::default();
        assert_eq!(view.available(0), None);
        view.read(0, view.commits(), free(7));
        assert_eq!((view.available(0), view.available(1)), (Some(free(7)), None));
        // A commit while the reader reads: what it saw may be older.
        let commits = view.commits();
        view.committed();
        assert_eq!(view.available(0), None);
        view.read(0, commits, free(3));
        assert_eq!(view.available(0), None);
        view.read(0, view.commits(), free(3));
        assert_eq!(view.available(0), Some(free(3)));
    }
}
