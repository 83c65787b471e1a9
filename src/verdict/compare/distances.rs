//! How far two runs lie apart as a whole: times, rates and the course of each sale, each beside what a
//! repeat of one of them comes to.

use domain::outcome::{Operation, Outcome};
use serde::Serialize;

use super::Lived;
use crate::measure::Second;
use crate::measure::distance::{
    CourseApart, RatesApart, TimesApart, of_courses, of_rates, of_times,
};
use crate::measure::latency::Series;
use crate::measure::timeline::TimelineLine;
use crate::verdict::assess::Times;

/// How far two runs lie apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Distances {
    /// Response times, in the order of the funnel; `reload.call` for each request of a reload.
    pub operations: Vec<OperationApart>,
    /// Rates second by second.
    pub rates: Vec<RateApart>,
    /// The course of each sale that both have.
    pub sales: Vec<SaleApart>,
}

/// The response times of an operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OperationApart {
    /// Its word.
    pub operation: String,
    /// How far apart.
    pub apart: TimesApart,
    /// How far a run and its repeat lie apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<TimesApart>,
}

/// A rate over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RateApart {
    /// Which.
    pub rate: String,
    /// How far apart.
    pub apart: RatesApart,
    /// How far a run and its repeat lie apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<RatesApart>,
}

/// The course of a sale.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SaleApart {
    /// Which.
    pub sale: String,
    /// Where they lie farthest apart.
    pub apart: CourseApart,
    /// Where a run and its repeat do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<CourseApart>,
}

type Pair<'a> = Option<(&'a Lived<'a>, &'a Lived<'a>)>;

/// All distances of two runs, and of `pair`, a run and its repeat.
pub(super) fn distances(a: &Lived<'_>, b: &Lived<'_>, pair: Pair<'_>) -> Distances {
    Distances {
        operations: operations(a, b, pair),
        rates: rates(a, b, pair),
        sales: sales(a, b, pair),
    }
}

fn operations(a: &Lived<'_>, b: &Lived<'_>, pair: Pair<'_>) -> Vec<OperationApart> {
    let series = Operation::ALL.into_iter().flat_map(|operation| {
        let calls = (operation == Operation::Reload).then_some(Series::Call);
        std::iter::once(Series::Response(operation)).chain(calls)
    });
    let apart = |a: &Lived<'_>, b: &Lived<'_>, series| {
        let is_known = a.times == Times::Known && b.times == Times::Known;
        of_times(&a.latency.whole(series), &b.latency.whole(series)).filter(|_| is_known)
    };
    let found = series.filter_map(|series| {
        Some(OperationApart {
            operation: series.tag(),
            apart: apart(a, b, series)?,
            repeat: pair.and_then(|(repeated, third)| apart(repeated, third, series)),
        })
    });
    found.collect()
}

fn sales(a: &Lived<'_>, b: &Lived<'_>, pair: Pair<'_>) -> Vec<SaleApart> {
    let apart = |a: &Lived<'_>, b: &Lived<'_>, sale: &str| {
        of_courses(&a.summary.result.measured, &b.summary.result.measured, sale)
    };
    let found = a.summary.result.measured.sales.keys().filter_map(|sale| {
        Some(SaleApart {
            sale: sale.clone(),
            apart: apart(a, b, sale)?,
            repeat: pair.and_then(|(repeated, third)| apart(repeated, third, sale)),
        })
    });
    found.collect()
}

/// How a second's count of a tier is read; absent where nobody counted.
type OfSecond = fn(&Second) -> Option<u64>;
/// How a second's count of outcomes is read.
type OfLine = fn(&TimelineLine) -> u64;

/// Rates of the summary's timeline.
const OF_SECONDS: [(&str, OfSecond); 5] = [
    ("edge", |second| Some(second.edge)),
    ("origin", |second| second.origin),
    ("payment", |second| second.payment),
    ("checkout", |second| Some(second.checkout)),
    ("useful", |second| Some(second.useful)),
];

/// Rates of what came of operations, in the second in which they were wanted.
const OF_LINES: [(&str, OfLine); 2] = [
    ("refused", |line| outcomes(line, &[Outcome::RateLimited, Outcome::Rejected])),
    ("failed", |line| outcomes(line, &[Outcome::Error, Outcome::Unknown])),
];

fn rates(a: &Lived<'_>, b: &Lived<'_>, pair: Pair<'_>) -> Vec<RateApart> {
    let runs = [Some(a), Some(b), pair.map(|pair| pair.0), pair.map(|pair| pair.1)];
    let opens = runs.iter().flatten().map(|run| run.opens_s().floor()).fold(0.0, f64::max);
    let of_seconds = OF_SECONDS.into_iter().filter_map(|(rate, read)| {
        let apart = |a, b| of_rates(&seconds(a, read, opens)?, &seconds(b, read, opens)?);
        let repeat = pair.and_then(|(repeated, third)| apart(repeated, third));
        Some(RateApart { rate: rate.to_owned(), apart: apart(a, b)?, repeat })
    });
    let of_lines = OF_LINES.into_iter().filter_map(|(rate, read)| {
        let apart = |a, b| of_rates(&lines(a, read, opens), &lines(b, read, opens));
        let repeat = pair.and_then(|(repeated, third)| apart(repeated, third));
        Some(RateApart { rate: rate.to_owned(), apart: apart(a, b)?, repeat })
    });
    of_seconds.chain(of_lines).collect()
}

/// A rate of the timeline, an entry per second, moved so that the sale opens in second `opens_s`.
fn seconds(run: &Lived<'_>, read: OfSecond, opens_s: f64) -> Option<Vec<f64>> {
    let counts: Option<Vec<u64>> = run.summary.result.measured.timeline.iter().map(read).collect();
    Some(moved(run, counts?.into_iter(), opens_s))
}

/// Likewise of what came of operations.
fn lines(run: &Lived<'_>, read: OfLine, opens_s: f64) -> Vec<f64> {
    let known = |second: u64| run.timeline.seconds.get(&second).map_or(0, read);
    moved(run, (0..run.timeline.end()).map(known), opens_s)
}

fn moved(run: &Lived<'_>, counts: impl Iterator<Item = u64>, opens_s: f64) -> Vec<f64> {
    let own = run.opens_s().floor();
    // Runs of one scenario open in the same second; of others, one that opens earlier waits for them.
    let ahead = (0_u64..).take_while(|second| own + (*second as f64) < opens_s).map(|_| 0);
    ahead.chain(counts).map(|count| count as f64).collect()
}

fn outcomes(line: &TimelineLine, wanted: &[Outcome]) -> u64 {
    let of = line.outcomes.values().flatten();
    of.filter(|(outcome, _)| wanted.contains(outcome)).map(|(_, count)| *count).sum()
}
