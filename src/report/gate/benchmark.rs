//! The candidate's figures for github-action-benchmark, which draws them over commits: its format
//! `customSmallerIsBetter`.

use serde::Serialize;

use super::words;
use crate::measure::round6;
use crate::verdict::compare::Unit;
use crate::verdict::gate::{Better, Gated, Judgement};

/// A figure of which less is better.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bench {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: &'static str,
    /// The median of the candidate's runs.
    pub value: f64,
    /// From the least to the greatest of them.
    pub range: String,
    /// What the gate says of it.
    pub extra: String,
}

/// The figures that gate. Of those of which more is better, such as orders per second, the inverse is given:
/// how long one takes.
pub fn benchmark(gated: &Gated) -> Vec<Bench> {
    gated.gating().filter_map(of).collect()
}

fn of(judged: &Judgement) -> Option<Bench> {
    let middle = judged.candidate?;
    let inverse = judged.better == Some(Better::Higher);
    let value = |value: f64| round6(if inverse { 1.0 / value } else { value });
    let ends = [value(middle.min), value(middle.max)];
    let median = value(middle.median);
    let extra = format!(
        "{}; {} against the baseline",
        judged.standing.map_or("", words::standing),
        words::change(judged.unit, judged.effect)
    );
    median.is_finite().then(|| Bench {
        name: if inverse { format!("1 / {}", judged.name) } else { judged.name.clone() },
        unit: unit(judged.unit, inverse),
        value: median,
        range: format!("{}…{}", f64::min(ends[0], ends[1]), f64::max(ends[0], ends[1])),
        extra,
    })
}

const fn unit(unit: Unit, is_inverse: bool) -> &'static str {
    match (unit, is_inverse) {
        (Unit::Milliseconds, false) => "ms",
        (Unit::Seconds, false) | (Unit::PerSecond, true) => "s",
        (Unit::Share, _) => "share",
        (Unit::PerSecond, false) | (Unit::Seconds, true) => "1/s",
        (Unit::Count, false) => "count",
        (Unit::Count, true) => "1/count",
        (Unit::Milliseconds, true) => "1/ms",
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn less_is_better_of_every_figure() {
        let found = benchmark(&fixture::regressed());
        let names: Vec<&str> = found.iter().map(|bench| bench.name.as_str()).collect();
        assert_eq!(names, ["1 / orders per second", "failed share", "checkout p99"]);
        let p99 = found.iter().find(|bench| bench.name == "checkout p99").unwrap();
        assert_eq!((p99.unit, p99.range.as_str()), ("ms", "112…119"));
        assert!((p99.value - 115.5).abs() < 1e-9, "{p99:?}");
        assert!(p99.extra.starts_with("regressed; +"), "{p99:?}");
        let orders = found.first().unwrap();
        assert!((orders.value - 0.01).abs() < 1e-3, "{orders:?}");
        assert_eq!(orders.unit, "s");
    }

    #[test]
    fn the_json_is_a_list_of_such_figures() {
        let json = serde_json::to_value(benchmark(&fixture::unchanged())).unwrap();
        for bench in json.as_array().unwrap() {
            let mut keys: Vec<&String> = bench.as_object().unwrap().keys().collect();
            keys.sort();
            assert_eq!(keys, ["extra", "name", "range", "unit", "value"]);
        }
    }
}
