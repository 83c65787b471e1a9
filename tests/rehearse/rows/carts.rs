//! The row about what a cart holds, and in which order it is locked.

use spike::verdict::Judged;

use crate::claim::{Claim, at_least, at_most, misses, passes};
use crate::row::Row;
use crate::stage::{Size, live_run};

pub(super) const UNSORTED: Row = Row {
    number: 39,
    name: "carts-unsorted",
    phenomenon: "carts that lock their rows in an order of their own wait for each other in circles",
    lives: unsorted,
};

fn unsorted(size: Size) -> Vec<Claim> {
    const FILE: &str = "carts/carts-unsorted";
    const SORTED: &str = "shop.lock_order=sorted";
    let (Some(bad), Some(good)) = (live_run(FILE, &[]), live_run(FILE, &[SORTED])) else {
        return vec![Claim::unseen("live, in PostgreSQL")];
    };
    // The tests' build is slow by itself: what is left of the good one's orders is no measure there.
    let times = size.pick(50.0, 5.0);
    vec![
        misses("live, locked as the cart lists it", &bad),
        at_least("share of its transactions that were aborted", aborted(&bad), 0.2),
        passes("live, locked in one order", &good),
        at_most("share of its transactions that were aborted", aborted(&good), 0.001),
        at_least("times as many orders per second", per_s(&good) / per_s(&bad), times),
    ]
}

/// Paid orders per second, from the opening to the last of them.
fn per_s(judged: &Judged) -> f64 {
    judged.measured.orders.per_s.unwrap_or_default().max(0.01)
}

/// Of the transactions that reserve, the share that the database ended because they waited in a circle.
fn aborted(judged: &Judged) -> f64 {
    let database = judged.measured.database.as_ref();
    let aborted = database.map_or(f64::NAN, |database| database.deadlocks as f64);
    aborted / (aborted + judged.measured.orders.attempted as f64).max(1.0)
}
