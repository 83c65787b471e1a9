//! Ranks: how many pairs stand in the wrong order, without looking at all pairs.

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

/// Kendall's τ-b of pairs of values in the order of the first, in \[-1, 1\]: 1 where both grow together,
/// -1 where one falls as the other grows, 0 where neither says anything of the other. By merge sort, after
/// Knight (1966). `None` where one of the two never changes.
pub(super) fn kendall_tau<X: Ord, Y: Ord + Copy>(
    pairs: impl Iterator<Item = (X, Y)>,
) -> Option<f64> {
    let mut values: Vec<Y> = Vec::new();
    let (mut tied_x, mut tied_both) = (0.0, 0.0);
    let mut close = |values: &mut [Y]| {
        values.sort_unstable();
        tied_x += pairs_of(values.len() as u64);
        tied_both += ties(values);
    };
    let (mut from, mut last) = (0, None);
    for (x, y) in pairs {
        if last.as_ref().is_some_and(|last| *last != x) {
            close(&mut values[from..]);
            from = values.len();
        }
        last = Some(x);
        values.push(y);
    }
    close(&mut values[from..]);
    let all = pairs_of(values.len() as u64);
    let mut spare = Vec::with_capacity(values.len().div_ceil(2));
    let swapped = sort_counting(&mut values, &mut spare);
    let tied_y = ties(&values);
    let untied = (all - tied_x) * (all - tied_y);
    (untied > 0.0).then(|| (all - tied_x - tied_y + tied_both - 2.0 * swapped) / untied.sqrt())
}

fn pairs_of(count: u64) -> f64 {
    count as f64 * (count as f64 - 1.0) / 2.0
}

/// How many pairs are equal, of values in order.
fn ties<T: PartialEq>(sorted: &[T]) -> f64 {
    sorted.chunk_by(T::eq).map(|run| pairs_of(run.len() as u64)).sum()
}

/// Sorts, and counts the pairs that stood in falling order; `spare` is room for half of them.
fn sort_counting<T: Ord + Copy>(values: &mut [T], spare: &mut Vec<T>) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let middle = values.len() / 2;
    let mut swapped = sort_counting(&mut values[..middle], spare);
    swapped += sort_counting(&mut values[middle..], spare);
    spare.clear();
    spare.extend_from_slice(&values[..middle]);
    let (mut left, mut right) = (0, middle);
    // What is written lies before what is still to be read on the right.
    for place in 0..values.len() {
        let Some(first) = spare.get(left) else { break };
        if right == values.len() || *first <= values[right] {
            values[place] = *first;
            left += 1;
        } else {
            swapped += (spare.len() - left) as f64;
            values[place] = values[right];
            right += 1;
        }
    }
    swapped
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tau_is_one_for_the_same_order_and_minus_one_for_the_opposite() {
        assert_eq!(kendall_tau((0..50).map(|n| (n, n * 3))), Some(1.0));
        assert_eq!(kendall_tau((0..50).map(|n| (n, 99 - n))), Some(-1.0));
        assert_eq!(kendall_tau([(1, 1), (2, 1)].into_iter()), None);
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
            mut pairs in prop::collection::vec((0_u8..9, 0_u8..9), 0..40),
        ) {
            pairs.sort_by_key(|(x, _)| *x);
            match (kendall_tau(pairs.iter().copied()), by_definition(&pairs)) {
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
