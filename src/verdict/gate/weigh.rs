//! The verdict of the gate, and why.

use super::judgement::{Comparison, Judgement, Standing};
use super::refusal::{named, percent};
use super::{Observed, Policy, Undecided, counted};
use crate::measure::change::ranks;
use crate::verdict::compare::{Differences, Unit};
use crate::verdict::{Verdict, World};

/// Who would not have seen a figure double sees nothing.
const BLIND: f64 = 1.0;
/// Of a share: a tenth of all.
const BLIND_OF_SHARES: f64 = 0.1;
/// So many runs are named where each has something to say.
const RUNS_NAMED: usize = 3;
/// More runs than that are not proposed.
const RUNS_PROPOSED_MAX: usize = 100;

/// The verdict, why, and what must be known besides.
pub(super) struct Weighed {
    pub(super) verdict: Verdict,
    pub(super) reasons: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Weighs what became of all figures: violated invariants before what says nothing, and that before what
/// has become worse.
pub(super) fn weigh(
    sides: Comparison<'_>,
    figures: &[Judgement],
    policy: &Policy,
    changed: &Differences,
) -> Weighed {
    let gating = || figures.iter().filter(|figure| figure.gates);
    let violated = violated(sides.candidate);
    let mut doubts = doubts(sides, gating().count());
    doubts.extend(gating().filter_map(missing));
    let blind = gating().filter(|_| !sides.is_exact).filter_map(|figure| blind(figure, policy));
    let blind: Vec<String> = blind.collect();
    let is_blind = 2 * blind.len() >= gating().count();
    let mut notes = notes(sides, figures, policy, changed);
    if is_blind {
        doubts.extend(blind);
    } else {
        notes.extend(blind);
    }
    let regressed: Vec<String> = gating().filter_map(regressed).collect();
    let undecided: Vec<&str> = gating()
        .filter(|figure| figure.standing == Some(Standing::Undecided))
        .map(|figure| figure.name.as_str())
        .collect();
    if policy.undecided == Undecided::CostsThePass && !undecided.is_empty() {
        doubts.push(format!(
            "With --strict, what stays undecided does not pass: {}.",
            undecided.join(", ")
        ));
    }
    let verdict = if !violated.is_empty() {
        Verdict::InvariantViolated
    } else if !doubts.is_empty() {
        Verdict::Inconclusive
    } else if !regressed.is_empty() {
        Verdict::Regression
    } else {
        Verdict::Pass
    };
    let reasons = violated.into_iter().chain(doubts).chain(regressed).collect();
    Weighed { verdict, reasons, notes }
}

/// `INV-OVERSELL is violated in 3 of 8 runs of the candidate.`
fn violated(candidate: &[Observed]) -> Vec<String> {
    let violated = counted(candidate, |run| &run.violated).into_iter();
    let all = candidate.len();
    violated
        .map(|(id, runs)| format!("{id} is violated in {runs} of {all} run(s) of the candidate."))
        .collect()
}

/// Why nothing can be said of all figures together.
fn doubts(sides: Comparison<'_>, gating: usize) -> Vec<String> {
    let mut doubts = Vec::new();
    for (side, runs) in [("baseline", sides.baseline), ("candidate", sides.candidate)] {
        let mut silent = runs.iter().filter(|run| run.says_little());
        let count = silent.clone().count();
        if let Some(run) = silent.next() {
            let why =
                run.reasons.first().map_or("nobody says why", |why| why.trim_end_matches('.'));
            doubts.push(format!(
                "{count} of {} run(s) of the {side} say little: {} is {}: {why}.",
                runs.len(),
                run.folder,
                run.verdict.word()
            ));
        }
        if sides.is_exact {
            doubts.extend(unlike(side, runs));
        }
    }
    if gating == 0 {
        doubts.push(
            "No figure gates: no run of the baseline has enough values of any; name some with --figure."
                .to_owned(),
        );
    } else if !sides.is_exact {
        doubts.extend(too_few(sides, gating));
    }
    doubts
}

/// Simulated runs of one side that should be the same and are not.
fn unlike(side: &str, runs: &[Observed]) -> Option<String> {
    let first = runs.first()?;
    let other = runs.iter().find(|run| run.figures != first.figures)?;
    let mut figures = first.figures.iter();
    let name = figures.find(|(name, figure)| other.figures.get(*name) != Some(*figure));
    Some(format!(
        "Simulated runs of the {side} are of one scenario and seed and differ{}: {} and {}.",
        name.map_or_else(String::new, |(name, _)| format!(" in {name}")),
        first.folder,
        other.folder
    ))
}

/// So few runs that no figure could regress.
fn too_few(sides: Comparison<'_>, gating: usize) -> Option<String> {
    let level = Comparison::level_of_each(gating);
    let (of_a, of_b) = (sides.baseline.len(), sides.candidate.len());
    let least = ranks::least(of_a, of_b);
    if least <= level {
        return None;
    }
    let enough = (1..=RUNS_PROPOSED_MAX).find(|runs| ranks::least(*runs, *runs) <= level)?;
    Some(format!(
        "{of_a} run(s) of the baseline and {of_b} of the candidate can never show that one of {gating} \
         figure(s) regressed (chance alone comes to anything in at least one of {:.0} comparisons): live \
         {enough} of each, or let fewer figures gate.",
        1.0 / least
    ))
}

fn missing(figure: &Judgement) -> Option<String> {
    let (first, rest) = figure.missing.split_first()?;
    let named: Vec<&str> =
        std::iter::once(first).chain(rest).take(RUNS_NAMED).map(String::as_str).collect();
    let more = figure.missing.len() - named.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!(
        "{} is missing, or of too few values, in {}{more}.",
        figure.name,
        named.join(", ")
    ))
}

