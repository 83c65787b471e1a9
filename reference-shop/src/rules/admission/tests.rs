//! The gate as a whole: what passes in any window, and what is left unused.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use domain::time::Duration;

use super::*;
use proptest::prelude::*;

fn gate(orders_per_second: f64, burst: Option<f64>) -> Admission {
    let orders_per_second = Some(orders_per_second);
    Admission::new(&Settings { orders_per_second, burst, ..Settings::default() }, 1, 7)
}

fn fan(index: u32) -> FanId {
    FanId { population: 0, index }
}

struct Crowd {
    admitted_at: Vec<Time>,
    knocks: u32,
}

/// Lets `count` fans knock from `first(index)` on, each as often as it is told to.
fn knock(gate: &mut Admission, count: u32, first: impl Fn(u32) -> Time) -> Crowd {
    let mut calendar: BinaryHeap<Reverse<(Time, u32)>> =
        (0..count).map(|index| Reverse((first(index), index))).collect();
    let mut crowd = Crowd { admitted_at: Vec::new(), knocks: 0 };
    while let Some(Reverse((at, index))) = calendar.pop() {
        crowd.knocks += 1;
        if gate.ask(at, fan(index), 0) == Said::Passes {
            crowd.admitted_at.push(at);
        } else {
            let wait = Duration::from_secs(u64::from(gate.wait_s(at, fan(index), 0)));
            calendar.push(Reverse((at + wait, index)));
        }
    }
    crowd
}

/// The share of the tokens that were used while a crowd of at least `left` still waited.
fn used(crowd: &Crowd, rate_per_s: f64, left: usize) -> f64 {
    let until = crowd.admitted_at[crowd.admitted_at.len() - left];
    let passed = crowd.admitted_at.partition_point(|at| *at <= until);
    passed as f64 / (rate_per_s.max(2.0) + rate_per_s * until.seconds()).floor()
}

#[test]
fn no_token_is_left_unused_while_a_crowd_waits() {
    for (rate_per_s, count, left) in
        [(45.0, 2_000, 180), (9.0, 1_400, 36), (2.0, 400, 20), (200.0, 20_000, 800)]
    {
        let spread = knock(&mut gate(rate_per_s, None), count, |index| {
            Time::from_millis(u64::from(index) * 3_000 / u64::from(count))
        });
        let at_once = knock(&mut gate(rate_per_s, None), count, |_| Time::ZERO);
        for crowd in [spread, at_once] {
            assert_eq!(crowd.admitted_at.len(), count as usize);
            let used = used(&crowd, rate_per_s, left);
            assert!(used >= 0.99, "{used} of the tokens at {rate_per_s}/s");
        }
    }
}

#[test]
fn the_crowd_itself_is_not_the_storm() {
    let rate_per_s = 45.0;
    let crowd = knock(&mut gate(rate_per_s, None), 4_000, |_| Time::ZERO);
    let lasted = crowd.admitted_at.last().unwrap().seconds();
    // The first knock of each fan is its own; the others are asked for.
    let asked = f64::from(crowd.knocks - 4_000);
    assert!(asked < 6.0 * rate_per_s * lasted, "{asked} knocks in {lasted} s");
}

proptest! {
    #[test]
    fn in_any_window_at_most_burst_and_rate_pass(
        gaps in prop::collection::vec(0_u64..400, 1..300),
        rate_per_s in 1.0..50.0_f64,
        burst in 1.0..20.0_f64,
    ) {
        let mut gate = gate(rate_per_s, Some(burst));
        let mut at = Time::ZERO;
        let mut passed = Vec::new();
        for gap in gaps {
            at += Duration::from_millis(gap);
            if gate.ask(at, fan(0), 0) == Said::Passes {
                passed.push(at);
            }
        }
        for (first, from) in passed.iter().enumerate() {
            for (last, to) in passed.iter().enumerate().skip(first) {
                let bound = burst + rate_per_s * (*to - *from).as_secs_f64();
                prop_assert!((last - first + 1) as f64 <= bound + 1e-6);
            }
        }
    }
}

fn calls(per: Per) -> Admission {
    let calls_per_second = Some(10.0);
    let headroom = Some(0.0);
    Admission::new(&Settings { calls_per_second, headroom, per, ..Settings::default() }, 2, 7)
}

fn passing(gate: &mut Admission, at: Time, sale: u16) -> usize {
    (0..100).take_while(|index| gate.ask(at, fan(*index), sale) == Said::Passes).count()
}

