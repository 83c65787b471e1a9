//! `fidelity = "aggregate"` of `[[fans]]`: who cannot be counted as one of many is not.

use reference_shop::settings::Cookies;

use crate::scenario::check::Checker;
use crate::scenario::place::Place;
use crate::scenario::{Fidelity, Scenario};

/// People who are to be aggregated look at a page that an edge without queues keeps for all of them.
pub(super) fn fidelity(checker: &mut Checker, scenario: &Scenario, root: Place<'_>) {
    for (number, population) in scenario.populations.iter().enumerate() {
        if population.fidelity == Fidelity::Event {
            continue;
        }
        let here = root.key("fans").index(number).key("fidelity");
        let behaviour = &population.crowd.behaviour;
        let edge = &scenario.shop.edge;
        let why = if scenario.target.is_some() {
            "the steps of a shop of your own are everybody's own"
        } else if behaviour.reload.calls < 2 || behaviour.reload.cacheable == 0 {
            "they ask for nothing that the edge may keep: `reload` needs `cacheable` calls"
        } else if behaviour.login > 0.0 {
            "each signs in for himself: leave `login` out"
        } else if edge.ttl.0.is_zero() || edge.cookies != Cookies::Checkout || !edge.collapse {
            "the edge keeps nothing for all of them: `[shop.edge]` needs a `ttl` and `collapse`, and pages \
             without cookies"
        } else if scenario.stack.edge.as_ref().is_some_and(|edge| edge.servers.is_some()) {
            "each waits for a server of the edge: leave `servers` and `service` of `[stack.edge]` out"
        } else if scenario.stack.region.is_some() {
            "each asks a region for himself: leave `[stack.region]` out"
        } else {
            continue;
        };
        let message = format!("`{}` cannot be aggregated", population.name);
        checker
            .wrong(here, message)
            .mark(why)
            .advise("write `fidelity = \"event\"`, or leave it out");
    }
}
