//! A scenario as written: the tables and keys of the file, before anything is checked.
//!
//! Every key is optional here, so that what is missing is told with its place and together with
//! all else that is wrong. The comments are the schema's descriptions (`spike schema`).

pub mod devices;
pub mod queue;
pub mod rooms;
pub mod step;
pub mod target;
pub mod uncertain;
pub mod values;

use core::net::IpAddr;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use domain::law::Law;
use domain::shop::Redraw;
use domain::time::{Offset, Span};
use mock_provider::settings::Overrides as ProviderTable;
use reference_shop::settings::Settings as ShopTable;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::arrival::Arrive;
use crate::audit::AuditSettings;
use crate::fan::behaviour::{Reload, Retry, SoldOut, Winner};
use crate::scenario::wire::{Protocol, Tls};
use crate::tier::Stack;
use devices::DevicesTable;
use queue::QueueTable;
use rooms::RoomsTable;
use step::StepTable;
use target::{LedgerTable, SetupTable, TargetTable};
use uncertain::UncertainTable;

/// A scenario of `spike`: who comes when, what is for sale, how the shop and the payment provider
/// behave, and what is asked of them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    /// The version of this language: 1.
    #[schemars(range(min = 1, max = 1))]
    pub schema: Option<u32>,
    /// The scenario's name: letters, digits, `-`, `_` and `.`; reports lie in a folder of this
    /// name.
    #[schemars(required, regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$"))]
    pub name: Option<String>,
    /// A title for people; left out: the name.
    pub title: Option<String>,
    /// Every choice of every fan hangs on this number; left out: 1.
    pub seed: Option<u64>,
    /// The time zone in which instants are shown, such as `Asia/Tokyo`; left out: `UTC`.
    pub timezone: Option<String>,
    /// How `spike run` lives the scenario on this machine.
    pub live: LiveTable,
    /// The sales: items and pickup slots that open together; one at least, but where there are queues,
    /// devices or rooms alone.
    #[schemars(length(min = 1))]
    pub sale: Vec<SaleTable>,
    /// The populations: fans, staff, bots; likewise.
    #[schemars(length(min = 1))]
    pub fans: Vec<FansTable>,
    /// The embedded reference shop.
    pub shop: ShopTable,
    /// Your own shop, instead of the embedded one.
    pub target: Option<TargetTable>,
    /// What is done before a run against your own shop.
    pub setup: SetupTable,
    /// The way through your own shop, step by step.
    pub step: Vec<StepTable>,
    /// What your own shop and its payment provider wrote down.
    pub ledger: LedgerTable,
    /// The mock payment provider.
    pub provider: ProviderTable,
    /// The stack that the simulator stands in for.
    pub stack: Stack,
    /// Plain queues, to hold the simulator against textbooks.
    pub queue: Vec<QueueTable>,
    /// Devices that hold a connection and reconnect, in virtual time.
    pub devices: Vec<DevicesTable>,
    /// Rooms that take machines of a warm pool, in virtual time.
    pub rooms: Vec<RoomsTable>,
    /// Service level objectives: what is measured, and what it must be.
    pub objectives: BTreeMap<String, String>,
    /// What is asked of the judge.
    pub audit: AuditSettings,
    /// How the run is divided in time.
    pub phases: PhasesTable,
    /// What nobody knows for sure, by the key as `--set` takes it; drawn for each of several replications.
    #[schemars(extend("maxProperties" = 20))]
    pub uncertain: BTreeMap<String, UncertainTable>,
}

