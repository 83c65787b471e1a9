//! Names of things that are counted: fans, items, slots, orders, reservations, authorizations.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A fan: which population of the scenario, and which of its members.
///
/// Written `population-index`, for example `0-417`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FanId {
    /// The population's place in the scenario, from 0.
    pub population: u16,
    /// The fan's place in its population, from 0.
    pub index: u32,
}

/// The idempotency key of a fan's purchase number `purchase` (from 0) of its one intent: the same
/// through every retry.
pub fn key_of(fan: FanId, purchase: u8) -> String {
    format!("{fan}-{purchase}")
}

/// The name of the run that began at `utc_ns` \[ns of UTC\]: the milliseconds in base 36, such as
/// `mi9s4k2p`. It marks what a run leaves in a shop that outlives it.
pub fn run_id(utc_ns: u64) -> String {
    let digits: Vec<char> = ('0'..='9').chain('a'..='z').collect();
    let mut left = utc_ns / 1_000_000;
    let mut backwards = Vec::new();
    while left > 0 || backwards.is_empty() {
        backwards.push(digits[(left % 36) as usize]);
        left /= 36;
    }
    backwards.into_iter().rev().collect()
}

/// A text that is not a fan's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a fan: write population-index, such as \"0-417\"")]
pub struct ParseFanIdError {
    text: String,
}

impl fmt::Display for FanId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.population, self.index)
    }
}

impl FromStr for FanId {
    type Err = ParseFanIdError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseFanIdError { text: text.to_owned() };
        let (population, index) = text.split_once('-').ok_or_else(error)?;
        Ok(Self {
            population: population.parse().map_err(|_| error())?,
            index: index.parse().map_err(|_| error())?,
        })
    }
}

impl Serialize for FanId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FanId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// An item's place among all items of the scenario, from 0, across its sales.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemId(pub u16);

/// A pickup slot's place among all slots of the scenario, from 0, across its sales.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SlotId(pub u16);

/// An order of the shop; made only by the shop, from 1.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(pub u64);

/// An authorization of the provider; made only by the provider, from 1.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuthorizationId(pub u64);

impl fmt::Display for ItemId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for AuthorizationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fan_survives_being_written() {
        let fan = FanId { population: 2, index: 417 };
        assert_eq!(fan.to_string().parse(), Ok(fan));
        assert!("417".parse::<FanId>().is_err());
    }

    #[test]
    fn a_run_is_named_after_its_millisecond() {
        assert_eq!(run_id(0), "0");
        assert_eq!(run_id(35_999_999), "z");
        assert_eq!(run_id(36_000_000), "10");
        let now = 1_795_300_000_000_000_000;
        assert_eq!(u64::from_str_radix(&run_id(now), 36), Ok(now / 1_000_000));
    }
}
