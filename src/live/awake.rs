//! Keeps the cores of a virtual machine awake while a run is lived.
//!
//! A core with nothing to do halts. On hardware that costs microseconds; a virtual machine's host
//! gives a halted core to somebody else, and it comes back when that one is done: on a machine of
//! two cores and a busy host, a run that used a third of them waited for another third of its time,
//! and was a quarter of a second late. So one thread for each core works at nothing, in the class
//! that the scheduler lets run only where nobody else wants to (`SCHED_IDLE`, sched(7)): whoever
//! wakes takes the core at once. What these threads use is counted neither as the generator's nor
//! as the machine's work.

use std::fs;
use std::hint;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id, thread_schedule_policy,
};

use crate::scenario::KeepAwake;

/// What the names of these threads begin with.
pub(super) const AWAKE_THREAD: &str = "awake-";
/// How often a thread looks in vain before it looks whether it shall end.
const LOOKS: u32 = 1_000;

impl KeepAwake {
    /// Whether the cores of this machine are kept awake.
    pub fn applies(self) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => is_virtual() && !has_quota(),
        }
    }
}

/// Whether this is a virtual machine, as the processor says itself on x86 (CPUID leaf 1, ECX bit
/// 31); elsewhere it is taken for hardware.
fn is_virtual() -> bool {
    let told = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = told.lines().find(|line| line.starts_with("flags"));
    flags.is_some_and(|line| line.split_whitespace().any(|flag| flag == "hypervisor"))
}

/// Whether this process may use less time than its cores have (a container's limit): to stay awake
/// would use it up, and the generator would be stopped for the rest of each period.
fn has_quota() -> bool {
    thread::available_parallelism().is_ok_and(|allowed| allowed.get() < cores().len())
}

/// The threads that keep the cores awake; they end when this is dropped.
#[derive(Debug)]
pub struct Awake {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Awake {
    /// Keeps each core that this process may use awake, as far as the system lets it.
    pub fn keep() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let start = |core: usize| {
            let over = Arc::clone(&over);
            let thread = thread::Builder::new().name(format!("{AWAKE_THREAD}{core}"));
            thread.spawn(move || keep_awake(core, &over)).ok()
        };
        let threads = cores().into_iter().filter_map(start).collect();
        Self { over, threads }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // It cannot panic, and nothing hangs on it if it did.
            drop(thread.join());
        }
    }
}

/// The numbers of the cores that this process may use.
fn cores() -> Vec<usize> {
    let Ok(allowed) = sched_getaffinity(None) else { return Vec::new() };
    (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect()
}

fn keep_awake(core: usize, over: &AtomicBool) {
    let mut here = CpuSet::new();
    here.set(core);
    // In any other class it would take the core from those who need it.
    if sched_setaffinity(None, &here).is_err() || !is_last_in_line() {
        return;
    }
    while !over.load(Ordering::Relaxed) {
        for _ in 0..LOOKS {
            hint::spin_loop();
        }
    }
}

/// Puts this thread into the class of those who run where nobody else wants to; whether it is in.
fn is_last_in_line() -> bool {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    // An error may mean no more than that the nice value, which counts for nothing there, stays.
    let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
    thread_schedule_policy().is_ok_and(|policy| policy == idle)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The scheduling classes of the threads of this process that keep cores awake, out of the 41st
    /// word of their `stat` (proc(5)).
    fn classes() -> Vec<String> {
        let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
        let read =
            |path: &Path, name: &str| fs::read_to_string(path.join(name)).unwrap_or_default();
        let ours = threads.filter(|thread| read(&thread.path(), "comm").starts_with(AWAKE_THREAD));
        let class =
            |stat: String| stat.rsplit_once(')')?.1.split_whitespace().nth(38).map(str::to_owned);
        ours.filter_map(|thread| class(read(&thread.path(), "stat"))).collect()
    }

    #[test]
    fn each_core_has_a_thread_that_runs_where_nobody_else_wants_to_until_the_end() {
        const SCHED_IDLE: &str = "5";
        let awake = Awake::keep();
        assert_eq!(awake.threads.len(), cores().len());
        while classes() != vec![SCHED_IDLE; cores().len()] {
            thread::yield_now();
        }
        drop(awake);
        assert_eq!(classes(), [""; 0]);
    }

    #[test]
    fn the_scenario_decides_and_left_to_itself_the_machine() {
        assert!(KeepAwake::Always.applies());
        assert!(!KeepAwake::Never.applies());
        assert_eq!(KeepAwake::Auto.applies(), is_virtual() && !has_quota());
    }
}
