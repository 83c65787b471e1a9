//! What a run needs of this machine: a scenario's, or those of a storm of middling size.

use std::net::Ipv4Addr;

use serde::Serialize;

use crate::live::means::{Machine, means};
use crate::report::figure::number;
use crate::scenario::Scenario;
use crate::scenario::offer;

/// Connections of a storm of middling size: what a machine is asked for when no scenario is named.
/// Dome at the scale that is shipped has 14,000 fans.
const CONNECTIONS: u64 = 14_000;
/// Memory of that: the program, 14,000 fans and connections at 4.2 KB, twice over \[bytes\].
const MEMORY_BYTES: u64 = 256 * 1024 * 1024;
/// Disk of that: what a run of dome leaves, twice over \[bytes\].
const DISK_BYTES: u64 = 64 * 1024 * 1024;
/// Descriptors beside connections: files of the run, timers, pipes of the child processes.
const DESCRIPTORS_SPARE: u64 = 64;

/// What one run needs of this machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Needs {
    /// The scenario's name.
    pub(super) scenario: String,
    /// The scale of the run.
    pub(super) scale: f64,
    /// Connections at once, at most.
    pub(super) connections: u64,
    /// Load processes that they are shared out over.
    pub(super) processes: usize,
    /// File descriptors of the load process that has the most of them.
    pub(super) descriptors: u64,
    /// Connections that leave from one address of this machine, at most.
    pub(super) connections_of_address: u64,
    /// Memory of the load \[bytes\].
    pub(super) memory_bytes: u64,
    /// What the run leaves on disk \[bytes\].
    pub(super) disk_bytes: u64,
    /// Fans who arrive in the busiest second: each may open a connection \[1/s\].
    pub(super) arrivals_peak_per_s: f64,
    /// Requests offered at the busiest opening \[1/s\].
    pub(super) edge_per_s: f64,
}

impl Needs {
    /// What `lived` needs, a scenario at the scale of `spike run`: shared out over `machine` as a
    /// run would be, or, where that cannot be done, what one process and one address would need.
    pub(super) fn of(lived: &Scenario, machine: &Machine) -> Self {
        let offer = offer::offer(lived, lived);
        let means = means(lived, Ipv4Addr::LOCALHOST.into(), machine).ok();
        let edge_per_s = offer.openings.iter().map(|opening| opening.edge_per_s);
        Self {
            scenario: lived.name.clone(),
            scale: lived.scale,
            connections: offer.needs.connections,
            processes: means.as_ref().map_or(1, |means| means.processes),
            descriptors: means.as_ref().map_or(offer.needs.descriptors, |means| means.descriptors),
            connections_of_address: means.as_ref().map_or(offer.needs.connections, |means| {
                offer.needs.connections.div_ceil(means.sources.len().max(1) as u64)
            }),
            memory_bytes: offer.needs.memory_bytes,
            disk_bytes: offer.needs.disk_bytes,
            arrivals_peak_per_s: offer.arrivals_peak_per_s,
            edge_per_s: edge_per_s.fold(0.0, f64::max),
        }
    }

    /// What is asked of a machine when no scenario is named.
    pub(super) fn middling() -> Self {
        Self {
            scenario: String::new(),
            scale: 1.0,
            connections: CONNECTIONS,
            processes: 1,
            descriptors: CONNECTIONS + DESCRIPTORS_SPARE,
            connections_of_address: CONNECTIONS,
            memory_bytes: MEMORY_BYTES,
            disk_bytes: DISK_BYTES,
            arrivals_peak_per_s: 0.0,
            edge_per_s: 0.0,
        }
    }

    /// In words.
    pub(super) fn sentence(&self) -> String {
        format!(
            "{} at scale {} needs {} connections from {}, {} descriptors in each, {} of memory and \
             {} of disk for its load",
            self.scenario,
            self.scale,
            number(self.connections),
            counted(self.processes, "load process", "load processes"),
            number(self.descriptors),
            bytes(self.memory_bytes),
            bytes(self.disk_bytes)
        )
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A size in MiB, or in GiB from one on.
pub(super) fn bytes(size: u64) -> String {
    let mebibytes = size as f64 / (1024.0 * 1024.0);
    if mebibytes < 1024.0 {
        format!("{mebibytes:.0} MiB")
    } else {
        format!("{:.1} GiB", mebibytes / 1024.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_with_their_unit() {
        assert_eq!(bytes(64 * 1024 * 1024), "64 MiB");
        assert_eq!(bytes(5 * 1024 * 1024 * 1024 / 2), "2.5 GiB");
    }
}
