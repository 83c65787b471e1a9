//! Step responses that were computed by hand: deterministic arrivals, no noise.

use super::*;

fn rate(per_s: f64) -> Rate {
    Rate::per_second(per_s).unwrap()
}

/// Takes a hundred a second, and grows by half.
fn balancer(every: Duration) -> Balancer {
    Balancer {
        capacity: rate(100.0),
        reserved: None,
        max: None,
        grows: Growth { every: Span(every), ..Growth::default() },
        health: None,
        slow_start: Span::default(),
        deregistration: deregistration(),
    }
}

const FIVE_MINUTES: Duration = Duration::from_mins(5);

/// What is asked for, from which second on \[requests/s\].
type Demand = fn(u64) -> u64;

/// Second by second: what share was rejected in it, and what it took at its end.
fn lived(settings: Balancer, seconds: u64, demand: Demand) -> Vec<(f64, f64)> {
    let mut balancer = LoadBalancer::new(settings);
    let lived = (0..seconds).map(|second| {
        let (per_s, before) = (demand(second), balancer.rejected());
        for one in 0..per_s {
            balancer.offer(Time::from_nanos(second * 1_000_000_000 + one * 1_000_000_000 / per_s));
        }
        balancer.second(Time::from_millis((second + 1) * 1_000));
        let rejected = (balancer.rejected() - before) as f64;
        (rejected / per_s.max(1) as f64, balancer.capacity())
    });
    lived.collect()
}

/// The first second at whose end it takes at least so many.
fn grown_s(lived: &[(f64, f64)], capacity: f64) -> Option<usize> {
    lived.iter().position(|(_, took)| *took >= capacity).map(|second| second + 1)
}

fn near(seen: f64, expected: f64) -> bool {
    (seen - expected).abs() < 1e-9
}

#[test]
fn of_four_times_its_capacity_three_quarters_are_rejected_until_it_grows_first() {
    let lived = lived(balancer(FIVE_MINUTES), 1_300, |_| 400);
    // What came in the first second, a second's worth may come ahead.
    assert!(near(lived[0].0, 0.5), "{:?}", lived[0]);
    assert!(lived[1..300].iter().all(|(rejected, _)| near(*rejected, 0.75)));
    // 100, 150, 225, 337.5, 506.25: four steps, twenty minutes.
    let steps = [150.0, 225.0, 337.5, 506.25].map(|capacity| grown_s(&lived, capacity));
    assert_eq!(steps, [300, 600, 900, 1_200].map(Some));
    assert!(lived[1_100..1_200].iter().all(|(rejected, _)| *rejected > 0.15));
    assert!(lived[1_201..].iter().all(|(rejected, _)| near(*rejected, 0.0)));
}

#[test]
fn an_optimist_sees_it_grow_in_four_minutes() {
    let lived = lived(balancer(Duration::from_mins(1)), 300, |_| 400);
    let steps = [150.0, 225.0, 337.5, 506.25].map(|capacity| grown_s(&lived, capacity));
    assert_eq!(steps, [60, 120, 180, 240].map(Some));
    assert!(lived[241..].iter().all(|(rejected, _)| near(*rejected, 0.0)));
}

#[test]
fn what_is_reserved_rejects_nothing() {
    let reserved = Balancer { reserved: Some(rate(400.0)), ..balancer(FIVE_MINUTES) };
    assert!(lived(reserved, 300, |_| 400).iter().all(|(rejected, _)| near(*rejected, 0.0)));
}

#[test]
fn eight_times_takes_six_steps_where_a_smooth_growth_would_take_26_minutes() {
    let grows = Growth::default();
    let smooth_min = libm::log(8.0) / libm::log(1.5) * 5.0;
    assert!((smooth_min - 25.6).abs() < 0.05, "{smooth_min}");
    assert_eq!(grows.steps(1_000.0, 8_000.0), Some(6));
    assert_eq!(grows.until(6), Duration::from_mins(30));
    let lived = lived(balancer(FIVE_MINUTES), 1_850, |_| 800);
    // After 25 minutes it takes 759 of 800; what is rejected until the sixth step is little.
    assert!((0.04..0.06).contains(&lived[1_560].0), "{:?}", lived[1_560]);
    let last = lived.iter().rposition(|(rejected, _)| *rejected > 0.0).unwrap();
    assert!((1_795..=1_801).contains(&last), "{last}");
}

