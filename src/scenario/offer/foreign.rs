//! What is offered to a shop of one's own: by step and by host, and what keeps it safe.

pub(super) mod text;
mod unseen;

use std::collections::BTreeMap;

use domain::outcome::Operation;
use domain::time::Time;

use crate::fan::route::Stage;
use crate::scenario::offer::{expected, looks_per_s};
use crate::scenario::target::{Canary, Target};
use crate::scenario::{Population, Scenario};

/// What is offered to a shop of one's own.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignOffer {
    /// What each step is asked at the opening that asks most, in the order of the file.
    pub steps: Vec<StepOffer>,
    /// What each host is asked then, all steps together; without those that come all at once.
    pub hosts: Vec<HostOffer>,
    /// The rows of data that there are, and those that the people of a live run need.
    pub rows: Option<Rows>,
    /// What is sent before the storm, in words.
    pub canary: String,
    /// Which invariants nobody can check, and why: a sentence each.
    pub not_checked: Vec<String>,
}

/// What a step is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct StepOffer {
    /// Its name.
    pub name: String,
    /// Whom it asks.
    pub host: String,
    /// How often.
    pub rate: Rate,
}

/// How often a step is asked.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Rate {
    /// So many times a second at the opening \[1/s\].
    PerSecond(f64),
    /// As fans arrive: at most so many times a second \[1/s\].
    OnArrival(f64),
    /// By so many fans in one instant: nobody reloads, and all wait for the opening.
    AtOnce(f64),
    /// As answers have it: a poll.
    AsAnswered,
    /// Never: a page, where nobody reloads.
    Never,
}

/// What a host is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct HostOffer {
    /// Whom.
    pub host: String,
    /// How often, at most \[1/s\].
    pub per_s: f64,
}

/// Rows of data.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// What there are.
    pub there: u64,
    /// What is needed.
    pub needed: u64,
}

/// What is offered to the shop of `scenario`; `people` come to a live run.
pub(super) fn foreign(
    scenario: &Scenario,
    arrivals_peak_per_s: f64,
    people: u64,
) -> Option<ForeignOffer> {
    let target = scenario.target.as_deref()?;
    let busiest =
        |first: &Time, second: &Time| asked(scenario, *first).total_cmp(&asked(scenario, *second));
    let openings = scenario.catalogue.sales.iter().map(|sale| sale.opens);
    let at = openings.max_by(busiest).unwrap_or_default();
    let steps = steps(scenario, target, at, arrivals_peak_per_s);
    let mut by_host = BTreeMap::<usize, f64>::new();
    for (step, offer) in target.funnel.stages.iter().flatten().zip(&steps) {
        if let Rate::PerSecond(per_s) | Rate::OnArrival(per_s) = offer.rate {
            *by_host.entry(step.host).or_default() += per_s;
        }
    }
    let hosts = by_host
        .into_iter()
        .map(|(host, per_s)| HostOffer { host: target.funnel.hosts[host].authority(), per_s });
    Some(ForeignOffer {
        steps,
        hosts: hosts.collect(),
        rows: target
            .data
            .as_ref()
            .map(|data| Rows { there: data.rows.len() as u64, needed: people }),
        canary: canary(target),
        not_checked: unseen::unseen(scenario, target),
    })
}

/// How often fans look at the page at a moment, all together \[1/s\].
fn asked(scenario: &Scenario, at: Time) -> f64 {
    scenario.populations.iter().map(|people| looks_per_s(people, at)).sum()
}

/// What each step is asked `at` an opening.
fn steps(scenario: &Scenario, target: &Target, at: Time, on_arrival_per_s: f64) -> Vec<StepOffer> {
    let mut steps = Vec::new();
    for (stage, calls) in target.funnel.stages.iter().enumerate() {
        for (call, step) in calls.iter().enumerate() {
            let rates = scenario
                .populations
                .iter()
                .map(|people| rate(people, at, (stage, call, calls.len()), on_arrival_per_s));
            steps.push(StepOffer {
                name: step.name.to_string(),
                host: target.funnel.hosts[step.host].authority(),
                rate: rates.reduce(together).unwrap_or(Rate::AsAnswered),
            });
        }
    }
    steps
}

