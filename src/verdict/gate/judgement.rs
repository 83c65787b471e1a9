//! What becomes of one figure.

use serde::Serialize;

use super::figure::{Better, Figure, scale_of};
use super::noise::{effect_of, share_of};
use super::{Gating, LEVEL, Observed, values};
use crate::measure::change::holm::holm;
use crate::measure::change::{Layout, Samples, Scale, median, power, ranks, resample};
use crate::measure::round6;
use crate::verdict::compare::Unit;

/// What can be said of a figure that gates.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Its interval lies within the minimum effect on both sides.
    Unchanged,
    /// It is better, by at least the minimum effect, and not by chance.
    Improved,
    /// It is worse, by at least the minimum effect, and not by chance.
    Regressed,
    /// None of these can be said with so many runs.
    Undecided,
    /// A run does not have it.
    Missing,
}

/// The middle of what the runs of a side say.
#[derive(Copy, Clone, Debug, PartialEq, Serialize)]
pub struct Middle {
    /// How many runs say it.
    pub runs: usize,
    /// The median.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

/// A figure of both sides. Effects are shares: 0.08 of a time is 8 % more; of a share, a difference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// Its name: `checkout p99`.
    pub name: String,
    /// What it is measured in.
    pub unit: Unit,
    /// Which way is better, where that can be said.
    pub better: Option<Better>,
    /// Whether it gates.
    pub gates: bool,
    /// What the baseline says.
    pub baseline: Option<Middle>,
    /// What the candidate says.
    pub candidate: Option<Middle>,
    /// The candidate's median over the baseline's, less 1; of shares, the difference. Absent of nothing.
    pub effect: Option<f64>,
    /// Where the effect lies with 95 % confidence.
    pub ci95: Option<[f64; 2]>,
    /// How likely ranks at least as bad are by chance; where it is better, at least as good.
    pub p: Option<f64>,
    /// The same, corrected for all gating figures together.
    pub p_corrected: Option<f64>,
    /// The least effect that counts; absent where it does not gate.
    pub min_effect: Option<f64>,
    /// What chance comes to on this machine, where that was measured.
    pub noise: Option<f64>,
    /// What can be said of it; absent where it does not gate.
    pub standing: Option<Standing>,
    /// The least effect that so many runs tell from noise in four of five cases.
    pub seen: Option<f64>,
    /// How many runs of each side would tell the minimum effect so often, where these do not.
    pub needs_runs: Option<usize>,
    /// Runs that do not have it, or of too few values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// Two sides that can be compared.
#[derive(Copy, Clone, Debug)]
pub(super) struct Comparison<'a> {
    pub(super) baseline: &'a [Observed],
    pub(super) candidate: &'a [Observed],
    pub(super) layout: Layout,
    /// Whether they are simulated, of one seed: then nothing is chance.
    pub(super) is_exact: bool,
}

impl Comparison<'_> {
    fn seed(&self) -> u64 {
        self.baseline.first().map_or(0, |run| run.provenance.seed)
    }

    /// The chance that one gating figure of so many may have at least: what Holm asks of the first.
    pub(super) fn level_of_each(gating: usize) -> f64 {
        LEVEL / gating.max(1) as f64
    }
}

/// What becomes of each figure: those that gate first, in their order, then all others by name.
pub(super) fn judge(sides: Comparison<'_>, gating: &[Gating]) -> Vec<Judgement> {
    let level = Comparison::level_of_each(gating.len());
    let mut judged: Vec<Judged> =
        gating.iter().map(|gating| Judged::of(sides, gating, level)).collect();
    if !sides.is_exact {
        let worse = holm(&judged.iter().map(|judged| judged.worse.p).collect::<Vec<f64>>());
        let better = holm(&judged.iter().map(|judged| judged.better.p).collect::<Vec<f64>>());
        for (judged, (worse, better)) in judged.iter_mut().zip(worse.into_iter().zip(better)) {
            (judged.worse.corrected, judged.better.corrected) = (worse, better);
        }
    }
    let gates = |name: &String| gating.iter().any(|gating| gating.name == *name);
    let mut others: Vec<(&String, &Figure)> =
        sides.baseline.iter().chain(sides.candidate).flat_map(|run| &run.figures).collect();
    others.sort_by_key(|(name, _)| *name);
    others.dedup_by_key(|(name, _)| *name);
    let others = others.into_iter().filter(|(name, _)| !gates(name));
    let others = others.map(|(name, figure)| informative(sides, name, figure));
    let judged = judged.into_iter().zip(gating);
    judged.map(|(judged, gating)| judged.told(gating, sides.is_exact)).chain(others).collect()
}

