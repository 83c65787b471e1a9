mod passes;

use serde_json::json;

use super::fixture::{Column, rates, run, runs, shares, times};
use super::*;
use crate::verdict::compare::Unit;

const QUIET: [f64; 8] = [100.0, 104.0, 101.0, 105.0, 103.0, 107.0, 102.0, 106.0];
/// The same in another order.
const AGAIN: [f64; 8] = [103.0, 100.0, 106.0, 101.0, 105.0, 102.0, 107.0, 104.0];

/// The same times, so many times as long.
fn longer(factor: f64) -> [f64; 8] {
    AGAIN.map(|time| time * factor)
}

fn compared(a: &[Column<'_>], b: &[Column<'_>]) -> Gated {
    gate(&runs("a", a), &runs("b", b), Layout::Pairs, &Policy::default()).unwrap()
}

fn checkout(a: &[f64], b: &[f64]) -> Gated {
    compared(&[times("checkout p50", a)], &[times("checkout p50", b)])
}

fn standing(gated: &Gated) -> Standing {
    gated.figures[0].standing.unwrap()
}

fn refused(baseline: &[Observed], candidate: &[Observed], policy: &Policy) -> Vec<String> {
    let refusals = gate(baseline, candidate, Layout::Apart, policy).unwrap_err();
    refusals.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_slower_regresses_what_is_faster_improves_and_the_same_is_unchanged() {
    for (factor, expected, verdict) in [
        (1.12, Standing::Regressed, Verdict::Regression),
        (1.0 / 1.12, Standing::Improved, Verdict::Pass),
        (1.0, Standing::Unchanged, Verdict::Pass),
    ] {
        let gated = checkout(&QUIET, &longer(factor));
        assert_eq!((standing(&gated), gated.verdict), (expected, verdict), "{factor}");
    }
}

#[test]
fn of_rates_less_is_worse() {
    let of = |factor| {
        let b = longer(factor);
        let gated =
            compared(&[rates("orders per second", &QUIET)], &[rates("orders per second", &b)]);
        (standing(&gated), gated.reasons.join(" "))
    };
    let (less, why) = of(1.0 / 1.12);
    assert_eq!(less, Standing::Regressed);
    assert!(why.starts_with("orders per second is worse by 10.7 % (p < 0.0001)"), "{why}");
    assert_eq!(of(1.12).0, Standing::Improved);
}

#[test]
fn less_than_the_minimum_effect_is_no_regression_however_sure_it_is() {
    let steady = [100.0, 100.01, 100.02, 100.03, 100.04, 100.05, 100.06, 100.07];
    let gated = checkout(&steady, &steady.map(|time| time * 1.02));
    let figure = &gated.figures[0];
    assert!(figure.p_corrected.unwrap() < LEVEL, "{figure:?}");
    assert_eq!((figure.standing, gated.verdict), (Some(Standing::Unchanged), Verdict::Pass));
}

#[test]
fn one_run_that_stood_still_is_no_regression() {
    let mut b = QUIET;
    b[3] = 90_000.0;
    assert_ne!(standing(&checkout(&QUIET, &b)), Standing::Regressed);
}

#[test]
fn what_spreads_widely_is_undecided_and_what_would_not_show_a_doubling_does_not_pass() {
    let some = [100.0, 109.0, 95.0, 106.0, 92.0, 103.0, 97.0, 112.0];
    let other = [108.0, 94.0, 112.0, 99.0, 109.0, 96.0, 114.0, 98.0];
    let (a, b) =
        (runs("a", &[times("checkout p50", &some)]), runs("b", &[times("checkout p50", &other)]));
    let of = |undecided| {
        let policy = Policy { undecided, ..Policy::default() };
        gate(&a, &b, Layout::Pairs, &policy).unwrap()
    };
    let gated = of(Undecided::Passes).proposed(&a, &b);
    assert_eq!((standing(&gated), gated.verdict), (Standing::Undecided, Verdict::Pass));
    let figure = &gated.figures[0];
    assert!(figure.seen.unwrap() > 0.05 && figure.needs_runs.unwrap() > 8, "{figure:?}");
    let strict = of(Undecided::CostsThePass);
    assert_eq!(strict.verdict, Verdict::Inconclusive);
    assert!(strict.reasons[0].contains("--strict"), "{:?}", strict.reasons);

    let wild = [100.0, 1_000.0, 40.0, 700.0, 90.0, 2_500.0, 60.0, 300.0];
    let other = [70.0, 300.0, 1_000.0, 40.0, 2_500.0, 90.0, 100.0, 700.0];
    let blind = checkout(&wild, &other);
    assert_eq!(blind.verdict, Verdict::Inconclusive, "{blind:#?}");
    assert!(blind.reasons[0].contains("not even a doubling"), "{:?}", blind.reasons);
}

#[test]
fn so_few_runs_that_nothing_could_be_shown_do_not_pass() {
    for many in 1..=4 {
        let gated = checkout(&QUIET[..many], &AGAIN[..many]);
        assert_eq!(gated.verdict, Verdict::Inconclusive, "{many}");
        assert!(gated.reasons[0].contains("live 5 of each"), "{many}: {:?}", gated.reasons);
    }
    // One way of 252 is less than one in two hundred; of two figures it is not.
    assert_eq!(checkout(&QUIET[..5], &AGAIN[..5]).verdict, Verdict::Pass);
    let both = [times("checkout p50", &QUIET[..5]), times("reload p99", &QUIET[..5])];
    let gated = compared(&both, &both);
    assert!(gated.reasons[0].contains("live 6 of each"), "{:?}", gated.reasons);
}

#[test]
fn what_is_missing_in_any_run_never_passes() {
    let (a, mut b) =
        (runs("a", &[times("checkout p50", &QUIET)]), runs("b", &[times("checkout p50", &QUIET)]));
    b[5].figures.clear();
    let gated = gate(&a, &b, Layout::Pairs, &Policy::default()).unwrap();
    assert_eq!((standing(&gated), gated.verdict), (Standing::Missing, Verdict::Inconclusive));
    assert!(
        gated.reasons[0].contains("missing, or of too few values, in b/006"),
        "{:?}",
        gated.reasons
    );

    // Of far fewer values than it needs it says as little.
    let starved = Figure { values: Some(400), needed: Some(1_000), ..a[0].figures["checkout p50"] };
    b[5].figures.insert("checkout p50".to_owned(), starved);
    let gated = gate(&a, &b, Layout::Pairs, &Policy::default()).unwrap();
    assert_eq!(gated.verdict, Verdict::Inconclusive);
}

#[test]
fn runs_without_figures_never_pass() {
    let nothing = |side: &str| -> Vec<Observed> {
        (0..8).map(|number| run(&format!("{side}/{number}"), BTreeMap::new())).collect()
    };
    let gated = gate(&nothing("a"), &nothing("b"), Layout::Apart, &Policy::default()).unwrap();
    assert_eq!(gated.verdict, Verdict::Inconclusive);
    assert!(gated.reasons[0].contains("No figure gates"), "{:?}", gated.reasons);
}

#[test]
fn a_violated_invariant_is_graver_than_all_else() {
    let (a, mut b) =
        (runs("a", &[times("checkout p50", &QUIET)]), runs("b", &[times("checkout p50", &QUIET)]));
    b[2].violated = vec!["INV-OVERSELL".to_owned()];
    b[2].verdict = Verdict::InvariantViolated;
    b[3].verdict = Verdict::Inconclusive;
    let gated = gate(&a, &b, Layout::Pairs, &Policy::default()).unwrap();
    assert_eq!((gated.verdict, gated.exit_code), (Verdict::InvariantViolated, 111));
    assert_eq!(gated.reasons[0], "INV-OVERSELL is violated in 1 of 8 run(s) of the candidate.");
    // That of the baseline alone is mended now.
    let gated = gate(&b[2..3], &a[..1], Layout::Apart, &Policy::default()).unwrap();
    assert_ne!(gated.verdict, Verdict::InvariantViolated);
    let told = "INV-OVERSELL is violated in 1 of 1 run(s) of the baseline.";
    assert!(gated.notes.iter().any(|note| note == told), "{:?}", gated.notes);
}

#[test]
fn a_run_that_says_little_makes_the_gate_inconclusive_on_either_side() {
    for side in 0..2 {
        let mut sides = ["a", "b"].map(|side| runs(side, &[times("checkout p50", &QUIET)]));
        sides[side][0].verdict = Verdict::Aborted;
        let gated = gate(&sides[0], &sides[1], Layout::Pairs, &Policy::default()).unwrap();
        assert_eq!(gated.verdict, Verdict::Inconclusive, "{side}");
    }
}

#[test]
fn a_missed_objective_is_noted_and_does_not_gate() {
    let (a, mut b) =
        (runs("a", &[times("checkout p50", &QUIET)]), runs("b", &[times("checkout p50", &QUIET)]));
    b[0].missed = vec!["sold ratio >= 1".to_owned()];
    b[0].verdict = Verdict::ObjectiveMissed;
    let gated = gate(&a, &b, Layout::Pairs, &Policy::default()).unwrap();
    assert_eq!(gated.verdict, Verdict::Pass);
    let told = "`sold ratio >= 1` was missed by 0 of 8 run(s) of the baseline and 1 of 8 of the candidate.";
    assert!(gated.notes.iter().any(|note| note == told), "{:?}", gated.notes);
}

#[test]
fn simulated_runs_are_compared_exactly() {
    let of = |side: &str, value: f64, many: usize| {
        let mut runs = runs(side, &[times("checkout p50", &vec![value; many])]);
        for run in &mut runs {
            run.world = World::Simulated;
        }
        runs
    };
    let of_two =
        |a, b| gate(&of("a", a, 1), &of("b", b, 1), Layout::Apart, &Policy::default()).unwrap();
    for (to, expected, verdict) in [
        (100.0, Standing::Unchanged, Verdict::Pass),
        (104.9, Standing::Unchanged, Verdict::Pass),
        (105.1, Standing::Regressed, Verdict::Regression),
        (90.0, Standing::Improved, Verdict::Pass),
    ] {
        let gated = of_two(100.0, to);
        assert_eq!((standing(&gated), gated.verdict), (expected, verdict), "{to}");
        assert_eq!((gated.level, gated.figures[0].p), (None, None));
    }
    // From nothing to something is any measure, and no number that JSON has.
    let gated = of_two(0.0, 3.0);
    assert_eq!((standing(&gated), gated.figures[0].effect), (Standing::Regressed, None));
    assert_eq!(gated.reasons, ["checkout p50 is worse by any measure."]);
    // What should be the same and is not says that something else has a hand in it.
    let mut unlike = of("a", 100.0, 2);
    unlike[1].figures.get_mut("checkout p50").unwrap().value = 101.0;
    let gated = gate(&unlike, &of("b", 100.0, 1), Layout::Apart, &Policy::default()).unwrap();
    assert_eq!(gated.verdict, Verdict::Inconclusive);
    assert!(gated.reasons[0].contains("differ in checkout p50"), "{:?}", gated.reasons);
    // Another simulator draws otherwise, which is no change of the shop's.
    let mut newer = of("b", 100.0, 1);
    newer[0].provenance.commit = Some("203a701".to_owned());
    let told = refused(&of("a", 100.0, 1), &newer, &Policy::default());
    let expected = "the simulators differ: 0.1.0 in a/001, 0.1.0 (203a701) in b/001\nhint: record";
    assert!(told.len() == 1 && told[0].starts_with(expected), "{told:?}");
    // Of two that are lived in turns that may be the question.
    let any = Policy { vary: Vary::Any, ..Policy::default() };
    assert!(gate(&of("a", 100.0, 1), &newer, Layout::Pairs, &any).is_ok());
}

#[test]
fn runs_of_another_kind_are_refused_with_both_values_and_the_cure_all_at_once() {
    let a = runs("a", &[times("checkout p50", &QUIET[..2])]);
    let mut b = runs("b", &[times("checkout p50", &QUIET[..2])]);
    b[1].provenance.seed = 8;
    b[1].provenance.scale = 0.5;
    b[1].provenance.machine = "Intel Xeon, 4 cores, 15 GiB, Linux 6.18.5".to_owned();
    b[1].scenario = json!({"name": "gate", "seed": 8, "shop": {"edge": {"ttl": "2s"}}});
    let told = refused(&a, &b, &Policy::default());
    let expected = [
        "the seeds differ: 7 in a/001, 8 in b/002",
        "the scales differ: 1 in a/001, 0.5 in b/002",
        "the machines differ: AMD EPYC, 2 cores, 23 GiB in a/001, Intel Xeon, 4 cores, 15 GiB in b/002",
        "the scenarios of a/001 and b/002 differ in 1 key(s): shop.edge.ttl is \"1s\" and \"2s\"",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected) && told.contains("\nhint: "), "{told}");
    }
    // Another kernel of the same machine is noted, and keys that are named may differ.
    let mut b = runs("b", &[times("checkout p50", &QUIET[..2])]);
    for run in &mut b {
        run.provenance.machine = "AMD EPYC, 2 cores, 23 GiB, Linux 6.19.0".to_owned();
        run.scenario = json!({"name": "gate", "seed": 7, "shop": {"edge": {"ttl": "2s"}}});
    }
    let policy = Policy { vary: Vary::Keys(vec!["shop.edge".to_owned()]), ..Policy::default() };
    let gated = gate(&a, &b, Layout::Apart, &policy).unwrap();
    assert_eq!(gated.changed.count, 1);
    let notes = gated.notes.join(" ");
    assert!(
        notes.contains("Their kernels differ") && notes.contains("shop.edge.ttl is"),
        "{notes}"
    );
}

