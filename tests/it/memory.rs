//! Peak memory does not grow with the number of requests.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use spike::verdict::Summary;

use crate::rehearsal::{alone, program};

/// Fans who reload once per second for six seconds, and a few who buy.
const SALE: &str = r#"
schema = 1
name = "reloads"
seed = 3

[[sale]]
id = "day-1"
opens = "+6s"
lasts = "1s"
items = [{ id = "tee", stock = 50, price = 4_500 }]

[[fans]]
name = "fans"
count = 400
arrive = { shape = "constant", from = "-6s", over = "1s" }
reload = { gap = "1s", growth = 0.0, calls = 2, cacheable = 1 }
patience = "1s"
abandon = 0.5
sold_out = { leave = 1.0, every = "1s" }

[shop]
storage = "memory"
reservation = { ttl = "1s", sweep = "500ms" }

[provider]
profile = "stripe-2024"
latency = { authorize = "50ms", capture = "50ms" }

[audit]
drain = "1s"
"#;

/// What a run came to.
#[derive(Debug)]
struct Came {
    /// Requests at the edge.
    requests: u64,
    /// The most memory that the process held \[KiB\].
    peak_kib: u64,
}

/// Runs the program to its end, and watches how much memory its own process holds.
fn watch(folder: &Path, command: &str, changes: &[&str]) -> Came {
    let scenario = folder.join("reloads.toml");
    std::fs::write(&scenario, SALE).unwrap();
    let told = std::fs::File::create(folder.join("told.json")).unwrap();
    let mut started = program();
    started.arg(command).args(["--json", "-q", "-o"]).arg(folder).arg(&scenario);
    started.args(changes.iter().flat_map(|set| ["--set", set]));
    let mut child = started.stdout(told).stderr(Stdio::null()).spawn().unwrap();
    let mut peak_kib = 0;
    while child.try_wait().unwrap().is_none() {
        peak_kib = peak_so_far_kib(child.id()).unwrap_or(0).max(peak_kib);
        // The kernel keeps the peak; it is only to be read before the process has gone.
        std::thread::park_timeout(Duration::from_millis(2));
    }
    let text = std::fs::read_to_string(folder.join("told.json")).unwrap();
    let summary: Summary = serde_json::from_str(&text).unwrap();
    Came { requests: summary.result.measured.rates["edge"].count, peak_kib }
}

/// What the kernel noted as the peak of that process; none when it has ended.
fn peak_so_far_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// The peak of one and the same run varies by some percent; what grows with the requests grows in
/// each try.
const TRIES: usize = 3;

/// A run changed by `fewer`, and one changed by `more` that makes ten times the requests.
fn hold_to_five_percent(command: &str, fewer: &[&str], more: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let mut tries = Vec::new();
    for _ in 0..TRIES {
        let few = watch(folder.path(), command, fewer);
        let many = watch(folder.path(), command, more);
        assert!(many.requests > 9 * few.requests, "{few:?}, {many:?}");
        assert!(few.peak_kib > 1_000, "{few:?}");
        if many.peak_kib * 100 <= few.peak_kib * 105 {
            return;
        }
        tries.push((few, many));
    }
    panic!("peak memory grows with the requests: {tries:?}");
}

#[test]
fn ten_times_the_requests_cost_a_live_run_no_more_memory() {
    let (few, many) = (["fans.0.reload.calls=2"], ["fans.0.reload.calls=20"]);
    alone(|| hold_to_five_percent("run", &few, &many));
}

#[test]
fn ten_times_the_requests_cost_a_simulated_run_no_more_memory() {
    let few = ["fans.0.count=2000", "fans.0.reload.calls=2"];
    let many = ["fans.0.count=2000", "fans.0.reload.calls=20"];
    hold_to_five_percent("simulate", &few, &many);
}

#[test]
fn a_run_of_ten_times_the_length_costs_no_more_memory() {
    let few = ["fans.0.count=2000"];
    let many = ["fans.0.count=2000", "sale.0.opens=66s", "fans.0.arrive.from=-66s"];
    hold_to_five_percent("simulate", &few, &many);
}
