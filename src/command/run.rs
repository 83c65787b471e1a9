//! `spike run`: the scenario over real HTTP.

use std::time::Duration;

use anyhow::Context;

use super::begin::{begin, load_all};
use super::conclude::{Telling, conclude, took};
use super::embedded::Embedded;
use super::folder::{self, RunFolder};
use super::progress::Watch;
use super::{check, gravest, print};
use crate::cli::RunArgs;
use crate::evidence::Ending;
use crate::live::clock::Clock;
use crate::live::{self, Connections, LedgerSinks, Settings, Stop, Target};
use crate::measure::recorder::Recorder;
use crate::scenario::file::Loaded;
use crate::scenario::{self, Scenario, offer};
use crate::verdict::{Verdict, World};

/// From reading the clock to the run's beginning: time for the shop and the provider to come up.
const LEAD: Duration = Duration::from_secs(2);

/// Lives each scenario, one after the other.
pub(super) fn run(args: &RunArgs) -> anyhow::Result<Verdict> {
    let now = Clock::begin_in(Duration::ZERO).began_utc_ns();
    let Some(scenarios) = load_all(&args.scenarios, &args.overrides, Some(now)) else {
        return Ok(Verdict::InvalidScenario);
    };
    let stop = stop_on_signals()?;
    let mut verdicts = Vec::new();
    for loaded in scenarios {
        if args.print_config {
            print(&loaded.text_as_run(World::Live))?;
        } else if args.dry_run {
            check::print_offer(&loaded, World::Live)?;
        } else {
            verdicts.push(run_one(args, loaded, &stop)?);
        }
    }
    Ok(gravest(verdicts))
}

fn run_one(args: &RunArgs, loaded: Loaded, stop: &Stop) -> anyhow::Result<Verdict> {
    let clock = Clock::begin_in(LEAD);
    let loaded = loaded.began_at(clock.began_utc_ns());
    let scenario = loaded.at_scale(None, World::Live);
    let (run, mut begun) = begin(&args.out, &loaded, &scenario, World::Live, clock.began_utc_ns())?;
    let binary = std::env::current_exe().context("failed to find this program's own file")?;
    let embedded = Embedded::start(&binary, &scenario, run.path(), clock.began_utc_ns())?;
    let mut watch = Watch::begin(&scenario, args.quiet, args.no_tui);
    let ending = live(&scenario, clock, &embedded, &run, stop, &mut watch)?;
    watch.end();
    drop(embedded);
    run.write_json(folder::ENDING, &ending)?;
    begun.provenance = took(&begun.provenance, clock.now().seconds());
    run.write_json(folder::PROVENANCE, &begun)?;
    let telling = Telling { json: args.json, quiet: args.quiet, junit: args.junit.clone() };
    conclude(&run, &scenario, &begun, &telling)
}

fn live(
    scenario: &Scenario,
    clock: Clock,
    embedded: &Embedded,
    run: &RunFolder,
    stop: &Stop,
    watch: &mut Watch,
) -> anyhow::Result<Ending> {
    let target = Target {
        shop: embedded.shop,
        host: embedded.shop.to_string(),
        provider: embedded.provider,
    };
    let opening = scenario.first_opening();
    let mut recorder = Recorder::new(run.sinks()?, clock.began_utc_ns(), opening)
        .with_context(|| format!("failed to write into {}", run.path().display()))?;
    let ledgers = LedgerSinks {
        shop: Box::new(run.writer(folder::LEDGER_SHOP)?),
        provider: Box::new(run.writer(folder::LEDGER_PROVIDER)?),
    };
    let settings = settings(scenario, clock);
    let mut show = |progress: &_| watch.show(progress);
    live::run(scenario, &settings, &target, &mut recorder, ledgers, stop, &mut show)
        .map_err(|error| anyhow::anyhow!(error).context("failed to live the run"))
}

fn settings(scenario: &Scenario, clock: Clock) -> Settings {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Settings {
        clock,
        threads: scenario.live.threads.map_or(cores, usize::from),
        connections: match scenario.live.connections {
            scenario::Connections::PerFan => Connections::PerFan,
            scenario::Connections::Pool(limit) => Connections::Pool(limit as usize),
        },
        drain: offer::drain(scenario),
        visits: None,
    }
}

/// A stop that Ctrl-C and SIGTERM press: once to drain and judge, twice to abandon.
pub(super) fn stop_on_signals() -> anyhow::Result<Stop> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let stop = Stop::default();
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])
        .context("failed to listen for Ctrl-C")?;
    let pressed = stop.clone();
    std::thread::spawn(move || {
        for _ in signals.forever() {
            pressed.press();
        }
    });
    Ok(stop)
}
