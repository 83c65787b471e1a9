//! Devices as meant: what they are like, what they are connected to, and what is done to that.

use domain::draw::number_of;
use domain::time::{Duration, Time};

use crate::device::{Habits, Reconnect};
use crate::tier::websocket::{Database, Deploy, Server};

/// Devices of one kind, each of which holds a connection: the table `[[devices]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Devices {
    /// Their name, unique in the scenario.
    pub name: String,
    /// How many, scaled.
    pub count: u32,
    /// How long they are looked at, from the run's beginning.
    pub lasts: Duration,
    /// How long a device waits to be accepted, and for an answer.
    pub timeout: Duration,
    /// How long its way to the server and back is.
    pub network: Duration,
    /// When it tries again.
    pub reconnect: Reconnect,
    /// How far heartbeats are apart.
    pub heartbeat: Option<Duration>,
    /// How far status messages are apart, in the mean.
    pub status: Option<Duration>,
    /// How long a connection lasts by itself, in the mean.
    pub lifetime: Option<Duration>,
    /// What accepts them.
    pub server: Server,
    /// The database under it.
    pub database: Option<Database>,
    /// The deploy.
    pub deploy: Option<Deploy>,
}

impl Devices {
    /// What the device machine must know, in a scenario of that seed: each kind has draws of its own, by
    /// its name.
    pub fn habits(&self, seed: u64) -> Habits {
        Habits {
            seed: seed ^ number_of(&self.name),
            timeout: self.timeout,
            network: self.network,
            reconnect: self.reconnect,
            heartbeat: self.heartbeat,
            status: self.status,
            lifetime: self.lifetime,
        }
    }

    /// When they were looked at last.
    pub fn end(&self) -> Time {
        Time::ZERO + self.lasts
    }

    /// How long all of them take to be accepted, where that is all there is to do: N/A \[s\].
    pub fn accepted_within_s(&self) -> f64 {
        f64::from(self.count) / self.server.accepts_per_s()
    }

    /// How many per second there are of something that each device does so often \[1/s\].
    pub fn per_s(&self, every: Option<Duration>) -> f64 {
        every.map_or(0.0, |every| f64::from(self.count) / every.as_secs_f64())
    }

    /// The share of the database that they take while all of them are connected \[0 to 1, or more\]; the
    /// batch counts by the time it takes.
    pub fn usual_share(&self) -> Option<f64> {
        let database = self.database.as_ref()?;
        let messages = database.share(
            self.per_s(self.lifetime),
            self.per_s(self.heartbeat),
            self.per_s(self.status),
        );
        let batch = database.batch.map_or(0.0, |batch| {
            let takes = f64::from(batch.servers) / f64::from(database.servers);
            let lasts = batch.lasts(self.count).as_secs_f64() / batch.every.as_secs_f64();
            takes * lasts.min(1.0)
        });
        Some(messages + batch)
    }
}
