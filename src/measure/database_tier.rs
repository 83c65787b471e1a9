//! The database of the simulated stack: what capacity it had, how busy it was, and what failed.

use std::collections::{BTreeMap, BTreeSet};

use domain::shop::DatabaseLoad;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::evidence::series::Row;
use crate::measure::series::stairs;
use crate::measure::{Saturation, Second, round3, round6};

/// The series under which a run's timeline shows it.
const SERIES: [&str; 2] = ["database capacity, ACU", "database processors busy, %"];

/// The share of its processors from which on a second counts as full: it rounds to 100 %.
const FULL: f64 = 0.995;

/// The database of a simulated stack that has a capacity, or fails over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DatabaseTierSummary {
    /// Its capacity, from each second on in which that changed; none where it has no bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity: Vec<CapacityUnits>,
    /// The second in which most processors were busy; absent where they are not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busiest: Option<BusiestSecond>,
    /// When all its processors were busy; absent where that never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<Saturation>,
    /// Its connections.
    pub connections: u64,
    /// The most of them in use, as looked at once a second.
    pub in_use_max: u64,
    /// The most statements that shared the processors, likewise.
    pub sharing_max: u64,
    /// The most statements that waited for a connection, likewise.
    pub waiting_max: u64,
    /// Statements that were carried out.
    pub carried_out: u64,
    /// Statements that failed, and nobody knew what had come of them.
    pub failed: u64,
}

/// From this second on there was so much.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityUnits {
    /// When, from the run's beginning \[s\].
    pub at_s: f64,
    /// How much \[ACU\].
    pub units: f64,
}

/// The second in which most processors were busy.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BusiestSecond {
    /// Its beginning, from the run's beginning \[s\].
    pub at_s: f64,
    /// How many were busy, in its mean.
    pub busy_cores: f64,
    /// How many there were.
    pub cores: f64,
    /// Statements that were carried out in it.
    pub carried_out: u64,
}

/// The database of a run's stack; none where it has neither a capacity nor failovers.
pub(super) fn database_tier(evidence: &Evidence) -> Option<DatabaseTierSummary> {
    let mut told = DatabaseTierSummary::default();
    let mut is_there = false;
    for (second, load) in loads(evidence) {
        is_there = true;
        told.note(second, &load);
    }
    is_there.then_some(told)
}

/// What it said of itself at the end of each second.
fn loads(evidence: &Evidence) -> impl Iterator<Item = (u64, DatabaseLoad)> {
    let loads = evidence.snapshots.iter();
    loads.filter_map(|snapshot| {
        let second = snapshot.at.nanos().div_ceil(1_000_000_000).saturating_sub(1);
        Some((second, snapshot.database_load?))
    })
}

impl DatabaseTierSummary {
    fn note(&mut self, second: u64, load: &DatabaseLoad) {
        let at_s = second as f64;
        if let Some(units) = load.capacity.map(round3) {
            // What a snapshot says holds from its moment on.
            let at_s = if self.capacity.is_empty() { at_s } else { at_s + 1.0 };
            if self.units_at(at_s) != Some(units) {
                self.capacity.push(CapacityUnits { at_s, units });
            }
        }
        let carried_out = load.carried_out - self.carried_out;
        if let (Some(cores), Some(busy)) = (load.cores, load.busy_cores) {
            let (cores, busy_cores) = (round3(cores), round3(busy));
            if self.busiest.is_none_or(|known| busy_cores > known.busy_cores) {
                self.busiest = Some(BusiestSecond { at_s, busy_cores, cores, carried_out });
            }
        }
        if is_full(load) {
            let first = Saturation { first_s: at_s, ..Saturation::default() };
            let known = self.full.unwrap_or(first);
            self.full = Some(Saturation { seconds: known.seconds + 1, last_s: at_s, ..known });
        }
        self.connections = load.connections;
        self.in_use_max = self.in_use_max.max(load.in_use);
        self.sharing_max = self.sharing_max.max(load.sharing);
        self.waiting_max = self.waiting_max.max(load.waiting);
        (self.carried_out, self.failed) = (load.carried_out, load.failed);
    }

    /// Its capacity at a moment from the run's beginning \[s\] \[ACU\].
    pub fn units_at(&self, at_s: f64) -> Option<f64> {
        let known = self.capacity.iter().rev().find(|change| change.at_s <= at_s);
        known.or(self.capacity.first()).map(|change| change.units)
    }

    /// When it first had at least `units` \[ACU\], at or after `from_s` \[s\].
    pub fn had_s(&self, units: f64, from_s: f64) -> Option<f64> {
        if self.units_at(from_s).is_some_and(|there| there >= units) {
            return Some(from_s);
        }
        let later = self.capacity.iter().filter(|change| change.at_s > from_s);
        later.into_iter().find(|change| change.units >= units).map(|change| change.at_s)
    }

    /// The change that gave it the most, the first of them if several did.
    pub fn most(&self) -> CapacityUnits {
        let more = |best: CapacityUnits, next: &CapacityUnits| {
            if next.units > best.units { *next } else { best }
        };
        self.capacity.iter().fold(CapacityUnits::default(), more)
    }

    /// Its capacity, and how busy it was, on the run's timeline, which ends then \[s\].
    pub fn rows(&self, timeline: &[Second], ended_s: f64) -> Vec<Row> {
        let [capacity, busy] = SERIES;
        let steps: Vec<_> =
            self.capacity.iter().map(|change| (change.at_s, change.units)).collect();
        let shares = timeline.iter().filter_map(|second| {
            Some(Row {
                at_s: second.at_s,
                series: busy.to_owned(),
                value: Some(round3(100.0 * second.database_busy?)),
                text: None,
            })
        });
        stairs(capacity, &steps, ended_s).into_iter().chain(shares).collect()
    }
}

