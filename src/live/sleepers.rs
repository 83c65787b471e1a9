//! Fans who sleep, a million of them at once: a flat timer wheel of 8 bytes a fan.
//!
//! The wheel has a slot for every millisecond of a turn of 17 minutes, and each slot is a list
//! threaded through the fans. A sleep is never taken back, so a list in one direction is enough; and
//! its slot says most of when it ends, so that a fan keeps the turn and the nanoseconds within the
//! slot alone. A wheel of several levels would move whole levels at once and wake fans tens of
//! milliseconds late (measured: 41 ms at 250,000 wakes/s against 1 ms).

use std::collections::BTreeSet;

use domain::time::Time;

use crate::live::occupied::{Occupied, TICK_NS};

/// Slots of the wheel: 17.5 min, so that hardly a sleep is passed over when its slot comes by. A
/// slot takes memory once somebody has slept until then.
const SLOTS: usize = 1 << 20;
/// Bits for the nanoseconds within a tick: 2^20 is just more than 1,000,000.
const NANOS_BITS: u32 = 20;
/// Turns that a fan can count: what ends later, after 50 days, is kept aside.
const TURNS: u64 = 1 << (u32::BITS - NANOS_BITS);

/// So many in one slot are a crowd: who of them wakes first is asked when their slot comes, and until
/// then the slot's beginning will do. A million may sleep until one opening.
const CROWD: usize = 16;

/// Whose sleep ends when, by the fan's number.
#[derive(Debug)]
pub struct Sleepers {
    /// The last fan of each slot's circle, plus one, or 0: pages of zeros take no memory.
    tails: Vec<u32>,
    occupied: Occupied,
    sleeps: Vec<Sleep>,
    /// Sleeps that the wheel has no slot for: they were over before they began, or end after all
    /// its turns.
    aside: BTreeSet<(Time, u32)>,
    /// The tick up to which all slots have been emptied of what was due.
    tick: u64,
    /// Whether waking stopped at its limit: more may be due.
    is_behind: bool,
}

/// The sleep of one fan.
#[derive(Copy, Clone, Debug)]
struct Sleep {
    /// The next fan in the same slot's circle; [`AWAKE`] or [`ASIDE`] outside of any.
    next: u32,
    /// When it ends, as far as its slot does not say that.
    rest: u32,
}

/// A million fans sleep at once.
const _: () = assert!(size_of::<Sleep>() <= 8, "a sleep is a link and what its slot does not say");

/// In place of a neighbour: the fan does not sleep.
const AWAKE: u32 = u32::MAX;
/// In place of a neighbour: the fan's sleep is kept aside.
const ASIDE: u32 = u32::MAX - 1;

impl Sleepers {
    /// Nobody sleeps yet; with room for the numbers below `fans`, which takes memory as they are
    /// used.
    pub fn with_capacity(fans: usize) -> Self {
        Self {
            tails: vec![0; SLOTS],
            occupied: Occupied::of(SLOTS),
            sleeps: Vec::with_capacity(fans),
            aside: BTreeSet::new(),
            tick: 0,
            is_behind: false,
        }
    }

    /// `fan` sleeps until `due`; a time that has passed wakes it with the next
    /// [`Sleepers::expire`].
    ///
    /// # Panics
    /// When the fan sleeps already.
    pub fn insert(&mut self, fan: u32, due: Time) {
        assert!(fan < ASIDE, "fewer than 2^32 - 2 fans");
        let place = fan as usize;
        if place >= self.sleeps.len() {
            self.sleeps.resize(place + 1, Sleep { next: AWAKE, rest: 0 });
        }
        assert!(self.sleeps[place].next == AWAKE, "a fan sleeps once at a time");
        let tick = due.nanos() / TICK_NS;
        let turn = tick / SLOTS as u64;
        if tick < self.tick || turn >= TURNS {
            self.sleeps[place].next = ASIDE;
            self.aside.insert((due, fan));
            return;
        }
        let rest = (turn << NANOS_BITS) | (due.nanos() % TICK_NS);
        self.sleeps[place].rest = u32::try_from(rest).expect("both parts have their bits");
        self.link(self.occupied.slot_of(tick), fan);
    }

