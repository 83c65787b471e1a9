//! Descriptors, processes, memory and disk.

use crate::command::doctor::finding::{Finding, State};
use crate::command::doctor::needs::bytes;
use crate::report::figure::number;

use super::{Case, sysctl, told};

/// Threads and processes of a run: loops, servers and their helpers, on each core.
const PROCESSES_PER_CORE: u64 = 16;
/// Threads and processes of a run, whatever the machine.
const PROCESSES: u64 = 32;
/// With less than this a run would end in mid-sale, whatever its size \[bytes\].
const MEMORY_LEAST_BYTES: u64 = 128 * 1024 * 1024;
/// Likewise, for its evidence \[bytes\].
const DISK_LEAST_BYTES: u64 = 8 * 1024 * 1024;

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = vec![open_files(case)];
    findings.extend(open_files_of_the_system(case));
    findings.extend(processes(case));
    findings.extend(memory(case));
    findings.extend(disk(case));
    findings
}

fn open_files(case: &Case<'_>) -> Finding {
    let files = &case.readings.files;
    let raised = if files.raised > files.soft {
        format!(", raised from {}", number(files.soft))
    } else {
        String::new()
    };
    let value = format!("{} in one process{raised}", number(files.raised));
    let needed = case.needs.descriptors;
    if files.raised >= needed {
        return Finding::ok("open_files", value);
    }
    let limit = format!("sudo prlimit --pid $$ --nofile={needed}:{needed}");
    let cure = match files.process_most {
        // No process may be allowed more than this.
        Some(most) if most < needed => format!("{} && {limit}", sysctl("fs.nr_open", needed)),
        _ => limit,
    };
    let why = "Each connection is an open file, of the load and of the embedded shop alike. The \
               command raises the limit of the shell it is typed in; `nofile` in \
               /etc/security/limits.conf does for good, --ulimit nofile for a container. Or lower \
               --scale, or share connections by a pool.";
    Finding::wanting("open_files", case.lacking, value, number(needed), told(why, cure))
}

fn open_files_of_the_system(case: &Case<'_>) -> Option<Finding> {
    let files = &case.readings.files;
    let (most, open) = (files.system_most?, files.system_open?);
    let id = "open_files_of_system";
    let value = format!("{} of {} in use", number(open), number(most));
    // Both ends of each connection are on this machine.
    let needed = open.saturating_add(2 * case.needs.connections);
    if most >= needed {
        return Some(Finding::ok(id, value));
    }
    let why = "Both ends of each connection are open files of this machine.";
    let told = told(why, sysctl("fs.file-max", needed));
    Some(Finding::wanting(id, case.lacking, value, number(needed), told))
}

fn processes(case: &Case<'_>) -> Option<Finding> {
    let most = case.readings.processes?;
    let needed = PROCESSES + PROCESSES_PER_CORE * case.readings.processor.cores;
    let value = format!("{} allowed", number(most));
    if most >= needed {
        return Some(Finding::ok("processes", value));
    }
    let why = "The load, the shop and the provider are processes with some threads for each core; \
               in a container the limit is that of its control group (pids.max).";
    let cure = format!("sudo prlimit --pid $$ --nproc={needed}:{needed}");
    Some(Finding::wanting("processes", State::Problem, value, number(needed), told(why, cure)))
}

fn memory(case: &Case<'_>) -> Option<Finding> {
    let memory = &case.readings.memory;
    let free = memory.available_bytes.into_iter().chain(memory.group_left_bytes).min()?;
    let by_group = memory.group_left_bytes == Some(free);
    let whose = if by_group { "left in the control group" } else { "available" };
    let value = format!("{} {whose}", bytes(free));
    let needed = case.needs.memory_bytes.max(MEMORY_LEAST_BYTES);
    if free >= needed {
        return Some(Finding::ok("memory", value));
    }
    let state = if free < MEMORY_LEAST_BYTES { State::Problem } else { case.lacking };
    let why = "A run whose memory is swapped out is late, and one that is killed says nothing.";
    let cure = if by_group {
        "raise the memory limit of the container or service"
    } else {
        "end what else is running, or lower --scale"
    };
    Some(Finding::wanting("memory", state, value, bytes(needed), told(why, cure)))
}

fn disk(case: &Case<'_>) -> Option<Finding> {
    let free = case.readings.disk_bytes?;
    let value = format!("{} free where reports go", bytes(free));
    let needed = case.needs.disk_bytes.max(DISK_LEAST_BYTES);
    if free >= needed {
        return Some(Finding::ok("disk", value));
    }
    let state = if free < DISK_LEAST_BYTES { State::Problem } else { case.lacking };
    let why = "A run is judged by what it has written down; one whose disk is full is partial.";
    let cure = "make room, or name another place with --out";
    Some(Finding::wanting("disk", state, value, bytes(needed), told(why, cure)))
}
