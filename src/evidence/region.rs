//! What became of the region that a run lost, as the simulator saw it.

use domain::time::Time;
use serde::{Deserialize, Serialize};

/// A region that was lost, and what it cost.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionRecord {
    /// When it went out of service.
    pub lost: Time,
    /// When the standby served; absent where it was not called upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted: Option<Time>,
    /// When the region sold again; absent where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Time>,
    /// Requests that were under way in it, and that nobody answered.
    pub cut: u64,
    /// Requests that went to it afterwards, and that nobody heard.
    pub unheard: u64,
    /// Paid orders of which the region that serves at the end has never heard.
    pub lost_orders: u64,
}

impl RegionRecord {
    /// What is told of it as the trigger of what came after.
    pub const TRIGGER: &str = "the loss of the region";
}
