//! The event calendar: pop one, push one, with so many events pending (the hold model), and a
//! whole simulated sale in events per second.

use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use domain::draw::{Purpose, draw_for};
use domain::time::{Time, duration_from_seconds};
use spike::command::folder::RunFolder;
use spike::command::rehearse;
use spike::scenario::Context;
use spike::scenario::file;
use spike::scenario::overrides::Overrides;
use spike::sim::Visits;
use spike::sim::calendar::Calendar;
use spike::verdict::World;

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

/// The dome at a fiftieth of its size: elements are events, so the throughput is events per second.
fn dome(criterion: &mut Criterion) {
    let text = include_str!("../scenarios/dome.toml");
    let loaded = file::parse("dome.toml", text, &Overrides::default(), &Context::VIRTUAL)
        .expect("the shipped scenario is valid");
    let scenario = loaded.at_scale(Some(0.02), World::Simulated);
    let out = tempfile::tempdir().expect("a temporary folder can be made");
    let live = || {
        let run = RunFolder::create(out.path(), "dome", "bench").expect("a folder can be made");
        rehearse(&scenario, &run, Visits::Forget, &mut |_| ControlFlow::Continue(()))
            .expect("evidence can be written")
            .events
    };
    let mut group = criterion.benchmark_group("simulation");
    group.sample_size(10).throughput(Throughput::Elements(live()));
    group.bench_function("dome at 0.02", |bencher| bencher.iter(|| black_box(live())));
    group.finish();
}

criterion_group!(benches, hold, dome);
criterion_main!(benches);
