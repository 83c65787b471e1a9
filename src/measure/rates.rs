//! Requests per second at each tier, out of the shop's cumulative counts or the fans' own.

use domain::shop::ShopSnapshot;

use crate::measure::timeline::Timeline;
use crate::measure::{RateSummary, round3};

/// Snapshots closer together than this are taken as one \[s\]: over a shorter while the moment at
/// which the shop counted is less certain than the count.
const GAP_MIN_S: f64 = 0.5;

/// A cumulative count over the run: instants \[s\] and how many by then, both non-decreasing.
pub(super) struct Counter {
    points: Vec<(f64, f64)>,
}

impl Counter {
    /// The count that `read` takes from each snapshot. Before the first one it rises from 0 at the
    /// run's beginning.
    pub(super) fn new(snapshots: &[ShopSnapshot], read: fn(&ShopSnapshot) -> u64) -> Self {
        let mut points = vec![(0.0, 0.0)];
        let mut last = (0.0_f64, 0.0_f64);
        for snapshot in snapshots {
            let point = (snapshot.at.seconds(), read(snapshot) as f64);
            if point.0 <= last.0 {
                // The count at the very beginning, or a repetition.
                points.pop();
            }
            last = (point.0.max(last.0), point.1.max(last.1));
            points.push(last);
        }
        Self { points }
    }

    /// The peak, mean and sum.
    pub(super) fn summary(&self) -> RateSummary {
        let (first, last) = (self.points[0], self.points[self.points.len() - 1]);
        let mut peak = 0.0_f64;
        let mut from = first;
        for &to in &self.points[1..] {
            if to.0 - from.0 >= GAP_MIN_S {
                peak = peak.max((to.1 - from.1) / (to.0 - from.0));
                from = to;
            }
        }
        let begin = self.points.partition_point(|point| point.1 <= first.1);
        let end = self.points.partition_point(|point| point.1 < last.1);
        let busy = self.points.get(end).map_or(0.0, |point| point.0)
            - self.points[begin.saturating_sub(1)].0;
        let mean = if busy > 0.0 { (last.1 - first.1) / busy } else { 0.0 };
        RateSummary::counted(round3(peak), round3(mean), whole(last.1))
    }

    /// How many fell into the second, by straight lines between the snapshots; the seconds add up
    /// to the count.
    pub(super) fn in_second(&self, second: u64) -> u64 {
        let until = |second: u64| whole(self.at(second as f64));
        until(second + 1) - until(second)
    }

    fn at(&self, seconds: f64) -> f64 {
        let next = self.points.partition_point(|point| point.0 <= seconds);
        let before = self.points[next.saturating_sub(1)];
        match self.points.get(next) {
            Some(after) if after.0 > before.0 && seconds >= before.0 => {
                before.1 + (after.1 - before.1) * (seconds - before.0) / (after.0 - before.0)
            }
            _ => before.1,
        }
    }
}

/// The peak, mean and sum of a count that the timeline has per second.
pub(super) fn of_timeline(timeline: &Timeline, read: fn(u64, &Timeline) -> u64) -> RateSummary {
    let counts: Vec<(u64, u64)> = timeline
        .seconds
        .keys()
        .map(|second| (*second, read(*second, timeline)))
        .filter(|(_, count)| *count > 0)
        .collect();
    let (Some(first), Some(last)) = (counts.first(), counts.last()) else {
        return RateSummary::counted(0.0, 0.0, 0);
    };
    let count: u64 = counts.iter().map(|(_, count)| count).sum();
    let peak = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let seconds = last.0 + 1 - first.0;
    RateSummary::counted(peak as f64, round3(count as f64 / seconds as f64), count)
}

impl RateSummary {
    /// A rate that somebody counted.
    pub(super) const fn counted(peak_per_s: f64, mean_per_s: f64, count: u64) -> Self {
        Self { peak_per_s: Some(peak_per_s), mean_per_s: Some(mean_per_s), count: Some(count) }
    }
}

/// A count that is not negative, to the nearest whole.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are positive, and far below 2^53"
)]
fn whole(count: f64) -> u64 {
    count.round() as u64
}

#[cfg(test)]
mod tests {
    use domain::time::Time;

    use super::*;

    fn counter(points: &[(u64, u64)]) -> Counter {
        let snapshots: Vec<ShopSnapshot> = points
            .iter()
            .map(|(ms, edge)| ShopSnapshot {
                at: Time::from_millis(*ms),
                edge: *edge,
                ..ShopSnapshot::default()
            })
            .collect();
        Counter::new(&snapshots, |snapshot| snapshot.edge)
    }

    #[test]
    fn a_late_snapshot_does_not_make_a_peak() {
        let even = counter(&[(1_000, 100), (2_400, 240), (2_500, 250), (3_000, 300)]);
        let summary = even.summary();
        assert_eq!(summary, RateSummary::counted(100.0, 100.0, 300));
    }

    #[test]
    fn the_mean_counts_from_the_first_to_the_last_request() {
        let quiet = counter(&[(1_000, 0), (2_000, 0), (3_000, 30), (4_000, 60), (9_000, 60)]);
        assert_eq!(quiet.summary().mean_per_s, Some(30.0));
    }

    #[test]
    fn the_seconds_add_up_to_the_count() {
        let uneven = counter(&[(1_300, 101), (2_700, 203), (4_000, 310)]);
        assert_eq!((0..5).map(|second| uneven.in_second(second)).sum::<u64>(), 310);
        assert_eq!(uneven.in_second(9), 0);
    }

    #[test]
    fn a_shop_that_says_nothing_had_no_requests() {
        assert_eq!(counter(&[]).summary(), RateSummary::counted(0.0, 0.0, 0));
    }
}
