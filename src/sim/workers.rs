//! An application of workers: a request holds a thread until it is answered, whatever it waits for, and all
//! that have one share the workers' processors.
//!
//! Requests are not on workers of their own here, as they are not on tasks of their own: n of them get
//! min(1, W/n) of a processor each, of W. So a worker is never idle while another has two to work on.

use domain::time::{Duration, Time};

use super::World;
use super::event::Event;
use super::path::number;
use crate::scenario::Scenario;
use crate::tier::queue::Sharing;

/// The workers' processors, and who is at them.
#[derive(Debug)]
pub(super) struct Workers {
    requests: Sharing<u32>,
    threads: f64,
    /// How many processors there are.
    processors: f64,
    /// When the calendar says that a request may be done with them.
    awaited: Option<Time>,
    /// Work that was done until the last second \[s\].
    done_s: f64,
    /// The share of the processors that was busy in it.
    busy: f64,
}

impl Workers {
    /// Of a scenario whose application has some.
    pub(super) fn new(scenario: &Scenario) -> Option<Self> {
        let application = scenario.stack.application.as_ref().filter(|it| it.workers.is_some())?;
        let threads = f64::from(application.threads_per_worker());
        let processors = f64::from(application.servers_at_first()) / threads;
        Some(Self {
            requests: Sharing::new(processors),
            threads,
            processors,
            awaited: None,
            done_s: 0.0,
            busy: 0.0,
        })
    }

    /// The share of the processors that was busy in the last second.
    pub(super) fn busy(&self) -> f64 {
        self.busy
    }
}

impl World<'_> {
    /// A request has a thread, and works; whether it has one, and no server.
    pub(super) fn begin_work(&mut self, at: Time, call: u32, work: Duration) -> bool {
        let Some(workers) = &mut self.workers else { return false };
        workers.requests.enter(at, call, work.as_secs_f64());
        self.calls[call as usize].hold(at);
        self.await_workers();
        true
    }

    /// Sees to it that the next request that is done with its work is not missed.
    fn await_workers(&mut self) {
        let Some(workers) = &mut self.workers else { return };
        let is_sooner = |due: &Time| workers.awaited.is_none_or(|awaited| *due < awaited);
        if let Some(due) = workers.requests.next().filter(is_sooner) {
            workers.awaited = Some(due);
            self.calendar.schedule(due, Event::Workers);
        }
    }

    /// A request may be done with its work: the shop's rules see it, and it keeps its thread.
    pub(super) fn workers_due(&mut self, at: Time) {
        if let Some(workers) = &mut self.workers {
            workers.awaited = workers.awaited.filter(|awaited| *awaited > at);
        }
        while let Some(call) =
            self.workers.as_mut().and_then(|workers| workers.requests.leave_if_done(at))
        {
            if self.is_cut_off(call) {
                self.calls.remove(call as usize);
            } else {
                self.serve(at, call);
            }
        }
        self.await_workers();
    }

    /// A request is answered, and gives its thread back if it has one.
    pub(super) fn give_back_thread(&mut self, at: Time, call: u32) {
        if self.calls[call as usize].let_go() {
            self.leave_application(at);
        }
    }

    /// Tasks went then; the deregistration delay is over, and what they still have is cut off.
    pub(super) fn cut_tasks(&mut self, at: Time, since: Time, (gone, of): (u32, u32)) {
        let late = self.calls.iter().filter(|(_, call)| call.is_held_since(since));
        let late: Vec<u32> = late.map(|(call, _)| number(call)).collect();
        for call in super::balancing::share(late, gone, of) {
            self.cut_off(at, call);
        }
    }

    /// Enters when the processors become slower or faster.
    pub(super) fn plan_slow_workers(&mut self) {
        if self.workers.is_some() {
            for turn in self.slowdowns.turns() {
                self.calendar.schedule(turn, Event::WorkersResized);
            }
        }
    }

    /// A second is over: how busy the processors were.
    pub(super) fn workers_second(&mut self, second: Time) {
        if let Some(workers) = &mut self.workers {
            let done_s = workers.requests.given_s(second);
            workers.busy = ((done_s - workers.done_s) / workers.processors).min(1.0);
            workers.done_s = done_s;
        }
        self.resize_workers(second);
    }

    /// There are as many processors as the tasks have that serve, or finish what they have.
    pub(super) fn resize_workers(&mut self, at: Time) {
        let (Some(workers), Some(station)) = (&mut self.workers, &self.application) else { return };
        // One at least: nobody is at the processors of no task at all.
        let threads = station.servers().max(station.in_service()).max(1) as f64;
        workers.processors = threads / workers.threads * self.slowdowns.capacity(at);
        workers.requests.resize(at, workers.processors);
        self.await_workers();
    }
}
