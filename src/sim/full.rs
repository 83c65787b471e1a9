//! Which parts of the stack are at 100 %, second by second: all their servers are busy, and somebody waits for
//! one or was refused.

use std::collections::BTreeMap;

use domain::shop::FullStation;

use super::World;
use super::transactions::Transactions;
use super::workers::Workers;
use crate::tier::station::Station;

/// The share of processors that counts as all of them: a second's mean hardly ever is.
const ALL_BUSY: f64 = 0.995;

/// Jobs that came to each station, and that ended there, up to the second before.
#[derive(Debug, Default)]
pub(super) struct Counted {
    edge: Flow,
    application: Flow,
    connections: Flow,
}

/// Counts of one station.
#[derive(Copy, Clone, Debug, Default)]
struct Flow {
    offered: u64,
    served: u64,
    refused: u64,
}

impl Flow {
    /// What a station did since it was looked at last, if it is full now or `is_full` says so.
    fn look<Job>(&mut self, station: &Station<Job>, is_full: bool) -> Option<FullStation> {
        let now = Self {
            offered: station.offered(),
            served: station.served(),
            refused: station.refused(),
        };
        let before = std::mem::replace(self, now);
        let turns_away = station.waiting() > 0 || now.refused > before.refused;
        let has_no_server_free = station.in_service() >= station.servers();
        (is_full || (has_no_server_free && turns_away)).then(|| FullStation {
            servers: station.servers(),
            offered: now.offered - before.offered,
            served: now.served - before.served,
        })
    }
}

impl World<'_> {
    /// Those that are full now, by name.
    pub(super) fn full_stations(&mut self) -> BTreeMap<String, FullStation> {
        let Self { counted, edge, application, database, .. } = self;
        // Threads may be free while the processors are not.
        let has_no_processor_free =
            self.workers.as_ref().is_some_and(|workers: &Workers| workers.busy() >= ALL_BUSY);
        let stations = [
            ("edge", edge.station().and_then(|one| counted.edge.look(one, false))),
            (
                "application",
                application
                    .as_ref()
                    .and_then(|one| counted.application.look(one, has_no_processor_free)),
            ),
            ("connections", database.as_ref().and_then(|one| counted.connections.look(one, false))),
            ("row", self.transactions.as_ref().and_then(Transactions::row_waited_for)),
        ];
        let full = stations.into_iter().filter_map(|(name, full)| Some((name.to_owned(), full?)));
        full.collect()
    }
}
