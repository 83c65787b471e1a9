//! How long tasks of the simulated application were wanted before they served.

use domain::time::Time;
use serde::{Deserialize, Serialize};

/// Tasks that were wanted at the same moment and came into service at the same one.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskWait {
    /// Since when they were wanted.
    pub wanted: Time,
    /// When they came into service; absent if they had not by the run's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Time>,
    /// How many.
    pub tasks: u64,
}
