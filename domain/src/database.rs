//! How a shop's database is getting on, and what it says of itself.

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
    /// The most calls that ever waited for a free one.
    #[serde(default)]
    pub waiting_max: u64,
    /// Moments at which the database was asked who waits for a lock: ten times a second while a
    /// connection is at work.
    #[serde(default)]
    pub lock_looks: u64,
    /// Transactions that waited for a lock, added up over those moments.
    #[serde(default)]
    pub lock_waits: u64,
    /// The most that waited for a lock at one of them.
    #[serde(default)]
    pub lock_waits_max: u64,
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

/// What a database says of itself at one moment, of the tables of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseView {
    /// What its statements took since it keeps count; absent where nobody keeps count of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statements: Option<Vec<StatementTimes>>,
    /// The run's tables.
    pub tables: Vec<TableState>,
    /// Circles of transactions that waited for each other, which it broke, in all of the database.
    pub deadlocks: u64,
    /// The statement that reserves pieces, with values of the run.
    pub reserving: String,
    /// How it would carry that out (`EXPLAIN`), a line each.
    pub plan: Vec<String>,
}

/// What one statement took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementTimes {
    /// The database's number of it.
    pub id: i64,
    /// It, with `$1` for its first value.
    pub statement: String,
    /// How often it was carried out.
    pub calls: u64,
    /// Rows that it found or changed.
    pub rows: u64,
    /// All that it took, waits for locks included \[ns\].
    pub total_ns: u64,
    /// The longest that it took once \[ns\].
    pub max_ns: u64,
}

/// What a table has grown to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableState {
    /// Its name.
    pub table: String,
    /// Rows that are there, as the database estimates.
    pub live_rows: u64,
    /// Rows that were changed or deleted and are not yet cleared away, likewise.
    pub dead_rows: u64,
    /// What it takes on the disk, without its indexes \[bytes\].
    pub bytes: u64,
    /// What its indexes take \[bytes\].
    pub index_bytes: u64,
    /// How often it was cleared of dead rows.
    pub vacuums: u64,
    /// How often statistics were drawn of it for the planner.
    pub analyzes: u64,
}
