//! Who is told what a live run comes to while it lasts.

use core::net::SocketAddr;

use clap::Args;

/// Who is told what a live run comes to while it lasts.
#[derive(Clone, Debug, Default, Args)]
pub struct TelemetryArgs {
    /// While the run lasts, answer Prometheus's scrapes at `http://ADDR/metrics`; port 0 takes a free one
    #[arg(long, env = "SPIKE_METRICS", value_name = "ADDR")]
    pub metrics: Option<SocketAddr>,
    /// While the run lasts, push metrics and traces to this OpenTelemetry collector, over HTTP [default:
    /// what `OTEL_EXPORTER_OTLP_ENDPOINT` says]; `off`: to none
    #[arg(long, env = "SPIKE_OTLP", hide_env_values = true, value_name = "URL")]
    pub otlp: Option<String>,
    /// The share of the fans whose requests are traced, from 0 to 1; every request then carries
    /// `traceparent` [default: 0.01 where traces are pushed, else 0]
    #[arg(long, env = "SPIKE_TRACE", value_name = "SHARE", value_parser = share)]
    pub trace: Option<f64>,
}

/// A share of all.
fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "write a share such as 0.01".to_owned())?;
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err("must lie between 0 and 1".to_owned())
    }
}
