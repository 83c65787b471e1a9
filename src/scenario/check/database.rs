//! `[stack.database]`: a database that cannot work is refused.

use crate::scenario::check::fans::law;
use crate::scenario::check::sale::MeantSale;
use crate::scenario::check::stack::{SERVERS_MAX, within_the_run};
use crate::scenario::check::{Checker, RUN_MAX};
use crate::scenario::place::Place;
use crate::scenario::wording::grouped;
use crate::tier::database::capacity::{Capacity, STEP};
use crate::tier::database::{Database, Failover};

/// The most capacity \[ACU\]: what Aurora Serverless v2 grows to (since October 2024) is 256, and of machines
/// none has as much memory as sixteen of them.
const UNITS_MAX: f64 = 4_096.0;
/// The most processors of one unit.
const CORES_MAX: f64 = 64.0;

/// The database, if its numbers are in range.
pub(super) fn database(
    checker: &mut Checker,
    database: &Database,
    sales: &[MeantSale],
    place: Place<'_>,
) {
    law(checker, database.service, place, "service");
    if database.queue.is_some() {
        checker
            .wrong(place.key("queue"), "the database's queue has no limit")
            .advise("bound the `queue` of the application in front of it");
    }
    if let Some(stated) = &database.capacity {
        capacity(checker, stated, place.key("capacity"));
    }
    if database.flavour.is_some() && database.capacity.is_none() && !place.struck("capacity") {
        checker
            .wrong(place.key("flavour"), "`flavour` says nothing without `capacity`")
            .mark("needs `capacity`")
            .advise("how many connections it allows depends on that");
    }
    servers(checker, database, place);
    failovers(checker, &database.failovers, sales, place.key("failovers"));
}

fn servers(checker: &mut Checker, database: &Database, place: Place<'_>) {
    let Some(servers) = database.servers else {
        if database.flavour.is_none() && !place.struck("flavour") && !place.struck("servers") {
            checker.required::<u32>(None, place, "[stack.database]", "servers");
        }
        return;
    };
    checker.count(servers, (1, SERVERS_MAX), place, "servers");
    let allowed = database.max_connections().filter(|_| !is_wrong(database));
    if let Some(allowed) = allowed.filter(|allowed| servers > *allowed) {
        let (servers, allowed) = (grouped(servers.into()), grouped(allowed.into()));
        checker
            .wrong(place.key("servers"), format!("{servers} connections"))
            .mark(format!("at most {allowed}: `max_connections` by the most capacity"))
            .advise("give it a larger `max`, or let statements wait for fewer connections");
    }
}

/// Whether its capacity cannot be, so that nothing follows from it.
fn is_wrong(database: &Database) -> bool {
    database.capacity.as_ref().is_none_or(|capacity| {
        capacity.provisioned.is_none() && (capacity.min.is_none() || capacity.max.is_none())
    })
}

fn capacity(checker: &mut Checker, capacity: &Capacity, place: Place<'_>) {
    let Capacity { provisioned, min, max, .. } = *capacity;
    for (key, units, least) in
        [("provisioned", provisioned, STEP), ("min", min, STEP), ("max", max, 1.0)]
    {
        if let Some(units) = units {
            steps(checker, units, least, place, key);
        }
    }
    both_or_one(checker, capacity, place);
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        checker
            .wrong(place.key("max"), format!("at least {min} ACU, at most {max}"))
            .mark("must not be less than the least");
    }
    for (key, span) in [("doubling", capacity.doubling), ("halving", capacity.halving)] {
        checker.lasting(span.0, place, key);
        if span.0 > RUN_MAX {
            checker.wrong(place.key(key), format!("`{key}` is longer than a week"));
        }
    }
    if !(capacity.above > 0.0 && capacity.above <= 1.0) {
        checker
            .wrong(place.key("above"), format!("`above` is {}", capacity.above))
            .mark("a share of its processors: more than 0, at most 1");
    }
    if !(capacity.cores > 0.0 && capacity.cores <= CORES_MAX) {
        checker
            .wrong(place.key("cores"), format!("`cores` is {}", capacity.cores))
            .mark(format!("processors of one ACU: more than 0, at most {CORES_MAX}"));
    }
}

/// Capacity comes in steps.
fn steps(checker: &mut Checker, units: f64, least: f64, place: Place<'_>, key: &str) {
    let is_whole = (units / STEP).fract() == 0.0;
    if !((least..=UNITS_MAX).contains(&units) && is_whole) {
        checker
            .wrong(place.key(key), format!("`{key}` is {units}"))
            .mark(format!("must be from {least} to {UNITS_MAX} ACU, in steps of {STEP}"));
    }
}

/// It is provisioned, or it has a least and a most.
fn both_or_one(checker: &mut Checker, capacity: &Capacity, place: Place<'_>) {
    if ["provisioned", "min", "max"].iter().any(|key| place.struck(key)) {
        return;
    }
    let serverless = ["min", "max", "doubling", "halving", "above"];
    if capacity.provisioned.is_some() {
        if let Some(key) = serverless.into_iter().find(|key| place.has(key)) {
            checker
                .wrong(place.key(key), format!("`{key}` beside `provisioned`"))
                .mark("what is provisioned does not change")
                .advise("leave one of the two out");
        }
        return;
    }
    let missing = match (capacity.min, capacity.max) {
        (None, None) => "a capacity has `provisioned`, or `min` and `max`",
        (None, Some(_)) => "a capacity with a `max` has a `min`",
        (Some(_), None) => "a capacity with a `min` has a `max`",
        (Some(_), Some(_)) => return,
    };
    checker
        .wrong(place, missing)
        .advise("write `{ provisioned = 16 }`, or `{ min = 2, max = 64 }`, in ACU");
}

fn failovers(checker: &mut Checker, failovers: &[Failover], sales: &[MeantSale], place: Place<'_>) {
    for (index, failover) in failovers.iter().enumerate() {
        let place = place.index(index);
        let Failover { at, lasts, committed } = *failover;
        if lasts.0.is_zero() || lasts.0 > RUN_MAX {
            checker
                .wrong(place.key("lasts"), format!("`lasts` is {:?}", lasts.0))
                .mark("must be more than 0 and at most a week");
        }
        checker.chance(committed, place, "committed");
        within_the_run(checker, at, sales, place);
        let stretch = |one: &Failover| {
            let from = one.at.seconds();
            (from, from + one.lasts.0.as_secs_f64())
        };
        let (from, until) = stretch(failover);
        let others = failovers.iter().take(index).map(stretch);
        if others.into_iter().any(|(other, its_end)| from < its_end && other < until) {
            checker
                .wrong(place, "this failover begins before another one is over")
                .advise("let one follow the other");
        }
    }
}
