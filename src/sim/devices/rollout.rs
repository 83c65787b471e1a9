//! A deploy in virtual time: which connections are closed or cut off when.

use core::ops::Range;

use domain::draw::{Purpose, draw_for};
use domain::time::{Time, duration_from_seconds};

use super::{Event, World};
use crate::device::Input;
use crate::measure::devices::Lost;
use crate::tier::websocket::{Deploy, Strategy};

/// How far a deploy is.
#[derive(Clone, Debug)]
pub(super) struct Rollout {
    deploy: Deploy,
    /// What comes next.
    next: Next,
    /// The containers that go together, counted from 0.
    batch: u32,
    /// When they began.
    batch_began: Time,
    /// The first device that has not been looked at in this batch.
    place: u32,
    /// How many of the batch were closed.
    closed: u32,
}

/// What comes next of a deploy.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Next {
    /// It begins.
    Begin,
    /// A connection of the batch is closed.
    Close,
    /// The old containers are destroyed.
    Destroy,
    /// The new ones accept.
    Accept,
    /// Nothing.
    Over,
}

impl Rollout {
    pub(super) const fn new(deploy: Deploy) -> Self {
        Self { deploy, next: Next::Begin, batch: 0, batch_began: deploy.at, place: 0, closed: 0 }
    }
}

impl World<'_> {
    /// The deploy goes on, and enters when it does next.
    pub(super) fn roll_out(&mut self, at: Time) {
        let Some(mut rollout) = self.rollout.take() else { return };
        let strategy = rollout.deploy.strategy;
        if rollout.next == Next::Begin {
            self.log.deploy_begins();
        }
        let next = match (rollout.next, strategy) {
            (Next::Begin, Strategy::BlueGreen { shift }) => Some((Next::Destroy, at + shift)),
            (Next::Begin, Strategy::Kill { start }) => {
                // Whoever is cut off finds nobody who accepts until then.
                if !start.is_zero() {
                    drop(self.server.resize(0));
                }
                self.cut_off(at, 0..self.meant.server.tasks);
                Some((Next::Accept, at + start))
            }
            (Next::Destroy, _) => {
                self.cut_off(at, 0..self.meant.server.tasks);
                None
            }
            (Next::Accept, _) => {
                for turn in self.server.resize(self.meant.server.places()) {
                    self.accepts(at, turn);
                }
                None
            }
            (Next::Begin | Next::Close, Strategy::Graceful { .. }) => {
                self.drain(at, &mut rollout).map(|then| (Next::Close, then))
            }
            (Next::Close | Next::Over, _) => None,
        };
        rollout.next = next.map_or(Next::Over, |(next, _)| next);
        match next {
            Some((_, then)) => self.calendar.schedule(then, Event::Rollout),
            None => self.log.deploy_ends(),
        }
        self.rollout = Some(rollout);
    }

    /// Closes the next connection of the batch, or cuts off what is left of it, and says when to go on;
    /// never, when the last container is gone.
    fn drain(&mut self, at: Time, rollout: &mut Rollout) -> Option<Time> {
        let Strategy::Graceful { pace, stop_timeout, .. } = rollout.deploy.strategy else {
            return None;
        };
        let tasks = self.meant.server.tasks;
        loop {
            let batch = rollout.deploy.batch(rollout.batch, tasks);
            if batch.is_empty() {
                return None;
            }
            let must_end =
                stop_timeout.map_or(Time::NEVER, |timeout| rollout.batch_began + timeout);
            if at >= must_end {
                self.cut_off(at, batch);
            } else if let Some(device) = self.next_on(&batch, &mut rollout.place) {
                self.loses(at, device, Lost::Closed);
                rollout.closed += 1;
                // Counted from the batch's beginning, so that roundings do not add up.
                let until = f64::from(rollout.closed) / pace.per_s();
                let next = rollout.batch_began + duration_from_seconds(until);
                return Some(next.min(must_end).max(at));
            }
            rollout.batch += 1;
            (rollout.batch_began, rollout.place, rollout.closed) = (at, 0, 0);
        }
    }

    /// The next device on these containers, from `place` on, whose connection an old one holds.
    fn next_on(&self, batch: &Range<u32>, place: &mut u32) -> Option<u32> {
        while *place < self.meant.count {
            let device = *place;
            *place += 1;
            if batch.contains(&(device % self.meant.server.tasks)) && self.is_on_old(device) {
                return Some(device);
            }
        }
        None
    }

    /// All connections that old containers of these hold end at once.
    fn cut_off(&mut self, at: Time, tasks: Range<u32>) {
        let mut place = 0;
        while let Some(device) = self.next_on(&tasks, &mut place) {
            self.loses(at, device, Lost::Cut);
        }
    }

    fn loses(&mut self, at: Time, device: u32, how: Lost) {
        self.log.loses_to_deploy(device, how);
        self.tell(at, device, Input::Lost);
    }

    fn is_on_old(&self, device: u32) -> bool {
        self.devices[device as usize].is_connected() && self.places[device as usize].on_old
    }

    /// Whether a new connection goes to an old container.
    pub(super) fn goes_to_old(&mut self, at: Time, device: u32) -> bool {
        let Some(deploy) = self.meant.deploy else { return true };
        let turn = self.places[device as usize].turn;
        let draw = draw_for(self.habits.seed, u64::from(device), Purpose::Shift, turn);
        !draw.chance(deploy.share_of_new(at))
    }
}