/// How many runs of each side would tell the minimum effect of each gating figure, where these do not.
pub(super) fn propose(sides: Comparison<'_>, figures: &mut [Judgement]) {
    let level = Comparison::level_of_each(figures.iter().filter(|figure| figure.gates).count());
    for figure in figures.iter_mut().filter(|figure| figure.gates && !sides.is_exact) {
        let both = values(sides.baseline, &figure.name).zip(values(sides.candidate, &figure.name));
        let (Some((a, b)), Some(least)) = (both, figure.min_effect) else { continue };
        if figure.seen.is_none_or(|seen| seen <= least) {
            continue;
        }
        let scale = scale_of(figure.unit);
        let samples = Samples { a: &a, b: &b, layout: sides.layout };
        let effect = effect_of(scale, least);
        figure.needs_runs = power::runs_for(samples, scale, effect, level, sides.seed());
    }
}

/// A chance, as it is and as it counts among others.
#[derive(Copy, Clone, Debug)]
struct Chance {
    p: f64,
    corrected: f64,
}

const CERTAIN: Chance = Chance { p: 1.0, corrected: 1.0 };

/// A gating figure before all are corrected together.
struct Judged {
    plain: Judgement,
    /// The effect and its interval on the scale, above 0 where it is worse.
    worse_by: Option<f64>,
    interval: Option<[f64; 2]>,
    worse: Chance,
    better: Chance,
}

impl Judged {
    fn of(sides: Comparison<'_>, gating: &Gating, level: f64) -> Self {
        let missing = missing(sides, &gating.name);
        let mut judged = Self {
            plain: plain(sides, &gating.name),
            worse_by: None,
            interval: None,
            worse: CERTAIN,
            better: CERTAIN,
        };
        judged.plain.missing = missing;
        let both = values(sides.baseline, &gating.name).zip(values(sides.candidate, &gating.name));
        let Some((a, b)) = both.filter(|_| judged.plain.missing.is_empty()) else { return judged };
        let samples = Samples { a: &a, b: &b, layout: sides.layout };
        judged.worse_by = Some(oriented(gating.better, resample::effect(samples, gating.scale)));
        if !sides.is_exact {
            judged.by_chance(samples, gating, level, sides.seed());
        }
        judged
    }

    /// What chance has to do with it.
    fn by_chance(&mut self, samples: Samples<'_>, gating: &Gating, level: f64, seed: u64) {
        let Samples { a, b, .. } = samples;
        let up = Chance { p: ranks::greater(a, b).unwrap_or(1.0), ..CERTAIN };
        let down = Chance { p: ranks::greater(b, a).unwrap_or(1.0), ..CERTAIN };
        (self.worse, self.better) = match gating.better {
            Better::Lower => (up, down),
            Better::Higher => (down, up),
        };
        let ends = resample::interval(samples, gating.scale, seed);
        self.plain.ci95 = ends.and_then(|ends| told(gating.scale, ends));
        self.interval = ends.map(|[low, high]| match gating.better {
            Better::Lower => [low, high],
            Better::Higher => [0.0 - high, 0.0 - low],
        });
        let least = power::least_seen(samples, gating.scale, level, seed);
        self.plain.seen = least.map(|least| round6(share_of(gating.scale, least)));
    }

