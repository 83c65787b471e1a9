//! Made-up summaries: a storm of 70,000 fans that was survived, one that was not, and an empty one.

use std::collections::BTreeMap;

use crate::audit::{Finding, Status};
use crate::measure::{
    FanSummary, HealthSummary, ItemSummary, LatenessSummary, Measured, OperationSummary,
    OrderSummary, PaymentSummary, Percentiles, RateSummary, SaleSummary, Second, SlotSummary,
    Tenth,
};
use crate::verdict::{Assessment, AssessmentStatus, Judged, Provenance, Summary, Verdict, World};

const OPENS_S: f64 = 40.0;
const CLOSES_S: f64 = 70.0;
const FANS: f64 = 70_000.0;
const TEES: i64 = 900;
const TOWELS: i64 = 1_100;

/// With admission in front of checkout: all sold, nobody wronged.
pub(super) fn passing() -> Summary {
    let timeline = timeline(100, 45.0, 1.0);
    let measured = Measured {
        operations: operations(1.0),
        rates: rates(&timeline),
        sales: sales([900, 1_100], [400, 400, 388], Some(67.4)),
        orders: OrderSummary { attempted: 1_254, confirmed: 1_188, per_s: 43.4 },
        payments: PaymentSummary {
            authorized: 1_188,
            captured: 1_188,
            voided: 0,
            refused: 0,
            orphaned: 0,
            orphaned_amount: 0,
        },
        health: Some(health(1.4, 0.71, 0)),
        fans: fans(&[
            ("bought", 1_188),
            ("sold_out", 58_114),
            ("declined", 66),
            ("expired", 2_013),
            ("reneged", 8_619),
        ]),
        timeline,
        opening: opening(1.0),
    };
    let findings = vec![
        held("INV-CONSERVE"),
        held("INV-OVERSELL"),
        held("INV-STRANDED"),
        held("INV-UNDERSOLD"),
        held("INV-ORPHAN-AUTH"),
        held("INV-DOUBLE-CHARGE"),
        held("INV-RESOLVED"),
        held("INV-QUOTA"),
        finding(
            "INV-FIFO",
            Status::NotChecked,
            0,
            "inversions",
            &["the target gives no order of \
            arrival"],
            Some("a lottery decides, not the queue"),
        ),
        finding("INV-ISOLATION", Status::NotApplicable, 0, "sales slowed", &[], None),
    ];
    let reason = "INV-FIFO is not checked and waived: a lottery decides, not the queue.";
    let objectives = vec![
        assessment("reload p(99) < 300ms", AssessmentStatus::Met, 212.4),
        assessment("reload p(99) for 5s in opening < 800ms", AssessmentStatus::Met, 641.0),
        assessment("sold ratio >= 1", AssessmentStatus::Met, 1.0),
    ];
    summary(Verdict::Pass, &[reason], findings, objectives, measured)
}

