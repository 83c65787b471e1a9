//! Runs made up for the gate's tests.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Better, Figure, Observed};
use crate::verdict::compare::Unit;
use crate::verdict::{Provenance, Verdict, World};

/// A figure of each run of a side: its name, what it is measured in, which way is better, and its values.
pub(crate) type Column<'a> = (&'a str, Unit, Option<Better>, &'a [f64]);

/// Live runs that passed, one for each value of the columns, which are equally long.
pub(crate) fn runs(side: &str, columns: &[Column<'_>]) -> Vec<Observed> {
    let many = columns.first().map_or(0, |(.., values)| values.len());
    (0..many)
        .map(|number| {
            let figures = columns.iter().map(|(name, unit, better, values)| {
                let figure = Figure {
                    value: values[number],
                    unit: *unit,
                    better: *better,
                    values: None,
                    needed: None,
                };
                ((*name).to_owned(), figure)
            });
            run(&format!("{side}/{:03}", number + 1), figures.collect())
        })
        .collect()
}

/// A live run that passed.
pub(crate) fn run(folder: &str, figures: BTreeMap<String, Figure>) -> Observed {
    Observed {
        folder: folder.to_owned(),
        world: World::Live,
        verdict: Verdict::Pass,
        reasons: Vec::new(),
        violated: Vec::new(),
        missed: Vec::new(),
        provenance: Provenance {
            spike: "0.1.0".to_owned(),
            commit: None,
            scenario: "gate".to_owned(),
            title: "A small sale".to_owned(),
            seed: 7,
            scale: 1.0,
            // Two runs never begin in one moment.
            started_at: format!("2026-11-21T23:35:21Z, {folder}"),
            took_s: 8.0,
            machine: "AMD EPYC, 2 cores, 23 GiB, Linux 6.18.5".to_owned(),
            command: "spike run gate.toml".to_owned(),
            calibrated: None,
        },
        figures,
        scenario: json!({"name": "gate", "seed": 7, "shop": {"edge": {"ttl": "1s"}}}),
        late: false,
    }
}

/// A time \[ms\] of which less is better.
pub(crate) fn times<'a>(name: &'a str, values: &'a [f64]) -> Column<'a> {
    (name, Unit::Milliseconds, Some(Better::Lower), values)
}

/// A rate of which more is better.
pub(crate) fn rates<'a>(name: &'a str, values: &'a [f64]) -> Column<'a> {
    (name, Unit::PerSecond, Some(Better::Higher), values)
}

/// A share of which less is better.
pub(crate) fn shares<'a>(name: &'a str, values: &'a [f64]) -> Column<'a> {
    (name, Unit::Share, Some(Better::Lower), values)
}
