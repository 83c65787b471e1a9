//! A flat timer wheel for the deadlines of operations: 65,536 slots of 1 ms, each a list threaded
//! through the operations under way.
//!
//! An operation has one timer, and nearly always it is answered first: setting and cancelling cost a
//! few stores. Whoever merely sleeps stands in [`super::sleepers`], which is leaner.

use domain::time::Time;

use crate::live::occupied::{Occupied, TICK_NS};

/// Slots of the wheel; a power of two. A timer farther away than one turn of 65.5 s stays in its
/// slot until its round comes.
const SLOTS: usize = 1 << 16;
/// So many in one slot are a crowd: which of them is first is asked when their slot comes, and until
/// then the slot's beginning will do.
const CROWD: usize = 16;
/// No neighbour: the operation has no timer, or the slot is empty.
const NONE: u32 = u32::MAX;

/// Timers of operations, by the operation's number.
#[derive(Debug)]
pub(super) struct Wheel {
    /// The first timer of each slot, or [`NONE`].
    heads: Vec<u32>,
    occupied: Occupied,
    /// The next timer in the same slot's circle, or [`NONE`] without a timer.
    next: Vec<u32>,
    /// The previous timer in the same slot's circle.
    previous: Vec<u32>,
    /// The slot that each timer stands in: an overdue one stands in a later than its own.
    slot: Vec<u16>,
    /// When each timer is due \[ns\].
    due_ns: Vec<u64>,
    /// The tick up to which all slots have been emptied of what was due.
    tick: u64,
    /// Whether firing stopped at its limit: more may be due.
    is_behind: bool,
}

impl Wheel {
    /// A wheel without timers.
    pub(super) fn new() -> Self {
        Self {
            heads: vec![NONE; SLOTS],
            occupied: Occupied::of(SLOTS),
            next: Vec::new(),
            previous: Vec::new(),
            slot: Vec::new(),
            due_ns: Vec::new(),
            tick: 0,
            is_behind: false,
        }
    }

    /// Sets the timer of an operation; one that is already due fires with the next [`Wheel::expire`].
    ///
    /// # Panics
    /// When it has one already.
    pub(super) fn insert(&mut self, number: u32, due: Time) {
        let place = number as usize;
        if place >= self.next.len() {
            self.next.resize(place + 1, NONE);
            self.previous.resize(place + 1, NONE);
            self.slot.resize(place + 1, 0);
            self.due_ns.resize(place + 1, 0);
        }
        assert!(self.next[place] == NONE, "an operation has one deadline");
        self.due_ns[place] = due.nanos();
        let slot = self.occupied.slot_of((due.nanos() / TICK_NS).max(self.tick));
        self.slot[place] = u16::try_from(slot).expect("a wheel has 65,536 slots");
        let head = self.heads[slot];
        if head == NONE {
            self.heads[slot] = number;
            self.occupied.fill(slot);
            self.next[place] = number;
            self.previous[place] = number;
        } else {
            // At the end of the circle, so that those of one slot fire in the order they were set.
            let tail = self.previous[head as usize];
            self.next[place] = head;
            self.previous[place] = tail;
            self.next[tail as usize] = number;
            self.previous[head as usize] = number;
        }
    }

    /// Takes the timer of an operation away, if it has one.
    pub(super) fn cancel(&mut self, number: u32) {
        let place = number as usize;
        if self.next.get(place).is_some_and(|next| *next != NONE) {
            self.unlink(number);
        }
    }

    /// Fires what is due at `now`, at most `limit` timers, slot by slot: hands each operation
    /// and its deadline to `fire`.
    pub(super) fn expire(&mut self, now: Time, limit: usize, mut fire: impl FnMut(u32, Time)) {
        let last = now.nanos() / TICK_NS;
        // One turn visits every slot; after a longer pause the ticks before that are covered too.
        self.tick = self.tick.max(last.saturating_sub(SLOTS as u64 - 1));
        self.is_behind = false;
        let mut left = limit;
        while let Some(tick) = self.occupied.next(self.tick).filter(|tick| *tick <= last) {
            self.tick = tick;
            left = self.expire_slot(tick, now, left, &mut fire);
            self.is_behind = left == 0;
            if left == 0 || tick == last {
                return;
            }
            self.tick = tick + 1;
        }
        self.tick = self.tick.max(last);
    }

    /// A time before which nothing is due, and at which something may be; `None` without timers.
    /// It lies in the past only when [`Wheel::expire`] stopped at its limit.
    pub(super) fn next_due(&self) -> Option<Time> {
        let tick = self.occupied.next(self.tick)?;
        if self.is_behind {
            return Some(Time::from_nanos(self.tick * TICK_NS));
        }
        let slot = self.occupied.slot_of(tick);
        let mut earliest_ns = (tick + 1).saturating_mul(TICK_NS);
        let head = self.heads[slot];
        let mut number = head;
        for looked_at in 0_usize.. {
            if tick > self.tick && looked_at == CROWD {
                return Some(Time::from_nanos(tick * TICK_NS));
            }
            earliest_ns = earliest_ns.min(self.due_ns[number as usize]);
            number = self.next[number as usize];
            if number == head {
                break;
            }
        }
        Some(Time::from_nanos(earliest_ns))
    }

