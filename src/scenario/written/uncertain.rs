//! `[uncertain]` as written: keys whose values nobody knows for sure, each with what it may be.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use toml::Value;

/// What a key may be: anything between two values, or one of several.
#[derive(Clone, Debug, PartialEq)]
pub enum UncertainTable {
    /// `{ from = "500ms", to = "900ms" }`.
    Between {
        /// The least.
        from: Value,
        /// The greatest.
        to: Value,
    },
    /// `["row-lock", "unit-rows"]`.
    OneOf(Vec<Value>),
}

const EXPECTED: &str = "{ from = \"500ms\", to = \"900ms\" } or a list of values";

impl<'de> Deserialize<'de> for UncertainTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TableOrList;
        impl<'de> de::Visitor<'de> for TableOrList {
            type Value = UncertainTable;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(EXPECTED)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> Result<UncertainTable, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(UncertainTable::OneOf(values))
            }
            fn visit_map<A: de::MapAccess<'de>>(
                self,
                mut table: A,
            ) -> Result<UncertainTable, A::Error> {
                let (mut from, mut to) = (None, None);
                while let Some(key) = table.next_key::<String>()? {
                    match key.as_str() {
                        "from" => from = Some(table.next_value()?),
                        "to" => to = Some(table.next_value()?),
                        _ => {
                            return Err(de::Error::custom(format!(
                                "`{key}` says nothing of what a value may be: write {EXPECTED}, and \
                                 the whole path of the key in quotes"
                            )));
                        }
                    }
                }
                match (from, to) {
                    (Some(from), Some(to)) => Ok(UncertainTable::Between { from, to }),
                    _ => Err(de::Error::custom(format!("both ends are needed: write {EXPECTED}"))),
                }
            }
        }
        deserializer.deserialize_any(TableOrList)
    }
}

impl JsonSchema for UncertainTable {
    fn schema_name() -> Cow<'static, str> {
        "UncertainTable".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {
                    "type": "object",
                    "properties": {
                        "from": {
                            "type": ["number", "string"],
                            "description": "The least that it may be: a number, a length of time, a moment or a rate."
                        },
                        "to": {
                            "type": ["number", "string"],
                            "description": "The greatest that it may be, in the same unit."
                        }
                    },
                    "required": ["from", "to"],
                    "additionalProperties": false
                },
                { "type": "array", "minItems": 2, "maxItems": 20 }
            ],
            "description": "What a key may be: anything between two values, or one of several."
        })
    }
}
