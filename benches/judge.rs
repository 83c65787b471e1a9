//! What the judge takes: the memory of `spike verify` over runs of one and of ten million lines, and by
//! how much more processor time ten times the lines take.
//!
//! The lines are those of an honest sale: one half of the fans buys, by a cart, a checkout that is
//! answered `waiting` and a poll, and leaves an order, what it held, an authorization and a capture; the
//! other half comes when all is gone. Each figure is one line on stdout: its name, its value and its unit.
//! Arguments are numbers of millions of lines, to be judged instead.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use spike::evidence::{Ending, read};

/// One fan who finds all gone; everything else of its run is replaced but what it is made of.
const SCENARIO: &str = r#"
schema = 1
name = "judged"
seed = 3

[[sale]]
id = "day-1"
opens = "+10s"
lasts = "1200s"
items = [{ id = "tee", stock = 0, price = 4_500 }]

[[fans]]
name = "fans"
count = 1
arrive = { shape = "poisson", from = "0s", over = "1s" }
reload = { gap = "1s", calls = 0 }
patience = "1s"

[shop]
storage = "memory"

[provider]
profile = "stripe-2024"
"#;
/// Lines of a fan who buys and of one who finds all gone.
const LINES_OF_TWO: u64 = 12;
/// How often a program is looked at.
const LOOK: Duration = Duration::from_millis(20);

fn main() {
    let folder = tempfile::tempdir().expect("a folder of its own");
    let millions: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    if !millions.is_empty() {
        for millions in millions {
            let took = judged(folder.path(), millions * 1_000_000);
            print(&format!("judge_{millions}_million_lines_peak"), took.peak_mb, "MB");
            print(&format!("judge_{millions}_million_lines"), took.seconds, "s");
        }
        return;
    }
    let one = judged(folder.path(), 1_000_000);
    print("judge_1_million_lines_peak", one.peak_mb, "MB");
    print("judge_1_million_lines", one.seconds, "s");
    let ten = judged(folder.path(), 10_000_000);
    print("judge_10_million_lines_peak", ten.peak_mb, "MB");
    print("judge_10_million_lines", ten.seconds, "s");
    print("judge_ten_times_the_lines", ten.seconds / one.seconds, "x");
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn print(name: &str, value: f64, unit: &str) {
    println!("{name} {value:.3} {unit}");
}

/// What a program took.
struct Took {
    /// The most memory that it held \[MB of 2^20 bytes\].
    peak_mb: f64,
    /// Processor time \[s\].
    seconds: f64,
}

/// Makes a run of so many lines, and judges it.
fn judged(folder: &Path, lines: u64) -> Took {
    let run = made(folder, lines / LINES_OF_TWO).expect("a run is written");
    let mut program = Command::new(env!("CARGO_BIN_EXE_spike"));
    program.args(["verify", "-q"]).arg(&run).stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = program.stdout(Stdio::null()).spawn().expect("the program starts");
    let mut took = Took { peak_mb: 0.0, seconds: 0.0 };
    let status = loop {
        let now = looked_at(&child);
        took.peak_mb = now.peak_mb.max(took.peak_mb);
        took.seconds = now.seconds.max(took.seconds);
        if let Some(status) = child.try_wait().expect("it is a child") {
            break status;
        }
        thread::sleep(LOOK);
    };
    assert!(status.success(), "an honest sale was judged {status}: see {}", run.display());
    fs::remove_dir_all(&run).expect("the run is removed");
    took
}

/// What the kernel says of a program; nothing, of one that has just ended.
fn looked_at(child: &Child) -> Took {
    let read = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", child.id()));
    let status = read("status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|line| line.trim().strip_suffix(" kB"));
    let peak_mb = peak.and_then(|kb| kb.trim().parse::<f64>().ok()).unwrap_or(0.0) / 1_024.0;
    let schedule = read("schedstat").unwrap_or_default();
    let spent = schedule.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok());
    Took { peak_mb, seconds: spent.unwrap_or(0.0) / 1e9 }
}

/// A run of so many buyers, and as many who find all gone.
fn made(folder: &Path, pairs: u64) -> std::io::Result<PathBuf> {
    let scenario = folder.join("judged.toml");
    fs::write(&scenario, SCENARIO)?;
    let mut program = Command::new(env!("CARGO_BIN_EXE_spike"));
    program.args(["simulate", "-q", "--set", &format!("sale.0.items.0.stock={pairs}"), "-o"]);
    let status = program.arg(folder).arg(&scenario).stdout(Stdio::null()).status()?;
    assert!(status.code().is_some(), "the run was killed");
    let run = fs::canonicalize(folder.join("judged/latest"))?;
    write_purchases(&run, pairs)?;
    write_ledgers(&run, pairs)?;
    fs::write(run.join("snapshots.jsonl"), "")?;
    let ending = run.join("ending.json");
    let mut told: Ending = read::ending(fs::read(&ending)?.as_slice()).expect("it was written");
    (told.load_ended, told.judged) = (at(END_NS), at(END_NS + 60_000_000_000));
    for (name, bytes) in &mut told.written {
        *bytes = fs::metadata(run.join(name))?.len();
    }
    fs::write(&ending, serde_json::to_vec(&told)?)?;
    Ok(run)
}

/// From when to when fans buy, and until when others come \[ns\].
const BEGIN_NS: u64 = 10_000_000_000;
const SOLD_NS: u64 = 610_000_000_000;
const END_NS: u64 = 1_200_000_000_000;

const fn at(ns: u64) -> domain::time::Time {
    domain::time::Time::from_nanos(ns)
}

fn write_purchases(run: &Path, pairs: u64) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(run.join("purchases.jsonl"))?);
    let asks = |file: &mut BufWriter<File>, fan: u64, operation: &str, from: u64, outcome: &str| {
        let (sent, done) = (from, from + 50_000_000);
        let short = if outcome == "sold_out" { r#","short":"item""# } else { "" };
        writeln!(
            file,
            r#"{{"kind":"attempt","fan":"0-{fan}","intent":"0-{fan}","key":"0-{fan}-0","operation":"{operation}","item":"tee","slot":null,"quantity":1,"amount":4500,"intended":{sent},"sent":{sent},"done":{done},"outcome":"{outcome}"{short}}}"#
        )
    };
    for fan in 0..pairs {
        let from = BEGIN_NS + (SOLD_NS - BEGIN_NS) / pairs * fan;
        asks(&mut file, fan, "cart", from, "ok")?;
        asks(&mut file, fan, "checkout", from + 100_000_000, "waiting")?;
        asks(&mut file, fan, "poll", from + 1_200_000_000, "ok")?;
        let at = from + 1_300_000_000;
        writeln!(
            file,
            r#"{{"kind":"departed","fan":"0-{fan}","at":{at},"departure":"bought","item":"tee","quantity":1}}"#
        )?;
    }
    let sold = SOLD_NS + 10_000_000_000;
    for other in 0..pairs {
        let (fan, from) = (pairs + other, sold + (END_NS - sold) / pairs * other);
        asks(&mut file, fan, "cart", from, "sold_out")?;
        asks(&mut file, fan, "checkout", from + 200_000_000, "sold_out")?;
        let (sent, seen) = (from + 300_000_000, from + 350_000_000);
        writeln!(
            file,
            r#"{{"kind":"seen","fan":"0-{fan}","sent":{sent},"at":{seen},"items":[]}}"#
        )?;
        writeln!(
            file,
            r#"{{"kind":"departed","fan":"0-{fan}","at":{seen},"departure":"sold_out","item":"tee","quantity":1}}"#
        )?;
    }
    file.flush()
}

