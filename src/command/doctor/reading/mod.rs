//! What this machine says of its limits: files of `/proc` and `/sys`, limits of this process, the
//! clock. Everything may be missing: another system, a container that hides it.

mod cgroup;
mod kernel;

use std::fs;
use std::path::Path;

use domain::time::Duration;
use rustix::process::{Resource, getrlimit};

use crate::live::clock::{self, Clock};

use super::super::machine::machine;
pub(super) use kernel::{Ports, RealTime, Tcp, Tracked};

/// What was read of this machine.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Readings {
    /// Processor, cores, memory and kernel, in a few words.
    pub(super) machine: String,
    /// How many files may be open.
    pub(super) files: Files,
    /// How many processes this user may have; `None` where there is no limit.
    pub(super) processes: Option<u64>,
    /// Ports for outgoing connections.
    pub(super) ports: Ports,
    /// Queues and memory of TCP.
    pub(super) tcp: Tcp,
    /// The table of tracked connections, where the firewall keeps one.
    pub(super) tracked: Option<Tracked>,
    /// The processor.
    pub(super) processor: Processor,
    /// Memory.
    pub(super) memory: Memory,
    /// The clock.
    pub(super) clock: ClockFacts,
    /// Whether threads may be scheduled before all others.
    pub(super) real_time: RealTime,
    /// Free space where runs leave their folders \[bytes\].
    pub(super) disk_bytes: Option<u64>,
}

/// How many files may be open.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Files {
    /// In this process, when it began.
    pub(super) soft: u64,
    /// In this process, once the limit was raised as far as it may.
    pub(super) raised: u64,
    /// The most that any process may be allowed (`fs.nr_open`).
    pub(super) process_most: Option<u64>,
    /// In the whole system (`fs.file-max`).
    pub(super) system_most: Option<u64>,
    /// Open in the whole system now.
    pub(super) system_open: Option<u64>,
}

/// The processor.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Processor {
    /// Cores that this process may run on.
    pub(super) cores: u64,
    /// The share of them that the control group allows \[cores\].
    pub(super) quota_cores: Option<f64>,
    /// Runnable tasks, mean of the last minute \[tasks\].
    pub(super) load: Option<f64>,
    /// The share of all time since the start that the hypervisor gave to others, in \[0, 1\].
    pub(super) stolen: Option<f64>,
    /// How the frequency is governed.
    pub(super) governor: Option<String>,
}

/// Memory.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// Free, or made free at once \[bytes\].
    pub(super) available_bytes: Option<u64>,
    /// What the control group still allows \[bytes\].
    pub(super) group_left_bytes: Option<u64>,
}

/// The clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ClockFacts {
    /// What the kernel counts with.
    pub(super) source: Option<String>,
    /// What else it could count with.
    pub(super) others: Vec<String>,
    /// The shortest time that it tells apart.
    pub(super) resolution: Duration,
    /// What one reading costs.
    pub(super) cost: Duration,
    /// By how much timers of this process may be late on purpose.
    pub(super) slack: Option<Duration>,
    /// By how much sleeps ended late just now: half of them, and 99 of 100.
    pub(super) late: [Duration; 2],
}

/// Reads this machine; `out` is where runs leave their folders. This process's limit of open files
/// is raised as far as it may be.
pub(super) fn read(out: &Path) -> Readings {
    let root = Path::new("/");
    let soft = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let files = Files { soft, raised: machine::raise_descriptor_limit(), ..kernel::files(root) };
    Readings {
        machine: machine(),
        files,
        processes: smaller(getrlimit(Resource::Nproc).current, cgroup::processes_left(root)),
        ports: kernel::ports(root),
        tcp: kernel::tcp(root, rustix::param::page_size() as u64),
        tracked: kernel::tracked(root),
        processor: Processor {
            cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64),
            quota_cores: cgroup::quota_cores(root),
            ..kernel::processor(root)
        },
        memory: Memory {
            available_bytes: kernel::available_bytes(root),
            group_left_bytes: cgroup::memory_left_bytes(root),
        },
        clock: ClockFacts {
            resolution: clock::resolution(),
            cost: clock::cost_of_a_reading(),
            late: lateness(),
            ..kernel::clock(root)
        },
        real_time: kernel::real_time(root, getrlimit(Resource::Rtprio).current.unwrap_or(99)),
        disk_bytes: free_bytes(out),
    }
}

fn smaller(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

/// Free space at a path, or where it would be made.
fn free_bytes(path: &Path) -> Option<u64> {
    let there = fs::canonicalize(".").ok()?.join(path);
    let there = there.ancestors().find(|folder| folder.is_dir())?;
    let facts = rustix::fs::statvfs(there).ok()?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}

/// How many sleeps are watched, and how long each is: a fifth of a second in all.
const SLEEPS: u64 = 200;
const SLEEP: Duration = Duration::from_millis(1);

/// By how much sleeps end late on this machine now: half of them, and 99 of 100.
fn lateness() -> [Duration; 2] {
    let clock = Clock::begin_in(Duration::ZERO);
    let mut late: Vec<Duration> = Vec::new();
    for _ in 0..SLEEPS {
        let due = clock.now() + SLEEP;
        clock.sleep_until(due, Duration::MAX);
        late.push(clock.now().since(due));
    }
    late.sort_unstable();
    [late[late.len() / 2], late[late.len() * 99 / 100]]
}

/// A file's text without the white space around it.
fn text(root: &Path, path: &str) -> Option<String> {
    Some(fs::read_to_string(root.join(path)).ok()?.trim().to_owned())
}

/// The number that a file holds.
fn number(root: &Path, path: &str) -> Option<u64> {
    text(root, path)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_can_be_read() {
        let readings = read(Path::new("reports/that/is/not/there"));
        assert!(readings.files.raised >= readings.files.soft);
        assert!(readings.processor.cores > 0);
        assert!(readings.disk_bytes.is_some());
        assert!(readings.clock.cost > Duration::ZERO);
        assert!(readings.clock.late[0] <= readings.clock.late[1]);
    }
}
