//! Rooms that take machines of a warm pool, as written: `[[rooms]]`.

use domain::law::Law;
use domain::rate::Rate;
use domain::time::{Offset, Span};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::tier::warm_pool::{Empty, UpdateWord};

/// Rooms that people open, each of which takes a machine of a warm pool, in virtual time.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoomsTable {
    /// Their name, without blanks, unique in the scenario.
    #[schemars(required)]
    pub name: Option<String>,
    /// How long they are looked at, from the run's beginning; left out: 1 hour.
    pub lasts: Option<Span>,
    /// How many rooms are opened in the mean, independently of each other (Poisson); left out: none but those of
    /// the doors.
    pub openings: Option<Rate>,
    /// Everybody comes at the same moment; left out: there is no such moment.
    pub doors: Option<DoorsTable>,
    /// How many people a room holds; each but the last one of the doors is full. Left out: 1.
    #[schemars(range(min = 1, max = 20_000_000))]
    pub capacity: Option<u32>,
    /// How long a room lasts once it has its machine; left out: to the end.
    pub stay: Option<Law>,
    /// What those do who find no machine ready; left out: `"wait"`.
    pub empty: Empty,
    /// Within how long a room is to be assigned its machine; left out: 5 s.
    pub within: Option<Span>,
    /// The pool that machines are taken of.
    #[schemars(required)]
    pub pool: Option<PoolTable>,
    /// What a machine is; left out: it holds one room, and costs nothing.
    pub machine: MachineTable,
    /// All machines are replaced by ones of a new version; left out: nothing is done.
    pub update: Option<UpdateTable>,
}

/// Everybody comes at the same moment.
#[derive(Copy, Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DoorsTable {
    /// When, from the run's beginning: `"+10m"`.
    #[schemars(required)]
    pub at: Option<Offset>,
    /// How many people come.
    #[schemars(required, range(min = 1, max = 20_000_000))]
    pub visitors: Option<u32>,
    /// Over how long they come, evenly; left out: at once.
    pub over: Option<Span>,
}

/// The pool that machines are taken of.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PoolTable {
    /// How many machines are to be ready; so many are when the run begins.
    #[schemars(required, range(max = 1_000_000))]
    pub size: Option<u32>,
    /// How long it takes from when a machine is ordered until it is ready.
    #[schemars(required)]
    pub lead: Option<Law>,
    /// When the size changes, in the order of time; left out: never.
    pub schedule: Vec<ResizeTable>,
}

/// A new size of a pool.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResizeTable {
    /// When it is set, from the run's beginning; what it lacks is ordered then, and ready the lead later.
    #[schemars(required)]
    pub at: Option<Offset>,
    /// How many machines are to be ready from then on.
    #[schemars(required, range(max = 1_000_000))]
    pub size: Option<u32>,
}

/// What a machine is.
#[derive(Copy, Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MachineTable {
    /// How many rooms one of performance 1 holds; left out: 1.
    #[schemars(range(min = 1, max = 100_000))]
    pub rooms: Option<u32>,
    /// How many times as many rooms this one holds, in whole rooms; left out: 1.
    #[schemars(range(min = 0, max = 1_000))]
    pub performance: Option<f64>,
    /// What it costs per hour, from when it is ordered; left out: nothing.
    #[schemars(range(min = 0))]
    pub price: Option<f64>,
}

/// All machines are replaced by ones of a new version.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UpdateTable {
    /// When, from the run's beginning: `"+1h"`.
    #[schemars(required)]
    pub at: Option<Offset>,
    /// How the old ones go; left out: `"idle-first"`.
    pub strategy: UpdateWord,
    /// Of `"idle-first"`: how long rooms on old machines have; left out: as long as they last.
    pub deadline: Option<Span>,
}
