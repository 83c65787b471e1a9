//! What a fan remembers of its one intent, in two bytes.

use std::num::NonZeroU8;

/// How far a fan has come in its one intent. The two lowest bits say where it stands, the other six
/// how many pollings in a row ran out: 63 of them are more than anybody's patience.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Progress(u8);

/// It has not been told that the sale is open.
const OUTSIDE: u8 = 0;
/// It is in the funnel, with the card it came with.
const INSIDE: u8 = 1;
/// That card was declined, and it pays by another: another purchase of the same intent.
const OTHER_CARD: u8 = 2;
/// The bits that hold one of these.
const STAND: u8 = 0b11;
/// One polling that ran out, above those bits.
const POLLING: u8 = STAND + 1;

impl Progress {
    /// That of a fan that has not come yet.
    pub(super) const OUTSIDE: Self = Self(OUTSIDE);

    const fn stand(self) -> u8 {
        self.0 & STAND
    }

    /// Whether it has been told that the sale is open.
    pub(super) const fn is_inside(self) -> bool {
        self.stand() != OUTSIDE
    }

    /// Whether it has another card left to pay by.
    pub(super) const fn has_other_card(self) -> bool {
        self.stand() != OTHER_CARD
    }

    /// The number of its present purchase.
    pub(super) const fn purchase(self) -> u8 {
        (self.stand() == OTHER_CARD) as u8
    }

    /// It has been told that the sale is open, if it did not know.
    pub(super) const fn enter(&mut self) {
        if self.stand() == OUTSIDE {
            self.0 |= INSIDE;
        }
    }

    /// It pays by its other card from now on; nothing is known of that purchase.
    pub(super) const fn take_other_card(&mut self) {
        self.0 = OTHER_CARD;
    }

    /// How many pollings in a row have run out before this one, which does so now.
    pub(super) const fn run_out(&mut self) -> u16 {
        let before = self.0 / POLLING;
        self.0 = match self.0.checked_add(POLLING) {
            Some(counted) => counted,
            None => self.0,
        };
        before as u16
    }

    /// What is asked now is neither the checkout nor what became of it: the row has ended.
    pub(super) const fn end_row(&mut self) {
        self.0 = self.stand();
    }
}

/// The place of a slot in its sale, plus one: there are at most 64, and `None` takes no room.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct SlotPlace(NonZeroU8);

impl SlotPlace {
    pub(super) fn new(place: u8) -> Self {
        Self(NonZeroU8::MIN.saturating_add(place))
    }

    pub(super) const fn get(self) -> u8 {
        self.0.get() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pollings_that_ran_out_are_counted_beside_the_purchase() {
        let mut progress = Progress::OUTSIDE;
        assert!(!progress.is_inside());
        progress.enter();
        assert!(progress.is_inside() && progress.has_other_card());
        assert_eq!([progress.run_out(), progress.run_out()], [0, 1]);
        progress.enter();
        assert_eq!((progress.run_out(), progress.purchase()), (2, 0));
        progress.take_other_card();
        assert_eq!((progress.run_out(), progress.purchase()), (0, 1));
        assert!(progress.is_inside() && !progress.has_other_card());
        progress.end_row();
        assert_eq!((progress.run_out(), progress.purchase()), (0, 1));
    }

    #[test]
    fn a_row_of_pollings_stays_at_its_longest() {
        let mut progress = Progress::OUTSIDE;
        progress.enter();
        let counted = (0..100).map(|_| progress.run_out()).max();
        assert_eq!(counted, Some(63));
        assert!(progress.is_inside() && progress.has_other_card());
    }
}
