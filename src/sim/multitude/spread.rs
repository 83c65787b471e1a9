//! How long a call takes, by points of equal share: what many have is told without asking each.

use domain::draw::{Draw, Draws, Purpose};
use domain::sampler::Sampler;

/// So many points: the 99th percentile lies between two of ten in its neighbourhood.
const POINTS: usize = 1_024;
/// So many lengths are drawn for each point.
const DRAWN: usize = 8;

/// Lengths of time of which one is as likely as another \[ns\], ascending.
#[derive(Debug)]
pub(super) struct Spread(Box<[u64]>);

impl Spread {
    /// The time that a call takes which the edge answers at once: two ways, each half of what `network` says.
    /// `stream` tells the draws of one spread from another's.
    pub(super) fn of_a_call(network: Option<&Sampler>, draws: Draws, stream: u32) -> Self {
        let Some(network) = network else { return Self(vec![0; POINTS].into()) };
        let way = |number| {
            let draw = draws.draw_for(number, Purpose::Multitude, stream);
            network.nanos(draw) / 2
        };
        let calls = 0..(POINTS * DRAWN) as u64;
        let mut lengths: Vec<u64> = calls.map(|call| way(2 * call) + way(2 * call + 1)).collect();
        lengths.sort_unstable();
        Self(lengths.into_iter().skip(DRAWN / 2).step_by(DRAWN).collect())
    }

    /// The length that `draw` stands for \[ns\].
    pub(super) fn at(&self, draw: Draw) -> u64 {
        let point = draw.below(self.0.len() as u64);
        self.0[usize::try_from(point).expect("there are few points")]
    }

    /// All of them \[ns\].
    pub(super) fn nanos(&self) -> impl ExactSizeIterator<Item = f64> {
        self.0.iter().map(|nanos| *nanos as f64)
    }

    /// The lengths that so many people have, and how many have each: as even as whole people allow; `draw`
    /// decides who is rounded up.
    pub(super) fn shared(&self, people: u64, draw: Draw) -> impl Iterator<Item = (u64, u32)> {
        let points = self.0.len() as u64;
        let offset = draw.below(points);
        let until = move |point: u64| (point * people + offset) / points;
        (0..).zip(&self.0).map(move |(point, nanos)| {
            let share = until(point + 1) - until(point);
            (*nanos, u32::try_from(share).unwrap_or(u32::MAX))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::law::Law;
    use domain::time::Duration;

    fn spread() -> Spread {
        let law = Law::Lognormal { median: Duration::from_millis(20), sigma: 0.3 };
        Spread::of_a_call(Some(&Sampler::new(law)), Draws::under(1), 0)
    }

    #[test]
    fn two_ways_are_spread_as_the_mean_of_two_is() {
        let one = spread();
        // The mean is that of the law, 20 ms · exp(0.3² / 2), and the spread that of the mean of two.
        let mean = one.nanos().sum::<f64>() / POINTS as f64;
        assert!((mean / 20.921e6 - 1.0).abs() < 0.005, "{mean}");
        let variance = one.nanos().map(|nanos| (nanos - mean).powi(2)).sum::<f64>() / POINTS as f64;
        assert!((variance.sqrt() / 4.539e6 - 1.0).abs() < 0.03, "{}", variance.sqrt());
        assert!(one.0.is_sorted());
    }

    #[test]
    fn as_many_are_told_of_as_there_are() {
        let one = spread();
        for people in [0, 1, 7, 1_023, 1_024, 5_000, 1_000_000] {
            for who in 0..20 {
                let draw = Draws::under(2).draw_for(who, Purpose::Multitude, 0);
                let shared: Vec<(u64, u32)> = one.shared(people, draw).collect();
                let all: u64 = shared.iter().map(|(_, share)| u64::from(*share)).sum();
                assert_eq!(all, people);
                let bounds = people / 1_024..=people.div_ceil(1_024);
                assert!(shared.iter().all(|(_, share)| bounds.contains(&u64::from(*share))));
            }
        }
    }

    #[test]
    fn without_a_network_nothing_takes_time() {
        let none = Spread::of_a_call(None, Draws::under(1), 0);
        assert_eq!(none.at(Draws::under(1).draw_for(1, Purpose::Multitude, 0)), 0);
    }
}
