//! Other people's series, as figures and sentences.

use serde::Serialize;

use super::{digest, figure};
use crate::measure::{Measured, OutsideSummary, SeriesSummary};

/// What stands above them.
pub(super) const TITLE: &str = "Other series";

/// How many events a report lists; of the others it says how many there are.
const EVENTS_LISTED: usize = 200;

/// A metric's least and greatest value.
#[derive(Debug, Serialize)]
pub(super) struct MetricRow {
    pub(super) name: String,
    pub(super) count: String,
    pub(super) min: String,
    pub(super) min_at: String,
    pub(super) max: String,
    pub(super) max_at: String,
}

/// Something that happened.
#[derive(Debug, Serialize)]
pub(super) struct EventRow {
    pub(super) at: String,
    pub(super) series: String,
    pub(super) text: String,
}

/// The metrics, by name.
pub(super) fn metrics(measured: &Measured) -> Vec<MetricRow> {
    let moment = |at_s: f64| moment(measured, at_s);
    let rows = measured.series.iter().filter_map(|series| {
        let values = series.values?;
        Some(MetricRow {
            name: series.name.clone(),
            count: figure::number(values.count),
            min: value(values.min),
            min_at: moment(values.min_at_s),
            max: value(values.max),
            max_at: moment(values.max_at_s),
        })
    });
    rows.collect()
}

/// The events of all series, in the order of time.
pub(super) fn events(measured: &Measured) -> Vec<EventRow> {
    in_order(measured)
        .into_iter()
        .take(EVENTS_LISTED)
        .map(|(at_s, series, text)| EventRow {
            at: moment(measured, at_s),
            series: series.to_owned(),
            text: text.to_owned(),
        })
        .collect()
}

/// When what happened, in the order of time.
pub(super) fn in_order(measured: &Measured) -> Vec<(f64, &str, &str)> {
    let of_one = |series: &'_ SeriesSummary| series.events.len();
    let mut events = Vec::with_capacity(measured.series.iter().map(of_one).sum());
    for series in &measured.series {
        let name = series.name.as_str();
        events.extend(series.events.iter().map(|event| (event.at_s, name, event.text.as_str())));
    }
    events.sort_by(|one, other| one.0.total_cmp(&other.0));
    events
}

/// What is not listed: events that are too many, and what lies outside of the run.
pub(super) fn remarks(measured: &Measured) -> Vec<String> {
    let known = measured.series.iter().map(|series| series.events.len()).sum::<usize>();
    let further: u64 = measured.series.iter().map(|series| series.further_events).sum();
    let unlisted = known.saturating_sub(EVENTS_LISTED) as u64 + further;
    let unlisted = (unlisted > 0).then(|| format!("and {} more events", figure::number(unlisted)));
    let outside = measured.series.iter().filter_map(|series| {
        let outside = series.outside?;
        Some(format!("{}: {}", series.name, outside_words(measured, &outside)))
    });
    unlisted.into_iter().chain(outside).collect()
}

fn outside_words(measured: &Measured, outside: &OutsideSummary) -> String {
    let moment = |at_s: f64| moment(measured, at_s);
    match outside.count {
        1 => format!("1 row lies outside of the run, at {}", moment(outside.first_s)),
        count => {
            let (first, last) = (moment(outside.first_s), moment(outside.last_s));
            let count = figure::number(count);
            format!("{count} rows lie outside of the run, from {first} to {last}")
        }
    }
}

fn moment(measured: &Measured, at_s: f64) -> String {
    figure::moment(at_s - digest::opening_s(measured).unwrap_or(0.0))
}

/// A value of which nobody knows the unit: whole numbers as they are, others with the digits that count.
pub(super) fn value(value: f64) -> String {
    let decimals = match value.abs() {
        whole if whole.fract() == 0.0 || whole >= 1_000.0 => 0,
        large if large >= 100.0 => 1,
        _ => 2,
    };
    if value != 0.0 && value.abs() < 0.01 {
        return format!("{value:.1e}");
    }
    let text = figure::decimal(value, decimals);
    let digits = text.trim_end_matches('0');
    if text.contains('.') { digits.trim_end_matches('.').to_owned() } else { text.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{fixture, render};

    #[test]
    fn both_reports_list_events_in_order_and_the_greatest_value_with_its_second() {
        let rendered = render(&fixture::passing());
        for report in [&rendered.text, &rendered.html] {
            let place = |words: &str| report.find(words).unwrap_or_else(|| panic!("{words}"));
            assert!(place("412,000 phones") < place("checkout with admission"));
            assert!(report.contains(TITLE) && report.contains("T+20 s"));
            assert!(report.contains("deploys: 1 row lies outside of the run, at T−1,840 s"));
        }
        let without = render(&fixture::failing());
        assert!(!without.text.contains(TITLE) && !without.html.contains(TITLE));
    }

    #[test]
    fn the_timeline_has_a_panel_for_each_metric_and_a_mark_for_each_event() {
        let svg = render(&fixture::passing()).timeline_svg;
        for words in ["database cpu %", "tasks", "deploys: shop v412"] {
            assert!(svg.contains(words), "{words}");
        }
        assert!(!svg.contains("v411"), "it lies outside of the run");
    }

    #[test]
    fn a_value_keeps_the_digits_that_count() {
        for (number, text) in [
            (12.0, "12"),
            (12.000_3, "12"),
            (100.0, "100"),
            (0.0, "0"),
            (-3.25, "−3.25"),
            (81.987_6, "81.99"),
            (1_234_567.8, "1,234,568"),
            (0.000_42, "4.2e-4"),
        ] {
            assert_eq!(value(number), text);
        }
    }

    #[test]
    fn series_of_any_size_and_value_stay_a_report() {
        let mut summary = fixture::passing();
        let one = summary.result.measured.series[0].clone();
        let many = (0..64).map(|number| {
            let mut series = one.clone();
            series.name = format!("s{number} <b>");
            series.points = vec![(1.0, -1e300), (2.0, 1e300), (3.0, f64::from(number))];
            series.events =
                vec![
                    crate::measure::EventSummary { at_s: 5.0, text: "<img src=x>".repeat(15) };
                    500
                ];
            series
        });
        summary.result.measured.series = many.collect();
        let rendered = render(&summary);
        assert!(!rendered.html.contains("<img") && rendered.html.len() < 1_500_000);
        assert!(rendered.text.contains("and 31,800 more events"));
        assert!(rendered.text.lines().all(|line| line.chars().count() <= 100));
    }
}
