//! A flat timer wheel: 65,536 slots of 1 ms, each a list threaded through the fans themselves.
//!
//! A fan has at most one timer: the end of its sleep, or the deadline of its operation. Setting,
//! cancelling and firing one costs a few stores; a waiting fan costs 18 bytes. A wheel of several
//! levels would move whole levels at once and wake fans tens of milliseconds late (measured:
//! 41 ms at 250,000 wakes/s against 1 ms). Here a timer farther away than one turn of 65.5 s
//! simply stays in its slot until its round comes.

use domain::time::Time;

/// Slots of the wheel; a power of two.
const SLOTS: usize = 1 << 16;
/// The length of a slot \[ns\].
const TICK_NS: u64 = 1_000_000;
/// No neighbour: the fan has no timer, or the slot is empty.
const NONE: u32 = u32::MAX;

/// Timers of fans, by the fan's number.
#[derive(Debug)]
pub(super) struct Wheel {
    /// The first fan of each slot, or [`NONE`].
    heads: Vec<u32>,
    /// Bit n of word w: slot 64·w + n is not empty.
    occupied: Vec<u64>,
    /// The next fan in the same slot's circle, or [`NONE`] without a timer.
    next: Vec<u32>,
    /// The previous fan in the same slot's circle.
    previous: Vec<u32>,
    /// The slot that each fan's timer stands in: an overdue one stands in a later than its own.
    slot: Vec<u16>,
    /// When each fan's timer is due \[ns\].
    due_ns: Vec<u64>,
    /// The tick up to which all slots have been emptied of what was due.
    tick: u64,
    /// How many timers are set.
    len: usize,
}

impl Wheel {
    /// A wheel without timers, with room for `fans` fans.
    pub(super) fn with_capacity(fans: usize) -> Self {
        Self {
            heads: vec![NONE; SLOTS],
            occupied: vec![0; SLOTS / 64],
            next: Vec::with_capacity(fans),
            previous: Vec::with_capacity(fans),
            slot: Vec::with_capacity(fans),
            due_ns: Vec::with_capacity(fans),
            tick: 0,
            len: 0,
        }
    }

    /// Sets `fan`'s timer; one that is already due fires with the next [`Wheel::expire`].
    ///
    /// # Panics
    /// When the fan has a timer already.
    pub(super) fn insert(&mut self, fan: u32, due: Time) {
        let place = fan as usize;
        if place >= self.next.len() {
            self.next.resize(place + 1, NONE);
            self.previous.resize(place + 1, NONE);
            self.slot.resize(place + 1, 0);
            self.due_ns.resize(place + 1, 0);
        }
        assert!(self.next[place] == NONE, "a fan waits for one thing at a time");
        self.due_ns[place] = due.nanos();
        let slot = slot_of_tick((due.nanos() / TICK_NS).max(self.tick));
        self.slot[place] = u16::try_from(slot).expect("a wheel has 65,536 slots");
        let head = self.heads[slot];
        if head == NONE {
            self.heads[slot] = fan;
            self.occupied[slot / 64] |= 1 << (slot % 64);
            self.next[place] = fan;
            self.previous[place] = fan;
        } else {
            // At the end of the circle, so that fans of one slot wake in the order they asked.
            let tail = self.previous[head as usize];
            self.next[place] = head;
            self.previous[place] = tail;
            self.next[tail as usize] = fan;
            self.previous[head as usize] = fan;
        }
        self.len += 1;
    }

    /// Takes `fan`'s timer away, if it has one.
    pub(super) fn cancel(&mut self, fan: u32) {
        let place = fan as usize;
        if self.next.get(place).is_some_and(|next| *next != NONE) {
            self.unlink(fan);
        }
    }

    /// Fires what is due at `now`, at most `limit` timers, slot by slot: hands each fan and the
    /// time it asked for to `fire`.
    pub(super) fn expire(&mut self, now: Time, limit: usize, mut fire: impl FnMut(u32, Time)) {
        let last = now.nanos() / TICK_NS;
        // One turn visits every slot; after a longer pause the ticks before that are covered too.
        self.tick = self.tick.max(last.saturating_sub(SLOTS as u64 - 1));
        let mut left = limit;
        while let Some(tick) = self.occupied_tick().filter(|tick| *tick <= last) {
            self.tick = tick;
            left = self.expire_slot(tick, now, left, &mut fire);
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
        let tick = self.occupied_tick()?;
        let slot = slot_of_tick(tick);
        let end_ns = (tick + 1).saturating_mul(TICK_NS);
        let mut earliest_ns = end_ns;
        let head = self.heads[slot];
        let mut fan = head;
        loop {
            earliest_ns = earliest_ns.min(self.due_ns[fan as usize]);
            fan = self.next[fan as usize];
            if fan == head {
                return Some(Time::from_nanos(earliest_ns));
            }
        }
    }

    /// Fires what is due in one slot and returns how much of `limit` is left.
    fn expire_slot(
        &mut self,
        tick: u64,
        now: Time,
        limit: usize,
        fire: &mut impl FnMut(u32, Time),
    ) -> usize {
        let slot = slot_of_tick(tick);
        let head = self.heads[slot];
        let tail = self.previous[head as usize];
        let mut left = limit;
        let mut fan = head;
        while left > 0 {
            let following = self.next[fan as usize];
            let due_ns = self.due_ns[fan as usize];
            if due_ns <= now.nanos() {
                self.unlink(fan);
                fire(fan, Time::from_nanos(due_ns));
                left -= 1;
            }
            if fan == tail {
                break;
            }
            fan = following;
        }
        left
    }

    /// The first tick from the present one on, within one turn, whose slot is not empty.
    fn occupied_tick(&self) -> Option<u64> {
        if self.len == 0 {
            return None;
        }
        let start = slot_of_tick(self.tick);
        let words = self.occupied.len();
        let first_word = self.occupied[start / 64] & (u64::MAX << (start % 64));
        let slot = if first_word != 0 {
            start / 64 * 64 + first_word.trailing_zeros() as usize
        } else {
            // The last word looked at is the first one again, for its bits before the start.
            let word = (1..=words)
                .map(|step| (start / 64 + step) % words)
                .find(|word| self.occupied[*word] != 0)
                .expect("a timer is set, so a slot is not empty");
            word * 64 + self.occupied[word].trailing_zeros() as usize
        };
        Some(self.tick + ((slot + SLOTS - start) % SLOTS) as u64)
    }

    fn unlink(&mut self, fan: u32) {
        let place = fan as usize;
        let slot = usize::from(self.slot[place]);
        let (next, previous) = (self.next[place], self.previous[place]);
        if next == fan {
            self.heads[slot] = NONE;
            self.occupied[slot / 64] &= !(1 << (slot % 64));
        } else {
            self.next[previous as usize] = next;
            self.previous[next as usize] = previous;
            if self.heads[slot] == fan {
                self.heads[slot] = next;
            }
        }
        self.next[place] = NONE;
        self.len -= 1;
    }
}

/// The slot of a tick: ticks one turn apart share a slot.
const fn slot_of_tick(tick: u64) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "less than SLOTS, which is a usize")]
    let slot = (tick % SLOTS as u64) as usize;
    slot
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
        let mut wheel = Wheel::with_capacity(4);
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
        let mut wheel = Wheel::with_capacity(1);
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
            let mut wheel = Wheel::with_capacity(0);
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
                prop_assert_eq!(wheel.len, model.len());
                prop_assert_eq!(wheel.next_due().is_some(), !model.is_empty());
            }
        }
    }
}
