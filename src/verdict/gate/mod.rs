//! The gate: whether runs of a candidate are worse than those of a baseline, figure by figure, by ranks and
//! at least by so much.
//!
//! A figure is `regressed` where three things agree: its ranks are so bad that chance alone comes to them, for
//! all gating figures together, in at most one of two hundred comparisons ([`LEVEL`], after Holm); its median
//! is worse by at least the minimum effect; and the interval of that effect excludes none.
//!
//! Runs that were lived in pairs are ranked as two samples all the same, not as signed differences. The
//! signed ranks of eight pairs have 2⁸ orders, and so no chance below 1 / 256: of six figures together none
//! would ever regress, for that needs eleven pairs. What the machine did to both runs of a pair makes their
//! ranks alike, which can only hide a difference and not make one. The interval and the power draw pairs,
//! and so keep it out.

mod again;
mod figure;
mod judgement;
mod noise;
mod observed;
mod refusal;
mod weigh;

pub use figure::{Better, Figure, GATING_MAX, usual};
pub use judgement::{Judgement, Middle, Standing};
pub use noise::Noise;
pub use observed::{Baseline, Observed};
pub use refusal::Refusal;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::measure::change::{Layout, Scale};
use crate::verdict::compare::{Differences, OF_THE_RUN, values::differences};
use crate::verdict::{Provenance, Verdict, World};
use judgement::{Comparison, judge, propose};
use noise::{effect_of, share_of};
use refusal::{below_noise, percent, refusals, unlike};

/// How often chance alone may make any gating figure regress: half of what is promised (one in a hundred), for
/// intervals and noise are themselves of few runs.
pub const LEVEL: f64 = 0.005;
/// What a figure must be worse by where nobody says otherwise: less is lost in what a machine does by itself.
pub const MIN_EFFECT: f64 = 0.05;
/// Of a share the minimum effect is this much of that: 5 % are half a percentage point.
const OF_SHARES: f64 = 0.1;

/// What is asked of the gate.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The least effect that counts, as a share (0.05: 5 %); [`MIN_EFFECT`], or the noise where that is
    /// more, if nobody says.
    pub min_effect: Option<f64>,
    /// The figures that gate; the usual ones where none is named.
    pub figures: Vec<Choice>,
    /// The noise of this machine, where it was measured.
    pub noise: Option<Noise>,
    /// Keys in which the scenarios may differ.
    pub vary: Vary,
    /// Whether a figure that stays undecided costs the pass.
    pub undecided: Undecided,
}

/// A figure that is named to gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its name: `checkout p99`.
    pub name: String,
    /// Which way is better, where that is said.
    pub better: Option<Better>,
}

/// Keys of the scenario in which candidate and baseline may differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vary {
    /// Any: the candidate is what was made another on purpose.
    Any,
    /// These, with all below them.
    Keys(Vec<String>),
}

impl Default for Vary {
    fn default() -> Self {
        Self::Keys(Vec::new())
    }
}

/// What becomes of a gate with a figure that stays undecided.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Undecided {
    /// It passes, and says what it could have seen.
    #[default]
    Passes,
    /// It is inconclusive.
    CostsThePass,
}

/// What the gate says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gated {
    /// The version of this layout: 1.
    pub schema: u32,
    /// The verdict.
    pub verdict: Verdict,
    /// Its exit code.
    pub exit_code: u8,
    /// Why, a sentence each.
    pub reasons: Vec<String>,
    /// What must be known besides, a sentence each; none of it gates.
    pub notes: Vec<String>,
    /// Which world the runs were lived in.
    pub world: World,
    /// How the runs belong together.
    pub layout: Layout,
    /// How often chance alone may make any gating figure regress; absent of simulated runs, which are
    /// compared exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<f64>,
    /// The baseline.
    pub baseline: Side,
    /// The candidate.
    pub candidate: Side,
    /// Keys in which the scenarios differ.
    pub changed: Differences,
    /// The figures that gate, then all others, by name.
    pub figures: Vec<Judgement>,
}

impl Gated {
    /// Adds how many runs would tell the minimum effect of each gating figure, where these do not: of the runs
    /// that were compared.
    #[must_use]
    pub fn proposed(mut self, baseline: &[Observed], candidate: &[Observed]) -> Self {
        let is_exact = self.level.is_none();
        let comparison = Comparison { baseline, candidate, layout: self.layout, is_exact };
        propose(comparison, &mut self.figures);
        self
    }

    /// The figures that gate.
    pub fn gating(&self) -> impl Iterator<Item = &Judgement> {
        self.figures.iter().filter(|figure| figure.gates)
    }
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// Its runs, in the order in which they were lived.
    pub runs: Vec<Run>,
    /// Where the first of them came from.
    pub provenance: Provenance,
    /// Invariants that were violated, with how many runs did so.
    pub violated: BTreeMap<String, usize>,
    /// Objectives that were missed, likewise.
    pub missed: BTreeMap<String, usize>,
}

/// A run of a side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// Its folder, as the user named it.
    pub folder: String,
    /// Its own verdict.
    pub verdict: Verdict,
}

/// A figure that gates, and what counts as an effect of it.
#[derive(Clone, Debug, PartialEq)]
struct Gating {
    name: String,
    better: Better,
    scale: Scale,
    /// The least effect that somebody asks for, on the scale.
    asked: Option<f64>,
    /// What chance comes to here, on the scale.
    noise: Option<f64>,
}

