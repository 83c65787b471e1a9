//! `spike run`: the scenario over real HTTP.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use domain::id::run_id;
use reference_shop::settings::Storage;

use super::begin::{begin, load, load_all_live};
use super::conclude::{Telling, conclude, took};
use super::folder::{self, RunFolder};
use super::progress::Watch;
use super::target::{self, Place};
use super::{check, network, one_of, print, say, series, telemetry};
use crate::cli::{LiveArgs, RunArgs};
use crate::evidence::read::CutShort;
use crate::evidence::{Ending, NeverBegun};
use crate::live::clock::Clock;
use crate::live::export::Exporter;
use crate::live::guard::Limits;
use crate::live::means::{self, Machine, Means};
use crate::live::{
    self, LedgerSinks, LiveError, Nothing, Processes, Ready, Settings, Stop, Target, alone,
};
use crate::measure::delta::Tap;
use crate::measure::recorder::Recorder;
use crate::scenario::file::{AsRun, Loaded};
use crate::scenario::target::Abort;
use crate::scenario::{Scenario, offer};
use crate::verdict::{Verdict, World, bare_line};

/// From reading the clock to the run's beginning: time for the shop and the provider to come up.
const LEAD: Duration = Duration::from_secs(2);

/// What a database server of the shop's own takes to come up besides, on a machine with other work.
const SERVER: Duration = Duration::from_secs(4);

/// How many pieces are given rows of their own in a second there, likewise \[1/s\].
const ROWS_PER_S: u64 = 30_000;

/// Lives each scenario, one after the other.
pub(super) fn run(args: &LiveArgs) -> anyhow::Result<Verdict> {
    let now = Clock::begin_in(Duration::ZERO).began_utc_ns();
    let Some(scenarios) = load_at_target(args, now) else { return Ok(Verdict::InvalidScenario) };
    let telling = match telemetry::telling(&args.telemetry, |name| std::env::var(name).ok()) {
        Ok(telling) => telling,
        Err(error) => return Ok(refuse(&error, Verdict::InvalidScenario)),
    };
    let LiveArgs { run: shared, target, network, .. } = args;
    let beside = match target.as_deref().map(target::place).transpose() {
        Ok(place) => place,
        // That of a foreign shop was read with its scenario.
        Err(_) if scenarios.iter().all(Loaded::is_foreign) => None,
        Err(error) => return Ok(refuse(&error, Verdict::InvalidScenario)),
    };
    let runs_nothing = shared.print_config || shared.dry_run;
    let telling = if runs_nothing { telemetry::Telling::default() } else { telling };
    let teller = telling.open(shared.quiet)?;
    let stop = stop_on_signals()?;
    let mut verdicts = Vec::new();
    for loaded in scenarios {
        if shared.print_config {
            print(&loaded.text_as_run(World::Live))?;
        } else if shared.dry_run {
            check::print_offer(&loaded, World::Live)?;
        } else {
            let scenario = loaded.at_scale(None, World::Live);
            let calendar = series::calendar(&scenario, World::Live, now);
            let Some(files) = series::Files::read(&shared.series, &calendar) else {
                return Ok(Verdict::InvalidScenario);
            };
            let place = match (&scenario.target, &beside) {
                (None, Some(place)) => place.clone(),
                (None, None) => Place::Embedded,
                (Some(target), _) => match network::abroad(target, network) {
                    Ok(abroad) => Place::Foreign(abroad),
                    Err(error) if error.is_written() => {
                        return Ok(refuse(&error, Verdict::InvalidScenario));
                    }
                    Err(error) => return Ok(refuse(&error, Verdict::Inconclusive)),
                },
            };
            verdicts.push(run_one(args, &teller, &place, loaded, &files, &stop)?);
        }
        // Who stops one run of several stops them all.
        if stop.presses() > 0 {
            break;
        }
    }
    Ok(one_of(&verdicts))
}

