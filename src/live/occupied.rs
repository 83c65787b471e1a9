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
    /// Bit n of word w: word 64·w + n of the others is not 0. A wheel that holds little, or nothing,
    /// is searched with every request: of a million slots that takes 256 looks instead of 16,384.
    summary: Vec<u64>,
}

impl Occupied {
    /// A wheel of so many slots, all of them empty.
    pub(super) fn of(slots: usize) -> Self {
        assert!(slots.is_power_of_two() && slots >= 64, "a wheel's slots are a power of two");
        let words = slots / 64;
        Self { words: vec![0; words], summary: vec![0; words.div_ceil(64)] }
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
        let word = slot / 64;
        self.words[word] |= 1 << (slot % 64);
        self.summary[word / 64] |= 1 << (word % 64);
    }

    /// A slot holds nothing any more.
    pub(super) fn clear(&mut self, slot: usize) {
        let word = slot / 64;
        self.words[word] &= !(1 << (slot % 64));
        if self.words[word] == 0 {
            self.summary[word / 64] &= !(1 << (word % 64));
        }
    }

    /// The first tick from `tick` on, within one turn, whose slot is not empty; `None` when all
    /// are.
    pub(super) fn next(&self, tick: u64) -> Option<u64> {
        let start = self.slot_of(tick);
        let here = self.words[start / 64] & (u64::MAX << (start % 64));
        let slot = if here != 0 {
            start / 64 * 64 + here.trailing_zeros() as usize
        } else {
            // The last word that is found is this one again, for its bits before the start.
            let word = first_from(&self.summary, start / 64 + 1)?;
            word * 64 + self.words[word].trailing_zeros() as usize
        };
        Some(tick + ((slot + self.slots() - start) % self.slots()) as u64)
    }
}

/// The first bit at `start` or after it and, where there is none, the first at all.
fn first_from(words: &[u64], start: usize) -> Option<usize> {
    let bit = |(place, word): (usize, &u64)| {
        (*word != 0).then(|| place * 64 + word.trailing_zeros() as usize)
    };
    let first = words.get(start / 64).map(|word| word & (u64::MAX << (start % 64)));
    let later = first.filter(|word| *word != 0).and_then(|word| bit((start / 64, &word)));
    later
        .or_else(|| words.iter().enumerate().skip(start / 64 + 1).find_map(bit))
        .or_else(|| words.iter().enumerate().find_map(bit))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_next_slot_is_the_one_that_a_search_of_all_finds(
            power in 6_u32..14,
            changes in proptest::collection::vec((any::<bool>(), any::<u64>()), 0..60),
            tick in 0_u64..1 << 40,
        ) {
            let slots = 1_u64 << power;
            let (mut occupied, mut model) = (Occupied::of(1 << power), BTreeSet::new());
            for (fills, number) in changes {
                let slot = occupied.slot_of(number);
                if fills {
                    occupied.fill(slot);
                    model.insert(slot);
                } else {
                    occupied.clear(slot);
                    model.remove(&slot);
                }
            }
            let expected =
                (tick..tick + slots).find(|tick| model.contains(&occupied.slot_of(*tick)));
            prop_assert_eq!(occupied.next(tick), expected);
        }
    }

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