#[test]
fn other_scenarios_and_worlds_are_told_as_that_alone() {
    let a = runs("a", &[times("checkout p50", &QUIET[..1])]);
    let mut b = a.clone();
    b[0].world = World::Simulated;
    let told = refused(&a, &b, &Policy::default());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("the worlds differ: live in a/001, simulated in a/001"),
        "{told:?}"
    );
    let mut b = a.clone();
    b[0].provenance.scenario = "dome".to_owned();
    b[0].scenario = json!({"name": "dome"});
    let told = refused(&a, &b, &Policy::default());
    assert_eq!(told.len(), 1, "{told:?}");
    let told = refused(&[], &[], &Policy::default());
    assert!(told[0].starts_with("there is no baseline run") && told.len() == 2, "{told:?}");
}

#[test]
fn figures_are_named_with_a_direction_and_at_most_six_gate() {
    let columns = [times("checkout p50", &QUIET), ("edge mean", Unit::PerSecond, None, &QUIET[..])];
    let (a, b) = (runs("a", &columns), runs("b", &columns));
    let choice = |name: &str, better| Choice { name: name.to_owned(), better };
    let of = |figures: Vec<Choice>| Policy { figures, ..Policy::default() };
    let told = refused(&a, &b, &of(vec![choice("edge mean", None), choice("edge maen", None)]));
    assert!(told[0].starts_with("nobody knows which way `edge mean` is better"), "{told:?}");
    assert!(told[1].contains("`edge maen`\nhint: there are checkout p50, edge mean"), "{told:?}");
    let many = (0..7).map(|number| choice(&format!("figure {number}"), None)).collect();
    assert!(refused(&a, &b, &of(many))[0].starts_with("7 figures are to gate, and at most 6 may"));
    let named = of(vec![choice("edge mean", Some(Better::Higher)), choice("edge mean", None)]);
    let gated = gate(&a, &b, Layout::Pairs, &named).unwrap();
    let gating: Vec<&str> = gated.gating().map(|figure| figure.name.as_str()).collect();
    assert_eq!(gating, ["edge mean"]);
}

