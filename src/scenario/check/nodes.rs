//! `[stack.application] nodes` and `reclaims`: machines that cannot be, or cannot be taken back, are refused.

use crate::scenario::check::Checker;
use crate::scenario::check::fans::law;
use crate::scenario::check::sale::MeantSale;
use crate::scenario::check::stack::{bounded, whole_seconds, within_the_run};
use crate::scenario::place::Place;
use crate::tier::application::{Application, TASKS_MAX};
use crate::tier::tasks::autoscaler::NodeAutoscaler;
use crate::tier::tasks::nodes::Nodes;
use crate::tier::tasks::reclaim::Reclaim;

/// The machines under so many tasks.
pub(super) fn nodes(checker: &mut Checker, nodes: &Nodes, tasks: u32, place: Place<'_>) {
    checker.count(nodes.room, (1, TASKS_MAX), place, "room");
    checker.count(nodes.balloons, (0, TASKS_MAX), place, "balloons");
    law(checker, nodes.boot, place, "boot");
    let (size, room) = (nodes.balloon_size, nodes.room);
    if room > 0 && !(1.0..=f64::from(room)).contains(&size) {
        checker
            .wrong(place.key("balloon_size"), format!("`balloon_size` is {size} tasks"))
            .mark(format!("must be from 1 to the room of a node, {room}"));
    }
    let needed = tasks.div_ceil(room.max(1));
    match nodes.ready {
        Some(ready) if ready < needed => {
            checker
                .wrong(place.key("ready"), format!("{tasks} tasks find no room on {ready} nodes"))
                .mark(format!("must be {needed} or more"));
        }
        Some(ready) => checker.count(ready, (0, TASKS_MAX), place, "ready"),
        None => {}
    }
    if let Some(autoscaler) = &nodes.autoscaler {
        check_autoscaler(checker, autoscaler, place.key("autoscaler"));
    }
}

fn check_autoscaler(checker: &mut Checker, autoscaler: &NodeAutoscaler, place: Place<'_>) {
    whole_seconds(checker, autoscaler.scan.0, place, "scan");
    law(checker, autoscaler.decision, place, "decision");
    for (key, span) in [("unneeded", autoscaler.unneeded), ("after_add", autoscaler.after_add)] {
        bounded(checker, span.0, place, key);
    }
}

/// The machines of an application with tasks that are taken back.
pub(super) fn reclaims(
    checker: &mut Checker,
    application: &Application,
    sales: &[MeantSale],
    place: Place<'_>,
) {
    let has_nodes = application.nodes.is_some() || place.struck("nodes");
    for (index, reclaim) in application.reclaims.iter().enumerate() {
        let place = place.key("reclaims").index(index);
        how_many(checker, reclaim, has_nodes, place);
        for (key, span) in [("notice", reclaim.notice), ("detected", reclaim.detected)] {
            bounded(checker, span.0, place, key);
        }
        if reclaim.is_drained() && place.has("detected") {
            checker
                .wrong(place.key("detected"), "`detected` says nothing beside a notice")
                .mark("who has a notice knows at once")
                .advise("leave it out, or write `notice = \"0s\"`");
        }
        within_the_run(checker, reclaim.at, sales, place);
    }
}

/// It says how many of what there is.
fn how_many(checker: &mut Checker, reclaim: &Reclaim, has_nodes: bool, place: Place<'_>) {
    for (key, count) in [("nodes", reclaim.nodes), ("tasks", reclaim.tasks)] {
        if let Some(count) = count {
            checker.count(count, (1, TASKS_MAX), place, key);
        }
    }
    if place.struck("nodes") || place.struck("tasks") {
        return;
    }
    match (reclaim.nodes, reclaim.tasks) {
        (None, None) => {
            let key = if has_nodes { "nodes" } else { "tasks" };
            checker
                .wrong(place, "nothing is taken back then")
                .advise(format!("write how many, such as `{{ at = \"+1m\", {key} = 2 }}`"));
        }
        (_, Some(_)) if has_nodes => {
            checker
                .wrong(place.key("tasks"), "tasks that run on nodes are taken back with these")
                .mark("`stack.application.nodes` is there")
                .advise("write how many nodes: `nodes = 1`");
        }
        (Some(_), _) if !has_nodes => {
            checker
                .wrong(place.key("nodes"), "nodes are taken back where there are none")
                .mark("needs `stack.application.nodes`")
                .advise("where each task has a machine of its own write `tasks = 1`");
        }
        _ => {}
    }
}
