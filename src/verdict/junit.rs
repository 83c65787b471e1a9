//! The verdict as `JUnit` XML: one case per invariant and per objective.

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::audit::{Finding, Status};
use crate::verdict::{Assessment, AssessmentStatus, Judged, Verdict};

/// The `JUnit` report of a run of the scenario `name`. A violated invariant and a missed objective
/// are failures, what could not be checked or assessed is an error unless it is excused, and what
/// does not apply is skipped. The verdict itself is a case of its own.
///
/// # Errors
/// When the report cannot be written as XML.
pub fn junit(name: &str, judged: &Judged) -> Result<String, SerializeError> {
    let mut report = Report::new(name);
    let mut verdict = TestSuite::new("verdict");
    verdict.add_test_case(of_verdict(judged));
    let mut invariants = TestSuite::new("invariants");
    invariants.add_test_cases(judged.findings.iter().map(of_finding));
    let mut objectives = TestSuite::new("objectives");
    objectives.add_test_cases(judged.objectives.iter().map(of_assessment));
    report.add_test_suites([verdict, invariants, objectives]);
    report.to_string()
}

fn of_verdict(judged: &Judged) -> TestCase {
    let kind = match judged.verdict {
        Verdict::Pass => return TestCase::new("verdict", TestCaseStatus::success()),
        Verdict::InvariantViolated | Verdict::ObjectiveMissed | Verdict::Regression => {
            NonSuccessKind::Failure
        }
        Verdict::Error
        | Verdict::InvalidScenario
        | Verdict::Aborted
        | Verdict::Inconclusive
        | Verdict::OverCapacity => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    status
        .set_message(format!("{} ({})", judged.verdict.word(), judged.exit_code))
        .set_description(judged.reasons.join("\n"));
    TestCase::new("verdict", status)
}

fn of_finding(finding: &Finding) -> TestCase {
    let witness = finding.witness.join("\n");
    let status = match finding.status {
        Status::Held => TestCaseStatus::success(),
        Status::NotApplicable => skipped(&witness),
        Status::NotChecked => match &finding.waived {
            Some(reason) => skipped(&format!("waived: {reason}")),
            None => failed(NonSuccessKind::Error, "not checked", &witness),
        },
        Status::Violated => {
            let message = format!("{} {}", finding.count, finding.counted());
            failed(NonSuccessKind::Failure, &message, &witness)
        }
    };
    TestCase::new(finding.id.as_str(), status)
}

fn of_assessment(assessment: &Assessment) -> TestCase {
    let reason = assessment.reason.as_deref().unwrap_or_default();
    let status = match assessment.status {
        AssessmentStatus::Met => TestCaseStatus::success(),
        AssessmentStatus::NotAssessed => skipped(reason),
        AssessmentStatus::Missed => {
            let value =
                assessment.value.map_or_else(String::new, |value| format!("it was {value}"));
            failed(NonSuccessKind::Failure, &value, reason)
        }
    };
    TestCase::new(assessment.text.as_str(), status)
}

fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(why);
    status
}

fn failed(kind: NonSuccessKind, message: &str, description: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message).set_description(description);
    status
}
