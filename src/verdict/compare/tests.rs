//! Two runs, held against each other.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::evidence::queue::{Estimate, QueueOutcome, TimeEstimate};
use crate::measure::timeline::TimelineLine;
use crate::measure::{
    FanSummary, ItemSummary, Measured, OperationSummary, OrderSummary, RateSummary, RoomSummary,
    SaleSummary, Second,
};
use crate::verdict::Judged;
use domain::outcome::{Operation, Outcome};

struct Run {
    summary: Summary,
    latency: LatencyLog,
    timeline: Timeline,
    saga: SagaTimes,
    scenario: Value,
}

impl Run {
    fn lived(&self) -> Lived<'_> {
        Lived {
            summary: &self.summary,
            latency: &self.latency,
            timeline: &self.timeline,
            saga: &self.saga,
            scenario: &self.scenario,
            times: Times::Known,
        }
    }
}

/// A sale of 100 pieces that opens in second 1; `sold` at the end of each second, `ok` of 100 checkouts.
fn run(world: World, sold: &[i64], ok: u64) -> Run {
    let item = ItemSummary { stock: 100, sold: sold.last().unwrap().unsigned_abs(), sellable: 100 };
    let sale = SaleSummary {
        opens_s: 1.0,
        sold_out_s: Some(sold.len() as f64),
        items: [("tee".to_owned(), item)].into(),
        ..SaleSummary::default()
    };
    let second = |(at, sold): (usize, &i64)| Second {
        at_s: at as f64,
        edge: 10 + sold.unsigned_abs(),
        sold: [("tee".to_owned(), *sold)].into(),
        ..Second::default()
    };
    let outcomes = [("ok".to_owned(), ok), ("error".to_owned(), 100 - ok)].into();
    let checkout = OperationSummary { count: 100, outcomes, ..OperationSummary::default() };
    let rate = RateSummary { peak_per_s: Some(7.0), mean_per_s: Some(5.0), count: Some(50) };
    let measured = Measured {
        operations: [("checkout".to_owned(), checkout)].into(),
        rates: [("edge".to_owned(), rate)].into(),
        sales: [("noon".to_owned(), sale)].into(),
        orders: OrderSummary { attempted: 100, confirmed: ok, ..OrderSummary::default() },
        fans: FanSummary { arrived: 100, departed: [("bought".to_owned(), ok)].into() },
        timeline: sold.iter().enumerate().map(second).collect(),
        ..Measured::default()
    };
    let mut timeline = Timeline::default();
    timeline.add(&TimelineLine {
        second: 2,
        outcomes: BTreeMap::from([(
            Operation::Checkout,
            BTreeMap::from([(Outcome::Ok, ok), (Outcome::Error, 100 - ok)]),
        )]),
        ..TimelineLine::default()
    });
    Run {
        summary: Summary {
            schema: 1,
            result: Judged {
                verdict: Verdict::Pass,
                exit_code: 0,
                reasons: Vec::new(),
                world,
                findings: Vec::new(),
                objectives: Vec::new(),
                complaints: Vec::new(),
                never_begun: None,
                measured,
                probes: Vec::new(),
                replications: None,
            },
            provenance: Provenance {
                spike: "0.1.0".to_owned(),
                commit: None,
                scenario: "small".to_owned(),
                title: "A small sale".to_owned(),
                seed: 7,
                scale: 1.0,
                started_at: String::new(),
                took_s: 1.0,
                machine: "one".to_owned(),
                command: String::new(),
                calibrated: None,
            },
        },
        latency: LatencyLog::default(),
        timeline,
        saga: SagaTimes::default(),
        scenario: json!({"name": "small", "seed": 7, "shop": {"edge": {"ttl": "1s"}}}),
    }
}

fn figure<'a>(comparison: &'a Comparison, name: &str) -> &'a Figure {
    comparison.figures.iter().find(|figure| figure.name == name).unwrap()
}

