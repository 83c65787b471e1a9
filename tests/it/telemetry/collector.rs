//! An OpenTelemetry collector that keeps what it is told, or is as rude as it is asked to be.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogramDataPoint, metric, number_data_point,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

/// A collector; it ends with the process.
pub(super) struct Collector {
    pub(super) url: String,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    /// What was said of metrics last.
    metrics: Option<ExportMetricsServiceRequest>,
    spans: Vec<Span>,
}

/// All figures of one push.
pub(super) struct Figures(Vec<Figure>);

/// One figure.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    name: String,
    labels: BTreeMap<String, String>,
    value: Number,
}

#[derive(Clone, Debug)]
enum Number {
    Count(u64),
    Level,
    Times(Box<ExponentialHistogramDataPoint>),
}

impl Collector {
    /// Opens one that answers a path so, or never does.
    pub(super) fn open(deed: fn(&str) -> Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard: Arc<Mutex<Heard>> = Arc::default();
        let kept = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                thread::spawn(move || serve(stream, deed, &kept));
            }
        });
        Self { url, heard }
    }

    /// Whether it was told anything.
    pub(super) fn has_heard(&self) -> bool {
        let heard = self.heard.lock().unwrap();
        heard.metrics.is_some() || !heard.spans.is_empty()
    }

    /// The figures that it was told last.
    pub(super) fn figures(&self) -> Figures {
        let heard = self.heard.lock().unwrap();
        let told = heard.metrics.as_ref().expect("it was told of metrics");
        let metrics = &told.resource_metrics[0].scope_metrics[0].metrics;
        let figures = metrics.iter().flat_map(|metric| {
            let of = |attributes: &[KeyValue], value| Figure {
                name: metric.name.clone(),
                labels: names(attributes),
                value,
            };
            match metric.data.as_ref().unwrap() {
                metric::Data::Sum(sum) => sum
                    .data_points
                    .iter()
                    .map(|point| of(&point.attributes, number(point.value)))
                    .collect(),
                metric::Data::Gauge(gauge) => gauge
                    .data_points
                    .iter()
                    .map(|point| of(&point.attributes, number(point.value)))
                    .collect(),
                metric::Data::ExponentialHistogram(times) => times
                    .data_points
                    .iter()
                    .map(|point| of(&point.attributes, Number::Times(Box::new(point.clone()))))
                    .collect::<Vec<Figure>>(),
                other => panic!("{other:?}"),
            }
        });
        Figures(figures.collect())
    }

    /// What its figures are of.
    pub(super) fn resource(&self) -> BTreeMap<String, String> {
        let heard = self.heard.lock().unwrap();
        let told = heard.metrics.as_ref().expect("it was told of metrics");
        names(&told.resource_metrics[0].resource.as_ref().unwrap().attributes)
    }

    /// All spans that it was told.
    pub(super) fn spans(&self) -> Vec<Span> {
        self.heard.lock().unwrap().spans.clone()
    }
}

impl Figures {
    /// The figure of that name and those labels.
    pub(super) fn one(&self, name: &str, labels: &[(&str, &String)]) -> &Figure {
        let is_it = |figure: &&Figure| {
            let theirs = figure.labels.iter().map(|(name, value)| (name.as_str(), value));
            theirs.eq(labels.iter().copied())
        };
        let found = self.all(name).find(is_it);
        found.unwrap_or_else(|| panic!("no {name} {labels:?}"))
    }

    /// All figures of that name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &Figure> {
        self.0.iter().filter(move |figure| figure.name == name)
    }

    /// How many those are.
    pub(super) fn count(&self, name: &str, labels: &[(&str, &String)]) -> u64 {
        self.one(name, labels).number()
    }
}

impl Figure {
    /// How many.
    pub(super) fn number(&self) -> u64 {
        let Number::Count(count) = self.value else { panic!("{self:?}") };
        count
    }

    /// How often each time came.
    pub(super) fn times(&self) -> &ExponentialHistogramDataPoint {
        let Number::Times(times) = &self.value else { panic!("{self:?}") };
        times
    }
}

fn number(value: Option<number_data_point::Value>) -> Number {
    match value.unwrap() {
        number_data_point::Value::AsInt(count) => Number::Count(u64::try_from(count).unwrap()),
        number_data_point::Value::AsDouble(_) => Number::Level,
    }
}

fn names(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let pair = |attribute: &KeyValue| {
        let value = attribute.value.clone().and_then(|value| value.value);
        let Some(any_value::Value::StringValue(text)) = value else { panic!("{attribute:?}") };
        (attribute.key.clone(), text)
    };
    attributes.iter().map(pair).collect()
}

fn serve(
    stream: TcpStream,
    deed: fn(&str) -> Option<&'static str>,
    heard: &Mutex<Heard>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        loop {
            let mut field = String::new();
            reader.read_line(&mut field).ok()?;
            let Some((name, value)) = field.trim_end().split_once(": ") else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let path = line.split(' ').nth(1)?;
        let Some(status) = deed(path) else {
            // Until the other side gives up.
            io::copy(&mut reader, &mut io::sink()).ok()?;
            return None;
        };
        keep(path, &body, &mut heard.lock().unwrap());
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        reader.get_mut().write_all(answer.as_bytes()).ok()?;
    }
}

fn keep(path: &str, body: &[u8], heard: &mut Heard) {
    match path {
        "/v1/metrics" => {
            heard.metrics = Some(ExportMetricsServiceRequest::decode(body).unwrap());
        }
        "/v1/traces" => {
            let told = ExportTraceServiceRequest::decode(body).unwrap();
            let scopes = told.resource_spans.into_iter().flat_map(|told| told.scope_spans);
            heard.spans.extend(scopes.flat_map(|scope| scope.spans));
        }
        _ => panic!("{path}"),
    }
}
