//! `[stack]`: a stack that cannot work is refused.

use domain::time::{Duration, Offset};
use reference_shop::settings::Settings as Shop;

use crate::scenario::check::balancer::balancer;
use crate::scenario::check::database::database;
use crate::scenario::check::edge::edge;
use crate::scenario::check::fans::law;
use crate::scenario::check::forecast::forecast;
use crate::scenario::check::nodes::{nodes, reclaims};
use crate::scenario::check::outage::outages;
use crate::scenario::check::region::region;
use crate::scenario::check::sale::{MeantSale, Opening};
use crate::scenario::check::{Checker, RUN_MAX};
use crate::scenario::place::Place;
use crate::scenario::wording::grouped;
use crate::tier::Stack;
use crate::tier::application::{Application, TASKS_MAX};
use crate::tier::scaler::Metric;
use crate::tier::scaler::autoscaler::Hpa;
use crate::tier::scaler::schedule::Action;
use crate::tier::scaler::tracking::Tracking;
use crate::tier::slowdown::Slowdown;
use crate::tier::tasks::Start;

/// The most servers of a tier.
pub(super) const SERVERS_MAX: u32 = 1_000_000;
/// The most datapoints that an alarm looks at: a day of minutes.
const DATAPOINTS_MAX: u32 = 1_440;

/// The stack, if its numbers are in range.
pub(super) fn stack(
    checker: &mut Checker,
    stack: &Stack,
    (sales, shop): (&[MeantSale], &Shop),
    place: Place<'_>,
) -> Stack {
    if let Some(network) = stack.network {
        law(checker, network, place, "network");
    }
    if let Some(stated) = &stack.edge {
        edge(checker, stated, shop.admission.as_ref(), place.key("edge"));
    }
    if let Some(stated) = &stack.database {
        database(checker, stated, sales, place.key("database"));
    }
    if let Some(stated) = &stack.balancer {
        balancer(checker, stated, stack.application.as_ref(), place);
    }
    if let Some(application) = &stack.application {
        check_application(checker, application, sales, place.key("application"));
    }
    if let Some(stated) = &stack.region {
        region(checker, stated, sales, place);
    }
    stack.clone()
}

fn check_application(
    checker: &mut Checker,
    application: &Application,
    sales: &[MeantSale],
    place: Place<'_>,
) {
    servers(checker, application, place);
    law(checker, application.service, place, "service");
    start(checker, &application.start, place.key("start"));
    if let Some(tracking) = &application.tracking {
        check_tracking(checker, tracking, place.key("tracking"));
    }
    if let Some(hpa) = &application.hpa {
        check_hpa(checker, hpa, place.key("hpa"));
    }
    if application.tracking.is_some() && application.hpa.is_some() {
        checker
            .wrong(place.key("hpa"), "`tracking` and `hpa` together")
            .mark("a second scaler")
            .advise("two would undo each other's steps: leave one of them out");
    }
    if let Some(stated) = &application.forecast {
        forecast(checker, stated, application, place.key("forecast"));
    }
    for (index, action) in application.schedule.iter().enumerate() {
        check_action(checker, action, sales, place.key("schedule").index(index));
    }
    check_slowdowns(checker, &application.slowdowns, sales, place.key("slowdowns"));
    outages(checker, &application.outages, sales, place.key("outages"));
    match application.tasks {
        Some(tasks) => {
            bounds(checker, application, tasks, place);
            reclaims(checker, application, sales, place);
        }
        None => without_tasks(checker, application, place),
    }
}

/// It has servers, or workers with threads.
fn servers(checker: &mut Checker, application: &Application, place: Place<'_>) {
    let Application { servers, workers, threads, .. } = *application;
    for (key, count) in [("servers", servers), ("workers", workers), ("threads", threads)] {
        if let Some(count) = count {
            checker.count(count, (1, SERVERS_MAX), place, key);
        }
    }
    if place.struck("workers") {
        return;
    }
    match (servers, workers) {
        (None, None) => {
            checker.required::<u32>(None, place, "[stack.application]", "servers");
        }
        (Some(_), Some(_)) => {
            checker
                .wrong(place.key("workers"), "`workers` beside `servers`")
                .mark("their threads are what serves")
                .advise("leave one of the two out");
        }
        _ => {}
    }
    if threads.is_some() && workers.is_none() {
        checker
            .wrong(place.key("threads"), "`threads` says nothing without `workers`")
            .mark("needs `workers`")
            .advise("write how many processes a task has: `workers = 4`");
    }
}

