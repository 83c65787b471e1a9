//! A simulated run hangs on its scenario and its seed alone: the same bytes, whatever the process.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use spike::command::folder;

/// Everything that could come in another order: two sales and populations, scarce stock, declines,
/// hangs, challenges, limits, admission, retries, stations with queues.
const STORM: &str = r#"
schema = 1
name = "storm"
seed = 5

[[sale]]
id = "day-1"
opens = "+10s"
lasts = "30s"
limit_per_fan = 4
items = [
    { id = "tee", stock = 90, price = 4_500, demand = 0.6 },
    { id = "towel", stock = 50, price = 2_500, demand = 0.3 },
    { id = "hoodie", stock = 20, price = 9_800, demand = 0.1 },
]
slots = [{ id = "noon", capacity = 60 }, { id = "one", capacity = 60 }]

[[sale]]
id = "day-2"
opens = "+15s"
lasts = "30s"
items = [{ id = "poster", stock = 40, price = 3_000 }]

[[fans]]
name = "fans"
sale = "day-1"
count = 900
arrive = { shape = "logistic", midpoint = "-4s", spread = "1s" }
reload = { gap = { median = "2s", sigma = 0.8 }, calls = 4, cacheable = 3 }
think = { median = "1s", sigma = 0.6 }
abandon = 0.2
pieces = [0.5, 0.3, 0.1, 0.1]
timeout = "4s"

[[fans]]
name = "others"
sale = "day-2"
count = 300
arrive = { shape = "poisson", from = "-2s", over = "10s" }
reload = { calls = 0 }

[shop]
storage = "memory"
inventory = "unit-rows"
admission = { orders_per_second = 12 }
reservation = { ttl = "8s", sweep = "1s" }

[provider]
profile = "shared-30"
declines = 0.1
faults = { commit_then_timeout = 0.02, rollback_after_5xx = 0.01, slow_body = 0.01, slow_body_takes = "1s" }
challenges = { share = 0.2, takes = { median = "5s", sigma = 0.5 }, failed = 0.1, abandoned = 0.1 }

[stack]
network = { median = "20ms", sigma = 0.3 }

[stack.application]
servers = 30
queue = 400
service = { median = "30ms", sigma = 0.5 }

[stack.database]
servers = 4
service = { median = "3ms", sigma = 0.5 }

[objectives]
"reload p(90)" = "< 300ms"
"#;

/// What a run hangs on; a run's provenance (when, where, how fast) is no part of it.
const EVIDENCE: [&str; 8] = [
    folder::SCENARIO,
    folder::LATENCY,
    folder::TIMELINE,
    folder::PURCHASES,
    folder::SNAPSHOTS,
    folder::LEDGER_SHOP,
    folder::LEDGER_PROVIDER,
    folder::ENDING,
];

/// What a run left behind: the `result` it printed, and its files by name.
#[derive(PartialEq)]
struct Left {
    result: String,
    files: BTreeMap<&'static str, Vec<u8>>,
}

/// `spike simulate --json` of the storm in a process and a folder of its own.
fn simulate(seed: &str) -> Left {
    let out = tempfile::tempdir().unwrap();
    let scenario = out.path().join("storm.toml");
    fs::write(&scenario, STORM).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_spike"))
        .args(["simulate", "--json", "--quiet", "--seed", seed, "--out"])
        .arg(out.path())
        .arg(&scenario)
        .output()
        .unwrap();
    let code = output.status.code().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!([0, 99, 111].contains(&code), "the run was judged: {code} {said}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let run = out.path().join("storm/latest");
    let written = fs::read_to_string(run.join(folder::SUMMARY)).unwrap();
    assert_eq!(result(&printed), result(&written), "what is printed is what is written");
    let files = EVIDENCE.map(|name| (name, read(&run, name)));
    Left { result: result(&printed), files: files.into_iter().collect() }
}

fn read(run: &Path, name: &str) -> Vec<u8> {
    let bytes = fs::read(run.join(name)).unwrap();
    assert!(!bytes.is_empty(), "{name} holds something");
    bytes
}

/// The bytes of a summary's `result`: everything before its `provenance`, which comes last.
fn result(summary: &str) -> String {
    let whole: Value = serde_json::from_str(summary).unwrap();
    assert!(whole["result"]["verdict"].is_string() && whole["provenance"].is_object());
    let (result, provenance) = summary.rsplit_once("\n  \"provenance\": {").unwrap();
    assert!(!provenance.contains("\"verdict\""));
    result.to_owned()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let (first, second) = (simulate("5"), simulate("5"));
    for (name, bytes) in &first.files {
        assert!(*bytes == second.files[name], "{name} differs");
    }
    assert_eq!(first.result, second.result);
}

#[test]
fn another_seed_is_another_run() {
    let (first, second) = (simulate("5"), simulate("6"));
    assert_ne!(first.result, second.result);
    for name in EVIDENCE {
        let same = first.files[name] == second.files[name];
        assert!(!same || name == folder::ENDING, "{name} does not hang on the seed");
    }
}
