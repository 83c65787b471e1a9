//! What was at 100 %, when, and how much of it at least would have done all that came.

use std::collections::BTreeMap;

use domain::provider::PaymentOutcome;
use domain::shop::{DatabaseLoad, ShopSnapshot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::measure::database_tier::is_full;
use crate::measure::round3;

/// Over so many full seconds it is read what was needed \[s\]: shorter bursts are what queues are for.
const WINDOW_S: usize = 10;

/// A part that has a limit, in the order in which an order meets them.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Limited {
    /// The edge's own servers.
    Edge,
    /// What the load balancer takes.
    Balancer,
    /// The servers, threads or processors of the application.
    Application,
    /// The connections to the database.
    Connections,
    /// The processors of the database.
    Processors,
    /// A row that transactions lock one after the other.
    Row,
    /// What the payment provider allows.
    Payment,
}

/// A part that was at 100 %: all it has was taken, and somebody waited or was refused.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AtLimit {
    /// Which.
    pub what: Limited,
    /// In how many seconds.
    pub seconds: u64,
    /// The end of the first of them, from the run's beginning \[s\].
    pub first_s: f64,
    /// The end of the last of them \[s\].
    pub last_s: f64,
    /// How much there was of it, and how much would have done all that came, repetitions included, in the
    /// worst ten of these seconds that follow each other: servers, processors, or calls a second. More may be
    /// needed: whoever waits elsewhere has not come yet, and a burst is shorter. Absent where nobody counts what
    /// comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<Needed>,
}

/// How much there was, and how much was needed.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Needed {
    /// So much there was.
    pub had: f64,
    /// So much, at least, would have done all that came.
    pub needed: f64,
}

/// What a part had in a second, what came to it, and what was done of that.
#[derive(Copy, Clone, Debug, PartialEq)]
struct Work {
    had: f64,
    came: f64,
    done: f64,
}

/// A second's work; absent where nobody counts it.
type Flow = Option<Work>;

/// All that were, in the order in which they first were.
pub(super) fn at_limit(evidence: &Evidence) -> Vec<AtLimit> {
    let mut seconds: BTreeMap<Limited, BTreeMap<u64, Flow>> = BTreeMap::new();
    let mut enter = |what: Limited, second: u64, flow: Flow| {
        seconds.entry(what).or_default().insert(second, flow);
    };
    let mut before = ShopSnapshot::default();
    for snapshot in &evidence.snapshots {
        let second = snapshot.at.nanos().div_ceil(1_000_000_000).saturating_sub(1);
        for (what, flow) in full(snapshot, &before) {
            enter(what, second, flow);
        }
        before = snapshot.clone();
    }
    for (second, (calls, refused)) in payments(evidence) {
        if refused > 0.0 {
            let done = calls - refused;
            enter(Limited::Payment, second, Some(Work { had: done, came: calls, done }));
        }
    }
    let mut all: Vec<AtLimit> =
        seconds.into_iter().filter_map(|(what, seconds)| told(what, &seconds)).collect();
    all.sort_by(|one, other| one.first_s.total_cmp(&other.first_s));
    all
}

fn told(what: Limited, seconds: &BTreeMap<u64, Flow>) -> Option<AtLimit> {
    let end = |second: &u64| round3(*second as f64 + 1.0);
    let (first, last) = (seconds.keys().next()?, seconds.keys().next_back()?);
    Some(AtLimit {
        what,
        seconds: seconds.len() as u64,
        first_s: end(first),
        last_s: end(last),
        needed: needed(seconds),
    })
}

/// The parts of a snapshot that were full in the second before it.
fn full(now: &ShopSnapshot, before: &ShopSnapshot) -> Vec<(Limited, Flow)> {
    let station = |name: &str, what: Limited| {
        let station = now.full.get(name)?;
        let is_counted = station.offered > 0 || station.served > 0;
        let work = Work {
            had: station.servers as f64,
            came: station.offered as f64,
            done: station.served as f64,
        };
        Some((what, is_counted.then_some(work)))
    };
    let all = [
        station("edge", Limited::Edge),
        balancer(now, before),
        station("application", Limited::Application),
        station("connections", Limited::Connections).or_else(|| pool(now)),
        processors(now, before),
        station("row", Limited::Row),
    ];
    all.into_iter().flatten().collect()
}

/// The balancer, in a second in which it refused somebody.
fn balancer(now: &ShopSnapshot, before: &ShopSnapshot) -> Option<(Limited, Flow)> {
    let (now, before) = (now.balancer?, before.balancer.unwrap_or_default());
    let offered = now.offered.saturating_sub(before.offered);
    let rejected = now.rejected.saturating_sub(before.rejected).min(offered);
    let work =
        Work { had: now.capacity_per_s, came: offered as f64, done: (offered - rejected) as f64 };
    (rejected > 0).then_some((Limited::Balancer, Some(work)))
}

/// The pool of a real database, with somebody waiting for a connection.
fn pool(now: &ShopSnapshot) -> Option<(Limited, Flow)> {
    let pool = now.database.as_ref()?;
    (pool.waiting > 0 && pool.busy >= pool.connections).then_some((Limited::Connections, None))
}

