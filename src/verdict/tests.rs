//! Runs judged from their files, as `run`, `simulate` and `verify` do.

mod reasons;

use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex};

use domain::id::FanId;
use domain::money::Amount;
use domain::outcome::{Departure, Operation, Outcome};
use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use domain::shop::{Balance, Catalogue, Item, Sale, ShopLine, ShopSnapshot};
use domain::time::Time;
use serde::Serialize;

use super::*;
use crate::audit::{Status, Waiver};
use crate::evidence::{Attempt, Ending, PurchaseLine};
use crate::measure::BoundStatus;
use crate::measure::meter::Meter;
use crate::measure::recorder::{Recorder, Sinks};
use crate::measure::vitals::{CoreWaits, MachineLoad, Vitals};

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn reader(&self) -> Box<dyn BufRead> {
        Box::new(io::Cursor::new(self.0.lock().unwrap().clone()))
    }
}

fn lines<T: Serialize>(values: &[T]) -> Box<dyn BufRead> {
    let text: String =
        values.iter().map(|value| serde_json::to_string(value).unwrap() + "\n").collect();
    Box::new(io::Cursor::new(text.into_bytes()))
}

/// A run of 30 s whose one sale, of two pieces, opens at 10 s and closes at 25 s. 1,000 reloads per
/// second take 10 ms each, except where a test says otherwise.
struct Run {
    /// How long the reloads of a second take \[ms\].
    reload_ms: fn(u64) -> u64,
    /// How late operations are sent \[ms\].
    late_ms: u64,
    /// What becomes of the reloads of a second.
    outcome: fn(u64) -> Outcome,
    shop: Option<Vec<ShopLine>>,
    provider: Option<Vec<PaymentLine>>,
    ending: Option<Ending>,
    /// The sizes of the files that are there, where a test says so.
    sizes: std::collections::BTreeMap<String, u64>,
    purchases: Vec<PurchaseLine>,
    waivers: Vec<Waiver>,
    world: World,
    times: Times,
    objectives: Vec<Objective>,
    vitals: Vitals,
}

fn catalogue() -> Catalogue {
    let item = Item { id: "tee".to_owned(), stock: 2, price: Amount::new(4_500) };
    Catalogue {
        sales: vec![Sale {
            id: "day-1".to_owned(),
            opens: Time::from_millis(10_000),
            closes: Time::from_millis(25_000),
            limit_per_fan: 4,
            items: vec![item],
            lottery: None,
            slots: Vec::new(),
        }],
    }
}

fn order(index: u32) -> ShopLine {
    let fan = FanId { population: 0, index }.to_string();
    ShopLine::Order {
        order_id: index.to_string(),
        intent: fan.clone(),
        fan,
        item: "tee".to_owned(),
        slot: None,
        quantity: 1,
        amount: Amount::new(4_500),
        status: "captured".to_owned(),
        paid: true,
        terminal: true,
        payment: Some(index.to_string()),
        created_utc_ns: 11_000_000_000,
        updated_utc_ns: 12_000_000_000,
    }
}

fn payment(index: u32, outcome: PaymentOutcome) -> PaymentLine {
    PaymentLine {
        utc_ns: 11_500_000_000,
        payment: Some(index.to_string()),
        reference: String::new(),
        intent: FanId { population: 0, index }.to_string(),
        operation: PaymentOperation::Authorize,
        outcome,
        told: outcome,
        amount: Amount::new(4_500),
        key: index.to_string(),
        replayed: false,
    }
}

fn bought(index: u32) -> PurchaseLine {
    PurchaseLine::Departed {
        fan: FanId { population: 0, index },
        at: Time::from_millis(12_000),
        departure: Departure::Bought,
        item: "tee".to_owned(),
        quantity: 1,
        refused: false,
    }
}

fn snapshot(second: u64) -> ShopSnapshot {
    let sold = i64::from(second >= 12) * 2;
    ShopSnapshot {
        at: Time::from_millis(second * 1_000),
        edge: second * 6_000,
        origin: second * 1_000,
        payment: if second >= 12 { 4 } else { 0 },
        items: [("tee".to_owned(), Balance { free: 2 - sold, held: 0, sold })].into(),
        ..ShopSnapshot::default()
    }
}

