//! The application's tasks come and go while the simulation runs, the balancer in front grows, and the
//! database behind.
//!
//! Scalers look once a second, after all that happened in it; what they go by is sampled then, so that
//! nothing is counted for them on the way of a request.

use std::collections::VecDeque;

use domain::draw::{Purpose, draw_for};
use domain::law::Law;
use domain::shop::{NodeState, TaskState};
use domain::time::{Duration, Span, Time};

use super::workers::Workers;
use super::{Event, World};
use crate::evidence::TaskWait;
use crate::scenario::Scenario;
use crate::tier::balancer::LoadBalancer;
use crate::tier::balancer::targets::Targets;
use crate::tier::scaler::Scaler;
use crate::tier::scaler::window::Sample;
use crate::tier::tasks::reclaim::Reclaim;
use crate::tier::tasks::{NodeCount, Tasks};

/// The tasks of the application, and what wants more or fewer of them.
#[derive(Debug)]
pub(super) struct Scaling {
    scaler: Scaler,
    tasks: Tasks,
    targets: Targets,
    servers_per_task: u32,
    starts: Starts,
    /// When the calendar says that a task may be ready.
    awaited: Option<Time>,
    /// Requests that had come by the end of the last second.
    offered: u64,
    /// Machines that are taken back, in the order of time.
    reclaims: VecDeque<(Time, Reclaim)>,
    /// Whether it is told how long tasks were pending.
    tells_waits: bool,
    /// How far the next request is from one that is sent to a task that is gone.
    misrouted: u64,
}

/// Draws how long tasks and nodes take to start.
#[derive(Copy, Clone, Debug)]
struct Starts {
    seed: u64,
    drawn: u64,
}

impl Starts {
    fn sample(&mut self, law: Law) -> Duration {
        self.drawn += 1;
        law.sample(draw_for(self.seed, self.drawn, Purpose::Boot, 0))
    }
}

impl Scaling {
    /// Of a scenario whose application says how many tasks it has.
    pub(super) fn new(scenario: &Scenario) -> Option<Self> {
        let application = scenario.stack.application.as_ref()?;
        let tasks = application.tasks?;
        let mut start = application.start.clone();
        let balancer = scenario.stack.balancer.as_ref();
        if let Some(health) = balancer.and_then(|balancer| balancer.health.as_ref()) {
            start.health = Span(health.takes());
        }
        let slow_start = balancer.map_or(Duration::ZERO, |balancer| balancer.slow_start.0);
        let opens = scenario.first_opening();
        let reclaims = application.reclaims.iter();
        let mut reclaims: Vec<_> =
            reclaims.map(|reclaim| (reclaim.at.from(opens), *reclaim)).collect();
        reclaims.sort_by_key(|(at, _)| *at);
        Some(Self {
            scaler: Scaler::new(application, opens),
            tasks: Tasks::new(start, application.nodes.as_ref(), tasks),
            targets: Targets::new(slow_start, tasks),
            servers_per_task: application.servers_per_task(),
            starts: Starts { seed: scenario.seed, drawn: 0 },
            awaited: None,
            offered: 0,
            tells_waits: application.nodes.is_some() || !reclaims.is_empty(),
            reclaims: reclaims.into(),
            misrouted: 0,
        })
    }
}

