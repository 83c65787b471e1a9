//! What a shop wrote down, and what it says of itself meanwhile.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::database::{DatabaseState, DatabaseView};
use crate::money::Amount;
use crate::time::Time;

/// One line of the shop's ledger at the end of a run (and of a foreign shop's, once mapped).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ShopLine {
    /// An item's stock, and where its pieces are according to the shop.
    Stock {
        /// The item.
        item: String,
        /// Pieces at the start.
        initial: u64,
        /// Pieces for sale; below 0 when the shop lost count.
        free: i64,
        /// Pieces held for orders.
        held: i64,
        /// Pieces sold.
        sold: i64,
    },
    /// A slot's capacity, and where its places are according to the shop.
    Slot {
        /// The slot.
        slot: String,
        /// The sale.
        sale: String,
        /// Places at the start.
        initial: u64,
        /// Places left.
        free: i64,
        /// Places held.
        held: i64,
        /// Places taken.
        sold: i64,
    },
    /// An order.
    Order {
        /// Its number.
        order_id: String,
        /// Who buys.
        fan: String,
        /// The purchase intent.
        intent: String,
        /// The item.
        item: String,
        /// The slot.
        slot: Option<String>,
        /// Pieces.
        quantity: u32,
        /// The money it is about.
        amount: Amount,
        /// The shop's own word for where it stands.
        status: String,
        /// Whether that word means sold.
        paid: bool,
        /// Whether that word means that nothing more will happen.
        terminal: bool,
        /// The provider's name of the payment.
        payment: Option<String>,
        /// When it was placed, in nanoseconds of UTC \[ns\].
        created_utc_ns: u64,
        /// When it last changed, in nanoseconds of UTC \[ns\].
        updated_utc_ns: u64,
    },
    /// Pieces and a slot that are held.
    Reservation {
        /// For which order.
        order_id: String,
        /// The item.
        item: String,
        /// The slot.
        slot: Option<String>,
        /// Pieces.
        quantity: u32,
        /// Until when, in nanoseconds of UTC \[ns\]; absent means for ever.
        held_until_utc_ns: Option<u64>,
    },
    /// Pieces and a place that an order took, and what became of them, where the shop says when:
    /// each happened between the moment it was asked for and the moment it was known.
    Hold {
        /// For which order.
        order_id: String,
        /// The item.
        item: String,
        /// The slot.
        slot: Option<String>,
        /// Pieces.
        quantity: u32,
        /// When they were asked for, in nanoseconds of UTC \[ns\].
        asked_utc_ns: u64,
        /// When they were known to be held.
        taken_utc_ns: u64,
        /// When they were known to be sold; absent where they are not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sold_utc_ns: Option<u64>,
        /// When they were to be let go; absent where they never were.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freeing_utc_ns: Option<u64>,
        /// When they were known to be free again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freed_utc_ns: Option<u64>,
    },
    /// One piece of stock, where the shop keeps one row per piece.
    Unit {
        /// Its number.
        unit: u64,
        /// What a foreign shop calls it, where that is no number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The item.
        item: String,
        /// `free`, `held` or `sold`.
        state: String,
        /// The order that holds or bought it.
        order_id: Option<String>,
    },
    /// What the shop's database says of itself, where it is one that says much.
    Database {
        /// Before the first request.
        before: Box<DatabaseView>,
        /// When the ledger was read.
        after: Box<DatabaseView>,
    },
}

/// Where an item's pieces or a slot's places are.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// For sale; below 0 when the shop lost count.
    pub free: i64,
    /// Held for orders.
    pub held: i64,
    /// Sold.
    pub sold: i64,
}

/// The tasks of an application whose number may change, at one moment.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskState {
    /// How many are wanted.
    pub desired: u64,
    /// How many are in service.
    pub in_service: u64,
    /// How many requests those serve at once.
    pub servers: u64,
    /// Requests that are being served, also by tasks that only finish what they have.
    pub busy: u64,
    /// Requests that wait for a server.
    pub waiting: u64,
    /// The share of their processors that was busy in the second before; absent where they have servers
    /// alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processors_busy: Option<f64>,
    /// The machines under them; absent where there are none to tell of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<NodeState>,
}

/// The nodes under an application's tasks at one moment.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeState {
    /// Nodes that are ready.
    pub ready: u64,
    /// Nodes that boot.
    pub booting: u64,
    /// Balloons that have a place.
    pub balloons: u64,
    /// How many nodes' room they take.
    pub kept: f64,
}

