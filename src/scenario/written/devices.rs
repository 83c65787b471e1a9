//! Devices that hold a connection, as written: `[[devices]]`.

use domain::law::Law;
use domain::rate::Rate;
use domain::time::{Offset, Span};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::device::Doubles;
use crate::tier::websocket::{Stale, StrategyWord};

/// Devices that hold a WebSocket each and connect again when they lose it, in virtual time.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DevicesTable {
    /// Their name, without blanks, unique in the scenario.
    #[schemars(required)]
    pub name: Option<String>,
    /// How many there are; all are connected when the run begins.
    #[schemars(required, range(min = 1, max = 20_000_000))]
    pub count: Option<u32>,
    /// How long they are looked at, from the run's beginning; left out: 15 minutes.
    pub lasts: Option<Span>,
    /// How long a device waits to be accepted, and for the answer to a message, before it gives the
    /// connection up; left out: 30 s.
    pub timeout: Option<Span>,
    /// How long its way to the server and back is; left out: 50 ms.
    pub network: Option<Span>,
    /// When a device that has lost its connection tries again; left out: at once.
    pub reconnect: ReconnectTable,
    /// How far each device's heartbeats are apart; left out: it sends none.
    pub heartbeat: Option<Span>,
    /// How far its status messages are apart, in the mean; left out: it sends none.
    pub status: Option<Span>,
    /// How long a connection lasts by itself, in the mean; left out: until somebody closes it.
    pub lifetime: Option<Span>,
    /// The containers that accept the devices and hold their connections.
    #[schemars(required)]
    pub server: Option<ServerTable>,
    /// The database under them; left out: it takes no time.
    pub database: Option<DatabaseTable>,
    /// New containers take the place of the old ones; left out: nothing is done.
    pub deploy: Option<DeployTable>,
}

/// When a device that has lost its connection tries again.
#[derive(Copy, Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReconnectTable {
    /// By which rule; left out: `"immediate"`.
    pub strategy: ReconnectWord,
    /// Of `"fixed"`: how long it waits.
    pub every: Option<Span>,
    /// Of `"full-jitter"`, `"equal-jitter"` and `"decorrelated"`: what the first wait is drawn by.
    pub base: Option<Span>,
    /// Of the same: the most that a wait is drawn by.
    pub cap: Option<Span>,
    /// Of `"ocpp"`: the least that it waits (`RetryBackOffWaitMinimum`).
    pub minimum: Option<Span>,
    /// Of `"ocpp"`: how often the wait is doubled (`RetryBackOffRepeatTimes`).
    #[schemars(range(max = 30))]
    pub doublings: Option<u32>,
    /// Of `"ocpp"`: how long the random part is at most (`RetryBackOffRandomRange`).
    pub range: Option<Span>,
    /// Of `"ocpp"`: what is doubled, the minimum alone or the random part too; left out: `"minimum"`.
    pub doubles: Option<Doubles>,
}

/// By which rule a device waits before it connects.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReconnectWord {
    /// It does not wait.
    #[default]
    Immediate,
    /// Always as long.
    Fixed,
    /// Evenly between nothing and min(cap, base · 2ⁿ).
    FullJitter,
    /// Half of min(cap, base · 2ⁿ), and evenly up to the other half.
    EqualJitter,
    /// Evenly between the base and three times the last wait, at most the cap.
    Decorrelated,
    /// As OCPP 2.x has it: a minimum that is doubled, and a random part.
    Ocpp,
}

/// The containers that accept the devices and hold their connections.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerTable {
    /// How many containers there are, old and new ones alike; left out: 1.
    #[schemars(range(min = 1, max = 10_000))]
    pub tasks: Option<u32>,
    /// How many connections each accepts at once; left out: 1.
    #[schemars(range(min = 1, max = 10_000))]
    pub servers: Option<u32>,
    /// How long accepting one takes.
    #[schemars(required)]
    pub service: Option<Law>,
    /// How many attempts may wait, for all containers together; one more is refused. Left out: any number.
    pub backlog: Option<u32>,
    /// What becomes of an attempt that its device has given up when its turn comes; left out: `"served"`.
    pub stale: Stale,
}

/// The database under the devices.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseTable {
    /// How many statements it works on at once.
    #[schemars(required, range(min = 1, max = 100_000))]
    pub servers: Option<u32>,
    /// How long a new connection keeps one of them; left out: no time.
    pub connect: Law,
    /// How long a heartbeat does; left out: no time.
    pub heartbeat: Law,
    /// How long a status message does; left out: no time.
    pub status: Law,
    /// A job that goes over all devices again and again; left out: none.
    pub batch: Option<BatchTable>,
}

/// A job that goes over all devices again and again.
#[derive(Copy, Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BatchTable {
    /// How far its beginnings are apart, the first one that long after the run's beginning.
    #[schemars(required)]
    pub every: Option<Span>,
    /// How much time of one of the database's servers it takes for each device.
    #[schemars(required)]
    pub per_device: Option<Span>,
    /// How many of the database's servers work on it; left out: 1.
    #[schemars(range(min = 1))]
    pub servers: Option<u32>,
}

/// New containers take the place of the old ones.
#[derive(Copy, Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeployTable {
    /// When, from the run's beginning: `"+2m"`.
    #[schemars(required)]
    pub at: Option<Offset>,
    /// How the old ones go; left out: `"kill"`.
    pub strategy: StrategyWord,
    /// Of `"kill"`: how much later the new ones accept; nobody does until then. Left out: no time, they
    /// are there already.
    pub start: Option<Span>,
    /// Of `"graceful"`: how many connections are closed in a second, of all containers together.
    pub pace: Option<Rate>,
    /// Of `"graceful"`: how many containers close theirs at the same time; left out: 1.
    #[schemars(range(min = 1))]
    pub at_once: Option<u32>,
    /// Of `"graceful"`: how long a container has to close its connections after it was told to stop, at most
    /// 120 s; what it still has then is cut off. Left out: it closes them before it is told.
    pub stop_timeout: Option<Span>,
    /// Of `"blue-green"`: over how long new connections are shifted; then the old ones are destroyed.
    pub shift: Option<Span>,
}
