//! Weighs findings and assessments: one verdict, and a sentence for each reason.

use std::collections::BTreeSet;

use domain::outcome::Outcome;

use crate::audit::{Finding, Status};
use crate::evidence::read::Completeness;
use crate::evidence::{Complaint, Evidence};
use crate::measure::{GapSummary, Measured};
use crate::verdict::assess::Assessed;
use crate::verdict::{AssessmentStatus, Verdict, bounds};

/// The share of a step's answers that may stay open, in \[0, 1\]: as many failures as break a tier.
const OPEN_SHARE_MAX: f64 = 0.05;
/// How many may at any rate: one or two of a handful are no sign.
const OPEN_MAX: u64 = 4;

/// All that is weighed.
pub(super) struct Case<'a> {
    pub(super) completeness: &'a Completeness,
    pub(super) evidence: &'a Evidence,
    pub(super) measured: &'a Measured,
    pub(super) findings: &'a [Finding],
    pub(super) assessed: &'a [Assessed],
}

/// The verdict, and all reasons: those for the verdict first, then the lesser ones, then which
/// parts of the stack died, what was waived, and what was left undone. Precedence: a violated invariant, an abort, doubt, a missed objective, a pass.
///
/// Of a run that never began there is one reason: why it did not.
pub(super) fn weigh(case: &Case<'_>) -> (Verdict, Vec<String>) {
    if let Some(cause) = &case.evidence.ending.never_begun {
        return (Verdict::Inconclusive, vec![cause.to_string()]);
    }
    let weighed = [
        (Verdict::InvariantViolated, case.violated()),
        (Verdict::Aborted, case.aborted()),
        (Verdict::Inconclusive, case.doubts()),
        (Verdict::ObjectiveMissed, case.missed()),
    ];
    let first = weighed.iter().find(|(_, reasons)| !reasons.is_empty());
    let verdict = first.map_or(Verdict::Pass, |(verdict, _)| *verdict);
    let mut reasons: Vec<String> = weighed.into_iter().flat_map(|(_, reasons)| reasons).collect();
    reasons.extend(case.measured.gaps.iter().map(GapSummary::sentence));
    reasons.extend(case.waived());
    reasons.extend(case.left_dirty());
    (verdict, reasons)
}

