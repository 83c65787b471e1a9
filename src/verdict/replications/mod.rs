//! A scenario lived several times, each with a seed and uncertain inputs of its own: how far its figures spread.

mod bands;
mod merge;
mod observation;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Judged, Verdict, gravest};
use crate::measure::BreakingTier;
use crate::measure::sample::Sample;

pub use bands::{Band, Bands};
pub use merge::Merge;
pub use observation::{Life, Observation};

/// What became of all replications of a scenario. The first of them is the run whose folder is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replications {
    /// How many were wanted, at most where a precision was asked for.
    pub asked: u32,
    /// How many were lived to their end.
    pub lived: u32,
    /// Whether they were cut short by their user.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut_short: bool,
    /// How well they were to be known, and are; absent where nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// How many ended with each verdict.
    pub verdicts: BTreeMap<Verdict, u32>,
    /// Invariants that were violated or not checked in one of them, by their id.
    pub findings: BTreeMap<String, FindingTally>,
    /// The service level objectives, in the order of the scenario.
    pub objectives: Vec<ObjectiveTally>,
    /// How often each tier was the first to break; in the others nothing broke.
    pub first_to_break: BTreeMap<BreakingTier, u32>,
    /// Figures, by their place in `result`: `sales.day-1.sold`, `operations.checkout.p99_ms`.
    pub figures: BTreeMap<String, Sample>,
    /// Requests per second at each tier over time.
    pub bands: Bands,
    /// Each of them, in order.
    pub each: Vec<Replication>,
}

/// One of the replications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replication {
    /// Its number, from 1.
    pub number: u32,
    /// What its draws hang on.
    pub seed: u64,
    /// The values of its uncertain inputs: `--set` takes each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// Its verdict.
    pub verdict: Verdict,
    /// The first reason for it; absent where it is a pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of an invariant in all replications.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingTally {
    /// In how many it was violated.
    pub violated: u32,
    /// In how many it was not checked.
    pub not_checked: u32,
}

/// What became of an objective in all replications.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectiveTally {
    /// The objective as written.
    pub text: String,
    /// In how many it was met.
    pub met: u32,
    /// In how many it was missed.
    pub missed: u32,
    /// In how many it was not assessed.
    pub not_assessed: u32,
}

/// How well sell-out times, 99 % response times and shares of failures were to be known, and are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Precision {
    /// Half of the interval of a mean may be this share of it.
    pub asked: f64,
    /// The figure that is known least; absent where none could be read twice.
    pub widest: Option<String>,
    /// Half of its interval as a share of its mean; absent where that is 0.
    pub half_width: Option<f64>,
    /// Whether all are known so well.
    pub reached: bool,
}

impl Replications {
    /// The verdict of all of them: the gravest.
    pub fn verdict(&self) -> Verdict {
        let mut verdicts: Vec<Verdict> = self.verdicts.keys().copied().collect();
        if self.cut_short {
            verdicts.push(Verdict::Aborted);
        }
        gravest(&verdicts)
    }

    /// The first of those that ended with the gravest verdict; nothing where all passed.
    pub fn worst(&self) -> Option<&Replication> {
        let verdict = self.verdict();
        self.each.iter().find(|one| verdict != Verdict::Pass && one.verdict == verdict)
    }

    /// Why, as sentences: how many ended so, and which of them was the first.
    pub fn reasons(&self) -> Vec<String> {
        let of = self.lived;
        let verdict = self.verdict();
        let mut reasons = Vec::new();
        if self.cut_short {
            let asked = self.asked;
            reasons.push(format!("Cut short by their user after {of} of {asked} replications."));
        }
        let count = self.verdicts.get(&verdict).copied().unwrap_or(0);
        match self.each.iter().find(|one| one.verdict == verdict) {
            Some(_) if verdict == Verdict::Pass && count == of => {
                reasons.push(format!("All {of} replications passed."));
            }
            Some(first) => {
                // The reasons of the first of all follow anyhow.
                let why = first.reason.as_deref().filter(|_| first.number > 1);
                let why = why.map_or_else(String::new, |why| format!(": {why}"));
                let why = why.trim_end_matches('.');
                let word = verdict.word();
                let again = first.again();
                reasons.push(format!(
                    "{count} of {of} replications ended {word}, the first of them number {}{why} \
                     (`{again}`).",
                    first.number
                ));
            }
            None => {}
        }
        reasons
    }
}

impl Replication {
    /// What lives it again, alone.
    pub fn again(&self) -> String {
        let set = self.set.iter().map(|set| format!(" --set '{set}'"));
        format!("--seed {}{}", self.seed, set.collect::<String>())
    }
}

impl Judged {
    /// The judgement of the first of several replications as that of all: the gravest verdict, and why.
    pub fn replicated(&mut self, replications: Replications) {
        self.verdict = gravest(&[self.verdict, replications.verdict()]);
        self.exit_code = self.verdict.exit_code();
        self.reasons.splice(0..0, replications.reasons());
        self.replications = Some(replications);
    }
}
