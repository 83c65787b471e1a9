//! A shop that died and was started again has forgotten what it held before.

use domain::outcome::{Departure, Outcome};
use domain::time::Time;

use super::super::*;
use super::stage::{Stage, TEE, fan, statuses};
use crate::evidence::PurchaseLine;
use crate::evidence::gap::{Gap, Part};

const OF_WHAT_WAS_HELD: [&str; 2] = ["INV-PHANTOM-SOLDOUT", "INV-STALE-SOLDOUT"];

/// A fan is told that tees are sold out, and sees on a page that they are gone: by what the shop says, two
/// were free all the time.
fn refused() -> Stage {
    let mut stage = Stage::honest();
    stage.checks_out(120, TEE, Outcome::SoldOut, Departure::SoldOut);
    let at = Time::from_millis(20_000);
    let seen = PurchaseLine::Seen { fan: fan(120), sent: at, at, items: Vec::new() };
    stage.evidence.purchases.push(seen);
    stage
}

fn gap(part: Part) -> Gap {
    let (from, until) = (Time::from_millis(2_500), Some(Time::from_millis(3_000)));
    Gap { part, from, until, how: "killed by signal 9".to_owned() }
}

#[test]
fn what_a_restarted_shop_held_before_is_not_held_against_it() {
    let mut stage = refused();
    for id in OF_WHAT_WAS_HELD {
        assert_eq!(statuses(&stage.evidence)[id], Status::Violated, "{id}");
    }
    stage.evidence.ending.gaps = vec![gap(Part::Shop)];
    for id in OF_WHAT_WAS_HELD {
        assert_eq!(statuses(&stage.evidence)[id], Status::NotChecked, "{id}");
    }
    // A database that came back with what it had committed has not made the shop forget.
    stage.evidence.ending.gaps = vec![gap(Part::Postgresql)];
    for id in OF_WHAT_WAS_HELD {
        assert_eq!(statuses(&stage.evidence)[id], Status::Violated, "{id}");
    }
}