/// How `spike run` lives the scenario on this machine; every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LiveTable {
    /// What people, stock and limits are multiplied by in `spike run`; left out: 1. `simulate` and
    /// `check` use 1; `--scale` overrides both.
    #[schemars(range(min = 0, max = 100))]
    pub scale: Option<f64>,
    /// Threads that make load; left out: one per core.
    #[schemars(range(min = 1, max = 256))]
    pub threads: Option<u16>,
    /// Connections to the shop: `"per-fan"`, `"per-operation"`, or `{ pool = 200 }` for all fans
    /// together; left out: `"per-fan"`.
    pub connections: Option<Connections>,
    /// Processes that make load, all together with the threads above; left out: as many as open
    /// files need, at least 1.
    #[schemars(range(min = 1, max = 256))]
    pub processes: Option<u16>,
    /// Addresses of this machine that connections leave from, in turn; left out: the one that the
    /// system takes, and as many loopback addresses as ports need where the shop is on this
    /// machine.
    #[schemars(length(min = 1, max = 256))]
    pub local_ips: Option<Vec<IpAddr>>,
    /// What is spoken with the shop: `"http/1.1"`, or `"h2"`; left out: `"http/1.1"`.
    pub protocol: Option<Protocol>,
    /// Whether connections are secured: `"off"`, `"full"` (a full handshake each), or `"resumed"` (a
    /// fan that connects again resumes its own session); left out: `"off"`.
    pub tls: Option<Tls>,
    /// How exactly what is due is sent: `"precise"` wakes for each arrival, `"batch"` at most once
    /// per millisecond, `"auto"` chooses by the rate; left out: `"auto"`.
    pub pacing: Option<Pacing>,
    /// Whether cores are kept from halting while the run lasts, so that a virtual machine's host
    /// does not give them away: `"auto"` on virtual machines without a limit of processor time; left
    /// out: `"auto"`.
    pub keep_awake: Option<KeepAwake>,
}

/// Connections to the shop.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Connections {
    /// One per fan, as browsers have.
    #[default]
    PerFan,
    /// A new one for each operation of a fan: nothing is kept alive.
    PerOperation,
    /// So many for all fans together; a wait for one counts as response time.
    Pool(u32),
}

/// Whether cores are kept from halting while a run lasts.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeepAwake {
    /// On a virtual machine, whose host gives halted cores away, unless the process may use less
    /// time than its cores have, as in a container with a limit.
    #[default]
    Auto,
    /// On any machine.
    Always,
    /// They halt when they have nothing to do.
    Never,
}

/// How exactly what is due is sent.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pacing {
    /// `precise` while a load loop sends fewer than 5,000 operations a second, else `batch`.
    #[default]
    Auto,
    /// Each arrival and each end of a sleep wakes the load loop when it is due.
    Precise,
    /// What has become due is sent once per millisecond, in one go: up to a millisecond late, for
    /// less processor time.
    Batch,
}

/// A sale: items and pickup slots that open together.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SaleTable {
    /// The sale's name, unique in the scenario.
    #[schemars(required)]
    pub id: Option<String>,
    /// When it opens: `"+40s"` counts from the run's beginning; an instant is written
    /// `"2026-12-24T12:00:00+09:00"`.
    #[schemars(required)]
    pub opens: Option<String>,
    /// How long it is open.
    #[schemars(required)]
    pub lasts: Option<Span>,
    /// How many pieces one fan may buy; left out: any number.
    #[schemars(range(min = 1))]
    pub limit_per_fan: Option<u32>,
    /// What is for sale, at most 64 items.
    #[schemars(required, length(min = 1, max = 64))]
    pub items: Vec<ItemTable>,
    /// When it can be picked up, at most 64 slots; none: nothing is picked up. A slot is the second
    /// limited resource, reserved together with the pieces.
    #[schemars(length(max = 64))]
    pub slots: Vec<SlotTable>,
    /// How its pieces are given out by lot; left out: to who comes first.
    pub lottery: Option<LotteryTable>,
}

/// A ticket lottery: fans enter, winners are drawn and told all at once, and pay until a deadline.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LotteryTable {
    /// Until when entries are taken, from the opening: `"+20s"`.
    #[schemars(required)]
    pub entries_close: Option<Offset>,
    /// When the winners are drawn and all results are out, from the opening: `"+30s"`.
    #[schemars(required)]
    pub results: Option<Offset>,
    /// How long winners have to pay from then on; what is not paid by then is released.
    #[schemars(required)]
    pub pay_by: Option<Span>,
    /// How often what was not paid is drawn again among those who have not won, each time at the
    /// deadline and with as long to pay; left out: 0.
    #[schemars(range(min = 0, max = 100))]
    pub redraws: Option<u32>,
    /// Whether what was not paid is released before it is drawn again: `"after-release"`, or
    /// `"before-release"`, which sells pieces twice; left out: `"after-release"`.
    pub redraw: Option<Redraw>,
}

/// An item of a sale.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ItemTable {
    /// The item's name, unique in the scenario.
    #[schemars(required)]
    pub id: Option<String>,
    /// How many pieces there are. Only for your own shop it may be left out: then its ledger says.
    #[schemars(range(min = 1, max = 20_000_000))]
    pub stock: Option<u32>,
    /// The price of one piece, in minor units of the scenario's one currency (yen, cents).
    #[schemars(required, range(min = 1, max = 1_000_000_000_000_u64))]
    pub price: Option<u64>,
    /// How much it is wanted, beside the sale's other items; left out: 1.
    #[schemars(range(min = 0))]
    pub demand: Option<f64>,
}

