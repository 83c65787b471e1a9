//! Which slots of a wheel hold anything, a bit each, and which of those comes next.

/// The length of a slot of either wheel \[ns\]: nobody wakes a fan more exactly than a millisecond
/// without waking for each fan alone, and the time it asked for is kept to the nanosecond.
pub(super) const TICK_NS: u64 = 1_000_000;

/// The slots of a wheel of a power of two of them, at least 64. Time is cut into ticks; ticks a
/// whole turn apart share a slot.
#[derive(Debug)]
pub(super) struct Occupied {
    /// Bit n of word w: slot 64·w + n holds something.
    words: Vec<u64>,
}

impl Occupied {
    /// A wheel of so many slots, all of them empty.
    pub(super) fn of(slots: usize) -> Self {
        assert!(slots.is_power_of_two() && slots >= 64, "a wheel's slots are a power of two");
        Self { words: vec![0; slots / 64] }
    }

    /// How many slots there are.
    pub(super) const fn slots(&self) -> usize {
        self.words.len() * 64
    }

    /// The slot of a tick.
    pub(super) fn slot_of(&self, tick: u64) -> usize {
        usize::try_from(tick % self.slots() as u64).expect("a slot is smaller than their number")
    }

    /// A slot holds something now.
    pub(super) fn fill(&mut self, slot: usize) {
        self.words[slot / 64] |= 1 << (slot % 64);
    }

    /// A slot holds nothing any more.
    pub(super) fn clear(&mut self, slot: usize) {
        self.words[slot / 64] &= !(1 << (slot % 64));
    }

    /// The first tick from `tick` on, within one turn, whose slot is not empty; `None` when all
    /// are. It looks at a word for every 64 ticks until then.
    pub(super) fn next(&self, tick: u64) -> Option<u64> {
        let start = self.slot_of(tick);
        let words = self.words.len();
        let first_word = self.words[start / 64] & (u64::MAX << (start % 64));
        let slot = if first_word != 0 {
            start / 64 * 64 + first_word.trailing_zeros() as usize
        } else {
            // The last word looked at is the first one again, for its bits before the start.
            let word = (1..=words)
                .map(|step| (start / 64 + step) % words)
                .find(|word| self.words[*word] != 0)?;
            word * 64 + self.words[word].trailing_zeros() as usize
        };
        Some(tick + ((slot + self.slots() - start) % self.slots()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_slot_is_found_across_the_turn() {
        let mut occupied = Occupied::of(256);
        assert_eq!(occupied.next(1_000), None);
        occupied.fill(3);
        occupied.fill(200);
        assert_eq!(
            (occupied.next(0), occupied.next(4), occupied.next(200)),
            (Some(3), Some(200), Some(200))
        );
        assert_eq!((occupied.next(201), occupied.next(256 + 4)), (Some(256 + 3), Some(256 + 200)));
        occupied.clear(200);
        assert_eq!(occupied.next(4), Some(256 + 3));
    }
}
