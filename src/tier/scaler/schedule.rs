//! What is changed at given times: by hand, or by a clock as a scheduled action is.

use std::collections::VecDeque;

use domain::time::{Offset, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A change at a given time: `stack.application.schedule`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// When, from the first opening; at the whole second that follows. It waits for no cooldown.
    pub at: Offset,
    /// From then on the fewest tasks that are wanted (a scheduled action).
    #[serde(default)]
    pub min: Option<u32>,
    /// From then on the most.
    #[serde(default)]
    pub max: Option<u32>,
    /// So many tasks are wanted then (somebody sets it by hand); a scaler may change it again.
    #[serde(default)]
    pub tasks: Option<u32>,
}

/// Changes in the order of time.
#[derive(Clone, Debug)]
pub struct Schedule {
    actions: VecDeque<(Time, Action)>,
}

impl Schedule {
    /// Of a sale that opens then. What is due before the run's beginning is due in its first second.
    pub fn new(actions: &[Action], opens: Time) -> Self {
        let mut actions: Vec<_> =
            actions.iter().map(|action| (action.at.from(opens), *action)).collect();
        actions.sort_by_key(|(at, _)| *at);
        Self { actions: actions.into() }
    }

    /// Those that are due by then and were not told of before.
    pub fn due(&mut self, at: Time) -> Vec<Action> {
        let mut due = Vec::new();
        while let Some((_, action)) = self.actions.pop_front_if(|(when, _)| *when <= at) {
            due.push(action);
        }
        due
    }
}
