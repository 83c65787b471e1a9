//! The rest of the row about layers: points of presence, a shield, errors that the edge keeps or tries again.

use spike::measure::LayersSummary;

use crate::claim::{Claim, at_least, at_most, near};
use crate::stage::{Size, simulate};

const FILE: &str = "crowd/layers";
/// Points of presence.
const POPS: &str = "stack.edge.pops=20";
const SHIELD: &str = "stack.edge.shield=true";
/// All come at once to caches that hold nothing yet, and what they fetch then they keep.
const COLD: [&str; 2] =
    ["fans.0.arrive={ shape = \"at-once\", at = \"-25s\" }", "shop.edge.ttl=1h"];
/// Parts of the page that an edge may keep.
const PARTS: f64 = 5.0;

/// What twenty points of presence, a shield and the origin's errors come to.
pub(super) fn points_and_errors(size: Size) -> Vec<Claim> {
    let few: &[&str] = size.pick(&[], &["fans.0.count=7000"]);
    let lived = |set: &[&str]| -> LayersSummary {
        simulate(FILE, &[few, set].concat()).judged.measured.layers.unwrap()
    };
    // Even one cache says what it did where it has a time-out, which nothing takes as long as.
    let one_cache = "stack.edge.origin_timeout=1h";
    let fetched = |set: &[&str]| lived(set).next_to_origin().fetches as f64;
    let cold = |set: &[&str]| fetched(&[&COLD[..], set].concat()) / PARTS;
    let alone = fetched(&[one_cache]);
    let mut claims = vec![
        near(
            "fetches of each part of a page by a cold edge of 20 points",
            cold(&[POPS]),
            20.0,
            0.0,
        ),
        near("the same through a shield", cold(&[POPS, SHIELD]), 1.0, 0.0),
        near("times the fetches of one cache, 20 points", fetched(&[POPS]) / alone, 20.0, 0.1),
        near("the same through a shield", fetched(&[POPS, SHIELD]) / alone, 1.0, 0.05),
    ];
    claims.extend(kept_errors(&lived));
    claims.extend(restarts(&lived));
    claims
}

/// The shop fails for two seconds, and the edge keeps the error for ten.
fn kept_errors(lived: &impl Fn(&[&str]) -> LayersSummary) -> Vec<Claim> {
    let down = "stack.application.outages=[{ at = \"-15s\", lasts = \"2s\" }]";
    let kept = lived(&[down, "shop.edge.error_ttl=10s"]);
    let (failing, given) = (kept.failing.unwrap(), kept.errors_given.unwrap());
    let graceful = lived(&[down, "shop.edge.error_ttl=1s", "shop.edge.grace=10s"]);
    vec![
        near(
            "seconds for which an error is given after the last was heard, kept for 10 s",
            given.last_s - failing.last_s,
            10.0,
            0.1,
        ),
        // It opens at 30 s, and is well again 13 s before.
        at_least("seconds for which it is given though the shop is well", given.last_s - 17.0, 8.0),
        at_most(
            "answers with an error that is kept where what is stale is given first",
            graceful.points.errors as f64,
            0.0,
        ),
    ]
}

/// The edge tries once more what fails.
fn restarts(lived: &impl Fn(&[&str]) -> LayersSummary) -> Vec<Claim> {
    const ONCE_MORE: &str = "shop.edge.restarts=1";
    // Short-lived pages are fetched often enough to count one failure in five, and one in 25.
    let single = [
        POPS,
        "shop.edge.ttl=200ms",
        "stack.application.outages=[{ at = \"-30s\", lasts = \"40s\", share = 0.2 }]",
    ];
    let seen = |set: &[&str]| {
        let layers = lived(set);
        (layers.failures - layers.restarts) as f64 / layers.points.fetches as f64
    };
    let (plain, hidden) = (seen(&single), seen(&[&single[..], &[ONCE_MORE]].concat()));
    // An application that fails at once is asked as often as the edge likes.
    let down = [
        "shop.edge.error_ttl=200ms",
        "stack.application.service=1ms",
        "stack.application.outages=[{ at = \"-20s\", lasts = \"15s\" }]",
    ];
    let heard = |set: &[&str]| lived(set).failures as f64;
    let twice = heard(&[&down[..], &[ONCE_MORE]].concat()) / heard(&down);
    vec![
        near("share of fetches that fail, one request in five", plain, 0.2, 0.05),
        near("the same with one restart", hidden, 0.04, 0.15),
        near("times the fetches of a shop that is down, one restart", twice, 2.0, 0.05),
    ]
}
