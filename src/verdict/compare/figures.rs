//! Figure by figure: what each run says, the difference, and whether it can be told from noise.

mod beside;

use domain::outcome::{Departure, Operation, Outcome};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::Lived;
use crate::measure::interval::{self, Sampled};
use crate::measure::latency::Series;
use crate::measure::{OperationSummary, Percentiles, Presence, round6};
use crate::verdict::assess::Times;

/// What a figure is about.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Orders, pieces, and when they were sold.
    Sales,
    /// How operations went and how long they took.
    Operations,
    /// Requests at each tier.
    Rates,
    /// Payments, by the provider's ledger.
    Payments,
    /// How fans left.
    Fans,
    /// Plain queues in their steady state.
    Queues,
    /// Devices that hold a connection.
    Devices,
    /// Rooms that take machines of a warm pool.
    Rooms,
}

/// What a figure is measured in.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// How many.
    Count,
    /// Of all, in \[0, 1\].
    Share,
    /// \[ms\].
    Milliseconds,
    /// \[s\].
    Seconds,
    /// \[1/s\].
    PerSecond,
}

/// What can be said of a difference.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// There is none.
    Same,
    /// It is more than sampling explains: its 95 % interval holds no 0; or no sampling is in it, for two
    /// simulated runs of one scenario, seed and scale.
    Differs,
    /// It cannot be told from noise: its 95 % interval holds 0.
    Noise,
    /// It is no larger than what a repeat came to, whatever sampling explains.
    WithinRepeat,
    /// One run of each cannot say: a peak, a moment, pieces sold, orphaned payments, or too few samples.
    Unjudged,
    /// One of the runs does not say.
    OneSided,
}

/// A figure of two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What it is about.
    pub group: Group,
    /// Its name: `checkout p99`.
    pub name: String,
    /// What it is measured in.
    pub unit: Unit,
    /// What the first run says.
    pub a: Option<f64>,
    /// What the second says.
    pub b: Option<f64>,
    /// `b − a`.
    pub difference: Option<f64>,
    /// `b / a`; absent of 0.
    pub ratio: Option<f64>,
    /// Where the difference lies with 95 % confidence, as far as sampling goes.
    pub ci95: Option<[f64; 2]>,
    /// What can be said of it.
    pub standing: Standing,
    /// How far a third run lies from the one that it repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<f64>,
}

/// What one run says of a figure.
#[derive(Clone, Debug)]
struct Reading {
    group: Group,
    name: String,
    unit: Unit,
    value: f64,
    /// With its limits, where it is of a sample.
    sampled: Option<Sampled>,
}

/// All figures of two runs, in the order of groups and, in a group, of the funnel; `pair` is a run and
/// its repeat, which excuses a difference no larger than its own if it `is_fit` to. In `is_exact` runs every
/// difference is one.
pub(super) fn figures(
    (a, b): (&Lived<'_>, &Lived<'_>),
    pair: Option<(&Lived<'_>, &Lived<'_>)>,
    is_fit: bool,
    is_exact: bool,
) -> Vec<Figure> {
    let (of_a, of_b) = (readings(a), readings(b));
    let pair = pair.map(|(repeated, third)| (readings(repeated), readings(third)));
    let mut known: Vec<&Reading> = of_a.iter().collect();
    known.extend(of_b.iter().filter(|reading| find(&of_a, reading).is_none()));
    known.sort_by_key(|reading| reading.group);
    let figures = known.into_iter().map(|reading| {
        let mut figure = of(reading, find(&of_a, reading), find(&of_b, reading), is_exact);
        figure.repeat = pair.as_ref().and_then(|(repeated, third)| {
            let (from, to) = (find(repeated, reading)?, find(third, reading)?);
            Some(round6(to.value - from.value))
        });
        let is_within = figure.difference.zip(figure.repeat);
        let is_within = is_fit && is_within.is_some_and(|(by, repeat)| by.abs() <= repeat.abs());
        if is_within && matches!(figure.standing, Standing::Differs | Standing::Unjudged) {
            figure.standing = Standing::WithinRepeat;
        }
        figure
    });
    figures.filter(is_of_interest).collect()
}

