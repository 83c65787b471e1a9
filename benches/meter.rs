//! What one record costs the load thread: the hot path of every operation.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use domain::id::FanId;
use domain::outcome::{Operation, Outcome};
use domain::time::{Duration, Time};
use spike::evidence::Attempt;
use spike::measure::meter::Meter;

/// How many operations one round records: what a busy thread does in a second.
const OPERATIONS: u64 = 50_000;

fn attempts() -> Vec<Attempt> {
    (0..OPERATIONS)
        .map(|n| {
            let intended = Time::from_millis(40_000) + Duration::from_micros(n * 20);
            let sent = intended + Duration::from_micros(60);
            // A spread of response times as wide as a crowded shop's: 1 ms to 2 s.
            let took = Duration::from_micros(1_000 + n * 2_654_435_761 % 2_000_000);
            Attempt {
                fan: FanId { population: 0, index: 0 },
                operation: Operation::Reload,
                intended,
                sent,
                first_byte: Some(sent + took),
                done: sent + took,
                outcome: Outcome::Ok,
            }
        })
        .collect()
}

fn meter(criterion: &mut Criterion) {
    let attempts = attempts();
    let mut group = criterion.benchmark_group("meter");
    group.throughput(criterion::Throughput::Elements(OPERATIONS));
    group.bench_function("sent_and_done", |bencher| {
        let mut meter = Meter::new(Time::from_millis(40_000));
        bencher.iter(|| {
            for attempt in &attempts {
                meter.sent(attempt.operation, attempt.intended, attempt.sent);
                meter.done(black_box(attempt));
            }
            black_box(meter.harvest());
        });
    });
    group.bench_function("merge_two_threads", |bencher| {
        let mut meter = Meter::new(Time::from_millis(40_000));
        for attempt in &attempts {
            meter.done(attempt);
        }
        let harvest = meter.harvest();
        bencher.iter_batched(
            || (harvest.clone(), harvest.clone()),
            |(mut mine, theirs)| {
                mine.merge(theirs);
                black_box(mine)
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, meter);
criterion_main!(benches);
