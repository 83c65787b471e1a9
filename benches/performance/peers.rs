//! The programs that are measured, and how each is called.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use crate::processes::{Output, Process};
use crate::server::get;
use crate::{Bench, pause};

/// Connections of every loop.
pub(crate) const CONNECTIONS: u32 = 50;
/// Longer than any measurement: who is measured is ended from outside.
const LONG_S: u32 = 300;

/// wrk: a closed loop.
///
/// # Errors
/// When it is not installed.
pub(crate) fn wrk(core: &str, url: &str, connections: u32) -> anyhow::Result<Process> {
    let arguments = ["-t1", &format!("-c{connections}"), &format!("-d{LONG_S}s"), url];
    Process::start(core, &find("wrk")?, arguments, Output::Dropped)
}

/// oha: a closed loop.
///
/// # Errors
/// When it is not installed.
pub(crate) fn oha(core: &str, url: &str) -> anyhow::Result<Process> {
    let (length, connections) = (format!("{LONG_S}s"), CONNECTIONS.to_string());
    let arguments = ["--no-tui", "-z", &length, "-c", &connections, url];
    Process::start(core, &find("oha")?, arguments, Output::Dropped)
}

/// h2load over HTTP/1.1: an open loop of `rate` requests per second in all.
///
/// # Errors
/// When it is not installed.
pub(crate) fn h2load(core: &str, url: &str, rate: u32) -> anyhow::Result<Process> {
    let each = format!("--rps={}", rate / CONNECTIONS);
    let (length, connections) = (LONG_S.to_string(), format!("-c{CONNECTIONS}"));
    let arguments = ["--h1", &connections, "-t1", "-D", &length, &each, url];
    Process::start(core, &find("h2load")?, arguments, Output::Dropped)
}

/// spike, living `scenario` against whoever listens at `port`. Its report goes to
/// [`summary`]'s folder.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn spike(
    bench: &Bench,
    core: &str,
    scenario: &str,
    port: u16,
) -> anyhow::Result<Process> {
    let file = bench.folder.join("scenario.toml");
    fs::write(&file, scenario)?;
    let url = format!("http://127.0.0.1:{port}");
    let arguments = [
        "run".into(),
        "-q".into(),
        "--no-tui".into(),
        "--target".into(),
        url.into(),
        "--out".into(),
        bench.folder.join("reports").into_os_string(),
        file.into_os_string(),
    ];
    Process::start(core, &bench.spike, arguments, Output::Dropped)
}

/// What the latest run of spike's measured.
///
/// # Errors
/// When it left no summary.
pub(crate) fn summary(bench: &Bench) -> anyhow::Result<Value> {
    let file = bench.folder.join("reports/latest/summary.json");
    let text = fs::read_to_string(&file).context("failed to read what spike measured")?;
    Ok(serde_json::from_str(&text)?)
}

/// A number of a summary, by its place, such as `/result/health/cpu`.
///
/// # Errors
/// When it is not there.
pub(crate) fn number(summary: &Value, place: &str) -> anyhow::Result<f64> {
    let found = summary.pointer(place).and_then(Value::as_f64);
    found.with_context(|| format!("failed to find {place} in spike's summary"))
}

/// Where a program lies.
///
/// # Errors
/// When it is not on the path.
pub(crate) fn find(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name));
    found
        .into_iter()
        .find(|file| file.is_file())
        .with_context(|| format!("{name} is not installed\nhint: tools/performance installs it"))
}

/// The version that a program tells, in one line.
pub(crate) fn version(name: &str, flag: &str) -> String {
    let told = |program: &Path| {
        let output = std::process::Command::new(program).arg(flag).output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines().next().map(str::to_owned)
    };
    let found = find(name).ok().and_then(|program| told(&program));
    found.unwrap_or_else(|| format!("{name}: not installed"))
}

/// Requests that the reference shop's edge has answered so far.
///
/// # Errors
/// When the shop does not answer.
pub(crate) fn edge_requests(port: u16) -> anyhow::Result<u64> {
    let answer = get(port, "/admin/snapshot")?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let (from, to) = (body.find('{').unwrap_or(0), body.rfind('}').map_or(0, |end| end + 1));
    let snapshot: Value = serde_json::from_str(body.get(from..to).unwrap_or_default())?;
    snapshot["edge"].as_u64().context("failed to find the edge's count in the shop's snapshot")
}

/// Waits until a server that was just started answers.
///
/// # Errors
/// When it does not come up.
pub(crate) fn await_answer(counted: &dyn Fn() -> anyhow::Result<u64>) -> anyhow::Result<()> {
    for _ in 0..500 {
        if counted().is_ok() {
            return Ok(());
        }
        pause(Duration::from_millis(20));
    }
    counted().map(|_| ())
}

/// What a run of spike's measured, once it has ended by itself.
///
/// # Errors
/// When it takes longer than `patience`, or leaves no summary.
pub(crate) fn to_the_end(
    bench: &Bench,
    mut process: Process,
    patience: Duration,
) -> anyhow::Result<Value> {
    let began = bench.clock.now();
    while process.ended()?.is_none() {
        let passed = bench.clock.now().since(began);
        anyhow::ensure!(passed < patience, "spike did not end within {patience:?}");
        pause(Duration::from_millis(20));
    }
    summary(bench)
}