/// What is about tasks says nothing where there are none.
fn without_tasks(checker: &mut Checker, application: &Application, place: Place<'_>) {
    if place.struck("tasks") {
        return;
    }
    let others = [
        "workers", "min", "max", "start", "nodes", "tracking", "hpa", "forecast", "schedule",
        "reclaims",
    ];
    if let Some(key) = others.into_iter().find(|key| place.has(key)) {
        let scales = if application.scales() { "has nothing to scale" } else { "says nothing" };
        checker
            .wrong(place.key(key), format!("`{key}` {scales} without `tasks`"))
            .mark("needs `tasks`")
            .advise("write how many there are at first: `tasks = 4`; `servers` is then of each");
    }
}

fn bounds(checker: &mut Checker, application: &Application, tasks: u32, place: Place<'_>) {
    checker.count(tasks, (1, TASKS_MAX), place, "tasks");
    for (key, least, bound) in [("min", 0, application.min), ("max", 1, application.max)] {
        if let Some(bound) = bound {
            checker.count(bound, (least, TASKS_MAX), place, key);
        }
    }
    let (min, max) = application.bounds();
    let grouped = |count: u32| grouped(count.into());
    if min > max {
        let key = if place.has("max") { "max" } else { "min" };
        checker
            .wrong(
                place.key(key),
                format!("at least {} tasks, at most {}", grouped(min), grouped(max)),
            )
            .mark("must not be less than the fewest");
    } else if tasks < min || tasks > max {
        let (min, max) = (grouped(min), grouped(max));
        checker.wrong(place.key("tasks"), format!("{} tasks at first", grouped(tasks))).mark(
            if application.max.is_some() {
                format!("must be from {min} to {max}")
            } else {
                format!("must be {min} or more")
            },
        );
    }
    // The most that can be asked for by the file; a scaler without `max` is bounded where it scales.
    let asked =
        application.schedule.iter().flat_map(|action| [action.min, action.max, action.tasks]);
    let most = asked.flatten().chain([tasks, application.max.unwrap_or(tasks)]).max();
    let most = most.unwrap_or(tasks);
    let each = application.servers_per_task();
    if each.checked_mul(most).is_none_or(|servers| servers > SERVERS_MAX)
        && each <= SERVERS_MAX
        && most <= TASKS_MAX
    {
        let most = grouped(most);
        let (key, what) = match application.workers {
            Some(_) => ("workers", "threads"),
            None => ("servers", "servers"),
        };
        checker
            .wrong(place.key(key), format!("{most} tasks of {each} {what}"))
            .mark(format!("together at most {}", self::grouped(SERVERS_MAX.into())));
    }
    if let Some(stated) = &application.nodes {
        nodes(checker, stated, tasks, place.key("nodes"));
        if application.start.warm > 0 {
            checker
                .wrong(place.key("start").key("warm"), "a warm pool beside `nodes`")
                .advise("keep room on nodes with `balloons`");
        }
    }
}

fn start(checker: &mut Checker, start: &Start, place: Place<'_>) {
    law(checker, start.boot, place, "boot");
    checker.count(start.burst, (1, TASKS_MAX), place, "burst");
    checker.count(start.warm, (0, TASKS_MAX), place, "warm");
    checker.positive(start.rate.per_s(), place, "rate");
}

fn check_tracking(checker: &mut Checker, tracking: &Tracking, place: Place<'_>) {
    target(checker, tracking.metric, tracking.target, place);
    whole_seconds(checker, tracking.period.0, place, "period");
    checker.count(tracking.high_datapoints, (1, DATAPOINTS_MAX), place, "high_datapoints");
    checker.count(tracking.low_datapoints, (1, DATAPOINTS_MAX), place, "low_datapoints");
    checker.chance(tracking.low, place, "low");
    for (key, span) in [("cooldown", tracking.cooldown), ("metric_delay", tracking.metric_delay)] {
        bounded(checker, span.0, place, key);
    }
}

fn check_hpa(checker: &mut Checker, hpa: &Hpa, place: Place<'_>) {
    target(checker, hpa.metric, hpa.target, place);
    for (key, span) in [("sync", hpa.sync), ("scrape", hpa.scrape), ("up_period", hpa.up_period)] {
        whole_seconds(checker, span.0, place, key);
    }
    for (key, span) in [("stabilise_up", hpa.stabilise_up), ("stabilise_down", hpa.stabilise_down)]
    {
        bounded(checker, span.0, place, key);
    }
    checker.chance(hpa.tolerance, place, "tolerance");
    if !(hpa.up_share.is_finite() && hpa.up_share >= 0.0) {
        checker
            .wrong(place.key("up_share"), format!("`up_share` is {}", hpa.up_share))
            .mark("must be 0 or more");
    }
    if hpa.up_pods == 0 && hpa.up_share == 0.0 {
        checker
            .wrong(place.key("up_pods"), "neither `up_pods` nor `up_share` lets it scale up")
            .mark("must be more than 0, or `up_share`");
    }
}

