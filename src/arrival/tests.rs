//! What arrival processes promise: exact counts, closed forms, and that nobody changes others.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const OPENS: Time = Time::from_millis(100_000_000);
const SEED: u64 = 20_261_121;

fn read(text: &str) -> Arrive {
    toml::from_str(text).unwrap()
}

/// The arrivals of a population that nothing moves to the run's beginning \[s from the opening\].
fn moments(arrive: &Arrive, count: u32) -> Vec<f64> {
    assert_eq!(arrive.check(), []);
    let arrivals = arrive.arrivals(SEED, 0, count, OPENS, None);
    assert!(arrivals.is_sorted());
    let mut indices: Vec<_> = arrivals.iter().map(|(_, index)| *index).collect();
    indices.sort_unstable();
    assert!(indices.into_iter().eq(0..count), "each fan arrives once");
    arrivals.iter().map(|(at, _)| at.seconds() - OPENS.seconds()).collect()
}

/// The greatest distance between the empirical distribution function and `share_by`.
fn kolmogorov_distance(sorted: &[f64], share_by: impl Fn(f64) -> f64) -> f64 {
    let count = sorted.len() as f64;
    let distance = |(rank, moment): (usize, &f64)| {
        let share = share_by(*moment);
        (share - rank as f64 / count).abs().max(((rank + 1) as f64 / count - share).abs())
    };
    sorted.iter().enumerate().map(distance).fold(0.0, f64::max)
}

#[track_caller]
fn assert_close(found: &[f64], expected: impl Iterator<Item = f64>) {
    let expected: Vec<_> = expected.collect();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 2e-9, "{found} instead of {expected}");
    }
}

#[test]
fn constant_arrivals_are_evenly_spaced() {
    let middle = |k: u32| 10.0 * (f64::from(k) + 0.5) / 4.0;
    let over = read("shape = \"constant\"\nfrom = \"-5s\"\nover = \"10s\"");
    assert_close(&moments(&over, 4), (0..4).map(|k| middle(k) - 5.0));
    let rate = read("shape = \"constant\"\nrate = \"0.4/s\"");
    assert_close(&moments(&rate, 4), (0..4).map(middle));
}

#[test]
fn a_ramp_from_nothing_arrives_by_the_square_root() {
    // The integral of a rate proportional to t is proportional to t².
    let ramp = read("shape = \"ramp\"\nover = \"30s\"\nstart = \"0/s\"\nend = \"7/s\"");
    let expected = |k: u32| 30.0 * ((f64::from(k) + 0.5) / 1_000.0).sqrt();
    assert_close(&moments(&ramp, 1_000), (0..1_000).map(expected));
}

#[test]
fn a_ramp_down_is_a_ramp_up_backwards() {
    let up = read("shape = \"ramp\"\nover = \"30s\"\nstart = \"2/s\"\nend = \"7/s\"");
    let down = read("shape = \"ramp\"\nover = \"30s\"\nstart = \"7/s\"\nend = \"2/s\"");
    let mirrored = moments(&down, 999).into_iter().rev().map(|moment| 30.0 - moment);
    assert_close(&moments(&up, 999), mirrored);
}

#[test]
fn a_step_gives_each_stretch_its_share() {
    let step = read(
        "shape = \"step\"\npoints = [ { at = \"-30s\", rate = 1 }, { at = \"0s\", rate = 9 }, \
         { at = \"10s\", rate = 0 }, { at = \"20s\", rate = 3 }, { at = \"30s\", rate = 99 } ]",
    );
    let all = moments(&step, 1_500);
    let within = |from: f64, to: f64| all.iter().filter(|at| (from..to).contains(*at)).count();
    assert_eq!(
        [within(-30.0, 0.0), within(0.0, 10.0), within(10.0, 20.0), within(20.0, 30.0)],
        [300, 900, 0, 300]
    );
    assert_close(&all[300..1_200], (0..900).map(|k| (f64::from(k) + 0.5) / 90.0));
    assert_eq!(step.first(1_500, None).to_string(), "-30s");
}

#[test]
fn a_curve_inverts_the_integral_of_its_lines() {
    let curve = read(
        "shape = \"curve\"\npoints = [ { at = \"-10s\", rate = 0 }, { at = \"0s\", rate = 8 }, \
         { at = \"20s\", rate = 2 } ]",
    );
    // The triangle before the opening holds 40 of 140, the trapezium after it 100.
    let all = moments(&curve, 1_400);
    assert_close(
        &all[..400],
        (0..400).map(|k| 10.0 * ((f64::from(k) + 0.5) / 400.0).sqrt() - 10.0),
    );
    for (k, at) in (0..1_000).zip(&all[400..]) {
        let integral = 8.0 * at - 0.15 * at * at;
        assert!((integral - (f64::from(k) + 0.5) / 10.0).abs() < 1e-7);
    }
}

