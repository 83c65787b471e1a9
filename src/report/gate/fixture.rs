//! What a gate said of eight pairs: one in which the checkouts became slower, and one in which nothing changed.

use crate::measure::change::Layout;
use crate::verdict::gate::fixture::{rates, runs, shares, times};
use crate::verdict::gate::{Gated, Observed, Policy, gate};

const ORDERS: [f64; 8] = [100.0, 100.1, 99.9, 100.2, 99.8, 100.0, 100.1, 99.9];
const TIMES: [f64; 8] = [100.0, 104.0, 101.0, 105.0, 103.0, 107.0, 102.0, 106.0];

/// 99 % of the checkouts took 11.6 % longer.
pub(in crate::report) fn regressed() -> Gated {
    gated(&TIMES.map(|time| time + 12.0))
}

/// The same again.
pub(in crate::report) fn unchanged() -> Gated {
    gated(&TIMES)
}

fn gated(checkout: &[f64]) -> Gated {
    let baseline = side("a", &TIMES);
    let candidate = side("b", checkout);
    let gated = gate(&baseline, &candidate, Layout::Pairs, &Policy::default()).unwrap();
    gated.proposed(&baseline, &candidate)
}

fn side(side: &str, checkout: &[f64]) -> Vec<Observed> {
    let edge = ORDERS.map(|orders| 10.0 * orders);
    let mut edge = rates("edge mean", &edge);
    edge.2 = None;
    runs(
        side,
        &[
            rates("orders per second", &ORDERS),
            shares("failed share", &[0.0; 8]),
            times("checkout p99", checkout),
            edge,
        ],
    )
}
