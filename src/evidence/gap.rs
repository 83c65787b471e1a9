//! A time during which a part of the embedded stack was not there.

use std::fmt;

use domain::time::Time;
use serde::{Deserialize, Serialize};

/// A part that died in mid-run, and when it was back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Which.
    pub part: Part,
    /// When it died.
    pub from: Time,
    /// When it was there again; absent if it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// How it died, and why it did not come back: `killed by signal 9`.
    pub how: String,
}

/// A process of the embedded stack that may die by itself.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The reference shop with its edge.
    Shop,
    /// The mock payment provider.
    Provider,
    /// The `PostgreSQL` server that keeps the stock.
    Postgresql,
    /// The Redis server that keeps the gate.
    Redis,
}

impl Part {
    /// Its name in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shop => "the shop",
            Self::Provider => "the provider",
            Self::Postgresql => "PostgreSQL",
            Self::Redis => "Redis",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
