//! The text format of Prometheus, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::Write as _;

use super::{TARGET, label};
use crate::telemetry::exponential::Exponential;
use crate::telemetry::instrument::Kind;
use crate::telemetry::totals::{Metric, Value};

/// Writes all figures.
pub(super) fn write(metrics: &[Metric<'_>], resource: &[(String, String)]) -> String {
    let mut out = String::new();
    let (name, help) = TARGET;
    head(&mut out, name, help, "gauge");
    let resource = resource.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    line(&mut out, name, &labels(resource), "1");
    for Metric { instrument, points } in metrics {
        let name = instrument.prometheus();
        let kind = match instrument.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        head(&mut out, &name, instrument.help, kind);
        for point in points {
            let labels = labels(point.labels.iter().map(|(name, value)| (*name, value.as_str())));
            match point.value {
                Value::Count(count) => line(&mut out, &name, &labels, &count.to_string()),
                Value::Level(level) => line(&mut out, &name, &labels, &level.to_string()),
                Value::Times(times) => histogram(&mut out, &name, &labels, times),
            }
        }
    }
    out
}

fn head(out: &mut String, name: &str, help: &str, kind: &str) {
    let help = help.replace('\\', r"\\").replace('\n', r"\n");
    write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n").expect("memory takes every letter");
}

fn line(out: &mut String, name: &str, labels: &str, value: &str) {
    let braces = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
    writeln!(out, "{name}{braces} {value}").expect("memory takes every letter");
}

fn histogram(out: &mut String, name: &str, labels: &str, times: &Exponential) {
    let comma = if labels.is_empty() { "" } else { "," };
    let bucket = format!("{name}_bucket");
    for (bound_s, count) in times.cumulative() {
        line(out, &bucket, &format!("{labels}{comma}le=\"{bound_s}\""), &count.to_string());
    }
    let count = times.count().to_string();
    line(out, &bucket, &format!("{labels}{comma}le=\"+Inf\""), &count);
    line(out, &format!("{name}_sum"), labels, &times.sum_s().to_string());
    line(out, &format!("{name}_count"), labels, &count);
}

/// Names and values as they stand between braces.
fn labels<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let written = pairs.map(|(name, value)| {
        let value = value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
        format!("{}=\"{value}\"", label(name))
    });
    written.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::fixture;

    #[test]
    fn a_moment_of_a_run_is_text_that_prometheus_reads() {
        let (totals, traffics) = (fixture::totals(), fixture::traffics());
        let text = write(&totals.metrics(&traffics), &fixture::run().resource);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn nothing_that_a_label_holds_breaks_a_line() {
        let odd = [("service.name", "a\"b\\c\nd")];
        assert_eq!(labels(odd.into_iter()), r#"service_name="a\"b\\c\nd""#);
    }
}
