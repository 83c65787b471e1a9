//! Lives a scenario for a test, in virtual time by the library or live by the program.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};

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

/// How much of the machine a live run takes while it lasts.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Half of it: a small crowd waits for most of its time. Two such runs at once may make each
    /// other late, so what one of them says against a claim is asked again alone.
    Half = 1,
    /// All of it: what is seen hangs on how fast things are.
    Whole = 2,
}

/// The halves of the machine that no live run has.
static FREE_HALVES: Mutex<u8> = Mutex::new(Room::Whole as u8);

/// One of the halves was given back.
static GIVEN_BACK: Condvar = Condvar::new();

/// What a live run took; it is given back when the run is over, however it ends.
struct Taken(Room);

impl Taken {
    /// Waits until there is that much room, and takes it.
    fn wait(room: Room) -> Self {
        let free = FREE_HALVES.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = GIVEN_BACK.wait_while(free, |free| *free < room as u8);
        *enough.unwrap_or_else(PoisonError::into_inner) -= room as u8;
        Self(room)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        *FREE_HALVES.lock().unwrap_or_else(PoisonError::into_inner) += self.0 as u8;
        GIVEN_BACK.notify_all();
    }
}

/// Lets `doing` have so much of the machine for a live run.
pub(crate) fn with<T>(room: Room, doing: impl FnOnce() -> T) -> T {
    let _taken = Taken::wait(room);
    doing()
}

/// Runs a scenario live by the program in so much of the machine; its exit code is the judgement's.
#[track_caller]
pub(crate) fn run_in(room: Room, path: &Path, set: &[&str]) -> Judged {
    with(room, || run_beside_others(path, set))
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
