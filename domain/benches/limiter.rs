//! What one decision of a limiter costs, per algorithm and for a gate of three: the price of a 429.

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::limiter::Limiter;
use domain::time::{Duration, Time};

/// How many calls one round decides.
const CALLS: u64 = 10_000;

/// The limit \[1/s\] and burst of every limiter here.
const RATE_PER_S: f64 = 660.0;

const SECOND: Duration = Duration::from_secs(1);

/// How long a call takes.
const LATENCY: Duration = Duration::from_millis(350);

/// Calls that come every 200 µs, so that most are refused, or every 2 ms, so that all pass.
const LOADS: [(&str, Duration); 2] =
    [("crowded", Duration::from_micros(200)), ("quiet", Duration::from_millis(2))];

fn limiters() -> [(&'static str, Limiter); 9] {
    [
        ("token_bucket", Limiter::token_bucket(RATE_PER_S, RATE_PER_S)),
        ("gcra", Limiter::gcra(RATE_PER_S, RATE_PER_S)),
        ("leaky_queue", Limiter::leaky_queue(RATE_PER_S, RATE_PER_S)),
        ("fixed_window", Limiter::fixed_window(RATE_PER_S, SECOND)),
        ("sliding_log", Limiter::sliding_log(RATE_PER_S, SECOND)),
        ("sliding_counter", Limiter::sliding_counter(RATE_PER_S, SECOND)),
        ("concurrency", Limiter::concurrency(231)),
        ("object_lock", Limiter::object_lock(SECOND)),
        ("penalty_box", Limiter::penalty_box(10, SECOND, SECOND)),
    ]
}

fn decision(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decision");
    group.throughput(Throughput::Elements(CALLS));
    for (name, limiter) in limiters() {
        for (load, gap) in LOADS {
            let (mut limiter, mut at) = (limiter.clone(), Time::ZERO);
            group.bench_function(format!("{name}/{load}"), |bencher| {
                bencher.iter(|| {
                    for number in 0..CALLS {
                        at += gap;
                        // Answers do not leave in the order the calls came.
                        let latency = LATENCY + Duration::from_millis(number * 7_919 % 100);
                        let admission = limiter.admit(black_box(at), at + latency);
                        if !black_box(admission).admits() {
                            limiter.note_refusal(at);
                        }
                    }
                });
            });
        }
    }
    group.finish();
}

/// The limiters of one limit, by who shares an allowance.
type Allowances = HashMap<String, Limiter>;

/// A limit of all calls, one of each of a thousand accounts and one of calls in flight: every one
/// is looked up and asked, and all are debited if all admit.
fn gate_of_three(criterion: &mut Criterion) {
    let accounts: Vec<String> = (0..1_000).map(|number| format!("acct_{number:016}")).collect();
    let one = |limiter: Limiter| Allowances::from([(String::new(), limiter)]);
    let each = accounts.iter().map(|account| (account.clone(), Limiter::gcra(100.0, 100.0)));
    let gate = [
        one(Limiter::token_bucket(RATE_PER_S, RATE_PER_S)),
        each.collect(),
        one(Limiter::concurrency(231)),
    ];
    let mut group = criterion.benchmark_group("gate_of_three");
    group.throughput(Throughput::Elements(CALLS));
    for (load, gap) in LOADS {
        let (mut gate, mut at) = (gate.clone(), Time::ZERO);
        group.bench_function(load, |bencher| {
            bencher.iter(|| {
                for (_, account) in (0..CALLS).zip(accounts.iter().cycle()) {
                    at += gap;
                    black_box(decide(&mut gate, ["", account, ""], at));
                }
            });
        });
    }
    group.finish();
}

fn decide(gate: &mut [Allowances; 3], holders: [&str; 3], at: Time) -> bool {
    let [all, own, flying] = gate.each_mut();
    let [first, second, third] = holders;
    let limiters = [all.get_mut(first), own.get_mut(second), flying.get_mut(third)];
    let mut limiters = limiters.map(|limiter| limiter.expect("every holder has an allowance"));
    let admits = limiters.iter().all(|limiter| limiter.would_admit(at).admits());
    if admits {
        for limiter in &mut limiters {
            limiter.take(at, at + LATENCY);
        }
    }
    admits
}

criterion_group!(benches, decision, gate_of_three);
criterion_main!(benches);