pub(super) fn is_full(load: &DatabaseLoad) -> bool {
    share(load).is_some_and(|share| share >= FULL)
}

/// The share of its processors that was busy in the second before.
fn share(load: &DatabaseLoad) -> Option<f64> {
    let cores = load.cores.filter(|cores| *cores > 0.0)?;
    Some((load.busy_cores? / cores).min(1.0))
}

/// The share of its processors that was busy, by the second.
pub(super) fn busy(evidence: &Evidence) -> BTreeMap<u64, f64> {
    loads(evidence).filter_map(|(second, load)| Some((second, round6(share(&load)?)))).collect()
}

/// The seconds in which all its processors were busy.
pub(super) fn full_seconds(evidence: &Evidence) -> BTreeSet<u64> {
    loads(evidence).filter(|(_, load)| is_full(load)).map(|(second, _)| second).collect()
}

/// Statements by the second: those that failed, of all that came to an end.
pub(super) fn failures(evidence: &Evidence) -> BTreeMap<u64, (u64, u64)> {
    let mut seconds = BTreeMap::new();
    let (mut ended_before, mut failed_before) = (0, 0);
    for (second, load) in loads(evidence) {
        let ended = load.carried_out + load.failed;
        seconds.insert(second, (load.failed - failed_before, ended - ended_before));
        (ended_before, failed_before) = (ended, load.failed);
    }
    seconds
}

#[cfg(test)]
mod tests {
    use domain::shop::{Catalogue, ShopSnapshot};
    use domain::time::Time;

    use super::*;

    fn evidence(loads: &[DatabaseLoad]) -> Evidence {
        let mut evidence = Evidence::of(Catalogue { sales: Vec::new() }, None);
        evidence.snapshots = (1..)
            .zip(loads)
            .map(|(second, load)| ShopSnapshot {
                at: Time::from_millis(second * 1_000),
                database_load: Some(*load),
                ..ShopSnapshot::default()
            })
            .collect();
        evidence
    }

    fn load(
        capacity: f64,
        cores: f64,
        busy: f64,
        (carried_out, failed): (u64, u64),
    ) -> DatabaseLoad {
        DatabaseLoad {
            capacity: Some(capacity),
            cores: Some(cores),
            busy_cores: Some(busy),
            sharing: carried_out / 10,
            connections: 189,
            in_use: 3,
            waiting: failed,
            carried_out,
            failed,
        }
    }

    #[test]
    fn capacity_load_and_failures_are_told() {
        let evidence = evidence(&[
            load(2.0, 0.5, 0.1, (100, 0)),
            load(2.5, 0.5, 0.5, (200, 0)),
            load(4.0, 0.625, 0.625, (400, 0)),
            load(4.0, 1.0, 0.8, (500, 20)),
        ]);
        let told = database_tier(&evidence).unwrap();
        let changes: Vec<_> = told.capacity.iter().map(|one| (one.at_s, one.units)).collect();
        assert_eq!(changes, [(0.0, 2.0), (2.0, 2.5), (3.0, 4.0)]);
        let busiest = told.busiest.unwrap();
        assert_eq!((busiest.at_s, busiest.busy_cores, busiest.carried_out), (3.0, 0.8, 100));
        assert_eq!(told.full, Some(Saturation { seconds: 2, first_s: 1.0, last_s: 2.0 }));
        assert_eq!((told.sharing_max, told.waiting_max, told.in_use_max), (50, 20, 3));
        assert_eq!((told.carried_out, told.failed, told.connections), (500, 20, 189));
        assert_eq!(told.most(), CapacityUnits { at_s: 3.0, units: 4.0 });
        assert_eq!(
            [(2.5, 0.0), (2.5, 2.5), (4.5, 0.0)].map(|(units, from_s)| told.had_s(units, from_s)),
            [Some(2.0), Some(2.5), None]
        );
        assert_eq!(failures(&evidence)[&3], (20, 120));
        assert_eq!(full_seconds(&evidence), [1, 2].into());
        let second = |at_s, database_busy| Second { at_s, database_busy, ..Second::default() };
        let shares = busy(&evidence);
        let timeline = [0, 1, 2, 3, 4].map(|at| second(at as f64, shares.get(&at).copied()));
        let rows = told.rows(&timeline, 5.0);
        let of = |series: &str| -> Vec<_> {
            let rows = rows.iter().filter(|row| row.series == series);
            rows.map(|row| (row.at_s, row.value.unwrap())).collect()
        };
        assert_eq!(of(SERIES[1]), [(0.0, 20.0), (1.0, 100.0), (2.0, 100.0), (3.0, 80.0)]);
        assert_eq!(of(SERIES[0]).last(), Some(&(5.0, 4.0)));
    }

    #[test]
    fn where_it_has_no_bound_there_is_nothing_to_tell_of_processors() {
        assert_eq!(database_tier(&evidence(&[])), None);
        let bare = DatabaseLoad { connections: 20, carried_out: 7, ..DatabaseLoad::default() };
        let told = database_tier(&evidence(&[bare])).unwrap();
        assert_eq!((told.capacity, told.busiest, told.full), (Vec::new(), None, None));
        assert_eq!((told.connections, told.carried_out), (20, 7));
    }
}
