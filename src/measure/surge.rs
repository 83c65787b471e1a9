//! Surges of arrivals: for a while far more people come than before, and then no more than before again.
//!
//! A surge takes no capacity away, but it is a trigger like what does: what it left behind may keep a failure up when
//! it is over (`recovery`).

use super::recovery::{ARRIVALS_MIN, BEFORE, STILL, WINDOW, mean};

/// How many times as many people as before are a surge.
const TIMES: f64 = 2.0;
/// How many seconds are looked at together \[s\]: fewer people come in each of them than chance lets compare.
const TOGETHER: u64 = 5;
/// The share of what came before it that came in the first half of that time at least.
const ALL_ALONG: f64 = 0.5;
/// How many standard errors of what comes by chance a surge is above what came before.
const BEYOND_CHANCE: f64 = 5.0;

/// A surge, by the seconds of the run.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(super) struct Surge {
    /// The first second of it.
    pub(super) from: u64,
    /// The first second after it.
    pub(super) until: u64,
    /// How many times as many people came as before.
    pub(super) times: f64,
}

/// The surges of a stretch `[from, until)` in which so many `arrived` by the second, in the order of time. One that
/// lasts until its end, or after which hardly anybody comes, is none: nobody could say what came of it.
pub(super) fn surges(arrived: &[f64], (from, until): (u64, u64)) -> Vec<Surge> {
    let mut found = Vec::new();
    let mut at = from + WINDOW;
    while at + TOGETHER <= until {
        let since = from.max(at.saturating_sub(BEFORE));
        let before = mean(arrived, since, at).unwrap_or_default();
        // Who has only begun to come is no stream that a surge could stand out of.
        let early = mean(arrived, since, since + (at - since) / 2).unwrap_or_default();
        let is_stream = before * (at - since) as f64 >= ARRIVALS_MIN && early >= before * ALL_ALONG;
        if !is_stream || !is_surge(arrived, at, before) {
            at += 1;
            continue;
        }
        let ends = (at + 1..=until - TOGETHER).find(|second| !is_surge(arrived, *second, before));
        let Some(ends) = ends else { break };
        found.extend(told(arrived, (at, ends + TOGETHER), before).filter(|surge| {
            let after = mean(arrived, surge.until, (surge.until + WINDOW).min(until));
            after.is_some_and(|after| after >= STILL * before)
        }));
        at = ends + TOGETHER;
    }
    found
}

/// Whether the seconds from `at` on are far above `before` people in each.
fn is_surge(arrived: &[f64], at: u64, before: f64) -> bool {
    let expected = before * TOGETHER as f64;
    let came = mean(arrived, at, at + TOGETHER).map(|mean| mean * TOGETHER as f64);
    came.is_some_and(|came| {
        came >= TIMES * expected && came - expected >= BEYOND_CHANCE * expected.sqrt()
    })
}

/// The surge among the seconds `[from, until)`: from the first to the last of them that is above the bound.
fn told(arrived: &[f64], (from, until): (u64, u64), before: f64) -> Option<Surge> {
    let above = |second: &u64| {
        mean(arrived, *second, second + 1).is_some_and(|came| came >= TIMES * before)
    };
    let first = (from..until).find(above)?;
    let end = (first..until).rfind(above)? + 1;
    let times = mean(arrived, first, end)? / before;
    Some(Surge { from: first, until: end, times })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 200 seconds in which so many come from each given second on.
    fn course(steps: &[(u64, f64)]) -> Vec<f64> {
        let at = |second| steps.iter().rev().find(|(from, _)| *from <= second);
        (0..200).map(|second| at(second).map_or(0.0, |(_, many)| *many)).collect()
    }

    fn seen(steps: &[(u64, f64)]) -> Vec<(u64, u64, f64)> {
        let surges = surges(&course(steps), (0, 200));
        surges.into_iter().map(|surge| (surge.from, surge.until, surge.times)).collect()
    }

    #[test]
    fn many_more_people_for_a_while_are_a_surge_to_the_second() {
        for times in [2.0, 2.5, 5.0, 40.0] {
            let steps = [(0, 100.0), (60, 100.0 * times), (73, 100.0)];
            assert_eq!(seen(&steps), [(60, 73, times)]);
        }
        // Each for itself, once what came before it is what always came.
        let two = [(0, 100.0), (40, 300.0), (50, 100.0), (150, 400.0), (160, 100.0)];
        assert_eq!(seen(&two), [(40, 50, 3.0), (150, 160, 4.0)]);
    }

    #[test]
    fn less_than_twice_as_many_a_rise_that_stays_and_a_last_rush_are_none() {
        for steps in [
            &[(0, 100.0), (60, 190.0), (73, 100.0)][..],
            &[(0, 100.0), (60, 300.0)],
            &[(0, 100.0), (60, 300.0), (73, 0.0)],
            // Nobody can say how many came before it.
            &[(0, 100.0), (6, 300.0), (9, 100.0)],
            &[(0, 0.0), (60, 300.0), (73, 100.0)],
        ] {
            assert_eq!(seen(steps), [], "{steps:?}");
        }
    }

    #[test]
    fn what_chance_brings_is_none() {
        // One a second, and once ten within five: four of five standard errors of √5.
        let mut steps = course(&[(0, 1.0)]);
        (100..105).for_each(|second| steps[second] = 2.0);
        assert_eq!(surges(&steps, (0, 200)), []);
        (100..105).for_each(|second| steps[second] = 4.0);
        assert_eq!(surges(&steps, (0, 200)).len(), 1);
    }
}