    /// Fires what is due in one slot and returns how much of `limit` is left.
    fn expire_slot(
        &mut self,
        tick: u64,
        now: Time,
        limit: usize,
        fire: &mut impl FnMut(u32, Time),
    ) -> usize {
        let slot = self.occupied.slot_of(tick);
        let head = self.heads[slot];
        let tail = self.previous[head as usize];
        let mut left = limit;
        let mut number = head;
        while left > 0 {
            let following = self.next[number as usize];
            let due_ns = self.due_ns[number as usize];
            if due_ns <= now.nanos() {
                self.unlink(number);
                fire(number, Time::from_nanos(due_ns));
                left -= 1;
            }
            if number == tail {
                break;
            }
            number = following;
        }
        left
    }

    fn unlink(&mut self, number: u32) {
        let place = number as usize;
        let slot = usize::from(self.slot[place]);
        let (next, previous) = (self.next[place], self.previous[place]);
        if next == number {
            self.heads[slot] = NONE;
            self.occupied.clear(slot);
        } else {
            self.next[previous as usize] = next;
            self.previous[next as usize] = previous;
            if self.heads[slot] == number {
                self.heads[slot] = next;
            }
        }
        self.next[place] = NONE;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::time::Duration;
    use proptest::prelude::*;

    use super::*;

    fn fired(wheel: &mut Wheel, now: Time, limit: usize) -> Vec<(u32, Time)> {
        let mut fired = Vec::new();
        wheel.expire(now, limit, |fan, due| fired.push((fan, due)));
        fired
    }

    #[test]
    fn fans_of_one_instant_wake_in_the_order_they_asked() {
        let mut wheel = Wheel::new();
        let due = Time::from_millis(7);
        for fan in [2, 0, 3, 1] {
            wheel.insert(fan, due);
        }
        assert_eq!(fired(&mut wheel, Time::from_nanos(6_999_999), 9), []);
        assert_eq!(fired(&mut wheel, due, 2), [(2, due), (0, due)]);
        assert_eq!(fired(&mut wheel, due, 9), [(3, due), (1, due)]);
        assert_eq!(wheel.next_due(), None);
    }

    #[test]
    fn a_timer_of_a_later_round_waits_for_its_round() {
        let mut wheel = Wheel::new();
        let due = Time::from_millis(3 * SLOTS as u64 + 5);
        wheel.insert(0, due);
        assert_eq!(fired(&mut wheel, Time::from_millis(5), 9), []);
        assert_eq!(fired(&mut wheel, Time::from_millis(2 * SLOTS as u64 + 6), 9), []);
        assert_eq!(fired(&mut wheel, due + Duration::from_secs(500), 9), [(0, due)]);
    }

    #[derive(Clone, Debug)]
    enum Move {
        Insert { fan: u32, after_us: u64 },
        Cancel { fan: u32 },
        Expire { after_us: u64, limit: usize },
    }

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let wait_us = prop_oneof![0_u64..3_000, 0_u64..70_000_000, 0_u64..400_000_000];
        let one = prop_oneof![
            5 => (0_u32..40, wait_us.clone()).prop_map(|(fan, after_us)| Move::Insert { fan, after_us }),
            1 => (0_u32..40).prop_map(|fan| Move::Cancel { fan }),
            4 => (wait_us, 1_usize..50).prop_map(|(after_us, limit)| Move::Expire { after_us, limit }),
        ];
        prop::collection::vec(one, 0..300)
    }

    proptest! {
        /// The model is an ordered set. Insertions may lie in the past of the wheel's own time.
        #[test]
        fn the_wheel_fires_what_an_ordered_set_fires(moves in moves()) {
            let mut wheel = Wheel::new();
            let mut model: BTreeSet<(Time, u32)> = BTreeSet::new();
            let mut now = Time::ZERO;
            for step in moves {
                match step {
                    Move::Insert { fan, after_us } => {
                        if model.iter().all(|(_, other)| *other != fan) {
                            let due = now.before(Duration::from_millis(2))
                                + Duration::from_micros(after_us);
                            wheel.insert(fan, due);
                            model.insert((due, fan));
                        }
                    }
                    Move::Cancel { fan } => {
                        wheel.cancel(fan);
                        model.retain(|(_, other)| *other != fan);
                    }
                    Move::Expire { after_us, limit } => {
                        now += Duration::from_micros(after_us);
                        let due = model.iter().filter(|(due, _)| *due <= now).count();
                        let fired = fired(&mut wheel, now, limit);
                        prop_assert_eq!(fired.len(), due.min(limit));
                        for (fan, due) in fired {
                            prop_assert!(due <= now && model.remove(&(due, fan)));
                        }
                        if due < limit {
                            let first = model.first().map(|(due, _)| *due);
                            prop_assert!(wheel.next_due() <= first || first.is_none());
                            prop_assert!(wheel.next_due().is_none_or(|next| next > now));
                        }
                    }
                }
                prop_assert_eq!(wheel.next_due().is_some(), !model.is_empty());
            }
        }
    }
}
