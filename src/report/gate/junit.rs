//! What the gate says as `JUnit` XML: a case for the verdict, for each gating figure, and for each invariant that
//! the candidate violated.

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::words;
use crate::verdict::Verdict;
use crate::verdict::gate::{Gated, Judgement, Standing};

/// The `JUnit` report of a gate. A regression and a violated invariant are failures, what is missing is an error,
/// what stays undecided is skipped.
///
/// # Errors
/// When the report cannot be written as XML.
pub fn junit(gated: &Gated) -> Result<String, SerializeError> {
    let mut report = Report::new(format!("gate: {}", gated.candidate.provenance.scenario));
    let mut verdict = TestSuite::new("verdict");
    verdict.add_test_case(of_verdict(gated));
    let mut figures = TestSuite::new("figures");
    figures.add_test_cases(gated.gating().map(of_figure));
    let mut invariants = TestSuite::new("invariants");
    let all = gated.candidate.runs.len();
    invariants.add_test_cases(gated.candidate.violated.iter().map(|(id, runs)| {
        let message = format!("violated in {runs} of {all} run(s) of the candidate");
        TestCase::new(id.as_str(), failed(NonSuccessKind::Failure, &message, ""))
    }));
    report.add_test_suites([verdict, figures, invariants]);
    report.to_string()
}

fn of_verdict(gated: &Gated) -> TestCase {
    let message = format!("{} ({})", gated.verdict.word(), gated.exit_code);
    let kind = match gated.verdict {
        Verdict::Pass => return TestCase::new("verdict", TestCaseStatus::success()),
        Verdict::Regression | Verdict::InvariantViolated => NonSuccessKind::Failure,
        _ => NonSuccessKind::Error,
    };
    TestCase::new("verdict", failed(kind, &message, &gated.reasons.join("\n")))
}

fn of_figure(judged: &Judgement) -> TestCase {
    let told = format!(
        "{} to {}, {} ({})",
        words::middle(judged.unit, judged.baseline.as_ref()),
        words::middle(judged.unit, judged.candidate.as_ref()),
        words::change(judged.unit, judged.effect),
        words::interval(judged.unit, judged.ci95)
    );
    let status = match judged.standing {
        Some(Standing::Regressed) => failed(NonSuccessKind::Failure, "regressed", &told),
        Some(Standing::Missing) => {
            failed(NonSuccessKind::Error, "missing", &judged.missing.join("\n"))
        }
        Some(Standing::Undecided) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("undecided: {told}"));
            status
        }
        Some(Standing::Improved | Standing::Unchanged) | None => TestCaseStatus::success(),
    };
    TestCase::new(judged.name.as_str(), status)
}

fn failed(kind: NonSuccessKind, message: &str, description: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message).set_description(description);
    status
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn there_is_a_case_for_the_verdict_and_each_figure_and_what_regressed_fails() {
        let gated = fixture::regressed();
        let report = Report::deserialize_from_str(&junit(&gated).unwrap()).unwrap();
        let cases: Vec<&TestCase> =
            report.test_suites.iter().flat_map(|suite| &suite.test_cases).collect();
        let names: Vec<String> = cases.iter().map(|case| case.name.to_string()).collect();
        assert_eq!(names, ["verdict", "orders per second", "failed share", "checkout p99"]);
        let fails = |case: &&&TestCase| matches!(case.status, TestCaseStatus::NonSuccess { .. });
        let failing: Vec<String> =
            cases.iter().filter(fails).map(|case| case.name.to_string()).collect();
        assert_eq!(failing, ["verdict", "checkout p99"]);
    }
}
