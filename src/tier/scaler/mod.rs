//! Scalers: what wants more tasks, or fewer, and when.
//!
//! A scaler knows what was measured and says how many tasks are wanted; that they come is the
//! business of [`super::tasks`]. All of it happens at whole seconds of the run.

pub mod autoscaler;
pub mod forecast;
pub mod schedule;
pub mod tracking;
pub mod window;

use domain::time::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::application::Application;
use autoscaler::Autoscaler;
use forecast::Job;
use schedule::Schedule;
use tracking::TargetTracking;
use window::Sample;

/// What a scaler goes by.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// The share of the servers that are busy, in the mean over the tasks in service: it stands for
    /// the CPU's, and is never more than 1.
    Utilisation,
    /// Requests per task and minute (`ALBRequestCountPerTarget`): it has no upper bound, and without
    /// any request there is no value.
    Requests,
}

/// What wants tasks: a schedule and a forecast, and at most one scaler beside them.
#[derive(Clone, Debug)]
pub struct Scaler {
    min: u32,
    max: u32,
    schedule: Schedule,
    forecast: Option<Job>,
    /// The fewest that the forecast wants.
    foreseen: u32,
    policy: Policy,
}

/// The scaler beside schedule and forecast.
#[derive(Clone, Debug)]
enum Policy {
    None,
    Tracking(TargetTracking),
    Autoscaler(Autoscaler),
}

impl Scaler {
    /// Of an application whose sale opens then.
    pub fn new(application: &Application, opens: Time) -> Self {
        let (min, max) = application.bounds();
        let policy = match (&application.tracking, &application.hpa) {
            (Some(tracking), _) => Policy::Tracking(TargetTracking::new(tracking.clone())),
            (None, Some(hpa)) => Policy::Autoscaler(Autoscaler::new(hpa.clone())),
            (None, None) => Policy::None,
        };
        let forecast = application.forecast.clone().map(|forecast| Job::new(forecast, opens));
        let schedule = Schedule::new(&application.schedule, opens);
        Self { min, max, schedule, forecast, foreseen: 0, policy }
    }

    /// How many tasks are wanted from the end of this second on, of which `sample` was taken just now.
    pub fn second(&mut self, at: Time, sample: Sample, desired: u32) -> u32 {
        let mut desired = desired;
        for action in self.schedule.due(at) {
            self.min = action.min.unwrap_or(self.min);
            self.max = action.max.unwrap_or(self.max).max(self.min);
            desired = action.tasks.unwrap_or(desired);
        }
        if let Some(foreseen) = self.forecast.as_mut().and_then(|job| job.second(at)) {
            self.foreseen = foreseen;
            // Where no scaler takes away what is too much, the forecast does.
            if matches!(self.policy, Policy::None) {
                desired = foreseen;
            }
        }
        let min = self.min.max(self.foreseen).min(self.max);
        let desired = desired.clamp(min, self.max);
        let wanted = match &mut self.policy {
            Policy::None => desired,
            Policy::Tracking(tracking) => tracking.second(at, sample, desired, (min, self.max)),
            Policy::Autoscaler(autoscaler) => autoscaler.second(at, sample, desired),
        };
        wanted.clamp(min, self.max)
    }
}

/// How many of `tasks` tasks would be at the target, of which each is at `metric`: rounded up, a
/// billionth of a task aside, which is the arithmetic's.
fn proportional(tasks: u32, metric: f64, target: f64) -> u32 {
    let exact = f64::from(tasks) * metric / target;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a product of what is not negative; what is too large saturates and is bounded later"
    )]
    {
        (exact - 1e-9).ceil() as u32
    }
}

#[cfg(test)]
mod tests;