impl Gating {
    /// The least effect that counts, on the scale.
    fn least(&self) -> f64 {
        let usual = || min_effect(self.scale, MIN_EFFECT);
        self.asked.unwrap_or_else(|| usual().max(self.noise.unwrap_or(0.0)))
    }

    /// An effect in words.
    fn told(&self, effect: f64) -> String {
        let share = share_of(self.scale, effect);
        match self.scale {
            Scale::Ratio => percent(share),
            Scale::Difference => percent(share).replace('%', "percentage points"),
        }
    }
}

/// The least effect on the scale of a figure, of that on a ratio.
fn min_effect(scale: Scale, share: f64) -> f64 {
    match scale {
        Scale::Ratio => effect_of(scale, share),
        Scale::Difference => share * OF_SHARES,
    }
}

/// Holds a candidate against a baseline, both in the order in which they were lived.
///
/// # Errors
/// When they cannot be compared, or not so: all that is in the way.
pub fn gate(
    baseline: &[Observed],
    candidate: &[Observed],
    layout: Layout,
    policy: &Policy,
) -> Result<Gated, Vec<Refusal>> {
    let found = refusals(baseline, candidate, &policy.vary);
    let (Some(first), Some(other)) = (baseline.first(), candidate.first()) else {
        return Err(found);
    };
    if !found.is_empty() {
        return Err(found);
    }
    let gating = gating(baseline, candidate, policy)?;
    let below = below_noise(&gating);
    if !below.is_empty() {
        return Err(below);
    }
    let is_exact = first.world == World::Simulated;
    let comparison = Comparison { baseline, candidate, layout, is_exact };
    let figures = judge(comparison, &gating);
    let changed = differences(&first.scenario, &other.scenario, &OF_THE_RUN);
    let weighed = weigh::weigh(comparison, &figures, policy, &changed);
    Ok(Gated {
        schema: 1,
        verdict: weighed.verdict,
        exit_code: weighed.verdict.exit_code(),
        reasons: weighed.reasons,
        notes: weighed.notes,
        world: first.world,
        layout,
        level: (!is_exact).then_some(LEVEL),
        baseline: side(baseline, first),
        candidate: side(candidate, other),
        changed,
        figures,
    })
}

/// Whether runs can be the baseline of others: of one kind, with the figures that are named, whole, and with
/// nothing violated.
///
/// # Errors
/// When they cannot: all that is in the way.
pub fn fit(runs: &[Observed], policy: &Policy) -> Result<(), Vec<Refusal>> {
    if runs.is_empty() {
        return Err(vec![Refusal::NoRun("candidate")]);
    }
    let mut found = unlike(runs, &[], &policy.vary);
    found.extend(refusal::unfit(runs));
    if !found.is_empty() {
        return Err(found);
    }
    gating(runs, &[], policy).map(drop)
}

/// The figures that gate, with what counts as an effect of each.
fn gating(
    baseline: &[Observed],
    candidate: &[Observed],
    policy: &Policy,
) -> Result<Vec<Gating>, Vec<Refusal>> {
    let runs = baseline.len().min(candidate.len());
    let find = |name: &str| {
        baseline.iter().chain(candidate).find_map(|run| run.figures.get(name).copied())
    };
    let noise = policy.noise.as_ref().filter(|noise| noise.is_of(&baseline[0]));
    let of = |choice: Choice| {
        let Choice { name, better } = choice;
        let Some(figure) = find(&name) else {
            let known = baseline[0].figures.keys().cloned().collect::<Vec<String>>();
            return Err(vec![Refusal::NoSuchFigure { name, known: known.join(", ") }]);
        };
        let Some(better) = better.or(figure.better) else {
            return Err(vec![Refusal::NoDirection(name)]);
        };
        let scale = figure.scale();
        Ok(Gating {
            noise: noise.and_then(|noise| noise.floor(&name, scale, runs)),
            asked: policy.min_effect.map(|share| min_effect(scale, share)),
            name,
            better,
            scale,
        })
    };
    let by_default =
        || usual(baseline).into_iter().map(|name| Choice { name, better: None }).collect();
    let mut choices: Vec<Choice> =
        if policy.figures.is_empty() { by_default() } else { policy.figures.clone() };
    let mut named = BTreeSet::new();
    choices.retain(|choice| named.insert(choice.name.clone()));
    if choices.len() > GATING_MAX {
        return Err(vec![Refusal::TooMany(choices.len())]);
    }
    let (known, unknown): (Vec<_>, Vec<_>) = choices.into_iter().map(of).partition(Result::is_ok);
    let unknown: Vec<Refusal> = unknown.into_iter().filter_map(Result::err).flatten().collect();
    if unknown.is_empty() { Ok(known.into_iter().flatten().collect()) } else { Err(unknown) }
}

/// What all runs of a side say of a figure; nothing where one of them does not.
fn values(runs: &[Observed], name: &str) -> Option<Vec<f64>> {
    runs.iter().map(|run| Some(run.figures.get(name)?.value)).collect()
}

fn side(runs: &[Observed], first: &Observed) -> Side {
    Side {
        runs: runs
            .iter()
            .map(|run| Run { folder: run.folder.clone(), verdict: run.verdict })
            .collect(),
        provenance: first.provenance.clone(),
        violated: counted(runs, |run| &run.violated),
        missed: counted(runs, |run| &run.missed),
    }
}

/// How many runs have each of some words.
fn counted(runs: &[Observed], words: fn(&Observed) -> &Vec<String>) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for word in runs.iter().flat_map(words) {
        *counted.entry(word.clone()).or_insert(0) += 1;
    }
    counted
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
