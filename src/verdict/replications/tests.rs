use super::*;
use crate::audit::{Finding, Status};
use crate::measure::{
    Breaking, ItemSummary, Measured, OperationSummary, Percentiles, SaleSummary, Second,
};
use crate::verdict::{Assessment, AssessmentStatus, World};

/// A replication in which so much was sold, out after `sell_out_s`, with so many edge requests in each second.
fn judged(sold: u64, sell_out_s: Option<f64>, edge: &[u64]) -> Judged {
    let item = ItemSummary { stock: 100, sold, sellable: 100 };
    let sale = SaleSummary {
        opens_s: 10.0,
        sold_out_s: sell_out_s.map(|after_s| 10.0 + after_s),
        items: [("tee".to_owned(), item)].into(),
        ..SaleSummary::default()
    };
    let outcomes = [("ok", 70), ("error", 20), ("unknown", 10)];
    let checkout = OperationSummary {
        count: 100,
        outcomes: outcomes.map(|(word, count)| (word.to_owned(), count)).into(),
        response_ms: Some(Percentiles { p99: sold as f64, ..Percentiles::default() }),
        ..OperationSummary::default()
    };
    let second =
        |(at, edge): (u32, &u64)| Second { at_s: f64::from(at), edge: *edge, ..Second::default() };
    Judged {
        verdict: Verdict::Pass,
        exit_code: 0,
        reasons: Vec::new(),
        world: World::Simulated,
        findings: vec![Finding::plain("INV-OVERSELL", Status::Held, Vec::new())],
        objectives: vec![Assessment {
            text: "sold ratio >= 1".to_owned(),
            status: AssessmentStatus::Met,
            value: Some(1.0),
            reason: None,
        }],
        complaints: Vec::new(),
        never_begun: None,
        probes: Vec::new(),
        replications: None,
        measured: Measured {
            sales: [("day-1".to_owned(), sale)].into(),
            operations: [("checkout".to_owned(), checkout)].into(),
            timeline: (0..).zip(edge).map(second).collect(),
            ..Measured::default()
        },
    }
}

/// The same with pieces oversold.
fn oversold(sold: u64) -> Judged {
    let mut judged = judged(sold, Some(1.0), &[]);
    judged.findings[0].status = Status::Violated;
    judged.findings[0].count = 7;
    judged.objectives[0].status = AssessmentStatus::Missed;
    judged.verdict = Verdict::InvariantViolated;
    judged.reasons = vec!["INV-OVERSELL: 7 pieces oversold.".to_owned()];
    let tier = BreakingTier::Payment;
    judged.measured.first_to_break = Some(Breaking { tier, at_s: 3.0, failed: 9, of: 9 });
    judged
}

fn merged(all: &[Judged]) -> Merge {
    let mut merge = Merge::default();
    for (number, judged) in (1..).zip(all) {
        let set = vec![format!("provider.declines=0.{number}")];
        let life = Life { number, seed: u64::from(number) * 11, set };
        merge.add(Observation::of(life, judged));
    }
    merge
}

#[test]
fn figures_are_put_together_with_their_interval() {
    let all = [1, 2, 3, 4, 5].map(|sold| judged(sold, Some(2.0), &[]));
    let all = merged(&all).finish(5, None, false);
    assert_eq!((all.asked, all.lived), (5, 5));
    // By hand: 3 ± 2.776445 · √(2.5 / 5).
    let sold = all.figures["sales.day-1.sold"];
    assert_eq!((sold.mean, sold.ci95), (3.0, Some([1.036_757, 4.963_243])));
    assert_eq!(all.figures["sales.day-1.sell_out_s"].ci95, Some([2.0, 2.0]));
    // Those that failed and those that were never answered.
    let failed = all.figures["operations.checkout.failed"];
    let p99_ms = all.figures["operations.checkout.p99_ms"];
    assert_eq!((failed.mean, p99_ms.median), (0.3, 3.0));
    assert!(!all.figures.contains_key("findings.INV-OVERSELL.count"), "there never was one");
}

