//! Where an effect lies, by drawing the runs at hand again, many times: the bootstrap of Efron, Annals of
//! Statistics 7 (1979), by blocks.
//!
//! Runs that follow each other on one machine are alike, so that what is drawn are blocks of neighbours:
//! circular blocks (Politis and Romano, in Exploring the Limits of Bootstrap (1992)), as long as the cube
//! root of how many there are (Hall, Horowitz and Jing, Biometrika 82 (1995)). Of pairs both runs are drawn
//! together, so that what the machine did to both stays with both.

use domain::draw::{Purpose, draw_for};

use super::{Layout, Samples, Scale, at, median};

/// How often the runs are drawn again.
pub const RESAMPLES: u32 = 1_000;
/// What may lie outside of an interval on either side.
const TAIL: f64 = 0.025;

/// The effect of samples: of their medians.
pub fn effect(samples: Samples<'_>, scale: Scale) -> f64 {
    let (mut a, mut b) = (samples.a.to_vec(), samples.b.to_vec());
    scale.effect(median(&mut a), median(&mut b))
}

/// From where to where the effect lies with 95 % confidence (percentiles of the effects of samples drawn
/// again); nothing where a sample has less than two values. Of fewer than about ten values it is somewhat
/// too narrow.
pub fn interval(samples: Samples<'_>, scale: Scale, seed: u64) -> Option<[f64; 2]> {
    let mut effects = effects(samples, scale, seed)?;
    effects.sort_unstable_by(f64::total_cmp);
    Some([at(&effects, TAIL)?, at(&effects, 1.0 - TAIL)?])
}

/// How large an effect, in either direction, comes by chance alone: all but one in a hundred of those of
/// samples drawn again are at most this, where both samples are of the same. Nothing where one has
/// less than two values.
pub fn noise(samples: Samples<'_>, scale: Scale, seed: u64) -> Option<f64> {
    let mut effects = effects(samples, scale, seed)?;
    for effect in &mut effects {
        *effect = effect.abs();
    }
    effects.sort_unstable_by(f64::total_cmp);
    at(&effects, 0.99)
}

/// The effects of samples drawn again, in the order in which they were drawn.
fn effects(samples: Samples<'_>, scale: Scale, seed: u64) -> Option<Vec<f64>> {
    let Samples { a, b, .. } = samples;
    if a.len() < 2 || b.len() < 2 {
        return None;
    }
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    let effects = (0..RESAMPLES).map(|number| {
        again(samples, a.len(), b.len(), (seed, number), (&mut of_a, &mut of_b));
        scale.effect(median(&mut of_a), median(&mut of_b))
    });
    Some(effects.collect())
}

/// Draws so many values of each sample again, into the vectors: the drawing of that number of a seed. Both
/// samples have values.
pub(super) fn again(
    samples: Samples<'_>,
    many_a: usize,
    many_b: usize,
    (seed, number): (u64, u32),
    (of_a, of_b): (&mut Vec<f64>, &mut Vec<f64>),
) {
    let mut drawn = 0;
    let mut below = |count: usize| {
        drawn += 1;
        let place = draw_for(seed, u64::from(number), Purpose::Resample, drawn);
        usize::try_from(place.below(count as u64)).unwrap_or(0)
    };
    of_a.clear();
    of_b.clear();
    match samples.layout {
        Layout::Pairs => {
            debug_assert_eq!(samples.a.len(), samples.b.len(), "pairs have two runs each");
            let count = samples.a.len().min(samples.b.len());
            blocks(count, many_a.max(many_b), &mut below, |place| {
                of_a.push(samples.a[place]);
                of_b.push(samples.b[place]);
            });
        }
        Layout::Apart => {
            blocks(samples.a.len(), many_a, &mut below, |place| of_a.push(samples.a[place]));
            blocks(samples.b.len(), many_b, &mut below, |place| of_b.push(samples.b[place]));
        }
    }
}

/// Takes `many` places of `count`, in circular blocks.
fn blocks(
    count: usize,
    many: usize,
    below: &mut impl FnMut(usize) -> usize,
    mut take: impl FnMut(usize),
) {
    let length = block(count);
    let mut taken = 0;
    while taken < many {
        let first = below(count);
        for place in (first..).take(length.min(many - taken)) {
            take(place % count);
            taken += 1;
        }
    }
}

