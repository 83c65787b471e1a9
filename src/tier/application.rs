//! The application tier as it is written: servers, the tasks that have them, and what changes how
//! many tasks there are.

use domain::law::Law;
use domain::time::{Duration, duration_from_seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outage::Outage;
use super::scaler::autoscaler::Hpa;
use super::scaler::forecast::Forecast;
use super::scaler::schedule::Action;
use super::scaler::tracking::Tracking;
use super::slowdown::Slowdown;
use super::tasks::Start;
use super::tasks::nodes::Nodes;
use super::tasks::reclaim::Reclaim;

/// The application: `[stack.application]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// How many requests it serves at once; with `tasks`, how many each of them does. Left out: `workers` ×
    /// `threads`.
    #[serde(default)]
    pub servers: Option<u32>,
    /// Processes of each task, with a processor each, as those of Puma have: instead of `servers`. A request
    /// then holds a thread until it is answered, and `service` is its time on a processor.
    #[serde(default)]
    pub workers: Option<u32>,
    /// Threads of each worker: 5, the default of Puma on MRI, whose lock lets one at a time use the
    /// processor.
    #[serde(default)]
    pub threads: Option<u32>,
    /// How many may wait, for all tasks together; one more is refused with `error`. Left out: any
    /// number.
    #[serde(default)]
    pub queue: Option<u32>,
    /// How long one request takes a server; with `workers`, a processor.
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
    /// A job by the clock that foresees the fewest tasks by what is known to begin.
    #[serde(default)]
    pub forecast: Option<Forecast>,
    /// What is changed at given times, by hand or by a clock.
    #[serde(default)]
    pub schedule: Vec<Action>,
    /// When its servers are slow, whoever is to blame: the trigger of what may come after.
    #[serde(default)]
    pub slowdowns: Vec<Slowdown>,
    /// When it fails, or a share of its requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outages: Vec<Outage>,
    /// When machines are taken back, as spot instances are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reclaims: Vec<Reclaim>,
}

/// Threads of a worker where nobody says how many (Puma's default on MRI, `0:5`).
const THREADS: u32 = 5;

/// The most tasks that can be wanted.
pub const TASKS_MAX: u32 = 100_000;

impl Application {
    /// Servers at the run's beginning.
    pub fn servers_at_first(&self) -> u32 {
        self.servers_per_task().saturating_mul(self.tasks.unwrap_or(1))
    }

    /// How many requests a task serves at once: its servers, or the threads of its workers.
    pub fn servers_per_task(&self) -> u32 {
        match self.workers {
            Some(workers) => workers.saturating_mul(self.threads_per_worker()),
            None => self.servers.unwrap_or(1),
        }
    }

    /// Threads of each worker.
    pub fn threads_per_worker(&self) -> u32 {
        self.threads.unwrap_or(THREADS)
    }

    /// How many requests a task of workers answers at most \[1/s\], each of which holds its thread for `held_s`
    /// \[s\]: workers · min(threads / held, 1 / work). None where it has servers.
    pub fn task_per_s(&self, held_s: f64) -> Option<f64> {
        let (by_threads, by_processors) = self.bounds_per_s(held_s)?;
        Some(by_threads.min(by_processors))
    }

    /// Likewise, what its threads and what its processors allow \[1/s\].
    pub fn bounds_per_s(&self, held_s: f64) -> Option<(f64, f64)> {
        let workers = f64::from(self.workers?);
        let threads = f64::from(self.threads_per_worker());
        Some((workers * threads / held_s, workers / self.service.mean().as_secs_f64()))
    }

    /// The fewest and the most tasks that are wanted.
    pub fn bounds(&self) -> (u32, u32) {
        (self.min.or(self.tasks).unwrap_or(1), self.max.unwrap_or(TASKS_MAX))
    }

    /// Whether something changes how many tasks there are.
    pub fn scales(&self) -> bool {
        let has_scaler = self.tracking.is_some() || self.hpa.is_some();
        has_scaler || self.forecast.is_some() || !self.schedule.is_empty()
    }

    /// How long before the opening the first of the schedule, of the slowdowns, of the outages or of the
    /// reclaims is due.
    pub fn lead(&self) -> Duration {
        let actions = self.schedule.iter().map(|action| action.at);
        let slowdowns = self.slowdowns.iter().map(|slowdown| slowdown.at);
        let outages = self.outages.iter().map(|outage| outage.at);
        let reclaims = self.reclaims.iter().map(|reclaim| reclaim.at);
        let all = actions.chain(slowdowns).chain(outages).chain(reclaims);
        let early_s = all.map(|at| -at.seconds());
        duration_from_seconds(early_s.fold(0.0, f64::max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn puma(work: &str) -> Application {
        let text = format!(r#"{{ "workers": 4, "tasks": 1, "service": "{work}" }}"#);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_task_answers_what_its_threads_or_its_processors_allow() {
        let per_s = |work: &str, held_s: f64| puma(work).task_per_s(held_s).unwrap();
        assert_eq!(puma("1ms").servers_per_task(), 20);
        for (work, held_s, expected) in [
            ("1ms", 0.1, 200.0),  // 20 threads for 100 ms each
            ("25ms", 0.1, 160.0), // four processors for 25 ms each
            ("20ms", 0.1, 200.0), // both
            ("1ms", 1.0, 20.0),   // a payment of 1 s in the thread: 400 a second take 20 tasks
        ] {
            assert!((per_s(work, held_s) - expected).abs() < 1e-9, "{work} of {held_s} s");
        }
    }
}
