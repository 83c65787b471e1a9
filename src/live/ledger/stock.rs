//! What could be sold: between what a scenario says of stock and what the shop's own rows say at
//! the opening and at the end.

use crate::live::ledger::mapping::shop::Count;

/// What a column `stock` counts, where nothing beside it says what is left.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// What there was at first: it stays the same whatever is sold.
    First,
    /// What is left: selling changes it.
    Left,
}

/// All that is known of one item's pieces, or of one slot's places.
#[derive(Clone, Debug)]
pub(super) struct Known<'a> {
    /// Its name in the scenario.
    pub(super) name: &'a str,
    /// What the scenario says that there is.
    pub(super) stated: Option<u64>,
    /// What the canary may have taken of it.
    pub(super) canary: u64,
    /// The shop's row before the storm.
    pub(super) opening: Option<&'a Count>,
    /// And after it.
    pub(super) end: Option<&'a Count>,
    /// Paid in the run.
    pub(super) paid: u64,
    /// Paid, by orders from before the run.
    pub(super) paid_earlier: u64,
}

/// Where the pieces are at the end, against those that were free at the opening.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Balance {
    pub(super) initial: u64,
    pub(super) free: i64,
    pub(super) held: i64,
    pub(super) sold: i64,
}

impl Known<'_> {
    /// What the column `stock` counts, as far as this one shows it.
    pub(super) fn counts(&self) -> Option<Counts> {
        let (opening, end) = (self.opening?, self.end?);
        if opening.free.is_some() {
            return None;
        }
        match (opening.stock? == end.stock?, self.paid) {
            (false, _) => Some(Counts::Left),
            (true, 1..) => Some(Counts::First),
            (true, 0) => None,
        }
    }

    /// What the shop itself had for sale at the opening; `counts` is what `stock` counts elsewhere.
    pub(super) fn own(&self, counts: Option<Counts>) -> Option<u64> {
        let opening = self.opening?;
        if let Some(free) = opening.free {
            return Some(at_least_none(free));
        }
        let stock = at_least_none(opening.stock?);
        match self.counts().or(counts) {
            Some(Counts::First) => Some(stock.saturating_sub(self.paid_earlier)),
            Some(Counts::Left) | None => Some(stock),
        }
    }

    /// What could be sold in the run: what is stated, less the canary; or else what the shop had.
    pub(super) fn sellable(&self, counts: Option<Counts>) -> Option<u64> {
        match self.stated {
            Some(stated) => Some(stated.saturating_sub(self.canary)),
            None => self.own(counts),
        }
    }

    /// Why what is stated is to be doubted: the shop had something else.
    pub(super) fn doubt(&self, counts: Option<Counts>) -> Option<String> {
        let (stated, own) = (self.stated?, self.own(counts)?);
        // Whether the canary is among what the shop sold before is not known.
        if own == stated || own + self.canary == stated {
            return None;
        }
        Some(format!(
            "The scenario says that there are {stated} of {}, and the shop had {own} at the \
             opening: restore them by `[setup] reset`, or leave `stock` out.",
            self.name
        ))
    }

    /// Where the pieces are, if the rows say what is left; `counts` is what `stock` counts.
    pub(super) fn balance(&self, counts: Option<Counts>) -> Option<Balance> {
        let (opening, end) = (self.opening?, self.end?);
        let (before, free) = match (opening.free, end.free) {
            (Some(before), Some(free)) => (before, free),
            _ if counts == Some(Counts::Left) => (opening.stock?, end.stock?),
            _ => return None,
        };
        let since = |before: Option<i64>, after: Option<i64>| after?.checked_sub(before?);
        let paid = i64::try_from(self.paid).unwrap_or(i64::MAX);
        let sold = since(opening.sold, end.sold).unwrap_or(paid);
        let rest = before.saturating_sub(free).saturating_sub(sold);
        let held = since(opening.held, end.held).unwrap_or(rest);
        Some(Balance { initial: at_least_none(before), free, held, sold })
    }
}

/// What the column counts in all: a single item that sold and changed shows it for all, unless
/// another sold and did not.
pub(super) fn counts_of_all(known: &[Known<'_>]) -> Option<Counts> {
    let shown: Vec<Counts> = known.iter().filter_map(Known::counts).collect();
    let all = |wanted: Counts| !shown.is_empty() && shown.iter().all(|counts| *counts == wanted);
    [Counts::First, Counts::Left].into_iter().find(|counts| all(*counts))
}

fn at_least_none(pieces: i64) -> u64 {
    u64::try_from(pieces).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(stock: Option<i64>, free: Option<i64>) -> Count {
        Count { name: "tee".to_owned(), stock, free, held: None, sold: None }
    }

    fn known<'a>(opening: &'a Count, end: &'a Count, paid: u64, paid_earlier: u64) -> Known<'a> {
        Known {
            name: "tee",
            stated: None,
            canary: 0,
            opening: Some(opening),
            end: Some(end),
            paid,
            paid_earlier,
        }
    }

    #[test]
    fn what_does_not_change_though_it_is_sold_is_what_there_was_at_first() {
        let (opening, end) = (count(Some(40), None), count(Some(40), None));
        let tee = known(&opening, &end, 30, 4);
        let counts = counts_of_all(std::slice::from_ref(&tee));
        assert_eq!((counts, tee.sellable(counts)), (Some(Counts::First), Some(36)));
        assert_eq!(tee.balance(counts), None);
    }

    #[test]
    fn what_changes_is_what_is_left() {
        let (opening, end) = (count(Some(36), None), count(Some(4), None));
        let tee = known(&opening, &end, 30, 4);
        let counts = counts_of_all(std::slice::from_ref(&tee));
        assert_eq!((counts, tee.sellable(counts)), (Some(Counts::Left), Some(36)));
        let balance = Balance { initial: 36, free: 4, held: 2, sold: 30 };
        assert_eq!(tee.balance(counts), Some(balance));
    }

    #[test]
    fn free_pieces_say_it_whatever_the_stock_is() {
        let (opening, end) = (count(Some(40), Some(36)), count(Some(40), Some(-1)));
        let tee = known(&opening, &end, 37, 4);
        assert_eq!(tee.sellable(None), Some(36));
        let balance = Balance { initial: 36, free: -1, held: 0, sold: 37 };
        assert_eq!(tee.balance(None), Some(balance));
    }

    #[test]
    fn what_is_stated_wins_and_is_doubted_where_the_shop_had_something_else() {
        let (opening, end) = (count(None, Some(39)), count(None, Some(0)));
        let stated =
            |stated, canary| Known { stated: Some(stated), canary, ..known(&opening, &end, 39, 0) };
        assert_eq!((stated(40, 1).sellable(None), stated(40, 1).doubt(None)), (Some(39), None));
        assert_eq!(stated(39, 1).doubt(None), None);
        let doubt = stated(50, 1).doubt(None).unwrap();
        assert!(doubt.contains("50 of tee") && doubt.contains("had 39"), "{doubt}");
    }

    #[test]
    fn what_nothing_shows_is_taken_as_it_stands() {
        let (opening, end) = (count(Some(40), None), count(Some(40), None));
        let tee = known(&opening, &end, 0, 4);
        assert_eq!((tee.counts(), tee.sellable(None)), (None, Some(40)));
        assert_eq!(tee.sellable(Some(Counts::First)), Some(36));
    }
}
