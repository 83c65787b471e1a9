//! `spike doctor --self-test`: how accurate the generator is on this machine.
//!
//! A child process answers after known times and writes down what it did ([`server`]); the load
//! loops of `spike run` live an even crowd against it, each fan one request; the quantiles of both
//! are compared ([`accuracy`]).

mod accuracy;
mod server;

use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, bail};
use domain::outcome::Operation;
use domain::time::Duration;
use serde::Serialize;

use super::super::run::settings;
use super::super::target::{self, Place};
use super::super::{print, say};
use crate::cli::{DoctorArgs, KnownLatencyArgs};
use crate::live::clock::{Clock, processor_time};
use crate::live::means::{Machine, means};
use crate::live::{self, LedgerSinks, Stop, Target};
use crate::measure::latency::{LatencyLog, Series};
use crate::measure::recorder::{Recorder, Sinks};
use crate::scenario::overrides::Overrides;
use crate::scenario::{Context, Scenario, file};
use crate::verdict::{Verdict, World, bare_line};
use accuracy::{Accuracy, Measured, Plan, TOLERANCE, TOLERANCE_MS, compare};
use server::{Freeze, Server, Truth};

/// The rates, and how long the server stands still at each \[1/s, ms\]: an easy one, a hard one,
/// and the hard one with what waiting generators hide.
const STEPS: [(u32, u64); 3] = [(1_000, 0), (5_000, 0), (5_000, 500)];
/// When the server stands still, as a share of the step.
const FREEZE_AFTER: f64 = 0.3;
/// From reading the clock to the run's beginning: the child is up already.
const LEAD: Duration = Duration::from_millis(200);

/// All steps together.
#[derive(Debug, Serialize)]
struct SelfTest {
    schema: u32,
    /// How far a quantile may be off: as a share of the truth, or in milliseconds.
    tolerance: f64,
    tolerance_ms: f64,
    steps: Vec<Accuracy>,
    verdict: Verdict,
    exit_code: u8,
}

/// Measures the generator's own accuracy and says it.
pub(super) fn self_test(args: &DoctorArgs) -> anyhow::Result<Verdict> {
    let lasts = Duration::from_secs(args.seconds);
    let mut steps = Vec::new();
    for (per_s, frozen_ms) in STEPS {
        let frozen = (frozen_ms > 0).then(|| Duration::from_millis(frozen_ms));
        let accuracy = live_step(&Plan { per_s, lasts, frozen })?;
        if !args.json {
            print(&(accuracy.text() + "\n"))?;
        }
        steps.push(accuracy);
    }
    let faulty = steps.iter().filter(|step| !step.faults.is_empty()).count();
    let verdict = if faulty == 0 { Verdict::Pass } else { Verdict::Inconclusive };
    let exit_code = verdict.exit_code();
    let told = SelfTest {
        schema: 1,
        tolerance: TOLERANCE,
        tolerance_ms: TOLERANCE_MS,
        steps,
        verdict,
        exit_code,
    };
    if args.json {
        print(&(serde_json::to_string_pretty(&told)? + "\n"))?;
    }
    say(&match faulty {
        0 => format!(
            "{}: each quantile is within {} % or {TOLERANCE_MS} ms of the truth",
            bare_line(verdict),
            TOLERANCE * 100.0
        ),
        _ => format!("{}: {faulty} of {} steps were not accurate", bare_line(verdict), STEPS.len()),
    });
    Ok(verdict)
}

/// Serves after known times until standard input is closed: the child of [`self_test`].
pub(in super::super) fn known_latency(args: &KnownLatencyArgs) -> anyhow::Result<Verdict> {
    let length = Duration::from_millis(args.freeze_ms);
    let freeze = Freeze { after: Duration::from_millis(args.freeze_after_ms), length };
    let (server, port) = Server::open((!length.is_zero()).then_some(freeze))
        .context("failed to open the server of known latency")?;
    print(&format!("listening on http://127.0.0.1:{port}\n"))?;
    machine::raise_descriptor_limit();
    let serving = thread::spawn(move || server.serve());
    // Whoever started this has gone when its end of the pipe has.
    drop(io::copy(&mut io::stdin(), &mut io::sink()));
    if serving.is_finished() {
        bail!("failed to serve after known times: {:?}", serving.join());
    }
    Ok(Verdict::Pass)
}

