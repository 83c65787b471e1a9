//! `spike simulate`: the scenario in virtual time.

use std::ops::ControlFlow;

use anyhow::Context;

use super::begin::{Begun, begin, load_all_virtual};
use super::calibrate::Calibration;
use super::conclude::{Telling, conclude, took};
use super::folder::{self, RunFolder};
use super::probe::probe;
use super::progress::Watch;
use super::replicate::{Plan, simulate_several};
use super::{check, one_of, print, say, series};
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
    let plan = Plan::of(args);
    let SimulateArgs { run: args, no_probes, calibrate, .. } = args;
    let Some(scenarios) = load_all_virtual(&args.scenarios, &args.overrides) else {
        return Ok(Verdict::InvalidScenario);
    };
    let calibration = calibrate.as_deref().map(Calibration::read).transpose()?;
    let Some(scenarios) = calibrated(args, scenarios, calibration.as_ref())? else {
        return Ok(Verdict::InvalidScenario);
    };
    let told = calibration.as_ref().map(Calibration::told);
    let stop = super::run::stop_on_signals()?;
    let asked = Asked { run: args, no_probes: *no_probes, calibrated: told.as_ref(), stop: &stop };
    let mut verdicts = Vec::new();
    for loaded in &scenarios {
        if args.print_config {
            print(&loaded.text_as_run(World::Simulated))?;
        } else if args.dry_run {
            check::print_offer(loaded, World::Simulated)?;
        } else if stop.presses() > 0 {
            // Who stopped one scenario wants none of those after it.
            verdicts.push(Verdict::Aborted);
        } else if plan.is_one() {
            verdicts.push(simulate_one(asked, loaded)?);
        } else {
            verdicts.push(simulate_several(asked, loaded, plan)?);
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

/// How scenarios are to be lived, once or several times.
#[derive(Copy, Clone, Debug)]
pub(super) struct Asked<'a> {
    pub(super) run: &'a RunArgs,
    /// Whether a run that did not hold is not lived again.
    pub(super) no_probes: bool,
    /// The run that the stack has its service times from, where they are not the file's own.
    pub(super) calibrated: Option<&'a Calibrated>,
    pub(super) stop: &'a Stop,
}

impl Asked<'_> {
    /// Makes the folder of a run that is lived now, and writes down what it begins with.
    pub(super) fn begin(
        self,
        loaded: &Loaded,
        scenario: &Scenario,
        clock: Clock,
    ) -> anyhow::Result<(RunFolder, Begun)> {
        let began_utc_ns = clock.began_utc_ns();
        let (run, mut begun) =
            begin(&self.run.out, loaded, scenario, World::Simulated, began_utc_ns)?;
        begun.provenance.calibrated = self.calibrated.cloned();
        run.write_json(folder::PROVENANCE, &begun)?;
        Ok((run, begun))
    }

    /// Judges what was lived, lives it again with what it lacked, and tells what came of all.
    pub(super) fn conclude(
        self,
        (run, mut begun): (RunFolder, Begun),
        (loaded, scenario): (&Loaded, &Scenario),
        clock: Clock,
    ) -> anyhow::Result<Verdict> {
        begun.provenance = took(&begun.provenance, clock.now().seconds());
        run.write_json(folder::PROVENANCE, &begun)?;
        let RunArgs { json, quiet, junit, .. } = self.run;
        let telling = Telling { json: *json, quiet: *quiet, junit: junit.clone() };
        conclude(&run, scenario, &begun, &telling, |judged| {
            if self.no_probes {
                return Ok(Vec::new());
            }
            let probes = probe((loaded, scenario), &run, judged, (self.stop, *quiet))?;
            run.write_json(folder::PROBES, &probes)?;
            Ok(probes)
        })
    }
}

fn simulate_one(asked: Asked<'_>, loaded: &Loaded) -> anyhow::Result<Verdict> {
    let Asked { run: args, stop, .. } = asked;
    let scenario = loaded.at_scale(None, World::Simulated);
    if !scenario.uncertain.is_empty() && !args.quiet {
        say("what is uncertain is as written: `--replications 10` draws it");
    }
    let calendar = series::calendar(&scenario, World::Simulated, 0);
    let Some(files) = series::Files::read(&args.series, &calendar) else {
        return Ok(Verdict::InvalidScenario);
    };
    let clock = Clock::begin_in(std::time::Duration::ZERO);
    let (run, begun) = asked.begin(loaded, &scenario, clock)?;
    files.keep(&run)?;
    let mut watch = Watch::begin(&scenario, World::Simulated, args.quiet, args.no_tui);
    rehearse(&scenario, &run, Visits::Forget, &mut |progress| {
        watch.show(progress);
        if stop.presses() > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    watch.end();
    asked.conclude((run, begun), (loaded, &scenario), clock)
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
