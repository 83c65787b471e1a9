//! What a call costs the server \[µs of processor time\], beside a bare axum handler in the same
//! run: `cargo bench -p mock-provider --bench server`.
//!
//! Each server is a process of its own, called over sixteen connections that are always busy; its
//! processor time is read from `/proc`. The servers take turns, five rounds each, and each is
//! compared with the bare handler of the same round: the medians of these ratios are what counts,
//! for the machine is not quiet. The bare handler reads the body and answers as many bytes, on the
//! same runtime and with the same options of its sockets. No authorization is ever captured: that
//! is the dearest case, for each takes new memory.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints and may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use axum::serve::ListenerExt;
use clap::Parser;
use domain::law::Law;
use mock_provider::server::{Args, Server};
use mock_provider::settings::{Latency, Overrides, Settings};
use tempfile::TempDir;

const CONNECTIONS: u64 = 16;
/// Calls per connection and round.
const CALLS: u64 = 4_000;
const ROUNDS: usize = 5;
/// As many threads serve as in the program.
const THREADS: usize = 1;

/// How much an admitted call may cost \[calls of the bare handler\].
const ADMITTED_MAX: f64 = 1.6;

/// The servers, by the word their process is started with.
const SERVERS: [(&str, &str); 5] = [
    ("bare", "bare axum handler"),
    ("admitted", "authorization, ledger in a file"),
    ("refused", "429, ledger in a file"),
    ("sqlite", "authorization, ledger in SQLite"),
    ("stripe", "Stripe: create and confirm at once"),
];

fn main() {
    match std::env::var("SPIKE_BENCH_SERVER") {
        Ok(word) => serve(&word),
        Err(_) => compare(),
    }
}

fn compare() {
    let mut servers: Vec<_> = SERVERS.iter().map(|(word, _)| start(word)).collect();
    let mut costs = vec![Vec::new(); servers.len()];
    for round in 0..=ROUNDS {
        for (server, costs) in servers.iter().zip(&mut costs) {
            let cost = server.cost_us();
            // The first round warms up.
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    for server in &mut servers {
        server.child.kill().unwrap();
        server.child.wait().unwrap();
    }
    print(&costs);
}

/// Prints what a call costs each server, and whether that is little enough.
fn print(costs: &[Vec<f64>]) {
    println!("{:<36} {:>8} {:>6} {:>15}", "server", "µs/call", "ratio", "calls/s of 1 CPU");
    let mut ratios = Vec::new();
    for ((_, title), own) in SERVERS.iter().zip(costs) {
        let cost = median(own.clone());
        let ratio = median(own.iter().zip(&costs[0]).map(|(own, bare)| own / bare).collect());
        println!("{title:<36} {cost:>8.2} {ratio:>6.2} {:>15.0}", 1e6 / cost);
        ratios.push(ratio);
    }
    let word = |met| if met { "met" } else { "MISSED" };
    let (admitted, refused) = (ratios[1], ratios[2]);
    println!("target: admitted at most {ADMITTED_MAX}: {}", word(admitted <= ADMITTED_MAX));
    println!("target: a 429 cheaper than an admitted call: {}", word(refused < admitted));
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

struct Running {
    word: &'static str,
    child: Child,
    address: SocketAddr,
    calls: AtomicU64,
    /// Where the ledger is; it goes with the server, which is killed and cleans up nothing.
    _folder: TempDir,
}

fn start(word: &'static str) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env("SPIKE_BENCH_SERVER", word)
        .env("SPIKE_BENCH_FOLDER", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().parse().unwrap();
    Running { word, child, address, calls: AtomicU64::new(0), _folder: folder }
}

impl Running {
    /// Processor time per call of one round \[µs\].
    fn cost_us(&self) -> f64 {
        let before = self.processor_ns();
        std::thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| self.call_many());
            }
        });
        (self.processor_ns() - before) as f64 / 1e3 / (CONNECTIONS * CALLS) as f64
    }

    /// Processor time of all threads so far \[ns\].
    fn processor_ns(&self) -> u64 {
        let tasks = format!("/proc/{}/task", self.child.id());
        let of = |task: std::fs::DirEntry| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0_u64)
        };
        std::fs::read_dir(tasks).unwrap().map(|task| of(task.unwrap())).sum()
    }

    fn call_many(&self) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut answer = vec![0; 16 << 10];
        for _ in 0..CALLS {
            let number = self.calls.fetch_add(1, Ordering::Relaxed);
            let request = if self.word == "stripe" { stripe(number) } else { native(number) };
            stream.write_all(request.as_bytes()).unwrap();
            read_answer(&mut stream, &mut answer);
        }
    }
}

/// An authorization of the native API.
fn native(number: u64) -> String {
    let body = format!(r#"{{"amount":4500,"card":0,"reference":"0-{number}"}}"#);
    posted("/v1/authorizations", "application/json", number, &body)
}

/// The same through the Stripe-compatible API.
fn stripe(number: u64) -> String {
    let body = format!(
        "amount=4500&currency=jpy&capture_method=manual&confirm=true&\
         payment_method=pm_card_visa&metadata[order_id]=0-{number}"
    );
    posted("/v1/payment_intents", "application/x-www-form-urlencoded", number, &body)
}

fn posted(path: &str, media: &str, number: u64, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: provider\r\nauthorization: Bearer sk_test_shop\r\n\
         idempotency-key: 0-{number}-0\r\ncontent-type: {media}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len(),
    )
}

/// Reads one answer: its head, and as much body as the head says.
fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) {
    let mut length = 0;
    loop {
        let read = stream.read(&mut buffer[length..]).unwrap();
        assert!(read > 0, "the server closed the connection");
        length += read;
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let says = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if says.is_some_and(|says| body.len() >= says.parse().unwrap()) {
            return;
        }
    }
}

fn serve(word: &str) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(THREADS).enable_all().build().unwrap();
    match word {
        "bare" => runtime.block_on(serve_bare()),
        _ => runtime.block_on(serve_provider(word)),
    }
}

async fn serve_bare() {
    let answer = async |body: Bytes| {
        std::hint::black_box(body);
        ([(CONTENT_TYPE, "application/json")], r#"{"id":"100017","status":"authorized"}"#)
    };
    let router = Router::new().route("/v1/authorizations", post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    axum::serve(listener, router).await.unwrap();
}

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    args: Args,
}

async fn serve_provider(word: &str) {
    let limits = match word {
        "refused" => "[[limits]]\nrate = 0.001\nburst = 1",
        _ => "limits = []",
    };
    let overrides: Overrides = toml::from_str(limits).unwrap();
    let settings = Overrides { declines: Some(0.0), ..overrides }.resolve(7).unwrap();
    let settings = Settings { latency: Latency::every(Law::default()), ..settings };
    let folder = PathBuf::from(std::env::var_os("SPIKE_BENCH_FOLDER").unwrap());
    let name = if word == "sqlite" { "ledger.sqlite" } else { "ledger.jsonl" };
    let ledger = folder.join(name);
    let words = ["provider", "--listen", "127.0.0.1:0", "--ledger", ledger.to_str().unwrap()];
    let server = Server::bind(Options::parse_from(words).args, settings).unwrap();
    println!("{}", server.address());
    server.serve(std::future::pending()).await.unwrap();
}
