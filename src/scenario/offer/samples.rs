//! Objectives that cannot be assessed whatever the shop does: there are too few people for them.

use domain::outcome::Operation;

use crate::measure::latency::Series;
use crate::scenario::Scenario;
use crate::verdict::objective::{Objective, Statistic, Subject};

/// The objectives on a percentile that needs more samples than the people of `scenario` make when
/// each takes every step once; a sentence each. Who is refused asks again, so there may be more.
pub(super) fn few(scenario: &Scenario) -> Vec<String> {
    let told = |objective: &Objective| {
        let Subject::Time(
            Series::Response(operation) | Series::Service(operation) | Series::FirstByte(operation),
            statistic @ Statistic::Quantile(_),
        ) = objective.subject
        else {
            return None;
        };
        let (needed, there) = (statistic.samples_needed(), asked_once(scenario, operation)?);
        (there < needed).then(|| {
            format!(
                "`{}` needs {needed} samples, and people who take each step once make {there}: take \
                 {}, or send more people",
                objective.text,
                within(there)
            )
        })
    };
    scenario.objectives.iter().filter_map(told).collect()
}

/// How many operations all people make who take every step once; `None` where that says nothing,
/// for they ask again and again.
fn asked_once(scenario: &Scenario, operation: Operation) -> Option<u64> {
    if matches!(operation, Operation::Reload | Operation::Result | Operation::Poll) {
        return None;
    }
    let made = |people: &crate::scenario::Population| {
        let stages = people.crowd.route.stages.iter();
        let taken = stages.filter(|stage| stage.operation == operation);
        f64::from(people.count) * taken.map(|stage| stage.chance).sum::<f64>()
    };
    Some(super::whole(scenario.populations.iter().map(made).sum()))
}

/// The furthest percentile that so many samples say anything of, in words.
fn within(samples: u64) -> String {
    let percent = (2..100).rev().find(|percent: &u32| {
        Statistic::Quantile(f64::from(*percent) / 100.0).samples_needed() <= samples
    });
    match percent {
        Some(percent @ 51..) => format!("`p({percent})`"),
        Some(50) => "`med`".to_owned(),
        _ => "`avg` or `max`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_samples_allow_so_far_a_percentile() {
        for (samples, expected) in [
            (1_000, "`p(99)`"),
            (120, "`p(91)`"),
            (20, "`med`"),
            (19, "`avg` or `max`"),
            (0, "`avg` or `max`"),
        ] {
            assert_eq!(within(samples), expected, "{samples}");
        }
    }
}
