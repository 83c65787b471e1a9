//! The tasks of an application whose number may change: how many were wanted, how many there were, how long
//! it took until they were, and the nodes under them.

use domain::shop::{NodeState, TaskState};
use domain::time::{Duration, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::series::Row;
use crate::evidence::{Evidence, TaskWait};
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
    /// How long tasks were wanted before they served; absent where they neither run on nodes nor were taken
    /// back, and where none was wanted more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingSummary>,
    /// The nodes under them; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<NodeSummary>,
}

/// How long tasks were pending: from when each was wanted until it served.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PendingSummary {
    /// How many came into service after the run's beginning.
    pub tasks: u64,
    /// Half of those and of the `unserved` were pending at most so long \[s\].
    pub p50_s: f64,
    /// 95 % of them \[s\].
    pub p95_s: f64,
    /// The longest \[s\].
    pub max_s: f64,
    /// How many more were still pending at the run's end; each counts with how long it had been until then.
    pub unserved: u64,
}

/// The nodes of a run.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeSummary {
    /// How many were ready at the beginning.
    pub first: u64,
    /// The most that were ready.
    pub most: u64,
    /// How many were ready at the end.
    pub last: u64,
    /// What they cost, from when each was asked for \[node-hours\].
    pub hours: f64,
    /// How much of that balloons took \[node-hours\].
    pub balloon_hours: f64,
}

impl NodeSummary {
    /// What balloons add to the cost of the rest, as a share of that; none where there is nothing else.
    pub fn balloons_add(&self) -> Option<f64> {
        let rest = self.hours - self.balloon_hours;
        (rest > 0.0).then(|| self.balloon_hours / rest)
    }
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
    let states = evidence.snapshots.iter().filter_map(|snapshot| snapshot.tasks?.nodes);
    summary.nodes = nodes(states);
    let ended = evidence.snapshots.last().map_or(Time::ZERO, |snapshot| snapshot.at);
    summary.pending = pending(&evidence.ending.task_waits, ended);
    (!summary.changes.is_empty()).then_some(summary)
}

/// The nodes as they stood second by second.
fn nodes(states: impl Iterator<Item = NodeState>) -> Option<NodeSummary> {
    let mut told: Option<NodeSummary> = None;
    let (mut paid_s, mut kept_s) = (0.0, 0.0);
    for state in states {
        paid_s += (state.ready + state.booting) as f64;
        kept_s += state.kept;
        let told = told.get_or_insert(NodeSummary { first: state.ready, ..NodeSummary::default() });
        told.most = told.most.max(state.ready);
        told.last = state.ready;
    }
    let hours = |seconds: f64| round6(seconds / 3_600.0);
    told.map(|told| NodeSummary { hours: hours(paid_s), balloon_hours: hours(kept_s), ..told })
}

