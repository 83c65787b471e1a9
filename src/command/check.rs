//! `spike check`: what follows from a scenario, without running anything.

use std::net::Ipv4Addr;

use super::begin::load;
use super::print;
use crate::cli::CheckArgs;
use crate::live::means::{Machine, means};
use crate::scenario::file::Loaded;
use crate::scenario::{Scenario, offer};
use crate::verdict::{Verdict, World};

/// Validates a scenario and prints what follows from it.
pub(super) fn check(args: &CheckArgs) -> anyhow::Result<Verdict> {
    let Some(loaded) = load(&args.scenario, &args.overrides, None) else {
        return Ok(Verdict::InvalidScenario);
    };
    print_offer(&loaded, World::Simulated)?;
    Ok(Verdict::Pass)
}

/// Prints what follows from a scenario at the scale that `world` uses.
pub(super) fn print_offer(loaded: &Loaded, world: World) -> anyhow::Result<()> {
    let scenario = loaded.at_scale(None, world);
    let lived = loaded.at_scale(None, World::Live);
    print(&offer::render(&scenario, &offer::offer(&scenario, &lived)))?;
    if scenario.is_without_a_sale() {
        return Ok(());
    }
    print(&offer::line("on this machine", &on_this_machine(&lived)))
}

/// How this machine would share the crowd out, or why it cannot.
fn on_this_machine(lived: &Scenario) -> String {
    let machine = Machine::here();
    let means = match means(lived, Ipv4Addr::LOCALHOST.into(), &machine) {
        Ok(means) => means,
        Err(error) => return format!("it cannot be lived: {error}").replace('\n', " "),
    };
    let ports = means.ports.map_or_else(String::new, |ports| format!(" of {ports} ports each"));
    let edges = match means.edge_processes {
        0 => String::new(),
        edges => format!(", {edges} processes at the embedded shop's edge"),
    };
    format!(
        "{} load process(es) with up to {} of {} descriptors each, connections from {} local \
         address(es){ports}{edges}",
        means.processes,
        means.descriptors,
        machine.descriptors,
        means.sources.len().max(1),
    )
}