#[test]
fn a_share_far_off_differs_and_one_nearby_is_noise() {
    let a = run(World::Live, &[0, 50, 100], 80);
    let near = compare(&a.lived(), &run(World::Live, &[0, 50, 100], 78).lived(), None);
    let far = compare(&a.lived(), &run(World::Live, &[0, 50, 100], 40).lived(), None);
    let found = figure(&near, "checkout ok");
    assert_eq!((found.standing, found.unit), (Standing::Noise, Unit::Share));
    let found = figure(&far, "checkout ok");
    assert_eq!(
        (found.standing, found.difference, found.ratio),
        (Standing::Differs, Some(-0.4), Some(0.5))
    );
    let [low, high] = found.ci95.unwrap();
    assert!(low < -0.4 && -0.4 < high && high < 0.0, "{low} {high}");
    assert_eq!(figure(&far, "edge peak").standing, Standing::Same);
    assert_eq!(figure(&far, "noon sold out after").standing, Standing::Same);
    // What never happened to anybody is no figure.
    assert!(!far.figures.iter().any(|figure| figure.name == "checkout declined"));
}

#[test]
fn a_run_beside_itself_differs_in_nothing() {
    for world in [World::Live, World::Simulated] {
        let a = run(world, &[0, 50, 100], 80);
        let found = compare(&a.lived(), &a.lived(), Some(&a.lived()));
        assert!(found.figures.iter().all(|figure| figure.standing == Standing::Same));
        assert!(found.figures.iter().all(|figure| figure.repeat == Some(0.0)));
        assert!(found.distances.sales.iter().all(|sale| sale.apart.share.abs() <= 0.0));
        assert!(found.distances.rates.iter().all(|rate| rate.apart.nrmse.abs() <= 0.0));
        assert!(!found.distances.rates.is_empty() && !found.distances.sales.is_empty());
        assert!(found.doubts.is_empty(), "{:?}", found.doubts);
        assert_eq!(found.exact.map(|exact| exact.count), (world == World::Simulated).then_some(0));
    }
}

#[test]
fn two_simulated_runs_that_should_be_the_same_are_compared_exactly() {
    let a = run(World::Simulated, &[0, 50, 100], 80);
    let b = run(World::Simulated, &[0, 49, 100], 79);
    let found = compare(&a.lived(), &b.lived(), None);
    assert_eq!(found.parted_s, Some(1.0));
    assert_eq!(figure(&found, "orders confirmed").standing, Standing::Differs);
    let exact = found.exact.unwrap();
    let paths: Vec<&str> = exact.first.iter().map(|changed| changed.path.as_str()).collect();
    assert!(paths.contains(&"timeline.1.sold.tee"), "{paths:?}");
    // Of another scenario it is a question of noise again.
    let mut b = b;
    b.scenario = json!({"name": "small", "seed": 7, "shop": {"edge": {"ttl": "2s"}}});
    let found = compare(&a.lived(), &b.lived(), None);
    assert_eq!((found.exact, found.parted_s), (None, None));
    assert_eq!(found.doubts, [Doubt::Keys(1)]);
    assert_eq!(found.changed.first[0].path, "shop.edge.ttl");
}

#[test]
fn courses_and_rates_lie_apart_as_by_hand() {
    let a = run(World::Live, &[0, 50, 100], 80);
    let b = run(World::Simulated, &[0, 40, 100], 80);
    let found = compare(&a.lived(), &b.lived(), None);
    let course = &found.distances.sales[0].apart;
    assert!((course.share + 0.1).abs() < 1e-9 && (course.at_s - 1.0).abs() < 1e-9, "{course:?}");
    // Edge 10, 60, 110 against 10, 50, 110: √(100 / 3) over a mean of (60 + 56.667) / 2.
    let edge = found.distances.rates.iter().find(|rate| rate.rate == "edge").unwrap();
    assert!((edge.apart.rmse_per_s - 5.774).abs() < 1e-9, "{edge:?}");
    assert!((edge.apart.nrmse - 0.098_974).abs() < 1e-6, "{edge:?}");
    assert!(found.distances.rates.iter().any(|rate| rate.rate == "failed"));
}