fn target(checker: &mut Checker, metric: Metric, target: f64, place: Place<'_>) {
    let is_share = metric == Metric::Utilisation;
    if !(target.is_finite() && target > 0.0 && (!is_share || target <= 1.0)) {
        checker.wrong(place.key("target"), format!("`target` is {target}")).mark(if is_share {
            "a share of the servers: more than 0, at most 1"
        } else {
            "requests per task and minute: more than 0"
        });
    }
}

/// Scalers look once a second.
pub(super) fn whole_seconds(checker: &mut Checker, span: Duration, place: Place<'_>, key: &str) {
    if span.is_zero() || span.subsec_nanos() > 0 || span > RUN_MAX {
        checker
            .wrong(place.key(key), format!("`{key}` is {span:?}"))
            .mark("must be whole seconds, from 1 s to a week");
    }
}

pub(super) fn bounded(checker: &mut Checker, span: Duration, place: Place<'_>, key: &str) {
    if span > RUN_MAX {
        checker.wrong(place.key(key), format!("`{key}` is longer than a week"));
    }
}

fn check_action(checker: &mut Checker, action: &Action, sales: &[MeantSale], place: Place<'_>) {
    // None at all is what somebody can set by mistake.
    for (key, least, count) in
        [("min", 0, action.min), ("max", 1, action.max), ("tasks", 0, action.tasks)]
    {
        if let Some(count) = count {
            checker.count(count, (least, TASKS_MAX), place, key);
        }
    }
    let struck = ["min", "max", "tasks"].iter().any(|key| place.struck(key));
    if action.min.is_none() && action.max.is_none() && action.tasks.is_none() && !struck {
        checker
            .wrong(place, "nothing is changed then")
            .advise("write `min`, `max` or `tasks`, such as `{ at = \"-15m\", min = 40 }`");
    }
    if let (Some(min), Some(max)) = (action.min, action.max)
        && min > max
    {
        checker.wrong(place.key("max"), format!("at least {min} tasks, at most {max}"));
    }
    within_the_run(checker, action.at, sales, place);
}

fn check_slowdowns(
    checker: &mut Checker,
    slowdowns: &[Slowdown],
    sales: &[MeantSale],
    place: Place<'_>,
) {
    for (index, slowdown) in slowdowns.iter().enumerate() {
        let place = place.index(index);
        let Slowdown { at, lasts, capacity } = *slowdown;
        if !(capacity > 0.0 && capacity <= 1.0) {
            checker
                .wrong(place.key("capacity"), format!("`capacity` is {capacity}"))
                .mark("a share of the servers' speed: more than 0, at most 1");
        }
        if lasts.0.is_zero() || lasts.0 > RUN_MAX {
            checker
                .wrong(place.key("lasts"), format!("`lasts` is {:?}", lasts.0))
                .mark("must be more than 0 and at most a week");
        }
        within_the_run(checker, at, sales, place);
        let stretch = |one: &Slowdown| {
            let from = one.at.seconds();
            (from, from + one.lasts.0.as_secs_f64())
        };
        let (from, until) = stretch(slowdown);
        let others = slowdowns.iter().take(index).map(stretch);
        if others.into_iter().any(|(other, its_end)| from < its_end && other < until) {
            checker
                .wrong(place, "this slowdown begins before another one is over")
                .advise("let one follow the other");
        }
    }
}

/// What is due at a moment that was never lived is refused.
pub(super) fn within_the_run(
    checker: &mut Checker,
    at: Offset,
    sales: &[MeantSale],
    place: Place<'_>,
) {
    let openings = sales.iter().filter_map(|sale| match sale.opening {
        Some(Opening::After(lead)) => Some(lead.as_secs_f64()),
        _ => None,
    });
    let Some(lead_s) = openings.reduce(f64::min) else { return };
    let early_s = -at.seconds();
    if early_s > lead_s {
        checker
            .wrong(
                place.key("at"),
                format!(
                    "this is {early_s} s before the opening, but the run begins {lead_s:.0} s \
                     before it"
                ),
            )
            .advise(format!("let the sale open later, for example `opens = \"+{early_s}s\"`"));
    }
}
