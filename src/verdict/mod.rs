//! Weighs what was measured and what was found: verdict, exit code, summary.

pub mod assess;
pub mod bounds;
mod calibrated;
pub mod compare;
mod damage;
pub mod gate;
mod gravity;
pub mod junit;
mod line;
pub mod objective;
pub mod probe;
pub mod replications;
mod weigh;

#[cfg(test)]
mod tests;

use domain::shop::Catalogue;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::{AuditSettings, Finding, INVARIANTS, Status, audit};
use crate::evidence::read::{Completeness, Files, ReadError, evidence};
use crate::evidence::{Complaint, Evidence, Facts, NeverBegun};
use crate::measure::latency::LatencyLog;
use crate::measure::timeline::Timeline;
use crate::measure::{Measured, round3, summarize};
use assess::{Assessed, Readings, Times, assess};
use objective::Objective;
use probe::Probe;
use replications::Replications;
use weigh::{Case, weigh};

pub use calibrated::Calibrated;
pub use line::{bare_line, last_line, reasoned_line};

/// What is asked of the judge about one run.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Which world it was lived in.
    pub world: World,
    /// Whether its times mean anything.
    pub times: Times,
    /// All that was for sale.
    pub catalogue: &'a Catalogue,
    /// What else the judge must know of the scenario.
    pub facts: &'a Facts,
    /// The objectives.
    pub objectives: &'a [Objective],
    /// What the scenario asks of the judge.
    pub asked: &'a AuditSettings,
    /// Sentences that the verdict must repeat, such as why no canary was sent.
    pub remarks: &'a [String],
}

/// Judges a run by what it left behind: the one way for `run`, `simulate` and `verify`. Without an
/// ending the run is partial.
///
/// # Errors
/// When a file cannot be read.
pub fn judge(question: &Question<'_>, mut files: Files<'_>) -> Result<Judged, ReadError> {
    let latency = LatencyLog::read(&mut files.latency)?;
    let timeline = Timeline::read(&mut files.timeline)?;
    let (evidence, completeness) = evidence(question.catalogue.clone(), &mut files)?;

    let mut measured = summarize(&evidence, question.facts, &latency, &timeline);
    if question.world == World::Simulated {
        measured.health = None;
    }
    if let Some(health) = &mut measured.health {
        health.bounds = bounds::bounds(health, question.objectives);
    }
    let findings = findings(question, &evidence, &measured, &completeness);
    if let Some(error) = evidence.lost() {
        let source = std::io::Error::new(error.kind(), error.to_string());
        return Err(ReadError::Io { file: "what was put aside of it", source });
    }
    let readings = Readings {
        latency: &latency,
        timeline: &timeline,
        measured: &measured,
        catalogue: question.catalogue,
        facts: question.facts,
        times: question.times,
        world: question.world,
    };
    let assessed: Vec<Assessed> =
        question.objectives.iter().map(|objective| assess(objective, &readings)).collect();
    let (verdict, mut reasons) = weigh(&Case {
        completeness: &completeness,
        evidence: &evidence,
        measured: &measured,
        findings: &findings,
        assessed: &assessed,
    });
    if evidence.ending.never_begun.is_none() {
        reasons.extend_from_slice(question.remarks);
    }
    Ok(Judged {
        verdict,
        exit_code: verdict.exit_code(),
        reasons,
        world: question.world,
        findings,
        objectives: assessed.into_iter().map(|assessed| assessed.assessment).collect(),
        complaints: evidence.ending.complaints,
        never_begun: evidence.ending.never_begun,
        measured,
        // Whoever can live it again adds them.
        probes: Vec::new(),
        // Whoever lived others beside it adds them.
        replications: None,
    })
}

/// What is found of each invariant, the gravest first. Of a run that never began nothing is.
fn findings(
    question: &Question<'_>,
    evidence: &Evidence,
    measured: &Measured,
    completeness: &Completeness,
) -> Vec<Finding> {
    let mut findings = match &evidence.ending.never_begun {
        Some(_) => INVARIANTS.iter().map(|invariant| never_checked(invariant.id)).collect(),
        None if question.catalogue.sales.is_empty() => {
            let why = || vec!["nothing is for sale".to_owned()];
            let none = |id: &str| Finding::plain(id, Status::NotApplicable, why());
            INVARIANTS.iter().map(|invariant| none(invariant.id)).collect()
        }
        None => audit(evidence, question.facts, question.asked),
    };
    if let Some(doubt) = measured.health.iter().flat_map(bounds::doubts).next() {
        let is_foreign = evidence.ending.ledgers.is_some();
        let hang_on_time = findings.iter_mut().filter(|finding| hangs_on_time(finding, is_foreign));
        hang_on_time.for_each(|finding| excuse(finding, &doubt));
    }
    if question.times == Times::Unmodelled {
        let of_times = findings.iter_mut().filter(|finding| finding.id == "INV-ISOLATION");
        let why = || vec!["the simulated stack has no service times ([stack])".to_owned()];
        of_times.for_each(|finding| {
            *finding = Finding::plain(&finding.id, Status::NotApplicable, why());
        });
    }
    if let Completeness::Damaged(damages) = completeness {
        damage::doubt(&mut findings, damages);
    }
    gravity::sort(&mut findings);
    findings
}

/// Whether a late or starved machine may have caused what was found: how fast fans were served, in
/// which order they came through, and what a foreign shop did not sell in time, for both share this
/// machine. What ledgers say is a fact.
fn hangs_on_time(finding: &Finding, is_foreign: bool) -> bool {
    match finding.id.as_str() {
        "INV-FIFO" | "INV-ISOLATION" => true,
        "INV-UNDERSOLD" => is_foreign,
        _ => false,
    }
}