/// Reads all scenarios. Where `--target` is given and a scenario has a foreign shop, it is read again
/// with that in its place, so that what must be allowed is checked as if the file said so.
fn load_at_target(args: &LiveArgs, now_utc_ns: u64) -> Option<Vec<Loaded>> {
    let LiveArgs { run: RunArgs { scenarios, overrides, .. }, target, .. } = args;
    let loaded = load_all_live(scenarios, overrides, now_utc_ns)?;
    let Some(url) = target.as_ref().filter(|_| loaded.iter().any(Loaded::is_foreign)) else {
        return Some(loaded);
    };
    let mut elsewhere = overrides.clone();
    elsewhere.set.push(format!("target.url={url}"));
    let again = |(path, loaded): (&PathBuf, Loaded)| {
        if loaded.is_foreign() { load(path, &elsewhere, Some(now_utc_ns)) } else { Some(loaded) }
    };
    scenarios.iter().zip(loaded).map(again).collect()
}

/// Says why nothing is run, and the last word.
pub(super) fn refuse(error: &dyn std::error::Error, verdict: Verdict) -> Verdict {
    say(&format!("error: failed to {error}"));
    say(&bare_line(verdict));
    verdict
}

fn run_one(
    args: &LiveArgs,
    teller: &telemetry::Teller,
    place: &Place,
    loaded: Loaded,
    series: &series::Files,
    stop: &Stop,
) -> anyhow::Result<Verdict> {
    let named = Clock::begin_in(Duration::ZERO);
    let made_ready = make_ready(place, &loaded, named, stop);
    let clock = Clock::begin_in(lead(place, &loaded));
    let loaded = loaded.began_at(clock.began_utc_ns());
    let scenario = loaded.at_scale(None, World::Live);
    let means = means::means(&scenario, place.shop(), &Machine::here())
        .context("failed to prepare the run")?;
    let processes = processes(means.processes, loaded.as_run(clock.began_utc_ns()))?;
    let run_name = run_id(named.began_utc_ns());
    let LiveArgs { run: args, max_rate, .. } = args;
    let limits = Limits { requests_per_s: *max_rate, ..limits(&scenario, loaded.folder()) };
    let tracing = teller.sampler(&scenario, clock.began_utc_ns());
    let settings =
        Settings { processes, limits, run: run_name, tracing, ..settings(&scenario, clock, means) };
    let exporter = teller.begin(&scenario, &settings)?;
    let (run, mut begun) = begin(&args.out, &loaded, &scenario, World::Live, clock.began_utc_ns())?;
    series.keep(&run)?;
    if scenario.target.is_none() {
        say_what_is_left_out(&scenario);
    }
    let lived = made_ready.and_then(|ready| in_time(ready, &loaded, args)).and_then(|ready| {
        let (target, embedded) = place.open(&scenario, run.path(), clock)?;
        if let Some(why) = exporter.as_ref().and_then(Exporter::trouble) {
            say(&format!("not exported so far: {why}"));
        }
        let watch = Watch::begin(&scenario, World::Live, args.quiet, args.no_tui);
        let mut onlookers = Onlookers { watch, tap: exporter.as_ref().map(Exporter::tap) };
        let mut lived = live(&scenario, &settings, &target, ready, &run, stop, &mut onlookers);
        onlookers.watch.end();
        if let (Ok(ending), Some(embedded)) = (&mut lived, &embedded) {
            embedded.note_gaps(ending);
        }
        drop(embedded);
        lived
    });
    if let Some(lacking) = exporter.and_then(Exporter::end) {
        say(&lacking);
    }
    let mut ending = match lived {
        Ok(ending) => ending,
        Err(error) => match error.downcast_ref::<LiveError>().map(LiveError::why_nothing_was_lived)
        {
            Some(Nothing::Abandoned) => return Ok(abandoned(&run)),
            Some(Nothing::Begun(what)) => never_begun(clock, &error, what),
            _ => {
                cut_short(&run, &format!("{error:#}"));
                return Err(error);
            }
        },
    };
    ending.written = run.sizes()?;
    run.write_json(folder::ENDING, &ending)?;
    begun.provenance = took(&begun.provenance, clock.now().seconds());
    run.write_json(folder::PROVENANCE, &begun)?;
    series.keep_again(&run, &series::calendar(&scenario, World::Live, clock.began_utc_ns()))?;
    let telling = Telling { json: args.json, quiet: args.quiet, junit: args.junit.clone() };
    conclude(&run, &scenario, &begun, &telling, |_| Ok(Vec::new()))
}

