//! The ledger is the truth: it holds what anybody was told, however the provider ends.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};

use domain::provider::PaymentLine;
use rusqlite::Connection;

/// Limits, declines and delays nothing; in `folder`.
const QUICK: &str = r#"{ "limits": [], "declines": 0, "latency": {
    "authorize": "0s", "capture": "0s", "void": "0s", "refusal": "0s" } }"#;

/// How many merchants call at once.
const CALLERS: usize = 8;

fn begin(folder: &Path, ledger: &Path) -> (Child, String) {
    let settings = folder.join("settings.json");
    std::fs::write(&settings, QUICK).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_mock-provider"))
        .arg("--settings")
        .arg(&settings)
        .arg("--ledger")
        .arg(ledger)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.strip_prefix("listening on http://").expect("the one line").trim();
    (child, address.to_owned())
}

/// Authorizes under `key`; gives the status and the body.
fn authorize(stream: &mut BufReader<TcpStream>, key: &str) -> std::io::Result<(u16, String)> {
    let body = format!(r#"{{"amount":4500,"reference":"{key}"}}"#);
    let request = format!(
        "POST /v1/authorizations HTTP/1.1\r\nhost: mock\r\nauthorization: Bearer shop\r\n\
         idempotency-key: {key}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.get_mut().write_all(request.as_bytes())?;
    answer(stream)
}

/// Reads an answer: the status and the body.
fn answer(stream: &mut BufReader<TcpStream>) -> std::io::Result<(u16, String)> {
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest[..3].parse().unwrap();
        }
        if let Some(number) = line.strip_prefix("content-length: ") {
            length = number.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok((status, String::from_utf8(answer).unwrap()))
}

/// Calls until the provider is gone, and sends the key of every call that was answered.
fn call_on(address: &str, caller: usize, answered: &Sender<String>) {
    let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
    for number in 0.. {
        let key = format!("{caller}-{number}");
        let Ok((status, _)) = authorize(&mut stream, &key) else { return };
        assert_eq!(status, 200);
        answered.send(key).unwrap();
    }
}

/// Kills the provider while merchants call, and gives the keys of the answered calls.
fn kill_in_the_middle(folder: &Path, ledger: &Path) -> HashSet<String> {
    let (mut child, address) = begin(folder, ledger);
    let (sender, answered) = channel();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (address, sender) = (address.clone(), sender.clone());
            std::thread::spawn(move || call_on(&address, caller, &sender))
        })
        .collect();
    drop(sender);
    let mut keys: HashSet<_> = answered.iter().take(500).collect();
    // SIGKILL: nothing of the process runs any more.
    child.kill().unwrap();
    child.wait().unwrap();
    keys.extend(answered);
    for caller in callers {
        caller.join().unwrap();
    }
    keys
}

#[test]
fn a_killed_provider_has_written_down_whatever_it_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let answered = kill_in_the_middle(folder.path(), &path);
    let text = std::fs::read_to_string(&path).unwrap();
    // Only what was being written can be torn.
    let whole = &text[..=text.rfind('\n').unwrap()];
    let lines = whole.lines().map(|line| serde_json::from_str::<PaymentLine>(line).unwrap());
    let written: HashSet<_> = lines.map(|line| line.key).collect();
    assert!(answered.len() >= 500 && written.len() <= answered.len() + CALLERS);
    let lost: Vec<_> = answered.difference(&written).collect();
    assert!(lost.is_empty(), "answered and not written down: {lost:?}");
}

#[test]
fn a_killed_provider_has_committed_whatever_it_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let answered = kill_in_the_middle(folder.path(), &path);
    let connection = Connection::open(&path).unwrap();
    let mut statement = connection.prepare("select key from payments").unwrap();
    let keys = statement.query_map([], |row| row.get(0)).unwrap();
    let written: HashSet<String> = keys.map(Result::unwrap).collect();
    assert!(answered.len() >= 500 && written.len() <= answered.len() + CALLERS);
    let lost: Vec<_> = answered.difference(&written).collect();
    assert!(lost.is_empty(), "answered and not written down: {lost:?}");
}

#[test]
fn what_a_killed_provider_left_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["ledger.jsonl", "ledger.db"] {
        let path = folder.path().join(name);
        kill_in_the_middle(folder.path(), &path);
        let settings = folder.path().join("settings.json");
        let output = Command::new(env!("CARGO_BIN_EXE_mock-provider"))
            .args([Path::new("--ledger"), &path, Path::new("--settings"), &settings])
            .output()
            .unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        let sentence = format!("error: the ledger {} already holds", path.display());
        assert!(complaint.contains(&sentence), "{complaint}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_once_and_every_call_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, address) = begin(folder.path(), Path::new("/dev/full"));
    let mut stream = BufReader::new(TcpStream::connect(&address).unwrap());
    for number in 0..5 {
        let (status, body) = authorize(&mut stream, &number.to_string()).unwrap();
        assert!(status == 503 && body.contains("\"ledger_full\""), "{status} {body}");
        assert!(body.contains("the ledger's disk is full"), "{body}");
    }
    let look =
        "GET /v1/authorizations/1 HTTP/1.1\r\nhost: mock\r\nauthorization: Bearer shop\r\n\r\n";
    stream.get_mut().write_all(look.as_bytes()).unwrap();
    assert_eq!(answer(&mut stream).unwrap().0, 503, "what is not written down did not happen");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(!child.wait().unwrap().success(), "the run was not what it should have been");
    let mut talk = String::new();
    child.stderr.as_mut().unwrap().read_to_string(&mut talk).unwrap();
    assert_eq!(talk.matches("hint: every call is turned away").count(), 1, "{talk}");
}

#[test]
fn who_follows_the_ledger_is_told_that_the_run_is_over() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["ledger.jsonl", "ledger.db"] {
        let (mut child, address) = begin(folder.path(), &folder.path().join(name));
        let mut follower = TcpStream::connect(&address).unwrap();
        let request = "GET /admin/ledger?follow=true HTTP/1.1\r\nhost: mock\r\n\r\n";
        follower.write_all(request.as_bytes()).unwrap();
        let mut first = [0; 1];
        follower.read_exact(&mut first).unwrap();
        let mut stream = BufReader::new(TcpStream::connect(&address).unwrap());
        for number in 0..100 {
            authorize(&mut stream, &number.to_string()).unwrap();
        }
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(child.wait().unwrap().success());
        let mut text = String::new();
        follower.read_to_string(&mut text).unwrap();
        assert_eq!(text.matches("\"utc_ns\"").count(), 100, "{name}");
        assert!(text.ends_with("\r\n0\r\n\r\n"), "the answer has an end");
    }
}
