//! From where a simulated stack has its service times, if not from its scenario.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The live run whose times a simulated stack took for its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calibrated {
    /// Its folder, as the user named it.
    pub by: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// Its seed.
    pub seed: u64,
    /// Its scale.
    pub scale: f64,
    /// How many times of each sort it measured, by name.
    pub counts: BTreeMap<String, u64>,
}
