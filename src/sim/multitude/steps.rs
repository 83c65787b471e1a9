//! How many ticks pass until something: people who are counted are laid out over the ticks in which it happens.

use super::TICK_NS;

/// Shares of those for whom so many ticks pass, from none on.
#[derive(Debug)]
pub(super) struct Steps(Vec<f64>);

impl Steps {
    /// For lengths of which one is as likely as another \[ns\], each of them `later` ticks longer. A length
    /// between two ticks is one or the other, so that the mean stays.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a way takes less than hours"
    )]
    pub(super) fn new(nanos: impl ExactSizeIterator<Item = f64>, later: f64) -> Self {
        let weight = 1.0 / nanos.len() as f64;
        let mut shares = Vec::new();
        for nanos in nanos {
            let ticks = nanos / TICK_NS as f64 + later;
            let (whole, rest) = (ticks.floor(), ticks - ticks.floor());
            let place = whole as usize;
            if shares.len() < place + 2 {
                shares.resize(place + 2, 0.0);
            }
            shares[place] += weight * (1.0 - rest);
            shares[place + 1] += weight * rest;
        }
        Self(shares)
    }

    /// How many of `people` it takes how many ticks, whom it takes any; `shift` in \[0, 1) decides who is rounded up.
    pub(super) fn of(&self, people: u32, shift: f64) -> impl Iterator<Item = (usize, u32)> {
        let shares = self.0.iter();
        let last = self.0.len().saturating_sub(1);
        let laid_out = shares.enumerate().scan((0.0, 0), move |(share, before), (ticks, part)| {
            *share += part;
            let until = if ticks == last { people } else { first_of(*share, people, shift) };
            let until = until.max(*before);
            let here = until - std::mem::replace(before, until);
            Some((ticks, here))
        });
        laid_out.filter(|(_, here)| *here > 0)
    }
}

/// How many of so many belong to the first `share` of all, one more or less by `shift`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a number is no more than the number"
)]
pub(super) fn first_of(share: f64, people: u32, shift: f64) -> u32 {
    ((share * f64::from(people) + shift) as u32).min(people)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_laid_out_and_the_mean_stays() {
        let lengths = [21e6, 5e6, 38e6, 10e6];
        let steps = Steps::new(lengths.into_iter(), 0.5);
        let mean = lengths.iter().sum::<f64>() / 4.0 / TICK_NS as f64 + 0.5;
        for people in [1, 3, 10, 4_000] {
            let mut ticks = 0.0;
            for shift in 0..100 {
                let laid_out: Vec<_> = steps.of(people, f64::from(shift) / 100.0).collect();
                assert_eq!(laid_out.iter().map(|(_, here)| here).sum::<u32>(), people);
                let sum: f64 = laid_out.iter().map(|(n, here)| *n as f64 * f64::from(*here)).sum();
                ticks += sum / f64::from(people) / 100.0;
            }
            assert!((ticks - mean).abs() < 0.02, "{people}: {ticks} {mean}");
        }
    }

    #[test]
    fn what_takes_no_time_is_of_the_same_tick() {
        let steps = Steps::new([0.0, 0.0].into_iter(), 0.0);
        assert_eq!(steps.of(7, 0.3).collect::<Vec<_>>(), [(0, 7)]);
    }
}
