//! A scenario lived several times in virtual time, on all cores, each time with a seed and values of its uncertain
//! inputs of its own. One replication is lived by one thread, and all are put together in the order of their
//! numbers: how many threads there are changes no byte of what comes of it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use anyhow::Context as _;

use super::begin::tell;
use super::conclude::judge_folder;
use super::folder::{self, RunFolder};
use super::simulate::{Asked, rehearse};
use super::{say, series};
use crate::cli::SimulateArgs;
use crate::live::Stop;
use crate::live::clock::Clock;
use crate::measure::recorder::Progress;
use crate::scenario::Scenario;
use crate::scenario::file::Loaded;
use crate::scenario::problem::Problems;
use crate::scenario::uncertain::{Uncertain, life};
use crate::sim::Visits;
use crate::verdict::replications::{Life, Merge, Observation, Replications};
use crate::verdict::{Verdict, World, bare_line};

/// How many replications there are at most where a precision is asked for and no number.
const ASKED: u32 = 100;
/// After so many replications, and each time after as many more, it is looked whether they are enough.
const BATCH: usize = 10;

/// How a scenario is lived several times.
#[derive(Copy, Clone, Debug)]
pub(super) struct Plan {
    /// How many replications, at most where there is a precision.
    asked: u32,
    /// How well its figures are to be known.
    precision: Option<f64>,
    /// How many threads live them.
    threads: usize,
}

impl Plan {
    pub(super) fn of(args: &SimulateArgs) -> Self {
        let otherwise = if args.precision.is_some() { ASKED } else { 1 };
        let cores = || thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            asked: args.replications.unwrap_or(otherwise),
            precision: args.precision,
            threads: args.threads.map_or_else(cores, usize::from),
        }
    }

    /// Whether the scenario is lived once, as it is written.
    pub(super) fn is_one(self) -> bool {
        self.asked == 1
    }
}

/// Lives a scenario several times; the folder of the first is kept, and says what became of all.
pub(super) fn simulate_several(
    asked: Asked<'_>,
    loaded: &Loaded,
    plan: Plan,
) -> anyhow::Result<Verdict> {
    let Some(several) = Several::of(loaded, plan, asked) else {
        say(&bare_line(Verdict::InvalidScenario));
        return Ok(Verdict::InvalidScenario);
    };
    let (first, scenario) = several.scenario(&several.lives[0])?;
    let calendar = series::calendar(&scenario, World::Simulated, 0);
    let Some(files) = series::Files::read(&asked.run.series, &calendar) else {
        return Ok(Verdict::InvalidScenario);
    };
    let clock = Clock::begin_in(std::time::Duration::ZERO);
    let (run, begun) = asked.begin(&first, &scenario, clock)?;
    files.keep(&run)?;
    let replications = several.live(&run)?;
    run.write_json(folder::REPLICATIONS, &replications)?;
    asked.conclude((run, begun), (&first, &scenario), clock)
}

/// All replications of a scenario.
struct Several<'a> {
    loaded: &'a Loaded,
    lives: Vec<Life>,
    plan: Plan,
    stop: &'a Stop,
    quiet: bool,
}

impl<'a> Several<'a> {
    /// All of them, if each is a scenario with the values that it has of what is uncertain; else what is wrong with
    /// the first that is none is told.
    fn of(loaded: &'a Loaded, plan: Plan, asked: Asked<'a>) -> Option<Self> {
        let Scenario { seed, uncertain, .. } = loaded.at_scale(None, World::Simulated);
        let (stop, quiet) = (asked.stop, asked.run.quiet);
        // What the command line says, or a run has measured, is not uncertain any more.
        let is_set = |input: &Uncertain| loaded.is_set(&input.key);
        let (certain, inputs): (Vec<_>, Vec<_>) = uncertain.into_iter().partition(is_set);
        for input in certain.iter().filter(|_| !quiet) {
            say(&format!("not drawn, for it is set: {}", input.key));
        }
        let lives = (1..=plan.asked).map(|number| life(seed, number, &inputs));
        let several = Self { loaded, lives: lives.collect(), plan, stop, quiet };
        // Each end of each input was tried alone; together they may still not fit.
        let together = several.lives.iter().filter(|life| !life.set.is_empty());
        for life in together {
            if let Err(problems) = several.changed(life) {
                say(&format!(
                    "replication {} is no scenario, with {}:",
                    life.number,
                    life.set.join(" ")
                ));
                tell(&problems);
                return None;
            }
        }
        Some(several)
    }

