//! Locks on rows: held until the end of a transaction, given to who waits in the order of asking.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Rows that somebody holds, and who waits for them.
#[derive(Debug)]
pub struct Locks<Row, Owner> {
    /// Of each row who holds it, then those who wait.
    queues: HashMap<Row, VecDeque<Owner>>,
}

/// What becomes of who asks for a row.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// He holds it.
    Held,
    /// He waits until it is given back.
    Waits,
}

impl<Row, Owner> Default for Locks<Row, Owner> {
    fn default() -> Self {
        Self { queues: HashMap::new() }
    }
}

impl<Row: Eq + Hash, Owner: Copy> Locks<Row, Owner> {
    /// Somebody asks for a row that he has not asked for before.
    pub fn ask(&mut self, row: Row, owner: Owner) -> Asked {
        let queue = self.queues.entry(row).or_default();
        queue.push_back(owner);
        if queue.len() == 1 { Asked::Held } else { Asked::Waits }
    }

    /// Whether somebody waits for a row.
    pub fn is_one_waited_for(&self) -> bool {
        self.queues.values().any(|queue| queue.len() > 1)
    }

    /// Who holds a row gives it back; who holds it now.
    ///
    /// # Panics
    /// When nobody holds it.
    pub fn give_back(&mut self, row: &Row) -> Option<Owner> {
        let queue = self.queues.get_mut(row).expect("only what is held is given back");
        queue.pop_front().expect("only what is held is given back");
        queue.front().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_held_by_one_and_given_to_who_asked_next() {
        let mut locks = Locks::default();
        assert_eq!(locks.ask("tee", 1), Asked::Held);
        assert_eq!(locks.ask("towel", 1), Asked::Held);
        assert_eq!(locks.ask("tee", 2), Asked::Waits);
        assert_eq!(locks.ask("tee", 3), Asked::Waits);
        assert_eq!(locks.give_back(&"tee"), Some(2));
        assert_eq!(locks.give_back(&"towel"), None);
        assert_eq!(locks.give_back(&"tee"), Some(3));
        assert_eq!(locks.give_back(&"tee"), None);
        assert_eq!(locks.ask("tee", 4), Asked::Held);
    }
}
