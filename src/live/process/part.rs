//! How a crowd is shared out: over load loops by the fans' numbers, and the loops over processes,
//! so that any number of either lives the same crowd.

use std::ops::Range;

use domain::id::FanId;
use domain::time::Time;
use serde::{Deserialize, Serialize};

use crate::live::Connections;

/// Which of all load loops one process runs.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::live) struct Part {
    /// The first of them, among all.
    first: usize,
    /// How many.
    count: usize,
    /// How many all are.
    of: usize,
}

/// One loop's share of the crowd and of the pool.
#[derive(Debug)]
pub(in crate::live) struct Share {
    /// Its number among all loops.
    pub(in crate::live) place: usize,
    /// Its fans, by the time they come.
    pub(in crate::live) arrivals: Vec<(Time, FanId)>,
    /// How many connections it may open, where they are shared.
    pub(in crate::live) pool: Option<usize>,
}

/// A part for each of at most `processes` processes: all loops that `fans` fans are worth.
pub(in crate::live) fn parts(
    fans: usize,
    processes: usize,
    threads: usize,
    connections: Connections,
) -> Vec<Part> {
    let pool = match connections {
        Connections::PerFan => usize::MAX,
        Connections::Pool(limit) => limit.max(1),
    };
    let of = threads.max(processes).min(fans).min(pool).max(1);
    let processes = processes.clamp(1, of);
    let mut first = 0;
    let part = |process| {
        let count = of / processes + usize::from(process < of % processes);
        let part = Part { first, count, of };
        first += count;
        part
    };
    (0..processes).map(part).collect()
}

impl Part {
    /// How many loops there are in all parts together.
    pub(in crate::live) const fn of(self) -> usize {
        self.of
    }

    /// The loops' numbers among all.
    fn places(self) -> Range<usize> {
        self.first..self.first + self.count
    }

    /// Each loop's share of all who come by `arrivals`.
    pub(in crate::live) fn shares(
        self,
        arrivals: &[(Time, FanId)],
        connections: Connections,
    ) -> Vec<Share> {
        let pool = |place| match connections {
            Connections::PerFan => None,
            Connections::Pool(limit) => {
                let limit = limit.max(1);
                Some(limit / self.of + usize::from(place < limit % self.of))
            }
        };
        let share = |place| Share {
            place,
            arrivals: Vec::with_capacity(arrivals.len() / self.of + 1),
            pool: pool(place),
        };
        let mut shares: Vec<Share> = self.places().map(share).collect();
        for (at, fan) in arrivals {
            let place = fan.index as usize % self.of;
            let mine = place.checked_sub(self.first).and_then(|mine| shares.get_mut(mine));
            if let Some(share) = mine {
                share.arrivals.push((*at, *fan));
            }
        }
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(fans: u32) -> Vec<(Time, FanId)> {
        let fan = |number: u32| {
            let id = FanId { population: u16::from(number % 3 == 0), index: number / 3 * 2 };
            (Time::from_millis(u64::from(number / 4)), id)
        };
        (0..fans).map(fan).collect()
    }

    fn lived(processes: usize, threads: usize, fans: u32) -> Vec<Share> {
        let (crowd, connections) = (crowd(fans), Connections::Pool(7));
        let parts = parts(crowd.len(), processes, threads, connections);
        assert!(parts.len() <= processes);
        parts.iter().flat_map(|part| part.shares(&crowd, connections)).collect()
    }

    #[test]
    fn any_number_of_processes_and_threads_lives_the_same_crowd() {
        for (processes, threads) in [(1, 1), (1, 4), (2, 2), (2, 3), (3, 1), (3, 7), (9, 2)] {
            for fans in [0, 1, 2, 50] {
                let shares = lived(processes, threads, fans);
                let places: Vec<usize> = shares.iter().map(|share| share.place).collect();
                assert_eq!(places, (0..shares.len()).collect::<Vec<_>>(), "each loop once");
                assert!(shares.iter().all(|share| share.arrivals.is_sorted_by_key(|(at, _)| at)));
                let pool: Option<usize> = shares.iter().map(|share| share.pool).sum();
                assert_eq!(pool, Some(7), "the pool is shared out whole");
                let mut all: Vec<_> = shares.into_iter().flat_map(|share| share.arrivals).collect();
                let mut expected = crowd(fans);
                all.sort_unstable();
                expected.sort_unstable();
                assert_eq!(all, expected, "{processes} processes, {threads} threads");
            }
        }
    }

    #[test]
    fn a_loop_lives_the_same_fans_in_whatever_process_it_runs() {
        let fans = |processes| {
            let shares = lived(processes, 4, 60);
            shares.into_iter().map(|share| share.arrivals).collect::<Vec<_>>()
        };
        assert_eq!(fans(1), fans(2));
        assert_eq!(fans(1), fans(4));
    }

    #[test]
    fn each_process_has_a_loop_and_no_loop_is_idle_by_its_number() {
        let counts = |processes, threads, fans| {
            let parts = parts(fans, processes, threads, Connections::PerFan);
            parts.iter().map(|part| part.count).collect::<Vec<_>>()
        };
        assert_eq!(counts(4, 2, 70_000), [1, 1, 1, 1]);
        assert_eq!(counts(3, 8, 70_000), [3, 3, 2]);
        assert_eq!(counts(3, 8, 2), [1, 1]);
        assert_eq!(counts(1, 2, 0), [1]);
    }
}
