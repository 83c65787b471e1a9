//! What was counted of people who were not told apart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the people of one population did while they waited for the opening as one of many.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aggregated {
    /// How often they looked at the page.
    pub looks: u64,
    /// How many calls of theirs the edge answered.
    pub calls: u64,
    /// How many of their looks went on beyond the timeout: who waits for a fetch as one of many waits until it is
    /// answered, and loads what is left of the page, where somebody told apart would have given up.
    #[serde(default)]
    pub beyond_timeout: u64,
}
