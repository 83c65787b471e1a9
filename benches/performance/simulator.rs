//! The simulator: a textbook's queue beside `SimPy` and nexosim, and the flagship.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::cost::{self, Contender, Cost};
use crate::figures::{Bound, Row, Unit, median, ratios};
use crate::processes::{Output, Process, Spent};
use crate::{Bench, peers, scenarios};

/// A queue as `[[queue]]`, `benches/peers/plain_queue.py` and `benches/peers/nexosim` live it: M/M/16 at 0.9.
const SERVERS: u32 = 16;
const COMES_PER_S: f64 = 14.4;
/// Its exact mean wait, by Erlang's C formula \[s\].
const WAITS_S: f64 = 0.369_590;
/// How far a run's mean wait may be off that, so that it is work of the same kind: the shortest of them, of half a
/// million customers, has a standard error of 3 %.
const OFF: f64 = 0.12;
/// Each has as many customers as keep it busy for some seconds.
const BY_SPIKE: u32 = 20_000_000;
const BY_SIMPY: u32 = 500_000;
const BY_NEXOSIM: u32 = 5_000_000;
/// How long one run may take.
const PATIENCE: Duration = Duration::from_mins(5);
const MEGABYTE: f64 = 1e6;

pub(crate) fn rows() -> Vec<Row> {
    let at_least = |what, must| Row::new(what, Unit::Times, Bound::AtLeast(must), None);
    let seconds = |what, must, aim: Option<f64>| {
        Row::new(what, Unit::Seconds, Bound::AtMost(must), aim.map(Bound::AtMost))
    };
    let memory = |must, aim: Option<f64>| {
        let aim = aim.map(Bound::AtMost);
        Row::new("the same: memory", Unit::Megabytes, Bound::AtMost(must), aim)
    };
    vec![
        at_least("M/M/16 at 0.9, events/s: SimPy", 80.0),
        at_least("the same: nexosim", 7.0),
        seconds("a million fans simulated, 30 million requests: time", 8.0, Some(4.0)),
        memory(96.0, Some(64.0)),
        seconds("the same, who waits is counted: time", 1.0, None),
        memory(32.0, None),
        seconds("that a hundred times, on two cores", 60.0, None),
    ]
}

/// All on one core, one after the other.
pub(crate) fn simulator(bench: &Bench, rows: &mut [Row]) -> anyhow::Result<String> {
    beside_peers(bench, rows);
    flagship(bench, rows)?;
    Ok(String::new())
}

/// The same queue by all three, in each round.
fn beside_peers(bench: &Bench, rows: &mut [Row]) {
    let contenders = [
        Contender { name: "spike", read: Box::new(|| by_spike(bench)) },
        Contender { name: "SimPy", read: Box::new(|| by_simpy(bench)) },
        Contender { name: "nexosim", read: Box::new(|| by_nexosim(bench)) },
    ];
    let readings = cost::rounds(bench, &contenders);
    let rate = |place: usize| -> Result<Vec<f64>, String> {
        let costs = readings[place].as_ref();
        let costs = costs.map_err(|error| format!("{}: {error:#}", contenders[place].name))?;
        Ok(costs.iter().map(|cost: &Cost| cost.rate_per_s).collect())
    };
    for (row, peer) in [(0, 1), (1, 2)] {
        match (rate(0), rate(peer)) {
            (Ok(ours), Ok(theirs)) => {
                rows[row].rounds = ratios(&ours, &theirs);
                let millions = |rates: &[f64]| median(rates).unwrap_or_default() / 1e6;
                let (ours, theirs) = (millions(&ours), millions(&theirs));
                let name = contenders[peer].name;
                rows[row].note = format!("spike {ours:.2} M/s, {name} {theirs:.3} M/s");
            }
            (Err(error), _) | (_, Err(error)) => rows[row].note = error,
        }
    }
}

/// `spike simulate` as a whole: reading, evidence, judgement and report with it.
fn by_spike(bench: &Bench) -> anyhow::Result<Cost> {
    let file = bench.folder.join("queue.toml");
    std::fs::write(&file, scenarios::queue(SERVERS, COMES_PER_S, BY_SPIKE))?;
    let spent = simulated(bench, &file, &[], &bench.client_core)?;
    let summary = peers::summary(bench)?;
    let wait_s = peers::number(&summary, "/result/queues/plain/wait_s/mean")?;
    of_queue(BY_SPIKE, spent.processor, wait_s)
}

