//! What the edge saw, as figures: a row for each step.

use serde::Serialize;

use super::figure::{self, NONE};
use crate::measure::{AgeSummary, EdgeSummary, Measured};

/// What stands above the rows.
pub(super) const TITLE: &str = "What the edge saw";

/// How many points of presence a row names; the others are counted.
const POPS_NAMED: usize = 6;

/// What the edge did with the answers of one step.
#[derive(Debug, Serialize)]
pub(super) struct EdgeRow {
    pub(super) step: String,
    pub(super) answers: String,
    pub(super) share: String,
    pub(super) hits: String,
    pub(super) misses: String,
    pub(super) others: String,
    pub(super) silent: String,
    pub(super) age_p50: String,
    pub(super) age_max: String,
    pub(super) pops: Vec<String>,
}

/// The steps whose answers say most first: those the edge had most to do with.
pub(super) fn rows(measured: &Measured) -> Vec<EdgeRow> {
    let mut steps: Vec<(&String, &EdgeSummary)> = measured.edge.iter().collect();
    steps.sort_by_key(|(_, edge)| std::cmp::Reverse(edge.answers));
    steps.into_iter().map(|(step, edge)| row(step, edge)).collect()
}

fn row(step: &str, edge: &EdgeSummary) -> EdgeRow {
    let age = |read: fn(&AgeSummary) -> u32| {
        edge.age_s.as_ref().map_or_else(|| NONE.to_owned(), |ages| age(read(ages)))
    };
    EdgeRow {
        step: step.to_owned(),
        answers: figure::number(edge.answers),
        share: edge.hit_ratio.map_or_else(|| NONE.to_owned(), figure::ratio),
        hits: figure::number(edge.hits),
        misses: figure::number(edge.misses),
        others: figure::number(edge.others),
        silent: figure::number(edge.silent),
        age_p50: age(|ages| ages.p50),
        age_max: age(|ages| ages.max),
        pops: pops(edge),
    }
}

/// An age in whole seconds \[s\].
fn age(seconds: u32) -> String {
    match seconds {
        0..100 => format!("{seconds} s"),
        _ => figure::seconds(f64::from(seconds)),
    }
}

/// The busiest points of presence, and how many answers came from the others.
fn pops(edge: &EdgeSummary) -> Vec<String> {
    let mut busiest: Vec<(&String, &u64)> = edge.pops.iter().collect();
    busiest.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let (named, rest) = busiest.split_at(busiest.len().min(POPS_NAMED));
    let named = named.iter().map(|(pop, count)| format!("{pop} {}", figure::number(**count)));
    let others = edge.other_pops + rest.iter().map(|(_, count)| **count).sum::<u64>();
    let others = (others > 0).then(|| format!("others {}", figure::number(others)));
    named.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_busiest_places_are_named_and_the_others_counted() {
        let edge = EdgeSummary {
            pops: (1..=9).map(|number| (format!("P{number}"), number)).collect(),
            other_pops: 100,
            ..EdgeSummary::default()
        };
        assert_eq!(pops(&edge), ["P9 9", "P8 8", "P7 7", "P6 6", "P5 5", "P4 4", "others 106"]);
    }

    #[test]
    fn both_reports_show_the_edge_where_it_was_seen_and_nowhere_else() {
        for (summary, is_there) in [(fixture::passing(), true), (fixture::failing(), false)] {
            let rendered = crate::report::render(&summary);
            for report in [&rendered.text, &rendered.html] {
                assert_eq!(report.contains(TITLE), is_there);
                assert_eq!(report.contains("96.7 %"), is_there);
                assert_eq!(report.contains("NRT57-P3"), is_there);
            }
        }
    }
}