    /// The scenario as a replication lives it.
    fn changed(&self, life: &Life) -> Result<Loaded, Problems> {
        // The first has the seed of the scenario, wherever that was said.
        let seed = (life.number > 1).then(|| format!("seed={}", life.seed));
        let set: Vec<String> = seed.into_iter().chain(life.set.iter().cloned()).collect();
        if set.is_empty() { Ok(self.loaded.clone()) } else { self.loaded.changed(&set) }
    }

    fn scenario(&self, life: &Life) -> anyhow::Result<(Loaded, Scenario)> {
        let changed = self.changed(life).map_err(|problems| {
            anyhow::anyhow!("failed to read replication {}:\n{problems}", life.number)
        })?;
        let scenario = changed.at_scale(None, World::Simulated);
        Ok((changed, scenario))
    }

    /// Lives them, the first of them in the folder of `run`, and puts them together.
    fn live(&self, run: &RunFolder) -> anyhow::Result<Replications> {
        let Plan { asked, precision, .. } = self.plan;
        let batch = if precision.is_some() { BATCH } else { self.lives.len() };
        let mut merge = Merge::default();
        let (mut begun, mut lived, mut is_known) = (0, 0, false);
        for some in self.lives.chunks(batch) {
            if is_known || self.stop.presses() > 0 {
                break;
            }
            begun += some.len();
            for observed in self.live_some(some, run)? {
                lived += 1;
                merge.add(observed);
            }
            is_known = precision.is_some_and(|asked| merge.precision(asked).reached);
        }
        // Who wants no more when all is done has cut nothing short.
        let is_whole = lived == begun && (is_known || begun == self.lives.len());
        Ok(merge.finish(asked, precision, !is_whole))
    }

    /// Lives some of them at once; what was lived to its end, in the order of their numbers.
    fn live_some(&self, some: &[Life], run: &RunFolder) -> anyhow::Result<Vec<Observation>> {
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (sender, receiver) = mpsc::channel();
        let mut done = BTreeMap::new();
        thread::scope(|scope| {
            for _ in 0..self.plan.threads.min(some.len()) {
                let (sender, next, failed) = (sender.clone(), &next, &failed);
                scope.spawn(move || {
                    while self.stop.presses() == 0 && !failed.load(Ordering::Relaxed) {
                        let Some(life) = some.get(next.fetch_add(1, Ordering::Relaxed)) else {
                            break;
                        };
                        let lived = self.live_one(life, run);
                        failed.fetch_or(lived.is_err(), Ordering::Relaxed);
                        if sender.send((life.number, lived)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            for (number, lived) in receiver {
                self.say_how_it_ended(number, &lived);
                done.insert(number, lived);
            }
        });
        let all: anyhow::Result<Vec<Option<Observation>>> = done.into_values().collect();
        Ok(all?.into_iter().flatten().collect())
    }

    fn say_how_it_ended(&self, number: u32, lived: &anyhow::Result<Option<Observation>>) {
        if let Ok(Some(observed)) = lived
            && !self.quiet
        {
            let word = observed.verdict().word();
            say(&format!("replication {number} of {}: {word}", self.plan.asked));
        }
    }

    /// Lives and judges one of them; nothing if it was broken off. The evidence of the first stays in the folder of
    /// `run`, that of the others lies there meanwhile.
    fn live_one(&self, life: &Life, run: &RunFolder) -> anyhow::Result<Option<Observation>> {
        let (_, scenario) = self.scenario(life)?;
        if life.number == 1 {
            return self.observe(life, &scenario, run);
        }
        let scratch = tempfile::Builder::new()
            .prefix(".replication-")
            .tempdir_in(run.path())
            .with_context(|| format!("failed to make a folder in {}", run.path().display()))?;
        let evidence = RunFolder::create(scratch.path(), &scenario.name, "run")?;
        self.observe(life, &scenario, &evidence)
    }

    fn observe(
        &self,
        life: &Life,
        scenario: &Scenario,
        evidence: &RunFolder,
    ) -> anyhow::Result<Option<Observation>> {
        let is_stopped = || self.stop.presses() > 0;
        let mut watch = |_: &Progress| {
            if is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let ending = rehearse(scenario, evidence, Visits::Forget, &mut watch)?.ending;
        if ending.aborted {
            return Ok(None);
        }
        let judged = judge_folder(evidence, scenario, World::Simulated)?;
        Ok(Some(Observation::of(life.clone(), &judged)))
    }
}