fn by_simpy(bench: &Bench) -> anyhow::Result<Cost> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/simpy/bin/python");
    let script = root.join("benches/peers/plain_queue.py").display().to_string();
    by_peer(bench, &python, vec!["-B".to_owned(), script], BY_SIMPY)
}

fn by_nexosim(bench: &Bench) -> anyhow::Result<Cost> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = root.join("target/nexosim/release/nexosim-peer");
    by_peer(bench, &program, Vec::new(), BY_NEXOSIM)
}

/// A peer, which prints the mean wait.
fn by_peer(
    bench: &Bench,
    program: &Path,
    mut arguments: Vec<String>,
    customers: u32,
) -> anyhow::Result<Cost> {
    let name = program.display();
    anyhow::ensure!(program.exists(), "there is no {name}\nhint: tools/performance makes it");
    let numbers = [SERVERS.to_string(), COMES_PER_S.to_string(), "1".to_owned()];
    arguments.extend(numbers);
    arguments.extend([customers.to_string(), "1".to_owned()]);
    let mut process = Process::start(&bench.client_core, program, arguments, Output::Piped)?;
    let mut output = process.output();
    let spent = process.until_its_end(&bench.clock, PATIENCE)?;
    let mut text = String::new();
    output.read_to_string(&mut text)?;
    let wait_s = text.trim().parse::<f64>();
    let wait_s = wait_s.with_context(|| format!("{name} printed no mean wait: {text:?}"))?;
    of_queue(customers, spent.processor, wait_s)
}

/// What it cost: a customer is two events, one who comes and one who leaves.
///
/// # Errors
/// When the wait is not that of this queue: then it was other work.
fn of_queue(customers: u32, processor: Duration, wait_s: f64) -> anyhow::Result<Cost> {
    let off = wait_s / WAITS_S - 1.0;
    anyhow::ensure!(
        off.abs() < OFF,
        "a mean wait of {wait_s} s is not the {WAITS_S} s of the queue"
    );
    let events = 2.0 * f64::from(customers);
    let seconds = processor.as_secs_f64();
    Ok(Cost { micros: seconds * 1e6 / events, rate_per_s: events / seconds })
}

/// A million fans, to the end of the report: each for himself, and counted as long as they wait.
fn flagship(bench: &Bench, rows: &mut [Row]) -> anyhow::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/flagship.toml");
    for (row, fidelity) in [(2, "event"), (4, "aggregate")] {
        let set = format!("fans.0.fidelity={fidelity}");
        for _ in 0..bench.rounds.min(3) {
            let spent = simulated(bench, &file, &["--set", &set], &bench.client_core)?;
            rows[row].rounds.push(spent.processor.as_secs_f64());
            rows[row + 1].rounds.push(spent.memory as f64 / MEGABYTE);
        }
        let summary = peers::summary(bench)?;
        let requests = peers::number(&summary, "/result/rates/edge/count")?;
        let orders = peers::number(&summary, "/result/orders/confirmed")?;
        let verdict = summary["result"]["verdict"].as_str().unwrap_or("none");
        rows[row].note = format!("{requests:.0} requests, {orders:.0} orders, verdict {verdict}");
    }
    let set = "fans.0.fidelity=aggregate";
    let began = bench.clock.now();
    simulated(bench, &file, &["--set", set, "--replications", "100"], "0-1")?;
    rows[6].rounds.push(bench.clock.now().since(began).as_secs_f64());
    Ok(())
}

/// A scenario simulated on those cores, judged and reported.
fn simulated(bench: &Bench, file: &Path, with: &[&str], cores: &str) -> anyhow::Result<Spent> {
    let out = bench.folder.join("reports").into_os_string();
    let file = file.as_os_str().to_owned();
    let usual = ["-q", "--no-tui", "--no-probes"].into_iter().chain(with.iter().copied());
    let arguments =
        ["simulate".into(), file, "--out".into(), out].into_iter().chain(usual.map(OsString::from));
    let process = Process::start(cores, &bench.spike, arguments, Output::Dropped)?;
    process.until_its_end(&bench.clock, PATIENCE)
}