impl Default for Run {
    fn default() -> Self {
        let paid = |index| {
            [PaymentOutcome::Authorized, PaymentOutcome::Captured]
                .map(|outcome| payment(index, outcome))
        };
        let stock =
            ShopLine::Stock { item: "tee".to_owned(), initial: 2, free: 0, held: 0, sold: 2 };
        Self {
            reload_ms: |_| 10,
            late_ms: 1,
            outcome: |_| Outcome::Ok,
            shop: Some(vec![stock, order(0), order(1)]),
            provider: Some([paid(0), paid(1)].concat()),
            ending: Some(Ending {
                load_ended: Time::from_millis(30_000),
                judged: Time::from_millis(90_000),
                drained: true,
                ..Ending::default()
            }),
            sizes: std::collections::BTreeMap::new(),
            purchases: vec![bought(0), bought(1)],
            waivers: Vec::new(),
            world: World::Live,
            times: Times::Known,
            objectives: Vec::new(),
            vitals: Vitals {
                span_s: 1.0,
                machine: Some(MachineLoad { cores: 2, busy: 1.0, stolen: 0.01, kept_awake: true }),
                waits: Some(CoreWaits { waited_ms: 900.0, turns: 400 }),
                clock_error_us: Some(3.0),
            },
        }
    }
}

impl Run {
    fn objective(mut self, key: &str, value: &str) -> Self {
        self.objectives.push(Objective::parse(key, value).unwrap());
        self
    }

    fn judged(self) -> Judged {
        let sinks: [Shared; 4] = Default::default();
        self.record(&sinks);
        let [latency, timeline, purchases, snapshots] = sinks.map(|sink| sink.reader());
        let files = Files {
            latency,
            timeline,
            purchases,
            snapshots,
            shop: self.shop.as_deref().map(lines),
            provider: self.provider.as_deref().map(lines),
            ending: self.ending.map(|ending| lines(&[ending])),
            opening: None,
            cut_short: None,
            sizes: self.sizes,
            scratch: Vec::new(),
        };
        let question = Question {
            world: self.world,
            times: self.times,
            catalogue: &catalogue(),
            facts: &Facts::default(),
            objectives: &self.objectives,
            asked: &AuditSettings { waive: self.waivers.clone(), ..AuditSettings::default() },
            remarks: &[],
        };
        judge(&question, files).unwrap()
    }

    fn record(&self, [latency, timeline, purchases, snapshots]: &[Shared; 4]) {
        let sinks = Sinks {
            latency: Box::new(latency.clone()),
            timeline: Box::new(timeline.clone()),
            purchases: Box::new(purchases.clone()),
            snapshots: Box::new(snapshots.clone()),
        };
        let opening = Time::from_millis(10_000);
        let mut recorder = Recorder::new(sinks, 0, opening).unwrap();
        let mut meter = Meter::new(opening);
        for second in 0..30 {
            for ms in 0..1_000 {
                self.reload(&mut meter, second, second * 1_000 + ms);
            }
            let until = Time::from_millis((second + 1) * 1_000);
            recorder.snapshot(&snapshot(second + 1)).unwrap();
            recorder.busy(1.2);
            recorder.felt(self.vitals);
            recorder.absorb(until, vec![meter.harvest()], &[]).unwrap();
        }
        recorder.absorb(Time::from_millis(30_000), Vec::new(), &self.purchases).unwrap();
    }

    fn reload(&self, meter: &mut Meter, second: u64, intended_ms: u64) {
        let intended = Time::from_millis(intended_ms);
        let sent = Time::from_millis(intended_ms + self.late_ms);
        let done = Time::from_millis(intended_ms + self.late_ms + (self.reload_ms)(second));
        let (operation, outcome) = (Operation::Reload, (self.outcome)(second));
        let fan = FanId { population: 0, index: 7 };
        if outcome != Outcome::Shed {
            meter.sent(operation, intended, sent);
        }
        let first_byte = Some(done);
        meter.done(&Attempt { fan, operation, intended, sent, first_byte, done, outcome });
    }
}

/// The verdict, and the one objective's status and value.
fn assessed(run: Run) -> (Verdict, AssessmentStatus, Option<f64>) {
    let judged = run.judged();
    let [objective] = &judged.objectives[..] else { panic!("{judged:?}") };
    (judged.verdict, objective.status, objective.value)
}

const MISSED: AssessmentStatus = AssessmentStatus::Missed;
const MET: AssessmentStatus = AssessmentStatus::Met;
const NOT_ASSESSED: AssessmentStatus = AssessmentStatus::NotAssessed;

