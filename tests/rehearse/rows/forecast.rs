//! Rows about tasks for what is known to begin: a job by the clock, and who knows of a tournament when.

use spike::measure::{Measured, TaskSummary};
use spike::verdict::{AssessmentStatus, Judged};

use crate::claim::{Claim, at_least, at_most, misses, near, passes};
use crate::row::Row;
use crate::stage::{Lived, Size, simulate};

/// The tasks that the whole tournament takes: 216 · 6 · 1.5 · 1.25 / 135.
const TASKS: u64 = 18;
/// Its crowd, of which one is left where its tasks are wanted without it.
const NOBODY: &str = "fans.1.count=1";

/// Half the requests on half the servers, and the morning from 09:25 on alone.
const HALF: [&str; 6] = [
    "sale.0.opens=+75m",
    "fans.0.arrive.from=-75m",
    "fans.0.reload.gap.mean=40s",
    "fans.1.reload.gap.mean=32s",
    "fans.2.reload.gap.mean=40s",
    "stack.application.servers=1",
];

fn lived(size: Size, name: &str, set: &[&str]) -> Lived {
    let part = size.pick(&[][..], &HALF);
    simulate(&format!("forecast/{name}"), &[part, set].concat())
}

pub(super) const SCHEDULE: Row = Row {
    number: 17,
    name: "forecast-schedule",
    phenomenon: "a job by the clock has the tasks of a tournament there an hour before it begins, and lets them go \
                 when it is under way",
    lives: schedule,
};

/// When the tournament begins, from the opening \[s\].
const BEGINS_S: f64 = -600.0;

fn schedule(size: Size) -> Vec<Claim> {
    let of = |set: &[&str]| lived(size, "forecast-schedule", set);
    let good = of(&[]);
    let calm = of(&[NOBODY]);
    // A plan for the week holds them all day.
    let from = size.pick("-2h", "-75m");
    let weekly =
        of(&[&format!("stack.application.schedule=[{{ at = \"{from}\", min = {TASKS} }}]")]);
    let begins_s = opens_s(&good) + BEGINS_S;
    let crowd = per_s(&good, (-360.0, -60.0)) / per_s(&good, (-2_400.0, -1_860.0));
    let page = |lived: &Lived| p99_ms(&lived.judged.measured);
    vec![
        passes("the tasks are there before the crowd", &good.judged),
        near("times as many requests as before", crowd, 10.0, 0.08),
        near(
            "minutes before its beginning at which they are wanted",
            (begins_s - wanted_s(&good)) / 60.0,
            60.0,
            0.005,
        ),
        at_least(
            "minutes that they are in service before it",
            in_service_min(&good, begins_s),
            58.5,
        ),
        near(
            "minutes after its beginning at which they go",
            (gone_s(&good) - begins_s) / 60.0,
            60.0,
            0.005,
        ),
        at_most("times the p99 of a page, the crowd against none", page(&good) / page(&calm), 1.5),
        passes("a plan for the week", &weekly.judged),
        at_most(
            "task-hours against those of that plan",
            task_hours(&good) / task_hours(&weekly),
            size.pick(0.8, 0.96),
        ),
    ]
}

pub(super) const REACTIVE: Row = Row {
    number: 18,
    name: "forecast-reactive",
    phenomenon: "a scaler that knows of no tournament comes too late for ten times the requests within four minutes",
    lives: reactive,
};

fn reactive(size: Size) -> Vec<Claim> {
    let bad = lived(size, "forecast-reactive", &[]);
    let saturated = tasks(&bad).saturated.unwrap_or_default();
    // The crowd comes at -30 min. The first step is after the third minute that is too much, the second after
    // the pause of five.
    let second_step_s = wanted_at_least_s(&bad, 9) - (opens_s(&bad) - 1_800.0);
    // 54 requests a second besides 27, where 60 are answered.
    let three_times =
        lived(size, "forecast-reactive", &["fans.1.count=432", "stack.application.tasks=3"]);
    let crowd = per_s(&three_times, (-900.0, -60.0)) / per_s(&three_times, (-2_400.0, -1_860.0));
    let overwhelmed = tasks(&three_times).saturated.unwrap_or_default();
    vec![
        misses("a scaler that tracks its target", &bad.judged),
        at_least(
            "seconds in which all servers are busy and requests wait",
            saturated.seconds as f64,
            120.0,
        ),
        at_least("seconds from the crowd to the second step", second_step_s, 470.0),
        near("times as many requests, of fewer people", crowd, 3.0, 0.1),
        misses("the same scaler then", &three_times.judged),
        at_least("seconds in which all servers are busy then", overwhelmed.seconds as f64, 120.0),
    ]
}

pub(super) const LATE_ENTRIES: Row = Row {
    number: 19,
    name: "late-entries",
    phenomenon: "three in four enter half an hour before: a job every 30 minutes finds them, a plan of three days \
                 ago does not",
    lives: late_entries,
};

fn late_entries(size: Size) -> Vec<Claim> {
    let of = |set: &[&str]| lived(size, "late-entries", set);
    let good = of(&[]);
    let planned = of(&["stack.application.forecast.planned=-3d"]);
    let later = of(&["stack.application.forecast.tournaments.0.entries.1.entered=-35m"]);
    let begins_s = opens_s(&good) + BEGINS_S;
    vec![
        passes("entries 35 minutes before, a look 30 minutes before", &good.judged),
        near(
            "minutes before the beginning at which their tasks are wanted",
            (begins_s - wanted_s(&good)) / 60.0,
            30.0,
            0.01,
        ),
        misses("a plan of three days ago", &planned.judged),
        near("tasks that it has", most_wanted(&planned) as f64, 5.0, 0.0),
        misses("entries 25 minutes before, after the look", &later.judged),
        at_most(
            "minutes before the beginning at which their tasks are wanted then",
            (begins_s - wanted_s(&later)) / 60.0,
            0.1,
        ),
    ]
}

