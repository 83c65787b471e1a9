//! Which reasons a verdict gives, and in which order.

use super::*;
use crate::evidence::{Complaint, ComplaintKind, NeverBegun};

#[test]
fn a_run_that_never_began_has_one_reason_with_its_cause() {
    let cause = NeverBegun {
        what: "The target refuses: nobody answers there.".to_owned(),
        why: "reach http://127.0.0.1:9: connection refused".to_owned(),
        hint: Some("is it running?".to_owned()),
    };
    let ending = Ending { never_begun: Some(cause.clone()), ..Ending::default() };
    let run = Run { ending: Some(ending), shop: None, provider: None, ..Run::default() };
    let judged = run.judged();
    assert_eq!(judged.verdict, Verdict::Inconclusive);
    assert_eq!(
        judged.reasons,
        ["The target refuses: nobody answers there: reach http://127.0.0.1:9: connection refused."]
    );
    assert_eq!(judged.never_begun, Some(cause));
    for finding in &judged.findings {
        assert_eq!(
            (finding.status, &*finding.witness[0]),
            (Status::NotChecked, "the run never began")
        );
    }
}

#[test]
fn the_gravest_violation_is_told_first() {
    let mut run = Run::default();
    // A third order of two pieces: oversold; and a second charge of the first purchase.
    run.shop.as_mut().unwrap().push(order(2));
    let twice = |line: PaymentLine| PaymentLine {
        payment: Some("again".to_owned()),
        key: "again".to_owned(),
        ..line
    };
    let lines = run.provider.as_mut().unwrap();
    lines.extend([PaymentOutcome::Authorized, PaymentOutcome::Captured].map(|of| payment(2, of)));
    lines.extend(
        [PaymentOutcome::Authorized, PaymentOutcome::Captured].map(|of| twice(payment(0, of))),
    );
    let judged = run.judged();
    let ids: Vec<&str> =
        judged.reasons.iter().filter_map(|reason| reason.split(':').next()).take(2).collect();
    assert_eq!(ids, ["INV-DOUBLE-CHARGE", "INV-OVERSELL"], "{:?}", judged.reasons);
    assert_eq!(judged.findings[0].id, "INV-DOUBLE-CHARGE");
}

#[test]
fn what_was_not_checked_for_one_reason_is_told_in_one_sentence() {
    let mut run = Run { shop: None, ..Run::default() };
    let ending = run.ending.as_mut().unwrap();
    ending.unreadable.push("shop: http://127.0.0.1:9: connection refused".to_owned());
    let judged = run.judged();
    let told: Vec<&String> =
        judged.reasons.iter().filter(|reason| reason.contains("connection refused")).collect();
    assert_eq!(told, ["A ledger could not be read: shop: http://127.0.0.1:9: connection refused."]);
    let unchecked: Vec<&String> =
        judged.reasons.iter().filter(|reason| reason.contains("not checked")).collect();
    assert_eq!(unchecked.len(), 1, "{unchecked:?}");
    assert!(
        unchecked[0].ends_with(" were not checked: there is no whole ledger of the shop."),
        "{unchecked:?}"
    );
}

fn misunderstood(open: u64, of: u64) -> Judged {
    let complaint = Complaint {
        step: "page".to_owned(),
        kind: ComplaintKind::CaptureNotFound,
        about: "csrf".to_owned(),
        count: open,
        open,
        of: Some(of),
        example: None,
    };
    let mut run = Run::default();
    run.ending.as_mut().unwrap().complaints.push(complaint);
    run.judged()
}

#[test]
fn a_step_whose_answers_are_not_understood_costs_the_pass() {
    let judged = misunderstood(42, 70);
    assert_eq!(judged.verdict, Verdict::Inconclusive);
    assert_eq!(
        judged.reasons,
        ["The steps do not fit what the shop answers: page: nothing to capture (csrf), 42 times \
          of 70."]
    );
    assert!(last_line(&judged).contains("nothing to capture (csrf), 42 times of 70"));
}

#[test]
fn a_few_answers_that_are_not_understood_do_not() {
    assert_eq!(misunderstood(4, 8).verdict, Verdict::Pass);
    assert_eq!(misunderstood(49, 1_000).verdict, Verdict::Pass);
    assert_eq!(misunderstood(50, 1_000).verdict, Verdict::Inconclusive);
}

#[test]
fn evidence_that_was_cut_is_neither_a_pass_nor_an_accusation() {
    let damaged = |file: &str| {
        let mut run = Run::default();
        run.ending.as_mut().unwrap().written.insert(file.to_owned(), 4_000);
        run.sizes.insert(file.to_owned(), 3_800);
        run.judged()
    };
    for file in ["purchases.jsonl", "ledger-shop.jsonl", "timeline.jsonl"] {
        let judged = damaged(file);
        assert_eq!(judged.verdict, Verdict::Inconclusive, "{file}");
        let expected = format!(
            "The run's evidence is damaged: {file} holds 3800 bytes, and 4000 were written."
        );
        assert_eq!(judged.reasons[0], expected);
        assert!(judged.findings.iter().all(|finding| finding.status != Status::Violated));
    }
    let judged = damaged("purchases.jsonl");
    let silent = judged.findings.iter().find(|finding| finding.id == "INV-SILENT-CHARGE").unwrap();
    assert_eq!(silent.status, Status::NotChecked);
}

#[test]
fn a_missed_objective_says_its_unit() {
    let shown = |text: &str, value: f64| {
        let status = AssessmentStatus::Missed;
        let assessed =
            Assessment { text: text.to_owned(), status, value: Some(value), reason: None };
        assessed.shown().unwrap()
    };
    assert_eq!(shown("checkout med < 15s", 20_971.519), "20.972s");
    assert_eq!(shown("reload p(99) for 5s in opening < 800ms", 801.5), "801.5ms");
    assert_eq!(shown("reload avg <1s", 1_500.0), "1.5s");
    assert_eq!(shown("edge error <= 0.5%", 0.0125), "1.25%");
    assert_eq!(shown("sold ratio >= 1", 0.97), "0.97");
}
