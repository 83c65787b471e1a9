//! The few facts that text, page and charts all draw from a summary.

use domain::outcome::Operation;

use crate::audit::Status;
use crate::measure::{Measured, OperationSummary, RateSummary, SaleSummary};
use crate::report::figure;
use crate::verdict::Judged;

/// The tiers whose rates are known, from the fans inwards.
pub(super) const TIERS: [&str; 4] = ["edge", "origin", "checkout", "payment"];

/// A count of a sale's pieces; of what nobody says, a 0 is no count.
pub(super) fn counted(sale: &SaleSummary, pieces: u64) -> String {
    if pieces == 0 && sale.sold_out.is_none() {
        figure::NONE.to_owned()
    } else {
        figure::number(pieces)
    }
}

/// Whether something was sold, as far as anybody says.
pub(super) fn says_what_was_sold(measured: &Measured) -> bool {
    let mut sales = measured.sales.values();
    pieces(measured).sold > 0 || sales.all(|sale| sale.sold_out.is_some())
}

/// The tiers of which somebody counted the requests.
pub(super) fn counted_tiers(measured: &Measured) -> Vec<&'static str> {
    let is_counted =
        |tier: &&str| measured.rates.get(*tier).is_none_or(|rate| rate.count.is_some());
    TIERS.into_iter().filter(is_counted).collect()
}

/// Pieces over all sales.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pieces {
    /// At the start.
    pub(super) stock: u64,
    /// In paid orders.
    pub(super) sold: u64,
    /// That could be sold.
    pub(super) sellable: u64,
    /// In paid orders beyond the stock of their item.
    pub(super) oversold: u64,
}

/// Adds up the pieces of all items of all sales.
pub(super) fn pieces(measured: &Measured) -> Pieces {
    let items = measured.sales.values().flat_map(|sale| sale.items.values());
    items.fold(Pieces::default(), |sum, item| Pieces {
        stock: sum.stock.saturating_add(item.stock),
        sold: sum.sold.saturating_add(item.sold),
        sellable: sum.sellable.saturating_add(item.sellable),
        oversold: sum.oversold.saturating_add(item.sold.saturating_sub(item.stock)),
    })
}

/// When the first sale opened, from the run's beginning \[s\]; `None` without a sale.
pub(super) fn opening_s(measured: &Measured) -> Option<f64> {
    measured.sales.values().map(|sale| sale.opens_s).reduce(f64::min)
}

/// The operations that happened, in the order of the funnel; `reload.call` follows `reload`, words
/// that are not known stand last.
pub(super) fn operations(measured: &Measured) -> Vec<(&str, &OperationSummary)> {
    let mut operations: Vec<(&str, &OperationSummary)> = measured
        .operations
        .iter()
        .filter(|(_, summary)| summary.count > 0)
        .map(|(word, summary)| (word.as_str(), summary))
        .collect();
    operations.sort_by_key(|(word, _)| {
        let first = word.split('.').next().unwrap_or(word);
        let known = Operation::ALL.iter().position(|operation| operation.word() == first);
        (known.unwrap_or(Operation::ALL.len()), word.len(), (*word).to_owned())
    });
    operations
}

/// The outcomes of an operation that happened, most frequent first.
pub(super) fn outcomes(operation: &OperationSummary) -> Vec<(&str, u64)> {
    let mut outcomes: Vec<(&str, u64)> = operation
        .outcomes
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(word, count)| (word.as_str(), *count))
        .collect();
    outcomes.sort_by(|(left, many), (right, few)| few.cmp(many).then(left.cmp(right)));
    outcomes
}

/// The tiers' rates, from the fans inwards; tiers that are not known stand last.
pub(super) fn rates(measured: &Measured) -> Vec<(&str, &RateSummary)> {
    let mut rates: Vec<(&str, &RateSummary)> =
        measured.rates.iter().map(|(word, rate)| (word.as_str(), rate)).collect();
    rates
        .sort_by_key(|(word, _)| TIERS.iter().position(|tier| tier == word).unwrap_or(TIERS.len()));
    rates
}

/// The departures that happened, most frequent first, bought before all others.
pub(super) fn departures(measured: &Measured) -> Vec<(&str, u64)> {
    let mut departures: Vec<(&str, u64)> = measured
        .fans
        .departed
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(word, count)| (word.as_str(), *count))
        .collect();
    departures.sort_by(|(left, many), (right, few)| {
        let last = |word: &str| word != "bought";
        last(left).cmp(&last(right)).then(few.cmp(many)).then(left.cmp(right))
    });
    departures
}

/// How many fans had arrived and not left at the end.
pub(super) fn still_there(measured: &Measured) -> u64 {
    let left: u64 = measured.fans.departed.values().sum();
    measured.fans.arrived.saturating_sub(left)
}

/// What the judge says of the invariant `id`: its count if it was checked, else `None`.
pub(super) fn checked(judged: &Judged, id: &str) -> Option<u64> {
    let finding = judged.findings.iter().find(|finding| finding.id == id)?;
    match finding.status {
        Status::Held | Status::NotApplicable => Some(0),
        Status::Violated => Some(finding.count),
        Status::NotChecked => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_stand_in_the_order_of_the_funnel() {
        let some = OperationSummary { count: 1, ..OperationSummary::default() };
        let words = ["checkout", "reload.call", "strange", "cart", "reload", "item"];
        let mut measured = Measured::default();
        measured.operations.extend(words.map(|word| (word.to_owned(), some.clone())));
        measured.operations.insert("poll".to_owned(), OperationSummary::default());

        let order: Vec<&str> = operations(&measured).into_iter().map(|(word, _)| word).collect();

        assert_eq!(order, ["reload", "reload.call", "item", "cart", "checkout", "strange"]);
    }
}
