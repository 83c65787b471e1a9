//! What became of each operation, and how long it took.

use std::collections::BTreeMap;

use domain::outcome::Outcome;
use hdrhistogram::Histogram;

use crate::measure::heat::heat;
use crate::measure::latency::{LatencyLog, Series, milliseconds};
use crate::measure::timeline::TimelineLine;
use crate::measure::{OperationSummary, percentiles, round6};

/// The operations of a run that lasted so many `seconds`.
pub(super) fn operations(
    total: &TimelineLine,
    latency: &LatencyLog,
    seconds: u64,
) -> BTreeMap<String, OperationSummary> {
    let mut operations: BTreeMap<String, OperationSummary> = total
        .outcomes
        .iter()
        .map(|(operation, outcomes)| {
            let response = latency.whole(Series::Response(*operation));
            let service = latency.whole(Series::Service(*operation));
            let mut summary = operation_summary(outcomes, &response, Some(&service));
            summary.first_byte_ms = percentiles(&latency.whole(Series::FirstByte(*operation)));
            summary.service_spectrum_ms = spectrum(&service);
            summary.heat = heat(latency, Series::Response(*operation), seconds);
            (operation.word().to_owned(), summary)
        })
        .collect();
    if !total.calls.is_empty() {
        let calls = latency.whole(Series::Call);
        operations.insert("reload.call".to_owned(), operation_summary(&total.calls, &calls, None));
    }
    operations
}

/// A call of a reload has no intended time of its own: its response time is its service time.
fn operation_summary(
    outcomes: &BTreeMap<Outcome, u64>,
    response: &Histogram<u64>,
    service: Option<&Histogram<u64>>,
) -> OperationSummary {
    OperationSummary {
        count: outcomes.values().sum(),
        outcomes: outcomes
            .iter()
            .map(|(outcome, count)| (outcome.word().to_owned(), *count))
            .collect(),
        response_ms: percentiles(response),
        service_ms: percentiles(service.unwrap_or(response)),
        first_byte_ms: None,
        spectrum_ms: spectrum(response),
        service_spectrum_ms: Vec::new(),
        heat: None,
    }
}

/// Steps per halving of the distance to 1: smooth to the eye, about 100 points for a million
/// values.
const SPECTRUM_TICKS: u32 = 5;

fn spectrum(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    if histogram.is_empty() {
        return Vec::new();
    }
    let points = histogram.iter_quantiles(SPECTRUM_TICKS).map(|value| {
        (round6(value.quantile_iterated_to()), milliseconds(value.value_iterated_to()))
    });
    let mut spectrum: Vec<(f64, f64)> = points.collect();
    spectrum.dedup();
    spectrum
}
