//! The base of members: when who signs in now is signed in.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use domain::time::{Duration, Time};

use crate::settings::Members as Settings;

/// So many places, first come, first served.
#[derive(Debug)]
pub(super) struct Members {
    takes: Duration,
    /// When each place becomes free.
    free_at: BinaryHeap<Reverse<Time>>,
}

impl Members {
    /// A base at which nobody signs in yet.
    pub(super) fn new(settings: &Settings) -> Self {
        let free_at = (0..settings.at_once).map(|_| Reverse(Time::ZERO)).collect();
        Self { takes: settings.takes.0, free_at }
    }

    /// When who comes `at` is signed in.
    pub(super) fn signed_in(&mut self, at: Time) -> Time {
        let Reverse(free_at) = self.free_at.pop().expect("there is at least one place");
        let done = free_at.max(at) + self.takes;
        self.free_at.push(Reverse(done));
        done
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Span;

    use super::*;

    #[test]
    fn who_finds_every_place_taken_waits_for_the_first_that_becomes_free() {
        let takes = Span(Duration::from_millis(50));
        let mut members = Members::new(&Settings { at_once: 2, takes });
        let done = [0, 0, 10, 10, 10, 500].map(|at| members.signed_in(Time::from_millis(at)));
        assert_eq!(done, [50, 50, 100, 100, 150, 550].map(Time::from_millis));
    }
}
