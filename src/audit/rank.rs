//! Ranks: how many pairs stand in the wrong order, without looking at all pairs.

use std::cmp::Ordering;

/// Counts by place, with sums up to a place (Fenwick's tree).
#[derive(Clone, Debug)]
pub(super) struct Counts {
    tree: Vec<u64>,
}

impl Counts {
    /// Nothing counted yet at any of `places` places.
    pub(super) fn new(places: usize) -> Self {
        Self { tree: vec![0; places + 1] }
    }

    /// One more at `place`, from 0.
    pub(super) fn add(&mut self, place: usize) {
        let mut node = place + 1;
        while node < self.tree.len() {
            self.tree[node] += 1;
            node += node & node.wrapping_neg();
        }
    }

    /// How many there are at `place` and before it.
    pub(super) fn up_to(&self, place: usize) -> u64 {
        let mut node = (place + 1).min(self.tree.len() - 1);
        let mut sum = 0;
        while node > 0 {
            sum += self.tree[node];
            node &= node - 1;
        }
        sum
    }
}

/// Kendall's τ-b of pairs of values, in \[-1, 1\]: 1 where both grow together, -1 where one falls as
/// the other grows, 0 where neither says anything of the other. By merge sort, after Knight (1966).
/// `None` where one of the two never changes.
pub(super) fn kendall_tau<X: Ord + Copy, Y: Ord + Copy>(mut sorted: Vec<(X, Y)>) -> Option<f64> {
    sorted.sort_unstable();
    let all = pairs_of(sorted.len() as u64);
    let tied_x = ties(&sorted, |left, right| left.0 == right.0);
    let tied_both = ties(&sorted, |left, right| left == right);
    let mut values: Vec<Y> = sorted.into_iter().map(|(_, y)| y).collect();
    let mut spare = values.clone();
    let swapped = sort_counting(&mut values, &mut spare);
    let tied_y = ties(&values, |left, right| left == right);
    let untied = (all - tied_x) * (all - tied_y);
    (untied > 0.0).then(|| (all - tied_x - tied_y + tied_both - 2.0 * swapped) / untied.sqrt())
}

fn pairs_of(count: u64) -> f64 {
    count as f64 * (count as f64 - 1.0) / 2.0
}

/// How many pairs are equal, of values in order.
fn ties<T>(sorted: &[T], same: impl Fn(&T, &T) -> bool) -> f64 {
    sorted.chunk_by(same).map(|run| pairs_of(run.len() as u64)).sum()
}

/// Sorts, and counts the pairs that stood in falling order.
fn sort_counting<T: Ord + Copy>(values: &mut [T], spare: &mut [T]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let middle = values.len() / 2;
    let mut swapped = sort_counting(&mut values[..middle], &mut spare[..middle]);
    swapped += sort_counting(&mut values[middle..], &mut spare[middle..]);
    spare.copy_from_slice(values);
    let (mut left, mut right) = (0, middle);
    for value in values.iter_mut() {
        let takes_left = left < middle
            && (right == spare.len() || spare[left].cmp(&spare[right]) != Ordering::Greater);
        if takes_left {
            *value = spare[left];
            left += 1;
        } else {
            swapped += (middle - left) as f64;
            *value = spare[right];
            right += 1;
        }
    }
    swapped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tau_is_one_for_the_same_order_and_minus_one_for_the_opposite() {
        let same: Vec<(u32, u32)> = (0..50).map(|n| (n, n * 3)).collect();
        let opposite: Vec<(u32, u32)> = (0..50).map(|n| (n, 99 - n)).collect();
        assert_eq!(kendall_tau(same), Some(1.0));
        assert_eq!(kendall_tau(opposite), Some(-1.0));
        assert_eq!(kendall_tau(vec![(1, 1), (2, 1)]), None);
    }

    /// The example of Kendall's textbook with ties, by the definition.
    fn by_definition(pairs: &[(u8, u8)]) -> Option<f64> {
        let (mut sum, mut x_free, mut y_free) = (0.0, 0.0, 0.0);
        for (place, left) in pairs.iter().enumerate() {
            for right in &pairs[..place] {
                let sign = |ordering| match ordering {
                    Ordering::Less => -1.0,
                    Ordering::Equal => 0.0,
                    Ordering::Greater => 1.0,
                };
                let (x, y): (f64, f64) = (sign(left.0.cmp(&right.0)), sign(left.1.cmp(&right.1)));
                sum += x * y;
                x_free += x * x;
                y_free += y * y;
            }
        }
        (x_free * y_free > 0.0).then(|| sum / (x_free * y_free).sqrt())
    }

    proptest! {
        #[test]
        fn sorting_counts_what_comparing_all_pairs_counts(
            pairs in prop::collection::vec((0_u8..9, 0_u8..9), 0..40),
        ) {
            match (kendall_tau(pairs.clone()), by_definition(&pairs)) {
                (Some(fast), Some(slow)) => prop_assert!((fast - slow).abs() < 1e-9),
                (fast, slow) => prop_assert_eq!(fast, slow),
            }
        }

        #[test]
        fn counts_add_up(places in prop::collection::vec(0_usize..20, 0..60), up_to in 0_usize..20) {
            let mut counts = Counts::new(20);
            for place in &places {
                counts.add(*place);
            }
            let expected = places.iter().filter(|place| **place <= up_to).count() as u64;
            prop_assert_eq!(counts.up_to(up_to), expected);
        }
    }
}
