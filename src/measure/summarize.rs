//! Evidence in, the measured part of the summary out.

use std::collections::{BTreeMap, HashSet};

use domain::outcome::{Operation, Outcome};
use domain::shop::Sale;
use domain::time::Time;

use crate::evidence::{Evidence, Facts, demand};
use crate::measure::at_limit::at_limit;
use crate::measure::balancer::{balancer, states};
use crate::measure::breaking::first_to_break;
use crate::measure::connections::connections;
use crate::measure::database::database;
use crate::measure::database_tier::{busy, database_tier};
use crate::measure::devices::devices;
use crate::measure::edge::edge;
use crate::measure::health::health;
use crate::measure::latency::{Grain, LatencyLog, Series, milliseconds};
use crate::measure::layers::layers;
use crate::measure::operations::operations;
use crate::measure::payments::payments;
use crate::measure::rates::{Counter, of_timeline};
use crate::measure::recovery::recoveries;
use crate::measure::region::region;
use crate::measure::rooms::rooms;
use crate::measure::tasks::tasks;
use crate::measure::timeline::{Timeline, TimelineLine};
use crate::measure::{
    FanSummary, GapSummary, ItemSummary, Measured, OrderSummary, RateSummary, SaleSummary, Second,
    SlotSummary, Tenth, Witness, calls, lots, round3, sell_out,
};

/// Reads the measured part of a summary out of what a run left behind.
///
/// Where the shop's ledger is missing, what was sold is what its last snapshot says, and orders are
/// what the clients were told.
pub fn summarize(
    evidence: &Evidence,
    facts: &Facts,
    latency: &LatencyLog,
    timeline: &Timeline,
) -> Measured {
    let total = timeline.total();
    let recoveries = recoveries(evidence, timeline);
    Measured {
        operations: operations(&total, latency, timeline.end()),
        rates: rates(evidence, timeline),
        sales: sales(evidence, facts),
        connections: connections(&total, latency),
        edge: edge(&total),
        layers: layers(evidence),
        orders: orders(evidence),
        gaps: evidence.ending.gaps.iter().map(GapSummary::from).collect(),
        queues: evidence.ending.queues.clone(),
        aggregated: evidence.ending.aggregated.clone(),
        devices: devices(evidence),
        rooms: rooms(evidence),
        database: database(evidence),
        region: region(evidence, &recoveries),
        recoveries,
        tasks: tasks(evidence),
        balancer: balancer(evidence),
        database_tier: database_tier(evidence),
        // They are no evidence of the shop's: whoever has the files adds them.
        series: Vec::new(),
        payments: payments(evidence),
        health: Some(health(latency, timeline)),
        fans: FanSummary::of(&total),
        first_to_break: first_to_break(evidence, timeline),
        at_limit: at_limit(evidence),
        timeline: seconds(evidence, latency, timeline),
        opening: opening(evidence, latency, timeline),
    }
}

fn rates(evidence: &Evidence, timeline: &Timeline) -> BTreeMap<String, RateSummary> {
    let count = |read| Counter::new(&evidence.snapshots, read).summary();
    let mut edge = count(|snapshot| snapshot.edge);
    if edge.count == Some(0) {
        // A foreign shop does not say what reached it: what the fans sent is the next best.
        edge = of_timeline(timeline, |second, timeline| timeline.seconds[&second].requests());
    }
    let checkout = of_timeline(timeline, |second, timeline| timeline.seconds[&second].checkout);
    // What the shop does not say of itself nobody counted, but for what its provider wrote down.
    let (mut origin, mut payment) = (RateSummary::default(), RateSummary::default());
    if let Some(calls) = calls::of_ledger(evidence) {
        payment = calls.summary();
    } else if !evidence.snapshots.is_empty() {
        payment = count(|snapshot| snapshot.payment);
    }
    if !evidence.snapshots.is_empty() {
        origin = count(|snapshot| snapshot.origin);
    }
    BTreeMap::from([
        ("edge".to_owned(), edge),
        ("origin".to_owned(), origin),
        ("payment".to_owned(), payment),
        ("checkout".to_owned(), checkout),
    ])
}

