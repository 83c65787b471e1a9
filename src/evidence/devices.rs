//! What became of devices that hold a connection, as the simulator saw it: counts second by second, and how
//! long they were without.

use domain::time::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::spread::Spread;

/// What became of the devices of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceRecord {
    /// How many there are.
    pub count: u32,
    /// When they were looked at last.
    pub until: Time,
    /// From when on it counts who is connected: the beginning of the deploy, or of the run.
    pub window_from: Time,
    /// Device-seconds connected in the window, over all devices \[s\].
    pub connected_s: f64,
    /// How long each device was without a connection in the window, in all \[s\].
    pub downtime_s: Spread,
    /// How long heartbeats waited for their answers \[s\]; absent where none were sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_s: Option<Spread>,
    /// Heartbeats and status messages that were not answered in time.
    pub unanswered: u64,
    /// Attempts that were accepted though nobody waited for them any more.
    pub in_vain: u64,
    /// The deploy, if it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deploy: Option<DeployRecord>,
    /// The database, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Vec<f64>>,
    /// One entry per second of the run.
    pub seconds: Vec<DeviceSecond>,
}

/// A deploy as it went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeployRecord {
    /// When it began.
    pub began: Time,
    /// When the last of the old containers was gone and the new ones accepted; absent if that never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Time>,
    /// How many were connected when it began.
    pub connected: u32,
    /// Connections that were cut off, with the container that held them.
    pub cut: u32,
    /// Connections that were closed one by one.
    pub closed: u32,
    /// How many of both have not had a connection since.
    pub still_away: u32,
    /// When the last of the others had one again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_back: Option<Time>,
}

/// One second of the devices.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceSecond {
    /// Devices connected at its end.
    pub connected: u32,
    /// Attempts to connect in it.
    pub attempts: u64,
    /// Those of them that were a device's first since it lost its connection.
    pub first_attempts: u64,
    /// Attempts accepted in it.
    pub accepted: u64,
    /// Attempts refused in it: the backlog was full, or nobody was there.
    pub refused: u64,
    /// Attempts that were given up in it.
    pub timed_out: u64,
    /// The most attempts that waited at once.
    pub backlog: u64,
}
