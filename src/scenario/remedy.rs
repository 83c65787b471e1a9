//! What could be changed where a part of the stack was at 100 %: one change each, as it would stand on the
//! command line.

use crate::measure::{AtLimit, Limited, Needed};
use crate::scenario::{Scenario, offer};
use crate::tier::application::Application;
use crate::tier::database::Database;

/// How much more than what was needed is given: all that came then keeps it 80 % busy.
const ROOM: f64 = 1.25;
/// How much more than there was is given where nobody counted what was needed.
const DOUBLE: f64 = 2.0;

/// One change of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Remedy {
    /// The part that it gives more to, or asks less of.
    pub what: Limited,
    /// The overrides that make it, as after `--set`.
    pub set: Vec<String>,
    /// What the first of them is without it.
    pub now: String,
}

/// The change that gives a part what it needed, `times` over; nothing where there is none, or where more than
/// once is no more.
pub fn remedy(scenario: &Scenario, limit: &AtLimit, times: u32) -> Option<Remedy> {
    let stack = &scenario.stack;
    let is_first = times == 1;
    let enough = Enough { needed: limit.needed, times: f64::from(times) };
    let (set, now) = match limit.what {
        Limited::Edge => {
            let servers = stack.edge.as_ref()?.servers?;
            one("stack.edge.servers", &enough.of(servers).to_string(), &servers)
        }
        Limited::Balancer => {
            let needed = limit.needed?.needed * ROOM * enough.times;
            let now = stack.balancer.as_ref()?.at_least();
            one("stack.balancer.reserved", &format!("{needed:.0}/s"), &format!("{now}/s"))
        }
        Limited::Application => application(stack.application.as_ref()?, enough),
        Limited::Connections => connections(scenario, enough)?,
        Limited::Processors => processors(stack.database.as_ref()?, enough)?,
        Limited::Row if is_first => {
            let now = scenario.shop.inventory;
            one("shop.inventory", "unit-rows", &serde_json::to_value(now).ok()?.as_str()?)
        }
        Limited::Payment if is_first => admission(scenario)?,
        Limited::Row | Limited::Payment => return None,
    };
    Some(Remedy { what: limit.what, set, now })
}

fn one(key: &str, value: &str, now: &dyn std::fmt::Display) -> (Vec<String>, String) {
    (vec![format!("{key}={value}")], now.to_string())
}

/// What was needed, and how often over it is given.
#[derive(Copy, Clone)]
struct Enough {
    needed: Option<Needed>,
    times: f64,
}

impl Enough {
    /// So many of what there are `now`, a whole number.
    fn of(self, now: u32) -> f64 {
        let now = f64::from(now);
        let enough = self.needed.map_or(now * DOUBLE, |needed| needed.needed * ROOM) * self.times;
        enough.ceil().max(now + 1.0)
    }

    /// Of things each of which does what so many do.
    fn in_parts_of(self, each: f64) -> Self {
        let part = |needed: Needed| Needed { had: needed.had / each, needed: needed.needed / each };
        Self { needed: self.needed.map(part), ..self }
    }
}

/// More tasks from the beginning on, or more servers where tasks are not spoken of.
fn application(application: &Application, enough: Enough) -> (Vec<String>, String) {
    let per_task = application.servers_per_task();
    let Some(tasks) = application.tasks else {
        return one("stack.application.servers", &enough.of(per_task).to_string(), &per_task);
    };
    let enough = enough.in_parts_of(f64::from(per_task)).of(tasks);
    let (mut set, now) = one("stack.application.tasks", &enough.to_string(), &tasks);
    if application.scales() || application.min.is_some() {
        // Nobody takes them away again before they are needed.
        set.push(format!("stack.application.min={enough}"));
    }
    if application.max.is_some_and(|max| enough > f64::from(max)) {
        set.push(format!("stack.application.max={enough}"));
    }
    (set, now)
}

/// More connections, of the stack's database or of the shop's own pool.
fn connections(scenario: &Scenario, enough: Enough) -> Option<(Vec<String>, String)> {
    match &scenario.stack.database {
        Some(Database { servers: Some(servers), .. }) => {
            Some(one("stack.database.servers", &enough.of(*servers).to_string(), servers))
        }
        // Those of a flavour hang on the most capacity: what its processors need brings them.
        Some(_) => None,
        None => {
            let pool = scenario.shop.pool();
            Some(one("shop.connections", &enough.of(pool).to_string(), &pool))
        }
    }
}

/// More capacity from the beginning on.
fn processors(database: &Database, enough: Enough) -> Option<(Vec<String>, String)> {
    let capacity = database.capacity.as_ref()?;
    let (min, max) = capacity.bounds();
    let needed = |needed: Needed| capacity.units(needed.needed * ROOM * enough.times);
    let enough = enough.needed.map_or(min * DOUBLE * enough.times, needed);
    if capacity.provisioned.is_some() {
        return Some(one("stack.database.capacity.provisioned", &enough.to_string(), &min));
    }
    let (mut set, now) = one("stack.database.capacity.min", &enough.to_string(), &min);
    if enough > max {
        set.push(format!("stack.database.capacity.max={enough}"));
    }
    Some((set, now))
}

/// An admission in front that keeps to what the provider allows, unless there is one.
fn admission(scenario: &Scenario) -> Option<(Vec<String>, String)> {
    let calls_per_s = offer::payment(scenario).calls_per_s? / scenario.scale;
    let keeps = &scenario.shop.admission;
    let is_kept = keeps.as_ref().is_some_and(|gate| gate.calls_per_second.is_some());
    let value = format!("{{ calls_per_second = {calls_per_s} }}");
    let now = if keeps.is_some() { "another" } else { "none" };
    (!is_kept).then(|| one("shop.admission", &value, &now))
}

#[cfg(test)]
mod tests;
