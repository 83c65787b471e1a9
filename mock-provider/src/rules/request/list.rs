//! Which objects of a list are looked for.

use std::ops::RangeInclusive;

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