#[test]
fn the_usual_figures_are_of_enough_values() {
    let many = |values| Figure {
        value: 5.0,
        unit: Unit::Milliseconds,
        better: Some(Better::Lower),
        values: Some(values),
        needed: None,
    };
    let of = |checkouts, reloads| {
        let figures = [
            ("checkout p99", Figure { needed: Some(1_000), ..many(checkouts) }),
            ("checkout p95", Figure { needed: Some(200), ..many(checkouts) }),
            ("checkout p50", Figure { needed: Some(20), ..many(checkouts) }),
            ("reload p99", Figure { needed: Some(1_000), ..many(reloads) }),
            ("slots p99", Figure { needed: Some(1_000), ..many(reloads) }),
        ];
        usual(&[run("x", figures.map(|(name, figure)| (name.to_owned(), figure)).into())])
    };
    assert_eq!(of(1_000, 5_000), ["checkout p99", "checkout p50", "reload p99", "slots p99"]);
    assert_eq!(of(999, 900), ["checkout p95", "checkout p50"]);
    assert_eq!(of(30, 0), ["checkout p50"]);
    assert_eq!(usual(&[]), Vec::<String>::new());
    // A shop says once a second what it has sold: of a short sale that is too seldom.
    let sold_out = |after_s: f64| {
        let figure = Figure { value: after_s, unit: Unit::Seconds, ..many(1) };
        let figures = [("day-1 sold out after", figure), ("failed share", many(1))];
        usual(&[run("x", figures.map(|(name, figure)| (name.to_owned(), figure)).into())])
    };
    assert_eq!(sold_out(40.0), ["day-1 sold out after", "failed share"]);
    assert_eq!(sold_out(39.0), ["failed share"]);
}