/// How long a block of so many runs is: the cube root, to the nearest whole number.
fn block(count: usize) -> usize {
    (1..=count).find(|length: &usize| (2 * length + 1).pow(3) > 8 * count).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn samples<'a>(a: &'a [f64], b: &'a [f64], layout: Layout) -> Samples<'a> {
        Samples { a, b, layout }
    }

    #[test]
    fn a_block_is_the_cube_root_of_all() {
        let lengths = [1, 3, 4, 8, 15, 16, 27, 42, 43, 64].map(block);
        // 1.5³ = 3.375, 2.5³ = 15.625, 3.5³ = 42.875.
        assert_eq!(lengths, [1, 1, 2, 2, 2, 3, 3, 3, 4, 4]);
    }

    #[test]
    fn neighbours_are_drawn_together_and_pairs_stay_pairs() {
        let a: Vec<f64> = (0..8).map(f64::from).collect();
        let b: Vec<f64> = (0..8).map(|place| f64::from(place) + 100.0).collect();
        let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
        for number in 0..50 {
            let samples = samples(&a, &b, Layout::Pairs);
            again(samples, 8, 8, (7, number), (&mut of_a, &mut of_b));
            assert_eq!((of_a.len(), of_b.len()), (8, 8));
            let are_pairs = of_a.iter().zip(&of_b).all(|(a, b)| (b - a - 100.0).abs() <= 0.0);
            assert!(are_pairs, "{of_a:?} {of_b:?}");
            let next = |one: f64| (one + 1.0) % 8.0;
            let are_blocks = of_a.chunks(2).all(|two| (next(two[0]) - two[1]).abs() <= 0.0);
            assert!(are_blocks, "{of_a:?}");
        }
    }

    #[test]
    fn what_a_machine_did_to_both_runs_of_a_pair_is_in_no_interval() {
        // Each pair is ten times as slow as the one before, and its second run a tenth slower.
        let a: Vec<f64> = (0..9).map(|pair| 10_f64.powi(pair)).collect();
        let b: Vec<f64> = a.iter().map(|value| 1.1 * value).collect();
        let of = |layout| interval(samples(&a, &b, layout), Scale::Ratio, 7).unwrap();
        let effect = libm::log(1.1);
        let [low, high] = of(Layout::Pairs);
        assert!((low - effect).abs() < 1e-9 && (high - effect).abs() < 1e-9, "{low} {high}");
        let [low, high] = of(Layout::Apart);
        assert!(low < -1.0 && high > 1.0, "{low} {high}");
    }

    #[test]
    fn the_interval_of_a_median_holds_it_about_as_often_as_it_says() {
        // Lognormal values of one law on both sides, of which the true effect is 0.
        let value = |who: u32, n: u32| {
            draw_for(u64::from(who), 1, Purpose::Service, n).lognormal(100.0, 0.2)
        };
        let held = (0..200).filter(|who| {
            let a: Vec<f64> = (0..12).map(|n| value(*who, n)).collect();
            let b: Vec<f64> = (12..24).map(|n| value(*who, n)).collect();
            let found = interval(samples(&a, &b, Layout::Apart), Scale::Ratio, 3).unwrap();
            found[0] <= 0.0 && found[1] >= 0.0
        });
        // 95 % of 200 are 190, with a deviation of 3; blocks of two and medians are a little off.
        let held = held.count();
        assert!((174..=200).contains(&held), "{held}");
    }

    #[test]
    fn noise_is_what_chance_comes_to_and_of_equal_runs_it_is_none() {
        assert_eq!(noise(samples(&[4.0; 8], &[4.0; 8], Layout::Pairs), Scale::Ratio, 7), Some(0.0));
        let a = [10.0, 11.0, 10.5, 10.2, 10.9, 10.1, 10.8, 10.4];
        let b = [10.3, 10.7, 10.2, 10.6, 11.1, 10.0, 10.5, 10.9];
        let found = noise(samples(&a, &b, Layout::Pairs), Scale::Ratio, 7).unwrap();
        assert!(found > 0.01 && found < 0.1, "{found}");
        assert_eq!(noise(samples(&[1.0], &[1.0, 2.0], Layout::Apart), Scale::Ratio, 7), None);
    }

    proptest! {
        #[test]
        fn an_interval_is_the_same_each_time_and_lies_among_what_is_possible(
            a in prop::collection::vec(1.0_f64..10.0, 2..12), b in prop::collection::vec(1.0_f64..10.0, 2..12),
        ) {
            let samples = samples(&a, &b, Layout::Apart);
            let [low, high] = interval(samples, Scale::Difference, 7).unwrap();
            let again = interval(samples, Scale::Difference, 7).unwrap();
            prop_assert_eq!(again.map(f64::to_bits), [low, high].map(f64::to_bits));
            prop_assert!(low <= high && low >= -9.0 && high <= 9.0);
        }
    }
}
