//! A slab: values under small numbers that are given out again once free.

/// Values by number. A number is stable until its value is removed.
#[derive(Debug)]
pub(super) struct Slab<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    /// An empty slab.
    pub(super) const fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    /// How many values it holds.
    pub(super) const fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// The number that the next value will get.
    pub(super) fn next_number(&self) -> u32 {
        self.free.last().copied().unwrap_or_else(|| {
            u32::try_from(self.places.len()).expect("fewer than 2^32 descriptors exist")
        })
    }

    /// Takes a value and returns its number, [`Slab::next_number`].
    pub(super) fn insert(&mut self, value: T) -> u32 {
        let number = self.next_number();
        match self.free.pop() {
            Some(free) => self.places[free as usize] = Some(value),
            None => self.places.push(Some(value)),
        }
        number
    }

    /// Gives a value back, if there is one under that number.
    pub(super) fn remove(&mut self, number: u32) -> Option<T> {
        let value = self.places.get_mut(number as usize)?.take()?;
        self.free.push(number);
        Some(value)
    }

    /// All values, by their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().flatten()
    }

    /// The value under a number.
    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.places.get(number as usize)?.as_ref()
    }

    /// The value under a number, to be changed.
    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.places.get_mut(number as usize)?.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stable_and_given_out_again() {
        let mut slab = Slab::new();
        let numbers = ["a", "b", "c"].map(|value| slab.insert(value));
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!((slab.remove(1), slab.remove(1), slab.remove(9)), (Some("b"), None, None));
        assert_eq!(slab.next_number(), 1);
        assert_eq!((slab.insert("d"), slab.insert("e"), slab.len()), (1, 3, 4));
        assert_eq!((slab.get(1), slab.get(9)), (Some(&"d"), None));
        assert_eq!(slab.get_mut(2), Some(&mut "c"));
        assert_eq!(slab.iter().copied().collect::<String>(), "adce");
    }
}
