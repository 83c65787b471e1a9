//! How a shop's database is getting on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the connections to a shop's database are getting on, counted from the run's beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseState {
    /// How many there are.
    pub connections: u64,
    /// How many are at work now.
    pub busy: u64,
    /// Calls that wait for a free one now.
    pub waiting: u64,
    /// Calls that had one so far.
    pub calls: u64,
    /// How long calls waited for one: half of them at most so long \[ns\].
    pub wait_p50_ns: u64,
    /// 99 % of them at most so long \[ns\].
    pub wait_p99_ns: u64,
    /// The longest wait \[ns\].
    pub wait_max_ns: u64,
    /// Transactions that the database ended for a deadlock or because they could not be put in an
    /// order; each was begun again.
    pub deadlocks: u64,
    /// Optimistic writes that found another version.
    pub conflicts: u64,
    /// Times that unit rows were looked at again before they were said to be sold out.
    pub rechecks: u64,
    /// Connections that broke.
    pub lost: u64,
    /// Calls that failed: what they asked may have been done, or not.
    pub failed: u64,
}
