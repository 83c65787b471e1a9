//! The connections of a run: how many were made, how many were not and why, and what they took.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::ConnectionFailure;
use crate::measure::Percentiles;
use crate::measure::latency::{LatencyLog, Series};
use crate::measure::timeline::TimelineLine;

/// Connections to the shop. Their times are part of the service times of the operations that
/// needed them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionSummary {
    /// Connections that stood, and were secured where that was wanted.
    pub opened: u64,
    /// Those of them that resumed an earlier TLS session.
    pub resumed: u64,
    /// Connections that failed before they were of use, by kind.
    pub failed: BTreeMap<String, u64>,
    /// From begun to standing, of those that stood.
    pub connect_ms: Option<Percentiles>,
    /// From standing to secured.
    pub handshake_ms: Option<Percentiles>,
    /// In the queue for a pooled connection, of the operations that had to wait for one.
    pub pool_wait_ms: Option<Percentiles>,
}

/// The connections of a run; none where nothing is known of any, as in virtual time.
pub(super) fn connections(total: &TimelineLine, latency: &LatencyLog) -> Option<ConnectionSummary> {
    let times = |series| super::percentiles(&latency.whole(series));
    let mut failed: BTreeMap<String, u64> =
        ConnectionFailure::ALL.iter().map(|failure| (failure.word().to_owned(), 0)).collect();
    for (failure, count) in &total.connection_failures {
        failed.insert(failure.word().to_owned(), *count);
    }
    let summary = ConnectionSummary {
        opened: total.opened,
        resumed: total.resumed,
        failed,
        connect_ms: times(Series::Connect),
        handshake_ms: times(Series::Handshake),
        pool_wait_ms: times(Series::PoolWait),
    };
    let any = total.opened > 0 || !total.connection_failures.is_empty();
    (any || summary.pool_wait_ms.is_some()).then_some(summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_by_kind_and_what_nobody_knows_of_is_absent() {
        let nothing = LatencyLog::default();
        assert_eq!(connections(&TimelineLine::default(), &nothing), None);
        let total = TimelineLine {
            connection_failures: BTreeMap::from([(ConnectionFailure::Refused, 3)]),
            ..TimelineLine::default()
        };
        let told = connections(&total, &nothing).unwrap();
        assert_eq!((told.opened, told.failed["refused"], told.failed["reset"]), (0, 3, 0));
        assert_eq!(told.failed.len(), ConnectionFailure::ALL.len());
        assert_eq!(told.connect_ms, None);
    }
}
