//! What stands behind devices that hold a WebSocket: containers that accept and keep connections, the
//! database under them, and the deploy that replaces the containers.

mod deploy;

pub use deploy::{Deploy, STOP_TIMEOUT_MAX, Strategy, StrategyWord};

use domain::law::Law;
use domain::time::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The containers that accept and keep connections: `[devices.server]`.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Server {
    /// How many containers (tasks) there are, the old ones and the new ones alike.
    pub tasks: u32,
    /// How many connections each accepts at once.
    pub servers: u32,
    /// How long accepting one takes (TCP, TLS, HTTP upgrade, boot notification).
    pub service: Law,
    /// How many attempts may wait, for all containers together; absent: any number.
    pub backlog: Option<u32>,
    /// What becomes of an attempt that nobody waits for any more when its turn comes.
    pub stale: Stale,
}

/// What becomes of an attempt whose device has given up when its turn comes.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stale {
    /// It is accepted like any other, in vain: the server does not look whether anybody is there.
    #[default]
    Served,
    /// It takes no time.
    Dropped,
}

impl Server {
    /// How many attempts are accepted at once.
    pub const fn places(&self) -> u32 {
        self.tasks.saturating_mul(self.servers)
    }

    /// How many attempts are accepted in a second, in the mean \[1/s\].
    pub fn accepts_per_s(&self) -> f64 {
        f64::from(self.places()) / self.service.mean().as_secs_f64()
    }
}

/// The database under the devices: `[devices.database]`.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Database {
    /// How many statements it works on at once.
    pub servers: u32,
    /// How long a new connection keeps one of them.
    pub connect: Law,
    /// How long a heartbeat does.
    pub heartbeat: Law,
    /// How long a status message does.
    pub status: Law,
    /// The job that comes again and again.
    pub batch: Option<Batch>,
}

/// A job that goes over all devices: `devices.database.batch`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// How far its beginnings are apart; one that finds the last one at work is left out.
    pub every: Duration,
    /// How much time of a server it takes for each device.
    pub per_device: Duration,
    /// How many of the database's servers it takes.
    pub servers: u32,
}

impl Batch {
    /// How long it lasts for so many devices.
    pub fn lasts(&self, devices: u32) -> Duration {
        self.per_device.saturating_mul(devices) / self.servers.max(1)
    }
}

impl Database {
    /// The share of it that so many connects, heartbeats and status messages per second take, each
    /// \[1/s\].
    pub fn share(&self, connects: f64, heartbeats: f64, statuses: f64) -> f64 {
        let busy = connects * self.connect.mean().as_secs_f64()
            + heartbeats * self.heartbeat.mean().as_secs_f64()
            + statuses * self.status.mean().as_secs_f64();
        busy / f64::from(self.servers)
    }

    /// The connects per second that it can carry out where it has nothing else to do \[1/s\].
    pub fn connects_per_s(&self) -> f64 {
        f64::from(self.servers) / self.connect.mean().as_secs_f64()
    }
}
