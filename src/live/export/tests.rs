use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc as channel;

use domain::id::FanId;
use domain::outcome::{Operation, Outcome};
use domain::time::Time;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use prost::Message as _;
use reqwest::header::HeaderMap;

use super::*;
use crate::live::abroad::Trust;
use crate::measure::meter::Meter;
use crate::measure::recorder::{Recorder, Sinks};
use crate::tracing::{Sampler, Span, Spans};

/// What a collector was told.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    path: String,
    key: String,
    body: Vec<u8>,
}

/// Opens a collector that does `deed` about what it is told: answers, or never does.
fn collector(deed: impl Fn(&Told) -> Option<&'static str> + Send + Sync + 'static) -> Collector {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let deed = Arc::new(deed);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let deed = Arc::clone(&deed);
            thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                while let Some(told) = read(&mut reader) {
                    let Some(status) = deed(&told) else {
                        // Until the other side gives up.
                        return drop(io::copy(&mut reader, &mut io::sink()));
                    };
                    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                    if reader.get_mut().write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    let mut headers = HeaderMap::new();
    headers.insert("x-key", "hush".parse().unwrap());
    Collector {
        metrics: Some(format!("{base}/v1/metrics")),
        traces: Some(format!("{base}/v1/traces")),
        headers,
        timeout: Duration::from_mins(1),
        trust: Trust::default(),
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Told> {
    let (mut line, mut length, mut key) = (String::new(), 0, String::new());
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    loop {
        let mut field = String::new();
        reader.read_line(&mut field).ok()?;
        let Some((name, value)) = field.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "content-type" => assert_eq!(value, "application/x-protobuf"),
            "x-key" => value.clone_into(&mut key),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Told { path: line.split(' ').nth(1)?.to_owned(), key, body })
}

/// A run whose seconds are fed in by hand.
struct Fed {
    exporter: Exporter,
    recorder: Recorder,
    second: u64,
}

impl Fed {
    fn to(collector: Option<Collector>) -> Self {
        let scrape = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let clock = Clock::begin_in(Duration::ZERO);
        let run = Run { began_utc_ns: clock.began_utc_ns(), ..Run::default() };
        let exporter = Exporter::start(Some(scrape), collector, run, clock).unwrap();
        let sinks = Sinks {
            latency: Box::new(io::sink()),
            timeline: Box::new(io::sink()),
            purchases: Box::new(io::sink()),
            snapshots: Box::new(io::sink()),
        };
        let mut recorder = Recorder::new(sinks, clock.began_utc_ns(), Time::ZERO).unwrap();
        recorder.follow(exporter.tap());
        Self { exporter, recorder, second: 0 }
    }

    /// A second passes in which one operation was sent and `spans` were traced.
    fn pass(&mut self, spans: Vec<Span>) {
        let mut meter = Meter::new(Time::ZERO);
        let at = Time::from_millis(self.second * 1_000);
        meter.sent(Operation::Reload, at, at);
        let mut harvest = meter.harvest();
        harvest.trace(Spans { kept: spans, lost: 0 });
        self.second += 1;
        let until = Time::from_millis(self.second * 1_000);
        self.recorder.absorb(until, vec![harvest], &[]).unwrap();
    }

    /// The figure of that name and labels, once it is as wanted.
    fn wait(&self, name: &str, is_wanted: impl Fn(u64) -> bool) -> u64 {
        loop {
            let text = scrape(&self.exporter, "GET /metrics", "");
            let found = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
            if let Some(value) = found.filter(|value| is_wanted(*value)) {
                return value;
            }
        }
    }

    fn dropped(&self, consumer: &str, is_wanted: impl Fn(u64) -> bool) -> u64 {
        let name = format!("spike_telemetry_dropped_total{{consumer=\"{consumer}\"}} ");
        self.wait(&name, is_wanted)
    }
}

/// A question and the whole answer; empty when the other side does not want it.
fn scrape(exporter: &Exporter, line: &str, fields: &str) -> String {
    let mut stream = TcpStream::connect(exporter.scraped_at().unwrap()).unwrap();
    let request = format!("{line} HTTP/1.1\r\nHost: spike\r\n{fields}\r\n");
    let mut answer = Vec::new();
    // Who is turned away sees the connection end, in one way or another.
    let _ = stream.write_all(request.as_bytes());
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn span() -> Span {
    let fan = FanId::default();
    let traced = Sampler::new(1.0, 7, 1).operation(fan, Time::ZERO);
    Span {
        trace: traced.trace(),
        id: traced.whole(),
        parent: None,
        fan,
        operation: Operation::Checkout,
        began: Time::ZERO,
        ended: Time::from_millis(5),
        outcome: Outcome::Ok,
        request: None,
    }
}

/// The operations sent, by the body of a push.
fn sent(body: &[u8]) -> i64 {
    let told = ExportMetricsServiceRequest::decode(body).unwrap();
    let metrics = &told.resource_metrics[0].scope_metrics[0].metrics;
    let found = metrics.iter().find(|metric| metric.name == "spike.operations.sent").unwrap();
    let Some(metric::Data::Sum(sum)) = &found.data else { panic!("{found:?}") };
    let Some(number_data_point::Value::AsInt(count)) = sum.data_points[0].value else {
        panic!("{sum:?}")
    };
    count
}

#[test]
fn a_collector_is_told_each_second_and_what_was_traced() {
    let (tell, told) = channel::channel();
    let tell = Mutex::new(tell);
    let collector = collector(move |what: &Told| {
        tell.lock().unwrap().send(what.clone()).unwrap();
        Some("200 OK")
    });
    let mut run = Fed::to(Some(collector));
    run.pass(vec![span(), span()]);
    let (mut pushes, mut traces) = (Vec::new(), None);
    while traces.is_none() || pushes.last() != Some(&1) {
        let told: Told = told.recv().unwrap();
        assert_eq!(told.key, "hush");
        match told.path.as_str() {
            "/v1/metrics" => pushes.push(sent(&told.body)),
            _ => traces = Some(told),
        }
    }
    assert_eq!(pushes[..pushes.len() - 1], vec![0; pushes.len() - 1], "at first there is nothing");
    let traces = traces.unwrap();
    assert_eq!(traces.path, "/v1/traces");
    let traces = ExportTraceServiceRequest::decode(&traces.body[..]).unwrap();
    assert_eq!(traces.resource_spans[0].scope_spans[0].spans.len(), 2);
    assert_eq!(run.exporter.end(), None, "nothing is lacking");
}

#[test]
fn while_a_collector_is_slow_seconds_are_passed_over_and_the_next_push_has_them_all() {
    let (tell, told) = channel::channel();
    let (open, gate) = channel::channel();
    let shared = Mutex::new((tell, gate));
    let collector = collector(move |what: &Told| {
        let shared = shared.lock().unwrap();
        let (tell, gate) = &*shared;
        tell.send(what.body.clone()).unwrap();
        gate.recv().ok()
    });
    let mut run =
        Fed::to(Some(Collector { traces: None, timeout: Duration::from_mins(1), ..collector }));
    assert_eq!(sent(&told.recv().unwrap()), 0);
    for _ in 0..10 {
        run.pass(Vec::new());
    }
    // One of them waits for its push, the others go with it.
    assert_eq!(run.dropped("otlp_metrics", |count| count >= 9), 9);
    open.send("200 OK").unwrap();
    assert_eq!(sent(&told.recv().unwrap()), 10);
    for _ in 0..3 {
        open.send("200 OK").unwrap();
    }
    let lacking = run.exporter.end().unwrap();
    assert!(lacking.starts_with("not exported: 9 of ") && lacking.contains("otlp_metrics"));
}

#[test]
fn a_collector_that_is_stuck_is_dropped_and_counted_and_nobody_waits_for_it() {
    let collector = Collector { timeout: Duration::from_millis(200), ..collector(|_| None) };
    let mut run = Fed::to(Some(collector));
    for _ in 0..5 {
        run.pass(vec![span(); 20_000]);
    }
    // What comes while nothing is taken does not pile up.
    let most = (push::QUEUE_MAX + 2 * push::BATCH) as u64;
    run.dropped("otlp_traces", |count| count >= 100_000 - most);
    run.dropped("otlp_metrics", |count| count >= 1);
    // Scrapes are answered meanwhile.
    assert_eq!(run.wait("spike_operations_sent_total ", |count| count == 5), 5);
    let lacking = run.exporter.end().unwrap();
    assert!(lacking.contains("100000 of 100000 (otlp_traces)"), "{lacking}");
    assert!(lacking.ends_with(": the collector took more than 0.2 s"), "{lacking}");
}

#[test]
fn what_a_collector_refuses_and_that_there_is_none_is_told_without_its_address() {
    let refusing = collector(|_| Some("503 Service Unavailable"));
    let mut run = Fed::to(Some(refusing));
    run.pass(vec![span()]);
    run.dropped("otlp_traces", |count| count == 1);
    let lacking = run.exporter.end().unwrap();
    assert!(lacking.ends_with(": the collector answered 503 Service Unavailable"), "{lacking}");

    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = Collector {
        metrics: Some(format!("http://{gone}/secret/v1/metrics")),
        traces: None,
        ..collector(|_| None)
    };
    let run = Fed::to(Some(nobody));
    run.dropped("otlp_metrics", |count| count >= 1);
    assert!(run.exporter.trouble().unwrap().contains("refused"), "before anything has passed");
    let lacking = run.exporter.end().unwrap();
    assert!(lacking.contains("refused") && !lacking.contains("secret"), "{lacking}");
}

#[test]
fn seconds_that_the_thread_does_not_come_to_take_are_counted_too() {
    let mut run = Fed::to(None);
    {
        // As long as somebody holds what there is to tell, the thread cannot go on.
        let _held = run.exporter.shared.state();
        let mut tap = run.exporter.tap();
        for _ in 0..WAITING_MAX + 12 {
            tap(Delta::default());
        }
    }
    run.pass(Vec::new());
    run.dropped("exporter", |count| count >= 11);
    let lacking = run.exporter.end().unwrap();
    assert!(lacking.ends_with(" seconds for want of a core"), "{lacking}");
}

#[test]
fn a_collector_that_cannot_be_asked_at_all_is_told_of() {
    let nowhere = Collector { metrics: Some("nowhere".to_owned()), ..collector(|_| None) };
    let run = Fed::to(Some(Collector { traces: None, ..nowhere }));
    let lacking = run.exporter.end().unwrap();
    assert!(lacking.starts_with("not exported: relative URL"), "{lacking}");
}

#[test]
fn scrapers_that_never_ask_take_their_places_and_the_next_is_turned_away_and_counted() {
    let mut run = Fed::to(None);
    run.pass(Vec::new());
    let at = run.exporter.scraped_at().unwrap();
    let silent: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(at).unwrap()).collect();
    assert_eq!(scrape(&run.exporter, "GET /metrics", ""), "");
    // The run goes on.
    run.pass(Vec::new());
    drop(silent);
    assert!(run.dropped("scrape", |count| count >= 1) >= 1);
    assert_eq!(run.wait("spike_operations_sent_total ", |count| count == 2), 2);
    assert!(run.exporter.end().unwrap().contains("(scrape)"));
}

#[test]
fn a_scraper_is_answered_in_its_own_form_and_others_are_told_where_to_ask() {
    let run = Fed::to(None);
    let ask = |line, fields| scrape(&run.exporter, line, fields);
    let text = ask("GET /metrics?x=1", "");
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4;"));
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
    assert!(body.contains("spike_fans_present 0\n"), "{body}");
    let accept = "Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
        encoding=delimited,text/plain;q=0.5\r\n";
    let native = ask("GET /metrics", accept);
    assert!(native.contains("Content-Type: application/vnd.google.protobuf; proto="));
    let head = ask("HEAD /metrics", "");
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    for (line, status) in [("GET /", "404"), ("POST /metrics", "405"), ("GET", "400")] {
        assert!(ask(line, "").starts_with(&format!("HTTP/1.1 {status} ")), "{line}");
    }
}

#[test]
fn an_address_that_is_taken_is_told_with_a_cure() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    let error = listen(at).unwrap_err().to_string();
    assert!(error.starts_with(&format!("serve metrics at {at}: ")), "{error}");
    assert!(error.contains("\nhint: give `--metrics`"), "{error}");
}