/// What two populations ask together. Arrivals were counted over all of them.
fn together(one: Rate, other: Rate) -> Rate {
    use Rate::{AsAnswered, AtOnce, Never, OnArrival, PerSecond};
    match (one, other) {
        (PerSecond(one), PerSecond(other)) => PerSecond(one + other),
        (AtOnce(one), AtOnce(other)) => AtOnce(one + other),
        (OnArrival(one), OnArrival(other)) => OnArrival(one.max(other)),
        (AsAnswered | Never, rate) | (rate, AsAnswered | Never) => rate,
        // Those who come all at once outweigh those who trickle in.
        (AtOnce(fans), _) | (_, AtOnce(fans)) => AtOnce(fans),
        (OnArrival(one), PerSecond(other)) | (PerSecond(one), OnArrival(other)) => {
            PerSecond(one + other)
        }
    }
}

/// How often a population asks call `call` of `calls` of a stage.
fn rate(
    people: &Population,
    at: Time,
    (stage, call, calls): (usize, usize, usize),
    on_arrival_per_s: f64,
) -> Rate {
    let route = &people.crowd.route;
    let one = &route.stages[stage];
    let page = page(people);
    let before = page.unwrap_or_else(|| {
        route.stages.iter().take_while(|stage| stage.operation == Operation::Login).count()
    });
    let is_page = one.operation == Operation::Reload;
    if one.operation == Operation::Poll {
        return Rate::AsAnswered;
    }
    if is_page && page.is_none() {
        return Rate::Never;
    }
    if stage < before {
        return Rate::OnArrival(on_arrival_per_s * one.chance);
    }
    let looks = looks_per_s(people, at);
    if is_page {
        return Rate::PerSecond(looks * times(people.crowd.behaviour.reload.calls, call, calls));
    }
    let first = page.map_or(before, |page| page + 1);
    let on_the_way = &route.stages[first..=stage];
    let enter = if people.crowd.opens == at { 1.0 } else { 0.0 };
    let others = on_the_way[..on_the_way.len() - 1].iter();
    let bought = others.filter(|stage| stage.operation == Operation::Checkout);
    let not_yet: f64 = bought.map(|stage| 1.0 - stage.chance).product();
    let share = enter * one.chance * not_yet * stays(people, on_the_way.iter());
    match page {
        Some(_) => Rate::PerSecond(looks * share),
        None => Rate::AtOnce(expected(people, at) * share),
    }
}

/// The page that a population reloads, by its place on the way.
pub(super) fn page(people: &Population) -> Option<usize> {
    let calls = people.crowd.behaviour.reload.calls;
    let mut stages = people.crowd.route.stages.iter();
    stages.position(|stage| stage.operation == Operation::Reload).filter(|_| calls > 0)
}

/// The share of a population that does not turn away on the way of these stages.
fn stays<'a>(people: &Population, stages: impl Iterator<Item = &'a Stage>) -> f64 {
    let stays = 1.0 - people.crowd.behaviour.abandon;
    let taken = stages.filter(|stage| stage.operation != Operation::Poll);
    taken.map(|stage| 1.0 - stage.chance * (1.0 - stays)).product()
}

/// The share of a population that does not turn away before the last checkout.
pub(super) fn reach(people: &Population) -> f64 {
    let stages = &people.crowd.route.stages;
    let first = page(people).map_or(0, |page| page + 1);
    stays(people, stages[first..].iter().filter(|stage| stage.operation != Operation::Login))
}

/// How often a reload of `asked` requests asks for `call` of its `calls` steps: it goes round them
/// so that the last request is the last step.
fn times(asked: u16, call: usize, calls: usize) -> f64 {
    let asked = usize::from(asked);
    let whole = asked / calls;
    let extra = usize::from(call + asked % calls >= calls);
    (whole + extra) as f64
}

fn canary(target: &Target) -> String {
    match &target.canary {
        Canary::Item(item) => format!(
            "one order of `{item}` before the storm: unless it shows up in the provider's ledger, \
             nothing else is sent"
        ),
        Canary::None { reason } => format!("none: {reason}"),
        Canary::Unsaid => "none, for the shop is on this machine".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reload_goes_round_its_steps_so_that_the_last_is_the_last() {
        let all =
            |asked, calls| (0..calls).map(|call| times(asked, call, calls)).collect::<Vec<_>>();
        assert_eq!(all(2, 2), [1.0, 1.0]);
        assert_eq!(all(5, 2), [2.0, 3.0]);
        assert_eq!(all(1, 3), [0.0, 0.0, 1.0]);
    }
}