#[test]
fn logistic_arrivals_follow_the_logistic_distribution() {
    let logistic = read("shape = \"logistic\"\nmidpoint = \"-25s\"\nspread = \"5s\"");
    let all = moments(&logistic, 70_000);
    let share_by = |at: f64| 1.0 / (1.0 + (-(at + 25.0) / 5.0).exp());
    // Kolmogorov: below 1.63/√n with probability 0.99; the seed is fixed.
    assert!(kolmogorov_distance(&all, share_by) < 1.63 / 70_000_f64.sqrt());
    let near = all.iter().filter(|at| (-30.0..=-20.0).contains(*at)).count();
    assert!((near as f64 / 70_000.0 - 0.5_f64.tanh()).abs() < 0.005, "46 % within one spread");
}

#[test]
fn poisson_arrivals_are_uniform_and_their_counts_poisson() {
    let poisson = read("shape = \"poisson\"\nrate = \"400/s\"");
    let all = moments(&poisson, 80_000);
    assert!(kolmogorov_distance(&all, |at| at / 200.0) < 1.63 / 80_000_f64.sqrt());
    let by = |tenths: u32| all.partition_point(|at| *at < f64::from(tenths) / 10.0) as f64;
    let squares = (0..2_000).map(|tenths| (by(tenths + 1) - by(tenths) - 40.0).powi(2));
    let variance = squares.sum::<f64>() / 2_000.0;
    // The variance of Poisson counts is their mean; its estimate from 2,000 errs by 3 %.
    assert!((variance / 40.0 - 1.0).abs() < 0.1, "{variance}");
}

#[test]
fn all_at_once_is_one_instant() {
    assert_close(&moments(&read("shape = \"at-once\""), 3), [0.0; 3].into_iter());
    assert_close(&moments(&read("shape = \"at-once\"\nat = \"-2s\""), 3), [-2.0; 3].into_iter());
}

#[test]
fn a_trace_is_repeated_as_it_was_and_serves_any_count() {
    let trace = read("shape = \"trace\"\nfile = \"arrivals.csv\"");
    let file = [3.0, -1.0, 3.0, 8.0];
    let of = |count| {
        let arrivals = trace.arrivals(SEED, 0, count, OPENS, Some(&file));
        arrivals.iter().map(|(at, _)| at.seconds() - OPENS.seconds()).collect::<Vec<_>>()
    };
    assert_eq!(of(4), [-1.0, 3.0, 3.0, 8.0]);
    assert_eq!(of(8), [-1.0, -1.0, 3.0, 3.0, 3.0, 3.0, 8.0, 8.0]);
    assert_eq!(of(1), [3.0]);
    assert_eq!(trace.first(4, Some(&file)).to_string(), "-1s");
}

#[test]
fn of_a_logistic_whose_midpoint_is_past_the_early_stand_there_as_the_run_begins() {
    let logistic = read("shape = \"logistic\"\nmidpoint = \"-10s\"\nspread = \"5s\"");
    let arrivals = logistic.arrivals(SEED, 0, 1_000, Time::from_millis(5_000), None);
    assert_eq!(arrivals.len(), 1_000);
    let early = arrivals.iter().filter(|(at, _)| *at == Time::ZERO).count();
    // The share before +1 spread is 73 %.
    assert!((660..800).contains(&early), "{early}");
}

#[test]
fn who_would_come_before_the_run_comes_in_the_first_half_of_a_logistic() {
    let logistic = read("shape = \"logistic\"\nmidpoint = \"-25s\"\nspread = \"5s\"");
    let opens = Time::from_millis(40_000);
    let at = |opens: Time| {
        let mut all = logistic.arrivals(SEED, 0, 70_000, opens, None);
        all.sort_unstable_by_key(|(_, index)| *index);
        all.into_iter().map(|(at, _)| at.seconds() - opens.seconds()).collect::<Vec<_>>()
    };
    let (cut, whole) = (at(opens), at(Time::from_millis(4_000_000)));
    let in_first = |second: f64| cut.iter().filter(|at| **at < second - 40.0).count();
    // The density at the beginning, twice the rest of the first half: 70,000 × 0.0090 / 0.905.
    assert!((500..900).contains(&in_first(1.0)), "{}", in_first(1.0));
    assert!(in_first(0.001) < 10, "nobody stands there when the run begins");
    for (cut, whole) in cut.iter().zip(&whole) {
        assert_eq!(*whole < -25.0, *cut < -25.0);
        assert!(if *whole < -25.0 { cut >= whole } else { (cut - whole).abs() < 1e-6 });
    }
    let expected = logistic.expected(70_000, opens, Time::from_millis(15_000), None);
    assert!((expected - 35_000.0).abs() < 1e-6, "{expected}");
    assert!(logistic.expected(70_000, opens, Time::ZERO, None).abs() < 1e-6);
}