#[test]
fn effects_below_the_noise_are_refused_or_do_not_count() {
    let columns = [times("checkout p50", &QUIET), shares("failed share", &[0.0; 8])];
    let a = runs("a", &columns);
    let b = runs("b", &[times("checkout p50", &AGAIN), shares("failed share", &[0.0; 8])]);
    let mut noise = Noise::of(&a, &b).unwrap();
    assert_eq!((noise.pairs, noise.machine.as_str()), (8, "AMD EPYC, 2 cores, 23 GiB"));
    let measured = noise.figures["checkout p50"];
    assert!(measured > 0.005 && measured < 0.1, "{noise:?}");
    noise.figures.insert("checkout p50".to_owned(), 0.3);
    let of = |min_effect| Policy { min_effect, noise: Some(noise.clone()), ..Policy::default() };
    let told = refused(&a, &b, &of(Some(0.1)));
    let expected =
        "effects of 10 % are asked for, and the noise of `checkout p50` on this machine is 30 %";
    assert!(told.len() == 1 && told[0].starts_with(expected), "{told:?}");

    // What nobody asks for is raised to the noise.
    let slower =
        runs("b", &[times("checkout p50", &longer(1.2)), shares("failed share", &[0.0; 8])]);
    let quiet = gate(&a, &slower, Layout::Pairs, &Policy::default()).unwrap();
    assert_eq!(quiet.verdict, Verdict::Regression);
    let raised = gate(&a, &slower, Layout::Pairs, &of(None)).unwrap();
    let figure = raised.gating().find(|figure| figure.name == "checkout p50").unwrap();
    assert_eq!((figure.min_effect, figure.noise), (Some(0.3), Some(0.3)));
    assert_eq!(raised.verdict, Verdict::Pass, "{raised:#?}");
    // Fewer runs are noisier: the deviation of a mean of half as many.
    let half = gate(&a[..4], &slower[..4], Layout::Pairs, &of(None)).unwrap();
    let figure = half.gating().find(|figure| figure.name == "checkout p50").unwrap();
    let floor = libm::expm1(libm::log1p(0.3) * core::f64::consts::SQRT_2);
    assert!((figure.noise.unwrap() - floor).abs() < 1e-5, "{figure:?}");

    // Of another machine it says nothing here.
    noise.machine = "Intel Xeon, 4 cores, 15 GiB".to_owned();
    let policy = Policy { noise: Some(noise), ..Policy::default() };
    let gated = gate(&a, &slower, Layout::Pairs, &policy).unwrap();
    assert_eq!(gated.verdict, Verdict::Regression);
    assert!(gated.notes.join(" ").contains("was left out"), "{:?}", gated.notes);
}