fn write_ledgers(run: &Path, pairs: u64) -> std::io::Result<()> {
    let mut shop = BufWriter::new(File::create(run.join("ledger-shop.jsonl"))?);
    let mut provider = BufWriter::new(File::create(run.join("ledger-provider.jsonl"))?);
    writeln!(
        shop,
        r#"{{"kind":"stock","item":"tee","initial":{pairs},"free":0,"held":0,"sold":{pairs}}}"#
    )?;
    for fan in 0..pairs {
        let asked = BEGIN_NS + (SOLD_NS - BEGIN_NS) / pairs * fan + 110_000_000;
        let (taken, authorized, captured) =
            (asked + 5_000_000, asked + 200_000_000, asked + 600_000_000);
        let sold = asked + 700_000_000;
        writeln!(
            shop,
            r#"{{"kind":"hold","order_id":"{fan}","item":"tee","slot":null,"quantity":1,"asked_utc_ns":{asked},"taken_utc_ns":{taken},"sold_utc_ns":{sold}}}"#
        )?;
        writeln!(
            shop,
            r#"{{"kind":"order","order_id":"{fan}","fan":"0-{fan}","intent":"0-{fan}","item":"tee","slot":null,"quantity":1,"amount":4500,"status":"captured","paid":true,"terminal":true,"payment":"{fan}","created_utc_ns":{asked},"updated_utc_ns":{sold}}}"#
        )?;
        for (utc_ns, operation, outcome) in
            [(authorized, "authorize", "authorized"), (captured, "capture", "captured")]
        {
            writeln!(
                provider,
                r#"{{"utc_ns":{utc_ns},"payment":"{fan}","reference":"0-{fan}","intent":"0-{fan}","operation":"{operation}","outcome":"{outcome}","told":"{outcome}","amount":4500,"key":"0-{fan}-0-{operation}","replayed":false}}"#
            )?;
        }
    }
    shop.flush()?;
    provider.flush()
}