fn sales(evidence: &Evidence, facts: &Facts) -> BTreeMap<String, SaleSummary> {
    let sold = what_was_sold(evidence);
    evidence
        .catalogue
        .sales
        .iter()
        .zip(demand::sellable(evidence, facts))
        .map(|(sale, sellable)| {
            let summary = SaleSummary {
                opens_s: round3(sale.opens.seconds()),
                closes_s: round3(sale.closes.seconds()),
                sold_out_s: sell_out::moment(evidence, sale).map(|at| round3(at.seconds())),
                sold_out: sell_out::is(evidence, sale, &sold),
                items: items(sale, &sold, &sellable.items),
                slots: slots(sale, &sold),
                lottery: lots::lottery(evidence, sale),
            };
            (sale.id.clone(), summary)
        })
        .collect()
}

fn items(
    sale: &Sale,
    sold: &demand::Tally,
    sellable: &BTreeMap<String, u64>,
) -> BTreeMap<String, ItemSummary> {
    sale.items
        .iter()
        .map(|item| {
            let summary = ItemSummary {
                stock: u64::from(item.stock),
                sold: sold.item(&item.id),
                sellable: sellable.get(&item.id).copied().unwrap_or(0),
            };
            (item.id.clone(), summary)
        })
        .collect()
}

fn slots(sale: &Sale, sold: &demand::Tally) -> BTreeMap<String, SlotSummary> {
    sale.slots
        .iter()
        .map(|slot| {
            let taken = sold.slot(&format!("{}/{}", sale.id, slot.id));
            (slot.id.clone(), SlotSummary { capacity: u64::from(slot.capacity), taken })
        })
        .collect()
}

/// What was sold: by the shop's ledger, or else by its last snapshot.
fn what_was_sold(evidence: &Evidence) -> demand::Tally {
    if evidence.has_shop() {
        return demand::sold(evidence);
    }
    let Some(last) = evidence.snapshots.last() else { return demand::Tally::default() };
    let sold = |(name, balance): (&String, &domain::shop::Balance)| {
        (name.clone(), u64::try_from(balance.sold).unwrap_or(0))
    };
    demand::Tally {
        items: last.items.iter().map(sold).collect(),
        slots: last.slots.iter().map(sold).collect(),
    }
}

fn orders(evidence: &Evidence) -> OrderSummary {
    let opens = evidence.catalogue.sales.iter().map(|sale| sale.opens).min().unwrap_or_default();
    let ((attempted, confirmed, last), told_by) = if evidence.has_shop() {
        (orders_of_ledger(evidence), Witness::Ledger)
    } else {
        (orders_of_clients(evidence), Witness::Clients)
    };
    let seconds = last.since(opens).as_secs_f64();
    let is_known = told_by == Witness::Clients || sell_out::has_times(evidence);
    let per_s = match confirmed {
        0 => Some(0.0),
        _ if is_known && seconds > 0.0 => Some(round3(confirmed as f64 / seconds)),
        _ => None,
    };
    OrderSummary { attempted, confirmed, per_s, told_by }
}

/// Orders, paid ones, and when the last of those was paid.
fn orders_of_ledger(evidence: &Evidence) -> (u64, u64, Time) {
    let began_utc_ns = evidence.ending.began_utc_ns;
    let (mut attempted, mut confirmed, mut last) = (0, 0, Time::ZERO);
    for order in evidence.order_rows() {
        attempted += 1;
        if order.paid {
            confirmed += 1;
            last = last.max(Time::from_nanos(order.updated_utc_ns.saturating_sub(began_utc_ns)));
        }
    }
    (attempted, confirmed, last)
}

/// Purchases the clients tried, those they were told were theirs, and when the last of those was.
fn orders_of_clients(evidence: &Evidence) -> (u64, u64, Time) {
    let (mut keys, mut last) = (HashSet::new(), Time::ZERO);
    for attempt in evidence.attempts() {
        if attempt.operation == Operation::Checkout {
            keys.insert(attempt.key.number());
        }
        if attempt.buys() && attempt.outcome == Outcome::Ok {
            last = last.max(attempt.done);
        }
    }
    let (_, bought) = demand::told_bought(evidence);
    (keys.len() as u64, bought, last)
}

