//! Any crowd on any way, and any answers that it may meet.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

/// A length of time up to `longest_ms`, often zero.
fn lengths(longest_ms: u64) -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0), 0..=longest_ms].prop_map(Duration::from_millis)
}

fn laws(longest_ms: u64) -> impl Strategy<Value = Law> {
    (lengths(longest_ms), 0..3, 0.0..2.0_f64).prop_map(|(length, kind, sigma)| match kind {
        0 => Law::Constant(length),
        1 => Law::Lognormal { median: length, sigma },
        _ => Law::Exponential { mean: length },
    })
}

fn chances() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), 0.0..1.0_f64]
}

fn retries() -> impl Strategy<Value = Retry> {
    let waits = (lengths(2_000), lengths(2_000), 0.0..4.0_f64, chances());
    (waits, 0..20_u16, any::<bool>(), chances()).prop_map(
        |((base, cap, factor, jitter), attempts, honour_retry_after, give_up)| Retry {
            attempts,
            base: Span(base),
            cap: Span(cap),
            factor,
            jitter,
            honour_retry_after,
            give_up,
        },
    )
}

fn behaviours() -> impl Strategy<Value = Behaviour> {
    let reload = (laws(2_000), 0.0..0.5_f64, 0..3_u16).prop_map(|(gap, growth, calls)| Reload {
        gap,
        growth,
        calls,
        cacheable: 0,
    });
    let sold_out = (chances(), laws(2_000)).prop_map(|(leave, every)| SoldOut { leave, every });
    let pieces = vec(0.1..1.0_f64, 1..6);
    (reload, laws(8_000), laws(500), chances(), pieces, retries(), sold_out, chances(), 0..900_u64)
        .prop_map(
            |(reload, patience, think, abandon, pieces, retry, sold_out, other_card, timeout)| {
                Behaviour {
                    reload,
                    patience,
                    think,
                    login: 0.0,
                    abandon: abandon * 0.2,
                    pieces,
                    retry,
                    sold_out,
                    other_card,
                    timeout: Span(Duration::from_millis(timeout)),
                }
            },
        )
}

/// A stage with habits of its own or without; a chance of 1 is the usual.
fn stages(operations: Vec<Operation>) -> impl Strategy<Value = Stage> {
    let habits = (
        prop_oneof![3 => Just(1.0), 1 => chances()],
        option::weighted(0.3, laws(500)),
        option::weighted(0.3, lengths(900)),
        option::weighted(0.3, retries()),
        option::weighted(0.5, lengths(300)),
    );
    (prop::sample::select(operations), habits).prop_map(
        |(operation, (chance, think, timeout, retry, every))| Stage {
            operation,
            chance,
            think,
            timeout,
            retry,
            every,
            not_before: None,
        },
    )
}

/// Any way that a scenario may write, and some that none may: stages in any order, a checkout among
/// them, and polls at the end.
fn routes() -> impl Strategy<Value = Route> {
    let any = stages(Operation::ALL.to_vec());
    let before = vec(any, 0..6);
    let checkout = stages(vec![Operation::Checkout]);
    let polls = vec(stages(vec![Operation::Poll]), 0..3);
    (before, checkout, polls).prop_map(|(mut stages, checkout, polls)| {
        stages.push(checkout);
        stages.extend(polls);
        Route { stages }
    })
}

pub(super) fn crowds() -> impl Strategy<Value = Crowd> {
    let times = (0..3_000_u64, 0..4_000_u64);
    let demand = vec(0.1..1.0_f64, 1..=64);
    let slots = prop_oneof![0..5_u8, Just(64)];
    let route = option::weighted(0.7, routes());
    (any::<u64>(), behaviours(), route, times, demand, slots, 1..6_u32).prop_map(
        |(seed, behaviour, route, (opens, lasts), demand, slots, limit_per_fan)| Crowd {
            seed,
            population: 0,
            route: route.unwrap_or_else(|| Route::embedded(&behaviour.reload, slots)),
            behaviour,
            opens: Time::from_millis(opens),
            closes: Time::from_millis(opens + lasts),
            demand,
            slots,
            limit_per_fan,
        },
    )
}

pub(super) fn replies() -> impl Strategy<Value = (Duration, Reply)> {
    let outcome = prop_oneof![Just(Outcome::Ok), prop::sample::select(Outcome::ALL.to_vec())];
    let short = prop::sample::select(vec![None, Some(Short::Item), Some(Short::Slot)]);
    // Within the longest of the routes, beyond it, and as far as a number goes.
    let then = option::weighted(0.4, prop_oneof![8 => 0..11_u8, 1 => any::<u8>()]);
    (lengths(400), outcome, option::of(lengths(1_500)), short, option::of(any::<u64>()), then)
        .prop_map(|(latency, outcome, retry_after, short, mask, then)| {
            let (items, slots) = (mask.map(|mask| !mask), mask);
            (latency, Reply { outcome, retry_after, short, items, slots, then })
        })
        .boxed()
}
