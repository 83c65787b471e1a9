//! How every run begins: the scenario is read, its problems are told, its folder is made.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::folder::{self, RunFolder};
use super::machine::machine;
use super::say;
use crate::cli::OverrideArgs;
use crate::scenario::file::{self, Loaded};
use crate::scenario::overrides::Overrides;
use crate::scenario::problem::{Colour, Problems};
use crate::scenario::{Context, Late, Scenario};
use crate::verdict::{Provenance, Verdict, World, bare_line};

/// What is written down when a run begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) world: World,
    pub(super) provenance: Provenance,
}

/// Reads all scenarios; when one of them has problems all problems are told, and there is nothing.
pub(super) fn load_all(
    paths: &[PathBuf],
    args: &OverrideArgs,
    now_utc_ns: Option<u64>,
) -> Option<Vec<Loaded>> {
    let loaded: Vec<_> = paths.iter().map(|path| read(path, args, now_utc_ns)).collect();
    or_refuse(loaded.into_iter().collect())
}

/// Reads a scenario; when it has problems they are told, and there is nothing.
pub(super) fn load(path: &Path, args: &OverrideArgs, now_utc_ns: Option<u64>) -> Option<Loaded> {
    or_refuse(read(path, args, now_utc_ns))
}

/// Says the last word where there is nothing to run.
pub(super) fn or_refuse<T>(loaded: Option<T>) -> Option<T> {
    if loaded.is_none() {
        say(&bare_line(Verdict::InvalidScenario));
    }
    loaded
}

/// Reads all scenarios for virtual time, in which no shop of one's own can be lived.
pub(super) fn load_all_virtual(paths: &[PathBuf], args: &OverrideArgs) -> Option<Vec<Loaded>> {
    let loaded = load_all(paths, args, None)?;
    none_misplaced(paths, loaded, Loaded::only_live)
}

/// Reads all scenarios for a live run, in which no plain queue can be lived.
pub(super) fn load_all_live(
    paths: &[PathBuf],
    args: &OverrideArgs,
    now_utc_ns: u64,
) -> Option<Vec<Loaded>> {
    let loaded = load_all(paths, args, Some(now_utc_ns))?;
    none_misplaced(paths, loaded, Loaded::only_simulated)
}

/// The same scenarios, if none of them belongs into the other world; each that does is told.
fn none_misplaced(
    paths: &[PathBuf],
    loaded: Vec<Loaded>,
    misplaced: impl Fn(&Loaded, &str) -> Option<Problems>,
) -> Option<Vec<Loaded>> {
    let found = paths.iter().zip(&loaded);
    let found = found.filter_map(|(path, loaded)| misplaced(loaded, &path.display().to_string()));
    let found: Vec<Problems> = found.collect();
    found.iter().for_each(tell);
    or_refuse(found.is_empty().then_some(loaded))
}

/// Tells all problems on stderr.
pub(super) fn tell(problems: &Problems) {
    let stderr = std::io::stderr();
    let colour = Colour::of(&stderr, std::env::var_os("NO_COLOR").as_deref());
    // Nobody is left to tell when standard error is gone.
    drop(write!(stderr.lock(), "{}", problems.render(colour)));
}

fn read(path: &Path, args: &OverrideArgs, now_utc_ns: Option<u64>) -> Option<Loaded> {
    let overrides = Overrides { set: args.set.clone(), seed: args.seed, scale: args.scale };
    let late = if args.late { Late::Allowed } else { Late::Refused };
    match file::load(path, &overrides, &Context { now_utc_ns, late }) {
        Ok(loaded) => Some(loaded),
        Err(problems) => {
            tell(&problems);
            None
        }
    }
}

/// Makes the run's folder and writes down what it begins with.
pub(super) fn begin(
    out: &Path,
    loaded: &Loaded,
    scenario: &Scenario,
    world: World,
    now_utc_ns: u64,
) -> anyhow::Result<(RunFolder, Begun)> {
    let started = instant(now_utc_ns)?;
    let run = RunFolder::create(out, &scenario.name, &stamp(started))?;
    run.write(folder::SCENARIO, loaded.text_as_run(world).as_bytes())?;
    let begun = Begun {
        world,
        provenance: Provenance {
            spike: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("SPIKE_COMMIT").map(str::to_owned),
            scenario: scenario.name.clone(),
            title: scenario.title.clone(),
            seed: scenario.seed,
            scale: scenario.scale,
            started_at: started.to_string(),
            took_s: 0.0,
            machine: machine(),
            command: shown(std::env::args()),
            calibrated: None,
        },
    };
    run.write_json(folder::PROVENANCE, &begun)?;
    Ok((run, begun))
}

/// The name of a folder that was begun then.
pub(super) fn stamp(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H-%M-%SZ").to_string()
}

/// A command line without the password of its proxy.
fn shown(words: impl Iterator<Item = String>) -> String {
    let mut is_proxy = false;
    let words = words.map(|word| {
        let (option, value) = match word.split_once('=') {
            Some(("--proxy", value)) => ("--proxy=", value),
            _ if is_proxy => ("", word.as_str()),
            _ => {
                is_proxy = word == "--proxy";
                return word;
            }
        };
        is_proxy = false;
        let shown = value
            .rsplit_once('@')
            .map_or_else(|| value.to_owned(), |(_, host)| format!("…@{host}"));
        format!("{option}{shown}")
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A moment of the calendar.
pub(super) fn instant(utc_ns: u64) -> anyhow::Result<jiff::Timestamp> {
    jiff::Timestamp::from_nanosecond(i128::from(utc_ns))
        .context("failed to read the clock: it stands outside of what a calendar holds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_password_is_not_written_down() {
        let words =
            "spike run --proxy http://me:hush@p:1 a@b.toml --proxy=me:hu@sh@p:2 --proxy p:3";
        let told = shown(words.split(' ').map(str::to_owned));
        assert_eq!(told, "spike run --proxy …@p:1 a@b.toml --proxy=…@p:2 --proxy p:3");
    }
}
