//! A hierarchical timing wheel (Varghese and Lauck, SOSP 1987): many events by time, none of which is compared
//! with another.
//!
//! Time is cut into ticks, and a slot of the lowest level is one tick; a slot of each higher level is as long
//! as all of the level below. An event lies in the level of the highest digit in which its tick differs from
//! the wheel's. Where a level has nothing left, the next slot of the one above is laid out over it, in the
//! order in which its events were entered: so events of one instant leave in that order.

use domain::time::Time;

/// A tick is 2^16 ns, 66 µs: some events each, where 50,000 requests come in a second.
const TICK_BITS: u32 = 16;
/// A digit of a tick's number: 1,024 slots, 67 ms, 69 s, 20 hours, 2 years and all of time.
const DIGIT_BITS: u32 = 10;
const SLOTS: usize = 1 << DIGIT_BITS;
/// So many digits hold every tick.
const LEVELS: usize = (u64::BITS - TICK_BITS).div_ceil(DIGIT_BITS) as usize;
/// Events that lie side by side: half a kilobyte of those of eight bytes.
const BLOCK: usize = 32;
/// No block.
const NONE: u32 = u32::MAX;

/// Events whose ticks are later than the wheel's.
#[derive(Debug)]
pub(super) struct Wheel<Event> {
    /// What belongs to this tick, or an earlier one, has been handed out.
    tick: u64,
    levels: Vec<Level>,
    blocks: Vec<Block<Event>>,
    /// The first of those that hold nothing.
    free: u32,
    len: usize,
}

/// The slots of one digit.
#[derive(Debug)]
struct Level {
    slots: Vec<Slot>,
    /// Which of them hold something: a bit for each, and one for each word of those bits.
    held: [u64; SLOTS / 64],
    words: u64,
}

/// A chain of blocks, each of which is full but the last.
#[derive(Copy, Clone, Debug)]
struct Slot {
    first: u32,
    last: u32,
}

impl Slot {
    const EMPTY: Self = Self { first: NONE, last: NONE };
}

#[derive(Debug)]
struct Block<Event> {
    events: Vec<(Time, Event)>,
    next: u32,
}

impl<Event> Wheel<Event> {
    /// An empty wheel at the run's beginning; it takes memory with its first event.
    pub(super) const fn new() -> Self {
        Self { tick: 0, levels: Vec::new(), blocks: Vec::new(), free: NONE, len: 0 }
    }

    /// Whether it holds nothing.
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether what happens `at` is to be handed out by now, or is earlier.
    pub(super) const fn is_near(&self, at: Time) -> bool {
        tick_of(at) <= self.tick
    }

    /// Turns an empty wheel to `now`.
    pub(super) fn turn_to(&mut self, now: Time) {
        debug_assert!(self.is_empty(), "what a wheel holds turns with it");
        self.tick = tick_of(now);
    }

    /// Takes an event that is not near.
    pub(super) fn put(&mut self, at: Time, event: Event) {
        if self.levels.is_empty() {
            self.levels = (0..LEVELS).map(|_| Level::new()).collect();
        }
        self.len += 1;
        self.lay(at, event);
    }

    /// Turns to the next slot that holds something: what is near then is handed to `near`, in the order in
    /// which it was put. That may be nothing yet.
    pub(super) fn turn(&mut self, mut near: impl FnMut(Time, Event)) {
        let found = (0_u32..).zip(&mut self.levels).find_map(|(digit, level)| {
            let (place, slot) = level.take_first()?;
            Some((digit * DIGIT_BITS, place, slot))
        });
        let Some((below, place, slot)) = found else { return };
        let above = self.tick >> (below + DIGIT_BITS) << DIGIT_BITS;
        self.tick = (above | place as u64) << below;
        let mut next = slot.first;
        while next != NONE {
            let mut events = std::mem::take(&mut self.blocks[next as usize].events);
            for (at, event) in events.drain(..) {
                if self.is_near(at) {
                    self.len -= 1;
                    near(at, event);
                } else {
                    self.lay(at, event);
                }
            }
            let block = &mut self.blocks[next as usize];
            block.events = events;
            let after = std::mem::replace(&mut block.next, self.free);
            self.free = next;
            next = after;
        }
    }