fn seconds(evidence: &Evidence, latency: &LatencyLog, timeline: &Timeline) -> Vec<Second> {
    let count = |read| Counter::new(&evidence.snapshots, read);
    let (edge, origin, payment) = (
        count(|snapshot| snapshot.edge),
        count(|snapshot| snapshot.origin),
        count(|snapshot| snapshot.payment),
    );
    let calls = calls::of_ledger(evidence);
    let rejected = count(|snapshot| snapshot.balancer.map_or(0, |balancer| balancer.rejected));
    let is_counted = !evidence.snapshots.is_empty();
    let is_balanced = states(evidence).next().is_some();
    let database_busy = busy(evidence);
    let last = evidence.snapshots.last().map_or(0, |last| last.at.nanos().div_ceil(1_000_000_000));
    let (mut arrived, mut left) = (0_u64, 0_u64);
    let nothing = TimelineLine::default();
    (0..timeline.end().max(last))
        .map(|second| {
            let line = timeline.seconds.get(&second).unwrap_or(&nothing);
            arrived += line.arrived;
            left += line.departed.values().sum::<u64>();
            let end = Time::from_millis((second + 1) * 1_000);
            let (free, sold) = balances(evidence, end);
            Second {
                at_s: second as f64,
                offered: line.offered,
                sent: line.sent,
                completed: line.completed,
                useful: line.useful,
                // As in the rates: of a foreign shop, what the fans sent is the next best.
                edge: if is_counted { edge.in_second(second) } else { line.requests() },
                origin: is_counted.then(|| origin.in_second(second)),
                rejected: is_balanced.then(|| rejected.in_second(second)),
                database_busy: database_busy.get(&second).copied(),
                payment: match &calls {
                    Some(calls) => Some(calls.in_second(second)),
                    None => is_counted.then(|| payment.in_second(second)),
                },
                checkout: line.checkout,
                reload_p99_ms: reload_p99(latency, Time::from_millis(second * 1_000), end),
                free,
                sold,
                present: arrived.saturating_sub(left),
            }
        })
        .collect()
}

/// Free and sold pieces by item, by the last snapshot before `end`.
fn balances(evidence: &Evidence, end: Time) -> (BTreeMap<String, i64>, BTreeMap<String, i64>) {
    let known = evidence.snapshots.partition_point(|snapshot| snapshot.at <= end);
    let Some(last) = known.checked_sub(1).and_then(|last| evidence.snapshots.get(last)) else {
        return (BTreeMap::new(), BTreeMap::new());
    };
    let part = |read: fn(&domain::shop::Balance) -> i64| {
        last.items.iter().map(|(item, balance)| (item.clone(), read(balance))).collect()
    };
    (part(|balance| balance.free), part(|balance| balance.sold))
}

fn reload_p99(latency: &LatencyLog, from: Time, until: Time) -> Option<f64> {
    let series = Series::Response(Operation::Reload);
    latency
        .has_between(series, from, until)
        .then(|| milliseconds(latency.between(series, from, until).value_at_quantile(0.99)))
}

fn opening(evidence: &Evidence, latency: &LatencyLog, timeline: &Timeline) -> Vec<Tenth> {
    let Some(opens) = evidence.catalogue.sales.iter().map(|sale| sale.opens).min() else {
        return Vec::new();
    };
    let grain = Grain::new(opens);
    (0..timeline.end())
        .filter(|second| grain.is_fine(*second))
        .flat_map(|second| (0_usize..10).map(move |tenth| (second, tenth)))
        .map(|(second, tenth)| {
            let from = Grain::start(second * 10 + tenth as u64);
            let until = Grain::start(second * 10 + tenth as u64 + 1);
            let sent = timeline.seconds.get(&second).and_then(|line| line.tenths);
            Tenth {
                at_s: round3(from.seconds()),
                sent: sent.map_or(0, |tenths| tenths[tenth]),
                reload_p99_ms: reload_p99(latency, from, until),
            }
        })
        .collect()
}
