//! Promises that every algorithm keeps; what one alone promises stands beside it.

use proptest::prelude::*;

use super::*;
use crate::time::nanos_of;

const SECOND: Duration = Duration::from_secs(1);

/// A call that takes `latency` from when it may start.
pub(super) fn call(limiter: &mut Limiter, at: Time, latency: Duration) -> Admission {
    let admission = limiter.would_admit(at);
    assert_eq!(limiter.admit(at, at + admission.delay() + latency), admission);
    admission
}

/// When calls are admitted until `end`, included, if each comes as early as it can.
pub(super) fn saturate(limiter: &mut Limiter, latency: Duration, end: Time) -> Vec<Time> {
    let (mut at, mut admitted) = (Time::ZERO, Vec::new());
    while at <= end {
        match call(limiter, at, latency) {
            Admission::Refuse { retry_after } => at += retry_after,
            Admission::Admit | Admission::Delay { .. } => admitted.push(at),
        }
    }
    admitted
}

pub(super) fn times(gaps: &[u64]) -> Vec<Time> {
    let mut at = Time::ZERO;
    gaps.iter()
        .map(|gap| {
            at += Duration::from_nanos(*gap);
            at
        })
        .collect()
}

pub(super) fn any_gaps() -> impl Strategy<Value = Vec<u64>> {
    let gap = prop_oneof![
        3 => Just(0),
        1 => 0_u64..1_000,
        2 => 0_u64..20_000_000,
        1 => 0_u64..5_000_000_000
    ];
    prop::collection::vec(gap, 1..200)
}

/// Limiters whose remaining calls are all admitted at once.
fn any_counting_limiter() -> impl Strategy<Value = Limiter> {
    let rate = (1_u32..2_000_000).prop_map(|milli| f64::from(milli) / 1e3);
    let burst = (1_000_u32..50_000).prop_map(|milli| f64::from(milli) / 1e3);
    let window = (1_u64..5_000).prop_map(Duration::from_millis);
    let windows = (rate.clone(), window);
    let buckets = (rate, burst);
    prop_oneof![
        buckets.clone().prop_map(|(r, b)| Limiter::token_bucket(r, b)),
        buckets.clone().prop_map(|(r, b)| Limiter::gcra(r, b)),
        buckets.prop_map(|(r, b)| Limiter::leaky_queue(r, b - 1.0)),
        windows.clone().prop_map(|(r, w)| Limiter::fixed_window(r, w)),
        windows.clone().prop_map(|(r, w)| Limiter::sliding_log(r, w)),
        windows.prop_map(|(r, w)| Limiter::sliding_counter(r, w)),
        (1_u32..40).prop_map(Limiter::concurrency),
    ]
}

fn any_limiter() -> impl Strategy<Value = Limiter> {
    let ms = |most| (0..most).prop_map(Duration::from_millis);
    prop_oneof![
        7 => any_counting_limiter(),
        1 => ms(1_000_u64).prop_map(Limiter::object_lock),
        1 => (1_u32..20, ms(2_000), ms(2_000)).prop_map(|(refusals, window, ban)| {
            Limiter::penalty_box(refusals, window + Duration::from_nanos(1), ban)
        }),
    ]
}

/// Calls at the times, each followed by a refusal elsewhere now and then; what each was told.
fn run(limiter: &mut Limiter, all: &[Time], latency: Duration) -> Vec<Admission> {
    all.iter()
        .map(|at| {
            if at.nanos() % 3 == 0 {
                limiter.note_refusal(*at);
            }
            call(limiter, *at, latency)
        })
        .collect()
}

#[test]
fn a_saturated_minute_admits_exactly_the_closed_form() {
    let minute = Time::from_millis(60_000);
    for rate in [30_u32, 100, 660] {
        let (rate_per_s, calls) = (f64::from(rate), u64::from(rate));
        for (mut limiter, admitted) in [
            (Limiter::token_bucket(rate_per_s, rate_per_s), calls + 60 * calls),
            (Limiter::token_bucket(rate_per_s, 20.0), 20 + 60 * calls),
            (Limiter::gcra(rate_per_s, rate_per_s), calls + 60 * calls),
            (Limiter::gcra(rate_per_s, 20.0), 20 + 60 * calls),
            (Limiter::leaky_queue(rate_per_s, 20.0), 1 + 20 + 60 * calls),
            // Of the second that begins with the end of the minute, these see the first instant.
            (Limiter::fixed_window(rate_per_s, SECOND), 61 * calls),
            (Limiter::sliding_log(rate_per_s, SECOND), 61 * calls),
            (Limiter::sliding_log(rate_per_s, 60 * SECOND), 2 * 60 * calls),
            (Limiter::sliding_counter(rate_per_s, SECOND), 60 * calls),
            (Limiter::concurrency(rate), 61 * calls),
            (Limiter::object_lock(Duration::ZERO), 61),
        ] {
            let times = saturate(&mut limiter, SECOND, minute);
            assert_eq!(times.len() as u64, admitted, "{limiter:?}");
        }
    }
}

