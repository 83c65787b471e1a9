//! Replications put together, in the order of their numbers.

use std::collections::BTreeMap;

use super::bands::{Course, bands};
use super::{
    FindingTally, ObjectiveTally, Observation, Precision, Replication, Replications, Verdict,
};
use crate::audit::Status;
use crate::measure::BreakingTier;
use crate::measure::round6;
use crate::measure::sample::Sample;
use crate::verdict::AssessmentStatus;

/// Replications as they are put together. The same ones in the same order give the same bytes, on however many
/// threads they were lived.
#[derive(Clone, Debug, Default)]
pub struct Merge {
    each: Vec<Replication>,
    verdicts: BTreeMap<Verdict, u32>,
    findings: BTreeMap<String, FindingTally>,
    objectives: Vec<ObjectiveTally>,
    first_to_break: BTreeMap<BreakingTier, u32>,
    figures: BTreeMap<String, Vec<f64>>,
    courses: Vec<Course>,
}

impl Merge {
    /// Adds the next replication.
    pub fn add(&mut self, observed: Observation) {
        let Observation { life, verdict, reason, findings, objectives, .. } = observed;
        *self.verdicts.entry(verdict).or_default() += 1;
        for (id, status) in findings {
            self.found(id, status);
        }
        for (text, status) in objectives {
            self.assessed(text, status);
        }
        if let Some(tier) = observed.first_to_break {
            *self.first_to_break.entry(tier).or_default() += 1;
        }
        for (name, value) in observed.figures {
            self.figures.entry(name).or_default().push(value);
        }
        self.courses.push(observed.course);
        let (number, seed, set) = (life.number, life.seed, life.set);
        self.each.push(Replication { number, seed, set, verdict, reason });
    }

    fn found(&mut self, id: String, status: Status) {
        match status {
            Status::Violated => self.findings.entry(id).or_default().violated += 1,
            Status::NotChecked => self.findings.entry(id).or_default().not_checked += 1,
            Status::Held | Status::NotApplicable => {}
        }
    }

    fn assessed(&mut self, text: String, status: AssessmentStatus) {
        let known = self.objectives.iter().position(|tally| tally.text == text);
        let place = known.unwrap_or_else(|| {
            self.objectives.push(ObjectiveTally { text, ..ObjectiveTally::default() });
            self.objectives.len() - 1
        });
        let tally = &mut self.objectives[place];
        match status {
            AssessmentStatus::Met => tally.met += 1,
            AssessmentStatus::Missed => tally.missed += 1,
            AssessmentStatus::NotAssessed => tally.not_assessed += 1,
        }
    }

    /// How well the figures that a precision is asked of are known by now: sell-out times, 99 % response times and
    /// shares of failures.
    pub fn precision(&self, asked: f64) -> Precision {
        let told = self.figures.iter().filter(|(name, _)| is_to_be_known(name));
        let widths = told.filter_map(|(name, values)| {
            // What only some replications have, as a sell-out, is known by those.
            let width = Sample::of(values)?.relative_half_width()?;
            Some((name.as_str(), width))
        });
        let widest = widths.max_by(|(_, one), (_, other)| one.total_cmp(other));
        Precision {
            asked,
            widest: widest.map(|(name, _)| name.to_owned()),
            half_width: widest.map(|(_, width)| round6(width)).filter(|width| width.is_finite()),
            reached: widest.is_none_or(|(_, width)| width <= asked),
        }
    }

    /// All that were added, of so many that were `asked` for, to a `precision` if one was.
    pub fn finish(self, asked: u32, precision: Option<f64>, cut_short: bool) -> Replications {
        let precision = precision.map(|asked| self.precision(asked));
        let figures = self.figures.iter().filter(|(name, values)| {
            !name.starts_with(COUNTS) || values.iter().any(|value| *value > 0.0)
        });
        let figures =
            figures.filter_map(|(name, values)| Some((name.clone(), Sample::of(values)?)));
        Replications {
            asked,
            lived: u32::try_from(self.each.len()).unwrap_or(u32::MAX),
            cut_short,
            precision,
            verdicts: self.verdicts,
            findings: self.findings,
            objectives: self.objectives,
            first_to_break: self.first_to_break,
            figures: figures.collect(),
            bands: bands(self.courses),
            each: self.each,
        }
    }
}

/// Counts of violations, which are left out where there never was one.
const COUNTS: &str = "findings.";

fn is_to_be_known(name: &str) -> bool {
    let is_of_fans = name.starts_with("operations.");
    name.ends_with(".sell_out_s")
        || (is_of_fans && (name.ends_with(".p99_ms") || name.ends_with(".failed")))
}
