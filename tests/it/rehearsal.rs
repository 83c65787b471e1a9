//! Lives a scenario for a test, in virtual time by the library or live by the program.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use spike::audit::Status;
use spike::command::folder::RunFolder;
use spike::scenario::file::{self, Loaded};
use spike::scenario::overrides::Overrides;
use spike::scenario::{Context, Scenario};
use spike::sim::{SimulatedRun, Visits};
use spike::verdict::{Judged, Summary, World};

/// A scenario's text with each `a.b=value` set, as `simulate` lives it.
#[track_caller]
pub(crate) fn scenario(text: &str, overrides: &Overrides) -> Scenario {
    let loaded = file::parse("scenario.toml", text, overrides, &Context::VIRTUAL);
    let loaded: Loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    loaded.at_scale(None, World::Simulated)
}

/// What is set in a scenario.
pub(crate) fn set(each: &[&str]) -> Overrides {
    Overrides { set: each.iter().map(|set| (*set).to_owned()).collect(), ..Overrides::default() }
}

/// Where a shipped scenario lies.
pub(crate) fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.toml"))
}

/// The text of a shipped scenario.
pub(crate) fn shipped_text(name: &str) -> String {
    std::fs::read_to_string(shipped(name)).unwrap()
}

/// Lives a scenario in virtual time, without judging it.
pub(crate) fn live_virtually(scenario: &Scenario, out: &Path) -> (RunFolder, SimulatedRun) {
    let run = RunFolder::create(out, &scenario.name, "run").unwrap();
    let mut on = |_: &_| ControlFlow::Continue(());
    let lived = spike::command::rehearse(scenario, &run, Visits::Forget, &mut on).unwrap();
    (run, lived)
}

/// Lives a scenario in virtual time and judges it.
pub(crate) fn simulate(scenario: &Scenario) -> (Judged, SimulatedRun) {
    let out = tempfile::tempdir().unwrap();
    let (run, lived) = live_virtually(scenario, out.path());
    let judged = spike::command::judge_folder(&run, scenario, World::Simulated).unwrap();
    (judged, lived)
}

/// The program, with nothing in its environment that would change what it does.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spike"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SPIKE_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Live runs go one at a time: two at once would make each other late.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Lets `doing` have the machine for a live run.
pub(crate) fn alone<T>(doing: impl FnOnce() -> T) -> T {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    doing()
}

/// Runs a scenario live by the program; its exit code is the judgement's.
#[track_caller]
pub(crate) fn run(path: &Path, set: &[&str]) -> Judged {
    alone(|| run_beside_others(path, set))
}

/// Likewise, where it does not matter that others make it late.
#[track_caller]
pub(crate) fn run_beside_others(path: &Path, set: &[&str]) -> Judged {
    let out = tempfile::tempdir().unwrap();
    let mut command = program();
    command.args(["run", "--json", "-q", "-o"]).arg(out.path()).arg(path);
    command.args(set.iter().flat_map(|set| ["--set", set]));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let summary: Summary = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error} on stdout; stderr: {said}"));
    let judged = summary.result;
    assert_eq!(output.status.code(), Some(i32::from(judged.exit_code)), "{said}");
    judged
}

/// The invariants that were violated.
pub(crate) fn violated(judged: &Judged) -> BTreeSet<&str> {
    let violated = judged.findings.iter().filter(|found| found.status == Status::Violated);
    violated.map(|found| found.id.as_str()).collect()
}

/// How many violations of that invariant there were.
pub(crate) fn count(judged: &Judged, id: &str) -> u64 {
    judged.findings.iter().find(|found| found.id == id).unwrap().count
}