#[test]
fn the_longest_time_and_the_highest_rate_do_not_overflow() {
    let longest = Duration::from_nanos(u64::MAX);
    for mut limiter in [
        Limiter::token_bucket(ALLOWANCE_MAX, ALLOWANCE_MAX),
        Limiter::gcra(ALLOWANCE_MAX, ALLOWANCE_MAX),
        Limiter::gcra(1e-12, 1.0),
        Limiter::leaky_queue(ALLOWANCE_MAX, ALLOWANCE_MAX),
        Limiter::leaky_queue(1e-12, 1.0),
        Limiter::fixed_window(ALLOWANCE_MAX, longest),
        Limiter::fixed_window(1.0, Duration::from_nanos(1)),
        Limiter::sliding_log(1e-12, longest),
        Limiter::sliding_counter(ALLOWANCE_MAX, longest),
        Limiter::sliding_counter(1.0, Duration::from_nanos(1)),
        Limiter::concurrency(1),
        Limiter::object_lock(longest),
        Limiter::penalty_box(1, longest, longest),
    ] {
        let to = limiter.clone();
        for at in [Time::ZERO, Time::NEVER, Time::NEVER, Time::ZERO] {
            let _ = limiter.admit(at, Time::NEVER);
            let _ = limiter.remaining(at);
            limiter.note_refusal(at);
            limiter.change(at, &to);
            let _ = (limiter.would_admit(Time::ZERO), limiter.would_admit(Time::NEVER));
            let _ = limiter.is_rested(at);
        }
    }
}

#[test]
fn a_quota_says_how_many_in_which_time() {
    let minute = Some(60 * SECOND);
    for (limiter, calls, window) in [
        (Limiter::token_bucket(2.0, 10.5), 10, Some(Duration::from_millis(5_250))),
        (Limiter::gcra(2.0, 10.0), 10, Some(5 * SECOND)),
        (Limiter::leaky_queue(2.0, 9.0), 10, Some(5 * SECOND)),
        (Limiter::fixed_window(20.0 / 60.0, 60 * SECOND), 20, minute),
        (Limiter::sliding_log(5.0 / 60.0, 60 * SECOND), 5, minute),
        (Limiter::sliding_counter(2.0, 60 * SECOND), 120, minute),
        (Limiter::concurrency(20), 20, None),
        (Limiter::object_lock(SECOND), 1, None),
        (Limiter::penalty_box(7, 60 * SECOND, SECOND), 7, minute),
    ] {
        assert_eq!(limiter.quota(), Quota { calls, window });
        let fresh = Remaining { calls, resets_in: Duration::ZERO };
        assert_eq!(limiter.remaining(Time::ZERO), fresh);
    }
}

#[test]
fn another_algorithm_starts_afresh() {
    let mut limiter = Limiter::fixed_window(1.0, SECOND);
    assert!(limiter.admit(Time::ZERO, Time::ZERO).admits());
    limiter.change(Time::ZERO, &Limiter::gcra(1.0, 3.0));
    assert_eq!(limiter, Limiter::gcra(1.0, 3.0));
}

