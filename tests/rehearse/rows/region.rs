//! Rows about a region that is lost.

use spike::measure::RegionSummary;
use spike::verdict::{AssessmentStatus, Judged};

use crate::claim::{Claim, at_least, at_most, near, passes, violates};
use crate::rehearsal::violated;
use crate::row::Row;
use crate::stage::{Size, simulate};

pub(super) const OUTAGE: Row = Row {
    number: 36,
    name: "region-outage",
    phenomenon: "a region is lost in mid-sale: a standby goes on with all that was sold, or sells it again",
    lives: outage,
};

/// A quarter of the people and pieces, and the region is lost sooner.
const SMALLER: [&str; 5] = [
    "fans.0.count=3000",
    "fans.0.arrive.rate=5/s",
    "sale.0.items.0.stock=1800",
    "sale.0.lasts=12m",
    "stack.region.at=+70s",
];

/// How far the replica is behind, and how long the region serves on its own before the standby does \[s\].
const LAG_S: f64 = 8.0;
const ALONE_S: f64 = 30.0;
/// From the loss until the standby serves, warm and cold, and how long at most a fan asks elsewhere \[s\].
const WARM_S: f64 = 150.0;
const COLD_S: f64 = 330.0;
const TTL_S: f64 = 60.0;

fn outage(size: Size) -> Vec<Claim> {
    let part = size.pick(&[][..], &SMALLER);
    let per_s = size.pick(20.0, 5.0);
    let lived = |name: &str, set: &[&str]| simulate(name, &[part, set].concat()).judged;
    let warm = lived("regions/warm", &[]);
    let cold = lived("regions/cold", &[]);
    let both = lived("regions/unfenced", &[]);
    let behind = lived("regions/unfenced", &["stack.region.fenced=true"]);
    let mut claims = vec![
        passes("warm, each commit is in the other region", &warm),
        at_least("its outage, s", outage_s(&warm), WARM_S),
        at_most("the same, s", outage_s(&warm), WARM_S + TTL_S),
        at_most("paid orders lost", lost(&warm), 0.0),
        violates("cold: invariants broken", &cold, &[]),
        missed("cold", &cold),
        at_least("its outage, s", outage_s(&cold), COLD_S),
        at_most("the same, s", outage_s(&cold), COLD_S + TTL_S),
        at_most("paid orders lost", lost(&cold), 0.0),
        oversells("8 s behind and unfenced", &both),
        at_least("paid orders lost, at least", lost(&both), per_s * (LAG_S + ALONE_S) * 0.9),
        oversells("8 s behind and fenced", &behind),
        near("paid orders lost", lost(&behind), per_s * LAG_S, size.pick(0.25, 0.5)),
    ];
    for (what, judged) in
        [("the same: pieces oversold", &both), ("fenced: pieces oversold", &behind)]
    {
        claims.push(near(what, oversold(judged), lost(judged), 1e-9));
    }
    claims
}

/// More are sold than there are; orders that nobody knows of any more may break other promises too.
fn oversells(what: &str, judged: &Judged) -> Claim {
    const OVERSELL: &str = "INV-OVERSELL";
    let seen = violated(judged);
    let words = seen.iter().copied().collect::<Vec<_>>().join(", ");
    Claim::of(what, OVERSELL.to_owned(), words, seen.contains(OVERSELL))
}

/// It misses the objective on the outage, and no other.
fn missed(what: &str, judged: &Judged) -> Claim {
    let missed = judged.objectives.iter().filter(|one| one.status == AssessmentStatus::Missed);
    let missed: Vec<&str> = missed.map(|one| one.text.as_str()).collect();
    let expected = ["outage < 4m"];
    let words = |of: &[&str]| format!("missed: {}", of.join(", "));
    Claim::of(what, words(&expected), words(&missed), missed == expected)
}

/// Pieces in paid orders beyond those that there were.
fn oversold(judged: &Judged) -> f64 {
    let item = &judged.measured.sales["day-1"].items["tour-tee"];
    item.sold as f64 - item.stock as f64
}

fn region(judged: &Judged) -> &RegionSummary {
    judged.measured.region.as_ref().unwrap()
}

fn outage_s(judged: &Judged) -> f64 {
    region(judged).outage_s.unwrap_or(f64::INFINITY)
}

fn lost(judged: &Judged) -> f64 {
    region(judged).lost_orders as f64
}