/// How long before its beginning a run is prepared.
fn lead(place: &Place, loaded: &Loaded) -> Duration {
    let Place::Embedded = place else { return LEAD };
    let scenario = loaded.at_scale(None, World::Live);
    let (shop, catalogue) = (&scenario.shop, &scenario.catalogue);
    if !shop.storage.is_postgres() {
        return LEAD;
    }
    let rows = if shop.inventory.has_rows() {
        let before = shop.units.unwrap_or_default().sold_before;
        catalogue.items().map(|(_, _, item)| u64::from(item.stock) + u64::from(before)).sum()
    } else {
        0
    };
    let server = if shop.storage == Storage::Postgres { SERVER } else { Duration::ZERO };
    LEAD + server + Duration::from_secs(rows / ROWS_PER_S)
}

/// Makes a foreign shop ready, before the run's beginning: it takes the time that it takes.
fn make_ready(
    place: &Place,
    loaded: &Loaded,
    named: Clock,
    stop: &Stop,
) -> anyhow::Result<Option<Ready>> {
    let Place::Foreign(_) = place else { return Ok(None) };
    let scenario = loaded.at_scale(None, World::Live);
    let one = alone::scenario(&scenario, None);
    let means = means::means(&one, place.shop(), &Machine::here())
        .context("failed to prepare the canary")?;
    let settings = settings(&scenario, named, means);
    let (target, _) = place.open(&scenario, Path::new(""), named)?;
    live::ready(&scenario, &settings, &target, loaded.folder(), stop)
        .map_err(|error| anyhow::anyhow!(error).context("failed to make the shop ready"))
}

/// Whether what took its time has left enough of it before an opening at an instant.
fn in_time(ready: Option<Ready>, loaded: &Loaded, args: &RunArgs) -> anyhow::Result<Option<Ready>> {
    match loaded.too_near().filter(|_| ready.is_some() && !args.overrides.late) {
        Some(near) => {
            Err(anyhow::anyhow!(LiveError::TooNear(near)).context("failed to live the run"))
        }
        None => Ok(ready),
    }
}

/// Notes why there is no ending, for whoever judges what there is.
fn cut_short(run: &RunFolder, why: &str) {
    let why =
        why.lines().take_while(|line| !line.starts_with("hint: ")).collect::<Vec<_>>().join(" ");
    // Where it cannot be written, such as on a full disk, the error itself is told all the same.
    drop(run.write_json(folder::CUT_SHORT, &CutShort { why }));
}

/// What is left of a run that its user stopped for the second time.
fn abandoned(run: &RunFolder) -> Verdict {
    cut_short(run, "its user abandoned it");
    say(&format!("\nwhat was measured so far: {}", run.path().display()));
    say(&format!("{}: the run was abandoned by its user", bare_line(Verdict::Aborted)));
    Verdict::Aborted
}

/// The ending of a run that never began.
fn never_begun(clock: Clock, error: &anyhow::Error, what: &str) -> Ending {
    say(&format!("error: {error:#}"));
    // The outermost words say what this program was about, which the sentence says already.
    let cause = error.downcast_ref::<LiveError>().map(|error| NeverBegun::of(what, error));
    Ending {
        began_utc_ns: clock.began_utc_ns(),
        absent: ["shop", "provider"].map(|name| format!("{name}: the run never began")).to_vec(),
        never_begun: cause.or_else(|| Some(NeverBegun::of(what, error.as_ref()))),
        ..Ending::default()
    }
}

/// Who looks on while a run is lived.
struct Onlookers {
    watch: Watch,
    /// Who is told what each second added.
    tap: Option<Tap>,
}

