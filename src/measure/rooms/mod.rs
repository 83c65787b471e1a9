//! What became of rooms that take machines of a warm pool: how often it was empty, how long they waited, what
//! an update closed, and what the machines cost.

mod log;

pub use log::{RoomLog, Standing};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::evidence::rooms::{RoomRecord, RoomStep, RoomVisitors, UpdateRecord};
use crate::evidence::spread::Spread;
use crate::measure::{round3, round6, rounded};

/// What became of the rooms of one kind. Shares are of the rooms that asked for a machine \[0 to 1\].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoomSummary {
    /// Until when they were looked at, from the run's beginning \[s\].
    pub until_s: f64,
    /// How many asked for a machine.
    pub openings: u64,
    /// How many of them had one before, and lost it to the update.
    pub reopened: u64,
    /// How many were assigned one.
    pub assigned: u64,
    /// How many waited for one still at the end.
    pub still_waiting: u64,
    /// The share that found no machine ready.
    pub stock_out: f64,
    /// The share that waited for one.
    pub waited: f64,
    /// The share that left instead.
    pub left: f64,
    /// Within how long a machine is to be assigned \[s\].
    pub within_s: f64,
    /// The share that was assigned one within that.
    pub assigned_within: f64,
    /// How long those assigned had waited, those that need not included, and so far those that wait still, which is
    /// the least that it will be \[s\]; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<Spread>,
    /// Their people.
    pub visitors: RoomVisitors,
    /// The machines.
    pub machines: PoolMachines,
    /// The update; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateOutcome>,
    /// How long an entry of the series lasts \[s\].
    pub step_s: u64,
    /// One entry per step of the run.
    pub series: Vec<RoomStep>,
}

/// The machines of a pool, and those that were taken out of it.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PoolMachines {
    /// Ordered and not yet ready, in the mean over time.
    pub booting: f64,
    /// Ready and without a room, in the mean over time.
    pub ready: f64,
    /// With a room, in the mean over time.
    pub in_use: f64,
    /// The most at once, of all three.
    pub most: u64,
    /// How long all of them were there together \[hours\].
    pub hours: f64,
    /// What one costs \[money per hour\].
    pub price: f64,
    /// What all of them cost \[money\].
    pub cost: f64,
}

/// What came of an update of all machines.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UpdateOutcome {
    /// When it began, from the run's beginning \[s\].
    pub began_s: f64,
    /// How long it took until no machine of the old version was left \[s\]; absent if one was to the end.
    pub took_s: Option<f64>,
    /// How many rooms had a machine when it began.
    pub rooms: u64,
    /// How many rooms it closed.
    pub closed: u64,
}

/// What became of all rooms, by name.
pub(super) fn rooms(evidence: &Evidence) -> BTreeMap<String, RoomSummary> {
    let all = evidence.ending.rooms.iter();
    all.map(|(name, record)| (name.clone(), summary(record))).collect()
}

/// One hour \[s\].
const HOUR_S: f64 = 3_600.0;

fn summary(record: &RoomRecord) -> RoomSummary {
    let share = |count: u64| match record.openings {
        0 => 0.0,
        all => round6(count as f64 / all as f64),
    };
    RoomSummary {
        until_s: round3(record.until.seconds()),
        openings: record.openings,
        reopened: record.reopened,
        assigned: record.assigned,
        still_waiting: record.openings.saturating_sub(record.assigned + record.left),
        stock_out: share(record.stock_outs),
        waited: share(record.stock_outs.saturating_sub(record.left)),
        left: share(record.left),
        within_s: round3(record.within_s),
        assigned_within: share(record.assigned_within),
        wait_s: record.wait_s.map(rounded),
        visitors: record.visitors,
        machines: machines(record),
        update: record.update.as_ref().map(update),
        step_s: record.step_s,
        series: record.series.clone(),
    }
}

fn machines(record: &RoomRecord) -> PoolMachines {
    let lasted_s = record.until.seconds();
    let mean = |all_s: f64| if lasted_s > 0.0 { round3(all_s / lasted_s) } else { 0.0 };
    let hours = (record.booting_s + record.ready_s + record.in_use_s) / HOUR_S;
    PoolMachines {
        booting: mean(record.booting_s),
        ready: mean(record.ready_s),
        in_use: mean(record.in_use_s),
        most: record.most,
        hours: round3(hours),
        price: record.price,
        cost: round3(hours * record.price),
    }
}

fn update(update: &UpdateRecord) -> UpdateOutcome {
    UpdateOutcome {
        began_s: round3(update.began.seconds()),
        took_s: update.ended.map(|ended| round3(ended.since(update.began).as_secs_f64())),
        rooms: update.rooms,
        closed: update.closed,
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Time;

    use super::*;

    #[test]
    fn shares_are_of_those_that_asked_and_money_of_the_hours() {
        let record = RoomRecord {
            until: Time::from_millis(7_200_000),
            openings: 200,
            stock_outs: 50,
            left: 10,
            assigned: 180,
            assigned_within: 150,
            booting_s: 3_600.0,
            ready_s: 36_000.0,
            in_use_s: 72_000.0,
            most: 20,
            price: 0.17,
            update: Some(UpdateRecord {
                began: Time::from_millis(1_500),
                ..UpdateRecord::default()
            }),
            ..RoomRecord::default()
        };
        let told = summary(&record);
        let shares = [told.stock_out, told.waited, told.left, told.assigned_within];
        assert_eq!(shares.map(f64::to_bits), [0.25, 0.2, 0.05, 0.75].map(f64::to_bits));
        assert_eq!(told.still_waiting, 10);
        let PoolMachines { booting, ready, in_use, hours, cost, .. } = told.machines;
        let expected = [0.5, 5.0, 10.0, 31.0, 5.27];
        assert_eq!(
            [booting, ready, in_use, hours, cost].map(f64::to_bits),
            expected.map(f64::to_bits)
        );
        let update = told.update.unwrap();
        assert_eq!((update.began_s.to_bits(), update.took_s), (1.5_f64.to_bits(), None));
        let none = summary(&RoomRecord::default());
        assert_eq!(none.stock_out.to_bits(), 0.0_f64.to_bits(), "of nobody it is nothing");
    }
}
