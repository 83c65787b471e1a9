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

/// A limit of all calls, one of each of a thousand accounts and one of calls in flight: every one
/// is looked up and asked, and all are debited if all admit.
fn gate_of_three(criterion: &mut Criterion) {
    let makes: [fn() -> Limiter; 3] = [
        || Limiter::token_bucket(RATE_PER_S, RATE_PER_S),
        || Limiter::gcra(100.0, 100.0),
        || Limiter::concurrency(231),
    ];
    let accounts: Vec<String> = (0..1_000).map(|number| format!("acct_{number:016}")).collect();
    let mut group = criterion.benchmark_group("gate_of_three");
    group.throughput(Throughput::Elements(CALLS));
    for (load, gap) in LOADS {
        let mut gate = makes.map(|make| (make, HashMap::<String, Limiter>::new()));
        let mut at = Time::ZERO;
        group.bench_function(load, |bencher| {
            bencher.iter(|| {
                for account in accounts.iter().cycle().take(usize::try_from(CALLS).unwrap_or(0)) {
                    at += gap;
                    let holders = ["", account.as_str(), ""];
                    black_box(decide(&mut gate, holders, at));
                }
            });
        });
    }
    group.finish();
}

type Allowances = (fn() -> Limiter, HashMap<String, Limiter>);

fn decide(gate: &mut [Allowances; 3], holders: [&str; 3], at: Time) -> bool {
    let mut admits = true;
    for ((make, limiters), holder) in gate.iter_mut().zip(holders) {
        if !limiters.contains_key(holder) {
            limiters.insert(holder.to_owned(), make());
        }
        admits &= limiters[holder].would_admit(at).admits();
    }
    if admits {
        for ((_, limiters), holder) in gate.iter_mut().zip(holders) {
            if let Some(limiter) = limiters.get_mut(holder) {
                limiter.take(at, at + LATENCY);
            }
        }
    }
    admits
}

criterion_group!(benches, decision, gate_of_three);
criterion_main!(benches);
