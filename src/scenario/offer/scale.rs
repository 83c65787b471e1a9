//! Scaling down changes the physics: which findings do not survive it.

use domain::time::Duration;
use reference_shop::settings::Inventory;

use crate::scenario::offer::payment;
use crate::scenario::{Connections, Scenario};

/// Below so many calls per second a limiter's whole numbers and bursts weigh more than its rate.
const CALLS_COARSE_PER_S: f64 = 10.0;

/// What does not survive the scale of `lived`, a sentence each: people, stock and limits shrink,
/// but lock times, round trips, pools, servers and times to live do not.
pub(super) fn lost(lived: &Scenario) -> Vec<String> {
    if (lived.scale - 1.0).abs() < f64::EPSILON {
        return Vec::new();
    }
    if lived.target.is_some() {
        return vec![
            "what is sold out, and when: only people are scaled, your shop's stock and limits stay"
                .to_owned(),
        ];
    }
    let mut lost = vec![latency(lived)];
    lost.extend(locks(lived));
    lost.extend(edge(lived));
    lost.extend(limiter(lived));
    lost.extend(pool(lived));
    lost
}

fn latency(scenario: &Scenario) -> String {
    let servers = &scenario.stack;
    let has_stack =
        servers.edge.is_some() || servers.application.is_some() || servers.database.is_some();
    let what = if has_stack { "the servers of `[stack]` are" } else { "this machine is" };
    format!("latency objectives: {what} not scaled, so queues are shorter than at full scale")
}

fn locks(scenario: &Scenario) -> Option<String> {
    let shop = &scenario.shop;
    let naive = shop.inventory == Inventory::NaiveCounter;
    let held = shop.time_in_transaction.0 > Duration::ZERO;
    (naive || held).then(|| {
        "INV-OVERSELL and waits for stock: fewer buyers meet within the same transaction time"
            .to_owned()
    })
}

fn edge(scenario: &Scenario) -> Option<String> {
    let caches = scenario.shop.edge.ttl.0 > Duration::ZERO;
    caches.then(|| {
        "the edge's share of hits: each object is fetched once per time to live, however few ask"
            .to_owned()
    })
}

fn limiter(scenario: &Scenario) -> Option<String> {
    let calls_per_s = payment(scenario).calls_per_s?;
    (calls_per_s < CALLS_COARSE_PER_S).then(|| {
        format!(
            "completed orders, INV-ORPHAN-AUTH and INV-UNDERSOLD: {calls_per_s:.1} provider \
             calls/s are too few for the law of large numbers, and a full burst weighs more"
        )
    })
}

fn pool(scenario: &Scenario) -> Option<String> {
    matches!(scenario.live.connections, Connections::Pool(_)).then(|| {
        "waits for a connection: the pool is not scaled, so fewer fans share as many".to_owned()
    })
}
