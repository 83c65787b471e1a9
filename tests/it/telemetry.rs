//! Whoever follows a run while it lasts hears what its report says, and nobody who listens slows it down.

mod collector;
mod prometheus;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;

use clap::Parser as _;
use serde_json::Value;
use spike::cli::Cli;
use spike::telemetry::instrument;

use crate::program::Desk;
use collector::{Collector, Figure};

/// The answer to a scrape; nothing when nobody listens any more.
fn scrape(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: spike\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    // Who ends may break off in the middle.
    head.contains(&format!("Content-Length: {}\r\n", body.len())).then(|| body.to_owned())
}

/// The value of a figure without labels.
fn figure(text: &str, name: &str) -> u64 {
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

/// Runs `small.toml` with `words` besides; its exit code, what it said, and what was scraped after each line
/// of that.
fn run(desk: &Desk, words: &[&str]) -> (Option<i32>, String, Vec<String>) {
    let mut command = desk.command(&["run", "small.toml", "--no-tui", "--metrics", "127.0.0.1:0"]);
    command.args(words).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    let (mut address, mut scraped) = (None, Vec::new());
    loop {
        let mut line = String::new();
        if talk.read_line(&mut line).unwrap() == 0 {
            break;
        }
        if let Some(url) = line.trim().strip_prefix("metrics: http://") {
            address = url.strip_suffix("/metrics").map(str::to_owned);
        }
        // It says a line each second.
        scraped.extend(address.as_deref().and_then(scrape));
        said.push_str(&line);
    }
    let code = child.wait().unwrap().code();
    (code, said, scraped)
}

#[test]
fn a_collector_hears_what_the_summary_says_from_however_many_processes() {
    for processes in ["1", "2"] {
        let desk = Desk::new();
        let collector = Collector::open(|_| Some("200 OK"));
        let processes = format!("live.processes={processes}");
        let words = ["--otlp", collector.url.as_str(), "--trace", "1", "--set", processes.as_str()];
        let (code, said, scraped) = run(&desk, &words);
        // A machine that is busy with others may make the reading inconclusive.
        assert!(matches!(code, Some(0 | 112)), "{said}");
        // A busy machine may pass over a second of figures, which are sums; of spans nothing may be lost.
        assert!(!said.contains("otlp_traces") && !said.contains("for want of a core"), "{said}");
        let result = &desk.json("reports/latest/summary.json")["result"];
        let heard = collector.figures();
        for (operation, summary) in result["operations"].as_object().unwrap() {
            if operation == "reload.call" {
                let count: u64 = heard.all("spike.reload.calls").map(Figure::number).sum();
                assert_eq!(count, summary["count"].as_u64().unwrap());
                continue;
            }
            let outcomes = summary["outcomes"].as_object().unwrap();
            for (outcome, count) in outcomes {
                let labels = [("operation", operation), ("outcome", outcome)];
                assert_eq!(heard.count("spike.operations.done", &labels), count.as_u64().unwrap());
            }
            assert_same_times(&heard, operation, summary);
        }
        for (departure, count) in result["fans"]["departed"].as_object().unwrap() {
            let labels = [("departure", departure)];
            assert_eq!(heard.count("spike.fans.departed", &labels), count.as_u64().unwrap());
        }
        assert_eq!(heard.count("spike.fans.arrived", &[]), result["fans"]["arrived"]);
        // All requests are in traces, each under its operation.
        let spans = collector.spans();
        let whole: BTreeSet<_> = spans
            .iter()
            .filter(|span| span.parent_span_id.is_empty())
            .map(|span| (&span.trace_id, &span.span_id))
            .collect();
        let done: u64 = heard.all("spike.operations.done").map(Figure::number).sum();
        assert_eq!(whole.len() as u64, done);
        let requests: Vec<_> = spans.iter().filter(|it| !it.parent_span_id.is_empty()).collect();
        assert!(requests.len() > whole.len(), "a reload is several requests");
        assert!(requests.iter().all(|it| whole.contains(&(&it.trace_id, &it.parent_span_id))));
        assert_grows(&scraped, heard.count("spike.operations.sent", &[]));
    }
}

/// The times of an operation are as many as its summary has, and half of them as long.
fn assert_same_times(heard: &collector::Figures, operation: &String, summary: &Value) {
    let in_percentiles = ["ok", "sold_out", "declined", "unknown"];
    let counts = in_percentiles.map(|word| summary["outcomes"][word].as_u64().unwrap_or(0));
    let times = heard.one("spike.response.duration", &[("operation", operation)]).times();
    assert_eq!(times.count, counts.iter().sum::<u64>(), "{operation}");
    let Some(p50_ms) = summary["response_ms"]["p50"].as_f64() else { return };
    let buckets = times.positive.clone().unwrap();
    // The buckets in which the times before and after the half of them lie.
    let bucket = |rank: u64| {
        let mut sum = times.zero_count;
        let place = buckets.bucket_counts.iter().position(|count| {
            sum += count;
            sum > rank
        });
        buckets.offset + i32::try_from(place.unwrap()).unwrap()
    };
    let half = times.count / 2;
    let lower = libm::exp2(f64::from(bucket(half.saturating_sub(1))) / 32.0) * 1e3;
    let upper = libm::exp2(f64::from(bucket(half.min(times.count - 1)) + 1) / 32.0) * 1e3;
    let is_between = lower * 0.99 <= p50_ms && p50_ms <= upper * 1.01;
    assert!(is_between, "{operation}: {p50_ms} not in {lower} to {upper}");
}

/// What is scraped one after the other never falls, says what it is of, and ends at most at `last`.
fn assert_grows(scraped: &[String], last: u64) {
    assert!(scraped.iter().all(|text| text.contains("spike_scenario=\"small\"")));
    let sent: Vec<u64> =
        scraped.iter().map(|text| figure(text, "spike_operations_sent_total")).collect();
    assert!(sent.is_sorted(), "{sent:?}");
    assert!((1..=last).contains(sent.last().unwrap()), "{sent:?} {last}");
}

#[test]
fn a_stuck_collector_and_stuck_scrapers_are_dropped_and_the_run_is_as_it_was() {
    let desk = Desk::new();
    let collector = Collector::open(|_| None);
    let mut command = desk.command(&["run", "small.toml", "--no-tui", "--metrics", "127.0.0.1:0"]);
    command.args(["--otlp", collector.url.as_str(), "--trace", "1"]);
    command.env("OTEL_EXPORTER_OTLP_TIMEOUT", "200");
    command.stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("metrics: ") {
        line.clear();
        assert_ne!(talk.read_line(&mut line).unwrap(), 0);
    }
    let address = line.trim().strip_prefix("metrics: http://").unwrap();
    let address = address.strip_suffix("/metrics").unwrap();
    let stuck: Vec<TcpStream> = (0..20).map_while(|_| TcpStream::connect(address).ok()).collect();
    let mut said = String::new();
    talk.read_to_string(&mut said).unwrap();
    drop(stuck);
    assert!(matches!(child.wait().unwrap().code(), Some(0 | 112)), "{said}");
    let lacking = said.lines().find(|line| line.starts_with("not exported: ")).unwrap();
    for consumer in ["(otlp_metrics)", "(otlp_traces)", "(scrape)"] {
        assert!(lacking.contains(consumer), "{lacking}");
    }
    assert!(lacking.ends_with("the collector took more than 0.2 s"), "{lacking}");
    let result = &desk.json("reports/latest/summary.json")["result"];
    assert_eq!(result["health"]["dropped"], 0);
    assert_eq!(result["orders"]["confirmed"], result["fans"]["departed"]["bought"]);
    assert_eq!(result["fans"]["arrived"], 60);
}

#[test]
fn opentelemetrys_own_variable_is_obeyed_and_can_be_turned_off() {
    for (words, is_told) in [(&[][..], true), (&["--otlp", "off"], false)] {
        let desk = Desk::new();
        let collector = Collector::open(|_| Some("200 OK"));
        let mut command = desk.command(&["run", "small.toml", "--no-tui"]);
        command.args(words).env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url);
        command.env("OTEL_SERVICE_NAME", "rehearsal");
        let said = crate::program::Said::of(&mut command);
        assert!(matches!(said.code, Some(0 | 112)), "{said:#?}");
        assert_eq!(collector.has_heard(), is_told, "{words:?}");
        if is_told {
            let names = collector.resource();
            assert_eq!(names["service.name"], "rehearsal");
            assert_eq!(names["spike.scenario"], "small");
        }
    }
}