impl Case<'_> {
    fn violated(&self) -> Vec<String> {
        self.findings
            .iter()
            .filter(|finding| finding.status == Status::Violated)
            .map(|finding| format!("{}: {} {}.", finding.id, finding.count, finding.counted()))
            .collect()
    }

    fn aborted(&self) -> Vec<String> {
        let ending = &self.evidence.ending;
        let why = || match &ending.broken_off {
            Some(why) => format!("The run was broken off: {why}."),
            None => "The run was cut short by its user.".to_owned(),
        };
        ending.aborted.then(why).into_iter().collect()
    }

    fn missed(&self) -> Vec<String> {
        self.assessed
            .iter()
            .map(|assessed| &assessed.assessment)
            .filter(|assessment| assessment.status == AssessmentStatus::Missed)
            .map(|assessment| match assessment.shown() {
                Some(value) => format!("Missed {}: it was {value}.", assessment.text),
                None => format!("Missed {}.", assessment.text),
            })
            .collect()
    }

    fn waived(&self) -> Vec<String> {
        let waived = |finding: &Finding| {
            let reason = finding.waived.as_ref()?;
            Some(format!("{} was not checked, which is waived: {reason}.", finding.id))
        };
        self.findings.iter().filter_map(waived).collect()
    }

    fn left_dirty(&self) -> Option<String> {
        let why = self.evidence.ending.left_dirty.as_ref()?;
        Some(format!("What the run left in the shop was not removed: failed to {why}."))
    }

    /// Why nothing can be said for certain.
    fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        match self.completeness {
            Completeness::Whole => {}
            Completeness::Partial(cut_short) => {
                doubts.push(format!("The run is partial: {}.", cut_short.why));
            }
            Completeness::Damaged(damages) => doubts.extend(
                damages.iter().map(|damage| format!("The run's evidence is damaged: {damage}.")),
            ),
        }
        doubts.extend(self.evidence.ending.doubts.iter().cloned());
        doubts.extend(self.unsettled());
        doubts.extend(self.beyond_timeout());
        doubts.extend(self.not_understood());
        if !self.evidence.catalogue.sales.is_empty() {
            doubts.extend(self.nothing_answered());
        }
        doubts.extend(self.no_orders());
        let damaged = |why: &&String| match self.completeness {
            Completeness::Damaged(damages) => {
                damages.iter().any(|damage| why.ends_with(&damage.to_string()))
            }
            Completeness::Whole | Completeness::Partial(_) => false,
        };
        let unreadable = self.evidence.ending.unreadable.iter().filter(|why| !damaged(why));
        doubts.extend(unreadable.map(|why| format!("A ledger could not be read: {why}.")));
        doubts.extend(self.measured.health.iter().flat_map(bounds::doubts));
        doubts.extend(self.not_checked());
        doubts.extend(self.not_assessed());
        doubts
    }

    /// Populations that were counted while too many of them waited longer than anybody would have.
    fn beyond_timeout(&self) -> impl Iterator<Item = String> {
        let aggregated = self.measured.aggregated.iter();
        let told_little = aggregated.filter(|(_, done)| done.beyond_timeout * 1_000 > done.looks);
        told_little.map(|(name, done)| {
            let (late, looks) = (done.beyond_timeout, done.looks);
            format!(
                "Of {looks} looks that {name} were counted in, {late} took longer than the timeout, at which nobody \
                 gives up while he is counted: simulate with fidelity = \"event\"."
            )
        })
    }

    /// Plain queues whose figures say nothing.
    fn unsettled(&self) -> impl Iterator<Item = String> {
        self.measured.queues.iter().filter_map(|(name, queue)| {
            let why = queue.unsettled.as_ref()?;
            Some(format!("The queue {name} is in no steady state: {why}."))
        })
    }

    /// A sentence for each reason for which something was not checked, in the order of the findings.
    fn not_checked(&self) -> Vec<String> {
        let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
        for finding in self.findings {
            if finding.status != Status::NotChecked || finding.waived.is_some() {
                continue;
            }
            let why = self.without_what_is_told(finding.witness.join(" "));
            match reasons.iter_mut().find(|(known, _)| *known == why) {
                Some((_, ids)) => ids.push(&finding.id),
                None => reasons.push((why, vec![&finding.id])),
            }
        }
        let sentence = |(why, ids): (String, Vec<&str>)| {
            let were = if ids.len() == 1 { "was" } else { "were" };
            format!("{} {were} not checked: {why}.", listed(&ids))
        };
        reasons.into_iter().map(sentence).collect()
    }

    /// Why a ledger could not be read is told once.
    fn without_what_is_told(&self, mut why: String) -> String {
        let told = self.evidence.ending.unreadable.iter().filter_map(|told| told.split_once(": "));
        for (_, cause) in told {
            if let Some(rest) = why.strip_suffix(cause).and_then(|rest| rest.strip_suffix(": ")) {
                why.truncate(rest.len());
            }
        }
        why
    }

    /// Steps of which too many answers stayed open, each with what happened most often.
    fn not_understood(&self) -> Vec<String> {
        let is_too_much = |complaint: &&Complaint| {
            complaint.open > OPEN_MAX && complaint.share() >= OPEN_SHARE_MAX
        };
        let complaints = self.evidence.ending.complaints.iter();
        let mut found: Vec<&Complaint> = complaints.filter(is_too_much).collect();
        found.sort_by_key(|complaint| std::cmp::Reverse(complaint.open));
        let mut steps = BTreeSet::new();
        found.retain(|complaint| steps.insert(complaint.step.as_str()));
        let sentence = |complaint: &Complaint| {
            let told = Complaint { count: complaint.open, ..complaint.clone() };
            format!("The steps do not fit what the shop answers: {told}.")
        };
        found.into_iter().map(sentence).collect()
    }

    fn not_assessed(&self) -> impl Iterator<Item = String> {
        self.assessed
            .iter()
            .filter(|assessed| !assessed.excused)
            .map(|assessed| &assessed.assessment)
            .filter(|assessment| assessment.status == AssessmentStatus::NotAssessed)
            .map(|assessment| {
                let reason = assessment.reason.as_deref().unwrap_or("nothing to read");
                format!("Not assessed {}: {reason}.", assessment.text)
            })
    }

    fn nothing_answered(&self) -> Option<String> {
        let (mut answered, mut served) = (0, 0);
        for (word, count) in self.measured.operations.values().flat_map(|found| &found.outcomes) {
            match Outcome::from_word(word) {
                None | Some(Outcome::Unknown | Outcome::Shed) => {}
                Some(Outcome::Error | Outcome::RateLimited | Outcome::Rejected) => {
                    answered += count;
                }
                Some(_) => {
                    answered += count;
                    served += count;
                }
            }
        }
        if answered == 0 {
            Some("No operation was answered.".to_owned())
        } else if served == 0 {
            Some("The shop refused or failed every operation.".to_owned())
        } else {
            None
        }
    }

    fn no_orders(&self) -> Option<String> {
        let for_sale = self.evidence.catalogue.items().any(|(_, _, item)| item.stock > 0);
        (for_sale && self.measured.orders.confirmed == 0)
            .then(|| "Not one order was confirmed.".to_owned())
    }
}

/// `A`, `A and B`, `A, B and C`.
fn listed(ids: &[&str]) -> String {
    match ids {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
