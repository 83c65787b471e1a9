//! The application's tasks, as sentences.

use serde::Serialize;

use super::{digest, figure};
use crate::measure::{Measured, Saturation, TaskSummary};

/// What stands above them.
pub(super) const TITLE: &str = "The application's tasks";

/// All that is told of them.
#[derive(Debug, Serialize)]
pub(super) struct TaskSheet {
    pub(super) title: &'static str,
    pub(super) number: String,
    pub(super) limit: String,
}

/// The sheet of a run whose application has tasks.
pub(super) fn sheet(measured: &Measured) -> Option<TaskSheet> {
    let tasks = measured.tasks.as_ref()?;
    let opening_s = digest::opening_s(measured).unwrap_or(0.0);
    let moment = |at_s: f64| figure::moment(at_s - opening_s);
    Some(TaskSheet { title: TITLE, number: number(tasks, &moment), limit: limit(tasks, &moment) })
}

/// `20 in service at the beginning, 54 at most (from T+540 s), 54 at the end; at most 54 were wanted`
fn number(tasks: &TaskSummary, moment: &dyn Fn(f64) -> String) -> String {
    let (first, last) = (tasks.changes.first(), tasks.changes.last());
    let in_service = |change: Option<&crate::measure::TaskChange>| {
        figure::number(change.map_or(0, |change| change.in_service))
    };
    let most = tasks.most();
    let wanted = tasks.changes.iter().map(|change| change.desired).max().unwrap_or(0);
    format!(
        "{} in service at the beginning, {} at most (from {}), {} at the end; at most {} were wanted",
        in_service(first),
        figure::number(most.in_service),
        moment(most.at_s),
        in_service(last),
        figure::number(wanted),
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
            processors_busy_max: None,
        });
        let rendered = crate::report::render(&summary);
        for report in [&rendered.text, &rendered.html] {
            let flat = report.split_whitespace().collect::<Vec<_>>().join(" ");
            let told = "20 in service at the beginning, 54 at most (from T+9 s), 54 at the end; at \
                        most 54 were wanted";
            assert!(flat.contains(told), "{flat}");
            assert!(flat.contains("in 8 seconds, the first at T+1 s, the last at T+8 s"));
        }
        summary.result.measured.tasks.as_mut().unwrap().saturated = None;
        assert!(crate::report::render(&summary).text.contains("servers were never all busy"));
        summary.result.measured.tasks.as_mut().unwrap().processors_busy_max = Some(0.031);
        let text = crate::report::render(&summary).text;
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let told = "their threads were never all busy while requests waited; at most 3.1 % of their \
                    processors were busy";
        assert!(flat.contains(told), "{flat}");
    }
}