/// How long tasks were pending in a run that `ended` then, by nearest rank; those that are pending still have
/// been so until then.
fn pending(waits: &[TaskWait], ended: Time) -> Option<PendingSummary> {
    let length = |wait: &TaskWait| (wait.served.unwrap_or(ended).since(wait.wanted), wait.tasks);
    let mut lengths: Vec<(Duration, u64)> = waits.iter().map(length).collect();
    lengths.sort_unstable();
    let all: u64 = lengths.iter().map(|(_, tasks)| tasks).sum();
    let at_s = |percent: u64| {
        let rank = (all * percent).div_ceil(100);
        let mut seen = 0_u64;
        let found = lengths.iter().find(|(_, tasks)| {
            seen += tasks;
            seen >= rank
        });
        found.map_or(0.0, |(length, _)| round3(length.as_secs_f64()))
    };
    let unserved = waits.iter().filter(|wait| wait.served.is_none());
    let unserved: u64 = unserved.map(|wait| wait.tasks).sum();
    (!waits.is_empty()).then(|| PendingSummary {
        tasks: all - unserved,
        p50_s: at_s(50),
        p95_s: at_s(95),
        max_s: at_s(100),
        unserved,
    })
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

    /// Hours of tasks that were wanted until then \[s\]: what is paid for from its launch on, whether it
    /// serves yet or not.
    pub fn hours(&self, until_s: f64) -> f64 {
        let ends = self.changes.iter().skip(1).map(|next| next.at_s).chain([until_s]);
        let lasted = |(change, end_s): (&TaskChange, f64)| {
            change.desired as f64 * (end_s.min(until_s) - change.at_s).max(0.0)
        };
        self.changes.iter().zip(ends).map(lasted).sum::<f64>() / 3_600.0
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
        TaskState { desired, in_service, servers, busy: servers, waiting, ..TaskState::default() }
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
        // 2 for a second, 4 for two and for 1.5 more.
        assert!((told.hours(5.5) * 3_600.0 - 16.0).abs() < 1e-9);
        assert!((told.hours(1.5) * 3_600.0 - 1.0).abs() < 1e-9);
        let wanted: Vec<_> = told
            .rows(5.0)
            .into_iter()
            .filter(|row| row.series == "tasks wanted")
            .map(|row| (row.at_s, row.value))
            .collect();
        let stairs = [(1.0, 2.0), (1.999, 2.0), (2.0, 4.0), (3.999, 4.0), (4.0, 4.0), (5.0, 4.0)];
        assert_eq!(wanted, stairs.map(|(at_s, value)| (at_s, Some(value))));
    }

    fn wait(wanted_s: u64, served_s: Option<u64>, tasks: u64) -> TaskWait {
        let second = |second: u64| Time::from_millis(second * 1_000);
        TaskWait { wanted: second(wanted_s), served: served_s.map(second), tasks }
    }

    #[test]
    fn how_long_tasks_were_pending_is_told_of_each_of_them() {
        // Eighteen after 10 s, one after 100 s, one after 240 s; two do not serve yet after 291 s.
        let waits = [
            wait(0, Some(10), 18),
            wait(10, Some(250), 1),
            wait(5, Some(105), 1),
            wait(9, None, 2),
        ];
        let ended = Time::from_millis(300_000);
        let told = pending(&waits, ended).unwrap();
        // The twenty-first of twenty-two is one of those.
        let expected =
            PendingSummary { tasks: 20, p50_s: 10.0, p95_s: 291.0, max_s: 291.0, unserved: 2 };
        assert_eq!(told, expected);
        let served = pending(&waits[..3], ended).unwrap();
        let expected = PendingSummary { p95_s: 100.0, max_s: 240.0, unserved: 0, ..expected };
        assert_eq!(served, expected, "the nineteenth of twenty");
        let none =
            PendingSummary { tasks: 0, p50_s: 291.0, p95_s: 291.0, max_s: 291.0, unserved: 2 };
        assert_eq!(pending(&waits[3..], ended), Some(none));
        assert_eq!(pending(&[], ended), None);
    }

    #[test]
    fn nodes_cost_what_they_are_there_and_balloons_their_part() {
        let state = |ready, booting, kept| NodeState { ready, booting, balloons: 2, kept };
        // An hour of five nodes, of which two hold balloons, and half an hour of one that boots.
        let hour = (0..3_600).map(|second| state(5, u64::from(second < 1_800), 2.0));
        let told = nodes(hour.chain([state(6, 0, 0.0)])).unwrap();
        assert_eq!((told.first, told.most, told.last), (5, 6, 6));
        assert!((told.hours - 5.5).abs() < 0.002 && (told.balloon_hours - 2.0).abs() < 1e-9);
        assert!((told.balloons_add().unwrap() - 2.0 / 3.5).abs() < 0.001);
        assert_eq!(nodes(std::iter::empty()), None);
    }

    #[test]
    fn where_nobody_says_how_many_there_is_nothing_to_tell() {
        assert_eq!(of(&[]), None);
    }
}
