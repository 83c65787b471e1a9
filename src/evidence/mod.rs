//! What a run leaves behind for the judge: attempts, purchases, snapshots, ledgers.

mod aggregated;
mod complaint;
mod connection;
pub mod demand;
pub mod devices;
pub mod gap;
pub mod ledgers;
#[cfg(test)]
mod lines;
pub(crate) mod names;
mod never_begun;
pub mod queue;
pub mod read;
mod record;
mod region;
pub mod rooms;
pub(crate) mod rows;
pub mod series;
pub mod spread;
mod tape;
mod task_wait;
mod trigger;
mod whole;

pub use aggregated::Aggregated;
pub use complaint::{Complaint, ComplaintKind, Example};
pub use connection::ConnectionFailure;
use devices::DeviceRecord;
use gap::Gap;
use ledgers::Ledgers;
#[cfg(test)]
pub(crate) use lines::Lines;
pub use never_begun::NeverBegun;
use queue::QueueOutcome;
pub use region::RegionRecord;
use rooms::RoomRecord;
pub use tape::Scratch;
pub use task_wait::TaskWait;
pub use trigger::Trigger;
pub use whole::Evidence;

use std::collections::{BTreeMap, BTreeSet};

use domain::id::FanId;
use domain::money::Amount;
use domain::outcome::{Departure, Operation, Outcome};
use domain::shop::Short;
use domain::time::{Duration, Time};
use serde::{Deserialize, Serialize};

/// One operation of one fan, answered or given up: `intended ≤ sent ≤ first_byte ≤ done`.
///
/// Response time is `done − intended`, service time `done − sent`, lateness `sent − intended`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Who.
    pub fan: FanId,
    /// What.
    pub operation: Operation,
    /// When it was to be sent.
    pub intended: Time,
    /// When its first byte was handed to the network (or a connection for it was begun).
    pub sent: Time,
    /// When the first byte of its first answer came. Absent where none came, and in virtual time,
    /// where an answer is there at once and whole.
    pub first_byte: Option<Time>,
    /// When its last byte came, or its deadline passed.
    pub done: Time,
    /// What came of it.
    pub outcome: Outcome,
}

/// One line of `purchases.jsonl`: what the clients saw. Append-only, in order of `at`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PurchaseLine {
    /// A purchase operation: cart, checkout or poll.
    Attempt {
        /// Who.
        fan: FanId,
        /// The purchase intent.
        intent: String,
        /// The idempotency key of this purchase.
        key: String,
        /// What.
        operation: Operation,
        /// The item.
        item: String,
        /// The slot.
        slot: Option<String>,
        /// Pieces.
        quantity: u32,
        /// The money it is about.
        amount: Amount,
        /// When it was to be sent \[ns since the run began\].
        intended: Time,
        /// When it was sent.
        sent: Time,
        /// When it was answered or given up.
        done: Time,
        /// What came of it.
        outcome: Outcome,
        /// What was short, if it was sold out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        short: Option<Short>,
    },
    /// The first time a fan sees that something is no longer, or again, available.
    Seen {
        /// Who.
        fan: FanId,
        /// When it asked for what it sees; in runs of earlier versions the run's beginning.
        #[serde(default)]
        sent: Time,
        /// When it saw it.
        at: Time,
        /// The items it sees as available.
        items: Vec<String>,
    },
    /// A fan leaves that had entered the funnel, or had been refused outside of it.
    Departed {
        /// Who.
        fan: FanId,
        /// When.
        at: Time,
        /// How.
        departure: Departure,
        /// The item it wanted.
        item: String,
        /// The pieces it wanted.
        quantity: u32,
        /// Whether the last thing that it asked for was refused, or failed.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        refused: bool,
    },
}

impl PurchaseLine {
    /// When the line was written: its last moment.
    pub const fn at(&self) -> Time {
        match self {
            Self::Attempt { done, .. } => *done,
            Self::Seen { at, .. } | Self::Departed { at, .. } => *at,
        }
    }
}

