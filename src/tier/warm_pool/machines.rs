//! The machines of a warm pool between two events: ordered, ready, in use, of an old version and of the new one.

use core::ops::Range;
use std::collections::BTreeSet;

/// All machines of a pool, and those that were taken out of it.
///
/// So many are ordered that those ready and those ordered make up the pool's size, and one more for the rooms
/// that wait, as many as a machine holds: a base-stock policy. One that holds no room any more is gone.
#[derive(Debug)]
pub struct Machines {
    /// How many rooms each holds.
    holds: u32,
    /// How many are to be ready.
    size: u32,
    /// How many are, and hold no room.
    ready: u32,
    /// Likewise, of the version before.
    old_ready: u32,
    /// The orders that are under way, by number.
    ordered: BTreeSet<u64>,
    /// How many of them are of the version before.
    old_ordered: u32,
    /// How many orders there were.
    orders: u64,
    /// The first order of the version that is being rolled out.
    since: u64,
    in_use: slab::Slab<InUse>,
    /// How many of those in use are of the version before.
    old_in_use: u32,
    /// Those in use that take one more room.
    open: BTreeSet<usize>,
}

/// A machine that holds rooms.
#[derive(Copy, Clone, Debug)]
struct InUse {
    rooms: u32,
    is_old: bool,
}

/// How many machines there are.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Ordered, and not yet ready.
    pub booting: u64,
    /// Ready, without a room.
    pub ready: u64,
    /// With a room or more.
    pub in_use: u64,
}

impl Machines {
    /// So many are ready, each of which holds `holds` rooms, at least 1.
    ///
    /// # Panics
    /// When they hold none.
    pub fn new(size: u32, holds: u32) -> Self {
        assert!(holds > 0, "a machine holds a room");
        Self {
            holds,
            size,
            ready: size,
            old_ready: 0,
            ordered: BTreeSet::new(),
            old_ordered: 0,
            orders: 0,
            since: 0,
            in_use: slab::Slab::new(),
            old_in_use: 0,
            open: BTreeSet::new(),
        }
    }

    /// The machine that takes one more room, if there is one: one in use that has a place, of several always the
    /// same one (of the lowest key, which says nothing of its age), else one that is ready, of the new version
    /// before the old. Old ones in use take none.
    pub fn take(&mut self) -> Option<usize> {
        if let Some(machine) = self.open.first().copied() {
            let taken = &mut self.in_use[machine];
            taken.rooms += 1;
            if taken.rooms == self.holds {
                self.open.remove(&machine);
            }
            return Some(machine);
        }
        let is_old = if self.ready > 0 {
            self.ready -= 1;
            false
        } else if self.old_ready > 0 {
            self.old_ready -= 1;
            self.old_in_use += 1;
            true
        } else {
            return None;
        };
        let machine = self.in_use.insert(InUse { rooms: 1, is_old });
        if !is_old && self.holds > 1 {
            self.open.insert(machine);
        }
        Some(machine)
    }

    /// A room on a machine is over; with its last one the machine is gone.
    pub fn leave(&mut self, machine: usize) {
        let left = &mut self.in_use[machine];
        left.rooms -= 1;
        let InUse { rooms, is_old } = *left;
        if rooms == 0 {
            self.in_use.remove(machine);
            self.open.remove(&machine);
            self.old_in_use -= u32::from(is_old);
        } else if !is_old {
            self.open.insert(machine);
        }
    }

    /// What was ordered under that number is ready, unless it was called off.
    pub fn is_ready(&mut self, order: u64) {
        if !self.ordered.remove(&order) {
            return;
        }
        if order < self.since {
            self.old_ordered -= 1;
            self.old_ready += 1;
        } else {
            self.ready += 1;
        }
    }

    /// Orders what is lacking while so many rooms wait, calls off or stops what is too much, and lets idle old
    /// machines go where new ones have come. The numbers of the new orders.
    pub fn settle(&mut self, waiting: u64) -> Range<u64> {
        let wanted = u64::from(self.size) + waiting.div_ceil(u64::from(self.holds));
        let coming = self.ordered.len() as u64 - u64::from(self.old_ordered);
        let there = u64::from(self.ready) + coming;
        let first = self.orders;
        self.orders += wanted.saturating_sub(there);
        self.ordered.extend(first..self.orders);
        for _ in wanted..there {
            self.do_without_one();
        }
        let too_many = (self.ready + self.old_ready).saturating_sub(self.size);
        self.old_ready -= too_many.min(self.old_ready);
        first..self.orders
    }

    /// The last order is called off; where none is under way, one that is ready is stopped.
    fn do_without_one(&mut self) {
        match self.ordered.last().copied().filter(|order| *order >= self.since) {
            Some(order) => {
                self.ordered.remove(&order);
            }
            None => self.ready = self.ready.saturating_sub(1),
        }
    }

    /// So many are to be ready from now on.
    pub fn resize(&mut self, size: u32) {
        self.size = size;
    }

    /// From now on all there are, and all that are ordered, are of the version before.
    pub fn update(&mut self) {
        self.old_ready += core::mem::take(&mut self.ready);
        self.old_ordered = u32::try_from(self.ordered.len()).unwrap_or(u32::MAX);
        self.since = self.orders;
        for (_, one) in &mut self.in_use {
            one.is_old = true;
        }
        self.old_in_use = u32::try_from(self.in_use.len()).unwrap_or(u32::MAX);
        self.open.clear();
    }

    /// All of the version before that hold no room are gone, and their orders are called off.
    pub fn stop_old(&mut self) {
        self.old_ready = 0;
        self.ordered = self.ordered.split_off(&self.since);
        self.old_ordered = 0;
    }

    /// Whether a machine in use is of the version before.
    pub fn is_old(&self, machine: usize) -> bool {
        self.in_use[machine].is_old
    }

