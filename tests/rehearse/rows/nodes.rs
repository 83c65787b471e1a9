//! Rows about the machines under tasks: how long pods wait for one, what keeps room for them, and what becomes
//! of those whose machine is taken back.

use spike::measure::{NodeSummary, PendingSummary, RecoveryState, TaskSummary};

use crate::claim::{Claim, at_least, at_most, misses, near, passes};
use crate::row::Row;
use crate::stage::{Lived, Size, simulate};

pub(super) const DIURNAL_NODES: Row = Row {
    number: 29,
    name: "diurnal-nodes",
    phenomenon: "day and night on nodes that come and go: in the morning pods are pending for minutes, until a \
                 node has booted",
    lives: diurnal,
};

/// Two hours for a day.
const TWO_HOURS: [&str; 3] = [
    "sale.0.lasts=130m",
    "fans.0.count=10635",
    "fans.0.arrive.points=[{ at = \"0s\", rate = \"0.05/s\" }, { at = \"10m\", rate = \"0.6/s\" }, \
     { at = \"70m\", rate = \"3/s\" }, { at = \"80m\", rate = \"3/s\" }, { at = \"90m\", rate = \"0.6/s\" }, \
     { at = \"120m\", rate = \"0.6/s\" }]",
];

fn diurnal(size: Size) -> Vec<Claim> {
    let day = size.pick(&[][..], &TWO_HOURS);
    let lived = |set: &[&str]| simulate("scaling/diurnal-nodes", &[day, set].concat());
    let bare = lived(&[]);
    let kept = lived(&["stack.application.nodes.balloons=2"]);
    let longest_s = pending(&bare).max_s;
    let by_night = nodes(&bare).first as f64;
    vec![
        passes("nodes that come and go", &bare.judged),
        at_least("seconds that a pod was pending, the longest", longest_s, 120.0),
        at_most("the same", longest_s, 360.0),
        // 5 or 10 s until the autoscaler looks, 5 s, 180 s for the node and 10 s for the pod.
        near("the same, by hand", longest_s, 202.5, 0.02),
        at_least("95 % of the pods, seconds", pending(&bare).p95_s, 120.0),
        at_least("nodes by day, times those at night", nodes(&bare).most as f64 / by_night, 3.0),
        at_most("nodes in the next night", nodes(&bare).last as f64, by_night + 1.0),
        at_most("two balloons: 95 % of the pods, seconds", pending(&kept).p95_s, 30.0),
        at_least("node-hours more, of those without", more_hours(&kept, &bare), 0.05),
        at_most("the same", more_hours(&kept, &bare), 0.5),
    ]
}

pub(super) const BALLOON_PODS: Row = Row {
    number: 30,
    name: "balloon-pods",
    phenomenon: "as many pods as balloons keep room for serve within seconds; one more waits for a node",
    lives: balloons,
};

fn balloons(_: Size) -> Vec<Claim> {
    let lived = |set: &[&str]| simulate("scaling/balloon-pods", set);
    let eight = lived(&[]);
    let beyond = lived(&[
        "stack.application.schedule.0.tasks=44",
        "fans.0.arrive.points.1.rate=8.36/s",
        "fans.0.count=8124",
    ]);
    let five = lived(&["stack.application.nodes.balloons=5"]);
    let none = lived(&["stack.application.nodes.balloons=0"]);
    // Four nodes more of eight, and of twelve from noon on: 5 and some 15 minutes.
    let (at_first_s, later_s) = (305.0, 900.0);
    let times = (8.0 * at_first_s + 12.0 * later_s) / (4.0 * at_first_s + 8.0 * later_s);
    vec![
        passes("20 pods more on eight balloons of two and a half", &eight.judged),
        at_most("seconds that 95 % of them were pending", pending(&eight).p95_s, 30.0),
        at_most("24 pods more: half of them, seconds", pending(&beyond).p50_s, 30.0),
        at_least("the same, 95 % of them", pending(&beyond).p95_s, 120.0),
        misses("24 pods for as many more people", &beyond.judged),
        at_least("20 more on five balloons, 95 % of them", pending(&five).p95_s, 120.0),
        misses("20 pods more on five balloons", &five.judged),
        at_least("20 more without any, half of them", pending(&none).p50_s, 120.0),
        misses("20 pods more without any", &none.judged),
        near("node-hours more, of those without", more_hours(&eight, &none), times - 1.0, 0.2),
    ]
}

pub(super) const SPOT_RECLAIM: Row = Row {
    number: 31,
    name: "spot-reclaim",
    phenomenon: "machines that are taken back after a notice are not missed; without one their requests fail \
                 until it is noticed",
    lives: spot,
};

fn spot(_: Size) -> Vec<Claim> {
    let lived = |set: &[&str]| simulate("scaling/spot-reclaim", set);
    let drained = lived(&[]);
    let sudden = lived(&["stack.application.reclaims.0.notice=0s"]);
    let least = |lived: &Lived| {
        let there = tasks(lived).changes.iter().map(|change| change.in_service);
        there.min().unwrap_or_default() as f64
    };
    vec![
        passes("three of ten machines, with a notice", &drained.judged),
        at_most("share of errors", errors(&drained), 0.001),
        near("pods in service at the least, of 20", least(&drained), 14.0, 0.0),
        near("seconds until others serve", pending(&drained).max_s, 200.0, 0.03),
        is_recovered("after it", &drained),
        misses("without a notice", &sudden.judged),
        // Three of ten for a minute of eight, and of the forty that were being served.
        near("share of errors", errors(&sudden), 0.3 * (60.0 + 1.0) / 480.0, 0.05),
        is_recovered("after a minute", &sudden),
    ]
}

fn is_recovered(what: &str, lived: &Lived) -> Claim {
    let seen: Vec<_> = lived.judged.measured.recoveries.iter().map(|one| one.state).collect();
    let holds = seen == [RecoveryState::Recovered];
    Claim::of(what, "recovered".to_owned(), format!("{seen:?}"), holds)
}

/// The share of looks that failed.
fn errors(lived: &Lived) -> f64 {
    let item = &lived.judged.measured.operations["item"];
    item.outcomes.get("error").copied().unwrap_or(0) as f64 / item.count as f64
}

/// How many node-hours more, as a share of those of the other.
fn more_hours(lived: &Lived, other: &Lived) -> f64 {
    nodes(lived).hours / nodes(other).hours - 1.0
}

fn tasks(lived: &Lived) -> &TaskSummary {
    lived.judged.measured.tasks.as_ref().unwrap()
}

fn pending(lived: &Lived) -> PendingSummary {
    tasks(lived).pending.unwrap()
}

fn nodes(lived: &Lived) -> NodeSummary {
    tasks(lived).nodes.unwrap()
}
