//! How long and how many: meters, diaries, histograms, the timeline, and the measured part of a
//! summary.

mod at_limit;
mod balancer;
mod breaking;
pub mod calibrate;
mod calls;
pub mod change;
mod connections;
mod database;
mod database_tier;
pub mod delta;
pub mod devices;
pub mod diary;
pub mod distance;
pub mod edge;
mod gap;
mod health;
mod heat;
pub mod interval;
pub mod latency;
mod layers;
mod lots;
pub mod meter;
mod operations;
mod payments;
mod rates;
pub mod recent;
pub mod recorder;
mod recovery;
mod region;
pub mod rooms;
pub mod saga;
pub mod sample;
mod sell_out;
mod series;
pub mod steady;
mod summarize;
mod surge;
mod tasks;
pub mod timeline;
pub mod usl;
pub mod vitals;

pub use at_limit::{AtLimit, Limited, Needed};
pub use balancer::{BalancerSummary, CapacityChange, Rejecting};
pub use breaking::{Breaking, BreakingTier};
pub use connections::ConnectionSummary;
pub use database::{
    Change, DatabaseSummary, LockWaits, PlanSummary, StatementSummary, TableSummary, WaitSummary,
};
pub use database_tier::{BusiestSecond, CapacityUnits, DatabaseTierSummary};
pub use devices::{DeployOutcome, DeviceDatabase, DeviceSummary};
pub use edge::{AgeSummary, EdgeSummary};
pub use gap::GapSummary;
pub use health::{
    Bound, BoundStatus, HealthSummary, LatenessSummary, MachineSummary, RunQueueSummary,
};
pub use heat::{HeatColumn, HeatSummary, ROWS_PER_DECADE, row_begins_ms};
pub use layers::{LayerSummary, LayersSummary, Spell};
pub use payments::{PaymentSummary, Presence};
pub use recovery::{Recovery, RecoveryState};
pub use region::RegionSummary;
pub use rooms::{PoolMachines, RoomSummary, UpdateOutcome};
pub use series::{EventSummary, OutsideSummary, SeriesSummary, ValueSummary, series};
pub use summarize::summarize;
pub use tasks::{NodeSummary, PendingSummary, Saturation, TaskChange, TaskSummary};

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{Aggregated, queue::QueueOutcome, spread::Spread};
use latency::milliseconds;

/// The measured part of `summary.json`. Times are in milliseconds \[ms\], rates per second \[1/s\].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// By operation's word, and `reload.call` for each request of a reload.
    pub operations: BTreeMap<String, OperationSummary>,
    /// By tier: `edge`, `origin`, `payment`, and `checkout` (payment attempts of the fans).
    pub rates: BTreeMap<String, RateSummary>,
    /// By sale.
    pub sales: BTreeMap<String, SaleSummary>,
    /// Connections to the shop; absent in virtual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<ConnectionSummary>,
    /// What the edge in front of a foreign shop did, by step; absent where no answer spoke of one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub edge: BTreeMap<String, EdgeSummary>,
    /// The edge in front of the embedded shop, layer by layer; absent where it is one cache that does
    /// nothing about errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<LayersSummary>,
    /// Orders.
    pub orders: OrderSummary,
    /// Payments, from the provider's ledger.
    pub payments: PaymentSummary,
    /// When parts of the embedded stack were not there, in the order of time; absent where none died.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<GapSummary>,
    /// The database under the shop; absent in virtual time, and where there is one writer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<DatabaseSummary>,
    /// What plain queues came to, by name; absent where there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queues: BTreeMap<String, QueueOutcome>,
    /// What was counted of people who were not told apart, by population; absent where there were none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aggregated: BTreeMap<String, Aggregated>,
    /// What became of devices that hold a connection, by name; absent where there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub devices: BTreeMap<String, DeviceSummary>,
    /// What became of rooms that take machines of a warm pool, by name; absent where there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rooms: BTreeMap<String, RoomSummary>,
    /// What became of the run after its capacity had been taken away for a while, and after surges of arrivals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recoveries: Vec<Recovery>,
    /// What the loss of a region came to; absent where none was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionSummary>,
    /// The application's tasks; absent where their number cannot change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<TaskSummary>,
    /// The load balancer in front of the application; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balancer: Option<BalancerSummary>,
    /// The database of the simulated stack; absent where it has neither a capacity nor failovers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_tier: Option<DatabaseTierSummary>,
    /// Other people's series, of files that were imported; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<SeriesSummary>,
    /// The generator's own health; absent in virtual time.
    pub health: Option<HealthSummary>,
    /// Fans.
    pub fans: FanSummary,
    /// The first tier to break; absent where none did.
    #[serde(default)]
    pub first_to_break: Option<Breaking>,
    /// What was at 100 % and when, in the order in which they first were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_limit: Vec<AtLimit>,
    /// One entry per second of the run.
    pub timeline: Vec<Second>,
    /// One entry per 100 ms from 10 s before to 10 s after the first opening: requests at the edge.
    pub opening: Vec<Tenth>,
}

/// One operation's counts and times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationSummary {
    /// How many were answered or given up.
    pub count: u64,
    /// How many, by outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// From intended to done, over the outcomes that enter percentiles.
    pub response_ms: Option<Percentiles>,
    /// From sent to done, likewise.
    pub service_ms: Option<Percentiles>,
    /// From intended to the first byte of the (first) answer, likewise; absent in virtual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_ms: Option<Percentiles>,
    /// (quantile in \[0, 1\], response time in ms) pairs of the full spectrum, for the report.
    pub spectrum_ms: Vec<(f64, f64)>,
    /// The same of service times; absent where there are none of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_spectrum_ms: Vec<(f64, f64)>,
    /// Response times in the course of the run; absent where nothing was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heat: Option<HeatSummary>,
}

