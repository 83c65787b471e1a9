//! Target tracking, as ECS services and EC2 Auto Scaling groups have it: a metric once a minute, an
//! alarm above the target and one below, and a pause after each step.
//!
//! No published model of it was found. What is known of the mechanism stands at each setting; that a
//! step is in proportion to the metric, and that nothing overrides a cooldown but the schedule, is how
//! the documentation of AWS is read here: it also says that a larger scale-out may override one.

use std::collections::VecDeque;

use domain::time::{Duration, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::window::{Sample, Window};
use super::{Metric, proportional};

/// A scaler that tracks a target: `stack.application.tracking`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tracking {
    /// What it goes by.
    pub metric: Metric,
    /// What the metric is to be: a share of 1, or requests per task and minute.
    pub target: f64,
    /// A datapoint is the mean over this. `CloudWatch` has metrics of ECS and of load balancers once a
    /// minute; EC2's without detailed monitoring every 5.
    #[serde(default = "minute")]
    pub period: Span,
    /// How long after its end a datapoint is known. An assumption: AWS names no figure, practitioners
    /// see up to a minute.
    #[serde(default)]
    pub metric_delay: Span,
    /// More tasks are wanted when so many datapoints in a row lie above the target: 3, as in the alarms
    /// that ECS makes.
    #[serde(default = "high_datapoints")]
    pub high_datapoints: u32,
    /// Fewer are wanted when so many in a row lie below `low` of the target: 15, likewise. What is missing
    /// is not low: it lets nothing scale in (AWS).
    #[serde(default = "low_datapoints")]
    pub low_datapoints: u32,
    /// The share of the target below which there are too many: 0.9 in the alarms of ECS services, 0.7
    /// in those of EC2 groups, as public stacks show.
    #[serde(default = "low")]
    pub low: f64,
    /// The pause after each step, up or down: 300 s, the default of both.
    #[serde(default = "cooldown")]
    pub cooldown: Span,
}

const fn minute() -> Span {
    Span(Duration::from_mins(1))
}

const fn high_datapoints() -> u32 {
    3
}

const fn low_datapoints() -> u32 {
    15
}

const fn low() -> f64 {
    0.9
}

const fn cooldown() -> Span {
    Span(Duration::from_mins(5))
}

/// The scaler at work.
#[derive(Clone, Debug)]
pub struct TargetTracking {
    settings: Tracking,
    window: Window,
    /// When the present datapoint ends.
    ends: Time,
    /// Datapoints that nobody knows yet, and when they will.
    unknown: VecDeque<(Time, Option<f64>)>,
    /// How many datapoints in a row were above the target, and below the low mark.
    above: u32,
    below: u32,
    /// Until then nothing is changed.
    rests_until: Time,
}

impl TargetTracking {
    /// At the run's beginning.
    pub fn new(settings: Tracking) -> Self {
        Self {
            ends: Time::ZERO + settings.period.0,
            settings,
            window: Window::default(),
            unknown: VecDeque::new(),
            above: 0,
            below: 0,
            rests_until: Time::ZERO,
        }
    }

    /// How many tasks are wanted from the end of this second on: within `bounds`, as `desired` is.
    pub(super) fn second(
        &mut self,
        at: Time,
        sample: Sample,
        desired: u32,
        bounds: (u32, u32),
    ) -> u32 {
        self.window.add(sample);
        if at >= self.ends {
            let value = self.window.take(self.settings.metric);
            self.unknown.push_back((self.ends + self.settings.metric_delay.0, value));
            self.ends += self.settings.period.0;
        }
        match self.unknown.pop_front_if(|(known, _)| *known <= at) {
            Some((_, value)) => self.datapoint(at, value, (sample.tasks, desired), bounds),
            None => desired,
        }
    }

    /// A datapoint is known; how many tasks are wanted now, where `tasks` are in service. What the bounds
    /// do not allow is no step, and begins no pause.
    fn datapoint(
        &mut self,
        at: Time,
        value: Option<f64>,
        (tasks, desired): (u32, u32),
        (min, max): (u32, u32),
    ) -> u32 {
        let Tracking { target, low, high_datapoints, low_datapoints, .. } = self.settings;
        let is_above = value.is_some_and(|value| value > target);
        let is_below = value.is_some_and(|value| value < low * target);
        self.above = if is_above { self.above + 1 } else { 0 };
        self.below = if is_below { self.below + 1 } else { 0 };
        let (Some(value), true) = (value, at >= self.rests_until) else { return desired };
        let wanted = proportional(tasks, value, target).clamp(min, max);
        let scaled = if self.above >= high_datapoints {
            wanted.max(desired)
        } else if self.below >= low_datapoints {
            wanted.min(desired)
        } else {
            desired
        };
        if scaled != desired {
            self.rests_until = at + self.settings.cooldown.0;
        }
        scaled
    }
}
