//! What the gate reads of a run: figures by name, which way is better, and of how many values.

use std::collections::BTreeMap;

use domain::outcome::{Operation, Outcome};
use serde::{Deserialize, Serialize};

use super::Observed;
use crate::measure::change::Scale;
use crate::measure::{Measured, OperationSummary, Percentiles, Presence, SaleSummary, round6};
use crate::verdict::assess::Times;
use crate::verdict::compare::Unit;

/// So many figures gate at the most: each more asks more of all others, for all are corrected together.
pub const GATING_MAX: usize = 6;

/// Orders that were paid, from the opening to the last of them.
const ORDERS: &str = "orders per second";
/// Orders that were paid.
const CONFIRMED: &str = "orders confirmed";
/// How long it took until all was sold; the sale's name stands before it.
const SOLD_OUT: &str = " sold out after";
/// A shop says once a second what it has sold, which must be less than half of what counts: 1 s / (5 % / 2).
const SOLD_OUT_MIN_S: f64 = 40.0;
/// Operations that failed or were never answered, of all.
const FAILED: &str = "failed share";

/// Which way a figure is better.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Times, failures.
    Lower,
    /// Orders, rates.
    Higher,
}

/// A figure of one run.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// What it was.
    pub value: f64,
    /// What it is measured in.
    pub unit: Unit,
    /// Which way is better; absent where nobody can say, such as of requests in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub better: Option<Better>,
    /// Of how many values it is, where it is of many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<u64>,
    /// How many it needs to mean something: 10 / (1 − q) for the quantile q, as objectives do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<u64>,
}

impl Figure {
    /// How two of its kind are held against each other.
    pub const fn scale(&self) -> Scale {
        scale_of(self.unit)
    }

    /// Whether it is of as many values as it needs.
    fn is_sampled(&self) -> bool {
        self.values.unwrap_or(u64::MAX) >= self.needed.unwrap_or(0)
    }

    /// Whether it is of no more than half as many values as it needs: then it is as good as missing. Between
    /// half and all is where one run has a few more than another.
    pub(super) fn is_starved(&self) -> bool {
        self.values.unwrap_or(u64::MAX).saturating_mul(2) <= self.needed.unwrap_or(0)
    }
}

/// How two figures of a unit are held against each other: shares may be 0.
pub(super) const fn scale_of(unit: Unit) -> Scale {
    match unit {
        Unit::Share => Scale::Difference,
        _ => Scale::Ratio,
    }
}

/// The figures that gate where nobody names others: what is sold per second and (of sales that take 40 s or longer)
/// until when or (of shorter ones, which may end early at the same rate) how much, failures, the 99 % (or 95 %) and 50 % response time of checkouts, the 99 % response time of
/// reloads; where one of them is not there, of the other operations in the order of the funnel. All baseline runs
/// must have them, of enough values.
pub fn usual(baseline: &[Observed]) -> Vec<String> {
    let has = |name: &String| {
        let of = |run: &Observed| run.figures.get(name).is_some_and(Figure::is_sampled);
        !baseline.is_empty() && baseline.iter().all(of)
    };
    let tail = |operation: &str| {
        ["p99", "p95"].map(|which| format!("{operation} {which}")).into_iter().find(has)
    };
    let first = baseline.first();
    let names = || first.into_iter().flat_map(|run| run.figures.keys());
    let is_fine = |name: &str| {
        let of =
            |run: &Observed| run.figures.get(name).is_some_and(|it| it.value >= SOLD_OUT_MIN_S);
        baseline.iter().all(of)
    };
    let checkout = Operation::Checkout.word();
    let before = [Operation::Checkout, Operation::Reload];
    let others = Operation::ALL.into_iter().filter(|operation| !before.contains(operation));
    let sold_out = names().find(|name| name.ends_with(SOLD_OUT) && is_fine(name)).cloned();
    let mut usual: Vec<String> = [ORDERS.to_owned()]
        .into_iter()
        .chain(sold_out.or_else(|| Some(CONFIRMED.to_owned())))
        .chain([FAILED.to_owned()])
        .chain(tail(checkout))
        .chain([format!("{checkout} p50")])
        .chain(tail(Operation::Reload.word()))
        .chain(others.filter_map(|operation| tail(operation.word())))
        .filter(has)
        .collect();
    if usual.is_empty() {
        // No sale: devices, rooms and queues.
        let directed =
            |name: &&String| first.and_then(|run| run.figures.get(*name)?.better).is_some();
        usual = names().filter(directed).filter(|name| has(name)).cloned().collect();
    }
    usual.truncate(GATING_MAX);
    usual
}

/// All figures of a run, by name.
pub(super) fn figures(measured: &Measured, times: Times) -> BTreeMap<String, Figure> {
    let mut figures = Figures::default();
    figures.sales(measured);
    figures.operations(measured, times);
    figures.rates(measured);
    figures.beside(measured);
    figures.0.retain(|_, figure| figure.value.is_finite());
    figures.0
}