impl World<'_> {
    /// A second is over: what the balancer takes, what the database has, what is wanted of the tasks, and
    /// what became of it.
    pub(super) fn scale(&mut self, second: Time) {
        if let Some(balancer) = &mut self.balancer {
            balancer.second(second);
        }
        self.database_second(second);
        self.workers_second(second);
        // Who is wanted from this second on is seen at the next look.
        let nodes_change = self.look_for_nodes(second);
        self.take_machines_back(second);
        let (Some(scaling), Some(station)) = (&mut self.scaling, &self.application) else { return };
        let arrived = station.offered() - scaling.offered;
        scaling.offered = station.offered();
        let sample = Sample {
            tasks: scaling.tasks.in_service(),
            servers: station.servers(),
            // What holds a thread and waits is nothing to a processor, and to a scaler that goes by it.
            busy: match &self.workers {
                Some(workers) => part(station.servers(), workers.busy()),
                None => station.in_service(),
            },
            arrived,
        };
        let before = scaling.tasks.desired();
        let desired = scaling.scaler.second(second, sample, before);
        if desired != before {
            let Scaling { tasks, starts, .. } = scaling;
            let served = tasks.in_service();
            tasks.want(second, desired, &mut |law| starts.sample(law));
            let gone = served.saturating_sub(tasks.in_service());
            self.serve_by_tasks(second);
            if gone > 0 {
                self.deregister(second, gone, served);
            }
        } else if nodes_change || scaling.targets.are_slow() {
            self.serve_by_tasks(second);
        }
    }

    /// What fetches nodes and gives them back looks, if it is time; whether it did anything.
    fn look_for_nodes(&mut self, second: Time) -> bool {
        let Some(Scaling { tasks, starts, .. }) = &mut self.scaling else { return false };
        tasks.second(second, &mut |law| starts.sample(law))
    }

    /// Machines that are due by then are taken back: what their tasks had begun has the notice, and no longer
    /// than a task that is deregistered, to be done.
    fn take_machines_back(&mut self, second: Time) {
        while let Some(scaling) = &mut self.scaling
            && let Some((_, reclaim)) = scaling.reclaims.pop_front_if(|(at, _)| *at <= second)
        {
            let Scaling { tasks, starts, .. } = scaling;
            let served = tasks.in_service();
            let gone = tasks.reclaim(second, &reclaim, &mut |law| starts.sample(law));
            self.serve_by_tasks(second);
            let balancer = self.balancer.as_ref();
            let delay = balancer.map_or(Duration::MAX, LoadBalancer::deregistration);
            self.cut_after(second, delay.min(reclaim.notice.0), (gone, served));
        }
    }

    /// Whether the next request is sent to a task that is gone without anybody knowing: of all requests as
    /// large a share as of the tasks. The balancer answers it with an error, as one that it cuts off.
    pub(super) fn is_misrouted(&mut self) -> bool {
        let Some(scaling) = &mut self.scaling else { return false };
        let lost = u64::from(scaling.tasks.lost());
        let all = lost + u64::from(scaling.tasks.in_service());
        scaling.misrouted += lost;
        let is_misrouted = lost > 0 && scaling.misrouted >= all;
        if is_misrouted {
            scaling.misrouted -= all;
            if let Some(balancer) = &mut self.balancer {
                balancer.cut_off();
            }
        }
        is_misrouted
    }

    /// How long tasks were wanted before they served, where that is told.
    pub(super) fn task_waits(&self) -> Vec<TaskWait> {
        let Some(scaling) = self.scaling.as_ref().filter(|scaling| scaling.tells_waits) else {
            return Vec::new();
        };
        let served = scaling.tasks.served().iter().map(|(wanted, served)| (*wanted, Some(*served)));
        let pending = scaling.tasks.pending().map(|wanted| (wanted, None));
        let mut waits: Vec<TaskWait> = Vec::new();
        for (wanted, served) in served.chain(pending) {
            match waits.last_mut() {
                Some(last) if (last.wanted, last.served) == (wanted, served) => last.tasks += 1,
                _ => waits.push(TaskWait { wanted, served, tasks: 1 }),
            }
        }
        waits
    }

    /// A task or a node may be ready.
    pub(super) fn tasks_due(&mut self, at: Time) {
        let Some(Scaling { tasks, starts, awaited, .. }) = &mut self.scaling else { return };
        tasks.advance(at, &mut |law| starts.sample(law));
        *awaited = awaited.filter(|awaited| *awaited > at);
        self.serve_by_tasks(at);
    }

    /// Gives the application the servers of the tasks in service, and sees to it that the next that is
    /// ready is not missed.
    fn serve_by_tasks(&mut self, at: Time) {
        let (Some(scaling), Some(station)) = (&mut self.scaling, &mut self.application) else {
            return;
        };
        let due = scaling.tasks.next_due();
        let is_sooner = |due: &Time| scaling.awaited.is_none_or(|awaited| *due < awaited);
        if let Some(due) = due.filter(is_sooner) {
            scaling.awaited = Some(due);
            self.calendar.schedule(due, Event::Tasks);
        }
        let healthy = scaling.tasks.in_service();
        scaling.targets.become_of(at, healthy);
        let servers = scaling.targets.servers(at, scaling.servers_per_task);
        if let Some(balancer) = &mut self.balancer {
            balancer.has_targets(healthy > 0);
        }
        let started = station.resize(servers);
        self.resize_workers(at);
        for call in started {
            self.start_application(at, call);
        }
    }

    /// The tasks as they stand.
    pub(super) fn task_state(&self) -> Option<TaskState> {
        let (scaling, station) = (self.scaling.as_ref()?, self.application.as_ref()?);
        Some(TaskState {
            desired: scaling.tasks.desired().into(),
            in_service: scaling.tasks.in_service().into(),
            servers: station.servers(),
            busy: station.in_service(),
            waiting: station.waiting(),
            processors_busy: self.workers.as_ref().map(Workers::busy),
            nodes: scaling.tasks.nodes().map(node_state),
        })
    }
}

fn node_state(count: NodeCount) -> NodeState {
    NodeState {
        ready: count.ready.into(),
        booting: count.booting.into(),
        balloons: count.balloons.into(),
        kept: count.kept,
    }
}

/// So large a part of `count`, rounded; `share` is from 0 to 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of what fits 64 bits, and not negative"
)]
fn part(count: u64, share: f64) -> u64 {
    (count as f64 * share).round() as u64
}