proptest! {
    #[test]
    fn a_refusal_says_exactly_when_to_come_back(
        limiter in any_limiter(), gaps in any_gaps(), latency_ms in 0_u64..500,
    ) {
        let mut limiter = limiter;
        for at in times(&gaps) {
            if at.nanos() % 3 == 0 {
                limiter.note_refusal(at);
            }
            let admission = call(&mut limiter, at, Duration::from_millis(latency_ms));
            if let Admission::Refuse { retry_after } = admission {
                prop_assert!(retry_after > Duration::ZERO);
                let then = at + retry_after;
                prop_assert!(limiter.would_admit(then).admits());
                let earlier = then.before(Duration::from_nanos(1));
                prop_assert!(!limiter.would_admit(earlier).admits());
            }
        }
    }

    #[test]
    fn a_rested_limiter_is_as_good_as_new(
        limiter in any_limiter(), gaps in any_gaps(), latency_ms in 0_u64..500,
    ) {
        let latency = Duration::from_millis(latency_ms);
        let (mut fresh, mut used) = (limiter.clone(), limiter);
        let all = times(&gaps);
        for (place, at) in all.iter().enumerate() {
            if place > 0 && used.is_rested(*at) {
                let told = run(&mut fresh, &all[place..], latency);
                prop_assert_eq!(run(&mut used, &all[place..], latency), told);
                break;
            }
            let _ = run(&mut used, &all[place..=place], latency);
            let long = *at + Duration::from_secs(100_000);
            prop_assert!(used.is_rested(long), "rest comes to all: {:?}", used);
        }
    }

    #[test]
    fn asking_changes_nothing(limiter in any_limiter(), gaps in any_gaps()) {
        let mut limiter = limiter;
        for at in times(&gaps) {
            let before = limiter.clone();
            let asked = limiter.would_admit(at);
            let _ = (limiter.quota(), limiter.remaining(at), limiter.is_rested(at));
            prop_assert_eq!(&limiter, &before);
            prop_assert_eq!(limiter.admit(at, at + SECOND), asked);
        }
    }

    #[test]
    fn as_many_as_remain_are_admitted_at_once(
        limiter in any_counting_limiter(), gaps in any_gaps(), latency_ms in 1_u64..500,
    ) {
        let latency = Duration::from_millis(latency_ms);
        let mut limiter = limiter;
        let all = times(&gaps[..gaps.len().min(12)]);
        for at in &all {
            let _ = call(&mut limiter, *at, latency);
            prop_assert!(limiter.remaining(*at).calls <= limiter.quota().calls);
        }
        let at = *all.last().unwrap();
        for _ in 0..limiter.remaining(at).calls {
            prop_assert!(call(&mut limiter, at, latency).admits());
        }
        prop_assert!(!call(&mut limiter, at, latency).admits());
        prop_assert_eq!(limiter.remaining(at).calls, 0);
    }

    #[test]
    fn a_quota_resets_exactly_when_it_says(
        limiter in any_limiter(), gaps in any_gaps(), latency_ms in 0_u64..500,
    ) {
        let mut limiter = limiter;
        for at in times(&gaps) {
            let _ = run(&mut limiter, &[at], Duration::from_millis(latency_ms));
            let Remaining { calls, resets_in } = limiter.remaining(at);
            let quota = limiter.quota().calls;
            if resets_in.is_zero() {
                prop_assert_eq!(calls, quota);
            } else {
                let then = at + resets_in;
                prop_assert!(calls < quota);
                prop_assert_eq!(limiter.remaining(then).calls, quota);
                let earlier = then.before(Duration::from_nanos(1));
                prop_assert!(limiter.remaining(earlier).calls < quota);
            }
        }
    }

    #[test]
    fn time_that_runs_backwards_counts_as_the_latest_time_seen(
        limiter in any_counting_limiter(),
        steps in prop::collection::vec((-50_000_000_i64..60_000_000, 0_u64..500), 1..200),
    ) {
        let (mut limiter, mut twin) = (limiter.clone(), limiter);
        let (mut at, mut seen) = (Time::from_millis(1_000), Time::ZERO);
        for (step, latency_ms) in steps {
            let back = Duration::from_nanos(step.min(0).unsigned_abs());
            at = (at + Duration::from_nanos(step.max(0).unsigned_abs())).before(back);
            let now = at.max(seen);
            let leaves = now + Duration::from_millis(latency_ms);
            let lag = now.since(at);
            let expected = match twin.admit(now, leaves) {
                Admission::Admit => Admission::Admit,
                Admission::Delay { by } => Admission::Delay { by: by + lag },
                Admission::Refuse { retry_after } => {
                    Admission::Refuse { retry_after: retry_after + lag }
                }
            };
            prop_assert_eq!(limiter.admit(at, leaves), expected);
            prop_assert_eq!(limiter.remaining(at).calls, twin.remaining(now).calls);
            if expected.admits() {
                seen = now;
            }
        }
    }

    #[test]
    fn a_change_to_the_same_changes_nothing(limiter in any_limiter(), gaps in any_gaps()) {
        let latency = Duration::from_millis(70);
        let (mut left, mut changed) = (limiter.clone(), limiter.clone());
        for at in times(&gaps) {
            prop_assert_eq!(run(&mut left, &[at], latency), run(&mut changed, &[at], latency));
            changed.change(at, &limiter);
        }
    }
}

