//! The whole dome on this machine, with shop, edge and provider.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::Bench;
use crate::figures::{Bound, Row, Unit};
use crate::peers;
use crate::processes::{Output, Process};

/// How many seconds in a row must keep the rate.
const SECONDS: usize = 10;
/// The run itself is about 90 s, the reading of its evidence some more.
const PATIENCE: Duration = Duration::from_mins(5);

pub(crate) fn rows() -> Vec<Row> {
    let what = "dome at scale 1 on 2 cores, everything in it: requests over 10 s";
    let [must, aim] = [40_000.0, 50_000.0].map(Bound::AtLeast);
    vec![Row::new(what, Unit::PerSecond, must, Some(aim))]
}

/// One run, as a user starts it; a rate without the verdict `pass` does not count.
pub(crate) fn dome(bench: &Bench, rows: &mut [Row]) -> anyhow::Result<String> {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/dome.toml");
    let out = bench.folder.join("reports");
    let arguments = [
        "run".as_ref(),
        scenario.as_os_str(),
        "--scale=1".as_ref(),
        "-q".as_ref(),
        "--no-tui".as_ref(),
        "--out".as_ref(),
        out.as_os_str(),
    ];
    let process = Process::start("0-1", &bench.spike, arguments, Output::Dropped)?;
    let summary = peers::to_the_end(bench, process, PATIENCE)?;
    let result = &summary["result"];
    rows[0].rounds.push(best_rate(result));
    let lateness = peers::number(&summary, "/result/health/lateness_ms/p99")?;
    let verdict = result["verdict"].as_str().unwrap_or("none");
    rows[0].note = format!("verdict {verdict}, lateness p99 {lateness:.2} ms");
    if verdict != "pass" {
        let reasons = result["reasons"].as_array().into_iter().flatten();
        let reasons: Vec<&str> = reasons.filter_map(Value::as_str).take(3).collect();
        rows[0].spoilt = Some(reasons.join(" "));
    }
    Ok(String::new())
}

/// The best mean of ten seconds in a row, counted by the edge \[requests/s\].
fn best_rate(result: &Value) -> f64 {
    let seconds = result["timeline"].as_array().map_or(&[][..], Vec::as_slice);
    let edge: Vec<f64> = seconds.iter().filter_map(|second| second["edge"].as_f64()).collect();
    let means = edge.windows(SECONDS).map(|window| window.iter().sum::<f64>() / SECONDS as f64);
    means.fold(0.0, f64::max)
}
