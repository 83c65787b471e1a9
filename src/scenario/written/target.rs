//! `[target]`, `[setup]` and `[ledger]`: your own shop, as written.

use std::borrow::Cow;
use std::fmt;

use domain::time::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::scenario::written::Connections;

/// Your own shop, instead of the embedded one.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TargetTable {
    /// Where it is: scheme, host and port, such as `"https://staging.shop.example"`.
    #[schemars(required)]
    pub url: Option<String>,
    /// The hosts that anything may be sent to besides this machine, by name.
    pub allow_hosts: Vec<String>,
    /// Connections to the shop, as in `[live]`, where they may stand instead.
    pub connections: Option<Connections>,
    /// The order that must show up in the provider's ledger before anything else is sent:
    /// `{ item = "canary-item" }`, or `"none"` with a reason. Only a shop on this machine may do
    /// without.
    pub canary: Option<CanaryWritten>,
    /// Why there is no canary; the verdict line prints it.
    pub canary_reason: Option<String>,
    /// The same as `canary_reason`.
    pub reason: Option<String>,
    /// A CSV file beside the scenario with a row for each fan; its first line names the columns.
    pub data: Option<String>,
    /// When the run is broken off for the shop's sake.
    pub abort: AbortTable,
}

/// What proves that the shop pays where it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CanaryWritten {
    /// An order of this item.
    Item(String),
    /// Nothing.
    None,
}

/// When a run is broken off for the shop's sake; every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AbortTable {
    /// The share of answers with a status of 5xx at which nothing more is sent; left out: never.
    #[schemars(range(min = 0, max = 1))]
    pub server_errors: Option<f64>,
    /// The time over which that share is taken; left out: 5 s.
    pub within: Option<Span>,
    /// A file beside the scenario: as soon as there is one of this name, nothing more is sent.
    pub kill_file: Option<String>,
}

/// What is done before the run and after it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SetupTable {
    /// How stock is restored before the run.
    pub reset: Option<HookTable>,
    /// How what the run has left is removed, once the ledgers were read.
    pub cleanup: Option<HookTable>,
}

/// What is done in the shop: one of `sql`, `http` and `command`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HookTable {
    /// Statements in the shop's own database.
    pub sql: Option<String>,
    /// The database of `sql`; left out: that of `[ledger.shop]`.
    pub database: Option<String>,
    /// An address that is sent a `POST` without a body; any answer of 2xx will do.
    pub http: Option<String>,
    /// A command line for the shell, which must end with 0.
    pub command: Option<String>,
}

/// The ledgers of your own shop and of its payment provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LedgerTable {
    /// What the shop wrote down.
    pub shop: Option<ShopLedgerTable>,
    /// What the provider wrote down.
    pub provider: Option<ProviderLedgerTable>,
}

/// Where the shop's rows come from, `sql` or `http`, and the question for each kind of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShopLedgerTable {
    /// The database: `sqlite:///path/shop.db`, `postgres://…` or `mysql://…`; each question is then
    /// a query.
    pub sql: Option<String>,
    /// A server of JSON; each question is then a path whose answer is a list of objects, or JSON
    /// lines.
    pub http: Option<String>,
    /// Columns `item`, `stock` (and `free`).
    pub stock: Option<String>,
    /// Columns `slot`, `capacity`.
    pub slots: Option<String>,
    /// Columns `order_id`, `fan`, `item`, `quantity`, `status`, `payment`, `amount`, `intent`.
    pub orders: Option<String>,
    /// Columns `unit` or `quantity`, `item`, `order_id`, `held_until`.
    pub reservations: Option<String>,
    /// Columns `unit`, `item`, `state`, `order_id`.
    pub units: Option<String>,
    /// Which statuses of an order mean sold.
    pub paid: Option<Vec<String>>,
    /// Which statuses mean that nothing more will happen; left out: those that are paid, and any
    /// other once the shop has been left alone.
    pub terminal: Option<Vec<String>>,
}

/// Where the provider's rows come from: one of `mock`, `sql` and `http`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderLedgerTable {
    /// The administration of a `spike provider`, such as `"http://127.0.0.1:12111"`.
    pub mock: Option<String>,
    /// A database, as in `[ledger.shop]`.
    pub sql: Option<String>,
    /// A server of JSON, as in `[ledger.shop]`.
    pub http: Option<String>,
    /// Columns `payment`, `intent`, `operation`, `amount`: the question for `sql` or `http`.
    pub payments: Option<String>,
}

impl<'de> Deserialize<'de> for CanaryWritten {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrTable;
        impl<'de> de::Visitor<'de> for WordOrTable {
            type Value = CanaryWritten;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("{ item = \"…\" } or \"none\"")
            }
            fn visit_str<E: de::Error>(self, word: &str) -> Result<CanaryWritten, E> {
                match word {
                    "none" => Ok(CanaryWritten::None),
                    _ => Err(E::custom(format!(
                        "`{word}` is no canary: write {{ item = \"{word}\" }}, or \"none\" with \
                         `canary_reason`"
                    ))),
                }
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<CanaryWritten, A::Error> {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Table {
                    item: String,
                }
                Table::deserialize(de::value::MapAccessDeserializer::new(map))
                    .map(|table| CanaryWritten::Item(table.item))
            }
        }
        deserializer.deserialize_any(WordOrTable)
    }
}

impl JsonSchema for CanaryWritten {
    fn schema_name() -> Cow<'static, str> {
        "Canary".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": ["none"] },
                {
                    "type": "object",
                    "properties": {
                        "item": {
                            "type": "string",
                            "description": "The item that is ordered; it need not be for sale."
                        }
                    },
                    "required": ["item"],
                    "additionalProperties": false
                }
            ],
            "description": "{ item = \"canary-item\" }, or \"none\" with `canary_reason`."
        })
    }
}
