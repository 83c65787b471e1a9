//! Ports, queues and memory of TCP.

use domain::time::Duration;

use crate::command::doctor::finding::{Finding, State};
use crate::command::doctor::needs::bytes;
use crate::report::figure::{number, seconds, whole};

use super::{Case, sysctl, told};

/// All ports that an outgoing connection may be given: those below are for servers.
const PORTS_MOST: u64 = 65_535 - 1_024 + 1;
/// For how long a busy server may leave connections in its queue, so that none is refused: what a
/// scheduler's or a collector's pause takes \[s\].
const UNACCEPTED_S: f64 = 0.25;
/// The shortest queue of connections that a server should have: Linux's own since 5.4 is 4,096.
const QUEUE_LEAST: u64 = 1_024;
/// What a socket that has something to read takes of the kernel's memory, at least: a page.
const SOCKET_BYTES: u64 = 4_096;
/// How long half-closed connections are kept by default (tcp(7), `tcp_fin_timeout`).
const FIN_TIMEOUT: Duration = Duration::from_mins(1);

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(ports(case));
    findings.extend(time_wait(case));
    let tcp = &case.readings.tcp;
    findings.extend(queue(case, "accept_queue", "net.core.somaxconn", tcp.accept_queue));
    findings.extend(queue(case, "syn_queue", "net.ipv4.tcp_max_syn_backlog", tcp.syn_queue));
    findings.extend(fin_timeout(case));
    findings.extend(memory(case));
    findings.extend(tracked(case));
    findings
}

fn ports(case: &Case<'_>) -> Option<Finding> {
    let ports = &case.readings.ports;
    let (first, last) = ports.range?;
    let all = u64::from(last - first) + 1;
    let taken = number(ports.in_use);
    let value = format!("{} ({first} to {last}), {taken} sockets on them", number(all));
    let needed = case.needs.connections_of_address;
    if all >= needed {
        return Some(Finding::ok("ports", value));
    }
    let why = "Each connection from one address to one other takes a port of its own.";
    let cure = if needed <= PORTS_MOST {
        sysctl("net.ipv4.ip_local_port_range", "\"1024 65535\"")
    } else {
        "lower --scale, or share connections (connections = { pool = n })".to_owned()
    };
    Some(Finding::wanting("ports", case.lacking, value, number(needed), told(why, cure)))
}

fn time_wait(case: &Case<'_>) -> Option<Finding> {
    let ports = &case.readings.ports;
    let (first, last) = ports.range?;
    let all = u64::from(last - first) + 1;
    let reuse = match ports.reuse {
        Some(0) => "never taken again before that",
        Some(1) => "taken again where needed",
        Some(2) => "taken again on loopback",
        _ => "",
    };
    let value = format!("{} ports are in it, {reuse}", number(ports.time_wait));
    let value = value.trim_end_matches(", ").to_owned();
    if ports.time_wait.saturating_mul(2) >= all {
        let why = "A port whose connection this side closed is kept for a minute; an earlier run \
                   has used up half of them.";
        let told = told(why, "wait a minute");
        return Some(Finding::wanting("time_wait", State::Warning, value, "less", told));
    }
    if ports.reuse == Some(0) {
        let why = "A port whose connection this side closed is kept for a minute, so that runs of \
                   many connections in a row use up all ports.";
        let told = told(why, sysctl("net.ipv4.tcp_tw_reuse", 2));
        return Some(Finding::wanting("time_wait", State::Warning, value, "reuse", told));
    }
    Some(Finding::ok("time_wait", value))
}

/// The queue in front of a server, half-open connections or whole ones: the load is on this
/// machine's own servers, or on others that have such a queue too.
fn queue(
    case: &Case<'_>,
    id: &'static str,
    parameter: &str,
    length: Option<u64>,
) -> Option<Finding> {
    let length = length?;
    let burst = whole(case.needs.arrivals_peak_per_s * UNACCEPTED_S).next_power_of_two();
    let needed = burst.max(QUEUE_LEAST);
    let value = format!("{} connections", number(length));
    if length >= needed {
        return Some(Finding::ok(id, value));
    }
    let why = "Connections that come while a server is busy wait in this queue; those beyond it \
               are dropped and tried again after a second, which is then in the response times.";
    let told = told(why, sysctl(parameter, needed));
    Some(Finding::wanting(id, State::Warning, value, number(needed), told))
}

fn fin_timeout(case: &Case<'_>) -> Option<Finding> {
    let timeout = case.readings.tcp.fin_timeout?;
    let value = seconds(timeout.as_secs_f64());
    if timeout <= FIN_TIMEOUT {
        return Some(Finding::ok("fin_timeout", value));
    }
    let why = "For so long a connection is kept whose other side never closes it.";
    let told = told(why, sysctl("net.ipv4.tcp_fin_timeout", FIN_TIMEOUT.as_secs()));
    let wanted = seconds(FIN_TIMEOUT.as_secs_f64());
    Some(Finding::wanting("fin_timeout", State::Warning, value, wanted, told))
}

fn memory(case: &Case<'_>) -> Option<Finding> {
    let tcp = &case.readings.tcp;
    let (pressure, used) = (tcp.pressure_bytes?, tcp.used_bytes?);
    let value = format!("{} in use, scarce from {} on", bytes(used), bytes(pressure));
    let needed = used.saturating_add(2 * SOCKET_BYTES * case.needs.connections);
    if pressure >= needed {
        return Some(Finding::ok("tcp_memory", value));
    }
    let why = "Where memory of sockets is scarce, the kernel shrinks their buffers and drops what \
               comes; both ends of each connection take some.";
    let pages = needed.div_ceil(SOCKET_BYTES);
    let range = format!("\"{} {pages} {}\"", pages / 4 * 3, pages / 2 * 3);
    let told = told(why, sysctl("net.ipv4.tcp_mem", range));
    Some(Finding::wanting("tcp_memory", case.lacking, value, bytes(needed), told))
}

fn tracked(case: &Case<'_>) -> Option<Finding> {
    let tracked = case.readings.tracked?;
    let id = "tracked_connections";
    let value = format!("{} of {} in the table", number(tracked.entries), number(tracked.most));
    let needed = tracked.entries.saturating_add(case.needs.connections);
    if tracked.most >= needed {
        return Some(Finding::ok(id, value));
    }
    let why = "The firewall remembers each connection, for two minutes after its end too, and \
               drops new ones when its table is full.";
    let told = told(why, sysctl("net.netfilter.nf_conntrack_max", needed.next_power_of_two()));
    Some(Finding::wanting(id, case.lacking, value, number(needed), told))
}