fn find<'a>(readings: &'a [Reading], wanted: &Reading) -> Option<&'a Reading> {
    readings.iter().find(|reading| reading.group == wanted.group && reading.name == wanted.name)
}

/// What never happened in either is no line of a table.
fn is_of_interest(figure: &Figure) -> bool {
    let is_nothing = |value: Option<f64>| value.is_none_or(|value| value.abs() <= 0.0);
    figure.unit != Unit::Share || !is_nothing(figure.a) || !is_nothing(figure.b)
}

fn of(about: &Reading, a: Option<&Reading>, b: Option<&Reading>, is_exact: bool) -> Figure {
    let both = a.zip(b);
    let difference = both.map(|(a, b)| b.value - a.value);
    let sampled = both.and_then(|(a, b)| Some(interval::difference(a.sampled?, b.sampled?)));
    let sampled = sampled.filter(|_| !is_exact);
    let standing = match (difference, sampled) {
        (None, _) => Standing::OneSided,
        (Some(difference), _) if difference.abs() <= 0.0 => Standing::Same,
        _ if is_exact => Standing::Differs,
        (_, Some(sampled)) if sampled.excludes_zero() => Standing::Differs,
        (_, Some(_)) => Standing::Noise,
        (_, None) => Standing::Unjudged,
    };
    Figure {
        group: about.group,
        name: about.name.clone(),
        unit: about.unit,
        a: a.map(|reading| reading.value),
        b: b.map(|reading| reading.value),
        difference: difference.map(round6),
        ratio: both.filter(|(a, _)| a.value.abs() > 0.0).map(|(a, b)| round6(b.value / a.value)),
        ci95: sampled.map(|sampled| [round6(sampled.low), round6(sampled.high)]),
        standing,
        repeat: None,
    }
}

/// All that a run says.
fn readings(run: &Lived<'_>) -> Vec<Reading> {
    let mut readings = Vec::new();
    sales(run, &mut readings);
    operations(run, &mut readings);
    rates(run, &mut readings);
    payments(run, &mut readings);
    fans(run, &mut readings);
    readings.extend(beside::queues(run));
    readings.extend(beside::devices(run));
    readings.extend(beside::rooms(run));
    readings
}

fn counted(group: Group, name: String, events: u64) -> Reading {
    let sampled = Some(interval::count(events));
    Reading { group, name, unit: Unit::Count, value: events as f64, sampled }
}

fn shared(group: Group, name: String, hits: u64, of: u64) -> Option<Reading> {
    let sampled = interval::share(hits, of)?;
    Some(Reading { group, name, unit: Unit::Share, value: sampled.value, sampled: Some(sampled) })
}

const fn told(group: Group, name: String, unit: Unit, value: f64) -> Reading {
    Reading { group, name, unit, value, sampled: None }
}

fn sales(run: &Lived<'_>, readings: &mut Vec<Reading>) {
    const GROUP: Group = Group::Sales;
    let measured = &run.summary.result.measured;
    if measured.sales.is_empty() {
        return;
    }
    let orders = &measured.orders;
    readings.push(counted(GROUP, "orders attempted".to_owned(), orders.attempted));
    readings.push(counted(GROUP, "orders confirmed".to_owned(), orders.confirmed));
    let per_s = orders.per_s;
    readings.extend(per_s.map(|rate| told(GROUP, "orders paid".to_owned(), Unit::PerSecond, rate)));
    for (id, sale) in &measured.sales {
        for (item, pieces) in &sale.items {
            // Sold out, it is the stock, and no count of what came by chance.
            let name = format!("{id} {item} sold");
            readings.push(told(GROUP, name, Unit::Count, pieces.sold as f64));
        }
        readings.extend(sale.sold_out_s.map(|at_s| {
            let after_s = at_s - sale.opens_s;
            told(GROUP, format!("{id} sold out after"), Unit::Seconds, after_s)
        }));
    }
}