    /// The figure as it is told, once all are corrected.
    fn told(self, gating: &Gating, is_exact: bool) -> Judgement {
        let least = gating.least();
        let standing = self.standing(least, is_exact);
        let is_worse = self.worse_by.is_some_and(|by| by >= 0.0);
        let chance = if is_worse { self.worse } else { self.better };
        let chance = Some(chance).filter(|_| !is_exact && self.worse_by.is_some());
        let share = |effect| round6(share_of(gating.scale, effect));
        Judgement {
            better: Some(gating.better),
            gates: true,
            p: chance.map(|chance| chance.p),
            p_corrected: chance.map(|chance| chance.corrected),
            min_effect: Some(share(least)),
            noise: gating.noise.map(share),
            standing: Some(standing),
            ..self.plain
        }
    }

    fn standing(&self, least: f64, is_exact: bool) -> Standing {
        let Some(by) = self.worse_by else { return Standing::Missing };
        let [low, high] = match self.interval {
            _ if is_exact => [by, by],
            Some(interval) => interval,
            None => return Standing::Undecided,
        };
        let is_chance = |chance: Chance| !is_exact && chance.corrected > LEVEL;
        if by >= least && low > 0.0 && !is_chance(self.worse) {
            Standing::Regressed
        } else if by <= 0.0 - least && high < 0.0 && !is_chance(self.better) {
            Standing::Improved
        } else if low > 0.0 - least && high < least {
            Standing::Unchanged
        } else {
            Standing::Undecided
        }
    }
}

/// Above 0 where it is worse.
fn oriented(better: Better, effect: f64) -> f64 {
    match better {
        Better::Lower => effect,
        Better::Higher => 0.0 - effect,
    }
}

/// The ends of an interval as shares; nothing where a ratio has no end.
fn told(scale: Scale, ends: [f64; 2]) -> Option<[f64; 2]> {
    let told = ends.map(|end| round6(share_of(scale, end)));
    told.iter().all(|end| end.is_finite()).then_some(told)
}

/// The runs that do not have a figure, or of hardly any values.
fn missing(sides: Comparison<'_>, name: &str) -> Vec<String> {
    let lacks = |run: &&Observed| run.figures.get(name).is_none_or(Figure::is_starved);
    let runs = sides.baseline.iter().chain(sides.candidate).filter(lacks);
    runs.map(|run| run.folder.clone()).collect()
}

/// A figure that does not gate: how far apart, with the interval, and no word for it.
fn informative(sides: Comparison<'_>, name: &str, figure: &Figure) -> Judgement {
    let mut plain = plain(sides, name);
    let both = values(sides.baseline, name).zip(values(sides.candidate, name));
    if let Some((a, b)) = both.filter(|_| !sides.is_exact) {
        let samples = Samples { a: &a, b: &b, layout: sides.layout };
        let ends = resample::interval(samples, figure.scale(), sides.seed());
        plain.ci95 = ends.and_then(|ends| told(figure.scale(), ends));
        let p = ranks::greater(&a, &b).zip(ranks::greater(&b, &a));
        plain.p = p.map(|(up, down)| up.min(down));
    }
    plain
}

/// What both sides say, and no more.
fn plain(sides: Comparison<'_>, name: &str) -> Judgement {
    let figure = sides.baseline.iter().chain(sides.candidate).find_map(|run| run.figures.get(name));
    let (baseline, candidate) = (middle(sides.baseline, name), middle(sides.candidate, name));
    let effect = baseline.zip(candidate).zip(figure).map(|((a, b), figure)| {
        share_of(figure.scale(), figure.scale().effect(a.median, b.median))
    });
    Judgement {
        name: name.to_owned(),
        unit: figure.map_or(Unit::Count, |figure| figure.unit),
        better: figure.and_then(|figure| figure.better),
        gates: false,
        baseline,
        candidate,
        effect: effect.filter(|effect| effect.is_finite()).map(round6),
        ci95: None,
        p: None,
        p_corrected: None,
        min_effect: None,
        noise: None,
        standing: None,
        seen: None,
        needs_runs: None,
        missing: Vec::new(),
    }
}

/// The middle of those runs of a side that have a figure.
fn middle(runs: &[Observed], name: &str) -> Option<Middle> {
    let mut values: Vec<f64> =
        runs.iter().filter_map(|run| Some(run.figures.get(name)?.value)).collect();
    let median = median(&mut values);
    Some(Middle { runs: values.len(), median, min: *values.first()?, max: *values.last()? })
}
