//! Prometheus itself, scraping a run: it reads what is exported, native histograms too, and takes every query
//! of the dashboard.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use domain::id::FanId;
use domain::outcome::{Operation, Outcome};
use domain::time::{Duration, Time};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use spike::evidence::Attempt;
use spike::live::clock::Clock;
use spike::live::export::{Exporter, listen};
use spike::measure::meter::Meter;
use spike::measure::recorder::{Recorder, Sinks};
use spike::telemetry::Run;
use tempfile::TempDir;

/// Debian's package `prometheus`, which `./test` installs.
const PROGRAM: &str = "/usr/bin/prometheus";

/// A server that scrapes what the test serves; it ends with the test.
struct Prometheus {
    child: Child,
    api: SocketAddr,
    _folder: TempDir,
}

impl Prometheus {
    fn scraping(at: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "global:\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\nscrape_configs:\n  \
             - job_name: spike\n    static_configs:\n      - targets: [\"{at}\"]\n"
        );
        fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        // It takes no port 0 of which it would say what became.
        let api = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new(PROGRAM)
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address={api}"))
            .arg("--enable-feature=native-histograms")
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's package `prometheus` is installed: ./test does it");
        Self { child, api, _folder: folder }
    }

    /// What it answers to a query, once it listens.
    fn ask(&mut self, query: &str) -> Value {
        loop {
            if let Some(ended) = self.child.try_wait().unwrap() {
                panic!("prometheus ended: {ended}");
            }
            if let Some(answer) = self.get(query).ok().filter(|answer| !answer.is_null()) {
                return answer;
            }
        }
    }

    fn get(&self, query: &str) -> io::Result<Value> {
        let query = utf8_percent_encode(query, NON_ALPHANUMERIC);
        let mut stream = TcpStream::connect(self.api)?;
        write!(stream, "GET /api/v1/query?query={query} HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok(serde_json::from_str(body).unwrap_or_default())
    }

    /// The one value of a query, once there is one.
    fn value(&mut self, query: &str) -> f64 {
        loop {
            let answer = self.ask(query);
            assert_eq!(answer["status"], "success", "{query}: {answer}");
            let found = answer["data"]["result"].as_array().unwrap();
            if let [one] = &found[..] {
                return one["value"][1].as_str().unwrap().parse().unwrap();
            }
            assert!(found.is_empty(), "{query}: {answer}");
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A second of a run, in which reloads took 10, 20, … 1000 ms.
fn second(recorder: &mut Recorder) {
    let mut meter = Meter::new(Time::ZERO);
    for number in 1..=100 {
        let (operation, outcome) = (Operation::Reload, Outcome::Ok);
        let (intended, sent) = (Time::ZERO, Time::ZERO);
        let done = Time::from_millis(10 * number);
        meter.sent(operation, intended, sent);
        let (fan, first_byte) = (FanId::default(), Some(done));
        meter.done(&Attempt { fan, operation, intended, sent, first_byte, done, outcome });
    }
    recorder.absorb(Time::from_millis(1_000), vec![meter.harvest()], &[]).unwrap();
}

#[test]
fn prometheus_itself_reads_native_histograms_and_takes_every_query_of_the_dashboard() {
    let clock = Clock::begin_in(Duration::ZERO);
    let resource = vec![("spike.scenario".to_owned(), "dome \"1\"".to_owned())];
    let run = Run { began_utc_ns: clock.began_utc_ns(), resource, ..Run::default() };
    let scrape = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let exporter = Exporter::start(Some(scrape), None, run, clock).unwrap();
    let sinks = Sinks {
        latency: Box::new(io::sink()),
        timeline: Box::new(io::sink()),
        purchases: Box::new(io::sink()),
        snapshots: Box::new(io::sink()),
    };
    let mut recorder = Recorder::new(sinks, clock.began_utc_ns(), Time::ZERO).unwrap();
    recorder.follow(exporter.tap());
    second(&mut recorder);

    let mut prometheus = Prometheus::scraping(exporter.scraped_at().unwrap());
    let reload = "{operation=\"reload\"}";
    let done = "spike_operations_done_total{operation=\"reload\", outcome=\"ok\"} > 0";
    assert_eq!(prometheus.value(done), 100.0);
    assert_eq!(prometheus.value("target_info{spike_scenario=\"dome \\\"1\\\"\"}"), 1.0);
    let response = format!("spike_response_duration_seconds{reload}");
    assert_eq!(prometheus.value(&format!("histogram_count({response})")), 100.0);
    for quantile in [0.5, 0.9, 0.99] {
        let found = prometheus.value(&format!("histogram_quantile({quantile}, {response})"));
        // Of 100 times one lies 10 ms after the other, and a bucket is 2.2 % wide.
        assert!((found - quantile).abs() < 0.01 + 0.022 * quantile, "{quantile}: {found}");
    }
    let mut taken = 0;
    for (title, query) in super::queries() {
        let names = ["$job", "$instance", "$operation"];
        let query = names.into_iter().fold(query, |query, name| query.replace(name, ".*"));
        let query = query.replace("$__rate_interval", "5s");
        let answer = prometheus.ask(&query);
        assert_eq!(answer["status"], "success", "{title}: {query}: {answer}");
        taken += 1;
    }
    assert!(taken > 30, "{taken}");
    drop(prometheus);
    assert_eq!(exporter.end(), None);
}
