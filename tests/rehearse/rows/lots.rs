//! A row about what is given out by lot.

use std::collections::HashMap;

use domain::shop::ShopLine;
use spike::verdict::Judged;

use crate::claim::{Claim, at_least, at_most, near, passes, violates};
use crate::row::Row;
use crate::stage::{Lived, Size, live, simulate};

const SCENARIO: &str = "stock/ticket-lottery";

pub(super) const TICKET_LOTTERY: Row = Row {
    number: 16,
    name: "ticket-lottery",
    phenomenon: "what winners do not pay is drawn again before it is released: one seat goes twice",
    lives: ticket_lottery,
};

fn ticket_lottery(_: Size) -> Vec<Claim> {
    let after = "sale.0.lottery.redraw=after-release";
    let bad = simulate(SCENARIO, &[]);
    let good = simulate(SCENARIO, &[after]);
    let oversells = |what: &str, judged: &Judged| violates(what, judged, &["INV-OVERSELL"]);
    let sale = &good.judged.measured.sales["arena"];
    let (seats, lottery) = (sale.items["seat"], sale.lottery.expect("it is a lottery"));
    let (entries, stock) = (lottery.entries as f64, seats.stock as f64);
    let first = (lottery.winners - lottery.redrawn) as f64;
    vec![
        oversells("drawn again before the release", &bad.judged),
        passes("drawn again after the release", &good.judged),
        at_most("seats sold, of all", seats.sold as f64, stock),
        at_most("orders of which a seat was held twice", held_twice(&good), 0.0),
        near("chance to win at the first draw, M / N", first / entries, stock / entries, 0.0),
        at_least("the same at any time of entry, p (χ², ten groups)", evenness(&good.judged), 0.01),
        at_least("winners who did not pay", lottery.released as f64, 1.0),
        near("unpaid reservations released, each once", released(&good), expired(&good), 0.0),
        at_least("drawn again", lottery.redrawn as f64, 1.0),
        live("live, before the release", (SCENARIO, &[]), oversells),
        live("live, after the release", (SCENARIO, &[after]), passes),
        live("the same in memory", (SCENARIO, &[after, "shop.storage=memory"]), passes),
    ]
}

/// The share of fair draws that are more uneven over the time of entry.
fn evenness(judged: &Judged) -> f64 {
    let finding = judged.findings.iter().find(|finding| finding.id == "INV-FIFO");
    finding.and_then(|finding| finding.figures.first()).map_or(0.0, |figure| figure.value)
}

/// How often the pieces of each order were held.
fn holds(lived: &Lived) -> HashMap<&str, Vec<bool>> {
    let mut holds: HashMap<&str, Vec<bool>> = HashMap::new();
    for line in &lived.run.ledgers.shop {
        if let ShopLine::Hold { order_id, freed_utc_ns, .. } = line {
            holds.entry(order_id.as_str()).or_default().push(freed_utc_ns.is_some());
        }
    }
    holds
}

fn held_twice(lived: &Lived) -> f64 {
    holds(lived).values().filter(|holds| holds.len() > 1).count() as f64
}

/// The orders that ran out unpaid.
fn lapsed(lived: &Lived) -> impl Iterator<Item = &str> {
    lived.run.ledgers.shop.iter().filter_map(|line| match line {
        ShopLine::Order { order_id, status, .. } if status == "expired" => Some(order_id.as_str()),
        _ => None,
    })
}

fn expired(lived: &Lived) -> f64 {
    lapsed(lived).count() as f64
}

/// Of the orders that ran out unpaid, those whose one hold was let go.
fn released(lived: &Lived) -> f64 {
    let holds = holds(lived);
    lapsed(lived).filter(|order| holds.get(order).is_some_and(|held| *held == [true])).count()
        as f64
}
