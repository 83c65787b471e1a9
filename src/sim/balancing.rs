//! The load balancer while the simulation runs: what it says of itself, and what it cuts off when tasks go.

use domain::shop::BalancerState;
use domain::time::{Duration, Time};

use super::World;
use super::event::{Event, Seldom};
use super::path::number;

impl World<'_> {
    /// The balancer as it stands.
    pub(super) fn balancer_state(&self) -> Option<BalancerState> {
        let balancer = self.balancer.as_ref()?;
        Some(BalancerState {
            capacity_per_s: balancer.capacity(),
            offered: balancer.offered(),
            rejected: balancer.rejected(),
            cut: balancer.cut(),
        })
    }

    /// So many tasks go, of so many: what they still have after the deregistration delay is cut off then.
    ///
    /// Requests are not on tasks of their own here: of those that last so long, as large a share is cut off
    /// as of the tasks goes.
    pub(super) fn deregister(&mut self, at: Time, gone: u32, of: u32) {
        let Some(balancer) = &self.balancer else { return };
        let delay = balancer.deregistration();
        self.cut_after(at, delay, (gone, of));
    }

    /// Likewise, with such a delay: machines that are taken back wait for no balancer.
    pub(super) fn cut_after(&mut self, at: Time, delay: Duration, (gone, of): (u32, u32)) {
        let cut_at = at + delay;
        if self.workers.is_some() {
            // When a thread is given back nobody knows before.
            return self.schedule_seldom(cut_at, Seldom::CutTasks { since: at, gone, of });
        }
        let late = self.calls.iter().filter(|(_, call)| call.is_in_service_at(cut_at));
        let late: Vec<u32> = late.map(|(call, _)| number(call)).collect();
        for call in share(late, gone, of) {
            self.calendar.schedule(cut_at, Event::CutOff(call));
        }
    }

    /// The task of a request is gone: the balancer answers it with an error.
    pub(super) fn cut_off(&mut self, at: Time, call: u32) {
        let Some(cut) = self.calls[call as usize].cut() else { return };
        let told = number(self.calls.insert(cut));
        if let Some(balancer) = &mut self.balancer {
            balancer.cut_off();
        }
        self.leave_application(at);
        self.origin_failed(at, told, 502);
    }
}

/// So many of so many, evenly among `all`: each at which the whole part of place × gone / of has just grown.
pub(super) fn share(all: Vec<u32>, gone: u32, of: u32) -> impl Iterator<Item = u32> {
    let (gone, of) = (u64::from(gone), u64::from(of.max(1)));
    let chosen = (0_u64..).zip(all);
    chosen
        .filter(move |(place, _)| (place + 1) * gone / of > place * gone / of)
        .map(|(_, call)| call)
}
