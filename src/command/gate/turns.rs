//! Runs of two commands in turns, A B A B: what the machine does meanwhile is done to both.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use domain::time::Duration;

use super::{command, read};
use crate::cli::GateArgs;
use crate::command::begin::{instant, load, stamp};
use crate::command::folder::RunFolder;
use crate::command::run::stop_on_signals;
use crate::command::say;
use crate::live::Stop;
use crate::live::clock::Clock;
use crate::verdict::World;
use crate::verdict::gate::Observed;

/// What became of living in turns.
pub(super) enum Lived {
    /// Both sides, as many runs of each, and how many runs of each were late, whose pairs were lived again.
    Pairs([Vec<Observed>; 2], [u16; 2]),
    /// The scenario has problems, which were told.
    Invalid,
    /// Its user wanted no more.
    Stopped,
    /// A command left no run, or ended as none does: why, and what the candidate's runs violated until then.
    Failed(Vec<String>),
}

/// Lives a scenario by two commands in turns. A pair of which a run is late, for the machine was busy with something
/// else, is lived again as a whole, up to half as many pairs besides; what is the shop's own doing is not.
/// Simulated runs of one seed are the same each time, so that of them one pair says it all.
pub(super) fn live(args: &GateArgs, scenario: &Path, commands: [&str; 2]) -> anyhow::Result<Lived> {
    let now = Clock::begin_in(Duration::ZERO).began_utc_ns();
    let Some(loaded) = load(scenario, &args.overrides, Some(now)) else {
        return Ok(Lived::Invalid);
    };
    let name = loaded.at_scale(None, World::Live).name;
    let folder = RunFolder::create(&args.out, &name, &stamp(instant(now)?))?;
    let stop = stop_on_signals()?;
    let mut sides = [Vec::new(), Vec::new()];
    let (mut attempt, mut again, mut late) = (0, 0, [0; 2]);
    while sides[0].len() < usize::from(args.pairs) {
        attempt += 1;
        let mut runs = Vec::with_capacity(2);
        for (letter, command) in ["a", "b"].into_iter().zip(commands) {
            let out = folder.path().join(letter).join(format!("{attempt:03}"));
            let lived = one(command, scenario, &out, args, &stop)?;
            if stop.presses() > 0 {
                return Ok(Lived::Stopped);
            }
            match lived {
                Ok(run) => runs.push(run),
                Err(problem) => {
                    let problem = format!("{}, pair {attempt}: {problem}", letter.to_uppercase());
                    let so_far = sides[1].iter().filter_map(violated);
                    return Ok(Lived::Failed(so_far.chain([problem]).collect()));
                }
            }
        }
        let is_again = again < args.pairs / 2 && is_the_machines(&runs);
        if !args.quiet {
            let more = if is_again { "; it is lived again" } else { "" };
            let pair = sides[0].len() + 1;
            say(&format!("pair {pair} of {}: {}{more}", args.pairs, verdicts(&runs)));
        }
        if is_again {
            again += 1;
            for (late, run) in late.iter_mut().zip(&runs) {
                *late += u16::from(run.late);
            }
            continue;
        }
        let is_simulated = runs.iter().all(|run| run.world == World::Simulated);
        for (side, run) in sides.iter_mut().zip(runs) {
            side.push(run);
        }
        if is_simulated {
            break;
        }
    }
    Ok(Lived::Pairs(sides, late))
}

/// Whether a pair says little for what the machine did alone. Beside a violated invariant, or a shop that was not
/// there, nothing is left out.
fn is_the_machines(runs: &[Observed]) -> bool {
    let is_fit = |run: &Observed| run.violated.is_empty() && (run.late || !run.says_little());
    runs.iter().any(|run| run.late) && runs.iter().all(is_fit)
}

/// What a run of the candidate violated.
fn violated(run: &Observed) -> Option<String> {
    let ids = run.violated.join(", ");
    (!ids.is_empty()).then(|| format!("{} of the candidate violates {ids}", run.folder))
}

/// `A pass, B pass`.
fn verdicts(runs: &[Observed]) -> String {
    let runs = ["A", "B"].into_iter().zip(runs);
    let verdicts = runs.map(|(letter, run)| format!("{letter} {}", run.verdict.word()));
    verdicts.collect::<Vec<String>>().join(", ")
}

/// The command that lives a run by this very program.
pub(super) fn own_run() -> anyhow::Result<String> {
    let program = std::env::current_exe().context("failed to find this program's own file")?;
    // Between single quotes a shell reads nothing but the quote itself.
    Ok(format!("'{}' run", program.display().to_string().replace('\'', r"'\''")))
}

/// Lives one run by a command, which leaves it in `out`, and beside it what it said.
fn one(
    command: &str,
    scenario: &Path,
    out: &Path,
    args: &GateArgs,
    stop: &Stop,
) -> anyhow::Result<Result<Observed, String>> {
    std::fs::create_dir_all(out).with_context(|| format!("failed to make {}", out.display()))?;
    let log = out.with_extension("log");
    let status = command::run(command, &words(scenario, out, args), &log, stop)?;
    let run = if command::is_of_a_run(status) {
        left_in(out).and_then(|run| read::run(&run))
    } else {
        Err("that is no end of a run, whatever it left".to_owned())
    };
    Ok(run.map_err(|problem| {
        format!("`{command}` ended with {status}: {problem}\n{}", command::last_words(&log))
    }))
}

/// What `spike run` takes behind a command.
fn words(scenario: &Path, out: &Path, args: &GateArgs) -> Vec<String> {
    let shown = |path: &Path| path.display().to_string();
    let mut words = vec![shown(scenario), "--out".to_owned(), shown(out), "--quiet".to_owned()];
    let overrides = &args.overrides;
    for (flag, value) in [
        ("--seed", overrides.seed.map(|seed| seed.to_string())),
        ("--scale", overrides.scale.map(|scale| scale.to_string())),
    ] {
        words.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
    }
    words.extend(overrides.set.iter().flat_map(|set| ["--set".to_owned(), set.clone()]));
    words.extend(overrides.late.then(|| "--late".to_owned()));
    words
}

/// The one run that a command left.
fn left_in(out: &Path) -> Result<PathBuf, String> {
    let places = read::places(out).map_err(|problems| problems.join("; "))?;
    match &places[..] {
        [one] => Ok(one.clone()),
        [] => Err(format!("it left no run in {}", out.display())),
        many => Err(format!("it left {} runs in {}, and one is wanted", many.len(), out.display())),
    }
}