#[test]
fn what_is_another_in_both_runs_is_told() {
    let a = run(World::Live, &[0, 100], 80);
    let mut b = run(World::Live, &[0, 100], 80);
    let from = &mut b.summary.provenance;
    (from.seed, from.scale) = (8, 0.5);
    (from.scenario, from.machine) = ("large".to_owned(), "two".to_owned());
    from.commit = Some("abc".to_owned());
    b.summary.result.verdict = Verdict::Inconclusive;
    b.summary.result.reasons = vec!["Late.".to_owned()];
    b.scenario["seed"] = json!(8);
    let found = compare(&a.lived(), &b.lived(), None);
    let both = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
    assert_eq!(
        found.doubts,
        [
            Doubt::Scenario(both("small", "large")),
            Doubt::Seed([7, 8]),
            Doubt::Scale([1.0, 0.5]),
            Doubt::Version(both("0.1.0", "0.1.0 (abc)")),
            Doubt::Machine(both("one", "two")),
            Doubt::Verdict(Side::B, Verdict::Inconclusive, Some("Late.".to_owned())),
        ]
    );
}

#[test]
fn what_one_world_alone_reads_is_no_other_scenario() {
    let (simulated, mut live) =
        (run(World::Simulated, &[0, 100], 80), run(World::Live, &[0, 100], 80));
    live.scenario["stack"] = json!({"network": "20ms"});
    live.scenario["live"] = json!({"connections": "per-fan"});
    assert_eq!(compare(&simulated.lived(), &live.lived(), None).doubts, []);
    // Of two simulated runs the stack is what makes them.
    let mut other = run(World::Simulated, &[0, 100], 80);
    other.scenario["stack"] = json!({"network": "20ms"});
    assert_eq!(compare(&simulated.lived(), &other.lived(), None).doubts, [Doubt::Keys(1)]);
}

#[test]
fn the_live_run_is_the_one_that_is_repeated() {
    let simulated = run(World::Simulated, &[0, 100], 80);
    let (live, mut again) = (run(World::Live, &[0, 100], 70), run(World::Live, &[0, 100], 73));
    for (a, b, repeats) in
        [(&simulated, &live, Side::B), (&live, &simulated, Side::A), (&live, &live, Side::A)]
    {
        let found = compare(&a.lived(), &b.lived(), Some(&again.lived()));
        assert_eq!(found.repeats, Some(repeats));
        assert_eq!(figure(&found, "orders confirmed").repeat, Some(3.0));
        assert!(found.doubts.is_empty(), "{:?}", found.doubts);
    }
    again.summary.provenance.seed = 9;
    again.summary.result.world = World::Simulated;
    let found = compare(&simulated.lived(), &live.lived(), Some(&again.lived()));
    assert_eq!(found.doubts, [Doubt::Repeat(vec!["seed", "world"])]);
}

#[test]
fn a_difference_that_a_repeat_comes_to_as_well_is_within_it() {
    let (a, b) = (run(World::Live, &[0, 100], 80), run(World::Live, &[0, 100], 40));
    let standing = |third: &Run| {
        figure(&compare(&a.lived(), &b.lived(), Some(&third.lived())), "checkout ok").standing
    };
    assert_eq!(standing(&run(World::Live, &[0, 100], 70)), Standing::Differs);
    assert_eq!(standing(&run(World::Live, &[0, 100], 30)), Standing::WithinRepeat);
}

#[test]
fn a_third_run_that_is_no_repeat_or_says_little_excuses_nothing() {
    type Change = fn(&mut Summary);
    let (a, b) = (run(World::Live, &[0, 100], 80), run(World::Live, &[0, 100], 40));
    let changes: [(&str, Change); 4] = [
        ("scale", |summary| summary.provenance.scale = 0.5),
        ("version", |summary| summary.provenance.spike = "0.2.0".to_owned()),
        ("machine", |summary| summary.provenance.machine = "two".to_owned()),
        ("verdict", |summary| summary.result.verdict = Verdict::Inconclusive),
    ];
    for (what, change) in changes {
        let mut third = run(World::Live, &[0, 100], 30);
        change(&mut third.summary);
        let found = compare(&a.lived(), &b.lived(), Some(&third.lived()));
        assert_eq!(found.doubts, [Doubt::Repeat(vec![what])]);
        let figure = figure(&found, "checkout ok");
        assert_eq!((figure.standing, figure.repeat), (Standing::Differs, Some(-0.5)), "{what}");
    }
    // Nor does a good one of a run that says little itself.
    let (mut a, third) = (a, run(World::Live, &[0, 100], 30));
    a.summary.result.verdict = Verdict::Aborted;
    let found = compare(&a.lived(), &b.lived(), Some(&third.lived()));
    assert_eq!(found.doubts, [Doubt::Verdict(Side::A, Verdict::Aborted, None)]);
    assert_eq!(figure(&found, "checkout ok").standing, Standing::Differs);
}

