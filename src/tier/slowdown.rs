//! A tier that is slow for a while: a neighbour takes its cores, a disk is busy, a cache is empty.

use domain::time::{Duration, Offset, Span, Time, duration_from_seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// For a while servers have a share of their speed: `stack.application.slowdowns`.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slowdown {
    /// When it begins, from the first opening.
    pub at: Offset,
    /// How long it lasts.
    pub lasts: Span,
    /// The share of their speed that servers have meanwhile, more than 0 and at most 1.
    pub capacity: f64,
}

impl Slowdown {
    /// When it begins and ends, in a sale that opens then.
    pub fn stretch(&self, opens: Time) -> (Time, Time) {
        let from = self.at.from(opens);
        (from, from + self.lasts.0)
    }
}

/// Slowdowns in the order of time; no two of them at once.
#[derive(Clone, Debug, Default)]
pub struct Slowdowns {
    stretches: Vec<(Time, Time, f64)>,
}

impl Slowdowns {
    /// Of a sale that opens then.
    pub fn new(slowdowns: &[Slowdown], opens: Time) -> Self {
        let of = |one: &Slowdown| {
            let (from, until) = one.stretch(opens);
            (from, until, one.capacity)
        };
        let mut stretches: Vec<_> = slowdowns.iter().map(of).collect();
        stretches.sort_by_key(|(from, ..)| *from);
        Self { stretches }
    }

    /// When servers become slower or faster.
    pub fn turns(&self) -> impl Iterator<Item = Time> {
        self.stretches.iter().flat_map(|(from, until, _)| [*from, *until])
    }

    /// The share of their speed that servers have then.
    pub fn capacity(&self, at: Time) -> f64 {
        let slow = self.stretches.iter().find(|(from, until, _)| *from <= at && at < *until);
        slow.map_or(1.0, |(.., capacity)| *capacity)
    }

    /// When a server that begins then is done with what takes it `work` at full speed.
    pub fn done(&self, begun: Time, work: Duration) -> Time {
        let (mut at, mut left) = (begun, work);
        for (from, until, capacity) in self.stretches.iter().filter(|(_, until, _)| *until > begun)
        {
            if at < *from {
                if at + left <= *from {
                    return at + left;
                }
                left -= from.since(at);
                at = *from;
            }
            let can = until.since(at).mul_f64(*capacity);
            if left <= can {
                return at + duration_from_seconds(left.as_secs_f64() / capacity);
            }
            left -= can;
            at = *until;
        }
        at + left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the 10th to the 20th second at a fifth of the speed, and from the 30th to the 40th at a half.
    fn slow() -> Slowdowns {
        let slowdown = |at: &str, capacity| Slowdown {
            at: at.parse().unwrap(),
            lasts: "10s".parse().unwrap(),
            capacity,
        };
        Slowdowns::new(&[slowdown("+30s", 0.5), slowdown("+10s", 0.2)], Time::ZERO)
    }

    #[test]
    fn a_share_of_the_speed_lasts_from_its_beginning_until_before_its_end() {
        let at = [9, 10, 19, 20, 30, 40].map(|at| slow().capacity(Time::from_millis(at * 1_000)));
        assert_eq!(at.to_vec(), [1.0, 0.2, 0.2, 1.0, 0.5, 1.0]);
        let turns: Vec<f64> = slow().turns().map(Time::seconds).collect();
        assert_eq!(turns, [10.0, 20.0, 30.0, 40.0]);
    }

    #[test]
    fn work_takes_longer_by_what_of_it_falls_into_a_slowdown() {
        for (begun, work, done) in [
            (0, 10, 10),  // before it
            (5, 6, 15),   // 5 s at full speed, the last one takes five
            (12, 1, 17),  // within it
            (9, 4, 21),   // 1 s before, 2 s worth of work within, 1 s after
            (20, 10, 30), // between the two
            (0, 30, 43),  // 10 + 2 + 10 + 5 until the 40th second, and 3 after it
        ] {
            let told = slow().done(Time::from_millis(begun * 1_000), Duration::from_secs(work));
            assert_eq!(told, Time::from_millis(done * 1_000), "{work} s from {begun} s on");
        }
    }
}