fn operations(run: &Lived<'_>, readings: &mut Vec<Reading>) {
    let operations = &run.summary.result.measured.operations;
    for operation in Operation::ALL {
        let Some(summary) = operations.get(operation.word()) else { continue };
        one_operation(operation.word(), summary, readings);
        if run.times == Times::Known {
            let series = [
                ("", &summary.response_ms, Series::Response(operation)),
                (" service", &summary.service_ms, Series::Service(operation)),
                (" first byte", &summary.first_byte_ms, Series::FirstByte(operation)),
            ];
            for (what, percentiles, series) in series {
                let name = format!("{operation}{what}");
                times(&name, percentiles.as_ref(), &run.latency.whole(series), readings);
            }
        }
        let calls = operations.get("reload.call").filter(|_| operation == Operation::Reload);
        if let Some(summary) = calls {
            one_operation("reload.call", summary, readings);
            if run.times == Times::Known {
                let calls = run.latency.whole(Series::Call);
                times("reload.call", summary.response_ms.as_ref(), &calls, readings);
            }
        }
    }
}

/// How often, and what came of it.
fn one_operation(word: &str, summary: &OperationSummary, readings: &mut Vec<Reading>) {
    const GROUP: Group = Group::Operations;
    readings.push(counted(GROUP, format!("{word} count"), summary.count));
    for outcome in Outcome::ALL {
        let many = summary.outcomes.get(outcome.word()).copied().unwrap_or(0);
        readings.extend(shared(GROUP, format!("{word} {outcome}"), many, summary.count));
    }
}

/// The percentiles of a series, by the summary, with their limits by the histogram.
fn times(
    name: &str,
    percentiles: Option<&Percentiles>,
    histogram: &Histogram<u64>,
    readings: &mut Vec<Reading>,
) {
    let Some(known) = percentiles else { return };
    for (word, quantile, value) in
        [("p50", 0.5, known.p50), ("p95", 0.95, known.p95), ("p99", 0.99, known.p99)]
    {
        let sampled = interval::percentile(histogram, quantile);
        readings.push(Reading {
            group: Group::Operations,
            name: format!("{name} {word}"),
            unit: Unit::Milliseconds,
            value,
            sampled,
        });
    }
}

fn rates(run: &Lived<'_>, readings: &mut Vec<Reading>) {
    const GROUP: Group = Group::Rates;
    let rates = &run.summary.result.measured.rates;
    if run.summary.result.measured.sales.is_empty() {
        return;
    }
    for tier in ["edge", "origin", "checkout", "payment"] {
        let Some(rate) = rates.get(tier) else { continue };
        readings.extend(rate.count.map(|count| counted(GROUP, format!("{tier} in all"), count)));
        for (word, value) in [("peak", rate.peak_per_s), ("mean", rate.mean_per_s)] {
            let name = format!("{tier} {word}");
            readings.extend(value.map(|value| told(GROUP, name, Unit::PerSecond, value)));
        }
    }
}

fn payments(run: &Lived<'_>, readings: &mut Vec<Reading>) {
    let payments = &run.summary.result.measured.payments;
    if payments.ledger == Presence::Missing || run.summary.result.measured.sales.is_empty() {
        return;
    }
    for (word, count) in [
        ("authorized", payments.authorized),
        ("captured", payments.captured),
        ("voided", payments.voided),
        ("given back", payments.refunded),
        ("refused by a limiter", payments.refused),
    ] {
        readings.push(counted(Group::Payments, word.to_owned(), count));
    }
    // There should be none, so that one is a fault and no chance.
    let orphaned = payments.orphaned as f64;
    readings.push(told(Group::Payments, "orphaned".to_owned(), Unit::Count, orphaned));
}

fn fans(run: &Lived<'_>, readings: &mut Vec<Reading>) {
    let fans = &run.summary.result.measured.fans;
    if fans.arrived == 0 {
        return;
    }
    readings.push(counted(Group::Fans, "arrived".to_owned(), fans.arrived));
    for departure in Departure::ALL {
        let many = fans.departed.get(departure.word()).copied().unwrap_or(0);
        let name = format!("left {departure}");
        readings.extend(shared(Group::Fans, name, many.min(fans.arrived), fans.arrived));
    }
}
