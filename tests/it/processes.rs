//! A crowd lived by several load processes is the same crowd, and none of it is lost unnoticed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::program::Desk;

/// Enough of everything: whoever comes buys, however the crowd is shared out.
const AMPLE: [&str; 3] =
    ["sale.0.items.0.stock=500", "sale.0.items.1.stock=500", "sale.0.slots.0.capacity=400"];

fn run_words(processes: &str) -> Vec<String> {
    let mut words: Vec<String> = ["run", "small.toml", "--no-tui"].map(str::to_owned).into();
    let processes = format!("live.processes={processes}");
    for set in AMPLE.into_iter().chain([processes.as_str()]) {
        words.extend(["--set".to_owned(), set.to_owned()]);
    }
    words
}

/// Who came in which second, and how each fan left.
fn crowd(desk: &Desk) -> (BTreeMap<u64, u64>, BTreeMap<String, String>) {
    let lines = |name: &str| -> Vec<Value> {
        let text = desk.read(&format!("reports/latest/{name}"));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let mut arrived = BTreeMap::new();
    for line in lines("timeline.jsonl") {
        if let Some(count) = line["arrived"].as_u64().filter(|count| *count > 0) {
            *arrived.entry(line["second"].as_u64().unwrap()).or_default() += count;
        }
    }
    let departed = lines("purchases.jsonl").into_iter().filter(|line| line["kind"] == "departed");
    let word = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let departures = departed.map(|line| (word(&line, "fan"), word(&line, "departure"))).collect();
    (arrived, departures)
}

#[test]
fn any_number_of_processes_lives_the_same_crowd() {
    let lived = ["1", "2", "3"].map(|processes| {
        let desk = Desk::new();
        let words = run_words(processes);
        let said = desk.say(&words.iter().map(String::as_str).collect::<Vec<_>>());
        // A machine that is busy with others may make the reading inconclusive; never partial.
        assert!(matches!(said.code, Some(0 | 112)), "{said:#?}");
        let summary = &desk.json("reports/latest/summary.json")["result"];
        assert_eq!(summary["orders"]["confirmed"], 60, "{summary}");
        assert!(summary["health"]["cpu"].as_f64().unwrap() > 0.0);
        crowd(&desk)
    });
    assert_eq!(lived[0].0.values().sum::<u64>(), 60);
    assert_eq!(lived[0].1.len(), 60);
    assert_eq!(lived[0], lived[1]);
    assert_eq!(lived[0], lived[2]);
}

/// A run of two load processes, under way.
struct Running {
    child: Child,
    talk: BufReader<ChildStderr>,
}

impl Running {
    fn start(desk: &Desk) -> Self {
        let words = run_words("2");
        let mut command = desk.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let talk = BufReader::new(child.stderr.take().unwrap());
        let mut running = Self { child, talk };
        let mut line = String::new();
        while !line.contains("fans") {
            line.clear();
            assert_ne!(running.talk.read_line(&mut line).unwrap(), 0, "it ended too early");
        }
        running
    }

    fn load_processes(&self) -> Vec<Pid> {
        let pid = self.child.id();
        let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        let is_load = |pid: &i32| {
            let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
            words.contains("load-process")
        };
        let pids = list.split_whitespace().map(|pid| pid.parse::<i32>().unwrap());
        pids.filter(is_load).map(|pid| Pid::from_raw(pid).unwrap()).collect()
    }

    /// Its exit code, and the rest of what it and its children say: the last of them has ended.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.talk.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

#[test]
fn a_load_process_that_dies_fails_the_run_and_the_others_end() {
    let desk = Desk::new();
    let running = Running::start(&desk);
    let processes = running.load_processes();
    assert_eq!(processes.len(), 2);
    kill_process(processes[1], Signal::KILL).unwrap();
    let (code, rest) = running.end();
    assert_eq!(code, Some(1), "{rest}");
    let told = "failed to live the run: live the fans of load process 2: it ended before they had \
                left (signal: 9";
    assert!(rest.contains(told), "{rest}");
    assert!(!desk.file("reports/latest/summary.json").exists(), "half a crowd is not judged");
    let judged = desk.say(&["verify", "reports/latest", "--quiet"]);
    assert_eq!(judged.code, Some(112), "{}", judged.stderr);
    let reasons = &desk.json("reports/latest/summary.json")["result"]["reasons"];
    assert!(reasons.to_string().contains(&format!("The run is partial: {told}")), "{reasons}");
}

#[test]
fn load_processes_stop_with_the_run_and_end_with_it() {
    let desk = Desk::new();
    let running = Running::start(&desk);
    kill_process(Pid::from_child(&running.child), Signal::INT).unwrap();
    let (code, rest) = running.end();
    assert_eq!(code, Some(105), "{rest}");
    assert_eq!(desk.json("reports/latest/summary.json")["result"]["verdict"], "aborted");

    let running = Running::start(&desk);
    kill_process(Pid::from_child(&running.child), Signal::KILL).unwrap();
    // They hold the other end of this pipe: it ends when the last of them has ended.
    assert_eq!(running.end().0, None);
}

#[test]
fn a_load_process_that_nobody_tells_anything_says_so() {
    let desk = Desk::new();
    let said = desk.say(&["load-process"]);
    assert_eq!(said.code, Some(1));
    assert!(said.the_error().ends_with("hear what to live: there was nothing to hear"));
    assert!(said.stderr.contains("`spike run` starts load processes by itself"), "{said:#?}");
    assert_eq!(said.stdout, "");
}