/// Without admission, with a counter that nobody guards: oversold and orphaned.
pub(super) fn failing() -> Summary {
    let timeline = timeline(100, 18.0, 6.0);
    let measured = Measured {
        operations: operations(9.0),
        rates: rates(&timeline),
        sales: sales([937, 214], [351, 214, 102], None),
        orders: OrderSummary { attempted: 6_012, confirmed: 712, per_s: 23.7 },
        payments: PaymentSummary {
            authorized: 1_934,
            captured: 712,
            voided: 2,
            refused: 9_841,
            orphaned: 1_220,
            orphaned_amount: 8_235_000,
        },
        health: Some(health(3.8, 0.93, 0)),
        fans: fans(&[
            ("bought", 712),
            ("sold_out", 9_220),
            ("declined", 61),
            ("expired", 21_404),
            ("gave_up", 30_118),
            ("reneged", 8_467),
        ]),
        timeline,
        opening: opening(6.0),
    };
    let findings = vec![
        finding(
            "INV-OVERSELL",
            Status::Violated,
            37,
            "pieces oversold",
            &[
                "tour-tee had 900 pieces and 937 stand in paid orders.",
                "T+2.114 s: fan 0-417 reads 1 free, fan 0-23,118 reads 1 free; both are paid \
             (orders 881 and 882).",
            ],
            None,
        ),
        finding(
            "INV-ORPHAN-AUTH",
            Status::Violated,
            1_220,
            "authorizations orphaned",
            &[
                "fan 0-31: authorization 17 of 4,500 at T+0.812 s, capture refused (429) at T+1.530 s, \
             void refused (429) at T+1.551 s, nothing since.",
            ],
            None,
        ),
        held("INV-CONSERVE"),
        held("INV-STRANDED"),
        held("INV-DOUBLE-CHARGE"),
        finding("INV-FIFO", Status::NotApplicable, 0, "inversions", &[], None),
    ];
    let objectives = vec![
        assessment("reload p(99) < 300ms", AssessmentStatus::Missed, 1_912.0),
        Assessment {
            text: "poll p(99.9) < 2s".to_owned(),
            status: AssessmentStatus::NotAssessed,
            value: None,
            reason: Some("1,204 samples, 10,000 are needed".to_owned()),
        },
        assessment("sold ratio >= 1", AssessmentStatus::Missed, 0.5755),
    ];
    summary(
        Verdict::InvariantViolated,
        &["2 invariants are violated: INV-OVERSELL, INV-ORPHAN-AUTH.", "2 objectives are missed."],
        findings,
        objectives,
        measured,
    )
}

/// A run in which nothing happened.
pub(super) fn empty() -> Summary {
    summary(Verdict::Inconclusive, &[], Vec::new(), Vec::new(), Measured::default())
}

fn summary(
    verdict: Verdict,
    reasons: &[&str],
    findings: Vec<Finding>,
    objectives: Vec<Assessment>,
    measured: Measured,
) -> Summary {
    Summary {
        schema: 1,
        result: Judged {
            verdict,
            exit_code: verdict.exit_code(),
            reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
            world: World::Live,
            findings,
            objectives,
            measured,
        },
        provenance: Provenance {
            spike: "0.1.0".to_owned(),
            commit: Some("fe4d290".to_owned()),
            scenario: "dome".to_owned(),
            title: "Dome tour, day 1: merchandise opens at noon".to_owned(),
            seed: 20_261_121,
            scale: 1.0,
            started_at: "2026-11-21T11:59:20+09:00".to_owned(),
            took_s: 111.3,
            machine: "AMD EPYC 9B14, 2 cores, 8 GiB, Linux 6.12".to_owned(),
            command: "spike run scenarios/dome.toml --seed 20261121 --scale 1".to_owned(),
        },
    }
}

fn held(id: &str) -> Finding {
    finding(id, Status::Held, 0, "violations", &[], None)
}

fn finding(
    id: &str,
    status: Status,
    count: u64,
    measure: &str,
    witness: &[&str],
    waived: Option<&str>,
) -> Finding {
    Finding {
        id: id.to_owned(),
        status,
        count,
        measure: measure.to_owned(),
        witness: witness.iter().map(|line| (*line).to_owned()).collect(),
        waived: waived.map(ToOwned::to_owned),
    }
}

fn assessment(text: &str, status: AssessmentStatus, value: f64) -> Assessment {
    Assessment { text: text.to_owned(), status, value: Some(value), reason: None }
}

fn health(p99: f64, cpu: f64, dropped: u64) -> HealthSummary {
    HealthSummary { lateness_ms: LatenessSummary { p50: 0.31, p99, max: p99 * 4.0 }, cpu, dropped }
}

fn fans(departed: &[(&str, u64)]) -> FanSummary {
    let departed = departed.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect();
    FanSummary { arrived: 70_000, departed }
}

