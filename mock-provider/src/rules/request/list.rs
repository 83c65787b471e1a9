//! Which objects of a list are looked for.

use std::ops::{Range, RangeInclusive};

/// Which payments are looked for; the newest come first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListIntents {
    /// How many at most, from 1 to 100.
    pub page: PageOf,
    /// Only those of this customer.
    pub customer: Option<u64>,
    /// Only those about which a bank was asked.
    pub charged: Charged,
}

/// Whether a bank was asked about a payment.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Charged {
    /// It makes no difference.
    #[default]
    Perhaps,
    /// Once at least.
    Yes,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct PageOf {
    /// How many at most, from 1 to 100.
    pub limit: usize,
    /// Only what is older than this object.
    pub after: Option<u64>,
    /// Only what is newer than this object.
    pub before: Option<u64>,
    /// Only what was made in this range of UTC \[s\], both ends included.
    pub created: RangeInclusive<u64>,
}

impl Default for PageOf {
    fn default() -> Self {
        Self { limit: 10, after: None, before: None, created: 0..=u64::MAX }
    }
}

impl PageOf {
    /// The numbers of the objects that it may show.
    pub(crate) fn numbers(&self) -> Range<u64> {
        let above = self.before.map_or(0, |before| before.saturating_add(1));
        above..self.after.unwrap_or(u64::MAX).max(above)
    }

    /// Whether it may show what was made at `utc_ns` \[ns of UTC\].
    pub(crate) fn covers(&self, utc_ns: u64) -> bool {
        self.created.contains(&(utc_ns / 1_000_000_000))
    }

    /// The page out of all that fits, which comes oldest first: the newest first, and whether
    /// there are more.
    ///
    /// A page that ends at an object shows those nearest to it, as Stripe's does
    /// (docs.stripe.com/api/pagination).
    pub(crate) fn cut<T>(
        &self,
        oldest_first: impl DoubleEndedIterator<Item = T>,
    ) -> (Vec<T>, bool) {
        let most = self.limit + 1;
        let mut page: Vec<T> = match self.before {
            Some(_) => oldest_first.take(most).collect(),
            None => oldest_first.rev().take(most).collect(),
        };
        let more = page.len() > self.limit;
        page.truncate(self.limit);
        if self.before.is_some() {
            page.reverse();
        }
        (page, more)
    }
}
