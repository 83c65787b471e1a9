//! Batch means: a mean with its confidence out of one long run, whose observations hang on each other.

use super::{Block, sums};
use crate::evidence::queue::Estimate;

/// How many batches are tried, the most first, and the 97.5 % quantile of Student's t with one degree
/// of freedom less.
const BATCHES: [(usize, f64); 3] = [(32, 2.039_513), (16, 2.131_450), (8, 2.364_624)];

/// How much neighbouring batches may hang on each other: their lag-1 autocorrelation.
const LIKENESS_MAX: f64 = 0.2;

/// How much the longest batches may: beyond it, the run is too short to say how sure it is.
const LIKENESS_AT_ALL: f64 = 0.6;

/// What is estimated: one sum of a block over another.
type Ratio = fn(&Block) -> (f64, f64);

/// The ratio's mean over all `blocks` and its confidence, by the most batches that hang little on each
/// other (32, 16 or 8 of them; Law, Simulation Modeling and Analysis, 5th ed. 2015, §9.5.3). Nothing of
/// nothing is 0.
pub(super) fn estimate(blocks: &[Block], ratio: Ratio) -> Estimate {
    let over = |block: &Block| {
        let (sum, of) = ratio(block);
        if of > 0.0 { sum / of } else { 0.0 }
    };
    let all = sums(blocks, blocks.len().max(1));
    let mean = all.first().map_or(0.0, over);
    let tried = BATCHES.map(|(count, t)| (batches(blocks, count, over), t));
    let independent = tried.iter().find(|(means, _)| likeness(means) < LIKENESS_MAX);
    let (means, t) = independent.unwrap_or(&tried[BATCHES.len() - 1]);
    let half = t * standard_error(means);
    Estimate { mean, ci95: [mean - half, mean + half] }
}

/// Whether even the longest batches hang on each other, so that nobody knows how sure the mean is.
pub(super) fn is_too_short(blocks: &[Block], ratio: Ratio) -> bool {
    let over = |block: &Block| {
        let (sum, of) = ratio(block);
        sum / of
    };
    let fewest = BATCHES[BATCHES.len() - 1].0;
    blocks.len() < fewest || likeness(&batches(blocks, fewest, over)) >= LIKENESS_AT_ALL
}

/// The means of `count` batches of as many blocks each; what does not divide is left out of the
/// beginning, where a rest of the warm-up would be.
fn batches(blocks: &[Block], count: usize, over: impl Fn(&Block) -> f64) -> Vec<f64> {
    let each = blocks.len() / count;
    if each == 0 {
        return blocks.iter().map(over).collect();
    }
    sums(&blocks[blocks.len() - each * count..], each).iter().map(over).collect()
}

/// The lag-1 autocorrelation; of values that are all the same it is 0.
fn likeness(values: &[f64]) -> f64 {
    let mean = mean(values);
    let square = |value: &f64| (value - mean) * (value - mean);
    let spread: f64 = values.iter().map(square).sum();
    let pairs = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean));
    if spread > 0.0 { pairs.sum::<f64>() / spread } else { 0.0 }
}

fn standard_error(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    if count < 2.0 {
        return 0.0;
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (squares / (count - 1.0) / count).sqrt()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::draw::{Purpose, draw_for};

    const RATIO: Ratio = |block| (block.waited_s, block.waits);

    fn normal(number: u32, seed: u64) -> f64 {
        draw_for(seed, 0, Purpose::Service, number).normal()
    }

    /// A process each of whose values keeps a share of the one before; its mean is 10.
    fn blocks(count: u32, kept: f64, seed: u64) -> Vec<Block> {
        let mut value = 0.0;
        let each = (0..count).map(|number| {
            value = kept * value + (1.0 - kept * kept).sqrt() * normal(number, seed);
            Block { waits: 1.0, waited_s: 10.0 + value, ..Block::default() }
        });
        each.collect()
    }

    #[test]
    fn nineteen_of_twenty_intervals_hold_the_mean() {
        for kept in [0.0, 0.9] {
            let hold = (0..400).filter(|seed| {
                let [low, high] = estimate(&blocks(4_000, kept, *seed), RATIO).ci95;
                (low..=high).contains(&10.0)
            });
            // 380 expected; four standard deviations are 17.
            let hold = hold.count();
            assert!((360..=397).contains(&hold), "{kept}: {hold} of 400");
        }
    }

    #[test]
    fn who_remembers_for_as_long_as_the_run_lasts_is_too_short() {
        let is_short =
            |kept| (0..40).filter(|seed| is_too_short(&blocks(4_000, kept, *seed), RATIO)).count();
        assert!(is_short(0.9) <= 1);
        // A random walk in all but name: half of the time it is seen at least.
        assert!(is_short(0.999_9) >= 5, "{}", is_short(0.999_9));
    }
}
