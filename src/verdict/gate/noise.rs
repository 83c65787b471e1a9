//! A machine's own noise: how far apart two samples of the same lie by chance, figure by figure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::observed::machine_class;
use super::{Observed, values};
use crate::measure::change::resample::noise;
use crate::measure::change::{Layout, Samples, Scale};
use crate::measure::round6;

/// A machine's own noise, as a file holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// The version of this layout: 1.
    pub schema: u32,
    /// The scenario of which it is.
    pub scenario: String,
    /// Its scale.
    pub scale: f64,
    /// What sort of machine: processor, cores and memory.
    pub machine: String,
    /// When it was measured, RFC 3339.
    pub measured_at: String,
    /// How many pairs of runs of the same were lived.
    pub pairs: usize,
    /// By figure: what all but one in a hundred comparisons of the same stay below, as a share of the
    /// figure (0.08: 8 %); of shares, as a difference.
    pub figures: BTreeMap<String, f64>,
}

impl Noise {
    /// Of pairs of runs of the same; figures that a run lacks, and such of which a ratio says nothing, are
    /// left out. There are at least two pairs.
    pub fn of(a: &[Observed], b: &[Observed]) -> Option<Self> {
        let first = a.first()?;
        let names = first.figures.iter();
        let figures = names.filter_map(|(name, figure)| {
            let (of_a, of_b) = (values(a, name)?, values(b, name)?);
            let samples = Samples { a: &of_a, b: &of_b, layout: Layout::Pairs };
            let effect = noise(samples, figure.scale(), first.provenance.seed)?;
            effect.is_finite().then(|| (name.clone(), round6(share_of(figure.scale(), effect))))
        });
        Some(Self {
            schema: 1,
            scenario: first.provenance.scenario.clone(),
            scale: first.provenance.scale,
            machine: first.machine_class().to_owned(),
            measured_at: first.provenance.started_at.clone(),
            pairs: a.len().min(b.len()),
            figures: figures.collect(),
        })
    }

    /// Whether it says something about such a run: one of the same scenario, scale and sort of machine.
    pub fn is_of(&self, run: &Observed) -> bool {
        self.scenario == run.provenance.scenario
            && (self.scale - run.provenance.scale).abs() <= 0.0
            && self.machine == machine_class(&run.provenance.machine)
    }

    /// The least effect of a figure that is more than this noise, with so many runs of each side; of fewer
    /// than it was measured with it is larger, as the deviation of a mean.
    pub(super) fn floor(&self, name: &str, scale: Scale, runs: usize) -> Option<f64> {
        let effect = effect_of(scale, *self.figures.get(name)?);
        let fewer = self.pairs as f64 / runs.max(1) as f64;
        Some(effect * libm::sqrt(fewer.max(1.0)))
    }
}

/// An effect as people say it: of a ratio what it is above 1, of a difference itself.
pub(super) fn share_of(scale: Scale, effect: f64) -> f64 {
    match scale {
        Scale::Ratio => libm::expm1(effect),
        Scale::Difference => effect,
    }
}

/// The way back from [`share_of`].
pub(super) fn effect_of(scale: Scale, share: f64) -> f64 {
    match scale {
        Scale::Ratio => libm::log1p(share),
        Scale::Difference => share,
    }
}
