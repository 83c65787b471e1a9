//! Recorded runs made up: a live one, a repeat of it, and a simulated one.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use domain::outcome::Operation;
use domain::time::{Duration, Time};
use serde_json::{Value, json};

use crate::measure::Percentiles;
use crate::measure::latency::{LatencyLog, LatencyWriter, Series, histogram};
use crate::measure::saga::SagaTimes;
use crate::measure::timeline::Timeline;
use crate::report::fixture;
use crate::verdict::assess::Times;
use crate::verdict::compare::Lived;
use crate::verdict::{Summary, World};

/// All that is compared of a run.
pub(in crate::report) struct Recorded {
    pub(in crate::report) summary: Summary,
    pub(in crate::report) latency: LatencyLog,
    pub(in crate::report) timeline: Timeline,
    pub(in crate::report) saga: SagaTimes,
    pub(in crate::report) scenario: Value,
    pub(in crate::report) times: Times,
}

impl Recorded {
    /// A live run that passed: 1,000 checkouts of 84 ms, sent 1 ms late, first byte after 80 ms.
    pub(in crate::report) fn live() -> Self {
        Self {
            summary: passing(84.0),
            latency: latency(&[
                (Series::Response(Operation::Checkout), 84_000),
                (Series::Service(Operation::Checkout), 83_000),
                (Series::FirstByte(Operation::Checkout), 80_000),
            ]),
            timeline: Timeline::default(),
            saga: saga(70_000, 3_000, 50_000),
            scenario: json!({"name": "dome", "shop": {"edge": {"ttl": "1s"}}}),
            times: Times::Known,
        }
    }

    /// The same again, a little slower.
    pub(in crate::report) fn repeat() -> Self {
        let mut repeat = Self::live();
        repeat.latency = latency(&[
            (Series::Response(Operation::Checkout), 86_000),
            (Series::Service(Operation::Checkout), 85_000),
            (Series::FirstByte(Operation::Checkout), 82_000),
        ]);
        repeat.summary = passing(86.0);
        repeat.summary.result.measured.orders.attempted += 20;
        repeat
    }

    /// The same simulated: 60 ms, without connections and a generator of its own.
    pub(in crate::report) fn simulated() -> Self {
        let mut summary = passing(60.0);
        summary.result.world = World::Simulated;
        let measured = &mut summary.result.measured;
        (measured.health, measured.connections, measured.database) = (None, None, None);
        measured.orders.attempted -= 10;
        Self {
            summary,
            latency: latency(&[
                (Series::Response(Operation::Checkout), 60_000),
                (Series::Service(Operation::Checkout), 60_000),
            ]),
            saga: saga(60_000, 1_000, 45_000),
            ..Self::live()
        }
    }

    pub(in crate::report) fn lived(&self) -> Lived<'_> {
        Lived {
            summary: &self.summary,
            latency: &self.latency,
            timeline: &self.timeline,
            saga: &self.saga,
            scenario: &self.scenario,
            times: self.times,
        }
    }
}

/// A run that passed, and whose checkouts all took that long \[ms\].
fn passing(checkout_ms: f64) -> Summary {
    let mut summary = fixture::passing();
    let ms = checkout_ms;
    let times =
        Percentiles { count: 1_000, p50: ms, p90: ms, p95: ms, p99: ms, p99_9: ms, max: ms };
    let checkout = summary.result.measured.operations.get_mut("checkout").unwrap();
    (checkout.response_ms, checkout.service_ms, checkout.first_byte_ms) = (Some(times), None, None);
    summary
}

/// A thousand of each time \[us\] in the first second.
fn latency(series: &[(Series, u64)]) -> LatencyLog {
    let sink = Shared::default();
    let mut writer = LatencyWriter::begin(Box::new(sink.clone()), 0).unwrap();
    for (series, us) in series {
        let mut times = histogram();
        times.record_n(*us, 1_000).unwrap();
        writer.write(*series, Time::ZERO, Duration::from_secs(1), &times).unwrap();
    }
    writer.flush().unwrap();
    let text = sink.0.lock().unwrap().clone();
    LatencyLog::read(&text[..]).unwrap()
}

fn saga(order_us: u64, reservation_us: u64, capture_us: u64) -> SagaTimes {
    let of = |us| {
        let mut times = histogram();
        times.record_n(us, 10).unwrap();
        times
    };
    SagaTimes { order: of(order_us), reservation: of(reservation_us), capture: of(capture_us) }
}

/// What a writer wrote, for whoever made it.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
