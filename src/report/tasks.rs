//! The application's tasks, as sentences.

use serde::Serialize;

use super::{digest, figure};
use crate::measure::{Measured, NodeSummary, PendingSummary, Saturation, TaskSummary};

/// What stands above them.
pub(super) const TITLE: &str = "The application's tasks";

/// All that is told of them.
#[derive(Debug, Serialize)]
pub(super) struct TaskSheet {
    pub(super) title: &'static str,
    pub(super) number: String,
    pub(super) limit: String,
    /// How long they were pending, and the nodes under them, where there is something to tell.
    pub(super) under: Vec<String>,
}

/// The sheet of a run whose application has tasks.
pub(super) fn sheet(measured: &Measured) -> Option<TaskSheet> {
    let tasks = measured.tasks.as_ref()?;
    let opening_s = digest::opening_s(measured).unwrap_or(0.0);
    let moment = |at_s: f64| figure::moment(at_s - opening_s);
    let under = tasks.pending.iter().map(pending).chain(tasks.nodes.iter().map(nodes));
    let ended_s = measured.timeline.last().map_or(0.0, |last| last.at_s + 1.0);
    Some(TaskSheet {
        title: TITLE,
        number: number(tasks, ended_s, &moment),
        limit: limit(tasks, &moment),
        under: under.collect(),
    })
}

/// `half of the 22 that were wanted were pending for at most 10.0 s, 95 % for at most 1 min 40 s, the longest for
/// 4 min 00 s; 2 of them were pending still at the end`
fn pending(told: &PendingSummary) -> String {
    let lengths = format!(
        "half of the {} that were wanted were pending for at most {}, 95 % for at most {}, the longest for {}",
        figure::number(told.tasks + told.unserved),
        figure::seconds(told.p50_s),
        figure::seconds(told.p95_s),
        figure::seconds(told.max_s),
    );
    match told.unserved {
        0 => lengths,
        still => {
            format!("{lengths}; {} of them were pending still at the end", figure::number(still))
        }
    }
}

/// `8 nodes at the beginning, 12 at most, 8 at the end: 19.5 node-hours, 3.5 of them for balloons (21.9 %
/// more than the rest)`
fn nodes(told: &NodeSummary) -> String {
    let noun = if told.first == 1 { "node" } else { "nodes" };
    let cost = format!(
        "{} {noun} at the beginning, {} at most, {} at the end: {} node-hours",
        figure::number(told.first),
        figure::number(told.most),
        figure::number(told.last),
        figure::decimal(told.hours, 1),
    );
    match told.balloons_add().filter(|_| told.balloon_hours > 0.0) {
        Some(share) => format!(
            "{cost}, {} of them for balloons ({} more than the rest)",
            figure::decimal(told.balloon_hours, 1),
            figure::ratio(share),
        ),
        None => cost,
    }
}

/// `20 in service at the beginning, 54 at most (from T+540 s), 54 at the end; at most 54 were wanted, 18.2
/// task-hours in all`
fn number(tasks: &TaskSummary, ended_s: f64, moment: &dyn Fn(f64) -> String) -> String {
    let (first, last) = (tasks.changes.first(), tasks.changes.last());
    let in_service = |change: Option<&crate::measure::TaskChange>| {
        figure::number(change.map_or(0, |change| change.in_service))
    };
    let most = tasks.most();
    let wanted = tasks.changes.iter().map(|change| change.desired).max().unwrap_or(0);
    format!(
        "{} in service at the beginning, {} at most (from {}), {} at the end; at most {} were wanted, \
         {} task-hours in all",
        in_service(first),
        figure::number(most.in_service),
        moment(most.at_s),
        in_service(last),
        figure::number(wanted),
        figure::decimal(tasks.hours(ended_s), 1),
    )
}

