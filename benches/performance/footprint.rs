//! Memory: of those who wait, of connections in use, and of ten times the requests.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use crate::cost;
use crate::figures::{Bound, Row, Unit};
use crate::peers;
use crate::processes::{Output, Process};
use crate::{Bench, pause, scenarios};

const CONNECTIONS: u32 = 10_000;
/// How long a run of ten seconds may take in all.
const PATIENCE: Duration = Duration::from_mins(1);
const MEGABYTE: f64 = 1e6;
const MEBIBYTE: f64 = 1_048_576.0;

fn row(what: &str, unit: Unit, must: f64, aim: Option<f64>) -> Row {
    Row::new(what, unit, Bound::AtMost(must), aim.map(Bound::AtMost))
}

pub(crate) fn waiting_rows() -> Vec<Row> {
    vec![
        row("one million waiting fans: memory", Unit::Megabytes, 100.0, Some(64.0)),
        row("one million waiting fans: woken late, p99", Unit::Milliseconds, 2.0, None),
    ]
}

/// What `benches/waiting.rs` measures: the memory of the whole program with a million fans who
/// wait, and how late they wake at 250,000 a second.
pub(crate) fn waiting(bench: &Bench, rows: &mut [Row]) -> anyhow::Result<String> {
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let arguments = ["bench", "--quiet", "--profile", &bench.profile, "--bench", "waiting"];
    let mut process = Process::start("0-1", &cargo, arguments, Output::Piped)?;
    let mut text = String::new();
    process.output().read_to_string(&mut text)?;
    let figure = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    let told = (figure("waiting_1_000_000_fans_peak"), figure("waking_250_000_per_s_late_p99"));
    let (Some(mebibytes), Some(late)) = told else {
        anyhow::bail!("the benchmark `waiting` printed no such figures: {text:?}");
    };
    rows[0].rounds.push(mebibytes * MEBIBYTE / MEGABYTE);
    rows[1].rounds.push(late);
    Ok(String::new())
}

pub(crate) fn active_rows() -> Vec<Row> {
    let what = "ten thousand active connections, HTTP/1.1: memory";
    vec![row(what, Unit::Megabytes, 40.0, Some(20.0))]
}

/// Ten thousand fans, each with a connection of its own, in a closed loop.
pub(crate) fn active(bench: &Bench, rows: &mut [Row]) -> anyhow::Result<String> {
    let scenario = scenarios::closed(CONNECTIONS, "2s");
    let port = bench.nginx.waiting_port;
    for _ in 0..bench.rounds.min(3) {
        let process = peers::spike(bench, &bench.client_core, &scenario, port)?;
        rows[0].rounds.push(held(bench, &process)? / MEGABYTE);
    }
    let url = format!("http://127.0.0.1:{port}/sales/0/page/0");
    rows[0].note = match peers::wrk(&bench.client_core, &url, CONNECTIONS) {
        Ok(process) => format!("wrk {:.1} MB", held(bench, &process)? / MEGABYTE),
        Err(error) => format!("{error:#}"),
    };
    Ok(String::new())
}

/// The memory of a client in the midst of its load, once all its connections stand \[bytes\].
fn held(bench: &Bench, process: &Process) -> anyhow::Result<f64> {
    cost::settle(&|| bench.nginx.requests())?;
    let began = bench.clock.now();
    while bench.nginx.connections()? < u64::from(CONNECTIONS) {
        let passed = bench.clock.now().since(began);
        anyhow::ensure!(passed < PATIENCE, "{CONNECTIONS} connections never stood at once");
        pause(Duration::from_millis(100));
    }
    cost::window(bench, process, &|| bench.nginx.requests())?;
    Ok(process.memory() as f64)
}

pub(crate) fn growth_rows() -> Vec<Row> {
    vec![row("peak memory at 10x the requests", Unit::Times, 1.05, None)]
}

/// The same fans for the same time, who look again ten times as often.
pub(crate) fn growth(bench: &Bench, rows: &mut [Row]) -> anyhow::Result<String> {
    for _ in 0..bench.rounds {
        let (fewer, few) = peak(bench, "200ms")?;
        let (more, many) = peak(bench, "20ms")?;
        anyhow::ensure!(many > 9.0 * few, "{many} requests are not ten times {few}");
        rows[0].rounds.push(more / fewer);
        let (fewer, more) = (fewer / MEGABYTE, more / MEGABYTE);
        rows[0].note = format!("{few:.0} requests {fewer:.1} MB, {many:.0} {more:.1} MB");
    }
    Ok(String::new())
}

/// The most memory that a run held \[bytes\], and its requests.
fn peak(bench: &Bench, gap: &str) -> anyhow::Result<(f64, f64)> {
    let port = bench.nginx.waiting_port;
    let mut process = peers::spike(bench, "0-1", &scenarios::steady(gap), port)?;
    let (mut most, began) = (0, bench.clock.now());
    while process.ended()?.is_none() {
        most = process.peak_memory().max(most);
        anyhow::ensure!(bench.clock.now().since(began) < PATIENCE, "spike did not end");
        pause(Duration::from_millis(2));
    }
    let summary = peers::summary(bench)?;
    Ok((most as f64, peers::number(&summary, "/result/operations/reload/count")?))
}