#[test]
fn pieces_sold_and_orphaned_payments_are_no_counts_of_chance() {
    let with = |sold, orphaned| {
        let mut run = run(World::Live, &[0, sold], 80);
        run.summary.result.measured.payments.orphaned = orphaned;
        run
    };
    let found = compare(&with(100, 0).lived(), &with(95, 3).lived(), None);
    for (name, difference) in [("noon tee sold", -5.0), ("orphaned", 3.0)] {
        let figure = figure(&found, name);
        let seen = (figure.standing, figure.difference, figure.ci95);
        assert_eq!(seen, (Standing::Unjudged, Some(difference), None), "{name}");
    }
}

fn queue(wait_s: f64, unsettled: Option<&str>) -> Run {
    let ci95 = [wait_s - 0.1, wait_s + 0.1];
    let outcome = QueueOutcome {
        customers: 1_000,
        warm_up: 10,
        unsettled: unsettled.map(str::to_owned),
        wait_s: TimeEstimate { mean: wait_s, ci95, ..TimeEstimate::default() },
        in_system_s: TimeEstimate::default(),
        waiting: Estimate::default(),
        in_system: Estimate::default(),
        utilisation: Estimate::default(),
        blocked: Estimate::default(),
        abandoned: Estimate::default(),
        per_s: Estimate::default(),
    };
    let mut run = run(World::Simulated, &[0], 100);
    run.summary.result.measured =
        Measured { queues: [("desk".to_owned(), outcome)].into(), ..Measured::default() };
    run.scenario["wait"] = json!(wait_s);
    run
}

#[test]
fn queues_are_compared_by_their_batch_means_and_nothing_else_is_made_of_them() {
    let standing = |to: &Run| {
        let from = queue(1.0, None);
        let found = compare(&from.lived(), &to.lived(), None);
        assert!(found.figures.iter().all(|figure| figure.group == Group::Queues));
        figure(&found, "desk wait").standing
    };
    assert_eq!(standing(&queue(1.1, None)), Standing::Noise);
    assert_eq!(standing(&queue(1.5, None)), Standing::Differs);
    assert_eq!(standing(&queue(1.5, Some("it grows"))), Standing::Unjudged);
}

#[test]
fn what_only_one_run_has_stands_on_its_side() {
    let mut a = run(World::Live, &[0, 100], 80);
    let b = run(World::Live, &[0, 100], 80);
    a.summary.result.measured.rates.clear();
    let found = compare(&a.lived(), &b.lived(), None);
    let peak = figure(&found, "edge peak");
    assert_eq!((peak.a, peak.b, peak.standing), (None, Some(7.0), Standing::OneSided));
}

#[test]
fn rooms_are_compared_by_name_and_their_shares_are_no_sample() {
    let rooms = |stock_out| RoomSummary { openings: 1_000, stock_out, ..RoomSummary::default() };
    let with = |stock_out| {
        let mut run = run(World::Simulated, &[0, 100], 80);
        run.summary.provenance.seed = 7 + u64::from(stock_out > 0.1);
        run.summary.result.measured.rooms = [("venues".to_owned(), rooms(stock_out))].into();
        run
    };
    let found = compare(&with(0.01).lived(), &with(0.2).lived(), None);
    assert_eq!(figure(&found, "venues openings").standing, Standing::Same);
    let found = figure(&found, "venues found no machine ready");
    assert_eq!((found.group, found.standing), (Group::Rooms, Standing::Unjudged));
    assert_eq!((found.a, found.b), (Some(0.01), Some(0.2)));
}
