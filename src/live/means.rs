//! What a crowd takes of this machine, and how it is shared out before the run: load processes,
//! descriptors, local addresses and their ports, processes of the shop's edge.

use std::io;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::thread;

use crate::live::health::ephemeral_ports;
use crate::live::{Connections, connections_needed};
use crate::scenario::Scenario;

/// Descriptors for everything that is no connection of a fan: files of the run, polls, clients.
const DESCRIPTORS_RESERVED: u64 = 64;
/// The most load processes that are started.
const PROCESSES_MAX: usize = 256;
/// Of how many ports of a loopback address one is used: the kernel finds a free port by looking
/// one after the other, and ports stay taken for a while after their connection has closed.
const PORT_SPARSITY: u64 = 2;
/// The most loopback addresses: 127.0.0.1 to 127.0.255.250.
const LOOPBACK_MAX: u64 = 64_000;
/// The kernel shares connections out over the edge's processes by a hash: each is ready for an
/// eleventh of a tenth more than its part.
const EDGE_SLACK: (u64, u64) = (11, 10);

/// What this machine lends.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Processors this process may use.
    pub cores: usize,
    /// Files that one process may hold open.
    pub descriptors: u64,
    /// Ports that one local address has for connections to one other; absent where the system does
    /// not say.
    pub ports: Option<u64>,
}

impl Machine {
    /// This machine; this process's limit of open files is raised as far as it may.
    pub fn here() -> Self {
        Self {
            cores: thread::available_parallelism().map_or(1, std::num::NonZero::get),
            descriptors: machine::raise_descriptor_limit(),
            ports: ephemeral_ports(),
        }
    }
}

/// How a crowd is shared out over this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Means {
    /// Connections to the shop at once, at most.
    pub connections: u64,
    /// Load processes.
    pub processes: usize,
    /// Load loops in all of them together.
    pub threads: usize,
    /// Descriptors that the load process with the most fans needs.
    pub descriptors: u64,
    /// The local addresses that connections leave from, in turn; none: the one that the system
    /// takes.
    pub sources: Vec<IpAddr>,
    /// Ports that one local address has, where that is known.
    pub ports: Option<u64>,
    /// Processes that the embedded shop's edge needs; 0: the one that it is.
    pub edge_processes: u64,
}

/// A crowd that cannot be lived on this machine: each says what would let it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreflightError {
    /// Too few descriptors for so many processes.
    #[error(
        "open {connections} connections from {processes} load process(es): each needs {needed} \
         descriptors and may hold {limit}\nhint: {cure}raise the limit (`ulimit -n {needed}`), \
         lower --scale, or share connections (`connections = {{ pool = n }}`)"
    )]
    Descriptors {
        /// Connections needed in all.
        connections: u64,
        /// Load processes that were asked for, or the most there are.
        processes: usize,
        /// Connections and other files needed in the fullest of them.
        needed: u64,
        /// The hard limit.
        limit: u64,
        /// How many processes would do, as the beginning of a sentence; empty where none would.
        cure: String,
    },
    /// Too few ports.
    #[error(
        "open {needed} connections to one address from {sources} local address(es): each has \
         {ports} ports for them\nhint: name {lacking} more in `[live] local_ips`, widen \
         net.ipv4.ip_local_port_range, lower --scale, or share connections \
         (`connections = {{ pool = n }}`)"
    )]
    Ports {
        /// Connections needed.
        needed: u64,
        /// Local addresses there are for them.
        sources: u64,
        /// Ephemeral ports of each.
        ports: u64,
        /// How many addresses more would do.
        lacking: u64,
    },
    /// A local address is not one of this machine's.
    #[error(
        "leave from {address}: {why}\nhint: `[live] local_ips` names addresses of this machine; \
         `ip address` lists them"
    )]
    Source {
        /// The address.
        address: IpAddr,
        /// What the system says.
        why: String,
    },
}

