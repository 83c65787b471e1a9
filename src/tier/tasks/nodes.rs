//! Nodes: machines that tasks run on, and balloons that keep room on them.
//!
//! A task without a place waits, and the waiting make nodes boot. A balloon is a placeholder of low
//! priority: a task takes its place at once, and the balloon waits instead. Without an `autoscaler` nodes
//! boot as soon as something waits, and are not taken away again: what that saves is no matter of a spike.

use domain::law::Law;
use domain::time::{Duration, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::autoscaler::NodeAutoscaler;
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
    /// the Cluster Autoscaler (vendors' documentation), about one with Karpenter. With an `autoscaler` of
    /// its own: from its decision.
    pub boot: Law,
    /// Placeholders of low priority.
    #[serde(default)]
    pub balloons: u32,
    /// How many tasks a balloon is as large as: 1 or more, and no more than a node has room for. Chatwork
    /// tells of 2.5.
    #[serde(default = "one")]
    pub balloon_size: f64,
    /// What fetches nodes and gives them back; left out: a node boots at once for who waits, and none
    /// goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaler: Option<NodeAutoscaler>,
}

const fn one() -> f64 {
    1.0
}

/// A task's room, in the unit of sizes: thousandths of it.
const TASK: u32 = 1_000;

/// The share of a node's room below which nobody needs it, if what is on it finds room elsewhere
/// (`--scale-down-utilization-threshold` of the Cluster Autoscaler).
const UNNEEDED_BELOW: f64 = 0.5;

impl Nodes {
    /// How many are needed for so many tasks and all balloons.
    pub fn needed(&self, tasks: u32) -> u32 {
        self.needed_for(tasks, self.balloons)
    }

    /// How many tasks more find room at once on nodes that hold `tasks` and all balloons: first what is
    /// left over beside them, then the balloons' own room.
    pub fn headroom(&self, tasks: u32) -> u32 {
        let nodes = self.ready.unwrap_or_else(|| self.needed(tasks));
        nodes.saturating_mul(self.room).saturating_sub(tasks)
    }

    /// How many nodes so many tasks and balloons fill, where there is nothing else on them.
    fn needed_for(&self, tasks: u32, balloons: u32) -> u32 {
        let room = self.room.max(1);
        let (full, rest) = (tasks / room, tasks % room);
        let (nodes, beside) = if rest == 0 { (full, 0) } else { (full + 1, self.beside(rest)) };
        let left = balloons.saturating_sub(beside);
        nodes.saturating_add(left.div_ceil(self.beside(0).max(1)))
    }

    /// How many balloons have room on a node beside so many tasks.
    fn beside(&self, tasks: u32) -> u32 {
        self.room.saturating_sub(tasks).saturating_mul(TASK) / self.balloon()
    }

    /// The size of a balloon, in thousandths of a task.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "sizes are checked: from 1 to the room of a node"
    )]
    fn balloon(&self) -> u32 {
        ((self.balloon_size * f64::from(TASK)).round() as u32).max(1)
    }
}

/// A machine that is ready.
#[derive(Copy, Clone, Debug, Default)]
struct Node {
    tasks: u32,
    balloons: u32,
    /// Since when nobody needs it.
    unneeded: Option<Time>,
}

/// The places on all nodes.
#[derive(Clone, Debug)]
pub(super) struct Places {
    nodes: Nodes,
    /// Those that are ready, in the order in which they came.
    ready: Vec<Node>,
    /// How many nodes are ready when.
    booting: Moments,
    /// When the autoscaler looks next.
    scans: Time,
    /// No node goes before.
    rests_until: Time,
}

impl Places {
    /// Where `tasks` run and all balloons are, as far as there is room.
    pub(super) fn new(nodes: Nodes, tasks: u32) -> Self {
        let ready = nodes.ready.unwrap_or_else(|| nodes.needed(tasks));
        let mut places = Self {
            ready: vec![Node::default(); ready as usize],
            booting: Moments::default(),
            scans: nodes.autoscaler.as_ref().map_or(Time::NEVER, |it| Time::ZERO + it.scan.0),
            rests_until: Time::ZERO,
            nodes,
        };
        places.fill(tasks);
        places.inflate();
        places
    }