#[test]
fn an_honest_run_passes() {
    let judged = Run::default()
        .objective("reload p(99)", "< 300ms")
        .objective("sold ratio", ">= 1")
        .judged();
    assert_eq!(
        (judged.verdict, judged.exit_code, &judged.reasons[..]),
        (Verdict::Pass, 0, &[][..])
    );
    assert_eq!(last_line(&judged), "verdict: pass (0)");
    let measured = &judged.measured;
    let reload = &measured.operations["reload"];
    assert_eq!((reload.count, reload.outcomes["ok"]), (30_000, 30_000));
    let response = reload.response_ms.unwrap();
    assert!((response.p99 - 11.0).abs() < 0.011, "{response:?}");
    assert_eq!((measured.orders.confirmed, measured.payments.captured), (2, 2));
    assert_eq!(measured.sales["day-1"].sold_out_s, Some(12.0));
    assert_eq!(measured.rates["edge"].peak_per_s, Some(6_000.0));
    assert_eq!(measured.timeline.iter().map(|second| second.edge).sum::<u64>(), 180_000);
    assert_eq!(measured.timeline.len(), 31, "the last answers come in the second after");
    assert_eq!(measured.opening.len(), 200);
    assert_eq!(
        (measured.opening[3].sent, measured.opening[3].at_s.to_bits()),
        (100, 0.3_f64.to_bits())
    );
}

#[test]
fn the_same_files_are_judged_to_the_same_bytes() {
    let summary = || serde_json::to_string(&Run::default().judged()).unwrap();
    assert_eq!(summary(), summary());
}

#[test]
fn a_summary_survives_being_written() {
    let judged = Run::default().objective("reload p(99)", "< 300ms").judged();
    let text = serde_json::to_string(&judged).unwrap();
    assert_eq!(serde_json::from_str::<Judged>(&text).unwrap(), judged);
}

#[test]
fn a_missed_objective_costs_the_pass() {
    let (verdict, status, value) = assessed(Run::default().objective("reload p(99)", "< 5ms"));
    assert_eq!((verdict, status), (Verdict::ObjectiveMissed, MISSED));
    assert!((value.unwrap() - 11.0).abs() < 0.011);
}

#[test]
fn the_worst_sliding_window_decides() {
    let slow_second =
        || Run { reload_ms: |second| if second == 14 { 2_000 } else { 10 }, ..Run::default() };
    let worst = assessed(slow_second().objective("reload p(90) for 2s in opening", "< 500ms"));
    assert_eq!((worst.0, worst.1), (Verdict::ObjectiveMissed, MISSED));
    assert!(worst.2.unwrap() > 1_990.0);
    // A tenth of the opening's ten seconds is not more than a tenth: as a whole it is met.
    let whole = assessed(slow_second().objective("reload p(90) in opening", "< 500ms"));
    assert_eq!((whole.0, whole.1), (Verdict::Pass, MET));
    let elsewhere = assessed(slow_second().objective("reload p(90) for 2s in sale", "< 500ms"));
    assert_eq!((elsewhere.0, elsewhere.1), (Verdict::Pass, MET));
}

#[test]
fn what_was_wanted_in_the_opening_and_answered_after_it_counts_in_the_opening() {
    let frozen =
        Run { reload_ms: |second| if second == 19 { 9_000 } else { 10 }, ..Run::default() };
    let (verdict, ..) = assessed(frozen.objective("reload p(99) for 5s in opening", "< 800ms"));
    assert_eq!(verdict, Verdict::ObjectiveMissed);
}

#[test]
fn too_few_samples_are_never_a_pass() {
    let (verdict, status, _) = assessed(Run::default().objective("reload p(99.99)", "< 300ms"));
    assert_eq!((verdict, status), (Verdict::Inconclusive, NOT_ASSESSED));
    let (verdict, status, _) = assessed(Run::default().objective("checkout error ratio", "< 1%"));
    assert_eq!((verdict, status), (Verdict::Inconclusive, NOT_ASSESSED));
    let (verdict, ..) = assessed(Run::default().objective("reload avg for 1m", "< 1s"));
    assert_eq!(verdict, Verdict::Inconclusive);
}

