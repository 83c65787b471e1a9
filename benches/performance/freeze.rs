//! A server that stands still for half a second, and what each program prints of it.
//!
//! 5,000 requests per second for five seconds; in the midst of them the server is stopped for
//! 500 ms. Whoever asked meanwhile waited, whether or not a program was able to ask.

use std::io::Read;
use std::time::Duration;

use anyhow::Context;

use crate::figures::{Bound, Row, Table, Unit};
use crate::peers::{self, CONNECTIONS, find};
use crate::processes::{Output, Process};
use crate::{Bench, pause, scenarios};

const RATE: u32 = 5_000;
const LENGTH_S: u32 = 5;
const FROZEN: Duration = Duration::from_millis(500);
/// How long spike takes from its start to its first request, and a peer, about \[s\].
const SPIKE_LEAD_S: f64 = 3.0;
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn rows() -> Vec<Row> {
    let what = "p99 of 5 s at 5,000/s with the server stopped for 500 ms: error to the ideal";
    vec![Row::new(what, Unit::Percent, Bound::AtMost(5.0), None)]
}

/// What the schedule alone says: of requests spaced evenly over `length_s`, those who ask while the
/// server stands still wait for the rest of `frozen`, the first of them longest; 99 % are at most
/// this \[ms\].
fn ideal_ms(frozen: Duration, length_s: f64) -> f64 {
    (frozen.as_secs_f64() - length_s / 100.0) * 1e3
}

pub(crate) fn measure(bench: &Bench, rows: &mut [Row]) -> anyhow::Result<String> {
    let (mut printed, mut ideals) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds {
        let (p99, ideal) = of_spike(bench)?;
        rows[0].rounds.push((p99 / ideal - 1.0).abs() * 100.0);
        printed.push(p99);
        ideals.push(ideal);
    }
    let middle = |figures: &[f64]| crate::figures::median(figures).unwrap_or(0.0);
    let (p99, ideal) = (middle(&printed), middle(&ideals));
    rows[0].note = format!("printed {p99:.1} ms, ideal {ideal:.1} ms");
    let mut lines =
        vec![vec!["spike".to_owned(), format!("{p99:.1} ms"), format!("{ideal:.1} ms")]];
    for (name, arguments) in peers_called(bench) {
        let told = of_peer(bench, name, &arguments);
        let (printed, ideal) = match told {
            Ok((printed, ideal)) => (printed, format!("{ideal:.1} ms")),
            Err(error) => {
                let why = format!("not measured: {error:#}").replace('\n', "; ");
                (why, String::new())
            }
        };
        lines.push(vec![called(name, &arguments), printed, ideal]);
    }
    let head = ["program", "p99 it printed", "ideal p99"];
    Ok(format!("### A frozen server\n\n{}", Table { head: &head, rows: lines }))
}

/// A peer's call without the address.
fn called(name: &str, arguments: &[String]) -> String {
    let shown = arguments.iter().filter(|word| !word.starts_with("http://"));
    let words: Vec<&str> = std::iter::once(name).chain(shown.map(String::as_str)).collect();
    format!("`{}`", words.join(" "))
}

fn peers_called(bench: &Bench) -> Vec<(&'static str, Vec<String>)> {
    let url = format!("http://127.0.0.1:{}/sales/0/status", bench.nginx.open_port);
    let words = |text: String| text.split(' ').map(str::to_owned).collect();
    let each = RATE / CONNECTIONS;
    let oha = format!("--no-tui -z {LENGTH_S}s -c {CONNECTIONS} -q {RATE}");
    let h2load = format!("--h1 -c{CONNECTIONS} -t1 -D {LENGTH_S} --rps={each} {url}");
    vec![
        ("wrk", words(format!("-t1 -c{CONNECTIONS} -d{LENGTH_S}s --latency {url}"))),
        ("oha", words(format!("{oha} {url}"))),
        ("oha", words(format!("{oha} --latency-correction {url}"))),
        ("h2load", words(h2load)),
    ]
}

/// Stops the server for a while and says for how long it was.
fn freeze(bench: &Bench) -> anyhow::Result<Duration> {
    let began = bench.clock.now();
    bench.nginx.process().freeze()?;
    pause(FROZEN);
    bench.nginx.process().thaw()?;
    Ok(bench.clock.now().since(began))
}

/// The p99 that spike prints, and the ideal one \[ms\].
fn of_spike(bench: &Bench) -> anyhow::Result<(f64, f64)> {
    let scenario = scenarios::open(RATE, LENGTH_S, "auto");
    let process = peers::spike(bench, &bench.client_core, &scenario, bench.nginx.open_port)?;
    pause(Duration::from_secs_f64(SPIKE_LEAD_S + f64::from(LENGTH_S) / 2.0));
    let frozen = freeze(bench)?;
    let summary = peers::to_the_end(bench, process, PATIENCE)?;
    let p99 = peers::number(&summary, "/result/operations/reload/response_ms/p99")?;
    Ok((p99, ideal_ms(frozen, f64::from(LENGTH_S))))
}

/// What a peer prints for its 99th percentile, and the ideal one \[ms\].
fn of_peer(bench: &Bench, name: &str, arguments: &[String]) -> anyhow::Result<(String, f64)> {
    let mut process = Process::start(&bench.client_core, &find(name)?, arguments, Output::Piped)?;
    let mut output = process.output();
    pause(Duration::from_secs_f64(f64::from(LENGTH_S) / 2.0));
    let frozen = freeze(bench)?;
    let mut text = String::new();
    output.read_to_string(&mut text).context("failed to read what it printed")?;
    Ok((p99_printed(&text), ideal_ms(frozen, f64::from(LENGTH_S))))
}

/// The line of the 99th percentile in what wrk or oha print; h2load has none, and then it is said
/// what stands there instead.
fn p99_printed(text: &str) -> String {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for line in text.lines().map(words) {
        match line.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["99%", value] => return value.to_owned(),
            ["99.00%", "in", value, unit] => return format!("{value} {unit}"),
            ["time", "for", "request:", _, most, mean, ..] => {
                return format!("none (mean {mean}, max {most})");
            }
            _ => {}
        }
    }
    "none".to_owned()
}
