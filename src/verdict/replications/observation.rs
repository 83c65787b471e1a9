//! What is kept of one replication: its figures, and what became of its promises.

use std::collections::BTreeMap;

use domain::outcome::{Departure, Outcome};

use super::bands::Course;
use crate::audit::Status;
use crate::measure::{BreakingTier, Measured, OperationSummary, SaleSummary};
use crate::verdict::{AssessmentStatus, Judged, Verdict};

/// What a replication lives beside the scenario as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Life {
    /// Its number, from 1.
    pub number: u32,
    /// What its draws hang on.
    pub seed: u64,
    /// The values of its uncertain inputs, as `--set` takes them.
    pub set: Vec<String>,
}

/// What is kept of a replication when its evidence is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    pub(super) life: Life,
    pub(super) verdict: Verdict,
    pub(super) reason: Option<String>,
    pub(super) findings: Vec<(String, Status)>,
    pub(super) objectives: Vec<(String, AssessmentStatus)>,
    pub(super) first_to_break: Option<BreakingTier>,
    /// By their place in `result`.
    pub(super) figures: BTreeMap<String, f64>,
    pub(super) course: Course,
}

impl Observation {
    /// What is kept of a replication that was lived so and judged.
    pub fn of(life: Life, judged: &Judged) -> Self {
        let measured = &judged.measured;
        let is_pass = judged.verdict == Verdict::Pass;
        let findings = judged.findings.iter();
        let objectives = judged.objectives.iter();
        Self {
            life,
            verdict: judged.verdict,
            reason: judged.reasons.first().filter(|_| !is_pass).cloned(),
            findings: findings.map(|found| (found.id.clone(), found.status)).collect(),
            objectives: objectives.map(|one| (one.text.clone(), one.status)).collect(),
            first_to_break: measured.first_to_break.map(|breaking| breaking.tier),
            figures: figures(judged),
            course: Course::of(&measured.timeline),
        }
    }

    /// Its number, from 1.
    pub fn number(&self) -> u32 {
        self.life.number
    }

    /// Its verdict.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// Figures that are read off a replication, by their names.
#[derive(Default)]
struct Figures(BTreeMap<String, f64>);

impl Figures {
    fn add(&mut self, name: String, value: f64) {
        if value.is_finite() {
            self.0.insert(name, value);
        }
    }
}

fn figures(judged: &Judged) -> BTreeMap<String, f64> {
    let measured = &judged.measured;
    let mut figures = Figures::default();
    for (id, sale) in &measured.sales {
        of_sale(&mut figures, id, sale);
    }
    if !measured.sales.is_empty() {
        of_sales(&mut figures, measured);
    }
    for (word, operation) in &measured.operations {
        of_operation(&mut figures, word, operation);
    }
    for (tier, rate) in &measured.rates {
        if let Some(peak) = rate.peak_per_s.filter(|_| !measured.sales.is_empty()) {
            figures.add(format!("rates.{tier}.peak_per_s"), peak);
        }
    }
    for (name, queue) in &measured.queues {
        figures.add(format!("queues.{name}.wait_s"), queue.wait_s.mean);
        figures.add(format!("queues.{name}.in_system"), queue.in_system.mean);
    }
    for objective in &judged.objectives {
        if let Some(value) = objective.value {
            figures.add(format!("objectives.{}", objective.text), value);
        }
    }
    let checked = |status| matches!(status, Status::Held | Status::Violated);
    for finding in judged.findings.iter().filter(|finding| checked(finding.status)) {
        figures.add(format!("findings.{}.count", finding.id), finding.count as f64);
    }
    figures.0
}

fn of_sale(figures: &mut Figures, id: &str, sale: &SaleSummary) {
    let sold: u64 = sale.items.values().map(|item| item.sold).sum();
    figures.add(format!("sales.{id}.sold"), sold as f64);
    if let Some(sold_out_s) = sale.sold_out_s {
        figures.add(format!("sales.{id}.sell_out_s"), sold_out_s - sale.opens_s);
    }
}

/// What all sales have together.
fn of_sales(figures: &mut Figures, measured: &Measured) {
    figures.add("orders.confirmed".to_owned(), measured.orders.confirmed as f64);
    if let Some(per_s) = measured.orders.per_s {
        figures.add("orders.per_s".to_owned(), per_s);
    }
    figures.add("payments.refused".to_owned(), measured.payments.refused as f64);
    figures.add("payments.orphaned".to_owned(), measured.payments.orphaned as f64);
    let bought = measured.fans.departed.get(Departure::Bought.word()).copied().unwrap_or(0);
    figures.add("fans.bought".to_owned(), bought as f64);
}

fn of_operation(figures: &mut Figures, word: &str, operation: &OperationSummary) {
    if operation.count == 0 {
        return;
    }
    let count = |outcome: Outcome| operation.outcomes.get(outcome.word()).copied().unwrap_or(0);
    let failed = count(Outcome::Error) + count(Outcome::Unknown);
    figures.add(format!("operations.{word}.failed"), failed as f64 / operation.count as f64);
    let refused = count(Outcome::RateLimited) + count(Outcome::Rejected);
    figures.add(format!("operations.{word}.refused"), refused as f64 / operation.count as f64);
    if let Some(response) = operation.response_ms {
        let shares = [("p50", response.p50), ("p95", response.p95), ("p99", response.p99)];
        for (share, millis) in shares {
            figures.add(format!("operations.{word}.{share}_ms"), millis);
        }
    }
}
