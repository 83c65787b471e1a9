//! All that a run has come to so far, and what is exported of it.

use std::collections::{BTreeMap, BTreeSet};

use domain::outcome::{Departure, Operation, Outcome};
use domain::shop::{Balance, ShopSnapshot};

use super::Run;
use super::exponential::Exponential;
use super::instrument::{self, Instrument};
use crate::evidence::ConnectionFailure;
use crate::measure::delta::{Delta, Second};
use crate::measure::edge::EdgeCounts;
use crate::measure::latency::Series;
use crate::measure::meter::Counts;
use crate::measure::vitals::Vitals;

/// Nanoseconds in a second.
const NS_PER_S: f64 = 1e9;

/// What never came.
static NONE: Exponential = Exponential::new();

/// All that a run has come to so far.
#[derive(Clone, Debug)]
pub struct Totals {
    /// When the first sale opens, in Unix time \[s\].
    opening_s: f64,
    /// What the scenario's fans may do, and what they did besides.
    operations: BTreeSet<Operation>,
    counts: Counts,
    times: BTreeMap<Series, Exponential>,
    edges: BTreeMap<String, EdgeCounts>,
    cpu: Option<f64>,
    vitals: Option<Vitals>,
    /// How long load threads have waited for a core \[ms\], where known.
    core_wait_ms: Option<f64>,
    shop: Option<ShopSnapshot>,
}

/// An instrument with its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric<'a> {
    /// What is measured.
    pub instrument: Instrument,
    /// Its figures, each with other labels.
    pub points: Vec<Point<'a>>,
}

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Point<'a> {
    /// What it is of: names, as OpenTelemetry has them, and values.
    pub labels: Vec<(&'static str, String)>,
    /// The figure.
    pub value: Value<'a>,
}

/// A figure.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// So many.
    Count(u64),
    /// So much.
    Level(f64),
    /// How often each time came.
    Times(&'a Exponential),
}

/// What reached somebody who listens, and what did not.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// So many did.
    pub delivered: u64,
    /// So many are on their way.
    pub under_way: u64,
    /// So many did not.
    pub dropped: u64,
}

/// What became of what was exported, by the consumer's word.
pub type Traffics = BTreeMap<&'static str, Traffic>;

impl Totals {
    /// Nothing yet, of `run`.
    pub fn of(run: &Run) -> Self {
        let opening_ns = run.began_utc_ns.saturating_add(run.opening.nanos());
        Self {
            opening_s: opening_ns as f64 / NS_PER_S,
            operations: run.operations.iter().copied().collect(),
            counts: Counts::default(),
            times: BTreeMap::new(),
            edges: BTreeMap::new(),
            cpu: None,
            vitals: None,
            core_wait_ms: None,
            shop: None,
        }
    }

    /// Adds what came in.
    pub fn add(&mut self, delta: Delta) {
        if let Some(shop) = delta.shop {
            self.shop = Some(shop);
        }
        if let Some(second) = delta.second {
            self.add_second(&second);
        }
    }

    fn add_second(&mut self, second: &Second) {
        self.counts.merge(&second.counts);
        for (series, us, count) in second.times() {
            self.times.entry(series).or_default().record(us, count);
        }
        for (step, counts) in &second.edges {
            self.edges.entry(step.clone()).or_default().merge(counts);
        }
        let done = Operation::ALL.into_iter().zip(&second.counts.outcomes);
        let done = done.filter(|(_, outcomes)| outcomes.iter().any(|count| *count > 0));
        self.operations.extend(done.map(|(operation, _)| operation));
        self.cpu = second.cpu.or(self.cpu);
        self.vitals = second.vitals.or(self.vitals);
        if let Some(waits) = second.vitals.and_then(|vitals| vitals.waits) {
            *self.core_wait_ms.get_or_insert(0.0) += waits.waited_ms;
        }
    }