/// How `scenario` is shared out over `machine` to ask a shop at `shop`.
///
/// # Errors
/// When it cannot be: better no run than half a crowd.
pub fn means(
    scenario: &Scenario,
    shop: IpAddr,
    machine: &Machine,
) -> Result<Means, PreflightError> {
    let live = &scenario.live;
    let connections = connections_needed(scenario, live.connections.into());
    let threads = live.threads.map_or(machine.cores, usize::from).max(1);
    let populations = scenario.populations.len() as u64;
    let in_each = |processes: usize| {
        fullest(connections, processes, threads) + populations + DESCRIPTORS_RESERVED
    };
    let enough = (1..=PROCESSES_MAX).find(|processes| in_each(*processes) <= machine.descriptors);
    let processes = live.processes.map(usize::from).or(enough).unwrap_or(PROCESSES_MAX);
    let descriptors = in_each(processes);
    if descriptors > machine.descriptors {
        let cure = enough.map_or_else(String::new, |enough| {
            format!("leave `[live] processes` out or say {enough} or more, ")
        });
        return Err(PreflightError::Descriptors {
            connections,
            processes,
            needed: descriptors,
            limit: machine.descriptors,
            cure,
        });
    }
    let sources = sources(connections, &live.local_ips, shop, machine.ports)?;
    Ok(Means {
        connections,
        processes,
        threads: threads.max(processes),
        descriptors,
        sources,
        ports: machine.ports,
        edge_processes: edge_processes(connections, machine),
    })
}

/// How many connections the load process with the most loops has, at most.
const fn fullest(connections: u64, processes: usize, threads: usize) -> u64 {
    let threads = if threads < processes { processes } else { threads };
    let loops = threads.div_ceil(processes) as u64;
    // A loop lives every so-manyth fan: rounded up once per loop.
    connections.div_ceil(threads as u64).saturating_mul(loops)
}

/// The addresses that connections leave from.
fn sources(
    connections: u64,
    named: &[IpAddr],
    shop: IpAddr,
    ports: Option<u64>,
) -> Result<Vec<IpAddr>, PreflightError> {
    let Some(ports) = ports.filter(|ports| *ports > 0) else { return Ok(named.to_vec()) };
    let spread = connections.div_ceil((ports / PORT_SPARSITY).max(1)).min(LOOPBACK_MAX);
    let free = named.is_empty() && matches!(shop, IpAddr::V4(shop) if shop.is_loopback());
    if free && spread > 1 {
        return Ok((0..spread).map(loopback).collect());
    }
    let there = named.len().max(1) as u64;
    let lacking = connections.div_ceil(ports).saturating_sub(there);
    if lacking > 0 {
        return Err(PreflightError::Ports { needed: connections, sources: there, ports, lacking });
    }
    Ok(named.to_vec())
}

/// The loopback address number `number`, from 127.0.0.1 on.
fn loopback(number: u64) -> IpAddr {
    let [high, low] = [number / 250, number % 250 + 1];
    let octet = |value: u64| u8::try_from(value).expect("there are at most 64,000 of them");
    Ipv4Addr::new(127, 0, octet(high), octet(low)).into()
}

/// How many processes the embedded shop's edge needs to hold `connections`; 0 where one does.
pub fn edge_processes(connections: u64, machine: &Machine) -> u64 {
    if connections.saturating_add(DESCRIPTORS_RESERVED) <= machine.descriptors {
        return 0;
    }
    let each = machine.descriptors.saturating_sub(DESCRIPTORS_RESERVED).max(1);
    (connections.saturating_mul(EDGE_SLACK.0) / EDGE_SLACK.1).div_ceil(each)
}

/// Checks that connections can leave from each of `sources`.
///
/// # Errors
/// When one is not an address of this machine.
pub(super) fn check_sources(sources: &[IpAddr]) -> Result<(), PreflightError> {
    for address in sources {
        // A socket that sends nothing, of the kind that takes no port from the others.
        UdpSocket::bind((*address, 0)).map_err(|error: io::Error| PreflightError::Source {
            address: *address,
            why: error.to_string(),
        })?;
    }
    Ok(())
}

