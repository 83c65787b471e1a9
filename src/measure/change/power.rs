//! What so many runs could have shown, by simulation from the runs at hand: their values around their own
//! medians are drawn again, and an effect is added to one side, until the ranks tell.
//!
//! How many values of one side are above those of the other grows with what is added by one each time that a
//! difference of two values is passed. So the least effect that the ranks of one drawing tell is one of those
//! differences, and no effects need be tried: the relation by which Hodges and Lehmann, Annals of
//! Mathematical Statistics 34 (1963), turn the test into an estimate.

use super::resample::again;
use super::{Samples, Scale, at, median, ranks};

/// How often the runs are drawn again.
const DRAWINGS: u32 = 200;
/// In so many of all drawings an effect must tell.
pub const SEEN: f64 = 0.8;
/// More runs of each side are not proposed: who would need them needs a quieter machine.
pub const RUNS_MAX: usize = 100;

/// The least effect, above 0, that ranks would have told from noise at `level` in [`SEEN`] of all cases, with as
/// many runs as there are; nothing where so few never tell, or a ratio is asked of a value that is 0.
pub fn least_seen(samples: Samples<'_>, scale: Scale, level: f64, seed: u64) -> Option<f64> {
    let (of_a, of_b) = (samples.a.len(), samples.b.len());
    let (a, b) = (around(samples.a, scale)?, around(samples.b, scale)?);
    seen(Samples { a: &a, b: &b, ..samples }, (of_a, of_b), level, seed)
}

/// How many runs of each side would tell that effect in [`SEEN`] of all cases, at least as many as there are;
/// nothing where more than [`RUNS_MAX`] would be needed.
pub fn runs_for(
    samples: Samples<'_>,
    scale: Scale,
    effect: f64,
    level: f64,
    seed: u64,
) -> Option<usize> {
    let (a, b) = (around(samples.a, scale)?, around(samples.b, scale)?);
    let around = Samples { a: &a, b: &b, ..samples };
    let tells = |runs| seen(around, (runs, runs), level, seed).is_some_and(|seen| seen <= effect);
    let (mut too_few, mut enough) = (0, a.len().min(b.len()).min(RUNS_MAX));
    // Twice as many each time, for what takes longest is to ask of many.
    while !tells(enough) {
        if enough == RUNS_MAX {
            return None;
        }
        (too_few, enough) = (enough, (2 * enough).min(RUNS_MAX));
    }
    while too_few > 0 && enough - too_few > 1 {
        let between = usize::midpoint(too_few, enough);
        if tells(between) {
            enough = between;
        } else {
            too_few = between;
        }
    }
    Some(enough)
}

/// The values around their median, on the scale of the effect; nothing where there is none.
fn around(values: &[f64], scale: Scale) -> Option<Vec<f64>> {
    let middle = median(&mut values.to_vec());
    let around: Vec<f64> = values.iter().map(|value| scale.effect(middle, *value)).collect();
    (!around.is_empty() && around.iter().all(|value| value.is_finite())).then_some(around)
}

fn seen(around: Samples<'_>, (of_a, of_b): (usize, usize), level: f64, seed: u64) -> Option<f64> {
    let needed = ranks::critical(of_a, of_b, level)?;
    let (mut a, mut b, mut apart) = (Vec::new(), Vec::new(), Vec::new());
    let mut least: Vec<f64> = (0..DRAWINGS)
        .map(|number| {
            again(around, of_a, of_b, (seed, number), (&mut a, &mut b));
            apart.clear();
            apart.extend(a.iter().flat_map(|a| b.iter().map(move |b| a - b)));
            let place = needed.clamp(1, apart.len()) - 1;
            let (_, least, _) = apart.select_nth_unstable_by(place, f64::total_cmp);
            least.max(0.0)
        })
        .collect();
    least.sort_unstable_by(f64::total_cmp);
    at(&least, SEEN)
}

#[cfg(test)]
mod tests {
    use domain::draw::{Purpose, draw_for};

    use super::super::Layout;
    use super::*;

    const LEVEL: f64 = 0.01;

    /// Values of one law, of which about two thirds are within `sigma` of their median.
    fn values(seed: u64, many: u32, sigma: f64) -> Vec<f64> {
        (0..many).map(|n| draw_for(seed, 1, Purpose::Service, n).lognormal(100.0, sigma)).collect()
    }

    #[test]
    fn what_would_have_been_seen_is_seen_that_often() {
        let (a, b) = (values(1, 20, 0.05), values(2, 20, 0.05));
        let samples = Samples { a: &a, b: &b, layout: Layout::Apart };
        let effect = least_seen(samples, Scale::Ratio, LEVEL, 7).unwrap();
        // New samples of the same law, that much apart, and how often their ranks tell.
        let told = (0..400_u32).filter(|number| {
            let a = values(1_000 + u64::from(*number), 20, 0.05);
            let b = values(9_000 + u64::from(*number), 20, 0.05);
            let b: Vec<f64> = b.iter().map(|value| value * libm::exp(effect)).collect();
            ranks::greater(&a, &b).unwrap() <= LEVEL
        });
        let told = told.count();
        // 80 % of 400; how far the runs at hand happened to spread says the rest.
        assert!((240..=396).contains(&told), "{told} with {effect}");
    }

    #[test]
    fn more_runs_see_less_and_so_many_are_asked_for() {
        let (a, b) = (values(3, 8, 0.05), values(4, 8, 0.05));
        let samples = Samples { a: &a, b: &b, layout: Layout::Pairs };
        let seen = least_seen(samples, Scale::Ratio, LEVEL, 7).unwrap();
        let runs = |effect| runs_for(samples, Scale::Ratio, effect, LEVEL, 7);
        assert!(seen > 0.02 && seen < 0.3, "{seen}");
        assert_eq!(runs(seen), Some(8), "{seen}");
        let (half, third) = (runs(seen / 2.0).unwrap(), runs(seen / 3.0).unwrap());
        assert!(half > 8 && third > half, "{half} {third}");
        assert_eq!(runs(1e-6), None);
    }

    #[test]
    fn runs_that_do_not_differ_see_everything_and_too_few_nothing() {
        let all = [5.0; 8];
        let of = |many: usize| Samples { a: &all[..many], b: &all[..many], layout: Layout::Pairs };
        assert_eq!(least_seen(of(8), Scale::Ratio, LEVEL, 7), Some(0.0));
        assert_eq!(least_seen(of(3), Scale::Ratio, LEVEL, 7), None);
        assert_eq!(least_seen(of(0), Scale::Ratio, LEVEL, 7), None);
        let none = Samples { a: &[0.0, 0.0], b: &[0.0, 1.0], layout: Layout::Apart };
        assert_eq!(least_seen(none, Scale::Ratio, 0.5, 7), None);
    }
}