    /// Puts an event at the end of its slot.
    fn lay(&mut self, at: Time, event: Event) {
        let tick = tick_of(at);
        debug_assert!(tick > self.tick, "what is near does not lie in the wheel");
        let digit = (tick ^ self.tick).ilog2() / DIGIT_BITS;
        let place = tick >> (digit * DIGIT_BITS) & (SLOTS as u64 - 1);
        let place = usize::try_from(place).expect("a level has 1,024 slots");
        let slot = self.levels[digit as usize].slots[place];
        let has_room = slot.last != NONE && self.blocks[slot.last as usize].events.len() < BLOCK;
        let last = if has_room { slot.last } else { self.lengthen(digit, place) };
        self.blocks[last as usize].events.push((at, event));
    }

    /// Gives a slot a block more.
    fn lengthen(&mut self, digit: u32, place: usize) -> u32 {
        let block = self.empty_block();
        let level = &mut self.levels[digit as usize];
        let slot = &mut level.slots[place];
        let before = std::mem::replace(&mut slot.last, block);
        if before == NONE {
            slot.first = block;
            level.held[place / 64] |= 1 << (place % 64);
            level.words |= 1 << (place / 64);
        } else {
            self.blocks[before as usize].next = block;
        }
        block
    }

    fn empty_block(&mut self) -> u32 {
        if self.free == NONE {
            let events = Vec::with_capacity(BLOCK);
            self.blocks.push(Block { events, next: NONE });
            return u32::try_from(self.blocks.len() - 1).expect("fewer than 2^32 blocks");
        }
        let block = self.free;
        self.free = std::mem::replace(&mut self.blocks[block as usize].next, NONE);
        block
    }
}

impl Level {
    fn new() -> Self {
        Self { slots: vec![Slot::EMPTY; SLOTS], held: [0; SLOTS / 64], words: 0 }
    }

    /// Takes out the first slot that holds something, with its place.
    fn take_first(&mut self) -> Option<(usize, Slot)> {
        if self.words == 0 {
            return None;
        }
        let word = self.words.trailing_zeros() as usize;
        let bit = self.held[word].trailing_zeros() as usize;
        self.held[word] &= self.held[word] - 1;
        if self.held[word] == 0 {
            self.words &= self.words - 1;
        }
        let place = word * 64 + bit;
        Some((place, std::mem::replace(&mut self.slots[place], Slot::EMPTY)))
    }
}

const fn tick_of(at: Time) -> u64 {
    at.nanos() >> TICK_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_handed_out_leaves_its_memory_to_what_comes() {
        let mut wheel = Wheel::new();
        let mut handed_out = 0;
        for round in 0_u64..50 {
            wheel.turn_to(Time::from_millis(round * 10_000));
            for number in 0..1_000 {
                wheel.put(Time::from_millis(round * 10_000 + 1 + number), number);
            }
            while !wheel.is_empty() {
                wheel.turn(|_, _| handed_out += 1);
            }
        }
        assert_eq!(handed_out, 50_000);
        // A second of the second level is 16 slots of 67 events, of which one is laid out at a time.
        assert!(wheel.blocks.len() < 200, "{}", wheel.blocks.len());
    }

    #[test]
    fn the_end_of_all_time_has_a_slot() {
        let mut wheel = Wheel::new();
        wheel.put(Time::NEVER, "late");
        wheel.put(Time::from_millis(1), "soon");
        let mut seen = Vec::new();
        while !wheel.is_empty() {
            wheel.turn(|at, event| seen.push((at, event)));
        }
        assert_eq!(seen, [(Time::from_millis(1), "soon"), (Time::NEVER, "late")]);
    }
}