fn live(
    scenario: &Scenario,
    settings: &Settings,
    target: &Target,
    foreign: Option<Ready>,
    run: &RunFolder,
    stop: &Stop,
    onlookers: &mut Onlookers,
) -> anyhow::Result<Ending> {
    if let Some(ready) = &foreign {
        run.write_json(folder::OPENING, &ready.at_opening())?;
    }
    let opening = scenario.first_opening();
    let mut recorder = Recorder::new(run.sinks()?, settings.clock.began_utc_ns(), opening)
        .with_context(|| format!("failed to write into {}", run.path().display()))?;
    let Onlookers { watch, tap } = onlookers;
    if watch.shows_recent() {
        recorder.keep_recent();
    }
    let ledgers = LedgerSinks {
        shop: Box::new(run.writer(folder::LEDGER_SHOP)?),
        provider: Box::new(run.writer(folder::LEDGER_PROVIDER)?),
        foreign,
    };
    if let Some(tap) = tap.take() {
        recorder.follow(tap);
    }
    let mut show = |progress: &_| watch.show(progress);
    live::run(scenario, settings, target, &mut recorder, ledgers, stop, &mut show)
        .map_err(|error| anyhow::anyhow!(error).context("failed to live the run"))
}

/// What of the simulated stack a live run of the embedded shop has not.
fn say_what_is_left_out(scenario: &Scenario) {
    if scenario.shop.edge.deals_with_errors() {
        say(
            "left out: errors for `shop.edge.error_ttl` and `restarts`; the live shop fails no page \
             by itself",
        );
    }
    if let Some(balancer) = &scenario.stack.balancer {
        say(&format!(
            "left out: `stack.balancer`, which takes {}/s at first in virtual time; nothing stands in \
             front of the live shop and refuses",
            balancer.at_least()
        ));
    }
    let stack = &scenario.stack;
    if let Some(edge) = stack.edge.as_ref().filter(|edge| edge.has_layers()) {
        let shield = if edge.shield { " and a shield" } else { "" };
        say(&format!(
            "left out: `stack.edge` with {} point(s) of presence{shield}; the live edge is one cache, or one \
             for each of its processes",
            edge.pops()
        ));
    }
    if stack.edge.as_ref().is_some_and(|edge| edge.origin_timeout.is_some()) {
        say("left out: `stack.edge.origin_timeout`; the live edge waits until the shop answers");
    }
    if let Some(application) = &stack.application {
        for (key, is_there, instead) in [
            ("outages", !application.outages.is_empty(), "the live shop does not fail by itself"),
            ("slowdowns", !application.slowdowns.is_empty(), "nothing slows the live shop down"),
            ("nodes", application.nodes.is_some(), "the live shop runs on one machine"),
            ("reclaims", !application.reclaims.is_empty(), "nobody takes its machine back"),
        ] {
            if is_there {
                say(&format!("left out: `stack.application.{key}`; {instead}"));
            }
        }
    }
    if stack.region.is_some() {
        say("left out: `stack.region`; the live shop has one region, and keeps it");
    }
    let Some(database) = &stack.database else { return };
    if database.capacity.is_some() {
        say("left out: `stack.database.capacity`; the live database has this machine's processors");
    }
    if !database.failovers.is_empty() {
        say("left out: `stack.database.failovers`; the live database stays where it is");
    }
}

/// How this machine lives a scenario from the beginning of `clock`, in this process alone.
pub(super) fn settings(scenario: &Scenario, clock: Clock, means: Means) -> Settings {
    Settings {
        clock,
        run: run_id(clock.began_utc_ns()),
        threads: means.threads,
        connections: scenario.live.connections.into(),
        wire: scenario.live.wire,
        pacing: scenario.live.pacing,
        keep_awake: scenario.live.keep_awake.applies(),
        limits: Limits::default(),
        drain: offer::drain(scenario),
        sources: means.sources,
        processes: None,
        transcript: None,
        tracing: None,
        visits: None,
    }
}

/// When the scenario wants a run to be broken off.
fn limits(scenario: &Scenario, folder: &Path) -> Limits {
    let Some(target) = &scenario.target else { return Limits::default() };
    let Abort { server_errors, within, kill_file } = target.abort.clone();
    let kill_file = kill_file.map(|file| folder.join(file));
    Limits { server_errors, within, requests_per_s: None, kill_file }
}

/// The load processes that a crowd needs, where it needs more than this one.
fn processes(count: usize, scenario: AsRun) -> anyhow::Result<Option<Processes>> {
    if count < 2 {
        return Ok(None);
    }
    let program = std::env::current_exe().context("failed to find this program's own file")?;
    Ok(Some(Processes { count, program, scenario }))
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