    /// Tasks want a place, beside `waiting` that have none; how many of them find one. Without an
    /// autoscaler nodes boot for the others, and for the balloons that gave way, as far as none boot for
    /// them yet.
    pub(super) fn take(&mut self, at: Time, tasks: u32, waiting: u32, sample: Sampler<'_>) -> u32 {
        let filled = self.fill(tasks);
        let placed = filled + self.evict(tasks - filled);
        if self.nodes.autoscaler.is_none() {
            self.order(at, waiting + (tasks - placed), None, sample);
        }
        placed
    }

    /// Time has come to `at`; how many of the `waiting` tasks find a place. Balloons come after them.
    pub(super) fn advance(&mut self, at: Time, waiting: u32) -> u32 {
        for _ in 0..self.booting.until(at) {
            self.ready.push(Node::default());
        }
        let placed = self.fill(waiting);
        self.inflate();
        placed
    }

    /// The autoscaler looks, if it is time: for what waits nodes boot, and those that nobody needs go.
    /// Whether it did anything.
    pub(super) fn scan(&mut self, at: Time, waiting: u32, sample: Sampler<'_>) -> bool {
        let Some(autoscaler) = self.nodes.autoscaler else { return false };
        if at < self.scans {
            return false;
        }
        self.scans += autoscaler.scan.0;
        let ordered = self.order(at, waiting, Some(autoscaler.decision), sample);
        if ordered > 0 {
            self.rests_until = at + autoscaler.after_add.0;
        }
        let gone = self.retire(at, autoscaler.unneeded.0);
        ordered > 0 || gone > 0
    }

    /// Tasks are gone: their places are free. Those on the emptiest nodes go first.
    pub(super) fn give_back(&mut self, tasks: u32) {
        let mut order: Vec<usize> = (0..self.ready.len()).collect();
        order.sort_by_key(|index| self.ready[*index].tasks);
        let mut left = tasks;
        for index in order {
            let node = &mut self.ready[index];
            let gone = left.min(node.tasks);
            node.tasks -= gone;
            left -= gone;
        }
        self.inflate();
    }

    /// So many nodes are taken away, those with the most tasks on them; how many tasks that were.
    pub(super) fn lose(&mut self, nodes: u32) -> u32 {
        let mut lost = 0;
        for _ in 0..nodes {
            let fullest = self.ready.iter().enumerate().rev().max_by_key(|(_, node)| node.tasks);
            let Some(index) = fullest.map(|(index, _)| index) else { break };
            lost += self.ready.remove(index).tasks;
        }
        self.inflate();
        lost
    }