/// A pickup slot of a sale.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SlotTable {
    /// The slot's name, unique in its sale.
    #[schemars(required)]
    pub id: Option<String>,
    /// How many orders can be picked up in it.
    #[schemars(required, range(min = 1, max = 20_000_000))]
    pub capacity: Option<u32>,
}

/// A population: fans, staff, bots.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FansTable {
    /// The population's name, unique in the scenario.
    #[schemars(required)]
    pub name: Option<String>,
    /// The sale they come for; left out: the only one.
    pub sale: Option<String>,
    /// How many people.
    #[schemars(required, range(min = 1, max = 20_000_000))]
    pub count: Option<u32>,
    /// How they arrive.
    #[schemars(required)]
    pub arrive: Option<Arrive>,
    /// How they reload the sale's page.
    pub reload: Option<Reload>,
    /// How long a fan stays after the opening (or after its arrival, if that is later).
    pub patience: Option<Law>,
    /// How long a fan thinks before each step of the funnel.
    pub think: Option<Law>,
    /// The share of the people who must sign in; left out: 0.
    #[schemars(range(min = 0, max = 1))]
    pub login: Option<f64>,
    /// The chance to leave instead of taking the next step of the funnel.
    #[schemars(range(min = 0, max = 1))]
    pub abandon: Option<f64>,
    /// How many pieces are wanted: the weight of 1, 2, 3, … pieces.
    #[schemars(length(min = 1, max = 64))]
    pub pieces: Option<Vec<f64>>,
    /// What a refused or failed operation leads to.
    pub retry: Option<Retry>,
    /// What a sold-out answer leads to.
    pub sold_out: Option<SoldOut>,
    /// What those do who have won in the sale's lottery.
    pub winner: Option<Winner>,
    /// The chance to try one other card after a decline.
    #[schemars(range(min = 0, max = 1))]
    pub other_card: Option<f64>,
    /// How long an answer is waited for; after that the outcome is `unknown`.
    pub timeout: Option<Span>,
    /// How those who wait for the opening are simulated; left out: `event`.
    pub fidelity: Option<Fidelity>,
}

/// How the people of a population are simulated while they wait for the opening and look at the page; no matter to
/// the live world.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fidelity {
    /// Each for himself.
    #[default]
    Event,
    /// Counted by the tick of 10 ms in which they look again: what the edge answers them is no event.
    Aggregate,
}

/// How the run is divided in time; every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PhasesTable {
    /// How long the phase `opening` lasts from each opening on; left out: 10 s. Before it lies
    /// `before`, after it `sale`, and after the last fan `drain`.
    pub opening: Option<Span>,
}

impl<'de> Deserialize<'de> for Connections {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrTable;
        impl<'de> de::Visitor<'de> for WordOrTable {
            type Value = Connections;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("\"per-fan\", \"per-operation\" or { pool = 200 }")
            }
            fn visit_str<E: de::Error>(self, word: &str) -> Result<Connections, E> {
                match word {
                    "per-fan" => Ok(Connections::PerFan),
                    "per-operation" => Ok(Connections::PerOperation),
                    _ => Err(E::custom(format!(
                        "`{word}` says nothing about connections: write \"per-fan\", \
                         \"per-operation\" or {{ pool = 200 }}"
                    ))),
                }
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Connections, A::Error> {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Pool {
                    pool: u32,
                }
                Pool::deserialize(de::value::MapAccessDeserializer::new(map))
                    .map(|table| Connections::Pool(table.pool))
            }
        }
        deserializer.deserialize_any(WordOrTable)
    }
}

impl JsonSchema for Connections {
    fn schema_name() -> Cow<'static, str> {
        "Connections".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": ["per-fan", "per-operation"] },
                {
                    "type": "object",
                    "properties": {
                        "pool": {
                            "type": "integer", "minimum": 1, "maximum": 1_000_000,
                            "description": "So many connections for all fans together; a wait for one counts as response time."
                        }
                    },
                    "required": ["pool"],
                    "additionalProperties": false
                }
            ],
            "description": "Connections to the shop: \"per-fan\", \"per-operation\" (nothing is kept alive), or { pool = 200 } for all fans together."
        })
    }
}