fn live_step(plan: &Plan) -> anyhow::Result<Accuracy> {
    let child = KnownServer::start(plan)?;
    let clock = Clock::begin_in(LEAD);
    let scenario = scenario(plan)?;
    let means = means(&scenario, child.target.shop.ip(), &Machine::here())
        .context("failed to prepare the self-test")?;
    let latency = Page::default();
    let sinks = Sinks {
        latency: Box::new(latency.clone()),
        timeline: Box::new(io::sink()),
        purchases: Box::new(io::sink()),
        snapshots: Box::new(io::sink()),
    };
    let mut recorder = Recorder::new(sinks, clock.began_utc_ns(), scenario.first_opening())
        .context("failed to keep what is measured")?;
    let ledgers =
        LedgerSinks { shop: Box::new(io::sink()), provider: Box::new(io::sink()), foreign: None };
    let before = processor_time();
    live::run(
        &scenario,
        &settings(&scenario, clock, means),
        &child.target,
        &mut recorder,
        ledgers,
        &Stop::default(),
        &mut |_| {},
    )
    .context("failed to live the self-test")?;
    let processor = processor_time().saturating_sub(before);
    let truth = child.truth()?;
    let log = LatencyLog::read(&latency.bytes()[..]).context("failed to read the latencies")?;
    let response = log.whole(Series::Response(Operation::Item));
    let lateness = log.whole(Series::Lateness);
    Ok(compare(plan, &truth, &Measured { response, lateness, processor }))
}

/// An even crowd: each fan asks for the item once and is told that it is sold out.
fn scenario(plan: &Plan) -> anyhow::Result<Scenario> {
    let text = format!(
        r#"
schema = 1
name = "self-test"
seed = 1

[live]
connections = {{ pool = 6_000 }}

[[sale]]
id = "sale"
opens = "+500ms"
lasts = "5m"
items = [{{ id = "item", stock = 1, price = 1 }}]

[[fans]]
name = "fans"
count = {}
arrive = {{ shape = "constant", from = "0s", over = "{}ms" }}
reload = {{ calls = 0 }}
think = "0s"
sold_out = {{ leave = 1.0 }}
timeout = "10s"

[shop]
storage = "memory"

[audit]
drain = "1s"
"#,
        plan.requests(),
        plan.lasts.as_millis()
    );
    let loaded = file::parse("self-test.toml", &text, &Overrides::default(), &Context::VIRTUAL);
    let loaded = loaded.map_err(|problems| anyhow::anyhow!("{problems}"))?;
    Ok(loaded.at_scale(None, World::Live))
}

/// The child process that answers after known times.
struct KnownServer {
    child: Child,
    target: Target,
}

impl KnownServer {
    fn start(plan: &Plan) -> anyhow::Result<Self> {
        let binary = std::env::current_exe().context("failed to find this program's own file")?;
        let after = plan.lasts.mul_f64(FREEZE_AFTER).as_millis();
        let length = plan.frozen.unwrap_or_default().as_millis();
        let mut child = Command::new(binary)
            .arg("known-latency")
            .args(["--freeze-after-ms", &after.to_string(), "--freeze-ms", &length.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("failed to start the server of known latency")?;
        let stdout = child.stdout.take().expect("its output is piped");
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .context("failed to hear from the server of known latency")?;
        let url = line.trim().strip_prefix("listening on ").unwrap_or_default();
        match target::place(url) {
            Ok(Place::Running(target)) => Ok(Self { child, target }),
            _ => bail!("failed to start the server of known latency: it said {line:?}"),
        }
    }

    /// What it did.
    fn truth(&self) -> anyhow::Result<Truth> {
        let mut stream = TcpStream::connect(self.target.shop)
            .context("failed to ask the server of known latency for the truth")?;
        stream
            .write_all(b"GET /truth HTTP/1.1\r\nHost: self-test\r\n\r\n")
            .context("failed to ask the server of known latency for the truth")?;
        let mut reader = BufReader::new(stream);
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line).context("failed to hear the truth")? > 2 {
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.trim().parse().context("failed to hear the truth")?;
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).context("failed to hear the truth")?;
        serde_json::from_slice(&body).context("failed to understand the truth")
    }
}

impl Drop for KnownServer {
    fn drop(&mut self) {
        // Closing its input tells it to end.
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

/// A file in memory that can be read after it was written.
#[derive(Clone, Debug, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
