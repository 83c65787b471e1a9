//! `[stack.balancer]`: a load balancer that cannot work is refused.

use domain::rate::Rate;
use domain::time::Duration;

use crate::scenario::check::{Checker, RUN_MAX};
use crate::scenario::place::Place;
use crate::tier::application::Application;
use crate::tier::balancer::targets::Health;
use crate::tier::balancer::{Balancer, Growth, LOOKS_EVERY};

/// The most requests per second that a balancer takes \[1/s\]: at ten million they are 100 ns apart, and
/// times are whole nanoseconds.
const RATE_MAX: f64 = 1e7;
/// The most that a balancer grows by in a step.
const FACTOR_MAX: f64 = 100.0;

/// The most checks that a task must pass.
const CHECKS_MAX: u32 = 1_000;

/// The balancer in front of `application`; `stack` is the place of both.
pub(super) fn balancer(
    checker: &mut Checker,
    balancer: &Balancer,
    application: Option<&Application>,
    stack: Place<'_>,
) {
    let place = stack.key("balancer");
    rate(checker, Some(balancer.capacity), place, "capacity");
    rate(checker, balancer.reserved, place, "reserved");
    rate(checker, balancer.max, place, "max");
    let at_least = balancer.at_least();
    if let Some(max) = balancer.max.filter(|max| max.per_s() < at_least) {
        checker
            .wrong(place.key("max"), format!("{at_least}/s at the beginning, {max} at most"))
            .mark("must not be less than `capacity` and `reserved`");
    }
    growth(checker, &balancer.grows, place.key("grows"));
    for (key, span) in
        [("slow_start", balancer.slow_start), ("deregistration", balancer.deregistration)]
    {
        at_most_a_week(checker, span.0, place, key);
    }
    if let Some(stated) = &balancer.health {
        health(checker, stated, place.key("health"));
        let start = stack.key("application").key("start");
        if start.has("health") {
            checker
                .wrong(start.key("health"), "`health` of the balancer's checks says it already")
                .advise("leave it out, or `stack.balancer.health`");
        }
    }
    let is_struck = stack.key("application").struck("tasks");
    if application.is_none_or(|application| application.tasks.is_none()) && !is_struck {
        for key in ["health", "slow_start", "deregistration"] {
            if place.has(key) {
                checker
                    .wrong(place.key(key), format!("`{key}` says nothing without tasks"))
                    .mark("needs `tasks` in `[stack.application]`")
                    .advise("write how many there are at first: `tasks = 4`");
            }
        }
    }
}

fn health(checker: &mut Checker, health: &Health, place: Place<'_>) {
    checker.lasting(health.interval.0, place, "interval");
    at_most_a_week(checker, health.interval.0, place, "interval");
    checker.count(health.healthy, (1, CHECKS_MAX), place, "healthy");
    if let Some(initial) = health.initial {
        checker.count(initial, (1, CHECKS_MAX), place, "initial");
    }
}

fn at_most_a_week(checker: &mut Checker, span: Duration, place: Place<'_>, key: &str) {
    if span > RUN_MAX {
        checker.wrong(place.key(key), format!("`{key}` is longer than a week"));
    }
}

fn rate(checker: &mut Checker, rate: Option<Rate>, place: Place<'_>, key: &str) {
    let Some(rate) = rate else { return };
    checker.positive(rate.per_s(), place, key);
    if rate.per_s() > RATE_MAX {
        checker
            .wrong(place.key(key), format!("`{key}` is {rate}"))
            .mark("must be at most 10 million a second");
    }
}

fn growth(checker: &mut Checker, grows: &Growth, place: Place<'_>) {
    if !(1.0..=FACTOR_MAX).contains(&grows.by) {
        checker
            .wrong(place.key("by"), format!("`by` is {}", grows.by))
            .mark("must be from 1 (it never grows) to 100");
    }
    if !(grows.above > 0.0 && grows.above <= 1.0) {
        checker
            .wrong(place.key("above"), format!("`above` is {}", grows.above))
            .mark("a share of its capacity: more than 0, at most 1");
    }
    for (key, span) in [("every", grows.every), ("shrink_after", grows.shrink_after)] {
        whole_minutes(checker, span.0, place, key);
    }
    if let Some(lag) = grows.lag {
        at_most_a_week(checker, lag.0, place, "lag");
    }
}

/// A balancer looks once a minute.
fn whole_minutes(checker: &mut Checker, span: Duration, place: Place<'_>, key: &str) {
    let is_whole = span.as_nanos().is_multiple_of(LOOKS_EVERY.as_nanos());
    if span.is_zero() || !is_whole || span > RUN_MAX {
        checker
            .wrong(place.key(key), format!("`{key}` is {span:?}"))
            .mark("must be whole minutes, from 1 min to a week");
    }
}
