//! What a scrape of Prometheus is answered: a text, or the protobuf messages in which native histograms
//! travel.

mod message;
mod text;

use super::totals::Metric;

/// What protobuf messages are called (<https://github.com/prometheus/prometheus/blob/main/docs/configuration/configuration.md>,
/// `scrape_protocols: PrometheusProto`).
const PROTOBUF: &str = "application/vnd.google.protobuf";
/// Which messages those are.
const FAMILY: &str = "io.prometheus.client.MetricFamily";

/// In which form figures are given.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// The text format, version 0.0.4: histograms by fixed bounds alone.
    Text,
    /// Messages `io.prometheus.client.MetricFamily`, each with its length: native histograms, and by fixed bounds.
    Protobuf,
}

impl Form {
    /// The best form that a scraper understands, who says so in its field `Accept`.
    pub fn accepted(accept: &str) -> Self {
        let understands = accept.split(',').any(|kind| {
            let mut parts = kind.split(';').map(str::trim);
            let is_protobuf = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(PROTOBUF));
            let parts: Vec<&str> = parts.collect();
            let names = |name: &str, value: &str| {
                parts.iter().filter_map(|part| part.split_once('=')).any(|(known, said)| {
                    known.eq_ignore_ascii_case(name) && said.trim_matches('"') == value
                })
            };
            is_protobuf && names("proto", FAMILY) && names("encoding", "delimited")
        });
        if understands { Self::Protobuf } else { Self::Text }
    }

    /// What the form is called in the field `Content-Type`.
    pub fn content_type(self) -> String {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8".to_owned(),
            Self::Protobuf => format!("{PROTOBUF}; proto={FAMILY}; encoding=delimited"),
        }
    }

    /// `metrics` of what `resource` says, in this form.
    pub fn write(self, metrics: &[Metric<'_>], resource: &[(String, String)]) -> Vec<u8> {
        match self {
            Self::Text => text::write(metrics, resource).into_bytes(),
            Self::Protobuf => message::write(metrics, resource),
        }
    }
}

/// The name of the figure that says what all others are of, by OpenTelemetry's compatibility specification.
const TARGET: (&str, &str) = ("target_info", "What the figures are of");

/// A name that OpenTelemetry gives as Prometheus takes it.
fn label(name: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let label: String = name.chars().map(letter).collect();
    if label.starts_with(|first: char| first.is_ascii_digit()) {
        format!("_{label}")
    } else {
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_understands_native_histograms_is_given_them() {
        let prometheus = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
            encoding=delimited;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,*/*;q=0.2";
        let spaced = "text/plain, application/vnd.google.protobuf; encoding=delimited; \
            proto=\"io.prometheus.client.MetricFamily\"";
        for accept in [prometheus, spaced] {
            assert_eq!(Form::accepted(accept), Form::Protobuf, "{accept}");
        }
        for accept in ["", "*/*", "application/openmetrics-text", "application/vnd.google.protobuf"]
        {
            assert_eq!(Form::accepted(accept), Form::Text, "{accept}");
        }
        let said = Form::Protobuf.content_type();
        assert_eq!(Form::accepted(&said), Form::Protobuf);
    }

    #[test]
    fn a_label_is_letters_digits_and_underscores() {
        assert_eq!(
            ["error.type", "service.name", "1st-ボタン"].map(label),
            ["error_type", "service_name", "_1st____"]
        );
    }
}
