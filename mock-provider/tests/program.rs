//! The program itself: how it begins, what it says, how it ends.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};

fn provider(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mock-provider"));
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Begins, and waits for the line that says where it listens.
fn begin(words: &[&str]) -> (Child, String) {
    let mut child = provider(words).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.strip_prefix("listening on http://").expect("the one line").trim();
    (child, address.to_owned())
}

fn failure(words: &[&str]) -> String {
    let Output { status, stdout, stderr } = provider(words).output().unwrap();
    assert!(!status.success() && stdout.is_empty(), "{status}");
    String::from_utf8(stderr).unwrap()
}

#[test]
fn it_ends_when_its_parent_lets_go() {
    let (mut child, address) = begin(&["--until-stdin-closes"]);
    assert!(address.starts_with("127.0.0.1:") && !address.ends_with(":0"), "{address}");
    drop(child.stdin.take());
    let mut more = String::new();
    child.stdout.as_mut().unwrap().read_to_string(&mut more).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(more, "", "stdout has one line");
}

#[test]
fn it_ends_on_a_signal_although_a_call_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("settings.json");
    let quick = r#"{ "limits": [], "faults": { "commit_then_timeout": 1 }, "latency": { "authorize": "1ms" } }"#;
    std::fs::write(&settings, quick).unwrap();
    let ledger = folder.path().join("ledger.jsonl");
    let words = ["--settings", settings.to_str().unwrap(), "--ledger", ledger.to_str().unwrap()];
    let (mut child, address) = begin(&words);
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    let body = r#"{"amount":1,"reference":"0-417"}"#;
    let request = format!(
        "POST /v1/authorizations HTTP/1.1\r\nhost: mock\r\nauthorization: Bearer shop\r\n\
         idempotency-key: a\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    while std::fs::read(&ledger).unwrap().is_empty() {
        std::thread::yield_now();
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert_eq!(answer, b"", "a call that hangs is never answered");
    assert_eq!(std::fs::read_to_string(&ledger).unwrap().lines().count(), 1);
}

#[test]
fn a_port_in_use_is_one_clear_sentence() {
    let (mut child, address) = begin(&["--until-stdin-closes"]);
    let message = failure(&["--listen", &address]);
    let sentence = format!("error: failed to listen on {address}: address already in use\nhint:");
    let lines: Vec<_> = message.lines().filter(|line| !line.starts_with("profile")).collect();
    assert!(message.contains(&sentence) && lines.len() == 2, "{message}");
    drop(child.stdin.take());
    child.wait().unwrap();
}

#[test]
fn an_unknown_profile_is_told_the_nearest() {
    let message = failure(&["--profile", "stripe-2025"]);
    assert!(message.contains("hint: did you mean `stripe-202"), "{message}");
}

#[test]
fn a_profile_says_where_its_figures_come_from() {
    let (mut child, _) = begin(&["--profile", "payjp", "--until-stdin-closes"]);
    drop(child.stdin.take());
    let mut talk = String::new();
    child.stderr.as_mut().unwrap().read_to_string(&mut talk).unwrap();
    assert!(talk.contains("profile payjp: limits [V] pay.jp"), "{talk}");
    child.wait().unwrap();
}