    /// Wakes those whose time has come by `now`, at most `limit`, slot by slot: hands each fan and
    /// the time it asked for to `wake`.
    pub fn expire(&mut self, now: Time, limit: usize, mut wake: impl FnMut(u32, Time)) {
        let mut left = limit;
        while left > 0
            && let Some((due, fan)) = self.aside.first().copied().filter(|(due, _)| *due <= now)
        {
            self.aside.pop_first();
            self.sleeps[fan as usize].next = AWAKE;
            wake(fan, due);
            left -= 1;
        }
        self.is_behind = left == 0;
        let last = now.nanos() / TICK_NS;
        // One turn visits every slot; after a longer pause the ticks before that are covered too.
        self.tick = self.tick.max(last.saturating_sub(SLOTS as u64 - 1));
        while left > 0 {
            let Some(tick) = self.occupied.next(self.tick).filter(|tick| *tick <= last) else {
                self.tick = self.tick.max(last);
                return;
            };
            self.tick = tick;
            left = self.expire_slot(tick, now, left, &mut wake);
            self.is_behind = left == 0;
            if left == 0 || tick == last {
                return;
            }
            self.tick = tick + 1;
        }
    }

    /// A time before which nobody wakes, and at which somebody may; `None` when nobody sleeps. It
    /// lies in the past only when [`Sleepers::expire`] stopped at its limit, or a sleep was over
    /// before it began.
    pub fn next_due(&self) -> Option<Time> {
        let aside = self.aside.first().map(|(due, _)| *due);
        let wheel = self.occupied.next(self.tick).map(|tick| {
            if self.is_behind {
                return Time::from_nanos(self.tick * TICK_NS);
            }
            let slot = self.occupied.slot_of(tick);
            if tick > self.tick && self.in_slot(slot).nth(CROWD).is_some() {
                return Time::from_nanos(tick * TICK_NS);
            }
            // Whoever sleeps for turns more is looked at again when the slot comes by.
            let end = Time::from_nanos((tick + 1).saturating_mul(TICK_NS));
            self.in_slot(slot).min().map_or(end, |due| due.min(end))
        });
        aside.into_iter().chain(wheel).min()
    }

    /// Wakes those of one slot whose time has come, and returns how much of `limit` is left.
    fn expire_slot(
        &mut self,
        tick: u64,
        now: Time,
        limit: usize,
        wake: &mut impl FnMut(u32, Time),
    ) -> usize {
        let slot = self.occupied.slot_of(tick);
        let Some(tail) = self.tail(slot) else { return limit };
        let mut left = limit;
        let mut before = tail;
        while left > 0 {
            let fan = self.sleeps[before as usize].next;
            let due = self.due(slot, fan);
            if due <= now {
                self.unlink(slot, before, fan);
                wake(fan, due);
                left -= 1;
            } else {
                before = fan;
            }
            if fan == tail {
                break;
            }
        }
        left
    }

    /// When those of one slot wake.
    fn in_slot(&self, slot: usize) -> impl Iterator<Item = Time> {
        let tail = self.tail(slot);
        let first = tail.map(|tail| self.sleeps[tail as usize].next);
        let following =
            move |fan: &u32| (Some(*fan) != tail).then(|| self.sleeps[*fan as usize].next);
        std::iter::successors(first, following).map(move |fan| self.due(slot, fan))
    }

    fn due(&self, slot: usize, fan: u32) -> Time {
        let rest = u64::from(self.sleeps[fan as usize].rest);
        let (turn, nanos) = (rest >> NANOS_BITS, rest & ((1 << NANOS_BITS) - 1));
        Time::from_nanos((turn * SLOTS as u64 + slot as u64) * TICK_NS + nanos)
    }

    fn tail(&self, slot: usize) -> Option<u32> {
        self.tails[slot].checked_sub(1)
    }

    /// Puts a fan at the end of a slot's circle, so that those of one slot wake in the order they
    /// fell asleep.
    fn link(&mut self, slot: usize, fan: u32) {
        let next = match self.tail(slot) {
            Some(tail) => std::mem::replace(&mut self.sleeps[tail as usize].next, fan),
            None => fan,
        };
        self.sleeps[fan as usize].next = next;
        self.tails[slot] = fan + 1;
        self.occupied.fill(slot);
    }

