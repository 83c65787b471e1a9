//! Metrics: sums and exponential histograms since the run began, and levels of now.

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use prost::Message as _;

use super::{resource, scope, text};
use crate::telemetry::Run;
use crate::telemetry::exponential::{Exponential, SCALE, ZERO_S};
use crate::telemetry::instrument::Kind;
use crate::telemetry::totals::{self, Point, Totals, Traffics, Value};

/// The figures of `run` as they stand at `now_utc_ns`, as the body of a request.
pub fn metrics(run: &Run, totals: &Totals, traffics: &Traffics, now_utc_ns: u64) -> Vec<u8> {
    let since = Since { began_utc_ns: run.began_utc_ns, now_utc_ns };
    let metrics = totals.metrics(traffics).iter().map(|metric| since.metric(metric)).collect();
    let of_scope = ScopeMetrics { scope: Some(scope()), metrics, ..ScopeMetrics::default() };
    let of_run = ResourceMetrics {
        resource: Some(resource(run)),
        scope_metrics: vec![of_scope],
        ..ResourceMetrics::default()
    };
    ExportMetricsServiceRequest { resource_metrics: vec![of_run] }.encode_to_vec()
}

/// How many figures the receiver refused, by the body of its answer.
pub fn rejected(answer: &[u8]) -> u64 {
    let answer = ExportMetricsServiceResponse::decode(answer).unwrap_or_default();
    let rejected = answer.partial_success.map_or(0, |partial| partial.rejected_data_points);
    u64::try_from(rejected).unwrap_or(0)
}

/// The time that figures are of.
#[derive(Copy, Clone, Debug)]
struct Since {
    began_utc_ns: u64,
    now_utc_ns: u64,
}

impl Since {
    fn metric(self, metric: &totals::Metric<'_>) -> Metric {
        let points = &metric.points;
        let cumulative = AggregationTemporality::Cumulative as i32;
        let data = match metric.instrument.kind {
            Kind::Counter => metric::Data::Sum(Sum {
                data_points: points.iter().filter_map(|point| self.number(point)).collect(),
                aggregation_temporality: cumulative,
                is_monotonic: true,
            }),
            Kind::Gauge => metric::Data::Gauge(Gauge {
                data_points: points.iter().filter_map(|point| self.number(point)).collect(),
            }),
            Kind::Histogram => metric::Data::ExponentialHistogram(ExponentialHistogram {
                data_points: points.iter().filter_map(|point| self.times(point)).collect(),
                aggregation_temporality: cumulative,
            }),
        };
        Metric {
            name: metric.instrument.name.to_owned(),
            description: metric.instrument.help.to_owned(),
            unit: metric.instrument.unit.to_owned(),
            data: Some(data),
            ..Metric::default()
        }
    }

    fn number(self, point: &Point<'_>) -> Option<NumberDataPoint> {
        let value = match point.value {
            Value::Count(count) => {
                number_data_point::Value::AsInt(i64::try_from(count).unwrap_or(i64::MAX))
            }
            Value::Level(level) => number_data_point::Value::AsDouble(level),
            Value::Times(_) => return None,
        };
        Some(NumberDataPoint {
            attributes: point.labels.iter().map(|(name, value)| text(name, value)).collect(),
            start_time_unix_nano: self.began_utc_ns,
            time_unix_nano: self.now_utc_ns,
            value: Some(value),
            ..NumberDataPoint::default()
        })
    }

    fn times(self, point: &Point<'_>) -> Option<ExponentialHistogramDataPoint> {
        let Value::Times(times) = point.value else { return None };
        Some(ExponentialHistogramDataPoint {
            attributes: point.labels.iter().map(|(name, value)| text(name, value)).collect(),
            start_time_unix_nano: self.began_utc_ns,
            time_unix_nano: self.now_utc_ns,
            count: times.count(),
            sum: Some(times.sum_s()),
            scale: SCALE,
            zero_count: times.zero(),
            zero_threshold: ZERO_S,
            positive: Some(buckets(times)),
            ..ExponentialHistogramDataPoint::default()
        })
    }
}

/// The buckets by the numbers of OpenTelemetry: bucket i is above 2^(i/32) s and at most 2^((i+1)/32) s.
fn buckets(times: &Exponential) -> Buckets {
    let (first, bucket_counts) = times.dense();
    Buckets { offset: first - 1, bucket_counts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{fixture, instrument};

    fn told() -> ExportMetricsServiceRequest {
        let now = fixture::BEGAN_NS + 1_000_000_000;
        let body = metrics(&fixture::run(), &fixture::totals(), &fixture::traffics(), now);
        ExportMetricsServiceRequest::decode(&body[..]).unwrap()
    }

    fn data(told: &ExportMetricsServiceRequest, name: &str) -> metric::Data {
        let metrics = &told.resource_metrics[0].scope_metrics[0].metrics;
        let metric = metrics.iter().find(|metric| metric.name == name).expect(name);
        metric.data.clone().unwrap()
    }

    #[test]
    fn figures_are_of_the_run_since_it_began() {
        let told = told();
        let resource = told.resource_metrics[0].resource.clone().unwrap();
        assert_eq!(resource.attributes[0], text("service.name", "spike"));
        let metric::Data::Sum(sum) = data(&told, instrument::DONE.name) else { panic!("no sum") };
        assert_eq!((sum.is_monotonic, sum.aggregation_temporality), (true, 2));
        let refused = sum.data_points.iter().find(|point| {
            point.attributes == [text("operation", "checkout"), text("outcome", "rate_limited")]
        });
        let refused = refused.unwrap();
        assert_eq!(refused.value, Some(number_data_point::Value::AsInt(1)));
        assert_eq!(refused.start_time_unix_nano, fixture::BEGAN_NS);
        assert_eq!(refused.time_unix_nano, fixture::BEGAN_NS + 1_000_000_000);
    }

    #[test]
    fn a_histogram_has_one_bucket_below_prometheus_number() {
        let told = told();
        let metric::Data::ExponentialHistogram(times) = data(&told, instrument::RESPONSE.name)
        else {
            panic!("no histogram")
        };
        // Reloads took 8, 50 and 300 ms.
        let point = &times.data_points[0];
        assert_eq!(point.attributes, [text("operation", "reload")]);
        let buckets = point.positive.clone().unwrap();
        assert_eq!((point.count, point.scale, point.zero_count), (3, 5, 0));
        assert_eq!(buckets.bucket_counts.iter().sum::<u64>(), 3);
        let last = buckets.offset + i32::try_from(buckets.bucket_counts.len()).unwrap() - 1;
        let upper = libm::exp2(f64::from(last + 1) / 32.0);
        let lower = libm::exp2(f64::from(last) / 32.0);
        assert!(lower < 0.3 && 0.3 < upper, "{lower} {upper}");
    }

    #[test]
    fn what_the_receiver_refuses_is_read_from_its_answer() {
        let partial =
            opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsPartialSuccess {
                rejected_data_points: 3,
                error_message: "too many".to_owned(),
            };
        let answer = ExportMetricsServiceResponse { partial_success: Some(partial) };
        assert_eq!(rejected(&answer.encode_to_vec()), 3);
        assert_eq!([rejected(b""), rejected(b"<html>")], [0, 0]);
    }
}
