//! A run as the gate sees it, and runs that are kept as a baseline.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::figure::{Figure, figures};
use crate::audit::Status;
use crate::verdict::assess::Times;
use crate::verdict::bounds::doubts;
use crate::verdict::{AssessmentStatus, Judged, Provenance, Summary, Verdict, World};

/// So many reasons of a run's verdict are kept.
const REASONS_KEPT: usize = 3;

/// A run as the gate sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    /// Its folder, as the user named it.
    pub folder: String,
    /// Which world it was lived in.
    pub world: World,
    /// Its own verdict.
    pub verdict: Verdict,
    /// The first reasons of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Invariants that it violated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violated: Vec<String>,
    /// Objectives that it missed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<String>,
    /// Where it came from.
    pub provenance: Provenance,
    /// Its figures, by name.
    pub figures: BTreeMap<String, Figure>,
    /// The scenario as it was run; kept once for all runs of a [`Baseline`].
    #[serde(skip)]
    pub scenario: Value,
    /// Whether the machine or the generator, and nothing of the shop's before it, is why it says little: then it may
    /// be lived again.
    #[serde(skip)]
    pub late: bool,
}

impl Observed {
    /// What of a recorded run the gate reads; `times` says whether its times mean anything.
    pub fn of(folder: &str, summary: &Summary, scenario: Value, times: Times) -> Self {
        let judged = &summary.result;
        let violated = judged.findings.iter().filter(|it| it.status == Status::Violated);
        let missed = judged.objectives.iter();
        let missed = missed.filter(|it| it.status == AssessmentStatus::Missed);
        Self {
            folder: folder.to_owned(),
            world: judged.world,
            verdict: judged.verdict,
            reasons: judged.reasons.iter().take(REASONS_KEPT).cloned().collect(),
            violated: violated.map(|finding| finding.id.clone()).collect(),
            missed: missed.map(|assessment| assessment.text.clone()).collect(),
            provenance: summary.provenance.clone(),
            figures: figures(&judged.measured, times),
            scenario,
            late: is_late(judged),
        }
    }

    /// What lived it: `0.1.0 (203a701)`.
    pub(super) fn version(&self) -> String {
        match &self.provenance.commit {
            Some(commit) => format!("{} ({commit})", self.provenance.spike),
            None => self.provenance.spike.clone(),
        }
    }

    /// Whether the other is this very run, wherever it was read.
    pub(super) fn is(&self, other: &Self) -> bool {
        let of = |run: &Self| {
            let Provenance { scenario, seed, started_at, took_s, .. } = &run.provenance;
            (run.world, scenario.clone(), *seed, started_at.clone(), took_s.to_bits())
        };
        of(self) == of(other)
    }

    /// Whether its verdict says that its figures say little.
    pub const fn says_little(&self) -> bool {
        matches!(self.verdict, Verdict::Inconclusive | Verdict::Aborted | Verdict::Error)
    }

    /// What sort of machine it was lived on: all that it says of itself but the kernel, which changes
    /// with each update.
    pub fn machine_class(&self) -> &str {
        machine_class(&self.provenance.machine)
    }
}

/// Whether a run is inconclusive for what its machine or its generator did. Where the shop has a share in it, for
/// which a ledger could not be read or nothing was answered, that is told first ([`crate::verdict`]), or a
/// part of it died.
fn is_late(judged: &Judged) -> bool {
    let broken = judged.measured.health.as_ref().map(doubts).unwrap_or_default();
    judged.world == World::Live
        && judged.verdict == Verdict::Inconclusive
        && judged.measured.gaps.is_empty()
        && judged.reasons.first().is_some_and(|first| broken.contains(first))
}

/// `AMD EPYC, 2 cores, 23 GiB` of `AMD EPYC, 2 cores, 23 GiB, Linux 6.18.5`.
pub(super) fn machine_class(machine: &str) -> &str {
    machine.rsplit_once(", ").map_or(machine, |(class, _)| class)
}

/// Runs that later ones are compared with, as a file holds them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// The version of this layout: 1.
    pub schema: u32,
    /// Their scenario, as it was run.
    pub scenario: Value,
    /// The runs, in the order in which they were lived.
    pub runs: Vec<Observed>,
}

impl Baseline {
    /// Of runs of one scenario; of all their figures, or of those that are named.
    pub fn of(runs: &[Observed], named: &[String]) -> Self {
        let scenario = runs.first().map_or(Value::Null, |run| run.scenario.clone());
        let mut runs = runs.to_vec();
        if !named.is_empty() {
            for run in &mut runs {
                run.figures.retain(|name, _| named.contains(name));
            }
        }
        Self { schema: 1, scenario, runs }
    }

    /// Its runs, each with its scenario again; `file` is where they were read.
    pub fn into_runs(self, file: &str) -> Vec<Observed> {
        let Self { scenario, runs, .. } = self;
        let of = |run: Observed| {
            let folder = format!("{file}: {}", run.folder);
            Observed { folder, scenario: scenario.clone(), ..run }
        };
        runs.into_iter().map(of).collect()
    }
}
