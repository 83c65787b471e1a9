//! What a fan costs: one visit from the first reload to the purchase, and the arrivals of a million.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::id::FanId;
use domain::outcome::{Operation, Outcome};
use domain::time::{Duration, Time};
use spike::arrival::{Arrive, Shape};
use spike::fan::behaviour::Behaviour;
use spike::fan::route::Route;
use spike::fan::{Action, Crowd, Fan, Input, Reply};

/// Reloads before the page says that it is open.
const RELOADS: u32 = 8;

fn crowd() -> Crowd {
    Crowd {
        seed: 20_261_121,
        population: 0,
        behaviour: Behaviour::default(),
        route: Route::embedded(&Behaviour::default().reload, 8),
        opens: Time::from_millis(40_000),
        closes: Time::from_millis(1_000_000),
        demand: vec![0.6, 0.3, 0.1],
        slots: 8,
        limit_per_fan: 4,
    }
}

/// Lives one visit; its inputs, and how it ended.
fn visit(index: u32, crowd: &Crowd) -> (u64, Action) {
    let mut fan = Fan::new(FanId { population: 0, index });
    let mut action = fan.step(Input::Arrived { at: Time::from_millis(10_000) }, crowd);
    let (mut inputs, mut reloads) = (1, 0);
    loop {
        let input = match action {
            Action::Leave(_) => return (inputs, action),
            Action::Sleep { until } => Input::Woke { at: until },
            Action::Send(request) => {
                reloads += u32::from(request.operation == Operation::Reload);
                let outcome = if reloads < RELOADS { Outcome::NotOpen } else { Outcome::Ok };
                let at = request.intended + Duration::from_millis(20);
                Input::Replied { at, reply: Reply::of(outcome) }
            }
        };
        action = fan.step(input, crowd);
        inputs += 1;
    }
}

fn steps(criterion: &mut Criterion) {
    let crowd = crowd();
    let (inputs, _) = visit(0, &crowd);
    let mut group = criterion.benchmark_group("fan");
    group.throughput(Throughput::Elements(inputs));
    group.bench_function("visit", |bencher| {
        let mut index = 0;
        bencher.iter(|| {
            index += 1;
            visit(black_box(index), &crowd)
        });
    });
    group.finish();
}

fn arrivals(criterion: &mut Criterion) {
    let spread = "5s".parse().expect("a length of time");
    let midpoint = "-25s".parse().expect("a moment");
    let over = "60s".parse().expect("a length of time");
    let logistic = Arrive {
        shape: Shape::Logistic,
        midpoint: Some(midpoint),
        spread: Some(spread),
        ..Arrive::default()
    };
    let constant = Arrive { shape: Shape::Constant, over: Some(over), ..Arrive::default() };
    let opens = Time::from_millis(400_000);
    let mut group = criterion.benchmark_group("arrivals");
    group.throughput(Throughput::Elements(1_000_000)).sample_size(10);
    for arrive in [logistic, constant] {
        group.bench_function(arrive.shape.word(), |bencher| {
            bencher.iter(|| black_box(&arrive).arrivals(20_261_121, 0, 1_000_000, opens, None));
        });
    }
    group.finish();
}

criterion_group!(fan, steps, arrivals);
criterion_main!(fan);
