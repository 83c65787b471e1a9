//! `spike simulate`: the scenario in virtual time.

use std::ops::ControlFlow;

use anyhow::Context;

use super::begin::{begin, load_all_virtual};
use super::calibrate::Calibration;
use super::conclude::{Telling, conclude, took};
use super::folder::{self, RunFolder};
use super::probe::probe;
use super::progress::Watch;
use super::{check, one_of, print, series};
use crate::cli::{OverrideArgs, RunArgs, SimulateArgs};
use crate::evidence::Ending;
use crate::live::Stop;
use crate::live::clock::Clock;
use crate::measure::recorder::{Progress, Recorder};
use crate::scenario::file::Loaded;
use crate::scenario::{Scenario, offer};
use crate::sim::{self, SimulatedRun, Visits};
use crate::verdict::{Calibrated, Verdict, World};

/// Lives each scenario in virtual time, one after the other.
pub(super) fn simulate(args: &SimulateArgs) -> anyhow::Result<Verdict> {
    let SimulateArgs { run: args, no_probes, calibrate } = args;
    let Some(scenarios) = load_all_virtual(&args.scenarios, &args.overrides) else {
        return Ok(Verdict::InvalidScenario);
    };
    let calibration = calibrate.as_deref().map(Calibration::read).transpose()?;
    let Some(scenarios) = calibrated(args, scenarios, calibration.as_ref())? else {
        return Ok(Verdict::InvalidScenario);
    };
    let told = calibration.as_ref().map(Calibration::told);
    let stop = super::run::stop_on_signals()?;
    let mut verdicts = Vec::new();
    for loaded in &scenarios {
        if args.print_config {
            print(&loaded.text_as_run(World::Simulated))?;
        } else if args.dry_run {
            check::print_offer(loaded, World::Simulated)?;
        } else if stop.presses() > 0 {
            // Who stopped one scenario wants none of those after it.
            verdicts.push(Verdict::Aborted);
        } else {
            verdicts.push(simulate_one(args, *no_probes, loaded, told.as_ref(), &stop)?);
        }
        // Who stops one run of several stops them all.
        if stop.presses() > 0 {
            break;
        }
    }
    Ok(one_of(&verdicts))
}

/// The scenarios with the service times that a run measured, if one is to be asked, whatever else `--set` says.
/// Nothing where that made a scenario invalid, which is told.
fn calibrated(
    args: &RunArgs,
    scenarios: Vec<Loaded>,
    by: Option<&Calibration>,
) -> anyhow::Result<Option<Vec<Loaded>>> {
    let Some(by) = by else { return Ok(Some(scenarios)) };
    let mut calibrated = Vec::new();
    for (path, loaded) in args.scenarios.iter().zip(&scenarios) {
        let scenario = loaded.at_scale(None, World::Simulated);
        let mut set = args.overrides.set.clone();
        let changes = by.changes(&path.display().to_string(), &scenario, &set)?;
        set.extend(changes);
        let overrides = OverrideArgs { set, ..args.overrides.clone() };
        let Some(loaded) = load_all_virtual(std::slice::from_ref(path), &overrides) else {
            return Ok(None);
        };
        calibrated.extend(loaded);
    }
    Ok(Some(calibrated))
}

fn simulate_one(
    args: &RunArgs,
    no_probes: bool,
    loaded: &Loaded,
    calibrated: Option<&Calibrated>,
    stop: &Stop,
) -> anyhow::Result<Verdict> {
    let scenario = loaded.at_scale(None, World::Simulated);
    let calendar = series::calendar(&scenario, World::Simulated, 0);
    let Some(files) = series::Files::read(&args.series, &calendar) else {
        return Ok(Verdict::InvalidScenario);
    };
    let clock = Clock::begin_in(std::time::Duration::ZERO);
    let (run, mut begun) =
        begin(&args.out, loaded, &scenario, World::Simulated, clock.began_utc_ns())?;
    begun.provenance.calibrated = calibrated.cloned();
    run.write_json(folder::PROVENANCE, &begun)?;
    files.keep(&run)?;
    let mut watch = Watch::begin(&scenario, args.quiet, args.no_tui);
    rehearse(&scenario, &run, Visits::Forget, &mut |progress| {
        watch.show(progress);
        if stop.presses() > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    watch.end();
    begun.provenance = took(&begun.provenance, clock.now().seconds());
    run.write_json(folder::PROVENANCE, &begun)?;
    let telling = Telling { json: args.json, quiet: args.quiet, junit: args.junit.clone() };
    conclude(&run, &scenario, &begun, &telling, |judged| {
        if no_probes {
            return Ok(Vec::new());
        }
        let probes = probe((loaded, &scenario), &run, judged, (stop, args.quiet))?;
        run.write_json(folder::PROBES, &probes)?;
        Ok(probes)
    })
}

/// Lives a scenario in virtual time and leaves its evidence in `run`.
///
/// # Errors
/// When evidence cannot be written.
pub fn rehearse(
    scenario: &Scenario,
    run: &RunFolder,
    visits: Visits,
    watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> anyhow::Result<SimulatedRun> {
    let record = || format!("failed to write into {}", run.path().display());
    let mut recorder =
        Recorder::new(run.sinks()?, 0, scenario.first_opening()).with_context(record)?;
    let drain = offer::drain_needed(scenario);
    let mut lived =
        sim::run(scenario, drain.length(), visits, &mut recorder, watch).with_context(record)?;
    drop(recorder);
    let Ending { load_ended, judged, .. } = lived.ending;
    // Of who rests before that time it is known that nothing is pending.
    if drain.is_short() && judged.since(load_ended) >= drain.length() {
        lived.ending.drained = false;
    }
    run.write_lines(folder::LEDGER_SHOP, &lived.ledgers.shop)?;
    run.write_lines(folder::LEDGER_PROVIDER, &lived.ledgers.provider)?;
    lived.ending.written = run.sizes()?;
    run.write_json(folder::ENDING, &lived.ending)?;
    Ok(lived)
}
