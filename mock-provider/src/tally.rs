//! What each limiter admitted and refused, second by second.

use std::collections::VecDeque;

use domain::time::Time;
use serde::Serialize;

/// How far back single seconds are remembered \[s\]: an hour is longer than any sale's rush, and
/// 86 kB for each limit.
pub(crate) const REMEMBERED_S: u64 = 3_600;

/// What a limiter said to one call.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// It admits the call.
    Passed,
    /// It turns the call away.
    Refused,
}

/// The counts of all limits, each by its place in the list, from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    limits: Vec<Counts>,
}

/// The counts of one limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Calls it admitted since the run began.
    pub(crate) admitted: u64,
    /// Calls it refused since the run began.
    pub(crate) refused: u64,
    /// The seconds of the last hour in which it was asked, the oldest first.
    pub(crate) seconds: VecDeque<Second>,
}

/// The counts of one second.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Second {
    /// Which, in whole seconds since the run began \[s\].
    #[serde(rename = "second")]
    pub(crate) at_s: u64,
    /// Calls admitted in it.
    pub(crate) admitted: u64,
    /// Calls refused in it.
    pub(crate) refused: u64,
}

impl Tally {
    /// Counts what the limit of that number said to a call that came `at`. Time does not run
    /// backwards from one call to the next.
    pub(crate) fn note(&mut self, at: Time, limit: usize, ruling: Ruling) {
        if self.limits.len() <= limit {
            self.limits.resize_with(limit + 1, Counts::default);
        }
        self.limits[limit].note(at.nanos() / 1_000_000_000, ruling);
    }

    /// One entry per limit, up to the last that was ever asked.
    pub(crate) fn limits(&self) -> &[Counts] {
        &self.limits
    }
}

impl Counts {
    fn note(&mut self, second: u64, ruling: Ruling) {
        if self.seconds.back().is_none_or(|last| last.at_s < second) {
            self.seconds.push_back(Second { at_s: second, admitted: 0, refused: 0 });
            while self.seconds[0].at_s + REMEMBERED_S <= second {
                self.seconds.pop_front();
            }
        }
        let last = self.seconds.back_mut().expect("there is this second at least");
        let (total, count) = match ruling {
            Ruling::Passed => (&mut self.admitted, &mut last.admitted),
            Ruling::Refused => (&mut self.refused, &mut last.refused),
        };
        *total += 1;
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_its_own_counts() {
        let mut tally = Tally::default();
        for (millis, limit, ruling) in [
            (0, 1, Ruling::Passed),
            (999, 1, Ruling::Passed),
            (999, 1, Ruling::Refused),
            (1_000, 1, Ruling::Refused),
            (7_500, 0, Ruling::Passed),
        ] {
            tally.note(Time::from_millis(millis), limit, ruling);
        }
        let second = |at_s, admitted, refused| Second { at_s, admitted, refused };
        let [first, other] = tally.limits() else { panic!("two limits: {tally:?}") };
        assert_eq!((first.admitted, first.refused), (1, 0));
        assert_eq!(first.seconds, [second(7, 1, 0)]);
        assert_eq!((other.admitted, other.refused), (2, 2));
        assert_eq!(other.seconds, [second(0, 2, 1), second(1, 0, 1)]);
    }

    #[test]
    fn what_is_older_than_an_hour_is_only_in_the_totals() {
        let mut tally = Tally::default();
        for second in 0..5_000 {
            tally.note(Time::from_millis(second * 1_000), 0, Ruling::Passed);
        }
        let counts = &tally.limits()[0];
        assert_eq!((counts.admitted, counts.seconds.len()), (5_000, 3_600));
        assert_eq!(counts.seconds[0].at_s, 1_400);
    }
}