#[test]
fn the_first_moment_of_a_logistic_is_where_half_a_fan_is_expected() {
    let logistic = read("shape = \"logistic\"\nmidpoint = \"-25s\"\nspread = \"5s\"");
    let first = logistic.first(70_000, None);
    let expected = logistic.expected(70_000, OPENS, first.from(OPENS), None);
    assert!((expected - 0.5).abs() < 1e-6, "{expected}");
}

#[test]
fn nobody_arrives_out_of_an_empty_population() {
    for shape in ["shape = \"at-once\"", "shape = \"poisson\"\nrate = \"1/s\""] {
        assert!(moments(&read(shape), 0).is_empty());
        assert!(read(shape).expected(0, OPENS, OPENS, None).abs() < f64::EPSILON);
    }
}

#[track_caller]
fn problems(text: &str) -> Vec<String> {
    let problems = read(text).check();
    assert!(problems.iter().all(|problem| !problem.hint.is_empty()));
    problems.iter().map(|problem| format!("{}: {problem}", problem.key)).collect()
}

#[test]
fn keys_that_are_missing_or_not_taken_are_all_named() {
    assert_eq!(
        problems("shape = \"logistic\"\nspread = \"0s\"\nover = \"3s\"\nfile = \"x\""),
        [
            "over: the shape `logistic` does not take `over`",
            "midpoint: the shape `logistic` needs `midpoint`",
            "file: the shape `logistic` does not take `file`",
            "spread: `spread` must be longer than 0s",
        ]
    );
    assert_eq!(problems(""), ["over: the shape `constant` needs `over` or `rate`"]);
    assert_eq!(
        problems("shape = \"poisson\"\nover = \"3s\"\nrate = 0"),
        [
            "rate: the shape `poisson` takes `over` or `rate`, not both",
            "rate: `rate` must be more than 0/s",
        ]
    );
    assert_eq!(
        problems("shape = \"ramp\"\nover = \"3s\"\nstart = 0\nend = 0"),
        ["end: `start` and `end` must not both be 0/s"]
    );
    assert_eq!(problems("shape = \"trace\"\nfile = \" \""), ["file: `file` is empty"]);
    let hint = &read("shape = \"constant\"\nover = \"3s\"\nat = \"0s\"").check()[0].hint;
    assert_eq!(hint, "it takes `from`, `over` and `rate`");
}

#[test]
fn points_are_in_order_and_lead_somewhere() {
    let points = |points: &str| problems(&format!("shape = \"step\"\npoints = [{points}]"));
    assert_eq!(
        points("{ at = \"0s\", rate = 1 }"),
        ["points: 1 of the two or more points that make a curve"]
    );
    assert_eq!(
        points("{ at = \"0s\", rate = 1 }, { at = \"0s\", rate = 2 }, { at = \"-1s\", rate = 2 }"),
        [
            "points.1.at: the point at +0s does not come after +0s",
            "points.2.at: the point at -1s does not come after +0s",
        ]
    );
    assert_eq!(
        points("{ at = \"0s\", rate = 0 }, { at = \"1s\", rate = 5 }"),
        ["points: all points have the rate 0/s"]
    );
}

#[test]
fn every_example_of_a_hint_can_be_used() {
    for shape in [
        Shape::Constant,
        Shape::Ramp,
        Shape::Logistic,
        Shape::Step,
        Shape::AtOnce,
        Shape::Poisson,
        Shape::Curve,
        Shape::Trace,
    ] {
        assert_eq!(serde_json::to_value(shape).unwrap(), shape.word());
        let table: toml::Table = format!("arrive = {}", shape.example()).parse().unwrap();
        let arrive: Arrive = table["arrive"].clone().try_into().unwrap();
        assert_eq!((arrive.shape, arrive.check()), (shape, vec![]));
    }
}

