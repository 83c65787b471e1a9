//! What the generator could have seen, and the connections it made, as the page's lists.

use serde::Serialize;

use super::facts::{Fact, fact};
use super::tables::times;
use crate::measure::Measured;
use crate::report::{figure, trust};
use crate::verdict::{Judged, World};

/// A figure and its bound.
#[derive(Debug, Serialize)]
pub(super) struct BoundRow {
    what: String,
    value: String,
    bound: String,
    status: &'static str,
    tone: &'static str,
    symbol: char,
}

/// The times of one stage of connections.
#[derive(Debug, Serialize)]
pub(super) struct StageRow {
    what: &'static str,
    count: String,
    /// p50, p90, p95, p99, p99.9, max.
    times: Vec<String>,
}

/// The connections of a run.
#[derive(Debug, Serialize)]
pub(super) struct ConnectionsView {
    told: String,
    stages: Vec<StageRow>,
}

/// The generator's own health.
pub(super) fn health(judged: &Judged) -> Vec<Fact> {
    let Some(health) = &judged.measured.health else {
        let why = match judged.world {
            World::Simulated => trust::VIRTUAL,
            World::Live => trust::NOTHING_KNOWN,
        };
        return vec![fact("Lateness", why.to_owned())];
    };
    let late = &health.lateness_ms;
    let mut facts = vec![
        fact("Lateness, half at most", figure::milliseconds(late.p50))
            .at("/result/health/lateness_ms/p50"),
        fact("Lateness, 99 % at most", figure::milliseconds(late.p99))
            .at("/result/health/lateness_ms/p99"),
        fact("Lateness, longest", figure::milliseconds(late.max))
            .at("/result/health/lateness_ms/max"),
        fact("Share of a core, busiest second", figure::ratio(health.cpu)).at("/result/health/cpu"),
        fact("Operations that could not be sent", figure::number(health.dropped))
            .at("/result/health/dropped"),
    ];
    if let Some(machine) = &health.machine {
        facts.push(fact("Cores of the machine", machine.cores.to_string()));
        let awake = if machine.kept_awake { "yes" } else { "no" };
        facts.push(fact("Cores kept awake", awake.to_owned()));
        facts.push(fact("All cores busy, busiest second", figure::ratio(machine.busy)));
        facts.push(fact("Time the host gave away", figure::ratio(machine.stolen)));
    }
    if let Some(queue) = &health.run_queue {
        let waiting = |threads| figure::decimal(threads, 2);
        facts.push(fact("Load threads waiting for a core, mean", waiting(queue.mean)));
        facts.push(fact("Load threads waiting, worst second", waiting(queue.worst)));
    }
    if let Some(us) = health.clock_error_us {
        facts.push(fact("Clocks apart", trust::microseconds(us)));
    }
    facts
}

/// The bounds within which the reading counts.
pub(super) fn bounds(measured: &Measured) -> Vec<BoundRow> {
    let lines = measured.health.as_ref().map(trust::bounds).unwrap_or_default();
    let rows = lines.into_iter().map(|line| BoundRow {
        what: crate::report::words::capital(&line.what),
        value: line.value,
        bound: line.bound,
        status: line.status,
        tone: line.tone.word(),
        symbol: line.tone.symbol(),
    });
    rows.collect()
}

/// The connections, where anything is known of any.
pub(super) fn connections(measured: &Measured) -> Option<ConnectionsView> {
    let connections = measured.connections.as_ref()?;
    let stages = trust::times(connections).into_iter().map(|(what, of)| StageRow {
        what,
        count: figure::number(of.count),
        times: times(Some(&of)),
    });
    Some(ConnectionsView { told: trust::connected(connections), stages: stages.collect() })
}
