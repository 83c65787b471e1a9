//! Rates as people write them: `"400/s"`, `"0.9/s"`, `"5k/s"`, `"120/m"`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Events per second \[1/s\]: finite and not negative.
#[derive(Copy, Clone, Debug, Default, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// The rate of `per_s` events per second, if that is finite and not negative.
    pub fn per_second(per_s: f64) -> Option<Self> {
        (per_s.is_finite() && per_s >= 0.0).then_some(Self(per_s))
    }

    /// Events per second \[1/s\].
    pub fn per_s(self) -> f64 {
        self.0
    }
}

/// A text that is not a rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a rate: write a number per second, minute or hour, such as \"400/s\", \"5k/s\" or \"120/m\""
)]
pub struct ParseRateError {
    text: String,
}

impl FromStr for Rate {
    type Err = ParseRateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseRateError { text: text.to_owned() };
        let (number, unit) = text.split_once('/').ok_or_else(error)?;
        let seconds = match unit.trim() {
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return Err(error()),
        };
        let number = number.trim().replace('_', "");
        let (digits, factor) = match number.strip_suffix(['k', 'K']) {
            Some(digits) => (digits.to_owned(), 1e3),
            None => match number.strip_suffix('M') {
                Some(digits) => (digits.to_owned(), 1e6),
                None => (number, 1.0),
            },
        };
        let value: f64 = digits.parse().map_err(|_| error())?;
        Self::per_second(value * factor / seconds).ok_or_else(error)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/s", self.0)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrNumber;
        impl de::Visitor<'_> for TextOrNumber {
            type Value = Rate;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a rate such as \"400/s\", or a number per second")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Rate, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_f64<E: de::Error>(self, per_s: f64) -> Result<Rate, E> {
                Rate::per_second(per_s).ok_or_else(|| {
                    E::custom(format!("`{per_s}` is not a rate: it must be 0 or more"))
                })
            }
            fn visit_i64<E: de::Error>(self, per_s: i64) -> Result<Rate, E> {
                self.visit_f64(per_s as f64)
            }
            fn visit_u64<E: de::Error>(self, per_s: u64) -> Result<Rate, E> {
                self.visit_f64(per_s as f64)
            }
        }
        deserializer.deserialize_any(TextOrNumber)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "number", "minimum": 0 },
                { "type": "string", "pattern": r"^\s*[0-9_.]+\s*[kKM]?\s*/\s*(s|m|h)\s*$" }
            ],
            "description": "A rate: a number per second, or text such as \"400/s\", \"5k/s\" or \"120/m\"."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        for (text, per_s) in [
            ("400/s", 400.0),
            ("0.9/s", 0.9),
            ("5k/s", 5_000.0),
            ("120/m", 2.0),
            ("1M/h", 1e6 / 3_600.0),
        ] {
            assert_eq!(text.parse(), Ok(Rate(per_s)), "{text}");
        }
        for text in ["", "5", "/s", "5/parsec", "-1/s", "many/s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
