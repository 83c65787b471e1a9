//! Traces: an operation of a fan, and under it the requests that it was made of, named by the semantic
//! conventions of HTTP clients (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>).

use domain::outcome::Outcome;
use domain::time::Time;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, SpanFlags, Status};
use prost::Message as _;

use super::{number, resource, scope, text};
use crate::telemetry::Run;
use crate::tracing::{self, Exchange};

/// The sampled flag of W3C Trace Context.
const SAMPLED: u32 = 1;

/// Spans of `run`, as the body of a request.
pub fn traces(run: &Run, spans: &[tracing::Span]) -> Vec<u8> {
    let spans = spans.iter().map(|span| written(run, span)).collect();
    let of_scope = ScopeSpans { scope: Some(scope()), spans, ..ScopeSpans::default() };
    let of_run = ResourceSpans {
        resource: Some(resource(run)),
        scope_spans: vec![of_scope],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![of_run] }.encode_to_vec()
}

/// How many spans the receiver refused, by the body of its answer.
pub fn rejected(answer: &[u8]) -> u64 {
    let answer = ExportTraceServiceResponse::decode(answer).unwrap_or_default();
    let rejected = answer.partial_success.map_or(0, |partial| partial.rejected_spans);
    u64::try_from(rejected).unwrap_or(0)
}

fn written(run: &Run, span: &tracing::Span) -> Span {
    let utc_ns = |at: Time| run.began_utc_ns.saturating_add(at.nanos());
    let operation = span.operation.word();
    let mut attributes = vec![
        text("spike.fan", &span.fan.to_string()),
        text("spike.operation", operation),
        text("spike.outcome", span.outcome.word()),
    ];
    let (name, kind) = match &span.request {
        None => (operation, SpanKind::Internal),
        Some(exchange) => {
            attributes.extend(of_exchange(exchange));
            // A path may name an order: what stands for many must not be the name of a span.
            (exchange.method.as_str(), SpanKind::Client)
        }
    };
    let name = name.to_owned();
    let error = error(span);
    attributes.extend(error.as_ref().map(|error| text("error.type", error)));
    let code = if error.is_some() { StatusCode::Error } else { StatusCode::Unset };
    Span {
        trace_id: span.trace.bytes().to_vec(),
        span_id: span.id.bytes().to_vec(),
        parent_span_id: span.parent.map_or_else(Vec::new, |parent| parent.bytes().to_vec()),
        // The parent of a request is known to be of this very process.
        flags: SAMPLED | SpanFlags::ContextHasIsRemoteMask as u32,
        name,
        kind: kind as i32,
        start_time_unix_nano: utc_ns(span.began),
        end_time_unix_nano: utc_ns(span.ended),
        attributes,
        status: Some(Status { code: code as i32, ..Status::default() }),
        ..Span::default()
    }
}

fn of_exchange(exchange: &Exchange) -> Vec<KeyValue> {
    let Exchange { method, secured, host, path, status } = exchange;
    let (scheme, usual): (&str, u16) = if *secured { ("https", 443) } else { ("http", 80) };
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => {
            (name, port.parse().unwrap_or(usual))
        }
        _ => (host.as_str(), usual),
    };
    // Through a proxy a request names its whole URL.
    let url = if path.starts_with('/') { format!("{scheme}://{host}{path}") } else { path.clone() };
    let mut attributes = vec![
        text("http.request.method", method),
        text("server.address", name.trim_matches(['[', ']'])),
        number("server.port", port),
        text("url.full", &url),
    ];
    attributes.extend(status.map(|status| number("http.response.status_code", status)));
    attributes
}

/// What failed, in a word; refusals are failures to who asks, and so says the convention.
fn error(span: &tracing::Span) -> Option<String> {
    match span.request.as_ref().map(|exchange| exchange.status) {
        Some(Some(status)) => (status >= 400).then(|| status.to_string()),
        Some(None) => Some(span.outcome.word().to_owned()),
        None => {
            let failed = matches!(span.outcome, Outcome::Error | Outcome::Unknown | Outcome::Shed);
            failed.then(|| span.outcome.word().to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::fixture;

    fn told(spans: &[tracing::Span]) -> Vec<Span> {
        let body = traces(&fixture::run(), spans);
        let mut told = ExportTraceServiceRequest::decode(&body[..]).unwrap();
        let mut of_run = told.resource_spans.remove(0);
        assert_eq!(of_run.resource.unwrap().attributes[0], text("service.name", "spike"));
        of_run.scope_spans.remove(0).spans
    }

    #[test]
    fn a_request_hangs_under_its_operation_with_the_names_of_the_conventions() {
        let spans = told(&fixture::spans());
        let [request, whole] = &spans[..] else { panic!("{spans:?}") };
        assert_eq!((request.name.as_str(), request.kind), ("POST", SpanKind::Client as i32));
        assert_eq!((whole.name.as_str(), whole.kind), ("checkout", SpanKind::Internal as i32));
        assert_eq!((&request.parent_span_id, &request.trace_id), (&whole.span_id, &whole.trace_id));
        assert_eq!((whole.trace_id.len(), whole.span_id.len()), (16, 8));
        assert!(whole.parent_span_id.is_empty());
        assert_eq!(request.start_time_unix_nano, fixture::BEGAN_NS + 40_001_000_000);
        assert_eq!(whole.end_time_unix_nano, fixture::BEGAN_NS + 40_250_000_000);
        let expected = [
            text("spike.fan", "0-417"),
            text("spike.operation", "checkout"),
            text("spike.outcome", "sold_out"),
            text("http.request.method", "POST"),
            text("server.address", "shop.test"),
            number("server.port", 8443),
            text("url.full", "https://shop.test:8443/checkout"),
            number("http.response.status_code", 409),
            text("error.type", "409"),
        ];
        assert_eq!(request.attributes, expected);
        // That a fan finds nothing left is no failure of the operation.
        let codes = [request, whole].map(|span| span.status.clone().unwrap().code);
        assert_eq!(codes, [StatusCode::Error as i32, StatusCode::Unset as i32]);
    }

    #[test]
    fn who_is_not_answered_failed_by_the_outcomes_word() {
        let mut span = fixture::spans().remove(0);
        span.outcome = Outcome::Unknown;
        let exchange = span.request.as_mut().unwrap();
        (exchange.status, exchange.host) = (None, "[::1]:80".to_owned());
        (exchange.secured, exchange.path) = (false, "http://shop.test/page".to_owned());
        let attributes = told(&[span]).remove(0).attributes;
        for expected in [
            text("error.type", "unknown"),
            text("server.address", "::1"),
            number("server.port", 80),
            text("url.full", "http://shop.test/page"),
        ] {
            assert!(attributes.contains(&expected), "{expected:?}");
        }
    }

    #[test]
    fn what_the_receiver_refuses_is_read_from_its_answer() {
        let partial = opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess {
            rejected_spans: 5,
            error_message: String::new(),
        };
        let answer = ExportTraceServiceResponse { partial_success: Some(partial) };
        assert_eq!(rejected(&answer.encode_to_vec()), 5);
        assert_eq!(rejected(b""), 0);
    }
}