/// Checks that this process alone can open what `connections` takes of `fans`.
///
/// # Errors
/// When it cannot.
pub(super) fn check_alone(
    scenario: &Scenario,
    connections: Connections,
) -> Result<(), PreflightError> {
    let connections = connections_needed(scenario, connections);
    let (needed, limit) = (connections + DESCRIPTORS_RESERVED, machine::raise_descriptor_limit());
    if needed <= limit {
        return Ok(());
    }
    let cure = String::new();
    Err(PreflightError::Descriptors { connections, processes: 1, needed, limit, cure })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Context;
    use crate::scenario::file::parse;
    use crate::scenario::overrides::Overrides;
    use crate::verdict::World;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const SMALL: Machine = Machine { cores: 2, descriptors: 20_000, ports: Some(28_232) };

    fn crowd(live: &str, fans: u32) -> Scenario {
        let text = format!(
            "schema = 1\nname = \"crowd\"\nlive = {{ {live} }}\n[[sale]]\nid = \"s\"\n\
             opens = \"+1s\"\nlasts = \"1s\"\nitems = [{{ id = \"i\", stock = 1, price = 1 }}]\n\
             [[fans]]\nname = \"fans\"\ncount = {fans}\n\
             arrive = {{ shape = \"at-once\", at = \"-1s\" }}\n"
        );
        let loaded = parse("crowd.toml", &text, &Overrides::default(), &Context::VIRTUAL);
        loaded.unwrap_or_else(|error| panic!("{error}")).at_scale(None, World::Live)
    }

    fn shared_out(live: &str, fans: u32) -> Result<Means, PreflightError> {
        means(&crowd(live, fans), HERE, &SMALL)
    }

    #[test]
    fn a_small_crowd_is_lived_by_this_process_from_the_systems_own_address() {
        let means = shared_out("", 14_000).unwrap();
        assert_eq!((means.processes, means.threads, means.edge_processes), (1, 2, 0));
        assert_eq!((means.connections, means.descriptors), (14_000, 14_065));
        assert_eq!(means.sources, [] as [IpAddr; 0]);
    }

    #[test]
    fn a_large_crowd_gets_the_processes_and_the_addresses_that_it_needs() {
        let means = shared_out("", 70_000).unwrap();
        assert_eq!((means.processes, means.threads, means.edge_processes), (4, 4, 4));
        assert!(means.descriptors <= SMALL.descriptors);
        let last: IpAddr = [127, 0, 0, 5].into();
        assert_eq!((means.sources.len(), means.sources[0], means.sources[4]), (5, HERE, last));
    }

    #[test]
    fn a_process_with_more_loops_is_given_room_for_more_fans() {
        // Of three loops in two processes one process has two.
        assert_eq!(fullest(30_000, 2, 3), 20_000);
        let means = shared_out("threads = 3", 30_000).unwrap();
        assert_eq!((means.processes, means.threads, means.descriptors), (3, 3, 10_065));
        assert_eq!(shared_out("processes = 5, threads = 7", 70).unwrap().threads, 7);
        assert_eq!(shared_out("processes = 5", 70).unwrap().threads, 5);
    }

    #[test]
    fn what_cannot_be_had_is_refused_with_its_cure() {
        let refused = shared_out("processes = 2", 70_000).unwrap_err();
        let told = refused.to_string();
        assert!(told.contains("say 4 or more"), "{told}");
        assert!(told.contains("each needs 35065 descriptors and may hold 20000"), "{told}");
        let tiny = Machine { descriptors: 70, ..SMALL };
        let refused = means(&crowd("", 70_000), HERE, &tiny).unwrap_err();
        assert!(!refused.to_string().contains("processes` out"), "{refused}");

        let named = "local_ips = [\"127.0.0.2\"]";
        let ports =
            |lacking| PreflightError::Ports { needed: 70_000, sources: 1, ports: 28_232, lacking };
        assert_eq!(shared_out(named, 70_000), Err(ports(2)));
        assert_eq!(shared_out(named, 28_000).unwrap().sources.len(), 1);
        let elsewhere = [10, 0, 0, 1].into();
        assert_eq!(means(&crowd("", 70_000), elsewhere, &SMALL), Err(ports(2)));
        assert_eq!(means(&crowd("", 28_000), elsewhere, &SMALL).unwrap().sources.len(), 0);
        let unknown = Machine { ports: None, ..SMALL };
        assert_eq!(means(&crowd("", 70_000), elsewhere, &unknown).unwrap().sources.len(), 0);
    }

    #[test]
    fn a_pool_needs_as_many_as_it_is_large() {
        let means = shared_out("connections = { pool = 30_000 }", 70_000).unwrap();
        assert_eq!((means.connections, means.processes, means.sources.len()), (30_000, 2, 3));
    }

    #[test]
    fn loopback_addresses_are_numbered_and_never_a_networks_own() {
        let of = |number| loopback(number).to_string();
        assert_eq!([of(0), of(249), of(250)], ["127.0.0.1", "127.0.0.250", "127.0.1.1"]);
        assert_eq!(of(LOOPBACK_MAX - 1), "127.0.255.250");
    }

    #[test]
    fn only_addresses_of_this_machine_can_be_left_from() {
        assert_eq!(check_sources(&[HERE, [127, 0, 3, 9].into()]), Ok(()));
        // A network set aside for documentation (RFC 5737).
        let foreign = [192, 0, 2, 1].into();
        let refused = check_sources(&[HERE, foreign]).unwrap_err();
        assert!(matches!(refused, PreflightError::Source { address, .. } if address == foreign));
    }
}
