//! `[stack.edge]`: an edge that cannot work is refused.

use reference_shop::settings::{Admission, AdmissionBy};

use crate::scenario::check::fans::law;
use crate::scenario::check::stack::SERVERS_MAX;
use crate::scenario::check::{Checker, RUN_MAX};
use crate::scenario::place::Place;
use crate::scenario::wording::grouped;
use crate::tier::edge::{EdgeTier, POPS_MAX};

/// The edge, if its numbers are in range, in front of a shop whose limiter is `admission`.
pub(super) fn edge(
    checker: &mut Checker,
    edge: &EdgeTier,
    admission: Option<&Admission>,
    place: Place<'_>,
) {
    servers(checker, edge, place);
    if let Some(pops) = edge.pops {
        checker.count(pops, (1, POPS_MAX), place, "pops");
    }
    if let Some(stated) = &edge.weights {
        weights(checker, stated, edge.pops, place);
    }
    if let Some(timeout) = edge.origin_timeout {
        checker.lasting(timeout.0, place, "origin_timeout");
        if timeout.0 > RUN_MAX {
            let message = "`origin_timeout` is longer than a week";
            checker.wrong(place.key("origin_timeout"), message);
        }
    }
    if let Some(admission) = admission.filter(|admission| admission.by == AdmissionBy::Edge) {
        one_edge(checker, edge, admission, place);
    }
}

/// It has servers that take a time, or neither.
fn servers(checker: &mut Checker, edge: &EdgeTier, place: Place<'_>) {
    if let Some(servers) = edge.servers {
        checker.count(servers, (1, SERVERS_MAX), place, "servers");
    }
    if let Some(service) = edge.service {
        law(checker, service, place, "service");
    }
    if ["servers", "service"].iter().any(|key| place.struck(key)) {
        return;
    }
    let table = "[stack.edge]";
    match (edge.servers, edge.service) {
        (None, Some(_)) => drop(checker.required::<u32>(None, place, table, "servers")),
        (Some(_), None) => drop(checker.required::<u32>(None, place, table, "service")),
        (None, None) if edge.queue.is_some() => {
            checker
                .wrong(place.key("queue"), "`queue` says nothing without `servers`")
                .mark("needs `servers` and `service`")
                .advise("an edge that takes no time has no queue: leave it out");
        }
        _ => {}
    }
}

fn weights(checker: &mut Checker, weights: &[f64], pops: Option<u32>, place: Place<'_>) {
    let here = place.key("weights");
    for (index, weight) in weights.iter().enumerate() {
        weight_of_one(checker, *weight, here.index(index));
    }
    match pops {
        None if place.struck("pops") => {}
        None => {
            checker
                .wrong(here, "`weights` says nothing without `pops`")
                .mark("needs `pops`")
                .advise(format!("write how many points there are: `pops = {}`", weights.len()));
        }
        Some(pops) if weights.len() != pops as usize => {
            let (weights, pops) = (grouped(weights.len() as u64), grouped(pops.into()));
            checker
                .wrong(here, format!("{weights} weights for {pops} points of presence"))
                .mark("must be one number for each");
        }
        Some(_) => {}
    }
}

fn weight_of_one(checker: &mut Checker, weight: f64, here: Place<'_>) {
    if !(weight.is_finite() && weight > 0.0) {
        checker.wrong(here, format!("a weight of {weight}")).mark("must be more than 0");
    }
}

/// A limiter at the edge counts at the same points of presence.
fn one_edge(checker: &mut Checker, edge: &EdgeTier, admission: &Admission, place: Place<'_>) {
    let Some(pops) = edge.pops else { return };
    if pops != admission.pops() {
        let (limiter, pops) = (grouped(admission.pops().into()), grouped(pops.into()));
        checker
            .wrong(
                place.key("pops"),
                format!("{pops} points of presence, and a limiter that counts at {limiter}"),
            )
            .mark("the same number as `pops` in `[shop.admission]`");
    }
    if edge.weights.is_some() {
        checker
            .wrong(place.key("weights"), "`weights` beside a limiter at the edge")
            .mark("fans come to its counters in proportion to 1, 1/2, 1/3, …")
            .advise("leave `weights` out");
    }
}