#[test]
fn a_simulation_without_service_times_does_not_flatter_and_is_excused() {
    let simulated = Run { world: World::Simulated, times: Times::Unmodelled, ..Run::default() };
    let judged = simulated.objective("reload p(99)", "< 300ms").judged();
    assert_eq!(judged.verdict, Verdict::Pass);
    assert_eq!(judged.objectives[0].status, NOT_ASSESSED);
    assert!(judged.measured.health.is_none());
}

#[test]
fn answers_that_never_came_enter_the_error_ratio() {
    let silent = || Run {
        outcome: |second| if second == 20 { Outcome::Unknown } else { Outcome::Ok },
        ..Run::default()
    };
    let (_, status, value) = assessed(silent().objective("reload error ratio", "< 1%"));
    assert_eq!((status, value), (MISSED, Some(0.033_333)));
    let (_, _, value) = assessed(silent().objective("reload error ratio for 5s", "< 1%"));
    assert_eq!(value, Some(0.2));
}

#[test]
fn a_late_generator_is_an_invalid_reading() {
    let late = |late_ms| Run { late_ms, ..Run::default() };
    let judged = late(40).judged();
    assert_eq!(judged.verdict, Verdict::Inconclusive);
    assert!(judged.reasons[0].starts_with("The generator was late: 99 % lateness 40"));
    // A tenth of the tightest objective, 500 ms, is allowed.
    assert_eq!(late(40).objective("reload p(99)", "< 500ms").judged().verdict, Verdict::Pass);
    assert_eq!(
        late(40).objective("reload p(99)", "< 300ms").judged().verdict,
        Verdict::Inconclusive
    );
}

#[test]
fn a_starved_generator_is_an_invalid_reading_by_the_runs_files_alone() {
    let well = Run::default().vitals;
    let (machine, waits) = (well.machine.unwrap(), well.waits.unwrap());
    let starved = [
        (
            Vitals { waits: Some(CoreWaits { turns: 30, ..waits }), ..well },
            "The generator was kept waiting: 30 ms for each turn of a core",
        ),
        (
            Vitals { machine: Some(MachineLoad { cores: 1, ..machine }), ..well },
            "The generator was saturated: it used 1.2 cores in its busiest second, of which 0.98",
        ),
        (
            Vitals { machine: Some(MachineLoad { stolen: 0.2, ..machine }), ..well },
            "The machine was not its own: its host gave 20 % of its time to others, of which 10 %",
        ),
        (
            Vitals { clock_error_us: Some(1_500.0), ..well },
            "The clocks disagree: they came 1500 us apart, of which 1000 us are allowed",
        ),
    ];
    for (vitals, sentence) in starved {
        let judged = Run { vitals, ..Run::default() }.judged();
        assert_eq!(judged.verdict, Verdict::Inconclusive, "{sentence}");
        assert!(judged.reasons[0].starts_with(sentence), "{:?}", judged.reasons);
    }
    let judged = Run::default().judged();
    assert_eq!(judged.verdict, Verdict::Pass, "{:?}", judged.reasons);
    let health = judged.measured.health.unwrap();
    assert!(health.bounds.values().all(|bound| bound.status == BoundStatus::Kept));
    assert_eq!(health.bounds.len(), 6);
}

#[test]
fn virtual_time_has_neither_health_nor_connections() {
    let simulated = Run { world: World::Simulated, ..Run::default() };
    let judged = simulated.objective("connect p(99)", "< 50ms").judged();
    assert_eq!(judged.verdict, Verdict::Pass, "{:?}", judged.reasons);
    assert_eq!(judged.objectives[0].status, NOT_ASSESSED);
    assert_eq!((judged.measured.health, judged.measured.connections), (None, None));
}

#[test]
fn what_the_generator_could_not_send_is_its_own_fault() {
    let shed = Run {
        outcome: |second| if second == 20 { Outcome::Shed } else { Outcome::Ok },
        ..Run::default()
    };
    let judged = shed.judged();
    assert_eq!(judged.verdict, Verdict::Inconclusive);
    assert_eq!(judged.measured.health.unwrap().dropped, 1_000);
}

#[test]
fn a_shop_that_fails_everything_proves_nothing() {
    let failing = |outcome| Run { outcome, ..Run::default() };
    for run in [failing(|_| Outcome::Error), failing(|_| Outcome::Unknown)] {
        assert_eq!(run.judged().verdict, Verdict::Inconclusive);
    }
}

