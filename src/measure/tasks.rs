//! The tasks of an application whose number may change: how many were wanted, and how many there were.

use domain::shop::TaskState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::evidence::series::Row;
use crate::measure::series::stairs;
use crate::measure::{round3, round6};

/// The series under which a run's timeline shows them.
const SERIES: [&str; 2] = ["tasks in service", "tasks wanted"];

/// The tasks of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskSummary {
    /// How many were wanted and in service, from each second on in which one of the two changed.
    pub changes: Vec<TaskChange>,
    /// The share of their processors that was busy in the busiest second; absent where they have servers
    /// alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processors_busy_max: Option<f64>,
    /// When all their servers were busy and requests waited; absent where that never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saturated: Option<Saturation>,
}

/// From this second on there were so many.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskChange {
    /// When, from the run's beginning \[s\].
    pub at_s: f64,
    /// How many were wanted.
    pub desired: u64,
    /// How many were in service.
    pub in_service: u64,
}

/// When all servers were busy and requests waited, as looked at once a second.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Saturation {
    /// In how many seconds.
    pub seconds: u64,
    /// The first of them, from the run's beginning \[s\].
    pub first_s: f64,
    /// The last of them \[s\].
    pub last_s: f64,
}

/// The tasks of a run; none where nobody said how many there were.
pub(super) fn tasks(evidence: &Evidence) -> Option<TaskSummary> {
    let states = evidence
        .snapshots
        .iter()
        .filter_map(|snapshot| Some((round3(snapshot.at.seconds()), snapshot.tasks.as_ref()?)));
    let mut summary = TaskSummary::default();
    for (at_s, state) in states {
        let change = TaskChange { at_s, desired: state.desired, in_service: state.in_service };
        let last = summary.changes.last().map(|last| (last.desired, last.in_service));
        if last != Some((change.desired, change.in_service)) {
            summary.changes.push(change);
        }
        if let Some(busy) = state.processors_busy.map(round6) {
            let most = summary.processors_busy_max.map_or(busy, |most| most.max(busy));
            summary.processors_busy_max = Some(most);
        }
        if is_saturated(state) {
            let known =
                summary.saturated.unwrap_or(Saturation { first_s: at_s, ..Saturation::default() });
            summary.saturated =
                Some(Saturation { seconds: known.seconds + 1, last_s: at_s, ..known });
        }
    }
    (!summary.changes.is_empty()).then_some(summary)
}

const fn is_saturated(state: &TaskState) -> bool {
    state.busy >= state.servers && state.waiting > 0
}

impl TaskSummary {
    /// When at least `tasks` were in service first, at or after `from_s` \[s\].
    pub fn in_service_s(&self, tasks: u64, from_s: f64) -> Option<f64> {
        let before = self.changes.iter().rev().find(|change| change.at_s <= from_s);
        if before.is_some_and(|change| change.in_service >= tasks) {
            return Some(from_s);
        }
        let later = self.changes.iter().filter(|change| change.at_s > from_s);
        later.into_iter().find(|change| change.in_service >= tasks).map(|change| change.at_s)
    }

    /// The change that brought the most into service, the first of them if several did.
    pub fn most(&self) -> TaskChange {
        let more = |best: TaskChange, next: &TaskChange| {
            if next.in_service > best.in_service { *next } else { best }
        };
        self.changes.iter().fold(TaskChange::default(), more)
    }

    /// Both numbers as stairs on the run's timeline, which ends then \[s\].
    pub fn rows(&self, ended_s: f64) -> Vec<Row> {
        let steps = |of: fn(&TaskChange) -> u64| -> Vec<(f64, f64)> {
            self.changes.iter().map(|change| (change.at_s, of(change) as f64)).collect()
        };
        let [in_service, wanted] = SERIES;
        let there = stairs(in_service, &steps(|change| change.in_service), ended_s);
        there.into_iter().chain(stairs(wanted, &steps(|change| change.desired), ended_s)).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::shop::{Catalogue, ShopSnapshot};
    use domain::time::Time;

    use super::*;

    fn of(states: &[TaskState]) -> Option<TaskSummary> {
        let mut evidence = Evidence::of(Catalogue { sales: Vec::new() }, None);
        evidence.snapshots = (1..)
            .zip(states)
            .map(|(second, tasks)| ShopSnapshot {
                at: Time::from_millis(second * 1_000),
                tasks: Some(*tasks),
                ..ShopSnapshot::default()
            })
            .collect();
        tasks(&evidence)
    }

    fn state(desired: u64, in_service: u64, waiting: u64) -> TaskState {
        let servers = in_service * 8;
        TaskState { desired, in_service, servers, busy: servers, waiting, processors_busy: None }
    }

    #[test]
    fn changes_are_kept_and_the_time_at_the_limit_is_told() {
        let told =
            of(&[state(2, 2, 0), state(4, 2, 9), state(4, 2, 9), state(4, 4, 0), state(4, 4, 0)]);
        let told = told.unwrap();
        let changes: Vec<_> =
            told.changes.iter().map(|one| (one.at_s, one.desired, one.in_service)).collect();
        assert_eq!(changes, [(1.0, 2, 2), (2.0, 4, 2), (4.0, 4, 4)]);
        assert_eq!(told.saturated, Some(Saturation { seconds: 2, first_s: 2.0, last_s: 3.0 }));
        assert_eq!(told.most(), TaskChange { at_s: 4.0, desired: 4, in_service: 4 });
        assert_eq!(told.in_service_s(3, 0.0), Some(4.0));
        assert_eq!(told.in_service_s(3, 5.0), Some(5.0));
        assert_eq!((told.in_service_s(2, 2.5), told.in_service_s(5, 0.0)), (Some(2.5), None));
        let wanted: Vec<_> = told
            .rows(5.0)
            .into_iter()
            .filter(|row| row.series == "tasks wanted")
            .map(|row| (row.at_s, row.value))
            .collect();
        let stairs = [(1.0, 2.0), (1.999, 2.0), (2.0, 4.0), (3.999, 4.0), (4.0, 4.0), (5.0, 4.0)];
        assert_eq!(wanted, stairs.map(|(at_s, value)| (at_s, Some(value))));
    }

    #[test]
    fn where_nobody_says_how_many_there_is_nothing_to_tell() {
        assert_eq!(of(&[]), None);
    }
}