#[derive(Debug, Default)]
struct Figures(BTreeMap<String, Figure>);

impl Figures {
    fn add(&mut self, name: String, unit: Unit, better: Option<Better>, value: f64) {
        let value = round6(value);
        let figure = Figure { value, unit, better, values: None, needed: None };
        self.0.insert(name, figure);
    }

    fn sales(&mut self, measured: &Measured) {
        let (higher, lower) = (Some(Better::Higher), Some(Better::Lower));
        if measured.sales.is_empty() {
            return;
        }
        if let Some(per_s) = measured.orders.per_s {
            self.add(ORDERS.to_owned(), Unit::PerSecond, higher, per_s);
        }
        let confirmed = measured.orders.confirmed as f64;
        self.add(CONFIRMED.to_owned(), Unit::Count, higher, confirmed);
        for (id, sale) in &measured.sales {
            let sold: u64 = sale.items.values().map(|item| item.sold).sum();
            self.add(format!("{id} pieces sold"), Unit::Count, higher, sold as f64);
            if let Some(after_s) = sold_out_after_s(sale) {
                self.add(format!("{id}{SOLD_OUT}"), Unit::Seconds, lower, after_s);
            }
        }
        if measured.payments.ledger == Presence::There {
            let refused = measured.payments.refused as f64;
            self.add("payments refused".to_owned(), Unit::Count, lower, refused);
        }
    }

    fn operations(&mut self, measured: &Measured, times: Times) {
        let all = Operation::ALL.into_iter();
        let all = all.filter_map(|operation| measured.operations.get(operation.word()));
        let (mut count, mut failed) = (0, 0);
        for summary in all {
            let of = |outcome: Outcome| summary.outcomes.get(outcome.word()).copied().unwrap_or(0);
            count += summary.count;
            failed += of(Outcome::Error) + of(Outcome::Unknown);
        }
        if count > 0 {
            let share = failed as f64 / count as f64;
            self.add(FAILED.to_owned(), Unit::Share, Some(Better::Lower), share);
        }
        if times == Times::Known {
            for (word, OperationSummary { response_ms, service_ms, .. }) in &measured.operations {
                self.times(word, response_ms.as_ref());
                self.times(&format!("{word} service"), service_ms.as_ref());
            }
        }
    }

    fn times(&mut self, name: &str, percentiles: Option<&Percentiles>) {
        let Some(known) = percentiles else { return };
        for (word, needed, value) in
            [("p50", 20, known.p50), ("p95", 200, known.p95), ("p99", 1_000, known.p99)]
        {
            let figure = Figure {
                value,
                unit: Unit::Milliseconds,
                better: Some(Better::Lower),
                values: Some(known.count),
                needed: Some(needed),
            };
            self.0.insert(format!("{name} {word}"), figure);
        }
    }

    fn rates(&mut self, measured: &Measured) {
        for (tier, rate) in &measured.rates {
            for (word, value) in [("peak", rate.peak_per_s), ("mean", rate.mean_per_s)] {
                if let Some(value) = value {
                    self.add(format!("{tier} {word}"), Unit::PerSecond, None, value);
                }
            }
        }
    }

    /// Plain queues, devices and rooms.
    fn beside(&mut self, measured: &Measured) {
        let (higher, lower) = (Some(Better::Higher), Some(Better::Lower));
        for (name, queue) in measured.queues.iter().filter(|(_, queue)| queue.unsettled.is_none()) {
            self.add(format!("{name} wait"), Unit::Seconds, lower, queue.wait_s.mean);
            self.add(format!("{name} in system"), Unit::Seconds, lower, queue.in_system_s.mean);
        }
        for (name, devices) in &measured.devices {
            self.add(format!("{name} availability"), Unit::Share, higher, devices.availability);
            let downtime_s = devices.downtime_s.p99;
            self.add(format!("{name} downtime p99"), Unit::Seconds, lower, downtime_s);
            let backlog = devices.backlog as f64;
            self.add(format!("{name} backlog"), Unit::Count, lower, backlog);
        }
        for (name, rooms) in &measured.rooms {
            let none_ready = format!("{name} found no machine ready");
            self.add(none_ready, Unit::Share, lower, rooms.stock_out);
            if let Some(waited) = &rooms.wait_s {
                self.add(format!("{name} wait p99"), Unit::Seconds, lower, waited.p99);
            }
        }
    }
}

/// How long it took from the opening until all was sold \[s\]. A sale that was not sold out when it closed took
/// at least as long as it was open, and counts with that: who sells slower and slower does not become
/// missing. Nothing where nobody says.
fn sold_out_after_s(sale: &SaleSummary) -> Option<f64> {
    match (sale.sold_out_s, sale.sold_out) {
        (Some(at_s), _) => Some(at_s - sale.opens_s),
        (None, Some(false)) => Some(sale.closes_s - sale.opens_s),
        (None, _) => None,
    }
}
