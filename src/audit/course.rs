//! How much was free over time, at the least or at the most: a step function that is asked for its
//! least or greatest value in a stretch.

use domain::time::Time;

/// How many steps there are to a leaf of the tree: a few are quicker looked at than found.
const LEAF: usize = 16;

/// A bound of a number that changes in steps, from the run's beginning on.
#[derive(Clone, Debug)]
pub(super) struct Course {
    /// What it is before the first step.
    initial: i64,
    /// When each step begins and what it is from then on, oldest first.
    steps: Vec<(Time, i64)>,
    /// The least of the steps, as a tree over their leaves: leaf `n` at place `leaves + n`, and in
    /// each node the less of its two children.
    least: Vec<i64>,
    /// 1, or -1 where the least of the negated steps stands for the most.
    sign: i64,
}

impl Course {
    /// What it is at the least: of changes at one moment those downward come first.
    pub(super) fn at_the_least(initial: i64, changes: Vec<(Time, i64)>) -> Self {
        Self::new(initial, changes, 1)
    }

    /// What it is at the most: of changes at one moment those upward come first.
    pub(super) fn at_the_most(initial: i64, changes: Vec<(Time, i64)>) -> Self {
        Self::new(initial, changes, -1)
    }

    fn new(initial: i64, mut steps: Vec<(Time, i64)>, sign: i64) -> Self {
        for (_, by) in &mut steps {
            *by = by.saturating_mul(sign);
        }
        steps.sort_unstable();
        let initial = initial.saturating_mul(sign);
        let mut now = initial;
        for (_, step) in &mut steps {
            now = now.saturating_add(*step);
            *step = now;
        }
        let leaves = steps.len().div_ceil(LEAF);
        let mut least = vec![i64::MAX; leaves];
        least.extend(steps.chunks(LEAF).map(least_of));
        for node in (1..leaves).rev() {
            least[node] = least[2 * node].min(least[2 * node + 1]);
        }
        Self { initial, steps, least, sign }
    }

    /// The bound over the whole stretch, both ends included: the least of what it is at the least,
    /// or the most of what it is at the most.
    pub(super) fn within(&self, from: Time, until: Time) -> i64 {
        // Of several steps at `from` only the last is still in force then, but the others are too
        // close to tell.
        let before = self.steps.partition_point(|(since, _)| *since < from);
        let end = self.steps.partition_point(|(since, _)| *since <= until);
        let in_force = before.checked_sub(1).map_or(self.initial, |last| self.steps[last].1);
        in_force.min(self.least_among(before, end.max(before))).saturating_mul(self.sign)
    }

    /// The least of the steps from one place up to another.
    fn least_among(&self, from: usize, until: usize) -> i64 {
        let (first, end) = (from.div_ceil(LEAF), until / LEAF);
        if first >= end {
            return least_of(&self.steps[from..until]);
        }
        let ends = [&self.steps[from..first * LEAF], &self.steps[end * LEAF..until]];
        let mut least = ends.map(least_of).into_iter().fold(i64::MAX, i64::min);
        let leaves = self.least.len() / 2;
        let (mut low, mut high) = (leaves + first, leaves + end);
        while low < high {
            if low % 2 == 1 {
                least = least.min(self.least[low]);
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                least = least.min(self.least[high]);
            }
            (low, high) = (low / 2, high / 2);
        }
        least
    }
}

fn least_of(steps: &[(Time, i64)]) -> i64 {
    steps.iter().map(|(_, step)| *step).min().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn a_stretch_begins_with_what_was_in_force() {
        let changes = vec![(at(10), -3), (at(20), 5), (at(30), -4)];
        let course = Course::at_the_least(4, changes.clone());
        let within = |course: &Course, from, until| course.within(at(from), at(until));
        assert_eq!(within(&course, 0, 5), 4);
        assert_eq!(within(&course, 11, 15), 1);
        assert_eq!(within(&course, 21, 25), 6);
        assert_eq!(within(&course, 5, 99), 1);
        let course = Course::at_the_most(4, changes);
        assert_eq!(within(&course, 11, 25), 6);
        assert_eq!(within(&course, 31, 99), 2);
    }

    proptest! {
        #[test]
        fn the_tree_finds_what_a_walk_finds(
            initial in -5_i64..20,
            changes in prop::collection::vec((1_u64..50, -4_i64..5), 0..200),
            from in 0_u64..60,
            lasts in 0_u64..20,
        ) {
            let mut changes: Vec<(Time, i64)> =
                changes.into_iter().map(|(ms, by)| (at(ms), by)).collect();
            let course = Course::at_the_least(initial, changes.clone());
            changes.sort_unstable();
            let (mut now, mut before) = (initial, initial);
            let mut steps = Vec::new();
            for (when, by) in changes {
                now += by;
                if when < at(from) {
                    before = now;
                } else if when <= at(from + lasts) {
                    steps.push(now);
                }
            }
            steps.push(before);
            let found = course.within(at(from), at(from + lasts));
            prop_assert_eq!(found, steps.into_iter().min().unwrap());
        }
    }
}
