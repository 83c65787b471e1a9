//! The generator's own health: a late or starved instrument is an invalid reading.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::live::load::Tally;

/// Descriptors for everything that is no connection of a fan: files of the run, polls, clients.
const DESCRIPTORS_RESERVED: u64 = 64;

/// A run that cannot be lived on this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreflightError {
    /// Too few descriptors.
    #[error(
        "open {needed} connections: this process may hold {limit} files\nhint: raise the limit \
         (`ulimit -n {needed}`), lower --scale, or share connections (`connections = {{ pool = n }}`)"
    )]
    Descriptors {
        /// Connections and other files needed.
        needed: u64,
        /// The hard limit.
        limit: u64,
    },
    /// Too few ports.
    #[error(
        "open {needed} connections to one address: this machine has {ports} ports for them\nhint: \
         widen net.ipv4.ip_local_port_range, lower --scale, or share connections \
         (`connections = {{ pool = n }}`)"
    )]
    Ports {
        /// Connections needed.
        needed: u64,
        /// Ephemeral ports.
        ports: u64,
    },
}

/// Raises this process's limit of open files as far as it may by itself, and returns it: to the
/// hard limit, and with the capability for it beyond, to the most that the kernel allows any
/// process.
pub fn raise_descriptor_limit() -> u64 {
    let hard = getrlimit(Resource::Nofile).maximum;
    let most = fs::read_to_string("/proc/sys/fs/nr_open").ok();
    let most = most.and_then(|text| text.trim().parse().ok()).filter(|most| hard < Some(*most));
    for limit in [hard, most.or(hard)] {
        // Where the system refuses, the present limit is what there is.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit });
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Checks that `connections` to one address can be open at once with `descriptors` files and, where
/// known, `ports` ephemeral ports.
///
/// # Errors
/// When they cannot: better no run than half a crowd.
pub fn preflight(
    connections: u64,
    descriptors: u64,
    ports: Option<u64>,
) -> Result<(), PreflightError> {
    let needed = connections.saturating_add(DESCRIPTORS_RESERVED);
    if needed > descriptors {
        return Err(PreflightError::Descriptors { needed, limit: descriptors });
    }
    match ports {
        Some(ports) if connections > ports => {
            Err(PreflightError::Ports { needed: connections, ports })
        }
        _ => Ok(()),
    }
}

/// How many ports this machine has for connections to one address; `None` where it does not say.
pub fn ephemeral_ports() -> Option<u64> {
    // The file is Linux's own (ip-sysctl: ip_local_port_range); its absence means no check.
    port_count(&fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?)
}

fn port_count(range: &str) -> Option<u64> {
    let mut bounds = range.split_whitespace().map(str::parse::<u64>);
    let (first, last) = (bounds.next()?.ok()?, bounds.next()?.ok()?);
    Some(last.checked_sub(first)? + 1)
}

/// Why the generator doubts its own reading, a sentence each; the judge adds lateness by itself.
/// `unheard` is why the shop's last snapshot could not be had.
pub(super) fn doubts(tally: Tally, unheard: Option<&str>) -> Vec<String> {
    let Tally { shed_sockets, shed_pool, left_behind } = tally;
    let counted = [
        (shed_sockets, "operations were never sent: this machine had no descriptor or port left"),
        (shed_pool, "operations waited for one of the pool's connections until their deadline"),
        (left_behind, "fans had not left when the load had to end"),
    ];
    let mut doubts: Vec<String> = counted
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}."))
        .collect();
    doubts.extend(unheard.map(|why| format!("The shop's last snapshot could not be read: {why}.")));
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_healthy_instrument_doubts_nothing_and_a_starved_one_says_why() {
        assert_eq!(doubts(Tally::default(), None), [""; 0]);
        let tally = Tally { shed_sockets: 1, shed_pool: 2, left_behind: 3 };
        assert_eq!(doubts(tally, Some("refused")).len(), 4);
    }

    #[test]
    fn a_crowd_beyond_the_descriptors_or_ports_is_refused() {
        assert_eq!(preflight(1_000, 20_000, Some(28_232)), Ok(()));
        assert_eq!(preflight(1_000, 20_000, None), Ok(()));
        let limit = 20_000;
        assert_eq!(
            preflight(70_000, limit, None),
            Err(PreflightError::Descriptors { needed: 70_064, limit })
        );
        assert_eq!(
            preflight(70_000, 100_000, Some(28_232)),
            Err(PreflightError::Ports { needed: 70_000, ports: 28_232 })
        );
    }

    #[test]
    fn the_port_range_is_counted_with_both_ends() {
        assert_eq!(port_count("32768\t60999\n"), Some(28_232));
        assert_eq!(port_count("nonsense"), None);
    }

    #[test]
    fn the_limit_of_files_is_raised_to_what_is_allowed() {
        let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        let raised = raise_descriptor_limit();
        assert!(raised >= hard);
        // What could be raised is raised: a second time finds nothing to do.
        assert_eq!(getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX), raised);
        assert_eq!(raise_descriptor_limit(), raised);
    }
}