#[test]
fn a_share_of_failures_counts_in_points() {
    let few = [0.001, 0.002, 0.0, 0.001, 0.002, 0.001, 0.0, 0.002];
    for (more, expected) in [(0.003, Standing::Unchanged), (0.02, Standing::Regressed)] {
        let b = few.map(|share| share + more);
        let gated = compared(&[shares("failed share", &few)], &[shares("failed share", &b)]);
        assert_eq!(standing(&gated), expected, "{more}: {gated:#?}");
    }
}

#[test]
fn a_baseline_is_read_as_it_was_written() {
    let runs = runs("a", &[times("checkout p50", &QUIET), times("reload p99", &QUIET)]);
    let of = |named: &[String]| {
        let text = serde_json::to_string(&Baseline::of(&runs, named)).unwrap();
        serde_json::from_str::<Baseline>(&text).unwrap().into_runs("kept.json")
    };
    let again = of(&[]);
    assert_eq!(again[0].folder, "kept.json: a/001");
    for (again, run) in again.iter().zip(&runs) {
        assert_eq!((&again.figures, &again.scenario), (&run.figures, &run.scenario));
    }
    let named = of(&["reload p99".to_owned()]);
    assert!(named.iter().all(|run| run.figures.keys().eq(["reload p99"])), "{named:?}");
    assert!(serde_json::from_str::<Baseline>("{\"schema\": 1, \"runs\": []}").is_err());
}
