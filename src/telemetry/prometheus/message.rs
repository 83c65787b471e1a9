//! The protobuf messages of Prometheus, `io.prometheus.client`, in which native histograms travel
//! (<https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto>): those of
//! their fields that are written here.

use prost::Message;

use super::{TARGET, label};
use crate::telemetry::exponential::{Exponential, SCALE, ZERO_S};
use crate::telemetry::instrument::Kind;
use crate::telemetry::totals::{Metric, Point, Value};

#[derive(Clone, PartialEq, Message)]
struct MetricFamily {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    help: String,
    /// 0 counter, 1 gauge, 4 histogram.
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
    #[prost(message, repeated, tag = "4")]
    metric: Vec<Sample>,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Number>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Number>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelPair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Number {
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(uint64, optional, tag = "1")]
    sample_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    sample_sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    bucket: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    zero_count: Option<u64>,
    #[prost(message, repeated, tag = "12")]
    positive_span: Vec<BucketSpan>,
    #[prost(sint64, repeated, packed = "false", tag = "13")]
    positive_delta: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Bucket {
    #[prost(uint64, optional, tag = "1")]
    cumulative_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    upper_bound: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct BucketSpan {
    /// How many buckets after the last of the one before it begins; of the first: the number of its first.
    #[prost(sint32, optional, tag = "1")]
    offset: Option<i32>,
    #[prost(uint32, optional, tag = "2")]
    length: Option<u32>,
}

/// Writes all figures, each family with its length.
pub(super) fn write(metrics: &[Metric<'_>], resource: &[(String, String)]) -> Vec<u8> {
    let (name, help) = TARGET;
    let pairs = resource.iter().map(|(name, value)| pair(name, value));
    let one = Sample {
        label: pairs.collect(),
        gauge: Some(Number { value: Some(1.0) }),
        ..Sample::default()
    };
    let target = MetricFamily {
        name: name.to_owned(),
        help: help.to_owned(),
        kind: Some(1),
        metric: vec![one],
    };
    let mut out = target.encode_length_delimited_to_vec();
    for metric in metrics {
        family(metric).encode_length_delimited(&mut out).expect("memory takes every byte");
    }
    out
}

fn family(metric: &Metric<'_>) -> MetricFamily {
    let kind = metric.instrument.kind;
    MetricFamily {
        name: metric.instrument.prometheus(),
        help: metric.instrument.help.to_owned(),
        kind: Some(match kind {
            Kind::Counter => 0,
            Kind::Gauge => 1,
            Kind::Histogram => 4,
        }),
        metric: metric.points.iter().map(|point| sample(point, kind)).collect(),
    }
}

fn sample(point: &Point<'_>, kind: Kind) -> Sample {
    let label = point.labels.iter().map(|(name, value)| pair(name, value)).collect();
    let number = match point.value {
        Value::Count(count) => count as f64,
        Value::Level(level) => level,
        Value::Times(times) => {
            return Sample { label, histogram: Some(histogram(times)), ..Sample::default() };
        }
    };
    let number = Some(Number { value: Some(number) });
    match kind {
        Kind::Counter => Sample { label, counter: number, ..Sample::default() },
        Kind::Gauge | Kind::Histogram => Sample { label, gauge: number, ..Sample::default() },
    }
}

fn pair(name: &str, value: &str) -> LabelPair {
    LabelPair { name: label(name), value: value.to_owned() }
}

/// A native histogram, and the same by fixed bounds for those who keep no native ones.
fn histogram(times: &Exponential) -> Histogram {
    let (mut spans, mut deltas) = (Vec::new(), Vec::new());
    let (mut next, mut before) = (0, 0);
    for (first, counts) in times.runs() {
        let length = u32::try_from(counts.len()).expect("some thousand buckets at most");
        spans.push(BucketSpan { offset: Some(first - next), length: Some(length) });
        next = first + i32::try_from(length).expect("some thousand buckets at most");
        for count in counts {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            deltas.push(count - before);
            before = count;
        }
    }
    let bounded = times.cumulative().map(|(bound_s, count)| Bucket {
        cumulative_count: Some(count),
        upper_bound: Some(bound_s),
    });
    Histogram {
        sample_count: Some(times.count()),
        sample_sum: Some(times.sum_s()),
        bucket: bounded.collect(),
        schema: Some(SCALE),
        zero_threshold: Some(ZERO_S),
        zero_count: Some(times.zero()),
        positive_span: spans,
        positive_delta: deltas,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::fixture;
    use crate::telemetry::instrument;

    fn read(mut bytes: &[u8]) -> Vec<MetricFamily> {
        let mut families = Vec::new();
        while !bytes.is_empty() {
            families.push(MetricFamily::decode_length_delimited(&mut bytes).unwrap());
        }
        families
    }

    #[test]
    fn a_native_histogram_has_its_buckets_as_runs_and_differences() {
        let mut times = Exponential::new();
        for (us, count) in [(0, 2), (1_000_000, 3), (1_010_000, 5), (4_000_000, 1)] {
            times.record(us, count);
        }
        let native = histogram(&times);
        let spans =
            native.positive_span.iter().map(|span| (span.offset.unwrap(), span.length.unwrap()));
        // Buckets 0 and 1, then 62 that are empty, then bucket 64.
        assert_eq!(spans.collect::<Vec<_>>(), [(0, 2), (62, 1)]);
        assert_eq!(native.positive_delta, [3, 2, -4]);
        assert_eq!((native.zero_count, native.sample_count), (Some(2), Some(11)));
        let empty = histogram(&Exponential::new());
        // By its breadth of none Prometheus knows that it is a native one.
        assert_eq!((empty.zero_threshold, empty.positive_span), (Some(ZERO_S), Vec::new()));
    }

    #[test]
    fn both_forms_tell_the_same_figures() {
        let (totals, traffics) = (fixture::totals(), fixture::traffics());
        let metrics = totals.metrics(&traffics);
        let families = read(&write(&metrics, &fixture::run().resource));
        assert_eq!(families.len(), metrics.len() + 1);
        let text = super::super::text::write(&metrics, &fixture::run().resource);
        for family in &families {
            assert!(text.contains(&format!("# HELP {} {}\n", family.name, family.help)));
            for sample in &family.metric {
                let Some(Number { value: Some(value) }) =
                    sample.counter.as_ref().or(sample.gauge.as_ref())
                else {
                    continue;
                };
                let labels =
                    sample.label.iter().map(|pair| format!("{}=\"{}\"", pair.name, pair.value));
                let labels = labels.collect::<Vec<_>>().join(",");
                let braces =
                    if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
                let line = format!("{}{braces} {value}\n", family.name);
                assert!(text.contains(&line), "{line}");
            }
        }
        let response = instrument::RESPONSE.prometheus();
        let response = families.iter().find(|family| family.name == response).unwrap();
        let native = response.metric[0].histogram.as_ref().unwrap();
        let sum = native.positive_delta.iter().scan(0, |count, delta| {
            *count += delta;
            Some(*count)
        });
        assert_eq!(u64::try_from(sum.sum::<i64>()).ok(), native.sample_count);
    }
}