/// What the timeline adds up to.
fn rates(timeline: &[Second]) -> BTreeMap<String, RateSummary> {
    let tier = |tier: &str, read: fn(&Second) -> u64| {
        let counts: Vec<u64> = timeline.iter().map(read).filter(|count| *count > 0).collect();
        let count: u64 = counts.iter().sum();
        let rate = RateSummary {
            peak_per_s: counts.iter().max().copied().unwrap_or(0) as f64,
            mean_per_s: count as f64 / counts.len().max(1) as f64,
            count,
        };
        (tier.to_owned(), rate)
    };
    BTreeMap::from([
        tier("edge", |second| second.edge),
        tier("origin", |second| second.origin),
        tier("payment", |second| second.payment),
        tier("checkout", |second| second.checkout),
    ])
}

fn sales(
    sold: [u64; 2],
    taken: [u64; 3],
    sold_out_s: Option<f64>,
) -> BTreeMap<String, SaleSummary> {
    let item = |stock, sold| ItemSummary { stock, sold, sellable: stock };
    let slot = |taken| SlotSummary { capacity: 400, taken };
    let sale = SaleSummary {
        opens_s: OPENS_S,
        closes_s: CLOSES_S,
        sold_out_s,
        items: BTreeMap::from([
            ("tour-tee".to_owned(), item(900, sold[0])),
            ("towel".to_owned(), item(1_100, sold[1])),
        ]),
        slots: BTreeMap::from([
            ("12:30".to_owned(), slot(taken[0])),
            ("13:30".to_owned(), slot(taken[1])),
            ("14:30".to_owned(), slot(taken[2])),
        ]),
    };
    BTreeMap::from([("day-1".to_owned(), sale)])
}

fn operations(slower: f64) -> BTreeMap<String, OperationSummary> {
    let of = |median: f64, sigma: f64, outcomes: &[(&str, u64)]| {
        let count = outcomes.iter().map(|(_, count)| count).sum();
        OperationSummary {
            count,
            outcomes: outcomes.iter().map(|(word, many)| ((*word).to_owned(), *many)).collect(),
            response_ms: Some(percentiles(median, sigma, count)),
            service_ms: Some(percentiles(median * 0.96, sigma, count)),
            spectrum_ms: spectrum(median, sigma, count),
        }
    };
    [
        (
            "reload",
            of(21.0 * slower, 0.9, &[("not_open", 318_114), ("ok", 94_221), ("unknown", 227)]),
        ),
        (
            "reload.call",
            of(6.0 * slower, 0.9, &[("not_open", 318_114), ("ok", 2_156_812), ("error", 41)]),
        ),
        ("slots", of(8.0 * slower, 0.7, &[("ok", 41_220)])),
        ("item", of(7.0 * slower, 0.7, &[("ok", 40_871)])),
        ("cart", of(11.0 * slower, 0.8, &[("ok", 22_318), ("sold_out", 18_553)])),
        (
            "checkout",
            of(
                840.0 * slower,
                0.5,
                &[
                    ("ok", 1_188),
                    ("rate_limited", 33_412),
                    ("sold_out", 8_220),
                    ("declined", 66),
                    ("waiting", 12),
                ],
            ),
        ),
        ("poll", of(5.0 * slower, 0.5, &[("waiting", 1_190), ("ok", 14)])),
    ]
    .into_iter()
    .map(|(word, operation)| (word.to_owned(), operation))
    .collect()
}

/// About a lognormal law, by the logistic approximation of the normal quantile.
fn quantile(median: f64, sigma: f64, q: f64) -> f64 {
    let deadline_ms = 10_000.0_f64;
    deadline_ms.min(median * (sigma * (q / (1.0 - q)).ln() / 1.702).exp())
}

fn percentiles(median: f64, sigma: f64, count: u64) -> Percentiles {
    let at = |q| quantile(median, sigma, q);
    Percentiles {
        count,
        p50: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        p99_9: at(0.999),
        max: at(1.0 - 0.5 / (count as f64 + 1.0)),
    }
}

