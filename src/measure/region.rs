//! What the loss of a region came to.

use domain::time::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{Evidence, RegionRecord};
use crate::measure::recovery::{Recovery, RecoveryState};
use crate::measure::round3;

/// A region that was lost, the one that took over, and what that cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegionSummary {
    /// When it was lost, from the run's beginning \[s\].
    pub lost_s: f64,
    /// When some region served again \[s\].
    pub serves_again_s: f64,
    /// When the standby served \[s\]; absent where it was not called upon.
    pub promoted_s: Option<f64>,
    /// When the region that was lost sold again \[s\]; absent where it did not.
    pub back_s: Option<f64>,
    /// From when it was lost until good answers were back \[s\]; absent if they never were.
    pub outage_s: Option<f64>,
    /// What to call that.
    pub state: RecoveryState,
    /// Why it is not assessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Requests under way in it that nobody answered.
    pub cut: u64,
    /// Requests that went to it when it was lost, and that nobody heard.
    pub unheard: u64,
    /// Paid orders that the region which serves in the end has never heard of.
    pub lost_orders: u64,
}

/// What the loss of a region came to, where one was lost.
pub(super) fn region(evidence: &Evidence, recoveries: &[Recovery]) -> Option<RegionSummary> {
    let record = evidence.ending.region?;
    let seconds = |at: Time| round3(at.seconds());
    let after = recoveries.iter().find(|recovery| recovery.trigger == RegionRecord::TRIGGER);
    let serves_again = record.promoted.into_iter().chain(record.back).min();
    let serves_again_s = seconds(serves_again.unwrap_or(record.lost));
    let lost_s = seconds(record.lost);
    let back_after_s = after.and_then(|recovery| recovery.back_after_s);
    Some(RegionSummary {
        lost_s,
        serves_again_s,
        promoted_s: record.promoted.map(seconds),
        back_s: record.back.map(seconds),
        outage_s: back_after_s.map(|after_s| round3(serves_again_s - lost_s + after_s)),
        state: after.map_or(RecoveryState::NotAssessed, |recovery| recovery.state),
        reason: after.and_then(|recovery| recovery.reason.clone()),
        cut: record.cut,
        unheard: record.unheard,
        lost_orders: record.lost_orders,
    })
}
