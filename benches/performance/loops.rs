//! Loops against nginx: processor time per request beside the peers'.

use crate::Bench;
use crate::cost::{self, Contender, Cost, Readings};
use crate::figures::{Bound, Row, Unit, median, ratios};
use crate::peers::{self, CONNECTIONS};
use crate::processes::{Output, Process};
use crate::server::free_port;
use crate::{scenarios, scripted};

/// Of the open loop \[requests/s\].
const OPEN_RATE: u32 = 10_000;

/// A row that compares processor time.
fn times(what: &str, must: f64, aim: f64) -> Row {
    Row::new(what, Unit::Times, Bound::AtMost(must), Some(Bound::AtMost(aim)))
}

pub(crate) fn closed_rows() -> Vec<Row> {
    vec![
        times(
            "CPU per request, closed loop of 50 connections, on the server's core: wrk",
            1.0,
            0.9,
        ),
        times("the same: oha", 0.75, 0.65),
        times("a scripted step (templates, two captures, two checks): bare wrk", 1.5, 1.25),
    ]
}

/// Everybody on the server's core, so that nobody idles and nobody pays for being woken.
pub(crate) fn closed(bench: &Bench, rows: &mut [Row]) -> anyhow::Result<String> {
    let core = bench.server_core.as_str();
    let port = bench.nginx.waiting_port;
    let url = format!("http://127.0.0.1:{port}/sales/0/page/0");
    let step = format!("http://127.0.0.1:{port}/step");
    let scenario = scenarios::closed(CONNECTIONS, "1ms");
    let contenders = [
        client(bench, "spike", || peers::spike(bench, core, &scenario, port)),
        client(bench, "wrk", || peers::wrk(core, &url, CONNECTIONS)),
        client(bench, "oha", || peers::oha(core, &url)),
        client(bench, "scripted", || scripted::start(bench, core, port)),
        client(bench, "wrk", || peers::wrk(core, &step, CONNECTIONS)),
    ];
    let readings = cost::rounds(bench, &contenders);
    let beside_wrk = compare(&mut rows[0], &contenders, &readings, 0, 1);
    let beside_oha = compare(&mut rows[1], &contenders, &readings, 0, 2);
    let of_step = compare(&mut rows[2], &contenders, &readings, 3, 4);
    beside_wrk.and(beside_oha).and(of_step)
}

pub(crate) fn open_rows() -> Vec<Row> {
    vec![times("CPU per request, open loop of 10,000/s, batch pacing: h2load --rps", 1.45, 1.25)]
}

/// On a core beside the server's, as a load generator usually stands.
pub(crate) fn open(bench: &Bench, rows: &mut [Row]) -> anyhow::Result<String> {
    let core = bench.client_core.as_str();
    let port = bench.nginx.open_port;
    let url = format!("http://127.0.0.1:{port}/sales/0/status");
    let scenario = scenarios::open(OPEN_RATE, 30, "batch");
    let contenders = [
        client(bench, "spike", || peers::spike(bench, core, &scenario, port)),
        client(bench, "h2load", || peers::h2load(core, &url, OPEN_RATE)),
    ];
    let readings = cost::rounds(bench, &contenders);
    compare(&mut rows[0], &contenders, &readings, 0, 1)
}

pub(crate) fn edge_rows() -> Vec<Row> {
    vec![times("CPU per cached page at the reference shop's edge: nginx", 1.8, 1.3)]
}

/// The server's processor time, asked by wrk from the other core.
pub(crate) fn edge(bench: &Bench, rows: &mut [Row]) -> anyhow::Result<String> {
    let contenders = [
        Contender { name: "edge", read: Box::new(|| shop_cost(bench)) },
        Contender { name: "nginx", read: Box::new(|| nginx_cost(bench)) },
    ];
    let readings = cost::rounds(bench, &contenders);
    compare(&mut rows[0], &contenders, &readings, 0, 1)
}

fn nginx_cost(bench: &Bench) -> anyhow::Result<Cost> {
    let url = format!("http://127.0.0.1:{}/sales/0/page/0", bench.nginx.waiting_port);
    let _load = peers::wrk(&bench.client_core, &url, CONNECTIONS)?;
    let counted = || bench.nginx.requests();
    cost::settle(&counted)?;
    cost::window(bench, bench.nginx.process(), &counted)
}

fn shop_cost(bench: &Bench) -> anyhow::Result<Cost> {
    let port = free_port()?;
    let listen = format!("127.0.0.1:{port}");
    // Nobody buys: the provider is never called.
    let provider = format!("http://127.0.0.1:{}", bench.nginx.open_port);
    let arguments = ["shop", "--listen", &listen, "--provider", &provider];
    let shop = Process::start(&bench.server_core, &bench.spike, arguments, Output::Dropped)?;
    let counted = || peers::edge_requests(port);
    peers::await_answer(&counted)?;
    let url = format!("http://127.0.0.1:{port}/sales/0/page/0");
    let _load = peers::wrk(&bench.client_core, &url, CONNECTIONS)?;
    cost::settle(&counted)?;
    cost::window(bench, &shop, &counted)
}

/// A client that is measured against nginx.
fn client<'bench>(
    bench: &'bench Bench,
    name: &'static str,
    start: impl Fn() -> anyhow::Result<Process> + 'bench,
) -> Contender<'bench> {
    Contender { name, read: Box::new(move || cost::of_client(bench, &start()?)) }
}

/// Fills in a row: the ratios of contender `ours` to contender `theirs`, and their own figures.
///
/// # Errors
/// When one of them could not be measured; the row says so too.
fn compare(
    row: &mut Row,
    contenders: &[Contender<'_>],
    readings: &Readings,
    ours: usize,
    theirs: usize,
) -> anyhow::Result<String> {
    let (mut micros, mut told) = (Vec::new(), Vec::new());
    for number in [ours, theirs] {
        let name = contenders[number].name;
        let costs = match &readings[number] {
            Ok(costs) => costs,
            Err(error) => {
                row.note = format!("{name}: {error:#}");
                anyhow::bail!("{}", row.note);
            }
        };
        let rates: Vec<f64> = costs.iter().map(|cost| cost.rate_per_s).collect();
        let mine: Vec<f64> = costs.iter().map(|cost| cost.micros).collect();
        let (cost, rate) = (median(&mine).unwrap_or(0.0), median(&rates).unwrap_or(0.0));
        told.push(format!("{name} {cost:.2} µs at {rate:.0}/s"));
        micros.push(mine);
    }
    row.rounds = ratios(&micros[0], &micros[1]);
    row.note = told.join(", ");
    Ok(String::new())
}