/// A load balancer at one moment of the run.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BalancerState {
    /// What it takes \[requests/s\].
    pub capacity_per_s: f64,
    /// Requests that reached it so far.
    pub offered: u64,
    /// Those of them that it answered with an error of its own.
    pub rejected: u64,
    /// Those that it passed on and then cut off, for their task was gone.
    #[serde(default)]
    pub cut: u64,
}

/// What one cache, or several together, did so far with requests for what may be kept.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CacheState {
    /// Requests that were answered with what is fresh.
    pub hits: u64,
    /// Those that were answered with what is no longer fresh, in its grace.
    pub stale: u64,
    /// Those that waited for a fetch that was under way.
    pub collapsed: u64,
    /// Those that were answered with an error that was kept.
    pub errors: u64,
    /// Those that were passed on.
    pub misses: u64,
    /// Fetches beside them, while what is stale is given.
    pub refreshes: u64,
    /// Errors that it heard from the origin, whatever came of them.
    pub failures: u64,
    /// Those of them after which it asked once more.
    pub restarts: u64,
}

impl CacheState {
    /// Requests that reached it.
    pub const fn asked(&self) -> u64 {
        self.hits + self.stale + self.collapsed + self.errors + self.misses
    }

    /// What it asked for behind it, but for what it asked for once more.
    pub const fn fetches(&self) -> u64 {
        self.misses + self.refreshes
    }
}

impl AddAssign for CacheState {
    fn add_assign(&mut self, other: Self) {
        self.hits += other.hits;
        self.stale += other.stale;
        self.collapsed += other.collapsed;
        self.errors += other.errors;
        self.misses += other.misses;
        self.refreshes += other.refreshes;
        self.failures += other.failures;
        self.restarts += other.restarts;
    }
}

/// The caches of the edge at one moment of the run, layer by layer.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EdgeState {
    /// How many there are next to the fans.
    pub pops: u64,
    /// All of these together.
    pub points: CacheState,
    /// The shield behind them, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shield: Option<CacheState>,
    /// Fetches that the origin did not answer in time.
    #[serde(default)]
    pub timeouts: u64,
}

/// A part of the simulated stack that was at 100 % at one moment of the run: all its servers were busy, and
/// somebody waited for one or had been refused.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FullStation {
    /// How many it serves at once.
    pub servers: u64,
    /// Jobs that came in the second before; 0 where they are not counted.
    pub offered: u64,
    /// Jobs that ended in it; likewise.
    pub served: u64,
}

/// A database of the simulated stack that has a capacity, or fails over, at one moment of the run.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseLoad {
    /// Its capacity \[ACU\]; absent where it is not bounded, like the two that follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<f64>,
    /// How many processors it had in the second before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<f64>,
    /// How many of them were busy, in the mean of that second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy_cores: Option<f64>,
    /// Statements that share them.
    pub sharing: u64,
    /// Its connections.
    pub connections: u64,
    /// Those that a statement has.
    pub in_use: u64,
    /// Statements that wait for one.
    pub waiting: u64,
    /// Statements that were carried out so far.
    pub carried_out: u64,
    /// Statements that failed so far: nobody knows what came of them.
    pub failed: u64,
}

/// What the shop says of itself at one moment of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShopSnapshot {
    /// When, from the run's beginning.
    #[schemars(with = "u64")]
    pub at: Time,
    /// Requests that reached the edge so far.
    pub edge: u64,
    /// Requests that reached the origin so far.
    pub origin: u64,
    /// Calls to the payment provider so far.
    pub payment: u64,
    /// Orders and void jobs that are not over.
    pub pending: u64,
    /// Each item's balance, by its name.
    pub items: BTreeMap<String, Balance>,
    /// Each slot's balance, by `sale/slot`.
    pub slots: BTreeMap<String, Balance>,
    /// How its database is getting on, where it has one that several transactions change at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<DatabaseState>,
    /// The database under it, in virtual time where that has a capacity or fails over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_load: Option<DatabaseLoad>,
    /// Its tasks, in virtual time where their number may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<TaskState>,
    /// The load balancer in front of it, in virtual time where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balancer: Option<BalancerState>,
    /// The caches of its edge, where there are several of them, or where they keep or repeat errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caches: Option<EdgeState>,
    /// The parts of the simulated stack that are at 100 %, by name: `edge`, `application`, `connections` (to
    /// the database) and `row` (one that transactions wait for).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub full: BTreeMap<String, FullStation>,
}