    /// When a node is ready next.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.booting.first()
    }

    /// Nodes that are ready, and those that boot.
    pub(super) fn count(&self) -> (u32, u32) {
        (u32::try_from(self.ready.len()).unwrap_or(u32::MAX), self.booting.count())
    }

    /// Balloons that have a place.
    pub(super) fn balloons(&self) -> u32 {
        self.ready.iter().map(|node| node.balloons).sum()
    }

    /// How many nodes' room they take.
    pub(super) fn kept(&self) -> f64 {
        f64::from(self.balloons()) * self.nodes.balloon_size / f64::from(self.nodes.room)
    }

    /// For `waiting` tasks, and for the balloons that have no place, nodes boot once that is decided, as far
    /// as none boot for them yet; how many.
    fn order(&mut self, at: Time, waiting: u32, decision: Option<Law>, sample: Sampler<'_>) -> u32 {
        let unplaced = self.nodes.balloons - self.balloons();
        let needed = self.nodes.needed_for(waiting, unplaced);
        let more = needed.saturating_sub(self.booting.count());
        let from = match decision {
            Some(decision) if more > 0 => at + sample(decision),
            _ => at,
        };
        for _ in 0..more {
            self.booting.add(from + sample(self.nodes.boot));
        }
        more
    }

    /// Nodes that nobody has needed for long enough go; how many. One is not needed that no task runs on,
    /// and whose balloons find room on others.
    fn retire(&mut self, at: Time, unneeded: Duration) -> usize {
        for index in 0..self.ready.len() {
            let since = self.ready[index].unneeded.unwrap_or(at);
            self.ready[index].unneeded = self.is_unneeded(index).then_some(since);
        }
        if at < self.rests_until {
            return 0;
        }
        let before = self.ready.len();
        // The newest first; that what was on one finds room elsewhere may make another one needed.
        for index in (0..before).rev() {
            let since = self.ready[index].unneeded;
            let is_over = since.is_some_and(|since| at.since(since) >= unneeded);
            if is_over && self.is_unneeded(index) {
                self.ready.remove(index);
                self.inflate();
            }
        }
        before - self.ready.len()
    }

    fn is_unneeded(&self, index: usize) -> bool {
        let node = self.ready[index];
        let all = f64::from(self.nodes.room) * f64::from(TASK);
        let used = f64::from(node.balloons) * f64::from(self.nodes.balloon());
        let elsewhere = || {
            let others = self.ready.iter().enumerate().filter(|(other, _)| *other != index);
            others.map(|(_, other)| self.free(other) / self.nodes.balloon()).sum::<u32>()
        };
        node.tasks == 0
            && used < UNNEEDED_BELOW * all
            && (node.balloons == 0 || elsewhere() >= node.balloons)
    }

    /// The room that is left on a node, in thousandths of a task.
    fn free(&self, node: &Node) -> u32 {
        let taken = node.tasks * TASK + node.balloons * self.nodes.balloon();
        (self.nodes.room * TASK).saturating_sub(taken)
    }

    /// Nodes by the room that is left on them, the fullest first, those without any left out.
    fn by_room(&self, least: u32) -> Vec<usize> {
        let room = |index: &usize| self.free(&self.ready[*index]);
        let mut order: Vec<usize> =
            (0..self.ready.len()).filter(|index| room(index) >= least).collect();
        order.sort_by_key(room);
        order
    }

    /// Tasks take the room that is left; how many find some.
    fn fill(&mut self, tasks: u32) -> u32 {
        if tasks == 0 {
            return 0;
        }
        let mut left = tasks;
        for index in self.by_room(TASK) {
            let found = left.min(self.free(&self.ready[index]) / TASK);
            self.ready[index].tasks += found;
            left -= found;
        }
        tasks - left
    }

    /// Tasks take the places of balloons; how many find one.
    fn evict(&mut self, tasks: u32) -> u32 {
        let mut left = tasks;
        for index in 0..self.ready.len() {
            while left > 0 && self.ready[index].balloons > 0 {
                self.ready[index].balloons -= 1;
                let found = left.min(self.free(&self.ready[index]) / TASK);
                self.ready[index].tasks += found;
                left -= found;
            }
        }
        tasks - left
    }

    /// Balloons without a place take the room that is left.
    fn inflate(&mut self) {
        let mut left = self.nodes.balloons - self.balloons();
        if left == 0 {
            return;
        }
        let size = self.nodes.balloon();
        for index in self.by_room(size) {
            let found = left.min(self.free(&self.ready[index]) / size);
            self.ready[index].balloons += found;
            left -= found;
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Span;

    use super::*;

    /// Nodes for five tasks each that boot for three minutes, and balloons as large as two and a half.
    fn nodes(balloons: u32) -> Nodes {
        let boot = Law::Constant(Duration::from_mins(3));
        let balloon_size = 2.5;
        Nodes { room: 5, ready: None, boot, balloons, balloon_size, autoscaler: None }
    }

    fn second(second: u64) -> Time {
        Time::from_millis(second * 1_000)
    }

    #[test]
    fn a_balloon_has_room_on_one_node_and_not_on_halves_of_two() {
        // Two on each node; beside three tasks there is room for two more, and for no balloon.
        for (tasks, balloons, needed) in
            [(0, 0, 0), (5, 0, 1), (5, 8, 5), (6, 1, 2), (7, 1, 2), (8, 1, 3), (8, 3, 4)]
        {
            assert_eq!(nodes(balloons).needed(tasks), needed, "{tasks} tasks, {balloons} balloons");
        }
        // 20 tasks fill four nodes, and eight balloons four more.
        assert_eq!(
            (nodes(8).headroom(20), nodes(5).headroom(20), nodes(0).headroom(20)),
            (20, 15, 0)
        );
    }

    #[test]
    fn a_balloon_gives_way_to_two_tasks_and_two_to_five() {
        let places = Places::new(nodes(8), 20);
        assert_eq!((places.count(), places.balloons()), ((8, 0), 8));
        assert!((places.kept() - 4.0).abs() < 1e-12, "8 x 2.5 of 5");
        for (more, left) in [(1, 7), (2, 7), (3, 6), (5, 6), (6, 5), (20, 0)] {
            let mut places = places.clone();
            let found = places.take(Time::ZERO, more, 0, &mut Law::mean);
            assert_eq!((found, places.balloons()), (more, left));
            // Two balloons have room on a node.
            assert_eq!(places.count().1, (8 - left).div_ceil(2));
        }
        let mut places = places;
        assert_eq!(places.take(Time::ZERO, 24, 0, &mut Law::mean), 20);
        // Four tasks wait, and eight balloons: on one node, and on four.
        assert_eq!(places.count(), (8, 5));
        assert_eq!(places.advance(second(179), 4), 0);
        assert_eq!((places.advance(second(180), 4), places.balloons()), (4, 8));
    }

    #[test]
    fn an_autoscaler_looks_every_ten_seconds_and_a_node_goes_after_ten_minutes() {
        let autoscaler: NodeAutoscaler = toml::from_str("decision = '5s'").unwrap();
        let nodes = Nodes { autoscaler: Some(autoscaler), ..nodes(0) };
        let mut places = Places::new(nodes, 5);
        let mut waiting = 0;
        let mut changes = Vec::new();
        for at in (1..1_500).map(second) {
            places.scan(at, waiting, &mut Law::mean);
            waiting -= places.advance(at, waiting);
            if at == second(15) {
                // Six more are wanted, and find no room.
                waiting = 6 - places.take(at, 6, 0, &mut Law::mean);
            } else if at == second(300) {
                // All are gone but five.
                places.give_back(6);
            }
            if changes.last().is_none_or(|(_, count)| *count != places.count()) {
                changes.push((at.seconds(), places.count()));
            }
        }
        // It looks at 20 s, and two nodes are ready 5 s and 3 min later. At 310 s it sees that nobody needs
        // two of the three, and takes them away ten minutes later.
        let told = [(1.0, (1, 0)), (20.0, (1, 2)), (205.0, (3, 0)), (910.0, (1, 0))];
        assert_eq!((changes, waiting), (told.to_vec(), 0));
    }

    #[test]
    fn a_node_that_balloons_need_stays() {
        let autoscaler = NodeAutoscaler { after_add: Span::default(), ..NodeAutoscaler::default() };
        let left_after = |balloons: u32, tasks_left: u32| {
            let nodes =
                Nodes { autoscaler: Some(autoscaler), balloon_size: 1.0, ..nodes(balloons) };
            let mut places = Places::new(nodes, 10);
            places.give_back(10 - tasks_left);
            for at in (1..1_000).map(second) {
                places.scan(at, 0, &mut Law::mean);
            }
            (places.count().0, places.balloons())
        };
        // Five tasks fill a node, and four leave room for one balloon; three are more than half of a node.
        assert_eq!(left_after(0, 5), (1, 0));
        assert_eq!(left_after(1, 4), (1, 1));
        assert_eq!(left_after(2, 4), (2, 2));
        assert_eq!(left_after(3, 2), (2, 3));
    }

    #[test]
    fn the_nodes_with_the_most_tasks_are_reclaimed_and_their_balloons_look_for_room() {
        // Twelve tasks on three nodes; three balloons beside the last two of them, one on the fourth node.
        let nodes = Nodes { balloon_size: 1.0, ready: Some(4), ..nodes(4) };
        let mut places = Places::new(nodes, 12);
        assert_eq!((places.count().0, places.balloons()), (4, 4));
        assert_eq!(places.lose(2), 10);
        assert_eq!((places.count().0, places.balloons()), (2, 4));
        assert_eq!((places.lose(9), places.count().0, places.balloons()), (2, 0, 0));
    }
}
