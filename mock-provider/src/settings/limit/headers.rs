//! The headers in which a limit speaks of itself.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, IntoDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

/// One style of header, or several at once: `"retry-after"`, `["ratelimit", "stripe"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Headers(pub Vec<HeaderStyle>);

/// How a limit speaks of itself in headers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeaderStyle {
    /// Not at all.
    None,
    /// A refusal says `Retry-After`, in seconds (RFC 9110, section 10.2.3).
    RetryAfter,
    /// Every answer says `RateLimit` and `RateLimit-Policy`, and a refusal `Retry-After` besides
    /// (draft-ietf-httpapi-ratelimit-headers-10).
    Ratelimit,
    /// A refusal says `Stripe-Rate-Limited-Reason` and no `Retry-After`
    /// (docs.stripe.com/rate-limits); one of a lock says neither.
    Stripe,
    /// Every answer says what is left, in headers of the provider's own.
    Vendor(VendorHeaders),
}

/// The names of a provider's own headers; one that has no name is not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VendorHeaders {
    /// Says how many calls would be admitted now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<String>,
    /// Says how many calls a limit at rest admits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// Says in how many seconds all of them are admitted again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset: Option<String>,
}

impl Headers {
    /// Whether one of the styles is `style`.
    pub fn have(&self, style: &HeaderStyle) -> bool {
        self.0.contains(style)
    }

    /// Whether a refusal says when to come back.
    pub fn say_when(&self) -> bool {
        self.have(&HeaderStyle::RetryAfter) || self.have(&HeaderStyle::Ratelimit)
    }

    /// The names of the provider's own headers.
    pub fn vendor(&self) -> impl Iterator<Item = &VendorHeaders> {
        self.0.iter().filter_map(|style| match style {
            HeaderStyle::Vendor(names) => Some(names),
            _ => None,
        })
    }

    /// Whether answers to calls that pass carry anything.
    pub fn are_on_every_answer(&self) -> bool {
        self.have(&HeaderStyle::Ratelimit) || self.vendor().next().is_some()
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrSeveral;
        impl<'de> de::Visitor<'de> for OneOrSeveral {
            type Value = Headers;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a header style or a list of them")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Headers, E> {
                Ok(Headers(vec![HeaderStyle::deserialize(word.into_deserializer())?]))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Headers, A::Error> {
                let style = HeaderStyle::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Headers(vec![style]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Headers, A::Error> {
                let mut styles = Vec::new();
                while let Some(style) = list.next_element()? {
                    styles.push(style);
                }
                Ok(Headers(styles))
            }
        }
        deserializer.deserialize_any(OneOrSeveral)
    }
}

impl JsonSchema for Headers {
    fn schema_name() -> Cow<'static, str> {
        "Headers".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<HeaderStyle>();
        schemars::json_schema!({
            "description": "One style of header, or several at once.",
            "anyOf": [one.clone(), { "type": "array", "items": one }],
        })
    }
}
