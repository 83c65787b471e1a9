//! A kind of objects by number: the newest are remembered, and listed page by page.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::rules::request::PageOf;

/// Objects of one kind by number, from 1.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    known: BTreeMap<u64, Arc<T>>,
    made: u64,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { known: BTreeMap::new(), made: 0 }
    }
}

impl<T: Clone> Shelf<T> {
    /// Makes the next object, which is told its number.
    pub(super) fn add(&mut self, make: impl FnOnce(u64) -> T) -> Arc<T> {
        self.made += 1;
        let object = Arc::new(make(self.made));
        self.known.insert(self.made, Arc::clone(&object));
        object
    }

    pub(super) fn get(&self, number: u64) -> Option<&Arc<T>> {
        self.known.get(&number)
    }

    /// Changes an object; what was handed out before stays as it was.
    pub(super) fn change(&mut self, number: u64, change: impl FnOnce(&mut T)) -> Option<Arc<T>> {
        let known = self.known.get_mut(&number)?;
        let mut changed = T::clone(known);
        change(&mut changed);
        *known = Arc::new(changed);
        Some(Arc::clone(known))
    }

    pub(super) fn remove(&mut self, number: u64) {
        self.known.remove(&number);
    }

    /// Forgets the oldest objects until there are `most`, and says which.
    pub(super) fn forget_beyond(&mut self, most: usize) -> Vec<u64> {
        let mut forgotten = Vec::new();
        while self.known.len() > most
            && let Some((number, _)) = self.known.pop_first()
        {
            forgotten.push(number);
        }
        forgotten
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// A page of those that fit, the newest first, and whether there are more.
    pub(super) fn page(&self, page: &PageOf, fits: impl Fn(&T) -> bool) -> (Vec<Arc<T>>, bool) {
        let known = self.known.range(page.numbers()).map(|(_, object)| object);
        page.cut(known.filter(|object| fits(object)).map(Arc::clone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf() -> Shelf<u64> {
        let mut shelf = Shelf::default();
        for _ in 0..10 {
            shelf.add(|number| number);
        }
        shelf
    }

    fn page(page: &PageOf) -> (Vec<u64>, bool) {
        let (found, more) = shelf().page(page, |number| number % 2 == 0);
        (found.iter().map(|number| **number).collect(), more)
    }

    #[test]
    fn pages_show_the_newest_first_and_those_nearest_to_their_cursor() {
        let two = PageOf { limit: 2, ..PageOf::default() };
        assert_eq!(page(&two), (vec![10, 8], true));
        assert_eq!(page(&PageOf { after: Some(4), ..two.clone() }), (vec![2], false));
        assert_eq!(page(&PageOf { before: Some(2), ..two.clone() }), (vec![6, 4], true));
        assert_eq!(page(&PageOf { before: Some(8), ..two.clone() }), (vec![10], false));
        assert_eq!(page(&PageOf { before: Some(8), after: Some(3), ..two }), (vec![], false));
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut shelf = shelf();
        assert_eq!(shelf.forget_beyond(8), [1, 2]);
        assert_eq!((shelf.len(), shelf.get(2), shelf.get(3).is_some()), (8, None, true));
        assert_eq!(*shelf.add(|number| number), 11);
    }
}
