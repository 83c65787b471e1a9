//! Values that may be written in several ways: texts and numbers, lists of them, and any JSON.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// A text, a number, or true or false.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// Text in quotes.
    Text(String),
    /// A number.
    Number(f64),
    /// True or false.
    Truth(bool),
}

impl Scalar {
    /// As it is sent in a form or a query.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => text.into(),
            Self::Number(number) => number.to_string().into(),
            Self::Truth(truth) => truth.to_string().into(),
        }
    }
}

/// Names with their values, in the order of the file; a name whose value is a list stands there
/// once for each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairs(pub Vec<(String, Vec<Scalar>)>);

/// Any JSON but null, which TOML has not; members in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// A text, a number, or true or false.
    Leaf(Scalar),
    /// A whole number, with all its digits.
    Whole(i64),
    /// A list.
    List(Vec<Self>),
    /// An object.
    Object(Vec<(String, Self)>),
}

/// What a date without quotes looks like to serde: a table with this key.
const DATE: &str = "$__toml_private_datetime";

fn no_date<E: de::Error>(key: &str) -> Result<(), E> {
    if key == DATE {
        return Err(E::custom("a bare date is not sent: write it in quotes"));
    }
    Ok(())
}

struct ScalarVisitor;

impl de::Visitor<'_> for ScalarVisitor {
    type Value = Scalar;
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("text, a number, true or false")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }
    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Scalar, E> {
        Ok(Scalar::Truth(truth))
    }
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Scalar, E> {
        // What a number with a point cannot hold exactly is compared and sent as text.
        #[expect(clippy::cast_possible_truncation, reason = "it is compared with what it was")]
        let is_exact = (number as f64) as i64 == number && number.unsigned_abs() < 1 << 53;
        Ok(if is_exact { Scalar::Number(number as f64) } else { Scalar::Text(number.to_string()) })
    }
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// One value, or a list of them.
struct Several(Vec<Scalar>);

impl<'de> Deserialize<'de> for Several {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> de::Visitor<'de> for OneOrMore {
            type Value = Several;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("text, a number, true or false, or a list of these")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Several, E> {
                ScalarVisitor.visit_str(text).map(|one| Several(vec![one]))
            }
            fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Several, E> {
                ScalarVisitor.visit_bool(truth).map(|one| Several(vec![one]))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Several, E> {
                ScalarVisitor.visit_i64(number).map(|one| Several(vec![one]))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Several, E> {
                ScalarVisitor.visit_f64(number).map(|one| Several(vec![one]))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Several, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                Ok(Several(all))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> de::Visitor<'de> for InOrder {
            type Value = Pairs;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a table of names and values")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    no_date(&name)?;
                    pairs.push((name, map.next_value::<Several>()?.0));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> de::Visitor<'de> for Any {
            type Value = Json;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("text, a number, true or false, a list or a table")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Json, E> {
                ScalarVisitor.visit_str(text).map(Json::Leaf)
            }
            fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Json, E> {
                ScalarVisitor.visit_bool(truth).map(Json::Leaf)
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Json, E> {
                Ok(Json::Whole(number))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Json, E> {
                if !number.is_finite() {
                    return Err(E::custom("JSON has no such number"));
                }
                ScalarVisitor.visit_f64(number).map(Json::Leaf)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                Ok(Json::List(all))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    no_date(&name)?;
                    members.push((name, map.next_value()?));
                }
                Ok(Json::Object(members))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl JsonSchema for Scalar {
    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

impl JsonSchema for Pairs {
    fn schema_name() -> Cow<'static, str> {
        "Pairs".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = ["string", "number", "boolean"];
        json_schema!({
            "type": "object",
            "additionalProperties": {
                "anyOf": [{ "type": one }, { "type": "array", "items": { "type": one } }]
            }
        })
    }
}

impl JsonSchema for Json {
    fn schema_name() -> Cow<'static, str> {
        "Json".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean", "array", "object"] })
    }
}
