//! `spike check`: what follows from a scenario, without running anything.

use super::begin::load;
use super::print;
use crate::cli::CheckArgs;
use crate::scenario::file::Loaded;
use crate::scenario::offer;
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
    print(&offer::render(&scenario, &offer::offer(&scenario, &lived)))
}
