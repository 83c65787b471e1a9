//! Work that does not hang together, on all cores.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// What `doing` says of each number below `count`, in order; as many at once as there are cores.
pub(crate) fn for_each<T: Send>(count: usize, doing: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for_each_of(cores, count, doing)
}

/// Likewise, so many at once: for what waits more than it works.
pub(crate) fn for_each_of<T: Send>(
    at_once: usize,
    count: usize,
    doing: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let (next, said) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let it = doing(number);
                    said.lock().unwrap_or_else(PoisonError::into_inner).insert(number, it);
                }
            });
        }
    });
    said.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}
