//! The event calendar: pop one, push one, with so many events pending (the hold model), and a
//! whole simulated sale in events per second.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use domain::draw::{Purpose, draw_for};
use domain::time::{Time, duration_from_seconds};
use spike::sim::calendar::Calendar;

fn hold(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("calendar hold");
    for pending in [1_000_u64, 100_000, 1_000_000] {
        let mut calendar = Calendar::new();
        let gap = |number| {
            duration_from_seconds(draw_for(1, number, Purpose::Service, 0).exponential(1.0))
        };
        for number in 0..pending {
            calendar.schedule(Time::ZERO + gap(number), number);
        }
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::from_parameter(pending), |bencher| {
            bencher.iter(|| {
                let (at, number) = calendar.pop().expect("as many come as go");
                calendar.schedule(at + gap(number.wrapping_add(pending)), black_box(number));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, hold);
criterion_main!(benches);
