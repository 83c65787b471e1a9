//! Other people's series on the run's timeline: what a report says of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::series::Row;
use crate::measure::round3;

/// How many columns a series is thinned out to, each with its least and its greatest value: more than a
/// chart has pixels show nothing.
const COLUMNS: f64 = 400.0;
/// The most events of a series that are told one by one.
const EVENTS_MAX: usize = 500;

/// A series of somebody else's: a metric, events, or both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesSummary {
    /// Its name in the files.
    pub name: String,
    /// Its values within the run; absent where it has none.
    pub values: Option<ValueSummary>,
    /// (moment from the run's beginning in s, value) pairs within the run, thinned out to what a chart
    /// shows.
    pub points: Vec<(f64, f64)>,
    /// What happened within the run, in the order of time.
    pub events: Vec<EventSummary>,
    /// Events within the run beyond those.
    pub further_events: u64,
    /// Rows from before or after the run; absent where there are none.
    pub outside: Option<OutsideSummary>,
}

/// Values of a series within the run.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ValueSummary {
    /// How many.
    pub count: u64,
    /// The least.
    pub min: f64,
    /// When it was first so, from the run's beginning \[s\].
    pub min_at_s: f64,
    /// The greatest.
    pub max: f64,
    /// When it was first so, from the run's beginning \[s\].
    pub max_at_s: f64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventSummary {
    /// When, from the run's beginning \[s\].
    pub at_s: f64,
    /// What.
    pub text: String,
}

/// Rows from before or after the run.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutsideSummary {
    /// How many.
    pub count: u64,
    /// When the first of them was, from the run's beginning \[s\]; below 0 is before it.
    pub first_s: f64,
    /// When the last of them was \[s\].
    pub last_s: f64,
}

/// The rows of all files as series, by name. The run lasted until `ended_s`.
pub fn series(mut rows: Vec<Row>, ended_s: f64) -> Vec<SeriesSummary> {
    rows.sort_by(|one, other| one.at_s.total_cmp(&other.at_s));
    let mut all: BTreeMap<&str, SeriesSummary> = BTreeMap::new();
    let mut points: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for row in &rows {
        let name = row.series.as_str();
        let summary = all.entry(name).or_default();
        name.clone_into(&mut summary.name);
        let at_s = round3(row.at_s);
        if !(0.0..=ended_s).contains(&row.at_s) {
            summary.outside = Some(
                summary
                    .outside
                    .map_or(OutsideSummary { count: 1, first_s: at_s, last_s: at_s }, |known| {
                        OutsideSummary { count: known.count + 1, last_s: at_s, ..known }
                    }),
            );
            continue;
        }
        if let Some(value) = row.value {
            summary.values = Some(with(summary.values, at_s, value));
            points.entry(name).or_default().push((at_s, value));
        }
        if let Some(text) = &row.text {
            if summary.events.len() < EVENTS_MAX {
                summary.events.push(EventSummary { at_s, text: text.clone() });
            } else {
                summary.further_events += 1;
            }
        }
    }
    for (name, points) in points {
        all.entry(name).or_default().points = thinned(&points, ended_s);
    }
    all.into_values().collect()
}

/// Stairs: from each moment \[s\] a value that stays until the next, and the last until the end.
pub(super) fn stairs(series: &str, steps: &[(f64, f64)], ended_s: f64) -> Vec<Row> {
    let until = steps.iter().skip(1).map(|(next_s, _)| next_s - 0.001).chain([ended_s]);
    let stairs = steps.iter().zip(until).flat_map(|((at_s, value), until_s)| {
        [*at_s, until_s.max(*at_s)].map(|at_s| Row {
            at_s,
            series: series.to_owned(),
            value: Some(*value),
            text: None,
        })
    });
    stairs.collect()
}

fn with(known: Option<ValueSummary>, at_s: f64, value: f64) -> ValueSummary {
    let first = ValueSummary { count: 0, min: value, min_at_s: at_s, max: value, max_at_s: at_s };
    let mut values = known.unwrap_or(first);
    values.count += 1;
    if value < values.min {
        (values.min, values.min_at_s) = (value, at_s);
    }
    if value > values.max {
        (values.max, values.max_at_s) = (value, at_s);
    }
    values
}

/// Of the points of each column the least and the greatest, in the order of time.
fn thinned(points: &[(f64, f64)], ended_s: f64) -> Vec<(f64, f64)> {
    let width = ended_s.max(1.0) / COLUMNS;
    let column = |point: &(f64, f64)| (point.0 / width).floor();
    let mut thin = Vec::new();
    for same in points.chunk_by(|one, other| column(one).total_cmp(&column(other)).is_eq()) {
        let by_value = |one: &&(f64, f64), other: &&(f64, f64)| one.1.total_cmp(&other.1);
        let least = same.iter().min_by(by_value).into_iter();
        let mut both: Vec<(f64, f64)> =
            least.chain(same.iter().max_by(by_value)).copied().collect();
        both.sort_by(|one, other| one.0.total_cmp(&other.0));
        both.dedup();
        thin.extend(both);
    }
    thin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at_s: f64, series: &str, value: Option<f64>, text: Option<&str>) -> Row {
        Row { at_s, series: series.to_owned(), value, text: text.map(str::to_owned) }
    }

    #[test]
    fn a_metric_has_its_least_and_greatest_with_their_moments_in_whatever_order_rows_stand() {
        let rows = [(9.0, 3.0), (1.0, -2.5), (5.0, 8.0), (7.0, 8.0)];
        let rows = rows.map(|(at_s, value)| row(at_s, "cpu", Some(value), None)).to_vec();
        let all = series(rows, 100.0);
        let values = all[0].values.unwrap();
        assert_eq!((values.count, values.min, values.max), (4, -2.5, 8.0));
        assert_eq!((values.min_at_s, values.max_at_s), (1.0, 5.0));
        assert_eq!(all[0].points, [(1.0, -2.5), (5.0, 8.0), (7.0, 8.0), (9.0, 3.0)]);
    }

    #[test]
    fn what_lies_outside_of_the_run_is_told_and_not_measured() {
        let rows = vec![
            row(-300.0, "deploys", None, Some("v11")),
            row(10.0, "deploys", None, Some("v12")),
            row(100.5, "deploys", Some(9.0), None),
        ];
        let all = series(rows, 100.0);
        assert_eq!(all[0].events, [EventSummary { at_s: 10.0, text: "v12".to_owned() }]);
        assert_eq!(all[0].values, None);
        let outside = OutsideSummary { count: 2, first_s: -300.0, last_s: 100.5 };
        assert_eq!(all[0].outside, Some(outside));
    }

    #[test]
    fn a_long_series_is_thinned_out_and_keeps_its_peaks() {
        let value = |number: u32| if number == 77_777 { 1e6 } else { f64::from(number % 10) };
        let rows = (0..100_000)
            .map(|number| row(f64::from(number) / 1e3, "cpu", Some(value(number)), Some("beat")));
        let all = series(rows.collect(), 100.0);
        let points = &all[0].points;
        assert!(points.len() <= 802 && points.contains(&(77.777, 1e6)), "{}", points.len());
        assert!(points.is_sorted_by(|one, other| one.0 <= other.0));
        let told = all[0].events.len() as u64;
        assert_eq!((told, told + all[0].further_events), (500, 100_000));
    }
}
