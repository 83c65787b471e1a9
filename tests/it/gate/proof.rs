//! The gate held against recorded runs of one scenario on one machine: drawn again in pairs they are A/A
//! comparisons, of which hardly any may say that something regressed; with one side made a tenth slower, nearly
//! all must.
//!
//! `tests/it/recordings/gate.toml` says how they were recorded.

use domain::draw::{Purpose, draw_for};
use spike::measure::change::Layout;
use spike::verdict::Verdict;
use spike::verdict::compare::Unit;
use spike::verdict::gate::{
    Baseline, Better, Choice, Gated, Noise, Observed, Policy, Standing, gate,
};

/// So many pairs are compared, as many as are lived if nobody says otherwise.
const PAIRS: usize = 8;
/// So many neighbours stay together: the cube root of some 20.
const NEIGHBOURS: usize = 3;

/// Pairs of neighbours in time, of one version of everything.
fn recorded() -> Vec<[Observed; 2]> {
    let text = include_str!("../recordings/gate.json");
    let runs = serde_json::from_str::<Baseline>(text).unwrap().into_runs("gate.json");
    let pairs: Vec<[Observed; 2]> =
        runs.chunks_exact(2).map(|pair| pair.to_vec().try_into().unwrap()).collect();
    assert!(pairs.len() >= 16 && runs.len().is_multiple_of(2), "{} runs were recorded", runs.len());
    pairs
}

/// Eight pairs of those, neighbours together; a coin says which run of each is the candidate's, so that nothing
/// tells the sides apart but chance.
fn drawn(pairs: &[[Observed; 2]], seed: u64) -> [Vec<Observed>; 2] {
    let mut number = 0;
    let mut below = |count: usize| {
        number += 1;
        let place = draw_for(seed, 0, Purpose::Resample, number).below(count as u64);
        usize::try_from(place).unwrap()
    };
    let mut sides = [Vec::new(), Vec::new()];
    while sides[0].len() < PAIRS {
        let first = below(pairs.len());
        for place in (first..).take(NEIGHBOURS.min(PAIRS - sides[0].len())) {
            let (pair, coin) = (&pairs[place % pairs.len()], below(2));
            for (side, which) in sides.iter_mut().zip([coin, 1 - coin]) {
                let mut run = pair[which].clone();
                // What is drawn twice stands for two runs.
                run.provenance.started_at = format!("{place}, {which}, {}", side.len());
                side.push(run);
            }
        }
    }
    sides
}

/// A run whose times are so many times as long, and whose rates as much lower: of all figures, or of those of one
/// name.
fn slower(mut run: Observed, factor: f64, only: Option<&str>) -> Observed {
    for (name, figure) in &mut run.figures {
        figure.value *= match (figure.unit, figure.better) {
            _ if only.is_some_and(|only| only != name) => 1.0,
            (Unit::Share, _) | (_, None) => 1.0,
            (_, Some(Better::Lower)) => factor,
            (_, Some(Better::Higher)) => 1.0 / factor,
        };
    }
    run
}

fn judged([a, b]: &[Vec<Observed>; 2], policy: &Policy) -> Gated {
    gate(a, b, Layout::Pairs, policy).unwrap()
}

/// Whether any gating figure is said to have regressed, whatever the verdict is besides.
fn alarms(gated: &Gated) -> bool {
    gated.gating().any(|figure| figure.standing == Some(Standing::Regressed))
}

/// The policy of somebody who never measured noise, and of somebody who did.
fn policies(pairs: &[[Observed; 2]]) -> [Policy; 2] {
    let side = |side: usize| pairs.iter().map(|pair| pair[side].clone()).collect::<Vec<_>>();
    let noise = Noise::of(&side(0), &side(1));
    assert!(noise.is_some());
    [Policy::default(), Policy { noise, ..Policy::default() }]
}

#[test]
fn of_a_thousand_comparisons_of_the_same_at_most_one_in_a_hundred_is_an_alarm() {
    let pairs = recorded();
    for policy in policies(&pairs) {
        let of = |seed| judged(&drawn(&pairs, seed), &policy);
        let false_alarms = (0..1_000).filter(|seed| alarms(&of(*seed))).count();
        assert!(
            false_alarms <= 10,
            "{false_alarms} of 1000, noise known: {}",
            policy.noise.is_some()
        );
    }
}

#[test]
fn a_tenth_slower_is_stopped_in_ninety_five_of_a_hundred() {
    let pairs = recorded();
    for policy in policies(&pairs) {
        // A shop that is slower in all, and one in which half of the checkouts alone are.
        for only in [None, Some("checkout p50")] {
            let found = (0..300).filter(|seed| {
                let [a, b] = drawn(&pairs, 10_000 + seed);
                let b = b.into_iter().map(|run| slower(run, 1.1, only)).collect();
                judged(&[a, b], &policy).verdict == Verdict::Regression
            });
            let (found, known) = (found.count(), policy.noise.is_some());
            assert!(found >= 285, "{found} of 300, {only:?}, noise known: {known}");
        }
    }
}

#[test]
fn the_same_passes() {
    let pairs = recorded();
    for policy in policies(&pairs) {
        let passes = (0..300)
            .filter(|seed| judged(&drawn(&pairs, 20_000 + seed), &policy).verdict == Verdict::Pass);
        let passes = passes.count();
        assert!(passes >= 297, "{passes} of 300, noise known: {}", policy.noise.is_some());
    }
}

#[test]
fn what_is_said_of_power_is_true_of_the_recorded_runs() {
    let pairs = recorded();
    let side = |side: usize| pairs.iter().map(|pair| pair[side].clone()).collect::<Vec<_>>();
    let name = "checkout p95";
    let policy = Policy {
        figures: vec![Choice { name: name.to_owned(), better: None }],
        ..Policy::default()
    };
    let all = judged(&[side(0), side(1)].map(|runs| runs[..PAIRS].to_vec()), &policy);
    let seen = all.gating().next().unwrap().seen.unwrap();
    // What would be seen in four of five cases, but no less than what counts.
    let factor = 1.0 + f64::max(seen, 0.055);
    let told = (0..200).filter(|seed| {
        let [a, b] = drawn(&pairs, 30_000 + seed);
        let b = b.into_iter().map(|run| slower(run, factor, None)).collect();
        judged(&[a, b], &policy).figures[0].p.unwrap() <= 0.005
    });
    let told = told.count();
    // 160 of 200 were promised; the eight pairs that it was promised by spread otherwise than all.
    assert!(told >= 120, "{told} of 200 at {factor}");
}