#[test]
fn zero_orders_are_never_a_pass() {
    let mut run = Run { provider: Some(Vec::new()), purchases: Vec::new(), ..Run::default() };
    let free = ShopLine::Stock { item: "tee".to_owned(), initial: 2, free: 2, held: 0, sold: 0 };
    run.shop = Some(vec![free]);
    let judged = run.judged();
    assert_eq!(judged.verdict, Verdict::Inconclusive);
    assert_eq!(judged.reasons, ["Not one order was confirmed."]);
}

#[test]
fn a_run_without_an_ending_is_partial() {
    let partial = Run { ending: None, shop: None, provider: None, ..Run::default() };
    let judged = partial.judged();
    assert_eq!((judged.verdict, judged.exit_code), (Verdict::Inconclusive, 112));
    assert_eq!(judged.reasons[0], "The run is partial: it was killed before its end.");
    assert_eq!(judged.measured.sales["day-1"].items["tee"].sold, 2, "by its last snapshot");
}

#[test]
fn a_violation_outweighs_an_abort_which_outweighs_doubt_which_outweighs_a_missed_objective() {
    let mut run = Run::default().objective("reload p(99)", "< 5ms");
    assert_eq!(with(run, |_| {}), Verdict::ObjectiveMissed);
    run = Run { late_ms: 40, ..Run::default() }.objective("reload p(99)", "< 5ms");
    assert_eq!(with(run, |_| {}), Verdict::Inconclusive);
    run = Run { late_ms: 40, ..Run::default() };
    assert_eq!(with(run, |run| run.ending.as_mut().unwrap().aborted = true), Verdict::Aborted);
    run = Run { late_ms: 40, ..Run::default() };
    let violated = with(run, |run| {
        run.ending.as_mut().unwrap().aborted = true;
        run.provider.as_mut().unwrap().pop();
    });
    assert_eq!(violated, Verdict::InvariantViolated);
}

fn with(mut run: Run, change: fn(&mut Run)) -> Verdict {
    change(&mut run);
    run.judged().verdict
}

#[test]
fn the_last_line_names_what_was_violated() {
    let mut run = Run::default();
    run.provider.as_mut().unwrap().pop();
    let judged = run.judged();
    assert_eq!(
        last_line(&judged),
        "verdict: invariant_violated (111): INV-STOCK-NO-CAPTURE: 1 order sold without its money"
    );
}

#[test]
fn a_waiver_lifts_what_could_not_be_checked_and_the_verdict_says_so() {
    let undrained = || {
        let mut run = Run::default();
        run.ending.as_mut().unwrap().drained = false;
        run
    };
    assert_eq!(undrained().judged().verdict, Verdict::Inconclusive);
    let waiver = |id: &str| Waiver { id: id.to_owned(), reason: "a short drain".to_owned() };
    let waivers = ["INV-STRANDED", "INV-ORPHAN-AUTH", "INV-RESOLVED"].map(waiver).to_vec();
    let judged = Run { waivers, ..undrained() }.judged();
    assert_eq!(judged.verdict, Verdict::Pass);
    assert!(last_line(&judged).contains("INV-STRANDED was not checked, which is waived: a short"));
    assert_eq!(
        judged.findings.iter().filter(|found| found.status == Status::NotChecked).count(),
        3
    );
}

#[test]
fn an_unreadable_ledger_is_inconclusive() {
    let mut run = Run { provider: None, ..Run::default() };
    run.ending.as_mut().unwrap().unreadable = vec!["provider: connection refused".to_owned()];
    let judged = run.judged();
    assert_eq!(judged.verdict, Verdict::Inconclusive);
    assert_eq!(judged.reasons[0], "A ledger could not be read: provider: connection refused.");
}

#[test]
fn junit_has_a_case_per_invariant_and_objective() {
    let mut run = Run::default().objective("reload p(99)", "< 5ms");
    run.provider.as_mut().unwrap().pop();
    let xml = junit::junit("dome", &run.judged()).unwrap();
    assert!(xml.contains("<testsuites name=\"dome\" tests=\"22\""), "{xml}");
    assert!(xml.contains("failures=\"3\" errors=\"0\""), "{xml}");
    assert!(xml.contains("<testcase name=\"INV-STOCK-NO-CAPTURE\">"), "{xml}");
    assert!(xml.contains("message=\"invariant_violated (111)\""), "{xml}");
}
