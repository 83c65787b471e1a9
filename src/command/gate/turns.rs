//! Runs of two commands in turns, A B A B: what the machine does meanwhile is done to both.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;

use super::read;
use crate::cli::GateArgs;
use crate::command::begin::{instant, load, stamp};
use crate::command::folder::RunFolder;
use crate::command::run::stop_on_signals;
use crate::command::say;
use crate::live::clock::Clock;
use crate::verdict::gate::Observed;
use crate::verdict::{Verdict, World};

/// So much of what a command said is told where it left no run.
const SAID_LINES: usize = 5;
/// Variables that would make a run say less, say it elsewhere, or not live at all.
const LEFT_OUT: [&str; 6] = [
    "SPIKE_DRY_RUN",
    "SPIKE_JSON",
    "SPIKE_JUNIT",
    "SPIKE_OUT",
    "SPIKE_PRINT_CONFIG",
    "SPIKE_REPLICATIONS",
];

/// What became of living in turns.
pub(super) enum Lived {
    /// Both sides, as many runs of each, and how many pairs were lived again.
    Pairs([Vec<Observed>; 2], u16),
    /// The scenario has problems, which were told.
    Invalid,
    /// Its user wanted no more.
    Stopped,
    /// A command left no run: why.
    Failed(String),
}

/// Lives a scenario by two commands in turns. A pair of which a run is inconclusive, commonly because the machine was
/// busy with something else, is lived again as a whole: up to half as many pairs besides. Simulated runs of one
/// seed are the same each time, so that of them one pair says it all.
pub(super) fn live(args: &GateArgs, scenario: &Path, commands: [&str; 2]) -> anyhow::Result<Lived> {
    let now = Clock::begin_in(Duration::ZERO).began_utc_ns();
    let Some(loaded) = load(scenario, &args.overrides, Some(now)) else {
        return Ok(Lived::Invalid);
    };
    let name = loaded.at_scale(None, World::Live).name;
    let folder = RunFolder::create(&args.out, &name, &stamp(instant(now)?))?;
    let stop = stop_on_signals()?;
    let mut sides = [Vec::new(), Vec::new()];
    let (mut attempt, mut again) = (0, 0);
    while sides[0].len() < usize::from(args.pairs) {
        attempt += 1;
        let mut runs = Vec::with_capacity(2);
        for (letter, command) in ["a", "b"].into_iter().zip(commands) {
            let out = folder.path().join(letter).join(format!("{attempt:03}"));
            let lived = one(command, scenario, &out, args)?;
            if stop.presses() > 0 {
                return Ok(Lived::Stopped);
            }
            match lived {
                Ok(run) => runs.push(run),
                Err(problem) => {
                    let which = letter.to_uppercase();
                    return Ok(Lived::Failed(format!("{which}, pair {attempt}: {problem}")));
                }
            }
        }
        let is_again = again < args.pairs / 2 && runs.iter().any(is_inconclusive);
        if !args.quiet {
            let more = if is_again { "; it is lived again" } else { "" };
            let pair = sides[0].len() + 1;
            say(&format!("pair {pair} of {}: {}{more}", args.pairs, verdicts(&runs)));
        }
        if is_again {
            again += 1;
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
    Ok(Lived::Pairs(sides, again))
}

/// A simulated run would be the same again.
fn is_inconclusive(run: &Observed) -> bool {
    run.verdict == Verdict::Inconclusive && run.world == World::Live
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

/// Lives one run by a command, which leaves it in `out`.
fn one(
    command: &str,
    scenario: &Path,
    out: &Path,
    args: &GateArgs,
) -> anyhow::Result<Result<Observed, String>> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{command} \"$@\"")).arg("spike gate");
    shell.arg(scenario).arg("--out").arg(out).arg("--quiet");
    let overrides = &args.overrides;
    for (flag, value) in [
        ("--seed", overrides.seed.map(|seed| seed.to_string())),
        ("--scale", overrides.scale.map(|scale| scale.to_string())),
    ] {
        shell.args(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
    }
    shell.args(overrides.set.iter().flat_map(|set| ["--set", set.as_str()]));
    shell.args(overrides.late.then_some("--late"));
    for name in LEFT_OUT {
        shell.env_remove(name);
    }
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let said = shell.output().context("failed to start a shell for a command")?;
    Ok(left_in(out).and_then(|run| read::run(&run)).map_err(|problem| {
        let words = String::from_utf8_lossy(&said.stderr);
        let lines: Vec<&str> = words.lines().collect();
        let last = lines[lines.len().saturating_sub(SAID_LINES)..].join("\n");
        format!("`{command}` ended with {}: {problem}\n{last}", said.status)
    }))
}

/// The one run that a command left.
fn left_in(out: &Path) -> Result<PathBuf, String> {
    let places = read::places(out);
    match &places[..] {
        [one] => Ok(one.clone()),
        [] => Err(format!("it left no run in {}", out.display())),
        many => Err(format!("it left {} runs in {}, and one is wanted", many.len(), out.display())),
    }
}
