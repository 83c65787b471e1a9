//! Tasks of the application: those in service, those that start, and those that wait for a place.

pub mod nodes;

use std::collections::BTreeMap;

use domain::law::Law;
use domain::rate::Rate;
use domain::time::{Duration, Span, Time, duration_from_seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use nodes::{Nodes, Places};

/// How a task comes into service: `stack.application.start`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Start {
    /// From its launch until it could serve: its image is pulled, its program starts. Left out: 60 s,
    /// an assumption: the first of many containers on Fargate were seen after 30 s, and programs that
    /// take a minute to start are common.
    pub boot: Law,
    /// From there until requests are sent to it: health checks. Left out: it is part of `boot`. A new
    /// target of an ALB needs up to 150 s with the defaults (five checks, 30 s apart).
    pub health: Span,
    /// How many tasks can be launched at once: 100, the quota of Fargate.
    pub burst: u32,
    /// How many can be launched in the long run: `"20/s"`, likewise. It was `"1/s"` after 10 in 2020.
    pub rate: Rate,
    /// Tasks of a warm pool, which serve at once; for each that is taken another boots into the pool.
    pub warm: u32,
}

impl Default for Start {
    fn default() -> Self {
        Self {
            boot: Law::Constant(Duration::from_mins(1)),
            health: Span::default(),
            burst: 100,
            rate: Rate::per_second(20.0).expect("it is finite"),
            warm: 0,
        }
    }
}

/// The tasks of one application.
///
/// Always: in service + starting + waiting = desired.
#[derive(Clone, Debug)]
pub struct Tasks {
    start: Start,
    places: Option<Places>,
    in_service: u32,
    /// How many come into service when.
    starting: Moments,
    /// Those that wait for a place on a node.
    waiting: u32,
    warm: u32,
    /// How many come into the warm pool when.
    warming: Moments,
    /// When the launches so far would be over, at the long-run rate (GCRA).
    launched: Time,
}

/// Draws a length of time by a law.
pub type Sampler<'a> = &'a mut dyn FnMut(Law) -> Duration;

impl Tasks {
    /// `in_service` of them, on `nodes` where there are some.
    pub fn new(start: Start, nodes: Option<&Nodes>, in_service: u32) -> Self {
        Self {
            places: nodes.map(|nodes| Places::new(nodes.clone(), in_service)),
            warm: start.warm,
            start,
            in_service,
            starting: Moments::default(),
            waiting: 0,
            warming: Moments::default(),
            launched: Time::ZERO,
        }
    }

    /// Those that serve.
    pub fn in_service(&self) -> u32 {
        self.in_service
    }

    /// Those that were wanted last.
    pub fn desired(&self) -> u32 {
        self.in_service + self.starting.count() + self.waiting
    }

    /// So many are wanted. Those that are too many end: first who waits, then who starts, the latest
    /// first, then who serves.
    pub fn want(&mut self, at: Time, desired: u32, sample: Sampler<'_>) {
        let before = self.desired();
        match desired.checked_sub(before) {
            Some(more) => self.add(at, more, sample),
            None => self.remove(before - desired),
        }
    }

    /// Time has come to `at`: who is ready serves.
    pub fn advance(&mut self, at: Time, sample: Sampler<'_>) {
        self.in_service += self.starting.until(at);
        self.warm += self.warming.until(at);
        let found = match &mut self.places {
            Some(places) => places.advance(at, self.waiting),
            None => 0,
        };
        self.waiting -= found;
        self.launch(at, found, sample);
    }

    /// When something is ready next.
    pub fn next_due(&self) -> Option<Time> {
        let nodes = self.places.as_ref().and_then(Places::next_due);
        [self.starting.first(), self.warming.first(), nodes].into_iter().flatten().min()
    }

    fn add(&mut self, at: Time, more: u32, sample: Sampler<'_>) {
        let warm = more.min(self.warm);
        self.warm -= warm;
        self.in_service += warm;
        let cold = more - warm;
        let placed = match &mut self.places {
            Some(places) => places.take(at, cold, self.waiting, sample),
            None => cold,
        };
        self.waiting += cold - placed;
        self.launch(at, placed, sample);
        for _ in 0..warm {
            let ready = self.ready(at, sample);
            self.warming.add(ready);
        }
    }

    fn launch(&mut self, at: Time, tasks: u32, sample: Sampler<'_>) {
        for _ in 0..tasks {
            let ready = self.ready(at, sample);
            self.starting.add(ready);
        }
    }

    /// When a task that is asked for now is ready.
    fn ready(&mut self, at: Time, sample: Sampler<'_>) -> Time {
        let apart = 1.0 / self.start.rate.per_s();
        let burst = duration_from_seconds(apart * f64::from(self.start.burst));
        self.launched = self.launched.max(at) + duration_from_seconds(apart);
        let launched = self.launched.before(burst).max(at);
        launched + sample(self.start.boot) + self.start.health.0
    }

    fn remove(&mut self, fewer: u32) {
        let unplaced = fewer.min(self.waiting);
        self.waiting -= unplaced;
        let placed = fewer - unplaced;
        let started = placed - self.starting.drop_latest(placed);
        self.in_service -= started;
        if let Some(places) = &mut self.places {
            places.give_back(placed);
        }
    }
}

/// How many when.
#[derive(Clone, Debug, Default)]
struct Moments(BTreeMap<Time, u32>);

impl Moments {
    fn count(&self) -> u32 {
        self.0.values().sum()
    }

    fn first(&self) -> Option<Time> {
        self.0.first_key_value().map(|(at, _)| *at)
    }

    fn add(&mut self, at: Time) {
        *self.0.entry(at).or_default() += 1;
    }

    /// Takes out those until `at`; how many.
    fn until(&mut self, at: Time) -> u32 {
        let mut count = 0;
        while let Some(entry) = self.0.first_entry().filter(|entry| *entry.key() <= at) {
            count += entry.remove();
        }
        count
    }

    /// Takes out at most so many, the latest first; how many.
    fn drop_latest(&mut self, most: u32) -> u32 {
        let mut left = most;
        while left > 0
            && let Some(mut entry) = self.0.last_entry()
        {
            let dropped = left.min(*entry.get());
            left -= dropped;
            *entry.get_mut() -= dropped;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
        most - left
    }
}
