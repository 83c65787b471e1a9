//! What would have to change, and by how much: a simulated run that did not hold is lived again, once with
//! each change that gives more to a part that was at 100 %.

use std::ops::ControlFlow;

use super::conclude::judge_folder;
use super::folder::RunFolder;
use super::say;
use super::simulate::rehearse;
use crate::live::Stop;
use crate::scenario::Scenario;
use crate::scenario::file::Loaded;
use crate::scenario::remedy::{Remedy, remedy};
use crate::sim::Visits;
use crate::verdict::probe::Probe;
use crate::verdict::{Judged, Verdict, World};

/// How often what a part needed is given, one after the other, until that is enough.
const TIMES: [u32; 3] = [1, 2, 4];
/// At most so many changes are lived, each alone: those of the parts that were at 100 % first.
const PROBES_MAX: usize = 6;

/// Lives `loaded` again with each change that what was `judged` asks for; none where it held, or was cut
/// short. The folder of `run` holds their evidence meanwhile.
pub(super) fn probe(
    (loaded, scenario): (&Loaded, &Scenario),
    run: &RunFolder,
    judged: &Judged,
    (stop, quiet): (&Stop, bool),
) -> anyhow::Result<Vec<Probe>> {
    if !matches!(judged.verdict, Verdict::InvariantViolated | Verdict::ObjectiveMissed) {
        return Ok(Vec::new());
    }
    let mut probes = Vec::new();
    for limit in &judged.measured.at_limit {
        for remedy in TIMES.into_iter().map_while(|times| remedy(scenario, limit, times)) {
            // What cannot be changed so, beside what else the file says, is no remedy.
            let Ok(changed) = loaded.changed(&remedy.set) else { break };
            if probes.len() == PROBES_MAX {
                return Ok(probes);
            }
            if !quiet {
                say(&format!("once more, with {}", remedy.set.join(" ")));
            }
            let Some(judged) = live_again(&changed, run, stop)? else { return Ok(probes) };
            let Remedy { what, set, now } = remedy;
            let probe = Probe::of(what, set, now, &judged);
            let is_decided = !probe.wants_more();
            probes.push(probe);
            if is_decided {
                break;
            }
        }
    }
    Ok(probes)
}

/// What is judged of a changed scenario; nothing if somebody wants no more.
fn live_again(changed: &Loaded, run: &RunFolder, stop: &Stop) -> anyhow::Result<Option<Judged>> {
    let folder = tempfile::Builder::new().prefix(".probe-").tempdir_in(run.path())?;
    let scenario = changed.at_scale(None, World::Simulated);
    let evidence = RunFolder::create(folder.path(), &scenario.name, "probe")?;
    let is_stopped = || stop.presses() > 0;
    let mut watch =
        |_: &_| if is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    rehearse(&scenario, &evidence, Visits::Forget, &mut watch)?;
    let judged = judge_folder(&evidence, &scenario, World::Simulated)?;
    Ok((!is_stopped()).then_some(judged))
}
