//! The names of a run's evidence, each kept once: what bears one is then a number of four bytes, and
//! what is known of all of them is a column.

use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::num::NonZero;
use std::ops::Deref;

/// A name, as its number among those of its kind, from 0 in the order in which they were met.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(
    /// One more, so that a name that may be absent is no longer than one that is there.
    NonZero<u32>,
);

impl Name {
    /// Its number as a place in a column.
    pub(crate) const fn place(self) -> usize {
        self.number() as usize
    }

    pub(super) const fn number(self) -> u32 {
        self.0.get() - 1
    }

    pub(super) const fn from_number(number: u32) -> Self {
        Self(NonZero::<u32>::MIN.saturating_add(number))
    }
}

/// Names of one kind: texts one behind the other, where each ends, and a table of hashes to find them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    text: String,
    ends: Vec<u32>,
    /// Numbers plus 1 by hash, with open addressing; 0 is empty.
    table: Vec<u32>,
}

impl Names {
    /// The number of a text, new or known.
    pub(crate) fn intern(&mut self, text: &str) -> Name {
        if self.table.len() * 4 <= self.ends.len() * 5 {
            self.grow();
        }
        let slot = self.slot(text);
        if self.table[slot] == 0 {
            self.text.push_str(text);
            let end = u32::try_from(self.text.len()).expect("names are less than 4 GiB together");
            self.ends.push(end);
            self.table[slot] =
                u32::try_from(self.ends.len()).expect("each name has a byte or more");
        }
        Name::from_number(self.table[slot] - 1)
    }

    /// The number of a text, if it is known.
    pub(crate) fn find(&self, text: &str) -> Option<Name> {
        if self.table.is_empty() {
            return None;
        }
        self.table[self.slot(text)].checked_sub(1).map(Name::from_number)
    }

    /// The text of a name of this kind.
    pub(crate) fn text(&self, name: Name) -> &str {
        let from = name.place().checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[from as usize..self.ends[name.place()] as usize]
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// All of them, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = Name> + use<> {
        (0..u32::try_from(self.len()).unwrap_or(u32::MAX)).map(Name::from_number)
    }

    /// A value for each name.
    pub(crate) fn column<T: Clone>(&self, value: T) -> Vec<T> {
        vec![value; self.len()]
    }

    /// The place in the table where a text is, or would be.
    fn slot(&self, text: &str) -> usize {
        let length = self.table.len();
        let mut slot = home(text, length);
        while let Some(number) = self.table[slot].checked_sub(1) {
            if self.text(Name::from_number(number)) == text {
                break;
            }
            slot = (slot + 1) % length;
        }
        slot
    }

    /// Makes the table longer by half: one of twice the length would stand half empty for long.
    fn grow(&mut self) {
        let length = (self.table.len() * 3 / 2).max(16);
        self.table = Vec::new();
        self.table = vec![0; length];
        for number in 0..u32::try_from(self.ends.len()).unwrap_or(u32::MAX) {
            let mut slot = home(self.text(Name::from_number(number)), length);
            while self.table[slot] != 0 {
                slot = (slot + 1) % length;
            }
            self.table[slot] = number + 1;
        }
    }
}

/// Where a text is looked for first in a table of so many places.
#[expect(clippy::cast_possible_truncation, reason = "it is less than the length")]
fn home(text: &str, length: usize) -> usize {
    let hash = BuildHasherDefault::<DefaultHasher>::new().hash_one(text);
    ((u128::from(hash) * length as u128) >> 64) as usize
}

/// A name with its text at hand. Two of one kind are equal if their texts are.
#[derive(Copy, Clone)]
pub(crate) struct Word<'a> {
    names: &'a Names,
    name: Name,
}

impl<'a> Word<'a> {
    pub(crate) const fn new(names: &'a Names, name: Name) -> Self {
        Self { names, name }
    }

    pub(crate) const fn name(self) -> Name {
        self.name
    }

    pub(crate) fn text(self) -> &'a str {
        self.names.text(self.name)
    }
}

impl Deref for Word<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.text()
    }
}

impl PartialEq for Word<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Word<'_> {}

impl fmt::Display for Word<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

impl fmt::Debug for Word<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.text(), formatter)
    }
}

/// The names of a run, by kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spaces {
    /// Fans and purchase intents, which bear the names of fans; and what payments say they are for.
    pub(crate) people: Names,
    /// Numbers of orders.
    pub(crate) orders: Names,
    /// Payments.
    pub(crate) payments: Names,
    /// Items, slots, statuses and whatever else is few.
    pub(crate) words: Names,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_is_its_text_and_no_other(texts in prop::collection::vec("[a-c]{0,3}", 0..200)) {
            let mut names = Names::default();
            let numbers: Vec<Name> = texts.iter().map(|text| names.intern(text)).collect();
            for (text, number) in texts.iter().zip(&numbers) {
                prop_assert_eq!(names.text(*number), text);
                prop_assert_eq!(names.find(text), Some(*number));
            }
            prop_assert_eq!(names.find("d"), None);
            let distinct: std::collections::BTreeSet<&String> = texts.iter().collect();
            prop_assert_eq!(names.len(), distinct.len());
        }
    }
}