/// A figure that spreads so widely that hardly anything would be seen, or of which by the machine's noise hardly anything
/// counts. Where half of all that gate do, the gate as a whole says too little to pass; fewer are noted.
fn blind(figure: &Judgement, policy: &Policy) -> Option<String> {
    let (most, what) = match figure.unit {
        Unit::Share => (BLIND_OF_SHARES, "a tenth more"),
        _ => (BLIND, "a doubling"),
    };
    // What somebody asks for is their own affair.
    let raised = figure.min_effect.filter(|_| policy.min_effect.is_none());
    let is_open = matches!(figure.standing, Some(Standing::Undecided | Standing::Unchanged));
    if let Some(least) = raised.filter(|least| is_open && *least > most) {
        return Some(format!(
            "{} counts from {} on alone, for that is this machine's noise, and not even {what} would have \
             counted: measure the noise again with --aa where the machine is quieter, or let another figure gate.",
            figure.name,
            changed_by(figure, least)
        ));
    }
    let is_undecided = figure.standing == Some(Standing::Undecided);
    let sees = figure.seen.is_some_and(|seen| seen <= most);
    (is_undecided && !sees).then(|| {
        format!(
            "{} spreads so widely that not even {what} would have been seen: live more pairs, or let another \
             figure gate.",
            figure.name
        )
    })
}

/// `checkout p99 is 12.4 % worse …`.
fn regressed(figure: &Judgement) -> Option<String> {
    if figure.standing != Some(Standing::Regressed) {
        return None;
    }
    let by = figure.effect.map_or_else(|| "any measure".to_owned(), |by| changed_by(figure, by));
    let p = figure.p_corrected.map_or_else(String::new, |p| format!(" ({})", chance(p)));
    Some(format!("{} is worse by {by}{p}.", figure.name))
}

/// `12.4 %`, without a sign.
fn changed_by(figure: &Judgement, by: f64) -> String {
    match figure.unit {
        Unit::Share => percent(by.abs()).replace('%', "percentage points"),
        _ => percent(by.abs()),
    }
}

/// A chance as people read it.
fn chance(p: f64) -> String {
    if p < 1e-4 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") }
}

/// What must be known besides.
fn notes(
    sides: Comparison<'_>,
    figures: &[Judgement],
    policy: &Policy,
    changed: &Differences,
) -> Vec<String> {
    let Comparison { baseline, candidate, .. } = sides;
    let mut notes = Vec::new();
    if changed.count > 0 {
        notes.push(format!(
            "The scenario of the candidate is another in {} key(s): {}.",
            changed.count,
            named(&changed.first)
        ));
    }
    let (of_a, of_b) = (&baseline[0].provenance, &candidate[0].provenance);
    let (a, b) = (baseline[0].version(), candidate[0].version());
    if a != b {
        notes.push(format!(
            "Other versions of spike lived them: {a} the baseline, {b} the candidate."
        ));
    }
    if of_a.machine != of_b.machine && baseline[0].world == World::Live {
        notes.push(format!("Their kernels differ: {} and {}.", of_a.machine, of_b.machine));
    }
    let before = counted(baseline, |run| &run.violated);
    notes.extend(before.into_iter().map(|(id, runs)| {
        let too = if candidate.iter().any(|run| run.violated.contains(&id)) { " too" } else { "" };
        format!("{id} is violated in {runs} of {} run(s) of the baseline{too}.", baseline.len())
    }));
    notes.extend(objectives(baseline, candidate));
    if !sides.is_exact {
        notes.extend(noise(baseline, figures, policy));
    }
    notes
}

/// Objectives that some run missed: they are the run's own affair, and do not gate.
fn objectives(baseline: &[Observed], candidate: &[Observed]) -> Vec<String> {
    let before = counted(baseline, |run| &run.missed);
    let missed = counted(candidate, |run| &run.missed).into_iter();
    missed
        .map(|(text, runs)| {
            let was = before.get(&text).copied().unwrap_or(0);
            format!(
                "`{text}` was missed by {was} of {} run(s) of the baseline and {runs} of {} of the candidate.",
                baseline.len(),
                candidate.len()
            )
        })
        .collect()
}

/// What is known of this machine's noise.
fn noise(baseline: &[Observed], figures: &[Judgement], policy: &Policy) -> Option<String> {
    let unknown = |what: &str| {
        Some(format!(
            "{what}: `spike gate --aa SCENARIO` measures how far apart two samples of the same lie here."
        ))
    };
    let Some(noise) = &policy.noise else { return unknown("This machine's noise is not known") };
    if !noise.is_of(&baseline[0]) {
        return unknown(&format!(
            "The noise that was measured is of {} at scale {} on {}, and was left out",
            noise.scenario, noise.scale, noise.machine
        ));
    }
    let raised: Vec<String> = figures
        .iter()
        .filter(|figure| policy.min_effect.is_none() && figure.gates)
        .filter_map(|figure| {
            let (noise, least) = (figure.noise?, figure.min_effect?);
            let is_raised = noise >= least;
            is_raised.then(|| format!("{} {}", figure.name, changed_by(figure, least)))
        })
        .collect();
    (!raised.is_empty())
        .then(|| format!("By this machine's noise less does not count of {}.", raised.join(", ")))
}