/// A limiter with b and r of the law of [`Limiter::change`].
#[derive(Clone, Debug)]
struct Lawful {
    limiter: Limiter,
    /// What it admits in no time \[calls\].
    at_once: u64,
    /// Its rate, as calls per window.
    calls: u64,
    window_ns: u64,
    /// What a change of the length of the window admits besides.
    when_the_window_changes: u64,
}

/// Two of one algorithm.
fn any_change() -> impl Strategy<Value = (Lawful, Lawful)> {
    let one = || (1_u32..200, 1_u32..40, prop_oneof![Just(1_000_u64), 1_u64..3_000]);
    (0..6_u8, one(), one()).prop_map(|(which, one, two)| (lawful(which, one), lawful(which, two)))
}

fn lawful(which: u8, (rate, burst, window_ms): (u32, u32, u64)) -> Lawful {
    let (rate_per_s, b) = (f64::from(rate), f64::from(burst));
    let of = |limiter, at_once| Lawful {
        limiter,
        at_once,
        calls: u64::from(rate),
        window_ns: nanos_of(SECOND),
        when_the_window_changes: 0,
    };
    let window = Duration::from_millis(window_ms);
    let limit = u64::from(burst);
    let limit_per_s = b / window.as_secs_f64();
    let windowed = |limiter, at_once, when_the_window_changes| Lawful {
        calls: limit,
        window_ns: nanos_of(window),
        when_the_window_changes,
        ..of(limiter, at_once)
    };
    match which {
        0 => of(Limiter::token_bucket(rate_per_s, b), limit),
        1 => of(Limiter::gcra(rate_per_s, b), limit),
        2 => of(Limiter::leaky_queue(rate_per_s, b), limit + 1),
        3 => windowed(Limiter::sliding_log(limit_per_s, window), limit, 0),
        4 => windowed(Limiter::sliding_counter(limit_per_s, window), limit + 2, limit),
        _ => windowed(Limiter::fixed_window(limit_per_s, window), 2 * limit, limit),
    }
}

proptest! {
    #[test]
    fn a_change_leaves_every_refusal_exact((before, after) in any_change(), gaps in any_gaps()) {
        let mut limiter = before.limiter;
        let all = times(&gaps);
        for (number, at) in all.iter().enumerate() {
            if number == all.len() / 2 {
                limiter.change(*at, &after.limiter);
            }
            if let Admission::Refuse { retry_after } = limiter.admit(*at, *at) {
                let then = *at + retry_after;
                prop_assert!(limiter.would_admit(then).admits());
                let earlier = then.before(Duration::from_nanos(1));
                prop_assert!(!limiter.would_admit(earlier).admits());
            }
        }
    }

    #[test]
    fn a_change_admits_no_more_than_both_rates_and_one_burst(
        (before, after) in any_change(),
        gaps in prop::collection::vec(prop_oneof![
            1 => 0_u64..1_000_000, 3 => 0_u64..50_000_000, 1 => 0_u64..2_000_000_000
        ], 4..60),
        cut in 1_usize..9,
        attempts in prop::sample::select(vec![1_usize, 3, 100]),
    ) {
        let all: Vec<Time> = times(&gaps).iter().flat_map(|at| vec![*at; attempts]).collect();
        let (first, second) = all.split_at(all.len() * cut / 10);
        let changed_at = second[0];
        let mut limiter = before.limiter.clone();
        let admitted = |limiter: &mut Limiter, all: &[Time]| -> Vec<Time> {
            all.iter().copied().filter(|at| limiter.admit(*at, *at).admits()).collect()
        };
        let early = admitted(&mut limiter, first);
        limiter.change(changed_at, &after.limiter);
        let late = admitted(&mut limiter, second);
        let extra = if before.window_ns == after.window_ns {
            0
        } else {
            before.when_the_window_changes.min(after.when_the_window_changes)
        };
        let at_once = u128::from(before.at_once.max(after.at_once) + extra);
        let (w1, w2) = (u128::from(before.window_ns), u128::from(after.window_ns));
        for (place, start) in early.iter().enumerate() {
            for (number, end) in late.iter().enumerate() {
                let count = (early.len() - place + number + 1) as u128;
                let old = u128::from(before.calls) * u128::from(nanos_of(changed_at - *start));
                let new = u128::from(after.calls) * u128::from(nanos_of(*end - changed_at));
                prop_assert!(count * w1 * w2 <= at_once * w1 * w2 + old * w2 + new * w1);
            }
        }
    }
}