/// How a run ended, for the judge.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// The run's beginning in UTC \[ns\]; 0 in virtual time.
    pub began_utc_ns: u64,
    /// When the last fan left and nothing more was sent.
    pub load_ended: Time,
    /// When the ledgers were read.
    pub judged: Time,
    /// Whether the shop was left alone as long as its time to live, sweeps, backlog and retries
    /// need, or was seen to have nothing pending.
    pub drained: bool,
    /// Whether the run ended before its time: its user cut it short, or it was broken off.
    pub aborted: bool,
    /// Why the run never began, if it did not: then there is nothing else to judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never_begun: Option<NeverBegun>,
    /// Why it was broken off for the shop's sake, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_off: Option<String>,
    /// When parts of the embedded stack were not there, in the order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// What was done to the stack, in virtual time, in the order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// Why a ledger could not be read, a sentence each: `provider: connection refused`.
    pub unreadable: Vec<String>,
    /// Why a ledger is not there to be read, in the same form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
    /// Why the generator doubts its own reading, a sentence each.
    #[serde(default)]
    pub doubts: Vec<String>,
    /// What could not be understood in a foreign shop's answers, or not be said to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub complaints: Vec<Complaint>,
    /// Why what the run left in a foreign shop was not removed as its scenario says, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_dirty: Option<String>,
    /// How far the ledgers go, of a foreign shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledgers: Option<Ledgers>,
    /// What plain queues came to, by name; in virtual time alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queues: BTreeMap<String, QueueOutcome>,
    /// What became of devices that hold a connection, by name; in virtual time alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub devices: BTreeMap<String, DeviceRecord>,
    /// How long tasks were wanted before they served, in virtual time, where they run on nodes or machines
    /// were taken back: in the order of serving, and then those that did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub task_waits: Vec<TaskWait>,
    /// What was counted of people who were not told apart, by population; in virtual time alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aggregated: BTreeMap<String, Aggregated>,
    /// What became of the region that was lost; in virtual time alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionRecord>,
    /// What became of rooms that take machines of a warm pool, by name; in virtual time alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rooms: BTreeMap<String, RoomRecord>,
    /// The size of each file of evidence when it had been written, by its name \[bytes\]: another size
    /// is damage.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub written: BTreeMap<String, u64>,
}

impl Ending {
    /// Why the ledger of `name` cannot be had whole, if that was found.
    pub fn why_lacking(&self, name: &str) -> Option<&str> {
        let mut whys = self.unreadable.iter().chain(&self.absent);
        whys.find_map(|why| why.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// What the judge must know of the scenario beside its catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// How many orders can be paid per second.
    pub admitted: Admitted,
    /// How long the opening lasts, as a phase of the run.
    pub opening: Duration,
    /// How long after its end a reservation may still be held: the sweeper's period and a little.
    pub grace: Duration,
    /// How long the edge may give an answer again that it had before.
    pub edge_ttl: Duration,
    /// The sales, by id, whose opening no shop could know: it counts from the run's beginning.
    pub unannounced: BTreeSet<String>,
}

/// How long the opening lasts unless a scenario says otherwise: what people call the first
/// moment of a sale, and long enough for five-second windows to slide in.
pub const OPENING: Duration = Duration::from_secs(10);

/// How long after its end a reservation may still be held unless a scenario says otherwise: the
/// default sweeper comes once a second, and a busy one may come late.
pub const GRACE: Duration = Duration::from_secs(5);

impl Default for Facts {
    fn default() -> Self {
        Self {
            admitted: Admitted::Unbounded,
            opening: OPENING,
            grace: GRACE,
            edge_ttl: Duration::from_secs(1),
            unannounced: BTreeSet::new(),
        }
    }
}

/// How many orders can be paid per second.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub enum Admitted {
    /// Nothing is known that bounds them.
    #[default]
    Unbounded,
    /// The shop lets that many of all sales together through \[orders/s\].
    ByShop {
        /// Orders per second.
        orders_per_s: f64,
    },
    /// The shop lets that many of each sale through \[orders/s\].
    BySale {
        /// Orders per second of one sale.
        orders_per_s: f64,
        /// What the provider allows all sales together, if that is bounded.
        together_per_s: Option<f64>,
    },
    /// The provider's limit R over the k calls of an order allows that many \[orders/s\].
    ByProvider {
        /// Orders per second.
        orders_per_s: f64,
    },
}

impl Admitted {
    /// Orders per second \[1/s\] of a sale that has that share of what sales have together, if bounded.
    pub fn of_a_sale(self, share: f64) -> Option<f64> {
        match self {
            Self::Unbounded => None,
            Self::ByShop { orders_per_s } | Self::ByProvider { orders_per_s } => {
                Some(orders_per_s * share)
            }
            Self::BySale { orders_per_s, together_per_s } => {
                let together = together_per_s.map_or(f64::INFINITY, |together| together * share);
                Some(orders_per_s.min(together))
            }
        }
    }

    /// Whether the shop lets through no more than so many.
    pub const fn is_gated(self) -> bool {
        matches!(self, Self::ByShop { .. } | Self::BySale { .. })
    }
}
