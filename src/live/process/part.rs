//! How a crowd is shared out: over load loops by the fans' numbers, and the loops over processes,
//! so that any number of either lives the same crowd.

use serde::{Deserialize, Serialize};

use crate::arrival::Share;
use crate::live::{Connections, Settings};
use crate::scenario::Scenario;

/// Which of all load loops one process runs.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::live) struct Part {
    /// The first of them, among all.
    first: u32,
    /// How many.
    count: u32,
    /// How many all are.
    of: u32,
}

/// One loop's portion of the crowd and of the pool.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::live) struct Portion {
    /// Its fans; their place is the loop's number.
    pub(in crate::live) people: Share,
    /// How many connections it may open, where they are shared.
    pub(in crate::live) pool: Option<usize>,
}

/// A part for each of at most `processes` processes: all loops that the crowd is worth.
pub(in crate::live) fn parts(
    scenario: &Scenario,
    processes: usize,
    settings: &Settings,
) -> Vec<Part> {
    let people = scenario.populations.iter().map(|them| them.count as usize).sum();
    shared_out(people, processes, settings.threads, settings.connections)
}

fn shared_out(
    people: usize,
    processes: usize,
    threads: usize,
    connections: Connections,
) -> Vec<Part> {
    let pool = match connections {
        Connections::PerFan | Connections::PerOperation => usize::MAX,
        Connections::Pool(limit) => limit.max(1),
    };
    let loops = threads.max(processes).min(people).min(pool).max(1);
    let of = u32::try_from(loops).expect("fewer loops than fans, and those are counted so");
    let processes = u32::try_from(processes).unwrap_or(of).clamp(1, of);
    let mut first = 0;
    let part = |process| {
        let count = of / processes + u32::from(process < of % processes);
        let part = Part { first, count, of };
        first += count;
        part
    };
    (0..processes).map(part).collect()
}

impl Part {
    /// How many loops there are in all parts together.
    pub(in crate::live) const fn of(self) -> usize {
        self.of as usize
    }

    /// What each loop lives, out of a crowd that holds `connections`.
    pub(in crate::live) fn portions(self, connections: Connections) -> Vec<Portion> {
        let pool = |place: u32| match connections {
            Connections::PerFan | Connections::PerOperation => None,
            Connections::Pool(limit) => {
                let (limit, of) = (limit.max(1), self.of());
                Some(limit / of + usize::from((place as usize) < limit % of))
            }
        };
        let portion = |place| Portion { people: Share { place, of: self.of }, pool: pool(place) };
        (self.first..self.first + self.count).map(portion).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_processes_and_threads_lives_the_same_crowd() {
        for (processes, threads) in [(1, 1), (1, 4), (2, 2), (2, 3), (3, 1), (3, 7), (9, 2)] {
            for people in [0, 1, 2, 50] {
                let connections = Connections::Pool(7);
                let parts = shared_out(people, processes, threads, connections);
                assert!((1..=processes).contains(&parts.len()));
                let portions: Vec<Portion> =
                    parts.iter().flat_map(|part| part.portions(connections)).collect();
                let of = u32::try_from(portions.len()).unwrap();
                let shares: Vec<Share> = portions.iter().map(|portion| portion.people).collect();
                let each_once = (0..of).map(|place| Share { place, of });
                assert!(shares.iter().copied().eq(each_once), "{shares:?}");
                let pool: Option<usize> = portions.iter().map(|portion| portion.pool).sum();
                assert_eq!(pool, Some(7), "the pool is shared out whole");
            }
        }
    }

    #[test]
    fn a_loop_lives_the_same_fans_in_whatever_process_it_runs() {
        let portions = |processes| {
            let parts = shared_out(60, processes, 4, Connections::PerFan);
            parts.iter().flat_map(|part| part.portions(Connections::PerFan)).collect::<Vec<_>>()
        };
        assert_eq!(portions(1), portions(2));
        assert_eq!(portions(1), portions(4));
    }

    #[test]
    fn each_process_has_a_loop_and_no_loop_is_idle_by_its_number() {
        let counts = |processes, threads, people| {
            let parts = shared_out(people, processes, threads, Connections::PerFan);
            parts.iter().map(|part| part.count).collect::<Vec<_>>()
        };
        assert_eq!(counts(4, 2, 70_000), [1, 1, 1, 1]);
        assert_eq!(counts(3, 8, 70_000), [3, 3, 2]);
        assert_eq!(counts(3, 8, 2), [1, 1]);
        assert_eq!(counts(1, 2, 0), [1]);
    }
}