/// The usual percentiles \[ms\].
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Percentiles {
    /// How many values.
    pub count: u64,
    /// Half are at most this.
    pub p50: f64,
    /// 90 %.
    pub p90: f64,
    /// 95 %.
    pub p95: f64,
    /// 99 %.
    pub p99: f64,
    /// 99.9 %.
    pub p99_9: f64,
    /// The longest.
    pub max: f64,
}

/// The usual percentiles of a histogram, if it holds anything.
fn percentiles(histogram: &Histogram<u64>) -> Option<Percentiles> {
    let at = |quantile| milliseconds(histogram.value_at_quantile(quantile));
    (!histogram.is_empty()).then(|| Percentiles {
        count: histogram.len(),
        p50: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        p99_9: at(0.999),
        max: milliseconds(histogram.max()),
    })
}

/// Requests per second at a tier \[1/s\]. Absent is what nobody counted: a foreign shop does not say
/// what passed its caches, nor how often it called its provider.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RateSummary {
    /// The most in any whole second.
    pub peak_per_s: Option<f64>,
    /// From the first to the last request.
    pub mean_per_s: Option<f64>,
    /// In all.
    pub count: Option<u64>,
}

/// A sale's items and slots.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SaleSummary {
    /// When it opened, from the run's beginning \[s\].
    pub opens_s: f64,
    /// When it closed \[s\].
    pub closes_s: f64,
    /// When the last piece of all items was sold, if ever and if that is known \[s\].
    pub sold_out_s: Option<f64>,
    /// Whether all pieces were sold in the end; absent where nobody says.
    #[serde(default)]
    pub sold_out: Option<bool>,
    /// By item.
    pub items: BTreeMap<String, ItemSummary>,
    /// By slot.
    pub slots: BTreeMap<String, SlotSummary>,
    /// How its lottery went; absent where it has none, or where no ledger says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lottery: Option<LotterySummary>,
}

/// How a lottery went, in fans.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LotterySummary {
    /// Fans whose entry was taken.
    pub entries: u64,
    /// Fans who were drawn, in all draws.
    pub winners: u64,
    /// Winners who paid.
    pub paid: u64,
    /// Winners who had not begun to pay by their deadline: what they won was released.
    pub released: u64,
    /// Winners of the draws after the first.
    pub redrawn: u64,
}

/// An item's pieces.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ItemSummary {
    /// Pieces at the start.
    pub stock: u64,
    /// Pieces in paid orders.
    pub sold: u64,
    /// Pieces that could be sold: the least of the stock, the pieces wanted, and what the admitted
    /// rate allows.
    pub sellable: u64,
}

/// A slot's places.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlotSummary {
    /// Places at the start.
    pub capacity: u64,
    /// Places of paid orders.
    pub taken: u64,
}

/// Orders.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderSummary {
    /// Orders the shop wrote down.
    pub attempted: u64,
    /// Orders that were paid.
    pub confirmed: u64,
    /// Paid orders per second from the opening to the last of them \[1/s\]; absent where nobody says
    /// when they were paid, or all were before the opening.
    pub per_s: Option<f64>,
    /// Who says so.
    #[serde(default)]
    pub told_by: Witness,
}

/// Who says how many orders there were.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Witness {
    /// The shop's ledger.
    #[default]
    Ledger,
    /// There is no ledger: the clients, by what they tried and were told.
    Clients,
}

/// Fans.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FanSummary {
    /// How many arrived.
    pub arrived: u64,
    /// How many left, by departure.
    pub departed: BTreeMap<String, u64>,
}

/// One second of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Second {
    /// Its beginning, from the run's beginning \[s\].
    pub at_s: f64,
    /// Operations the fans intended in it (offered).
    pub offered: u64,
    /// Operations sent in it.
    pub sent: u64,
    /// Operations answered or given up in it.
    pub completed: u64,
    /// Checkouts answered `ok` in it (useful).
    pub useful: u64,
    /// Requests at the edge.
    pub edge: u64,
    /// Requests at the origin; absent where nobody counted them.
    pub origin: Option<u64>,
    /// Requests that the load balancer refused; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<u64>,
    /// The share of the database's processors that was busy; absent where they have no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_busy: Option<f64>,
    /// Calls to the provider; absent where nobody counted them.
    pub payment: Option<u64>,
    /// Checkouts the fans sent.
    pub checkout: u64,
    /// Reloads' 99 % response time \[ms\].
    pub reload_p99_ms: Option<f64>,
    /// Free pieces at its end, by item.
    pub free: BTreeMap<String, i64>,
    /// Sold pieces at its end, by item.
    pub sold: BTreeMap<String, i64>,
    /// Fans present at its end.
    pub present: u64,
}

/// A tenth of a second around the opening.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tenth {
    /// Its beginning, from the run's beginning \[s\].
    pub at_s: f64,
    /// Operations sent in it.
    pub sent: u64,
    /// Reloads' 99 % response time \[ms\].
    pub reload_p99_ms: Option<f64>,
}

/// Rounded to 3 decimals: microseconds of milliseconds, and rates that a file can hold the same on
/// every machine.
pub fn round3(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// Rounded to 6 decimals: ratios.
pub fn round6(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Quantiles rounded to 3 decimals.
fn rounded(spread: Spread) -> Spread {
    let Spread { count, p50, p90, p95, p99, p99_9, max } = spread;
    let [p50, p90, p95, p99, p99_9, max] = [p50, p90, p95, p99, p99_9, max].map(round3);
    Spread { count, p50, p90, p95, p99, p99_9, max }
}