#[test]
fn what_only_some_replications_have_is_counted_by_those() {
    let all = [judged(1, None, &[]), judged(2, Some(8.0), &[])];
    let all = merged(&all).finish(2, None, false);
    let sell_out = all.figures["sales.day-1.sell_out_s"];
    assert_eq!((sell_out.count, sell_out.mean, sell_out.ci95), (1, 8.0, None));
}

#[test]
fn the_verdict_is_the_gravest_and_says_in_how_many() {
    let mut first = judged(5, Some(1.0), &[]);
    let all = [first.clone(), oversold(6), judged(5, Some(1.0), &[]), oversold(8)];
    let all = merged(&all).finish(4, None, false);
    assert_eq!(all.verdicts, [(Verdict::Pass, 2), (Verdict::InvariantViolated, 2)].into());
    let tally = FindingTally { violated: 2, not_checked: 0 };
    assert_eq!(all.findings, [("INV-OVERSELL".to_owned(), tally)].into());
    assert_eq!((all.objectives[0].met, all.objectives[0].missed), (2, 2));
    assert_eq!(all.first_to_break.values().sum::<u32>(), 2);
    let count = all.figures["findings.INV-OVERSELL.count"];
    assert_eq!((count.count, count.mean), (4, 3.5));

    first.replicated(all);
    assert_eq!((first.verdict, first.exit_code), (Verdict::InvariantViolated, 111));
    let why = "2 of 4 replications ended invariant_violated, the first of them number 2: INV-OVERSELL: 7 pieces \
               oversold (`--seed 22 --set 'provider.declines=0.2'`).";
    assert_eq!(first.reasons, [why]);
}

#[test]
fn who_is_cut_short_says_how_many_there_were() {
    let mut first = judged(5, Some(1.0), &[]);
    let cut = merged(std::slice::from_ref(&first)).finish(20, None, true);
    first.replicated(cut);
    assert_eq!((first.verdict, first.exit_code), (Verdict::Aborted, 105));
    assert_eq!(first.reasons, ["Cut short by their user after 1 of 20 replications."]);
    let mut all = judged(5, Some(1.0), &[]);
    all.replicated(merged(&[all.clone(), all.clone()]).finish(2, None, false));
    assert_eq!((all.verdict, &*all.reasons[0]), (Verdict::Pass, "All 2 replications passed."));
}

#[test]
fn a_precision_is_reached_when_all_are_known_so_well() {
    let alike = [100, 101, 100, 101].map(|sold| judged(sold, Some(2.0), &[]));
    let merge = merged(&alike);
    // By hand: s² = 1/3, 3.182446 · √(1/12) = 0.918693, over 100.5.
    let known = merge.precision(0.05);
    assert_eq!(known.widest.as_deref(), Some("operations.checkout.p99_ms"));
    assert!(known.reached && (known.half_width.unwrap() - 0.009_141).abs() < 1e-6, "{known:?}");
    assert!(!merge.precision(0.009).reached);
    let told = merge.finish(100, Some(0.05), false).precision;
    assert_eq!(told, Some(known));
}

#[test]
fn bands_hold_what_most_of_them_had() {
    let all = [[10, 0], [20, 0], [30, 60]].map(|edge| judged(1, None, &edge));
    let bands = merged(&all).finish(3, None, false).bands;
    let edge = &bands.tiers["edge"];
    assert_eq!(bands.step_s, 1);
    // Between the least and the middle, a tenth of the way.
    assert_eq!(
        (&edge.p5[..], &edge.median[..], &edge.p95[..]),
        (&[11.0, 0.0][..], &[20.0, 0.0][..], &[29.0, 54.0][..])
    );
    assert_eq!(bands.tiers["payment"].median, [0.0, 0.0]);
}

#[test]
fn long_replications_share_steps_with_short_ones() {
    let mut long = vec![1; 1_801];
    long[1_000] = 77;
    long[1_800] = 5;
    let all = [judged(1, None, &long), judged(1, None, &[1, 9])];
    let bands = merged(&all).finish(2, None, false).bands;
    let edge = &bands.tiers["edge"];
    assert_eq!((bands.step_s, edge.median.len()), (4, 451));
    // The busiest second of each step; of a replication that was over, nothing.
    assert_eq!((edge.median[0], edge.median[250], edge.median[450]), (5.0, 38.5, 2.5));
}