    /// Whether no machine is of the version before.
    pub fn is_updated(&self) -> bool {
        self.old_ready == 0 && self.old_ordered == 0 && self.old_in_use == 0
    }

    /// How many there are.
    pub fn count(&self) -> Count {
        Count {
            booting: self.ordered.len() as u64,
            ready: u64::from(self.ready) + u64::from(self.old_ready),
            in_use: self.in_use.len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn count(machines: &Machines) -> [u64; 3] {
        let Count { booting, ready, in_use } = machines.count();
        [booting, ready, in_use]
    }

    #[test]
    fn what_is_taken_is_ordered_anew() {
        let mut machines = Machines::new(2, 1);
        assert_eq!(machines.settle(0), 0..0);
        let first = machines.take().unwrap();
        assert_eq!(machines.settle(0), 0..1);
        assert!(machines.take().is_some() && machines.take().is_none());
        // Two rooms wait: one order for what was taken, and one for each of them.
        assert_eq!(machines.settle(2), 1..4);
        assert_eq!(count(&machines), [4, 0, 2]);
        machines.leave(first);
        machines.is_ready(0);
        assert_eq!(count(&machines), [3, 1, 1], "who leaves is gone, not free again");
        assert!(machines.take().is_some());
        assert_eq!(machines.settle(1), 4..4);
    }

    #[test]
    fn a_machine_takes_rooms_as_long_as_it_has_a_place() {
        let mut machines = Machines::new(1, 3);
        let taken: Vec<_> = (0..4).map(|_| machines.take()).collect();
        assert_eq!(taken, [Some(0), Some(0), Some(0), None]);
        // Four that wait fit two machines, beside the one that the pool lacks.
        assert_eq!(machines.settle(4), 0..3);
        machines.leave(0);
        assert_eq!(machines.take(), Some(0));
        // Nobody waits any more: what was ordered for them is called off, the last first.
        assert_eq!(machines.settle(0), 3..3);
        assert_eq!(count(&machines), [1, 0, 1]);
        machines.is_ready(2);
        assert_eq!(count(&machines), [1, 0, 1], "it was called off");
        machines.is_ready(0);
        assert_eq!(count(&machines), [0, 1, 1]);
    }

    #[test]
    fn a_pool_grows_and_shrinks() {
        let mut machines = Machines::new(2, 1);
        machines.resize(5);
        assert_eq!(machines.settle(0), 0..3);
        machines.is_ready(1);
        machines.resize(2);
        machines.settle(0);
        assert_eq!(count(&machines), [0, 2, 0]);
    }

    #[test]
    fn idle_machines_go_as_new_ones_come_and_the_others_with_their_last_room() {
        let mut machines = Machines::new(2, 2);
        let old = machines.take().unwrap();
        machines.settle(0);
        machines.update();
        // One is ready, one is ordered, one holds a room and takes no other.
        assert_eq!(machines.settle(0), 1..3);
        assert_eq!(count(&machines), [3, 1, 1]);
        let other = machines.take().unwrap();
        assert!(other != old && machines.is_old(other), "better an old one than none");
        machines.is_ready(1);
        machines.is_ready(2);
        machines.settle(0);
        machines.is_ready(0);
        machines.settle(0);
        assert_eq!(count(&machines), [0, 2, 2], "the last old order is stopped as it comes");
        assert!(!machines.is_updated());
        let new = machines.take().unwrap();
        assert!(!machines.is_old(new));
        machines.leave(old);
        machines.leave(other);
        assert!(machines.is_updated());
    }

    #[test]
    fn all_old_machines_are_stopped_at_once() {
        let mut machines = Machines::new(3, 1);
        let old = machines.take().unwrap();
        machines.settle(0);
        machines.update();
        machines.stop_old();
        assert!(machines.take().is_none() && machines.is_old(old));
        machines.leave(old);
        assert!(machines.is_updated());
        assert_eq!(machines.settle(0), 1..4);
        machines.is_ready(0);
        assert_eq!(count(&machines), [3, 0, 0], "an old order was called off");
    }

    proptest! {
        /// Whatever happens, what is ready and what is ordered make up what is wanted, and no place is given twice.
        #[test]
        fn the_pool_has_what_it_should(
            holds in 1_u32..4,
            events in proptest::collection::vec((0_u8..5, 0_usize..20, 0_u32..9), 1..200),
        ) {
            let mut machines = Machines::new(3, holds);
            let mut rooms: Vec<usize> = Vec::new();
            let (mut size, mut waiting, mut orders) = (3_u64, 0_u64, Vec::new());
            for (event, which, number) in events {
                match event {
                    0 => match machines.take() {
                        Some(machine) => rooms.push(machine),
                        None => waiting += 1,
                    },
                    1 if !rooms.is_empty() => {
                        machines.leave(rooms.remove(which % rooms.len()));
                    }
                    2 if !orders.is_empty() => {
                        machines.is_ready(orders.remove(which % orders.len()));
                    }
                    3 => {
                        size = number.into();
                        machines.resize(number);
                    }
                    4 => machines.update(),
                    _ => {}
                }
                while waiting > 0 && let Some(machine) = machines.take() {
                    waiting -= 1;
                    rooms.push(machine);
                }
                orders.extend(machines.settle(waiting));
                let there = machines.count();
                let wanted = size + waiting.div_ceil(holds.into());
                prop_assert!(there.booting + there.ready >= wanted, "{there:?} of {wanted}");
                prop_assert!(there.ready <= size, "{there:?} of {size}");
                for machine in &rooms {
                    let on_it = rooms.iter().filter(|other| *other == machine).count();
                    prop_assert!(on_it <= holds as usize);
                }
            }
        }
    }
}