/// The database's processors, all of them busy.
fn processors(now: &ShopSnapshot, before: &ShopSnapshot) -> Option<(Limited, Flow)> {
    let now = now.database_load?;
    let before = before.database_load.unwrap_or_default();
    let ended = |load: &DatabaseLoad| (load.carried_out + load.failed) as f64;
    let under_way = |load: &DatabaseLoad| (load.sharing + load.waiting) as f64;
    let done = ended(&now) - ended(&before);
    let came = (done + under_way(&now) - under_way(&before)).max(0.0);
    let had = now.cores.unwrap_or_default();
    is_full(&now).then_some((Limited::Processors, Some(Work { had, came, done })))
}

/// Calls of the provider by the second in which they took effect, and those of them that a limiter refused.
fn payments(evidence: &Evidence) -> BTreeMap<u64, (f64, f64)> {
    let mut seconds: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for line in evidence.payment_rows() {
        let since = line.utc_ns.saturating_sub(evidence.ending.began_utc_ns);
        let (calls, refused) = seconds.entry(since / 1_000_000_000).or_default();
        *calls += 1.0;
        *refused += f64::from(line.told == PaymentOutcome::RateLimited);
    }
    seconds
}

/// The most that was needed over [`WINDOW_S`] seconds that follow each other, or over all where they are fewer.
fn needed(seconds: &BTreeMap<u64, Flow>) -> Option<Needed> {
    let works: Option<Vec<(u64, Work)>> =
        seconds.iter().map(|(second, work)| Some((*second, (*work)?))).collect();
    let works = works?;
    let stretches = works.chunk_by(|(one, _), (next, _)| one + 1 == *next);
    let windows = stretches.flat_map(|stretch| stretch.windows(WINDOW_S.min(stretch.len())));
    let each = windows.filter_map(|window| {
        let sum = |of: fn(&Work) -> f64| window.iter().map(|(_, work)| of(work)).sum::<f64>();
        let (had, done) = (sum(|work| work.had) / window.len() as f64, sum(|work| work.done));
        let needed = had * (sum(|work| work.came) / done).max(1.0);
        (done > 0.0).then_some(Needed { had: round3(had), needed: round3(needed) })
    });
    each.reduce(|most, next| if next.needed > most.needed { next } else { most })
}

#[cfg(test)]
mod tests {
    use domain::database::DatabaseState;
    use domain::shop::{BalancerState, Catalogue, FullStation};
    use domain::time::Time;

    use super::*;

    /// What is told of snapshots of one second each.
    fn of(snapshots: Vec<ShopSnapshot>) -> Vec<AtLimit> {
        let mut evidence = Evidence::of(Catalogue { sales: Vec::new() }, None);
        let at = |second: u64| Time::from_millis(second * 1_000);
        evidence.snapshots = (1..)
            .zip(snapshots)
            .map(|(second, snapshot)| ShopSnapshot { at: at(second), ..snapshot })
            .collect();
        at_limit(&evidence)
    }

    fn application(offered: u64, served: u64) -> ShopSnapshot {
        let full = FullStation { servers: 8, offered, served };
        ShopSnapshot { full: [("application".to_owned(), full)].into(), ..ShopSnapshot::default() }
    }

    #[test]
    fn it_is_told_when_each_was_full_and_by_how_much() {
        let mut snapshots = vec![ShopSnapshot::default(); 3];
        // Ten seconds with three times what it does, ten with as much as it does.
        snapshots.extend((0..10).map(|_| application(300, 100)));
        snapshots.extend((0..10).map(|_| application(100, 100)));
        let told = of(snapshots);
        let expected = AtLimit {
            what: Limited::Application,
            seconds: 20,
            first_s: 4.0,
            last_s: 23.0,
            needed: Some(Needed { had: 8.0, needed: 24.0 }),
        };
        assert_eq!(told, [expected]);
    }

    #[test]
    fn a_balancer_is_full_while_it_refuses_and_who_was_full_first_is_told_first() {
        let balancer = |offered, rejected| BalancerState {
            capacity_per_s: 50.0,
            offered,
            rejected,
            ..BalancerState::default()
        };
        let second = |offered, rejected| ShopSnapshot {
            balancer: Some(balancer(offered, rejected)),
            ..ShopSnapshot::default()
        };
        let pool =
            DatabaseState { connections: 4, busy: 4, waiting: 1, ..DatabaseState::default() };
        let waits = ShopSnapshot { database: Some(pool), ..second(300, 150) };
        let told = of(vec![second(50, 0), second(250, 150), waits]);
        let brief: Vec<_> =
            told.iter().map(|one| (one.what, one.seconds, one.first_s, one.needed)).collect();
        let needed = Some(Needed { had: 50.0, needed: 200.0 });
        let expected = [(Limited::Balancer, 1, 2.0, needed), (Limited::Connections, 1, 3.0, None)];
        assert_eq!(brief, expected);
    }

    #[test]
    fn processors_have_as_much_too_much_as_piles_up_before_them() {
        let second = |busy, carried_out, sharing| ShopSnapshot {
            database_load: Some(DatabaseLoad {
                cores: Some(4.0),
                busy_cores: Some(busy),
                carried_out,
                sharing,
                ..DatabaseLoad::default()
            }),
            ..ShopSnapshot::default()
        };
        let told = of(vec![second(2.0, 100, 2), second(4.0, 300, 202), second(3.0, 500, 1)]);
        assert_eq!(told.len(), 1);
        let needed = Some(Needed { had: 4.0, needed: 8.0 });
        assert_eq!((told[0].what, told[0].needed), (Limited::Processors, needed));
        assert_eq!(of(vec![second(3.9, 100, 900)]), []);
    }
}
