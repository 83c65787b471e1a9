//! The limits as they stand, and how they are changed by hand in mid-run.

use domain::limiter::Remaining;
use domain::time::Time;

use super::{Gate, Planned};
use crate::settings::{Change, Limit, LimitName, Problem, check_limits, names};

/// A limit as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitState {
    /// What it is called.
    pub name: String,
    /// The limit.
    pub limit: Limit,
    /// How many have an allowance of their own that is in use.
    pub holders: usize,
    /// What is left: of all allowances the least.
    pub remaining: Remaining,
}

/// A change of a limit that lies ahead.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedChange {
    /// When.
    pub at: Time,
    /// The limit's name.
    pub name: String,
    /// The change.
    pub change: Change,
}

/// Limits that cannot be changed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// There is no such limit.
    #[error("there is no limit `{name}`: they are {}", known.join(", "))]
    Unknown {
        /// The name or place as written.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// Values out of range.
    #[error("{}", lines(.0))]
    Range(Vec<Problem>),
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl Gate {
    /// The limits as they stand `at` that time.
    pub(in crate::rules) fn states(&mut self, at: Time) -> Vec<LimitState> {
        self.change_until(at);
        let state = |barrier: &super::Barrier| {
            let (holders, remaining) = barrier.allowances.least(at);
            let (name, limit) = (barrier.told.limit.clone(), barrier.limit.clone());
            LimitState { name, limit, holders, remaining }
        };
        self.barriers.iter().map(state).collect()
    }

    /// The changes that lie ahead, the next first.
    pub(in crate::rules) fn planned(&self) -> Vec<PlannedChange> {
        let with_name = |planned: &Planned| PlannedChange {
            at: planned.at,
            name: self.barriers[planned.place].told.limit.clone(),
            change: planned.change.clone(),
        };
        self.planned.iter().map(with_name).collect()
    }

    /// Replaces the whole list; a limit that bears the name of one before keeps what was used of
    /// it. The schedule was made for the old list and ends.
    pub(in crate::rules) fn replace(
        &mut self,
        at: Time,
        limits: &[Limit],
    ) -> Result<(), ChangeError> {
        let problems = check_limits(limits, &[]);
        if !problems.is_empty() {
            return Err(ChangeError::Range(problems));
        }
        self.change_until(at);
        self.planned.clear();
        self.put(at, limits);
        Ok(())
    }

    /// Changes one limit by a JSON merge patch; what the schedule says later still comes.
    pub(in crate::rules) fn patch(
        &mut self,
        at: Time,
        name: &str,
        patch: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<(), ChangeError> {
        self.change_until(at);
        let mut limits = self.limits();
        let place = LimitName(name.to_owned())
            .find(&limits)
            .ok_or_else(|| ChangeError::Unknown { name: name.to_owned(), known: names(&limits) })?;
        let patched = limits[place].patched(patch);
        limits[place] = patched.map_err(|problem| ChangeError::Range(vec![problem]))?;
        let ahead = self.planned.iter();
        let schedule: Vec<_> = ahead
            .map(|planned| Change {
                limit: LimitName(planned.place.to_string()),
                ..planned.change.clone()
            })
            .collect();
        let problems = check_limits(&limits, &schedule);
        if !problems.is_empty() {
            return Err(ChangeError::Range(problems));
        }
        self.barriers[place].change(at, limits.swap_remove(place));
        self.name_all();
        Ok(())
    }

    /// The limits in their order.
    pub(in crate::rules) fn limits(&self) -> Vec<Limit> {
        self.barriers.iter().map(|barrier| barrier.limit.clone()).collect()
    }
}
