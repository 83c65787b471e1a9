//! What became of rooms that take machines of a warm pool, as the simulator saw it.

use domain::time::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::spread::Spread;

/// What became of the rooms of one kind.
///
/// Of those that asked for a machine each was assigned one, left, or waits still.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomRecord {
    /// When they were looked at last.
    pub until: Time,
    /// Rooms that asked for a machine.
    pub openings: u64,
    /// Those of them that had one before, and lost it to the update.
    pub reopened: u64,
    /// Those that found no machine ready.
    pub stock_outs: u64,
    /// Those that left for it.
    pub left: u64,
    /// Those that were assigned a machine.
    pub assigned: u64,
    /// Within how long it counts as soon \[s\].
    pub within_s: f64,
    /// Those that were assigned one within that.
    pub assigned_within: u64,
    /// How long those assigned had waited, and those that wait still so far \[s\]; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<Spread>,
    /// Their people.
    pub visitors: RoomVisitors,
    /// Machines ordered and not yet ready, over time \[machines × s\].
    pub booting_s: f64,
    /// Machines ready and without a room, likewise.
    pub ready_s: f64,
    /// Machines with a room, likewise.
    pub in_use_s: f64,
    /// The most machines at once, of all three.
    pub most: u64,
    /// What a machine costs \[money per hour\].
    pub price: f64,
    /// The update, if it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateRecord>,
    /// How long an entry of the series lasts, a whole number \[s\].
    pub step_s: u64,
    /// One entry per step of the run.
    pub series: Vec<RoomStep>,
}

/// People in rooms.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomVisitors {
    /// Who came, counted again when the room was opened again.
    pub came: u64,
    /// Who left because no machine was ready.
    pub left: u64,
    /// Who was thrown out by the update.
    pub disconnected: u64,
}

/// An update of all machines as it went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateRecord {
    /// When it began.
    pub began: Time,
    /// When no machine of the old version was left; absent if that never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Time>,
    /// Rooms that had a machine when it began.
    pub rooms: u64,
    /// Rooms that it closed.
    pub closed: u64,
}

/// A step of the rooms.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomStep {
    /// Rooms that have a machine, at its end.
    pub rooms: u64,
    /// Machines with a room, at its end.
    pub in_use: u64,
    /// Machines ordered and not yet ready, at its end.
    pub booting: u64,
    /// The fewest machines that were ready and without a room.
    pub ready: u64,
    /// The most rooms that waited at once.
    pub waiting: u64,
    /// Rooms that asked for a machine in it.
    pub openings: u64,
    /// Those that found none ready.
    pub stock_outs: u64,
}