fn spectrum(median: f64, sigma: f64, count: u64) -> Vec<(f64, f64)> {
    let finest = 1.0 - 1.0 / (count as f64 + 1.0);
    (0..=60)
        .map(|step| 1.0 - 10_f64.powf(-f64::from(step) / 10.0))
        .take_while(|q| *q < finest)
        .map(|q| (q, quantile(median, sigma, q.max(0.02))))
        .chain([(1.0, quantile(median, sigma, finest))])
        .collect()
}

/// How many fans are there: they come around T−25 s and leave as they learn that it is sold out.
fn present(at_s: f64) -> f64 {
    let arrived = FANS / (1.0 + (-(at_s - OPENS_S + 25.0) / 5.0).exp());
    let left = (at_s - OPENS_S - 3.0).max(0.0);
    arrived * (-left / 9.0).exp()
}

/// A small unevenness, the same in every run.
fn uneven(place: f64) -> f64 {
    1.0 + 0.03 * (place * 12.989).sin() + 0.02 * (place * 78.233).cos()
}

fn reloads_per_s(at_s: f64) -> f64 {
    let distance = (at_s - OPENS_S).abs();
    let after = if at_s > OPENS_S { 0.5 } else { 1.0 };
    after * present(at_s) / (8.4 * (1.0 + distance / 14.0)) * uneven(at_s)
}

pub(super) fn timeline(seconds: u32, pieces_per_s: f64, demand: f64) -> Vec<Second> {
    (0..seconds).map(|second| one_second(f64::from(second), pieces_per_s, demand)).collect()
}

fn one_second(at_s: f64, pieces_per_s: f64, demand: f64) -> Second {
    let whole = super::figure::whole;
    let reloads = reloads_per_s(at_s);
    let open = (at_s - OPENS_S + 1.0).clamp(0.0, CLOSES_S - OPENS_S);
    let is_open = (OPENS_S..CLOSES_S).contains(&at_s);
    let checkout = if is_open {
        110.0 * demand * (-(at_s - OPENS_S) / 14.0).exp() * uneven(at_s) + 4.0
    } else {
        0.0
    };
    let sold = |stock: i64, share: f64| {
        let limit = if demand > 1.0 { stock + 37 } else { stock };
        let pieces = whole(open * pieces_per_s * 1.63 * share * uneven(at_s).min(1.0));
        i64::try_from(pieces).expect("few pieces").min(limit)
    };
    let (tees, towels) = (sold(TEES, 0.7 + 0.1 * demand), sold(TOWELS, 0.55 / demand.sqrt()));
    let reserved = if is_open { 40 } else { 0 };
    Second {
        at_s,
        offered: whole(reloads * 1.02),
        sent: whole(reloads),
        completed: whole(reloads * 0.99),
        useful: whole(if is_open { pieces_per_s } else { 0.0 }),
        edge: whole(reloads * 6.0),
        origin: whole(reloads),
        payment: whole((checkout * 1.8).min(if demand > 1.0 { 412.0 } else { 94.0 })),
        checkout: whole(checkout),
        reload_p99_ms: (reloads >= 1.0).then(|| 90.0 + demand * reloads / 40.0),
        free: BTreeMap::from([
            ("tour-tee".to_owned(), (TEES - tees - reserved).max(0)),
            ("towel".to_owned(), (TOWELS - towels - reserved).max(0)),
        ]),
        sold: BTreeMap::from([("tour-tee".to_owned(), tees), ("towel".to_owned(), towels)]),
        present: whole(present(at_s)),
    }
}

fn opening(demand: f64) -> Vec<Tenth> {
    (0..200_u32)
        .map(|tenth| {
            let at_s = OPENS_S - 10.0 + f64::from(tenth) / 10.0;
            let inside = (0.0..3.0).contains(&(at_s - OPENS_S));
            let spike = if inside { 2.2 } else { 1.0 };
            let sent = reloads_per_s(at_s) * spike / 10.0 * uneven(at_s * 31.0);
            Tenth {
                at_s,
                sent: super::figure::whole(sent),
                reload_p99_ms: Some(80.0 + demand * sent * spike * 0.4),
            }
        })
        .collect()
}
