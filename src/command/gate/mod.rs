//! `spike gate`: a candidate against a baseline, from recorded runs or from runs that are lived in turns.

mod command;
mod read;
mod tell;
mod turns;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use super::folder;
use super::{print, say};
use crate::cli::GateArgs;
use crate::measure::change::Layout;
use crate::report::text;
use crate::verdict::gate::{
    Baseline, Better, Choice, Noise, Observed, Policy, Refusal, Undecided, Vary, fit,
    gate as compared,
};
use crate::verdict::{Verdict, reasoned_line};

/// What there is to compare.
struct Sides {
    baseline: Vec<Observed>,
    candidate: Vec<Observed>,
    layout: Layout,
    vary: Vary,
    /// How many runs of each were late, whose pairs were lived again.
    late: [u16; 2],
}

/// What became of finding something to compare.
enum Found {
    /// Both sides.
    Sides(Sides),
    /// Nothing, of which all was told; with the last word.
    Nothing(Verdict),
}

/// Compares, tells it, and says whether it may pass.
pub(super) fn gate(args: &GateArgs) -> anyhow::Result<Verdict> {
    // Whoever reads them later must not read what an earlier gate said.
    tell::clear(args)?;
    if let Some(scenario) = &args.aa {
        return noise(args, scenario);
    }
    let found = match (&args.scenario, &args.a, &args.b) {
        (Some(scenario), Some(a), Some(b)) => in_turns(args, scenario, [a, b])?,
        _ => recorded(args),
    };
    let sides = match found {
        Found::Sides(sides) => sides,
        Found::Nothing(verdict) => return Ok(verdict),
    };
    if let Some(path) = args.save.as_ref().filter(|_| args.baseline.is_empty()) {
        return first(path, &sides.candidate, args);
    }
    let policy = match policy(args, &sides) {
        Ok(policy) => policy,
        Err(problem) => return Ok(refuse(&[problem])),
    };
    let gated = match compared(&sides.baseline, &sides.candidate, sides.layout, &policy) {
        Ok(gated) => gated.proposed(&sides.baseline, &sides.candidate).lived_again(sides.late),
        Err(refusals) => return Ok(refuse(&told(&refusals))),
    };
    // What did not pass is no baseline for those to come.
    if let Some(path) = args.save.as_ref().filter(|_| gated.verdict == Verdict::Pass)
        && let Some(verdict) = keep(path, &sides.candidate, args)?
    {
        return Ok(verdict);
    }
    tell::tell(&gated, args)?;
    Ok(gated.verdict)
}

/// Keeps runs as a baseline where there is none yet to hold them against.
fn first(path: &Path, runs: &[Observed], args: &GateArgs) -> anyhow::Result<Verdict> {
    if let Some(verdict) = keep(path, runs, args)? {
        return Ok(verdict);
    }
    say(&reasoned_line(Verdict::Pass, &[]));
    Ok(Verdict::Pass)
}

/// What recorded runs there are.
fn recorded(args: &GateArgs) -> Found {
    let mut problems = Vec::new();
    let mut of = |paths: &[PathBuf]| {
        let mut runs = Vec::new();
        for path in paths {
            match read::runs(path) {
                Ok(found) => runs.extend(found),
                Err(found) => problems.extend(found),
            }
        }
        runs
    };
    let (baseline, candidate) = (of(&args.baseline), of(&args.candidate));
    if !problems.is_empty() {
        return Found::Nothing(refuse(&problems));
    }
    let vary = Vary::Keys(said(&args.vary).map(str::to_owned).collect());
    Found::Sides(Sides { baseline, candidate, layout: Layout::Apart, vary, late: [0; 2] })
}

/// What is said in a list: what is empty, as of a variable that nobody set, says nothing.
fn said(words: &[String]) -> impl Iterator<Item = &str> {
    words.iter().map(|word| word.trim()).filter(|word| !word.is_empty())
}

/// Lives both sides in turns.
fn in_turns(args: &GateArgs, scenario: &Path, commands: [&str; 2]) -> anyhow::Result<Found> {
    Ok(match turns::live(args, scenario, commands)? {
        turns::Lived::Pairs([baseline, candidate], late) => {
            let (layout, vary) = (Layout::Pairs, Vary::Any);
            Found::Sides(Sides { baseline, candidate, layout, vary, late })
        }
        turns::Lived::Invalid => Found::Nothing(Verdict::InvalidScenario),
        turns::Lived::Stopped => Found::Nothing(stopped()),
        turns::Lived::Failed(problems) => Found::Nothing(refuse(&problems)),
    })
}

