//! What a call costs: processor time per call of the provider, with its ledger on, beside a bare
//! Axum handler in the same run. `cargo run --release -p mock-provider --example cost`
//!
//! Each server is a child process with as many threads; the callers are here, and the processor
//! time is what the system says of the child. The servers take turns, and the median of the rounds
//! counts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use mock_provider::server::{self, Args};

/// How often the servers take turns.
const ROUNDS: usize = 7;

/// How many calls a turn has: about half a second of processor time, which is told in steps of
/// 10 ms.
const CALLS: usize = 24_000;

/// How many callers there are, each on a connection of its own.
const CALLERS: usize = 16;

/// Nothing is slow, nothing declined; `limits` are the provider's.
fn settings(limits: &str) -> String {
    format!(
        r#"{{ "limits": [{limits}], "declines": 0, "hangs": 0, "latency": {{
        "authorize": "0s", "capture": "0s", "void": "0s", "refusal": "0s" }} }}"#
    )
}

fn main() -> anyhow::Result<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["bare"] => bare(),
        ["provider", settings, ledger] => provider(settings, ledger),
        _ => compare(),
    }
}

/// The servers by name, with the words that start them and the status they answer.
fn compare() -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("provider-cost-{}", std::process::id()));
    std::fs::create_dir(&folder).context("failed to make a folder")?;
    let free = write(&folder.join("free.json"), &settings(""))?;
    let strict = r#"{ "rate": 0.000001, "burst": 1 }"#;
    let strict = write(&folder.join("strict.json"), &settings(strict))?;
    let ledger = |name: &str| folder.join(name).display().to_string();
    let servers = [
        ("bare handler", vec!["bare".to_owned()], 200),
        (
            "admitted, ledger.jsonl",
            vec!["provider".to_owned(), free.clone(), ledger("a.jsonl")],
            200,
        ),
        ("admitted, ledger.db", vec!["provider".to_owned(), free, ledger("b.db")], 200),
        (
            "refused (429), ledger.jsonl",
            vec!["provider".to_owned(), strict, ledger("c.jsonl")],
            429,
        ),
    ];
    let mut children = Vec::new();
    for (_, words, _) in &servers {
        children.push(start(words)?);
    }
    let mut costs = vec![Vec::new(); servers.len()];
    for round in 0..ROUNDS {
        for (number, (_, address)) in children.iter().enumerate() {
            let process = children[number].0.id();
            let before = processor_ms(process)?;
            call(address, round, servers[number].2)?;
            costs[number].push((processor_ms(process)? - before) * 1_000.0 / CALLS as f64);
        }
    }
    for (mut child, _) in children {
        child.kill()?;
        child.wait()?;
    }
    std::fs::remove_dir_all(&folder).context("failed to remove the folder")?;
    let medians: Vec<_> = costs.into_iter().map(median).collect();
    for ((name, ..), cost) in servers.iter().zip(&medians) {
        eprintln!("{name:<28} {cost:6.2} µs a call, {:.2} of bare", cost / medians[0]);
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<String> {
    std::fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    Ok(path.display().to_string())
}

fn start(words: &[String]) -> anyhow::Result<(Child, String)> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().context("its output is piped")?).read_line(&mut line)?;
    let address = line.trim().strip_prefix("listening on http://").context("a server is ready")?;
    let address = address.to_owned();
    Ok((child, address))
}

/// Makes `CALLS` calls, and waits for their answers.
fn call(address: &str, round: usize, status: u16) -> anyhow::Result<()> {
    let expected = format!("HTTP/1.1 {status}");
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let expected = &expected;
                scope.spawn(move || -> anyhow::Result<()> {
                    let mut stream = BufReader::new(TcpStream::connect(address)?);
                    stream.get_ref().set_nodelay(true)?;
                    for number in 0..CALLS / CALLERS {
                        let key = format!("{round}-{caller}-{number}");
                        let body = format!(r#"{{"amount":4500,"card":0,"reference":"{key}"}}"#);
                        let request = format!(
                            "POST /v1/authorizations HTTP/1.1\r\nhost: mock\r\n\
                             authorization: Bearer shop\r\nidempotency-key: {key}\r\n\
                             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                            body.len()
                        );
                        stream.get_mut().write_all(request.as_bytes())?;
                        let first = read_answer(&mut stream)?;
                        // The one call that a limit admits.
                        ensure!(number == 0 || first.starts_with(expected), "{first}");
                    }
                    Ok(())
                })
            })
            .collect();
        callers.into_iter().try_for_each(|caller| caller.join().expect("no caller panics"))
    })
}

fn read_answer(stream: &mut BufReader<TcpStream>) -> anyhow::Result<String> {
    let (mut first, mut length) = (String::new(), 0);
    stream.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if let Some(number) = line.strip_prefix("content-length: ") {
            length = number.trim().parse()?;
        }
        if line == "\r\n" {
            break;
        }
        ensure!(!line.is_empty(), "the server is gone");
    }
    stream.read_exact(&mut vec![0; length])?;
    Ok(first)
}

/// The processor time a process has taken, of user and system, in milliseconds.
fn processor_ms(process: u32) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in parentheses, may hold blanks; then come the fields from the third on.
    let (_, fields) = text.rsplit_once(") ").context("a process has a name")?;
    let fields: Vec<_> = fields.split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    // Linux tells them in hundredths of a second to all programs.
    Ok(ticks * 10.0)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A bare handler: it reads the body and answers.
fn bare() -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let answer = async |_: Bytes| {
            ([(CONTENT_TYPE, "application/json")], r#"{"id":"1","status":"authorized"}"#)
        };
        let router = Router::new().route("/v1/authorizations", post(answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "listening on http://{}", listener.local_addr()?)?;
        Ok(axum::serve(listener, router).await?)
    })
}

fn provider(settings: &str, ledger: &str) -> anyhow::Result<()> {
    server::run(Args {
        listen: "127.0.0.1:0".to_owned(),
        admin: None,
        profile: None,
        settings: Some(settings.into()),
        seed: None,
        ledger: Some(ledger.into()),
        began_utc_ns: None,
        until_stdin_closes: false,
    })
}