pub(super) const LATE_PUBLICATION: Row = Row {
    number: 20,
    name: "late-publication",
    phenomenon: "the bracket comes half an hour late, and the crowd waits for it: who only looks ahead takes its \
                 tasks away",
    lives: late_publication,
};

fn late_publication(size: Size) -> Vec<Claim> {
    let of = |set: &[&str]| lived(size, "late-publication", set);
    let good = of(&[]);
    let onward = of(&["stack.application.forecast.behind=0s"]);
    let minutes = |lived: &Lived| (gone_s(lived) - opens_s(lived)) / 60.0;
    vec![
        passes("30 minutes back, 90 ahead", &good.judged),
        near("minutes after the publication at which the tasks go", minutes(&good), 10.0, 0.01),
        misses("90 ahead alone", &onward.judged),
        near("minutes after the publication at which they go", minutes(&onward), -20.0, 0.01),
    ]
}

pub(super) const HEADROOM: Row = Row {
    number: 21,
    name: "five-times-headroom",
    phenomenon: "servers for five times a normal day carry five times, and not six",
    lives: headroom,
};

fn headroom(size: Size) -> Vec<Claim> {
    const FILE: &str = "scaling/five-times-headroom";
    /// People of a normal day.
    const NORMAL: f64 = 600.0;
    // Half the requests on half the servers.
    let half = [
        "fans.0.reload.gap.mean=40s",
        "fans.1.reload.gap.mean=40s",
        "stack.application.servers=17",
    ];
    let part = size.pick(&[][..], &half);
    let of = |times: f64| {
        let more = format!("fans.1.count={:.0}", (times - 1.0) * NORMAL);
        simulate(FILE, &[part, &[more.as_str()]].concat()).judged
    };
    let (five, six) = (of(5.0), of(6.0));
    let met =
        |judged: &Judged| judged.objectives.iter().all(|one| one.status == AssessmentStatus::Met);
    // What is known to meet the objective, and what is known to miss it.
    let mut knee = (5.0, 6.0);
    for _ in 0..size.pick(5, 2) {
        let middle = f64::midpoint(knee.0, knee.1);
        knee = if met(&of(middle)) { (middle, knee.1) } else { (knee.0, middle) };
    }
    vec![
        passes("five times a normal day", &five),
        misses("six times", &six),
        at_least("times a normal day that still meet the objective", knee.0, 5.0),
        at_most("times that miss it", knee.1, 6.0),
        // 34 servers of 100 ms answer 340 requests a second, of which a normal day makes 60.
        at_most("the same against what the servers answer at most", knee.0 / (340.0 / 60.0), 1.0),
    ]
}

fn tasks(lived: &Lived) -> &TaskSummary {
    lived.judged.measured.tasks.as_ref().unwrap()
}

/// When the page opens, from the run's beginning \[s\].
fn opens_s(lived: &Lived) -> f64 {
    lived.scenario.first_opening().seconds()
}

/// When all tasks of the tournament are wanted, likewise; never is for ever.
fn wanted_s(lived: &Lived) -> f64 {
    wanted_at_least_s(lived, TASKS)
}

fn wanted_at_least_s(lived: &Lived, wanted: u64) -> f64 {
    let first = tasks(lived).changes.iter().find(|change| change.desired >= wanted);
    first.map_or(f64::INFINITY, |change| change.at_s)
}

fn most_wanted(lived: &Lived) -> u64 {
    tasks(lived).changes.iter().map(|change| change.desired).max().unwrap_or_default()
}

/// When fewer are wanted again, likewise.
fn gone_s(lived: &Lived) -> f64 {
    let after = tasks(lived).changes.iter().skip_while(|change| change.desired < TASKS);
    let gone = after.into_iter().find(|change| change.desired < TASKS);
    gone.map_or(f64::INFINITY, |change| change.at_s)
}

/// How many minutes before `at_s` they are all in service.
fn in_service_min(lived: &Lived, at_s: f64) -> f64 {
    tasks(lived).in_service_s(TASKS, 0.0).map_or(f64::NEG_INFINITY, |from_s| (at_s - from_s) / 60.0)
}

/// Hours of tasks that were wanted, and so paid for from their launch on.
fn task_hours(lived: &Lived) -> f64 {
    let ended_s = lived.judged.measured.timeline.last().map_or(0.0, |last| last.at_s + 1.0);
    tasks(lived).hours(ended_s)
}

/// Requests per second at the edge, in the mean from so many seconds after the opening to so many.
fn per_s(lived: &Lived, (from_s, until_s): (f64, f64)) -> f64 {
    let opens_s = opens_s(lived);
    let seconds = lived.judged.measured.timeline.iter();
    let of = |at_s: f64| (from_s..until_s).contains(&(at_s - opens_s));
    let edge: u64 = seconds.filter(|second| of(second.at_s)).map(|second| second.edge).sum();
    edge as f64 / (until_s - from_s)
}

/// The p99 of a request of a page \[ms\].
fn p99_ms(measured: &Measured) -> f64 {
    measured.operations["reload.call"].response_ms.as_ref().unwrap().p99
}
