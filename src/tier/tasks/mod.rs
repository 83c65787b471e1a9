//! Tasks of the application: those in service, those that start, and those that wait for a place.

pub mod autoscaler;
pub mod nodes;
pub mod reclaim;

use std::collections::{BTreeMap, VecDeque};

use domain::law::Law;
use domain::rate::Rate;
use domain::time::{Duration, Span, Time, duration_from_seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use nodes::{Nodes, Places};
use reclaim::Reclaim;

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
/// Always: in service + starting + waiting + lost = desired.
#[derive(Clone, Debug)]
pub struct Tasks {
    start: Start,
    places: Option<Places>,
    in_service: u32,
    /// Those that come into service, by when: since when each was wanted.
    starting: BTreeMap<Time, Vec<Time>>,
    /// Those that wait for a place on a node: since when each was wanted, in that order.
    waiting: VecDeque<Time>,
    /// Those that are gone without anybody knowing, by when that is found out.
    lost: Moments,
    warm: u32,
    /// How many come into the warm pool when.
    warming: Moments,
    /// When the launches so far would be over, at the long-run rate (GCRA).
    launched: Time,
    /// Since when each was wanted that came into service, and when it did.
    served: Vec<(Time, Time)>,
}

/// Draws a length of time by a law.
pub type Sampler<'a> = &'a mut dyn FnMut(Law) -> Duration;

/// The nodes of an application at one moment.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct NodeCount {
    /// Those that are ready.
    pub ready: u32,
    /// Those that boot.
    pub booting: u32,
    /// Balloons that have a place.
    pub balloons: u32,
    /// How many nodes' room these take.
    pub kept: f64,
}

impl Tasks {
    /// `in_service` of them, on `nodes` where there are some.
    pub fn new(start: Start, nodes: Option<&Nodes>, in_service: u32) -> Self {
        Self {
            places: nodes.map(|nodes| Places::new(nodes.clone(), in_service)),
            warm: start.warm,
            start,
            in_service,
            starting: BTreeMap::new(),
            waiting: VecDeque::new(),
            lost: Moments::default(),
            warming: Moments::default(),
            launched: Time::ZERO,
            served: Vec::new(),
        }
    }

    /// Those that serve.
    pub fn in_service(&self) -> u32 {
        self.in_service
    }

    /// Those that were wanted last.
    pub fn desired(&self) -> u32 {
        self.in_service + self.starting() + self.waiting() + self.lost()
    }

    /// Those that are gone without anybody knowing.
    pub fn lost(&self) -> u32 {
        self.lost.count()
    }

    /// The nodes under them.
    pub fn nodes(&self) -> Option<NodeCount> {
        let places = self.places.as_ref()?;
        let (ready, booting) = places.count();
        Some(NodeCount { ready, booting, balloons: places.balloons(), kept: places.kept() })
    }

    /// Since when each was wanted that came into service, and when it did, in the order of the latter.
    pub fn served(&self) -> &[(Time, Time)] {
        &self.served
    }

    /// Since when each is wanted that is not in service: those that start, and then those that wait.
    pub fn pending(&self) -> impl Iterator<Item = Time> {
        self.starting.values().flatten().chain(&self.waiting).copied()
    }

    /// So many are wanted. Those that are too many end: first who waits, then who is gone already, then who
    /// starts, the latest first, then who serves.
    pub fn want(&mut self, at: Time, desired: u32, sample: Sampler<'_>) {
        let before = self.desired();
        match desired.checked_sub(before) {
            Some(more) => self.add(at, more, sample),
            None => self.remove(before - desired),
        }
    }