fn limit(tasks: &TaskSummary, moment: &dyn Fn(f64) -> String) -> String {
    let (servers, processors) = match tasks.processors_busy_max {
        Some(most) => {
            ("threads", format!("; at most {} of their processors were busy", figure::ratio(most)))
        }
        None => ("servers", String::new()),
    };
    let Some(Saturation { seconds, first_s, last_s }) = tasks.saturated else {
        return format!("their {servers} were never all busy while requests waited{processors}");
    };
    format!(
        "all their {servers} were busy and requests waited in {} seconds, the first at {}, the last at \
         {}{processors}",
        figure::number(seconds),
        moment(first_s),
        moment(last_s)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::TaskChange;
    use crate::report::fixture;

    #[test]
    fn both_reports_tell_of_tasks_where_there_are_some_and_nowhere_else() {
        let mut summary = fixture::passing();
        for report in [crate::report::render(&summary).text, crate::report::render(&summary).html] {
            assert!(!report.contains("in service at the beginning"));
        }
        let opening_s = digest::opening_s(&summary.result.measured).unwrap();
        let change =
            |at_s, desired, in_service| TaskChange { at_s: opening_s + at_s, desired, in_service };
        summary.result.measured.tasks = Some(TaskSummary {
            changes: vec![change(-2.0, 20, 20), change(3.0, 54, 20), change(9.0, 54, 54)],
            saturated: Some(Saturation {
                seconds: 8,
                first_s: opening_s + 1.0,
                last_s: opening_s + 8.0,
            }),
            ..TaskSummary::default()
        });
        let rendered = crate::report::render(&summary);
        for report in [&rendered.text, &rendered.html] {
            let flat = report.split_whitespace().collect::<Vec<_>>().join(" ");
            let told = "20 in service at the beginning, 54 at most (from T+9 s), 54 at the end; at \
                        most 54 were wanted";
            assert!(flat.contains(told), "{flat}");
            assert!(flat.contains("in 8 seconds, the first at T+1 s, the last at T+8 s"));
        }
        let told = &rendered.html;
        assert!(!told.contains("pending for") && !told.contains("node-hours"), "nobody told");
        summary.result.measured.tasks.as_mut().unwrap().saturated = None;
        assert!(crate::report::render(&summary).text.contains("servers were never all busy"));
        summary.result.measured.tasks.as_mut().unwrap().processors_busy_max = Some(0.031);
        let text = crate::report::render(&summary).text;
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let told = "their threads were never all busy while requests waited; at most 3.1 % of their \
                    processors were busy";
        assert!(flat.contains(told), "{flat}");
    }

    #[test]
    fn both_reports_tell_how_long_tasks_were_pending_and_what_nodes_and_balloons_cost() {
        let mut summary = fixture::passing();
        let pending =
            PendingSummary { tasks: 20, p50_s: 10.0, p95_s: 100.0, max_s: 240.0, unserved: 2 };
        let nodes = NodeSummary { first: 8, most: 1_200, last: 8, hours: 19.5, balloon_hours: 3.5 };
        summary.result.measured.tasks = Some(TaskSummary {
            changes: vec![TaskChange { at_s: 0.0, desired: 20, in_service: 20 }],
            pending: Some(pending),
            nodes: Some(nodes),
            ..TaskSummary::default()
        });
        let rendered = crate::report::render(&summary);
        for report in [&rendered.text, &rendered.html] {
            let flat = report.split_whitespace().collect::<Vec<_>>().join(" ");
            for told in [
                "half of the 22 that were wanted were pending for at most 10.0 s, 95 % for at most 1 min \
                 40 s, the longest for 4 min 00 s",
                "; 2 of them were pending still at the end",
                "8 nodes at the beginning, 1,200 at most, 8 at the end: 19.5 node-hours, 3.5 of them \
                 for balloons (21.9 % more than the rest)",
            ] {
                assert!(flat.contains(told), "{told}: {flat}");
            }
        }
        let served = PendingSummary { unserved: 0, ..pending };
        assert!(
            super::pending(&served).ends_with(", the longest for 4 min 00 s"),
            "all of 20 serve"
        );
        let bare = NodeSummary { balloon_hours: 0.0, first: 1, ..nodes };
        let told = "1 node at the beginning, 1,200 at most, 8 at the end: 19.5 node-hours";
        assert_eq!(super::nodes(&bare), told);
    }
}