#[test]
fn steps_are_what_a_logarithm_says() {
    let grows = Growth::default();
    let steps = [50.0, 100.0, 101.0, 150.0, 151.0, 400.0].map(|asked| grows.steps(100.0, asked));
    assert_eq!(steps, [0, 0, 1, 1, 2, 4].map(Some));
    assert_eq!(Growth { by: 1.0, ..grows }.steps(100.0, 101.0), None);
}

#[test]
fn a_lag_is_waited_for_and_what_is_on_its_way_counts() {
    let lag = Some(Span(Duration::from_mins(10)));
    let mut settings = balancer(FIVE_MINUTES);
    settings.grows.lag = lag;
    let lived = lived(settings, 2_000, |_| 150);
    // Seen after a minute; a second step five minutes later, for 0.7 of 150 is not enough; no third.
    assert_eq!(grown_s(&lived, 150.0), Some(660));
    assert_eq!(grown_s(&lived, 225.0), Some(960));
    assert_eq!(grown_s(&lived, 226.0), None);
}

#[test]
fn it_grows_to_its_most_and_not_beyond() {
    let settings = Balancer { max: Some(rate(200.0)), ..balancer(FIVE_MINUTES) };
    let lived = lived(settings, 3_000, |_| 400);
    assert_eq!((grown_s(&lived, 200.0), grown_s(&lived, 200.1)), (Some(600), None));
    let never = Growth { by: 1.0, ..Growth::default() };
    let never = Balancer { grows: never, ..balancer(FIVE_MINUTES) };
    assert_eq!(grown_s(&self::lived(never, 3_000, |_| 400), 100.1), None);
}

#[test]
fn it_shrinks_after_an_hour_by_a_step_and_never_below_what_it_began_with() {
    let lived =
        lived(balancer(FIVE_MINUTES), 4 * 3_600, |second| if second < 600 { 200 } else { 0 });
    assert_eq!(grown_s(&lived, 225.0), Some(600));
    let at = |second: usize| lived[second - 1].1;
    assert!(near(at(600 + 3_599), 225.0) && near(at(600 + 3_600), 150.0));
    assert!(near(at(600 + 7_199), 150.0) && near(at(600 + 7_200), 100.0));
    assert!(near(at(14_400), 100.0));
}

#[test]
fn without_a_target_it_refuses_all() {
    let mut balancer = LoadBalancer::new(balancer(FIVE_MINUTES));
    balancer.has_targets(false);
    assert_eq!(balancer.offer(Time::ZERO), Passage::Rejected);
    balancer.has_targets(true);
    assert_eq!(balancer.offer(Time::ZERO), Passage::Passed);
    assert_eq!((balancer.offered(), balancer.rejected()), (2, 1));
}

#[test]
fn what_passes_and_what_is_rejected_is_what_came() {
    use proptest::prelude::*;
    let gaps = proptest::collection::vec(0_u64..40_000_000, 1..2_000);
    proptest!(|(gaps in gaps, capacity in 1.0_f64..500.0)| {
        let settings = Balancer { capacity: rate(capacity), ..balancer(FIVE_MINUTES) };
        let mut balancer = LoadBalancer::new(settings);
        let (mut at, mut passed) = (0, 0_u64);
        for gap in gaps {
            at += gap;
            passed += u64::from(balancer.offer(Time::from_nanos(at)) == Passage::Passed);
        }
        prop_assert_eq!(passed + balancer.rejected(), balancer.offered());
        // Never more than a second ahead, and one.
        prop_assert!(passed as f64 <= capacity * (at as f64 / 1e9 + 1.0) * 1.001 + 2.0);
    });
}
