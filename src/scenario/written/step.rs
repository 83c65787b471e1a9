//! `[[step]]`: what fans say to a shop of your own, and how its answers are read, as written.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use domain::law::Law;
use domain::outcome::{Operation, Outcome};
use domain::time::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::fan::behaviour::Retry;
use crate::scenario::written::values::{Json, Pairs, Scalar};

/// A step of the way through your own shop: one request, and how its answer is read.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StepTable {
    /// The step's name, unique in the scenario.
    #[schemars(required)]
    pub name: Option<String>,
    /// What it is; left out: `"other"`.
    #[serde(rename = "as")]
    pub operation: Option<Operation>,
    /// The method; left out: `"POST"` where something is sent, else `"GET"`.
    pub method: Option<String>,
    /// The path, with a query if you like; names in `{{…}}` are filled in.
    #[schemars(required)]
    pub path: Option<String>,
    /// Another host than that of `[target] url`, such as `"https://pay.example:8443"`.
    pub host: Option<String>,
    /// Header fields beside those that `spike` sends itself.
    pub headers: Option<Pairs>,
    /// Parameters of the query, beside those that stand in the path.
    pub query: Option<Pairs>,
    /// The body, as JSON: names in `{{…}}` are filled in inside its texts.
    pub json: Option<Json>,
    /// The body, as a form.
    pub form: Option<Pairs>,
    /// The body, as it is.
    pub body: Option<String>,
    /// What is kept of the answer, by the name that later templates use.
    pub capture: BTreeMap<String, CaptureTable>,
    /// What an answer means: the first of these that fits; none: what its status says.
    pub outcome: Vec<OutcomeTable>,
    /// How long after an answer `waiting` it is asked again, unless the answer says; left out: 1 s.
    pub every: Option<Span>,
    /// How long an answer is waited for or, of a poll, how long is polled in all; left out: the
    /// population's.
    pub timeout: Option<Span>,
    /// How long a fan thinks before it; left out: the population's.
    pub think: Option<Law>,
    /// The chance to take it at all; who does not goes on with the next. Left out: 1.
    #[schemars(range(min = 0, max = 1))]
    pub probability: Option<f64>,
    /// What a refusal leads to; left out: the population's.
    pub retry: Option<Retry>,
    /// How many redirects are followed; left out: 10.
    #[schemars(range(min = 0, max = 50))]
    pub redirects: Option<u8>,
}

/// Where a value stands in an answer: one of `json`, `regex`, `header` and `css`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CaptureTable {
    /// The first value at this path of RFC 9535, such as `"$.order.id"`.
    pub json: Option<String>,
    /// The first match in the body: its first group or, without groups, the whole of it.
    pub regex: Option<String>,
    /// The first field of the head with this name.
    pub header: Option<String>,
    /// The first element of an HTML body that this selector fits, such as
    /// `"input[name=csrf_token]"`.
    pub css: Option<String>,
    /// The attribute of that element; left out: its text.
    pub attr: Option<String>,
    /// Whether an answer may be `ok` without it: the name then keeps what it stood for, at first
    /// nothing. Left out: false, and such an answer is an error.
    pub optional: bool,
}

/// What an answer means, where it fits: its status and what else is asked must both.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OutcomeTable {
    /// The status: `200`, `"2xx"`, `"400-499"`, or a list of these; left out: any.
    pub status: Option<Statuses>,
    /// A value of the body at this path of RFC 9535.
    pub json: Option<String>,
    /// A match in the body: its first group or, without groups, the whole of it.
    pub regex: Option<String>,
    /// A field of the head.
    pub header: Option<String>,
    /// An element of an HTML body.
    pub css: Option<String>,
    /// The attribute of that element; left out: its text.
    pub attr: Option<String>,
    /// What that value must be.
    pub equals: Option<Scalar>,
    /// A regular expression that must match somewhere in it.
    pub matches: Option<String>,
    /// Whether it must be there at all; left out: true.
    pub exists: Option<bool>,
    /// What the answer then is.
    #[schemars(required)]
    pub is: Option<Outcome>,
    /// The step that follows instead of the usual one.
    pub then: Option<String>,
}

/// Statuses that a rule is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statuses(pub Vec<RangeInclusive<u16>>);

/// The status codes there are (RFC 9110 §15), as far as they end an exchange.
const CODES: RangeInclusive<u16> = 200..=599;

impl Statuses {
    fn number<E: de::Error>(code: i64) -> Result<RangeInclusive<u16>, E> {
        let code = u16::try_from(code).ok().filter(|code| CODES.contains(code));
        let code = code.ok_or_else(|| {
            E::custom(
                "an answer's status is a number from 200 to 599: write 200, \"2xx\" or \"400-499\"",
            )
        })?;
        Ok(code..=code)
    }

    fn text<E: de::Error>(text: &str) -> Result<RangeInclusive<u16>, E> {
        let wrong = || {
            E::custom(format!(
                "`{text}` is no status: write 200, \"2xx\", \"400-499\", or a list of these"
            ))
        };
        let text = text.trim();
        if let Some(class) = text.strip_suffix("xx") {
            let class = class.parse::<u16>().ok().filter(|class| (2..=5).contains(class));
            let from = class.ok_or_else(wrong)? * 100;
            return Ok(from..=from + 99);
        }
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let code = |code: &str| {
            let code = code.trim().parse::<u16>().ok();
            code.filter(|code| CODES.contains(code)).ok_or_else(wrong)
        };
        let (from, to) = (code(from)?, code(to)?);
        if from > to { Err(wrong()) } else { Ok(from..=to) }
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> de::Visitor<'de> for OneOrMore {
            type Value = Statuses;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .write_str("a status such as 200, \"2xx\" or \"400-499\", or a list of these")
            }
            fn visit_i64<E: de::Error>(self, code: i64) -> Result<Statuses, E> {
                Statuses::number(code).map(|range| Statuses(vec![range]))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Statuses, E> {
                Statuses::text(text).map(|range| Statuses(vec![range]))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Statuses, A::Error> {
                let mut all = Vec::new();
                while let Some(Statuses(some)) = list.next_element()? {
                    all.extend(some);
                }
                if all.is_empty() {
                    return Err(de::Error::custom(
                        "no status is in the list: leave `status` out for any",
                    ));
                }
                Ok(Statuses(all))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

impl JsonSchema for Statuses {
    fn schema_name() -> Cow<'static, str> {
        "Statuses".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = r"^ *([2-5]xx|[2-5][0-9][0-9]( *- *[2-5][0-9][0-9])?) *$";
        let one = serde_json::json!({
            "anyOf": [
                { "type": "integer", "minimum": 200, "maximum": 599 },
                { "type": "string", "pattern": text }
            ]
        });
        json_schema!({
            "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }],
            "description": "A status: 200, \"2xx\", \"400-499\", or a list of these."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<RangeInclusive<u16>>, String> {
        let table: Result<OutcomeTable, _> = toml::from_str(&format!("status = {text}"));
        table.map(|table| table.status.unwrap().0).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn statuses_are_read_as_people_write_them() {
        assert_eq!(read("200"), Ok(vec![200..=200]));
        assert_eq!(read("\"2xx\""), Ok(vec![200..=299]));
        assert_eq!(read("\"400-499\""), Ok(vec![400..=499]));
        assert_eq!(read("\"503\""), Ok(vec![503..=503]));
        assert_eq!(read("[200, \"3xx\"]"), Ok(vec![200..=200, 300..=399]));
        for wrong in ["2000", "\"6xx\"", "\"499-400\"", "\"ok\"", "[]", "-1", "100", "\"xx\""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
