//! Objectives on a region that is lost: `"outage" = "< 5m"`, `"lost orders" = "<= 0"`.

use super::ObjectiveProblem;
use super::reading::Unit;
use crate::measure::{RecoveryState, RegionSummary};

/// What an objective reads of a region that was lost.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RegionReading {
    /// `outage`: from when it was lost until good answers were back \[ms\].
    Outage,
    /// `lost orders`: paid ones that the region which serves in the end knows nothing of.
    LostOrders,
}

impl RegionReading {
    pub(super) fn parse(words: &[&str]) -> Option<Self> {
        match words {
            ["outage"] => Some(Self::Outage),
            ["lost", "orders"] => Some(Self::LostOrders),
            _ => None,
        }
    }

    /// Whether it is a length of time.
    pub const fn is_time(self) -> bool {
        matches!(self, Self::Outage)
    }

    pub(super) fn bound(self, text: &str) -> Result<f64, ObjectiveProblem> {
        let unit = if self.is_time() { Unit::Milliseconds } else { Unit::Count };
        unit.bound(text)
    }

    /// What was seen.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn value(self, region: Option<&RegionSummary>) -> Result<f64, String> {
        let region = region.ok_or("no region was lost")?;
        match (self, region.state, &region.reason) {
            (Self::LostOrders, ..) => Ok(region.lost_orders as f64),
            (Self::Outage, RecoveryState::NotAssessed, reason) => {
                Err(reason.clone().unwrap_or_else(|| "nobody can say".to_owned()))
            }
            (Self::Outage, ..) => Ok(region.outage_s.map_or(f64::INFINITY, |lasted| lasted * 1e3)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Objective, Subject};
    use super::*;

    #[test]
    fn an_outage_is_a_length_of_time_and_lost_orders_are_a_count() {
        let read = |key, value| {
            let objective = Objective::parse(key, value).unwrap();
            (objective.subject, objective.bound)
        };
        assert_eq!(read("outage", "< 5m"), (Subject::Region(RegionReading::Outage), 300_000.0));
        assert_eq!(read("lost orders", "<= 2"), (Subject::Region(RegionReading::LostOrders), 2.0));
        for (key, value) in
            [("outage", "< 5"), ("lost orders", "<= 2s"), ("outage in sale", "< 5m")]
        {
            Objective::parse(key, value).unwrap_err();
        }
    }

    #[test]
    fn what_never_came_back_misses_every_bound_and_what_nobody_can_say_is_not_read() {
        let region = RegionSummary {
            lost_s: 300.0,
            serves_again_s: 450.0,
            promoted_s: Some(450.0),
            back_s: None,
            outage_s: Some(163.0),
            state: RecoveryState::Recovered,
            reason: None,
            cut: 3,
            unheard: 70,
            lost_orders: 2,
        };
        let outage = |region: &RegionSummary| RegionReading::Outage.value(Some(region));
        assert_eq!(outage(&region), Ok(163_000.0));
        let never = RegionSummary { outage_s: None, state: RecoveryState::Slow, ..region.clone() };
        assert_eq!(outage(&never), Ok(f64::INFINITY));
        let unknown = RegionSummary { state: RecoveryState::NotAssessed, ..never };
        assert_eq!(outage(&unknown), Err("nobody can say".to_owned()));
        assert_eq!(RegionReading::LostOrders.value(Some(&unknown)), Ok(2.0));
        assert_eq!(RegionReading::Outage.value(None), Err("no region was lost".to_owned()));
    }
}