    /// What is exported: what nobody knows is left out, and what is known to be none is 0. `traffics` is what
    /// became of earlier exports.
    pub fn metrics(&self, traffics: &Traffics) -> Vec<Metric<'_>> {
        let mut metrics = self.times();
        metrics.extend(self.counted());
        metrics.extend(self.of_the_shop());
        metrics.extend(self.of_the_machine());
        metrics.push(told(instrument::DELIVERED, traffics, |traffic| traffic.delivered));
        metrics.push(told(instrument::DROPPED, traffics, |traffic| traffic.dropped));
        metrics.retain(|metric| !metric.points.is_empty());
        metrics
    }

    fn times(&self) -> Vec<Metric<'_>> {
        let by_operation = |instrument, series: fn(Operation) -> Series| {
            let of = |operation: &Operation| {
                (vec![word("operation", operation.word())], series(*operation))
            };
            self.timed(instrument, self.operations.iter().map(of))
        };
        let alone =
            |instrument, series| self.timed(instrument, std::iter::once((Vec::new(), series)));
        vec![
            by_operation(instrument::RESPONSE, Series::Response),
            by_operation(instrument::SERVICE, Series::Service),
            by_operation(instrument::FIRST_BYTE, Series::FirstByte),
            alone(instrument::RELOAD_CALL, Series::Call),
            alone(instrument::LATENESS, Series::Lateness),
            alone(instrument::CONNECT, Series::Connect),
            alone(instrument::HANDSHAKE, Series::Handshake),
            alone(instrument::POOL_WAIT, Series::PoolWait),
        ]
    }

    fn timed(
        &self,
        instrument: Instrument,
        of: impl Iterator<Item = (Vec<(&'static str, String)>, Series)>,
    ) -> Metric<'_> {
        let points = of.map(|(labels, series)| {
            let times = self.times.get(&series).unwrap_or(&NONE);
            Point { labels, value: Value::Times(times) }
        });
        Metric { instrument, points: points.collect() }
    }

    fn counted(&self) -> Vec<Metric<'_>> {
        let counts = &self.counts;
        let left: u64 = counts.departed.iter().sum();
        let done = self.operations.iter().flat_map(|operation| {
            let outcomes = Outcome::ALL.into_iter().zip(counts.outcomes[*operation as usize]);
            outcomes.map(move |(outcome, count)| {
                let labels =
                    vec![word("operation", operation.word()), word("outcome", outcome.word())];
                count_of(labels, count)
            })
        });
        let calls = Outcome::ALL.into_iter().zip(counts.calls);
        let calls = calls.filter(|_| self.operations.contains(&Operation::Reload));
        let calls = calls.map(|(outcome, n)| count_of(vec![word("outcome", outcome.word())], n));
        let departed = Departure::ALL.into_iter().zip(counts.departed);
        let departed = departed.map(|(how, n)| count_of(vec![word("departure", how.word())], n));
        let failed = ConnectionFailure::ALL.into_iter().zip(counts.connection_failures);
        let failed = failed.map(|(why, n)| count_of(vec![word("error.type", why.word())], n));
        vec![
            sum(instrument::OFFERED, counts.offered),
            sum(instrument::SENT, counts.sent),
            Metric { instrument: instrument::DONE, points: done.collect() },
            Metric { instrument: instrument::RELOAD_CALLS, points: calls.collect() },
            sum(instrument::PURCHASES, counts.useful),
            sum(instrument::ARRIVED, counts.arrived),
            Metric { instrument: instrument::DEPARTED, points: departed.collect() },
            // One meter may tell of a fan's leaving before another tells of its arrival.
            level(instrument::PRESENT, Some(counts.arrived.saturating_sub(left) as f64)),
            sum(instrument::OPENED, counts.opened),
            sum(instrument::RESUMED, counts.resumed),
            Metric { instrument: instrument::FAILED, points: failed.collect() },
            Metric { instrument: instrument::EDGE, points: self.edges() },
        ]
    }

    fn edges(&self) -> Vec<Point<'_>> {
        let points = self.edges.iter().flat_map(|(step, counts)| {
            let EdgeCounts { answers, hits, misses, others, .. } = *counts;
            let silent = answers.saturating_sub(hits + misses + others);
            [("hit", hits), ("miss", misses), ("other", others), ("silent", silent)].map(
                |(cache, count)| count_of(vec![word("step", step), word("cache", cache)], count),
            )
        });
        points.collect()
    }

    fn of_the_shop(&self) -> Vec<Metric<'_>> {
        let Some(shop) = &self.shop else { return Vec::new() };
        let tiers = [("edge", shop.edge), ("origin", shop.origin), ("payment", shop.payment)];
        let tiers = tiers.map(|(tier, count)| count_of(vec![word("tier", tier)], count));
        let items = shop.items.iter().flat_map(|(id, balance)| balances("item", id, *balance));
        let slots = shop.slots.iter().flat_map(|(id, balance)| balances("slot", id, *balance));
        vec![
            Metric { instrument: instrument::SHOP_REQUESTS, points: tiers.to_vec() },
            level(instrument::PENDING, Some(shop.pending as f64)),
            Metric { instrument: instrument::STOCK, points: items.collect() },
            Metric { instrument: instrument::PLACES, points: slots.collect() },
        ]
    }

    fn of_the_machine(&self) -> Vec<Metric<'_>> {
        let machine = self.vitals.and_then(|vitals| vitals.machine);
        let clock_error_us = self.vitals.and_then(|vitals| vitals.clock_error_us);
        vec![
            level(instrument::OPENING, Some(self.opening_s)),
            level(instrument::CORES, self.cpu),
            level(instrument::CORE_WAIT, self.core_wait_ms.map(|ms| ms / 1e3)),
            level(instrument::BUSY, machine.map(|machine| machine.busy)),
            level(instrument::STOLEN, machine.map(|machine| machine.stolen)),
            level(instrument::CLOCK_ERROR, clock_error_us.map(|us| us / 1e6)),
        ]
    }
}

fn word(name: &'static str, value: &str) -> (&'static str, String) {
    (name, value.to_owned())
}

const fn count_of<'a>(labels: Vec<(&'static str, String)>, count: u64) -> Point<'a> {
    Point { labels, value: Value::Count(count) }
}

fn sum<'a>(instrument: Instrument, count: u64) -> Metric<'a> {
    Metric { instrument, points: vec![count_of(Vec::new(), count)] }
}

fn level<'a>(instrument: Instrument, level: Option<f64>) -> Metric<'a> {
    let point = level.map(|level| Point { labels: Vec::new(), value: Value::Level(level) });
    Metric { instrument, points: point.into_iter().collect() }
}

fn told<'a>(instrument: Instrument, traffics: &Traffics, count: fn(&Traffic) -> u64) -> Metric<'a> {
    let point = |(consumer, traffic): (&&'static str, &Traffic)| {
        count_of(vec![word("consumer", consumer)], count(traffic))
    };
    Metric { instrument, points: traffics.iter().map(point).collect() }
}

fn balances<'a>(name: &'static str, id: &str, balance: Balance) -> [Point<'a>; 3] {
    let Balance { free, held, sold } = balance;
    [("free", free), ("held", held), ("sold", sold)].map(|(state, pieces)| {
        let labels = vec![word(name, id), word("state", state)];
        Point { labels, value: Value::Level(pieces as f64) }
    })
}