    /// Takes the fan that comes after `before` out of a slot's circle.
    fn unlink(&mut self, slot: usize, before: u32, fan: u32) {
        let next = std::mem::replace(&mut self.sleeps[fan as usize].next, AWAKE);
        if before == fan {
            self.tails[slot] = 0;
            self.occupied.clear(slot);
            return;
        }
        self.sleeps[before as usize].next = next;
        if self.tail(slot) == Some(fan) {
            self.tails[slot] = before + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::time::Duration;
    use proptest::prelude::*;

    use super::*;

    fn woken(sleepers: &mut Sleepers, now: Time, limit: usize) -> Vec<(u32, Time)> {
        let mut woken = Vec::new();
        sleepers.expire(now, limit, |fan, due| woken.push((fan, due)));
        woken
    }

    #[test]
    fn fans_wake_at_the_time_they_asked_for_to_the_nanosecond() {
        let mut sleepers = Sleepers::with_capacity(8);
        let due = Time::from_nanos(5_999_999);
        sleepers.insert(3, due);
        assert_eq!(sleepers.next_due(), Some(due));
        assert_eq!(woken(&mut sleepers, Time::from_nanos(5_999_998), 9), []);
        assert_eq!(sleepers.next_due(), Some(due));
        assert_eq!(woken(&mut sleepers, due, 9), [(3, due)]);
        assert_eq!(sleepers.next_due(), None);
    }

    #[test]
    fn those_of_one_slot_wake_in_the_order_they_fell_asleep_however_few_at_once() {
        let mut sleepers = Sleepers::with_capacity(0);
        let due = Time::from_millis(70);
        for fan in [4, 1, 7, 0] {
            sleepers.insert(fan, due);
        }
        let now = Time::from_millis(71);
        assert_eq!(woken(&mut sleepers, now, 3), [(4, due), (1, due), (7, due)]);
        assert_eq!(woken(&mut sleepers, now, 3), [(0, due)]);
    }

    #[test]
    fn a_sleep_of_months_ends_too_and_nobody_wakes_a_turn_too_early() {
        let mut sleepers = Sleepers::with_capacity(0);
        let turn = Duration::from_millis(SLOTS as u64);
        let soon = Time::from_millis(10);
        let (later, months) = (soon + turn, soon + turn * 10_000);
        for (fan, due) in [(0, months), (1, later), (2, soon)] {
            sleepers.insert(fan, due);
        }
        assert_eq!(woken(&mut sleepers, later.before(Duration::from_nanos(1)), 9), [(2, soon)]);
        assert_eq!(woken(&mut sleepers, later, 9), [(1, later)]);
        assert_eq!(sleepers.next_due(), Some(months));
        assert_eq!(woken(&mut sleepers, months, 9), [(0, months)]);
    }

    #[derive(Clone, Debug)]
    enum Move {
        Insert { fan: u32, after_us: u64 },
        Expire { after_us: u64, limit: usize },
    }

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let wait_us = prop_oneof![0_u64..3_000, 0_u64..70_000_000, 0_u64..4_000_000_000];
        let one = prop_oneof![
            5 => (0_u32..40, wait_us.clone()).prop_map(|(fan, after_us)| Move::Insert { fan, after_us }),
            4 => (wait_us, 1_usize..50).prop_map(|(after_us, limit)| Move::Expire { after_us, limit }),
        ];
        prop::collection::vec(one, 0..200)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The model is an ordered set. Sleeps may be over before they begin.
        #[test]
        fn the_wheel_wakes_whom_an_ordered_set_wakes(moves in moves()) {
            let mut sleepers = Sleepers::with_capacity(0);
            let mut model: BTreeSet<(Time, u32)> = BTreeSet::new();
            let mut now = Time::ZERO;
            for step in moves {
                match step {
                    Move::Insert { fan, after_us } => {
                        if model.iter().all(|(_, other)| *other != fan) {
                            let due = now.before(Duration::from_millis(2))
                                + Duration::from_micros(after_us);
                            sleepers.insert(fan, due);
                            model.insert((due, fan));
                        }
                    }
                    Move::Expire { after_us, limit } => {
                        now += Duration::from_micros(after_us);
                        let due = model.iter().filter(|(due, _)| *due <= now).count();
                        let woken = woken(&mut sleepers, now, limit);
                        prop_assert_eq!(woken.len(), due.min(limit));
                        for (fan, due) in woken {
                            prop_assert!(due <= now && model.remove(&(due, fan)));
                        }
                        if due < limit {
                            let first = model.first().map(|(due, _)| *due);
                            prop_assert!(sleepers.next_due() <= first || first.is_none());
                            prop_assert!(sleepers.next_due().is_none_or(|next| next > now));
                        }
                    }
                }
                prop_assert_eq!(sleepers.next_due().is_some(), !model.is_empty());
            }
        }
    }
}
