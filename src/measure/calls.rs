//! Calls to a foreign shop's payment provider, as our mock wrote them down: the shop says nothing of
//! itself.

use std::collections::BTreeMap;

use domain::provider::PaymentOperation;

use crate::evidence::Evidence;
use crate::evidence::ledgers::ProviderTells;
use crate::evidence::rows::PaymentRow;
use crate::measure::{RateSummary, round3};

/// Calls by the second of the run.
pub(super) struct Calls(BTreeMap<u64, u64>);

/// The calls that the provider's ledger holds; `None` where it does not tell each of them, or where
/// the shop itself says how many it made.
pub(super) fn of_ledger(evidence: &Evidence) -> Option<Calls> {
    let ledgers = evidence.ending.ledgers.as_ref()?;
    if ledgers.told != ProviderTells::Calls {
        return None;
    }
    let mut calls = BTreeMap::new();
    if !evidence.has_provider() {
        return None;
    }
    for line in evidence.payment_rows().filter(is_call) {
        let since = line.utc_ns.saturating_sub(evidence.ending.began_utc_ns);
        *calls.entry(since / 1_000_000_000).or_default() += 1;
    }
    Some(Calls(calls))
}

/// Whether a line is about something that the shop asked; cardholders answer, and holds run out, by
/// themselves.
const fn is_call(line: &PaymentRow<'_>) -> bool {
    !matches!(line.operation, PaymentOperation::Authenticate | PaymentOperation::Expire)
}

impl Calls {
    /// The peak, mean and sum.
    pub(super) fn summary(&self) -> RateSummary {
        let count: u64 = self.0.values().sum();
        let (Some((first, _)), Some((last, _))) =
            (self.0.first_key_value(), self.0.last_key_value())
        else {
            return RateSummary::counted(0.0, 0.0, 0);
        };
        let peak = self.0.values().copied().max().unwrap_or(0);
        let mean = count as f64 / (last + 1 - first) as f64;
        RateSummary::counted(peak as f64, round3(mean), count)
    }

    /// How many fell into the second.
    pub(super) fn in_second(&self, second: u64) -> u64 {
        self.0.get(&second).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::ledgers::{Ledgers, ProviderTells};
    use crate::evidence::{Ending, Lines};
    use domain::money::Amount;
    use domain::provider::{PaymentLine, PaymentOutcome};

    fn evidence(told: ProviderTells) -> Evidence {
        let call = |at_s: u64, operation| PaymentLine {
            utc_ns: at_s * 1_000_000_000,
            payment: None,
            reference: String::new(),
            intent: String::new(),
            operation,
            outcome: PaymentOutcome::RateLimited,
            told: PaymentOutcome::RateLimited,
            amount: Amount::new(1),
            key: String::new(),
            replayed: false,
        };
        Lines {
            catalogue: domain::shop::Catalogue { sales: Vec::new() },
            purchases: Vec::new(),
            snapshots: Vec::new(),
            shop: None,
            provider: Some(vec![
                call(11, PaymentOperation::Authorize),
                call(11, PaymentOperation::Capture),
                call(13, PaymentOperation::Void),
                call(20, PaymentOperation::Expire),
            ]),
            ending: Ending {
                began_utc_ns: 10_000_000_000,
                ledgers: Some(Ledgers { told, ..Ledgers::default() }),
                ..Ending::default()
            },
        }
        .read()
    }

    #[test]
    fn calls_are_those_that_the_mock_wrote_down() {
        let calls = of_ledger(&evidence(ProviderTells::Calls)).unwrap();
        assert_eq!(calls.summary(), RateSummary::counted(2.0, 1.0, 3));
        assert_eq!((1..5).map(|second| calls.in_second(second)).sum::<u64>(), 3);
        assert!(of_ledger(&evidence(ProviderTells::Payments)).is_none());
    }
}