/// Measures this machine's own noise and writes it down.
fn noise(args: &GateArgs, scenario: &Path) -> anyhow::Result<Verdict> {
    let own = turns::own_run()?;
    let command = args.a.as_deref().unwrap_or(&own);
    let sides = match in_turns(args, scenario, [command, command])? {
        Found::Sides(sides) => sides,
        Found::Nothing(verdict) => return Ok(verdict),
    };
    let Sides { baseline, candidate, layout, vary, .. } = sides;
    let policy = Policy { vary, ..Policy::default() };
    let gated = match compared(&baseline, &candidate, layout, &policy) {
        Ok(gated) => gated,
        Err(refusals) => return Ok(refuse(&told(&refusals))),
    };
    let is_lived = gated.level.is_some();
    let Some(noise) = Noise::of(&baseline, &candidate).filter(|_| is_lived && args.pairs > 1)
    else {
        return Ok(refuse(&[
            "two pairs of live runs or more are needed to measure noise\nhint: a simulated run \
            is the same each time, and has none"
                .to_owned(),
        ]));
    };
    let silent: Vec<String> = baseline
        .iter()
        .chain(&candidate)
        .filter(|run| run.says_little())
        .map(|run| format!("{} is {}: {}", run.folder, run.verdict.word(), run.reasons.join("; ")))
        .collect();
    if !silent.is_empty() {
        return Ok(refuse(&silent));
    }
    let path = args.noise.clone().unwrap_or_else(|| kept_noise(&noise.scenario));
    write(&path, &noise)?;
    if let Some(path) = &args.save {
        let pairs = baseline.into_iter().zip(candidate);
        let all: Vec<Observed> = pairs.flat_map(|(a, b)| [a, b]).collect();
        if let Some(verdict) = keep(path, &all, args)? {
            return Ok(verdict);
        }
    }
    if args.json {
        print(&(serde_json::to_string_pretty(&noise)? + "\n"))?;
    } else if !args.quiet {
        print(&text::noise(&noise, &gated, tell::WIDTH, tell::colour()))?;
    }
    if !args.quiet {
        say(&format!("\nnoise: {}", path.display()));
    }
    say(&reasoned_line(Verdict::Pass, &[]));
    Ok(Verdict::Pass)
}

/// What is asked for.
fn policy(args: &GateArgs, sides: &Sides) -> Result<Policy, String> {
    let figures = choices(args)?;
    let name = sides.baseline.first().map(|run| run.provenance.scenario.clone());
    let path = args
        .noise
        .clone()
        .or_else(|| name.map(|name| kept_noise(&name)).filter(|path| path.is_file()));
    let noise = path.as_deref().map(read::noise).transpose()?;
    let undecided = if args.strict { Undecided::CostsThePass } else { Undecided::Passes };
    let vary = sides.vary.clone();
    Ok(Policy { min_effect: args.min_effect, figures, noise, vary, undecided })
}

/// The figures that are named.
fn choices(args: &GateArgs) -> Result<Vec<Choice>, String> {
    said(&args.figure).map(choice).collect()
}

/// `checkout p99` or `edge mean=higher`.
fn choice(text: &str) -> Result<Choice, String> {
    let (name, better) = match text.rsplit_once('=') {
        None => (text, None),
        Some((name, "lower")) => (name, Some(Better::Lower)),
        Some((name, "higher")) => (name, Some(Better::Higher)),
        Some((_, word)) => {
            return Err(format!(
                "--figure {text}: `{word}` is no direction\nhint: write =lower or =higher, or neither"
            ));
        }
    };
    Ok(Choice { name: name.trim().to_owned(), better })
}

/// Where the noise of a scenario is kept if nobody says otherwise.
fn kept_noise(scenario: &str) -> PathBuf {
    Path::new("reports/baseline").join(scenario).join("noise.json")
}

/// Writes runs down as a baseline; the last word where they cannot be one.
fn keep(path: &Path, runs: &[Observed], args: &GateArgs) -> anyhow::Result<Option<Verdict>> {
    let figures = match choices(args) {
        Ok(figures) => figures,
        Err(problem) => return Ok(Some(refuse(&[problem]))),
    };
    let policy = Policy { figures: figures.clone(), ..Policy::default() };
    if let Err(refusals) = fit(runs, &policy) {
        return Ok(Some(refuse(&told(&refusals))));
    }
    let named: Vec<String> = figures.into_iter().map(|choice| choice.name).collect();
    write(path, &Baseline::of(runs, &named))?;
    Ok(None)
}

/// Writes a file for the repository, with the folders that it needs.
fn write(path: &Path, content: &impl Serialize) -> anyhow::Result<()> {
    let failed = || format!("failed to write {}", path.display());
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).with_context(failed)?;
    }
    let text = serde_json::to_string_pretty(content).context("failed to write JSON")?;
    folder::write_whole(path, (text + "\n").as_bytes())
}

fn told(refusals: &[Refusal]) -> Vec<String> {
    refusals.iter().map(ToString::to_string).collect()
}

/// Says all that is in the way, and the last word: what cannot be read or compared never passes.
fn refuse(problems: &[String]) -> Verdict {
    let problems: Vec<String> =
        problems.iter().map(|problem| problem.replace('\n', "\n  ")).collect();
    say(&format!("error: failed to compare:\n  {}", problems.join("\n  ")));
    say(&reasoned_line(Verdict::Inconclusive, &[]));
    Verdict::Inconclusive
}

fn stopped() -> Verdict {
    say(&reasoned_line(Verdict::Aborted, &["the gate was stopped by its user".to_owned()]));
    Verdict::Aborted
}
