//! `[stack.region]`: a region that cannot be lost so is refused.

use crate::scenario::check::Checker;
use crate::scenario::check::sale::MeantSale;
use crate::scenario::check::stack::{bounded, within_the_run};
use crate::scenario::place::Place;
use crate::tier::region::Region;

/// What of the stack is not lived in two regions: it grows, fails or counts for itself.
const ALONE: [(&str, &[&str]); 3] = [
    ("", &["balancer", "edge"]),
    (
        "application",
        &[
            "min",
            "max",
            "nodes",
            "tracking",
            "hpa",
            "schedule",
            "forecast",
            "slowdowns",
            "outages",
            "reclaims",
        ],
    ),
    ("database", &["capacity", "failovers"]),
];

/// The region, if its numbers are in range and nothing else happens to the stack; `stack` is where that stands.
pub(super) fn region(
    checker: &mut Checker,
    region: &Region,
    sales: &[MeantSale],
    stack: Place<'_>,
) {
    let place = stack.key("region");
    checker.lasting(region.lasts.0, place, "lasts");
    for (key, span) in [
        ("lasts", region.lasts),
        ("detection", region.detection),
        ("database", region.database),
        ("tasks", region.tasks),
        ("ttl", region.ttl),
    ] {
        bounded(checker, span.0, place, key);
    }
    for (key, span) in [("lag", region.lag), ("round_trip", region.round_trip)] {
        if let Some(span) = span {
            checker.lasting(span.0, place, key);
            bounded(checker, span.0, place, key);
        }
    }
    if region.lag.is_some() && region.round_trip.is_some() {
        checker
            .wrong(place.key("round_trip"), "`round_trip` beside `lag`")
            .mark("a commit waits for the replica, or it does not")
            .advise("write `lag` for an asynchronous replica, `round_trip` for a synchronous one");
    }
    within_the_run(checker, region.at, sales, place);
    for (table, keys) in ALONE {
        let table = if table.is_empty() { stack } else { stack.key(table) };
        for key in keys.iter().filter(|key| table.has(key)) {
            checker
                .wrong(table.key(key), format!("`{key}` beside `stack.region`"))
                .mark("is not lived in two regions")
                .advise("leave one of the two out");
        }
    }
    if sales.iter().any(|meant| meant.sale.lottery.is_some()) {
        checker
            .wrong(place, "a sale by lot in a region that is lost")
            .mark("entries are in no database that another region has")
            .advise("lose the region of a sale that is first come, first served");
    }
}
