//! How much was free over time, at the least or at the most: a step function that is asked for its
//! least or greatest value in a stretch.

use domain::time::Time;

/// A bound of a number that changes in steps, from the run's beginning on.
#[derive(Clone, Debug)]
pub(super) struct Course {
    /// When each step begins, oldest first; the first one at the run's beginning.
    since: Vec<Time>,
    /// The least of the steps, as a tree over them: leaf `n` at place `since.len() + n`, and in
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

    fn new(initial: i64, mut changes: Vec<(Time, i64)>, sign: i64) -> Self {
        for (_, by) in &mut changes {
            *by = by.saturating_mul(sign);
        }
        changes.sort_unstable();
        let count = changes.len() + 1;
        let (mut since, mut least) = (Vec::with_capacity(count), vec![i64::MAX; 2 * count]);
        let mut now = initial.saturating_mul(sign);
        since.push(Time::ZERO);
        least[count] = now;
        for (place, (at, by)) in changes.into_iter().enumerate() {
            now = now.saturating_add(by);
            since.push(at);
            least[count + place + 1] = now;
        }
        for node in (1..count).rev() {
            least[node] = least[2 * node].min(least[2 * node + 1]);
        }
        Self { since, least, sign }
    }

    /// The bound over the whole stretch, both ends included: the least of what it is at the least,
    /// or the most of what it is at the most.
    pub(super) fn within(&self, from: Time, until: Time) -> i64 {
        let count = self.since.len();
        // Of several steps at `from` only the last is still in force then, but the others are too
        // close to tell.
        let first = self.since.partition_point(|since| *since < from).saturating_sub(1);
        let end = self.since.partition_point(|since| *since <= until).max(first + 1);
        let (mut low, mut high) = (count + first, count + end);
        let mut least = i64::MAX;
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
        least.saturating_mul(self.sign)
    }
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
            changes in prop::collection::vec((1_u64..50, -4_i64..5), 0..30),
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
