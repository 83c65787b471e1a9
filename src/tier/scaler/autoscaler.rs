//! The Kubernetes horizontal pod autoscaler (`autoscaling/v2`).
//!
//! Defaults are those of kube-controller-manager's flags and of the API's `behavior`. Pods that are
//! not ready count as idle when it scales up, as there; the five minutes in which a young pod's CPU is
//! not looked at are not modelled, and scaling down has no policy but its window.

use std::collections::VecDeque;

use domain::time::{Duration, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::window::{Sample, Window};
use super::{Metric, proportional};

/// A horizontal pod autoscaler: `stack.application.hpa`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hpa {
    /// What it goes by.
    pub metric: Metric,
    /// What the metric is to be: a share of 1, or requests per pod and minute.
    pub target: f64,
    /// How often it looks (`--horizontal-pod-autoscaler-sync-period`).
    #[serde(default = "sync")]
    pub sync: Span,
    /// How often the metric is measured, over the time since; between, the last value holds (metrics-server's
    /// `--metric-resolution`).
    #[serde(default = "sync")]
    pub scrape: Span,
    /// Nothing is changed while the metric is within this share of the target
    /// (`--horizontal-pod-autoscaler-tolerance`).
    #[serde(default = "tolerance")]
    pub tolerance: f64,
    /// Before it scales up, the least that was wanted within this counts.
    #[serde(default)]
    pub stabilise_up: Span,
    /// Before it scales down, the most that was wanted within this counts
    /// (`--horizontal-pod-autoscaler-downscale-stabilization`).
    #[serde(default = "stabilise_down")]
    pub stabilise_down: Span,
    /// How many pods may be added within `up_period`, if that is more than `up_share` allows.
    #[serde(default = "up_pods")]
    pub up_pods: u32,
    /// What share of the pods may be added within `up_period`, if that is more than `up_pods`.
    #[serde(default = "up_share")]
    pub up_share: f64,
    /// The time that both are for.
    #[serde(default = "sync")]
    pub up_period: Span,
}

const fn sync() -> Span {
    Span(Duration::from_secs(15))
}

const fn tolerance() -> f64 {
    0.1
}

const fn stabilise_down() -> Span {
    Span(Duration::from_mins(5))
}

const fn up_pods() -> u32 {
    4
}

const fn up_share() -> f64 {
    1.0
}

/// The autoscaler at work.
#[derive(Clone, Debug)]
pub struct Autoscaler {
    settings: Hpa,
    window: Window,
    /// When it is measured, and when it looks, next.
    scrapes: Time,
    looks: Time,
    /// The last value.
    value: Option<f64>,
    /// What was wanted when it looked, as far back as a window reaches.
    wanted: VecDeque<(Time, u32)>,
    /// Pods that were added, likewise.
    added: VecDeque<(Time, u32)>,
}

impl Autoscaler {
    /// At the run's beginning.
    pub fn new(settings: Hpa) -> Self {
        Self {
            scrapes: Time::ZERO + settings.scrape.0,
            looks: Time::ZERO + settings.sync.0,
            settings,
            window: Window::default(),
            value: None,
            wanted: VecDeque::new(),
            added: VecDeque::new(),
        }
    }

    /// How many pods are wanted from the end of this second on.
    pub(super) fn second(&mut self, at: Time, sample: Sample, desired: u32) -> u32 {
        self.window.add(sample);
        if at >= self.scrapes {
            self.value = self.window.take(self.settings.metric);
            self.scrapes += self.settings.scrape.0;
        }
        if at < self.looks {
            return desired;
        }
        self.looks += self.settings.sync.0;
        let Some(value) = self.value else { return desired };
        self.look(at, value, sample.tasks, desired)
    }

    fn look(&mut self, at: Time, value: f64, ready: u32, desired: u32) -> u32 {
        let Hpa { target, tolerance, stabilise_up, stabilise_down, .. } = self.settings;
        let wanted = match proportional(ready, value, target) {
            _ if (value / target - 1.0).abs() <= tolerance => desired,
            // Pods that are not ready yet count as idle, and turn nothing down.
            more if value > target => more.max(desired),
            fewer => fewer,
        };
        self.wanted.push_back((at, wanted));
        let longest = stabilise_up.0.max(stabilise_down.0);
        self.wanted.retain(|(then, _)| at.since(*then) <= longest);
        let within = |window: Duration| {
            let recent = self.wanted.iter().filter(move |(then, _)| at.since(*then) <= window);
            recent.map(|(_, wanted)| *wanted)
        };
        let least = within(stabilise_up.0).min().unwrap_or(wanted);
        let most = within(stabilise_down.0).max().unwrap_or(wanted);
        if least > desired { self.up(at, least, desired) } else { most.min(desired) }
    }

    /// As far up as the policies allow.
    fn up(&mut self, at: Time, wanted: u32, desired: u32) -> u32 {
        let Hpa { up_pods, up_share, up_period, .. } = self.settings;
        self.added.retain(|(then, _)| at.since(*then) < up_period.0);
        let added: u32 = self.added.iter().map(|(_, added)| added).sum();
        let at_first = desired.saturating_sub(added);
        let by_share = proportional(at_first, 1.0 + up_share, 1.0);
        let up = wanted.min(by_share.max(at_first.saturating_add(up_pods))).max(desired);
        self.added.push_back((at, up - desired));
        up
    }
}