#[test]
fn what_makes_no_sense_is_told_before_anything_runs() {
    let desk = Desk::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (words, code) in [
        (["--metrics", "9464"], 2),
        (["--trace", "2"], 2),
        (["--otlp", "ftp://127.0.0.1"], 104),
        (["--metrics", taken.as_str()], 1),
    ] {
        let said = desk.say(&[&["run", "small.toml", "--no-tui"][..], &words].concat());
        assert_eq!((said.code, said.stdout.as_str()), (Some(code), ""), "{said:#?}");
        assert!(said.stderr.contains(words[1]), "{said:#?}");
        assert!(code == 2 || said.stderr.contains("hint: "), "{said:#?}");
        assert!(!desk.file("reports").exists(), "{words:?}");
    }
}

/// The names of Prometheus in a text, without what its histograms put after them.
fn names_in(text: &str) -> BTreeSet<String> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter| !is_name(letter)).filter(|word| word.starts_with("spike_"));
    let bare = |word: &str| {
        let ends = ["_bucket", "_sum", "_count"];
        let bare = ends.iter().find_map(|end| word.strip_suffix(end));
        bare.unwrap_or(word).to_owned()
    };
    words.map(bare).collect()
}

fn exported() -> BTreeSet<String> {
    instrument::ALL.iter().map(instrument::Instrument::prometheus).collect()
}

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The queries of the dashboard's panels, by what they are shown as.
fn queries() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&file("dashboards/spike.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| {
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.map(|target| (panel["title"].clone(), target["expr"].clone()))
    });
    let text = |value: Value| value.as_str().unwrap().to_owned();
    targets.map(|(title, expr)| (text(title), text(expr))).collect()
}

