//! A plain queue as written: `[[queue]]`.

use std::borrow::Cow;
use std::fmt;

use domain::rate::Rate;
use domain::time::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::tier::queue::Order;

/// A plain queue in virtual time, to hold the simulator against a textbook.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct QueueTable {
    /// The queue's name, unique in the scenario.
    #[schemars(required)]
    pub name: Option<String>,
    /// Who comes.
    #[schemars(required)]
    pub arrivals: Option<ArrivalsTable>,
    /// How long a customer has a server.
    #[schemars(required)]
    pub service: Option<LengthTable>,
    /// How many servers there are; left out: 1.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub servers: Option<u32>,
    /// How many may be there at once, in service and waiting; left out: any number.
    #[schemars(range(min = 1))]
    pub limit: Option<u32>,
    /// How long a customer waits before he gives up; left out: as long as it takes.
    pub patience: Option<LengthTable>,
    /// `"fifo"`: first come, first served; `"sharing"`: all are served at once, and share the servers;
    /// left out: `"fifo"`.
    pub order: Order,
    /// How many customers come before the simulation ends; left out: 1,000,000.
    #[schemars(range(min = 1_000, max = 1_000_000_000))]
    pub customers: Option<u32>,
}

/// The law of a queue's times.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LengthShape {
    /// Always the mean (D).
    Constant,
    /// Exponential (M).
    #[default]
    Exponential,
    /// The sum of `phases` exponential ones (E).
    Erlang,
    /// One of two exponential ones, balanced (H): `cv2`.
    Hyperexponential,
    /// Lognormal: `cv2`, or `sigma`.
    Lognormal,
}

/// Who comes to a queue.
#[derive(Copy, Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ArrivalsTable {
    /// The law of the gaps between arrivals; `"poisson"`: they are exponential; `"closed"`: `population`
    /// customers come, are served, `think` and come again; left out: `"poisson"`.
    pub shape: ArrivalsShape,
    /// How many come, in the mean.
    pub rate: Option<Rate>,
    /// Of `"erlang"`: how many exponential parts a gap has.
    #[schemars(range(min = 1, max = 1_000))]
    pub phases: Option<u32>,
    /// Of `"hyperexponential"` and `"lognormal"`: the squared coefficient of variation of the gaps.
    #[schemars(range(min = 0))]
    pub cv2: Option<f64>,
    /// Of `"closed"`: how many customers there are.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub population: Option<u32>,
    /// Of `"closed"`: how long each thinks before he comes.
    pub think: Option<LengthTable>,
}

/// How customers come.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ArrivalsShape {
    /// Independently of each other (M).
    #[default]
    Poisson,
    /// At equal gaps (D).
    Constant,
    /// At gaps of `phases` exponential parts (E).
    Erlang,
    /// At gaps that are one of two exponential ones, balanced (H): `cv2`.
    Hyperexponential,
    /// At lognormal gaps: `cv2`.
    Lognormal,
    /// So many, who come again and again: `population`, `think`.
    Closed,
}

/// A random length of time: `"1s"` is always the same; a table has a `mean` and a `shape`.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct LengthTable {
    /// Its law; left out in a table: exponential.
    pub shape: LengthShape,
    /// Its mean.
    pub mean: Option<Span>,
    /// Of `erlang`: how many exponential parts it has.
    pub phases: Option<u32>,
    /// Of `hyperexponential` and `lognormal`: its squared coefficient of variation.
    pub cv2: Option<f64>,
    /// Of `lognormal`, instead of `cv2`: the standard deviation of its logarithm.
    pub sigma: Option<f64>,
}

impl<'de> Deserialize<'de> for LengthTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// The keys of a table.
        #[derive(Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        struct Keys {
            shape: LengthShape,
            mean: Option<Span>,
            phases: Option<u32>,
            cv2: Option<f64>,
            sigma: Option<f64>,
        }
        struct TextOrTable;
        impl<'de> de::Visitor<'de> for TextOrTable {
            type Value = LengthTable;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(
                    "a length of time such as \"1s\", or { shape = \"exponential\", mean = \"1s\" }",
                )
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<LengthTable, E> {
                let mean = text.parse::<Span>().map_err(E::custom)?;
                let shape = LengthShape::Constant;
                Ok(LengthTable { shape, mean: Some(mean), ..LengthTable::default() })
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<LengthTable, A::Error> {
                let keys = Keys::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let Keys { shape, mean, phases, cv2, sigma } = keys;
                Ok(LengthTable { shape, mean, phases, cv2, sigma })
            }
        }
        deserializer.deserialize_any(TextOrTable)
    }
}

impl JsonSchema for LengthTable {
    fn schema_name() -> Cow<'static, str> {
        "QueueLength".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let span = generator.subschema_for::<Span>();
        let shape = generator.subschema_for::<LengthShape>();
        json_schema!({
            "anyOf": [
                span,
                {
                    "type": "object",
                    "properties": {
                        "shape": shape,
                        "mean": span,
                        "phases": { "type": "integer", "minimum": 1, "maximum": 1_000 },
                        "cv2": { "type": "number", "minimum": 0 },
                        "sigma": { "type": "number", "minimum": 0 }
                    },
                    "required": ["mean"],
                    "additionalProperties": false
                }
            ],
            "description": "A random length of time of a plain queue: always the same (\"1s\"), or by its mean and its shape: { shape = \"exponential\", mean = \"1s\" }, \"erlang\" with `phases`, \"hyperexponential\" with `cv2`, \"lognormal\" with `cv2` or `sigma`."
        })
    }
}
