//! What OpenTelemetry's protocol carries: requests of OTLP 1 in protobuf
//! (<https://opentelemetry.io/docs/specs/otlp/>).

mod metrics;
mod traces;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::Run;

pub use metrics::metrics;
pub use traces::traces;

/// What an answer says that was refused of what was told.
pub use metrics::rejected as rejected_metrics;
/// The same of traces.
pub use traces::rejected as rejected_spans;

/// The run as the thing that everything told is of.
fn resource(run: &Run) -> Resource {
    let attributes = run.resource.iter().map(|(name, value)| text(name, value));
    Resource { attributes: attributes.collect(), ..Resource::default() }
}

/// This program as the one that measured.
fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

fn text(name: &str, value: &str) -> KeyValue {
    attribute(name, Value::StringValue(value.to_owned()))
}

fn number(name: &str, value: impl Into<i64>) -> KeyValue {
    attribute(name, Value::IntValue(value.into()))
}

fn attribute(name: &str, value: Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: name.to_owned(), value, ..KeyValue::default() }
}
