//! The load balancer in front of the application: what it took, and what it refused.

use domain::shop::BalancerState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::evidence::series::Row;
use crate::measure::rates::Counter;
use crate::measure::series::stairs;
use crate::measure::{Second, round3};

/// The series under which a run's timeline shows it.
const SERIES: [&str; 2] = ["balancer takes, 1/s", "balancer refuses, 1/s"];

/// The load balancer of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BalancerSummary {
    /// What it took, from each second on in which that changed.
    pub changes: Vec<CapacityChange>,
    /// Requests that reached it.
    pub offered: u64,
    /// The most of them in a second \[1/s\].
    pub peak_per_s: f64,
    /// Those of them that it refused with an error of its own (503).
    pub rejected: u64,
    /// Those of them that it passed on and then cut off, for their task was gone (502).
    #[serde(default)]
    pub cut: u64,
    /// When it refused some; absent where it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejecting: Option<Rejecting>,
}

/// From this second on it took so many.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityChange {
    /// When, from the run's beginning \[s\].
    pub at_s: f64,
    /// How many \[requests/s\].
    pub capacity_per_s: f64,
}

/// When requests were refused, as looked at once a second.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rejecting {
    /// In how many seconds.
    pub seconds: u64,
    /// The end of the first of them, from the run's beginning \[s\].
    pub first_s: f64,
    /// The end of the last of them \[s\].
    pub last_s: f64,
}

/// The balancer of a run; none where there was none.
pub(super) fn balancer(evidence: &Evidence) -> Option<BalancerSummary> {
    let mut summary = BalancerSummary::default();
    for (at_s, state) in states(evidence) {
        let capacity_per_s = round3(state.capacity_per_s);
        if summary.capacity_at(at_s) != Some(capacity_per_s) {
            summary.changes.push(CapacityChange { at_s, capacity_per_s });
        }
        if state.rejected > summary.rejected {
            let first = Rejecting { first_s: at_s, ..Rejecting::default() };
            let known = summary.rejecting.unwrap_or(first);
            summary.rejecting =
                Some(Rejecting { seconds: known.seconds + 1, last_s: at_s, ..known });
        }
        (summary.offered, summary.rejected) = (state.offered, state.rejected);
        summary.cut = state.cut;
    }
    let offered = Counter::new(&evidence.snapshots, |snapshot| {
        snapshot.balancer.map_or(0, |balancer| balancer.offered)
    });
    summary.peak_per_s = offered.summary().peak_per_s.unwrap_or_default();
    (!summary.changes.is_empty()).then_some(summary)
}

/// What it said of itself, and when \[s\].
pub(super) fn states(evidence: &Evidence) -> impl Iterator<Item = (f64, BalancerState)> {
    let states = evidence.snapshots.iter();
    states.filter_map(|snapshot| Some((round3(snapshot.at.seconds()), snapshot.balancer?)))
}

impl BalancerSummary {
    /// What it took at a moment from the run's beginning \[s\] \[requests/s\].
    pub fn capacity_at(&self, at_s: f64) -> Option<f64> {
        let known = self.changes.iter().rev().find(|change| change.at_s <= at_s);
        known.or(self.changes.first()).map(|change| change.capacity_per_s)
    }

    /// The change that let it take the most, the first of them if several did.
    pub fn most(&self) -> CapacityChange {
        let more = |best: CapacityChange, next: &CapacityChange| {
            if next.capacity_per_s > best.capacity_per_s { *next } else { best }
        };
        self.changes.iter().fold(CapacityChange::default(), more)
    }

    /// What it took and what it refused, on the run's timeline, which ends then \[s\].
    pub fn rows(&self, timeline: &[Second], ended_s: f64) -> Vec<Row> {
        let [takes, refuses] = SERIES;
        let steps: Vec<_> =
            self.changes.iter().map(|change| (change.at_s, change.capacity_per_s)).collect();
        let rejected = timeline.iter().filter_map(|second| {
            Some(Row {
                at_s: second.at_s,
                series: refuses.to_owned(),
                value: Some(second.rejected? as f64),
                text: None,
            })
        });
        stairs(takes, &steps, ended_s).into_iter().chain(rejected).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::shop::{Catalogue, ShopSnapshot};
    use domain::time::Time;

    use super::*;

    fn of(states: &[(f64, u64, u64)]) -> Option<BalancerSummary> {
        let mut evidence = Evidence::of(Catalogue { sales: Vec::new() }, None);
        evidence.snapshots = (1..)
            .zip(states)
            .map(|(second, (capacity_per_s, offered, rejected))| ShopSnapshot {
                at: Time::from_millis(second * 1_000),
                balancer: Some(BalancerState {
                    capacity_per_s: *capacity_per_s,
                    offered: *offered,
                    rejected: *rejected,
                    cut: 0,
                }),
                ..ShopSnapshot::default()
            })
            .collect();
        balancer(&evidence)
    }

    #[test]
    fn growth_and_the_time_of_refusals_are_told() {
        let told = of(&[
            (100.0, 0, 0),
            (100.0, 400, 200),
            (100.0, 800, 500),
            (150.0, 1_200, 750),
            (150.0, 1_300, 750),
        ]);
        let told = told.unwrap();
        let changes: Vec<_> =
            told.changes.iter().map(|change| (change.at_s, change.capacity_per_s)).collect();
        assert_eq!(changes, [(1.0, 100.0), (4.0, 150.0)]);
        assert_eq!((told.offered, told.rejected, told.peak_per_s), (1_300, 750, 400.0));
        assert_eq!(told.rejecting, Some(Rejecting { seconds: 3, first_s: 2.0, last_s: 4.0 }));
        assert_eq!(told.most(), CapacityChange { at_s: 4.0, capacity_per_s: 150.0 });
        assert_eq!(
            [0.0, 3.9, 4.0].map(|at_s| told.capacity_at(at_s)),
            [100.0, 100.0, 150.0].map(Some)
        );
        let second = |at_s, rejected| Second { at_s, rejected, ..Second::default() };
        let rows =
            told.rows(&[second(0.0, Some(0)), second(1.0, Some(200)), second(2.0, None)], 5.0);
        let of = |series: &str| -> Vec<_> {
            let rows = rows.iter().filter(|row| row.series == series);
            rows.map(|row| (row.at_s, row.value.unwrap())).collect()
        };
        assert_eq!(of(SERIES[0]), [(1.0, 100.0), (3.999, 100.0), (4.0, 150.0), (5.0, 150.0)]);
        assert_eq!(of(SERIES[1]), [(0.0, 0.0), (1.0, 200.0)]);
    }

    #[test]
    fn where_there_is_none_there_is_nothing_to_tell() {
        assert_eq!(of(&[]), None);
    }
}
