//! How a run is asked to end early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// The user's Ctrl-C, counted; clones count together.
///
/// The first press stops the sending: answers still on their way are waited for, the shop drains,
/// the run is judged. The second abandons the run where it is.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicU8>);

impl Stop {
    /// Counts one press.
    pub fn press(&self) {
        // Two say all there is to say, so that many presses cannot wrap around.
        if self.0.load(Ordering::Relaxed) < 2 {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often it was pressed: 0, 1, or 2 and more.
    pub fn presses(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a load loop shall do.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Go on.
    Go,
    /// Send nothing more and end when what is on its way has ended.
    Finish,
    /// End at once.
    Abandon,
}

/// The user's wish, and the run's own when it has failed.
#[derive(Debug)]
pub(super) struct Signal {
    stop: Stop,
    failed: AtomicBool,
}

impl Signal {
    /// The signal of a run that `stop` can stop.
    pub(super) const fn new(stop: Stop) -> Self {
        Self { stop, failed: AtomicBool::new(false) }
    }

    /// The run has failed: all loops end at once.
    pub(super) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// The run is broken off for the shop's sake: as if the user had asked for it.
    pub(super) fn finish(&self) {
        if self.stop.presses() == 0 {
            self.stop.press();
        }
    }

    /// What to do.
    pub(super) fn wish(&self) -> Wish {
        match self.stop.presses() {
            _ if self.failed.load(Ordering::Relaxed) => Wish::Abandon,
            0 => Wish::Go,
            1 => Wish::Finish,
            _ => Wish::Abandon,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_press_finishes_and_the_second_abandons() {
        let stop = Stop::default();
        let signal = Signal::new(stop.clone());
        assert_eq!(signal.wish(), Wish::Go);
        stop.press();
        assert_eq!(signal.wish(), Wish::Finish);
        (0..300).for_each(|_| stop.press());
        assert_eq!((signal.wish(), stop.presses()), (Wish::Abandon, 2));
    }

    #[test]
    fn a_failed_run_abandons_all_loops() {
        let signal = Signal::new(Stop::default());
        signal.fail();
        assert_eq!(signal.wish(), Wish::Abandon);
    }
}
