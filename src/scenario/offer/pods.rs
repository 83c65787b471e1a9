//! What follows for the application's tasks: how many are foreseen, how many more find room on the machines under
//! them at once, how long the others wait, and what is taken back.

use domain::time::Duration;

use crate::scenario::Scenario;
use crate::scenario::offer::foreseen::foreseen;
use crate::scenario::offer::text::{Table, count, duration};
use crate::tier::balancer::targets::Health;
use crate::tier::tasks::nodes::Nodes;

/// The lines of a forecast, of nodes and of what is taken back.
pub(super) fn tell(table: &mut Table, scenario: &Scenario) {
    let Some(application) = &scenario.stack.application else { return };
    if let Some(figure) = foreseen(application) {
        table.line("forecast", &figure);
    }
    if let (Some(nodes), Some(tasks)) = (&application.nodes, application.tasks) {
        let balancer = scenario.stack.balancer.as_ref();
        let health = balancer.and_then(|balancer| balancer.health.as_ref());
        let health = health.map_or(application.start.health.0, Health::takes);
        table.line("nodes", &under(nodes, tasks, application.start.boot.mean() + health));
    }
    for reclaim in &application.reclaims {
        table.line("taken back", &format!("at {}: {}", reclaim.at, reclaim.clause()));
    }
}

/// The nodes under so many tasks, each of which takes `start` from its place until it serves.
fn under(nodes: &Nodes, tasks: u32, start: Duration) -> String {
    let at_first = nodes.ready.unwrap_or_else(|| nodes.needed(tasks));
    let balloons = match nodes.balloons {
        0 => String::new(),
        balloons => format!(" and {} balloon(s) of {}", count(balloons.into()), nodes.balloon_size),
    };
    let boot = nodes.boot.mean();
    let node = match &nodes.autoscaler {
        Some(autoscaler) => {
            let least = autoscaler.decision.mean() + boot;
            let most = autoscaler.scan.0 + least;
            format!("{} to {}", duration(least), duration(most))
        }
        None => duration(boot),
    };
    format!(
        "{} at first, for {} task(s){balloons}: {} more find room at once and serve {} later; one that \
         finds none waits {node} longer",
        count(at_first.into()),
        count(tasks.into()),
        count(nodes.headroom(tasks).into()),
        duration(start),
    )
}