/// Takes back what a late or starved machine may have caused.
fn excuse(finding: &mut Finding, doubt: &str) {
    if finding.status == Status::Violated {
        let Finding { count, measure, .. } = &*finding;
        let found = format!("{count} {measure}, but the reading is not valid. {doubt}");
        finding.witness = vec![found.trim_end_matches('.').to_owned()];
        (finding.status, finding.count) = (Status::NotChecked, 0);
        finding.measure.clear();
        finding.events.clear();
    }
}

fn never_checked(id: &str) -> Finding {
    Finding::plain(id, Status::NotChecked, vec!["the run never began".to_owned()])
}

/// `summary.json`. For a simulated run `result` is a function of scenario, seed, scale and version
/// alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The version of this layout: 1.
    pub schema: u32,
    /// What was measured and judged.
    pub result: Judged,
    /// Where it came from.
    pub provenance: Provenance,
}

/// The word of a run's end; its number is the process's exit code.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All held, all met.
    Pass,
    /// `spike` itself failed.
    Error,
    /// A service level objective is missed.
    ObjectiveMissed,
    /// The scenario is missing or invalid.
    InvalidScenario,
    /// Cut short by its user, or broken off for the shop's sake.
    Aborted,
    /// An invariant is violated.
    InvariantViolated,
    /// Nothing can be said.
    Inconclusive,
    /// The gate found a regression.
    Regression,
    /// A plan cannot be met within its bounds.
    OverCapacity,
}

impl Verdict {
    /// The process's exit code.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Error => 1,
            Self::ObjectiveMissed => 99,
            Self::InvalidScenario => 104,
            Self::Aborted => 105,
            Self::InvariantViolated => 111,
            Self::Inconclusive => 112,
            Self::Regression => 113,
            Self::OverCapacity => 114,
        }
    }

    /// The verdict's word in files and on the last line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Error => "error",
            Self::ObjectiveMissed => "objective_missed",
            Self::InvalidScenario => "invalid_scenario",
            Self::Aborted => "aborted",
            Self::InvariantViolated => "invariant_violated",
            Self::Inconclusive => "inconclusive",
            Self::Regression => "regression",
            Self::OverCapacity => "over_capacity",
        }
    }
}

/// The gravest of several verdicts; a pass where there is none.
pub fn gravest(verdicts: &[Verdict]) -> Verdict {
    const GRAVEST_FIRST: [Verdict; 8] = [
        Verdict::Error,
        Verdict::InvalidScenario,
        Verdict::InvariantViolated,
        Verdict::Aborted,
        Verdict::Inconclusive,
        Verdict::ObjectiveMissed,
        Verdict::Regression,
        Verdict::OverCapacity,
    ];
    GRAVEST_FIRST.into_iter().find(|verdict| verdicts.contains(verdict)).unwrap_or(Verdict::Pass)
}

/// Which world a run was lived in.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum World {
    /// Real sockets, real time.
    Live,
    /// Virtual time.
    Simulated,
}

/// What was measured and judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// Its exit code.
    pub exit_code: u8,
    /// Why, a sentence each; also what was waived.
    pub reasons: Vec<String>,
    /// Which world.
    pub world: World,
    /// One per invariant, the gravest first.
    pub findings: Vec<Finding>,
    /// One per objective.
    pub objectives: Vec<Assessment>,
    /// What fans could not understand in a foreign shop's answers, or not say to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub complaints: Vec<Complaint>,
    /// Why the run never began, if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never_begun: Option<NeverBegun>,
    /// What was measured: its keys stand beside these in the file.
    #[serde(flatten)]
    pub measured: Measured,
    /// What became of a simulated run that did not hold with one change each, of what was at 100 %.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<Probe>,
    /// What became of all replications, where it is the first of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replications: Option<Replications>,
}

/// What became of an objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Assessment {
    /// The objective as written: `reload p(99) < 300ms`.
    pub text: String,
    /// Whether it was met.
    pub status: AssessmentStatus,
    /// The value read \[ms or ratio\].
    pub value: Option<f64>,
    /// Why it was not assessed.
    pub reason: Option<String>,
}

impl Assessment {
    /// The value that was read, in the unit of its bound: `20.972s` beside `< 15s`.
    pub fn shown(&self) -> Option<String> {
        let value = self.value?;
        let bound = self.text.split_whitespace().next_back().unwrap_or_default();
        let bound = bound.trim_start_matches(['<', '>', '=']);
        let unit = bound.trim_start_matches(|letter: char| !letter.is_ascii_alphabetic());
        let is_number = bound.starts_with(|letter: char| letter.is_ascii_digit());
        Some(match unit {
            _ if bound.ends_with('%') => format!("{}%", round3(value * 100.0)),
            "" => value.to_string(),
            _ if bound.contains('/') => format!("{}/s", round3(value)),
            _ if !is_number => value.to_string(),
            "ms" | "us" => format!("{value}ms"),
            _ => format!("{}s", round3(value / 1e3)),
        })
    }
}

/// Whether an objective was met.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssessmentStatus {
    /// Met.
    Met,
    /// Missed.
    Missed,
    /// Not enough samples, or nothing to read.
    NotAssessed,
}

/// Where a result came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Provenance {
    /// The version of `spike`.
    pub spike: String,
    /// The commit it was built from, where known.
    pub commit: Option<String>,
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's title.
    pub title: String,
    /// The seed.
    pub seed: u64,
    /// The scale.
    pub scale: f64,
    /// When the run began, RFC 3339.
    pub started_at: String,
    /// How long it took \[s\].
    pub took_s: f64,
    /// Processor, cores, memory, kernel.
    pub machine: String,
    /// The command line.
    pub command: String,
    /// From where the stack has its service times; absent where they are the scenario's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<Calibrated>,
}