#[test]
fn the_page_names_every_figure_and_no_other() {
    let page = file("docs/TELEMETRY.md");
    assert_eq!(names_in(&page), exported());
    let missing = |instrument: &&instrument::Instrument| !page.contains(instrument.name);
    let missing: Vec<&str> =
        instrument::ALL.iter().filter(missing).map(|instrument| instrument.name).collect();
    assert_eq!(missing, [""; 0]);
    let commands = crate::docs::commands(&page);
    assert!(commands.len() > 2, "the commands were found");
    for command in commands {
        let parsed = Cli::try_parse_from(command.split_whitespace());
        assert!(parsed.is_ok(), "{command}: {}", parsed.unwrap_err());
    }
}

#[test]
fn the_dashboard_shows_every_figure_and_no_panel_lies_on_another() {
    let text = file("dashboards/spike.json");
    assert_eq!(names_in(&text), exported());
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let (mut numbers, mut covered) = (BTreeSet::new(), BTreeMap::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(numbers.insert(panel["id"].as_u64().unwrap()), "{title}");
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{title}");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                let other = covered.insert((x, y), title);
                assert_eq!(other, None, "{title}");
            }
        }
        let is_row = panel["type"] == "row";
        assert!(is_row || panel["datasource"]["uid"] == "${datasource}", "{title}");
        assert!(is_row || !panel["description"].as_str().unwrap().is_empty(), "{title}");
        // Grafana would take a minute where it is not told how often is scraped, and a spike is shorter.
        let mut targets = panel["targets"].as_array().into_iter().flatten();
        assert!(targets.all(|target| target["interval"] == "1s"), "{title}");
    }
}