const RANDOM: [Shape; 2] = [Shape::Logistic, Shape::Poisson];
const SPACED: [Shape; 4] = [Shape::Constant, Shape::Ramp, Shape::Step, Shape::Curve];
const SMOOTH: [Shape; 6] =
    [Shape::Logistic, Shape::Poisson, Shape::Constant, Shape::Ramp, Shape::Step, Shape::Curve];

/// Settings of shapes other than `trace`, each of which passes the check.
fn settings(shapes: &[Shape]) -> impl Strategy<Value = Arrive> {
    let rate = |per_s| Some(Rate::per_second(per_s).unwrap());
    let at = |seconds: f64| offset(seconds);
    let span = |seconds| Some(Span(duration_from_seconds(seconds)));
    let shapes = prop::sample::select(shapes.to_vec());
    let corners = vec((0.01..50.0_f64, prop_oneof![Just(0.0), 0.01..9.0_f64]), 2..8);
    (shapes, -300.0..300.0_f64, 0.001..300.0_f64, 0.0..9.0_f64, corners).prop_map(
        move |(shape, moment, length, level, corners)| {
            let none = Arrive { shape, ..Arrive::default() };
            let mut later = moment;
            let points = corners.into_iter().enumerate().map(|(place, (gap, level))| {
                later += gap;
                let level = if place == 0 { level + 0.1 } else { level };
                Point { at: at(later), rate: rate(level).unwrap() }
            });
            match shape {
                Shape::Constant | Shape::Poisson => {
                    Arrive { from: Some(at(moment)), over: span(length), ..none }
                }
                Shape::Ramp => {
                    let (start, end) = (rate(level), rate(9.0 - level));
                    Arrive { from: Some(at(moment)), over: span(length), start, end, ..none }
                }
                Shape::Logistic => {
                    Arrive { midpoint: Some(at(moment)), spread: span(length), ..none }
                }
                Shape::AtOnce => Arrive { at: Some(at(moment)), ..none },
                _ => Arrive { points: Some(points.collect()), ..none },
            }
        },
    )
}
proptest! {
    #[test]
    fn the_count_is_met_exactly_and_in_order(arrive in settings(&SMOOTH), count in 0..400_u32) {
        prop_assert_eq!(moments(&arrive, count).len(), count as usize);
    }

    #[test]
    fn one_fan_more_changes_no_random_arrival(
        arrive in settings(&RANDOM), count in 1..300_u32, seed: u64, population: u16,
    ) {
        let of = |count| arrive.arrivals(seed, population, count, OPENS, None);
        let mut more = of(count + 1);
        more.retain(|(_, index)| *index < count);
        prop_assert_eq!(more, of(count));
    }

    #[test]
    fn evenly_spaced_arrivals_keep_within_half_a_fan_of_what_is_expected(
        arrive in settings(&SPACED), count in 1..300_u32,
    ) {
        let arrivals = arrive.arrivals(SEED, 0, count, OPENS, None);
        for (arrived, (at, _)) in (0..).zip(arrivals) {
            let expected = arrive.expected(count, OPENS, at, None);
            // A nanosecond's rounding moves a steep curve by a little.
            prop_assert!((expected - f64::from(arrived) - 0.5).abs() < 1e-3, "{expected}");
        }
    }

    #[test]
    fn what_is_expected_grows_from_nobody_to_all(arrive in settings(&SMOOTH), count in 1..300_u32) {
        let by = |s: f64| arrive.expected(count, OPENS, offset(s).from(OPENS), None);
        let first = arrive.first(count, None).seconds();
        prop_assert!(by(first - 0.001) <= 0.5 + 1e-9);
        let all: Vec<_> = (-1_000..1_000).map(|second| by(f64::from(second))).collect();
        prop_assert!(all.is_sorted());
        let last = *all.last().unwrap();
        prop_assert!(arrive.shape == Shape::Logistic || last >= f64::from(count) - 1e-6);
    }

    #[test]
    fn a_trace_of_any_count_keeps_its_distribution(
        file in vec(-100.0..100.0_f64, 1..50), count in 1..500_u32, at in -120.0..120.0_f64,
    ) {
        let trace = Arrive { shape: Shape::Trace, file: Some("x".to_owned()), ..Arrive::default() };
        let arrivals = trace.arrivals(SEED, 0, count, OPENS, Some(&file));
        let at = offset(at).from(OPENS);
        let arrived = arrivals.iter().filter(|(arrival, _)| *arrival <= at).count() as f64;
        let expected = trace.expected(count, OPENS, at, Some(&file));
        prop_assert!((arrived - expected).abs() <= 0.5 + 1e-9, "{arrived} of {expected}");
    }
}