#[test]
fn an_order_takes_its_two_calls_from_the_allowance() {
    let mut gate = calls(Per::Account);
    assert_eq!(passing(&mut gate, Time::ZERO, 0), 5);
    assert_eq!(passing(&mut gate, Time::from_millis(1_000), 1), 5, "10 calls a second");
}

#[test]
fn what_is_called_beside_is_missing_to_the_next_and_what_was_not_called_is_theirs() {
    let mut gate = calls(Per::Account);
    let (mut declined, mut voided) = (2, 2);
    // A declined order makes one call of its two.
    let back = gate.charge(&mut declined, 1, Over::Now);
    assert_eq!(back, -1);
    // One that finds nothing to reserve is authorized and voided, and the void was repeated twice.
    assert_eq!(gate.charge(&mut voided, 1, Over::NotYet), 0);
    assert_eq!(gate.charge(&mut voided, 1, Over::NotYet), 0);
    let beside = gate.charge(&mut voided, 1, Over::NotYet) + gate.charge(&mut voided, 1, Over::Now);
    assert_eq!(beside, 2);
    assert_eq!(passing(&mut gate, Time::ZERO, 0), 5);
    assert_eq!(gate.settle(Time::ZERO, 0, beside), None);
    // 0.2 s fill the two again, and one order's two more need another 0.2 s.
    assert_eq!(passing(&mut gate, Time::from_millis(200), 0), 0);
    assert_eq!(gate.settle(Time::from_millis(200), 0, back), None);
    assert_eq!(passing(&mut gate, Time::from_millis(300), 0), 1);
}

#[test]
fn each_sale_has_an_allowance_of_its_own_where_it_shall() {
    let mut gate = calls(Per::Sale);
    assert_eq!(passing(&mut gate, Time::ZERO, 0), 5);
    assert_eq!(passing(&mut gate, Time::ZERO, 1), 5);
    let mut gate = calls(Per::Account);
    assert_eq!(passing(&mut gate, Time::ZERO, 0), 5);
    assert_eq!(passing(&mut gate, Time::ZERO, 1), 0);
}

#[test]
fn who_counts_elsewhere_is_asked_and_told() {
    let by = AdmissionBy::Redis("redis://127.0.0.1".to_owned());
    let calls_per_second = Some(10.0);
    let settings = Settings { calls_per_second, by, per: Per::Sale, ..Settings::default() };
    let mut gate = Admission::new(&settings, 2, 7);
    assert_eq!(gate.ask(Time::ZERO, fan(0), 1), Said::Ask(Toll { lane: 1, tokens: 2 }));
    assert_eq!(gate.settle(Time::ZERO, 1, -1), Some(Toll { lane: 1, tokens: -1 }));
    assert_eq!(gate.settle(Time::ZERO, 1, 0), None);
}

/// Passes in the first minute at an edge of 8 points of presence that is meant to let 16/s through,
/// where so many come per second.
fn past_the_edge(error: f64, per_s: u32) -> f64 {
    let settings = Settings {
        orders_per_second: Some(16.0),
        by: AdmissionBy::Edge,
        error: Some(error),
        ..Settings::default()
    };
    let mut gate = Admission::new(&settings, 1, 7);
    let at = |index: u32| Time::from_millis(u64::from(index) * 1_000 / u64::from(per_s));
    let passed = (0..60 * per_s).filter(|index| gate.pass_the_edge(at(*index), fan(*index)));
    passed.count() as f64 / 60.0
}

#[test]
fn counters_of_an_edge_let_through_more_or_less_than_they_should() {
    // Each bucket is full at the beginning: a sixtieth more in the first minute.
    let meant = 16.0 * 61.0 / 60.0;
    for error in [0.3, -0.3] {
        let passed = past_the_edge(error, 400);
        assert!((passed / (meant * (1.0 + error)) - 1.0).abs() < 0.02, "{passed}/s at {error}");
    }
    // The most visited of 8 has 37 % of all visitors and an eighth of the allowance.
    let passed = past_the_edge(0.0, 16);
    assert!(passed < 0.85 * 16.0, "{passed}/s of 16 that came");
}

#[test]
fn nobody_behind_an_edge_that_counts_counts_again() {
    let settings = Settings {
        orders_per_second: Some(1.0),
        by: AdmissionBy::Edge,
        pops: Some(1),
        ..Settings::default()
    };
    let mut gate = Admission::new(&settings, 1, 7);
    assert_eq!(passing(&mut gate, Time::ZERO, 0), 100);
    assert_eq!(gate.settle(Time::ZERO, 0, 2), None);
}
