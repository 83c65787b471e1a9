//! Peak memory does not grow with the number of requests, and is small with a million fans who wait
//! and with thousands of connections.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use domain::outcome::Operation;
use spike::measure::timeline::Timeline;
use spike::verdict::Summary;

use crate::rehearsal::{Room, program, with};

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
        // The peak so far.
        peak_kib = noted_kib(child.id(), "VmHWM:").unwrap_or(0).max(peak_kib);
        // The kernel keeps the peak; it is only to be read before the process has gone.
        std::thread::park_timeout(Duration::from_millis(2));
    }
    let text = std::fs::read_to_string(folder.join("told.json")).unwrap();
    let summary: Summary = serde_json::from_str(&text).unwrap();
    Came { requests: summary.result.measured.rates["edge"].count.unwrap(), peak_kib }
}

/// What the kernel noted of the memory of that process \[KiB\]; none when it has ended.
fn noted_kib(process: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
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
    with(Room::Whole, || hold_to_five_percent("run", &few, &many));
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

/// A crowd that comes within seconds to wait for an opening that is far away.
const WAITING: &str = r#"
schema = 1
name = "waiting"
seed = 3

[live]
connections = { pool = 8 }

[[sale]]
id = "day-1"
opens = "+900s"
lasts = "1s"
items = [{ id = "tee", stock = 50, price = 4_500 }]

[[fans]]
name = "fans"
count = 1_000_000
arrive = { shape = "poisson", from = "-899s", over = "1s" }
reload = { gap = "4s", growth = 0.0, calls = 0, cacheable = 0 }
patience = "1s"

[shop]
storage = "memory"

[provider]
profile = "stripe-2024"
"#;

/// The most that a live run holds of its own, beside the program's text, until so many fans have
/// arrived and so many reloads are answered \[MB\].
fn own_memory_mb(changes: &[&str], fans: u64, reloads: u64) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("waiting.toml");
    std::fs::write(&scenario, WAITING).unwrap();
    let mut started = program();
    started.args(["run", "-q", "--no-tui", "-o"]).arg(folder.path()).arg(&scenario);
    started.args(changes.iter().flat_map(|set| ["--set", set]));
    let mut child = started.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let timeline = folder.path().join("waiting/latest/timeline.jsonl");
    let is_there = || {
        let file = std::fs::File::open(&timeline).ok()?;
        let total = Timeline::read(std::io::BufReader::new(file)).ok()?.total();
        let answered = total.outcomes.get(&Operation::Reload);
        let answered: u64 = answered.map_or(0, |outcomes| outcomes.values().sum());
        Some(total.arrived >= fans && answered >= reloads)
    };
    let mut most_kib = 0;
    while !is_there().unwrap_or(false) {
        assert!(child.try_wait().unwrap().is_none(), "the run is over before all are there");
        most_kib = noted_kib(child.id(), "RssAnon:").unwrap_or(0).max(most_kib);
        std::thread::park_timeout(Duration::from_millis(20));
    }
    most_kib = noted_kib(child.id(), "RssAnon:").unwrap().max(most_kib);
    child.kill().unwrap();
    child.wait().unwrap();
    most_kib as f64 / 1_024.0
}

#[test]
fn a_million_fans_wait_in_seventy_megabytes() {
    let own_mb = with(Room::Whole, || own_memory_mb(&[], 1_000_000, 0));
    assert!((50.0..=70.0).contains(&own_mb), "{own_mb} MB");
}

#[test]
fn five_thousand_connections_in_use_take_ten_megabytes() {
    let changes = ["fans.0.count=5000", "fans.0.reload.calls=1", "live.connections=per-fan"];
    let own_mb = with(Room::Whole, || own_memory_mb(&changes, 5_000, 10_000));
    assert!((1.0..=10.0).contains(&own_mb), "{own_mb} MB");
}
