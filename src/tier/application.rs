//! The application tier as it is written: servers, the tasks that have them, and what changes how
//! many tasks there are.

use domain::law::Law;
use domain::time::{Duration, duration_from_seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scaler::autoscaler::Hpa;
use super::scaler::schedule::Action;
use super::scaler::tracking::Tracking;
use super::slowdown::Slowdown;
use super::tasks::Start;
use super::tasks::nodes::Nodes;

/// The application: `[stack.application]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// How many requests it serves at once; with `tasks`, how many each of them does.
    pub servers: u32,
    /// How many may wait, for all tasks together; one more is refused with `error`. Left out: any
    /// number.
    #[serde(default)]
    pub queue: Option<u32>,
    /// How long one request takes a server.
    pub service: Law,
    /// How many tasks (containers, pods, machines) there are at the run's beginning; left out: what
    /// there is never changes.
    #[serde(default)]
    pub tasks: Option<u32>,
    /// The fewest tasks that are wanted; left out: `tasks`.
    #[serde(default)]
    pub min: Option<u32>,
    /// The most tasks that are wanted; left out: any number.
    #[serde(default)]
    pub max: Option<u32>,
    /// How a task comes into service.
    #[serde(default)]
    pub start: Start,
    /// The machines that tasks run on; left out: there is room for each (serverless).
    #[serde(default)]
    pub nodes: Option<Nodes>,
    /// A scaler that tracks a target, as ECS services and EC2 groups have.
    #[serde(default)]
    pub tracking: Option<Tracking>,
    /// A Kubernetes horizontal pod autoscaler.
    #[serde(default)]
    pub hpa: Option<Hpa>,
    /// What is changed at given times, by hand or by a clock.
    #[serde(default)]
    pub schedule: Vec<Action>,
    /// When its servers are slow, whoever is to blame: the trigger of what may come after.
    #[serde(default)]
    pub slowdowns: Vec<Slowdown>,
}

/// The most tasks that can be wanted.
pub const TASKS_MAX: u32 = 100_000;

impl Application {
    /// Servers at the run's beginning.
    pub fn servers_at_first(&self) -> u32 {
        self.servers.saturating_mul(self.tasks.unwrap_or(1))
    }

    /// The fewest and the most tasks that are wanted.
    pub fn bounds(&self) -> (u32, u32) {
        (self.min.or(self.tasks).unwrap_or(1), self.max.unwrap_or(TASKS_MAX))
    }

    /// Whether something changes how many tasks there are.
    pub fn scales(&self) -> bool {
        self.tracking.is_some() || self.hpa.is_some() || !self.schedule.is_empty()
    }

    /// How long before the opening the first of the schedule, or of the slowdowns, is due.
    pub fn lead(&self) -> Duration {
        let actions = self.schedule.iter().map(|action| action.at);
        let slowdowns = self.slowdowns.iter().map(|slowdown| slowdown.at);
        let early_s = actions.chain(slowdowns).map(|at| -at.seconds());
        duration_from_seconds(early_s.fold(0.0, f64::max))
    }
}
