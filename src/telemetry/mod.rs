//! What a live run tells those who follow it while it lasts: metrics for Prometheus and OpenTelemetry, and
//! traces. Pure: what came in each second goes in, bytes come out; sockets are in `live/export`.

pub mod exponential;
pub mod instrument;
pub mod otlp;
pub mod prometheus;
pub mod totals;

use domain::outcome::Operation;
use domain::time::Time;

/// The run that is told of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// When it began \[ns of UTC\].
    pub began_utc_ns: u64,
    /// When its first sale opens.
    pub opening: Time,
    /// What its fans may do.
    pub operations: Vec<Operation>,
    /// What tells it from others: names and values of OpenTelemetry's resource, each name once.
    pub resource: Vec<(String, String)>,
}

#[cfg(test)]
mod fixture;