    /// Time has come to `at`: who is ready serves.
    pub fn advance(&mut self, at: Time, sample: Sampler<'_>) {
        while let Some(entry) = self.starting.first_entry().filter(|entry| *entry.key() <= at) {
            let (ready, wanted) = entry.remove_entry();
            self.in_service += count(wanted.len());
            self.served.extend(wanted.into_iter().map(|wanted| (wanted, ready)));
        }
        self.warm += self.warming.until(at);
        let waiting = self.waiting();
        let found = match &mut self.places {
            Some(places) => places.advance(at, waiting),
            None => 0,
        };
        let placed: Vec<Time> = self.waiting.drain(..found as usize).collect();
        self.launch(at, &placed, sample);
        let replaced = self.lost.until(at);
        if replaced > 0 {
            self.add(at, replaced, sample);
        }
    }

    /// A second is over: what fetches nodes and gives them back looks, if it is time. Whether it did
    /// anything.
    pub fn second(&mut self, at: Time, sample: Sampler<'_>) -> bool {
        let waiting = self.waiting();
        self.places.as_mut().is_some_and(|places| places.scan(at, waiting, sample))
    }

    /// Machines are taken back, and the tasks on them with these; how many of those that served are gone.
    /// Others are wanted in their place: at once, or as soon as anybody knows.
    pub fn reclaim(&mut self, at: Time, reclaim: &Reclaim, sample: Sampler<'_>) -> u32 {
        let lost = match (&mut self.places, reclaim.nodes) {
            (Some(places), Some(nodes)) => places.lose(nodes),
            _ => reclaim.tasks.unwrap_or(0),
        };
        let gone = lost.min(self.in_service);
        self.in_service -= gone;
        let lost = gone + self.drop_starting(lost - gone);
        if reclaim.is_drained() {
            self.add(at, lost, sample);
        } else {
            for _ in 0..lost {
                self.lost.add(at + reclaim.detected.0);
            }
        }
        gone
    }

    /// When something is ready next.
    pub fn next_due(&self) -> Option<Time> {
        let nodes = self.places.as_ref().and_then(Places::next_due);
        let starting = self.starting.first_key_value().map(|(at, _)| *at);
        let due = [starting, self.warming.first(), self.lost.first(), nodes];
        due.into_iter().flatten().min()
    }

    fn starting(&self) -> u32 {
        count(self.starting.values().map(Vec::len).sum())
    }

    fn waiting(&self) -> u32 {
        count(self.waiting.len())
    }

    fn add(&mut self, at: Time, more: u32, sample: Sampler<'_>) {
        let warm = more.min(self.warm);
        self.warm -= warm;
        self.in_service += warm;
        self.served.extend((0..warm).map(|_| (at, at)));
        let cold = more - warm;
        let waiting = self.waiting();
        let placed = match &mut self.places {
            Some(places) => places.take(at, cold, waiting, sample),
            None => cold,
        };
        self.waiting.extend((placed..cold).map(|_| at));
        self.launch(at, &vec![at; placed as usize], sample);
        for _ in 0..warm {
            let ready = self.ready(at, sample);
            self.warming.add(ready);
        }
    }

    /// Tasks that were wanted since then are launched.
    fn launch(&mut self, at: Time, wanted: &[Time], sample: Sampler<'_>) {
        for since in wanted {
            let ready = self.ready(at, sample);
            self.starting.entry(ready).or_default().push(*since);
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
        let unplaced = fewer.min(self.waiting());
        self.waiting.truncate(self.waiting.len() - unplaced as usize);
        let gone = self.lost.drop_latest(fewer - unplaced);
        let placed = fewer - unplaced - gone;
        let started = placed - self.drop_starting(placed);
        self.in_service -= started;
        if let Some(places) = &mut self.places {
            places.give_back(placed);
        }
    }

    /// At most so many that start end, the latest first; how many.
    fn drop_starting(&mut self, most: u32) -> u32 {
        let mut left = most;
        while left > 0
            && let Some(mut entry) = self.starting.last_entry()
        {
            entry.get_mut().pop();
            left -= 1;
            if entry.get().is_empty() {
                entry.remove();
            }
        }
        most - left
    }
}

/// How many there are in a list.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
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

#[cfg(test)]
mod tests;
