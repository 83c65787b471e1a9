//! Where rows are lived: in virtual time or live, in full or in small.

use std::sync::atomic::{AtomicBool, Ordering};

use spike::scenario::Scenario;
use spike::scenario::overrides::Overrides;
use spike::sim::SimulatedRun;
use spike::verdict::Judged;

use crate::claim::{Claim, Standing};
use crate::rehearsal::{self, Room};

/// How often a live run is lived again on a machine that is busy with others.
const TRIES: usize = 4;

/// Whether nothing is lived live: what only a live run shows is then left out.
static SIMULATED_ALONE: AtomicBool = AtomicBool::new(false);

/// From now on nothing is lived live.
pub(crate) fn simulate_alone() {
    SIMULATED_ALONE.store(true, Ordering::Relaxed);
}

/// How large a rehearsal is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// As the scenario's figures say.
    Full,
    /// As small as still shows it, for the tests.
    Small,
}

impl Size {
    /// The one of the two that goes with this size.
    pub(crate) fn pick<T>(self, full: T, small: T) -> T {
        match self {
            Self::Full => full,
            Self::Small => small,
        }
    }
}

/// A scenario that was lived in virtual time.
pub(crate) struct Lived {
    /// It.
    pub(crate) scenario: Scenario,
    /// What the judge said.
    pub(crate) judged: Judged,
    /// What was seen.
    pub(crate) run: SimulatedRun,
}

/// Lives a shipped scenario in virtual time, with each `a.b=value` set.
pub(crate) fn simulate(name: &str, set: &[&str]) -> Lived {
    simulate_seeded(name, set, None)
}

/// Likewise, under that seed.
pub(crate) fn simulate_seeded(name: &str, set: &[&str], seed: Option<u64>) -> Lived {
    let overrides = Overrides { seed, ..rehearsal::set(set) };
    let scenario = rehearsal::scenario(&rehearsal::shipped_text(name), &overrides);
    let (judged, run) = rehearsal::simulate(&scenario);
    Lived { scenario, judged, run }
}

/// Runs a shipped scenario live by the program, and claims something of it that does not hang on how
/// fast the machine is; nothing where it was too busy for a verdict each time. A claim that does not
/// hold is looked at again in a run that has the machine for itself.
pub(crate) fn live(
    what: &str,
    scenario: (&str, &[&str]),
    claim: impl Fn(&str, &Judged) -> Claim,
) -> Claim {
    if let Some(judged) = run_in(Room::Half, scenario) {
        let claimed = claim(what, &judged);
        match claimed.standing {
            Standing::Held => return claimed,
            _ => println!("asked again alone: {claimed}"),
        }
    }
    live_alone(what, scenario, claim)
}

/// Likewise, of a run that has the machine for itself: what is claimed is how fast things are.
pub(crate) fn live_alone(
    what: &str,
    (name, set): (&str, &[&str]),
    claim: impl Fn(&str, &Judged) -> Claim,
) -> Claim {
    live_run(name, set).map_or_else(|| Claim::unseen(what), |judged| claim(what, &judged))
}

/// What the judge said of a shipped scenario that had the machine for itself.
pub(crate) fn live_run(name: &str, set: &[&str]) -> Option<Judged> {
    (0..TRIES).find_map(|_| run_in(Room::Whole, (name, set)))
}

/// What the judge said of one live run; nothing where the machine was too busy for a verdict, or
/// where nothing is lived live.
fn run_in(room: Room, (name, set): (&str, &[&str])) -> Option<Judged> {
    if SIMULATED_ALONE.load(Ordering::Relaxed) {
        return None;
    }
    let judged = rehearsal::run_in(room, &rehearsal::shipped(name), set);
    let starved = ["The generator was ", "The machine was not its own"];
    let starved = |reason: &&String| starved.iter().any(|said| reason.starts_with(said));
    match judged.reasons.iter().find(starved) {
        Some(reason) => {
            println!("{name} {}: too busy a machine, so it says: {reason}", set.join(" "));
            None
        }
        None => Some(judged),
    }
}
