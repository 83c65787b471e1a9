//! Nodes: machines that tasks run on, and balloons that keep room on them.
//!
//! A task without a place waits, and the waiting make nodes boot. A balloon is a placeholder of low
//! priority: a task takes its place at once, and the balloon waits instead. Nodes are not taken away
//! again: what that saves is no matter of a spike.

use domain::law::Law;
use domain::time::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Moments, Sampler};

/// The machines that tasks run on: `stack.application.nodes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nodes {
    /// How many tasks one has room for.
    pub room: u32,
    /// How many there are at the run's beginning; left out: as many as its tasks and balloons need.
    #[serde(default)]
    pub ready: Option<u32>,
    /// From a task that finds no room until the node that it makes boot is ready: 3 to 5 minutes with
    /// the Cluster Autoscaler (vendors' documentation), about one with Karpenter.
    pub boot: Law,
    /// Placeholders, each as large as a task.
    #[serde(default)]
    pub balloons: u32,
}

impl Nodes {
    /// How many are needed for so many tasks and all balloons.
    pub fn needed(&self, tasks: u32) -> u32 {
        tasks.saturating_add(self.balloons).div_ceil(self.room.max(1))
    }
}

/// The places on all nodes.
#[derive(Clone, Debug)]
pub(super) struct Places {
    nodes: Nodes,
    free: u32,
    /// Balloons that have a place.
    balloons: u32,
    /// How many nodes are ready when.
    booting: Moments,
}

impl Places {
    /// Where `tasks` run and all balloons are, as far as there is room.
    pub(super) fn new(nodes: Nodes, tasks: u32) -> Self {
        let ready = nodes.ready.unwrap_or_else(|| nodes.needed(tasks));
        let room = ready.saturating_mul(nodes.room).saturating_sub(tasks);
        let balloons = nodes.balloons.min(room);
        Self { free: room - balloons, balloons, nodes, booting: Moments::default() }
    }

    /// Tasks want a place, beside `waiting` that have none; how many of them find one. For the others,
    /// and for the balloons that gave way, nodes boot, as far as none boot for them yet.
    pub(super) fn take(&mut self, at: Time, tasks: u32, waiting: u32, sample: Sampler<'_>) -> u32 {
        let free = tasks.min(self.free);
        let evicted = (tasks - free).min(self.balloons);
        self.free -= free;
        self.balloons -= evicted;
        let placed = free + evicted;
        let unplaced = waiting + (tasks - placed) + (self.nodes.balloons - self.balloons);
        for _ in self.booting.count()..unplaced.div_ceil(self.nodes.room) {
            self.booting.add(at + sample(self.nodes.boot));
        }
        placed
    }

    /// Time has come to `at`; how many of the `waiting` tasks find a place. Balloons come after them.
    pub(super) fn advance(&mut self, at: Time, waiting: u32) -> u32 {
        self.free += self.booting.until(at).saturating_mul(self.nodes.room);
        let placed = waiting.min(self.free);
        self.free -= placed;
        self.inflate();
        placed
    }

    /// Tasks are gone: their places are free.
    pub(super) fn give_back(&mut self, tasks: u32) {
        self.free += tasks;
        self.inflate();
    }

    /// When a node is ready next.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.booting.first()
    }

    fn inflate(&mut self) {
        let inflated = (self.nodes.balloons - self.balloons).min(self.free);
        self.free -= inflated;
        self.balloons += inflated;
    }
}
