//! Programs under measurement: pinned to a core, read through `/proc`, gone when dropped.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use spike::live::clock::Clock;

use crate::pause;

/// A program that runs on chosen cores, with a process group of its own.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    name: String,
}

/// What a program took.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Spent {
    /// The processor time of its threads, and of its children's.
    pub(crate) processor: Duration,
    /// The most memory that it held \[bytes\].
    pub(crate) memory: u64,
}

/// Where a program's standard output goes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Nowhere.
    Dropped,
    /// To whoever takes [`Process::output`].
    Piped,
}

impl Process {
    /// Starts `program` on `cores`, as `taskset` names them. It dies with this process, however
    /// this ends: the kernel sees to it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start<S: AsRef<std::ffi::OsStr>>(
        cores: &str,
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
        output: Output,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "taskset", "-c", cores]).arg(program);
        command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
        command.stdout(if output == Output::Piped { Stdio::piped() } else { Stdio::null() });
        let child = command.process_group(0).spawn();
        let name = program.display().to_string();
        let child = child.with_context(|| format!("failed to start {name}"))?;
        Ok(Self { child, name })
    }

    /// What it prints, once.
    pub(crate) fn output(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("its output is piped and taken once")
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// The processor time that its threads, and those of its children, have used so far: what the
    /// scheduler counted, in nanoseconds (the first figure of `schedstat`).
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn processor(&self) -> anyhow::Result<Duration> {
        let mut nanos = 0;
        for process in tree(self.child.id()) {
            for task in tasks(process) {
                let text = fs::read_to_string(format!("/proc/{process}/task/{task}/schedstat"));
                nanos += text.ok().and_then(|text| first_number(&text)).unwrap_or(0);
            }
        }
        anyhow::ensure!(nanos > 0, "failed to read the processor time of {}: it ended", self.name);
        Ok(Duration::from_nanos(nanos))
    }

    /// The most memory that it and its children have held so far, each by itself, summed
    /// \[bytes\]; 0 when it has ended.
    pub(crate) fn peak_memory(&self) -> u64 {
        memory(self.child.id(), "VmHWM:")
    }

    /// The memory that it and its children hold now \[bytes\]; 0 when it has ended.
    pub(crate) fn memory(&self) -> u64 {
        memory(self.child.id(), "VmRSS:")
    }

    /// What it has spent once it has ended by itself, to a millisecond or two: the kernel forgets both with it, so
    /// they are read as long as it runs.
    ///
    /// # Errors
    /// When it takes longer than `patience`, or never runs.
    pub(crate) fn until_its_end(
        mut self,
        clock: &Clock,
        patience: Duration,
    ) -> anyhow::Result<Spent> {
        let (began, mut spent) = (clock.now(), Spent::default());
        while self.ended()?.is_none() {
            spent.processor = self.processor().unwrap_or_default().max(spent.processor);
            spent.memory = self.peak_memory().max(spent.memory);
            let passed = clock.now().since(began);
            anyhow::ensure!(passed < patience, "{} did not end within {patience:?}", self.name);
            pause(Duration::from_millis(1));
        }
        anyhow::ensure!(!spent.processor.is_zero(), "{} ended before it was seen", self.name);
        Ok(spent)
    }

    /// Stops it as Ctrl-Z does.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn freeze(&self) -> anyhow::Result<()> {
        Ok(kill_process(self.pid(), Signal::STOP)?)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn thaw(&self) -> anyhow::Result<()> {
        Ok(kill_process(self.pid(), Signal::CONT)?)
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Who has ended already cannot be killed, and that is all that can fail.
        let _ = kill_process_group(self.pid(), Signal::KILL);
        let _ = self.child.wait();
    }
}

/// A process and all that descend from it.
fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(process) = found.get(next).copied() {
        next += 1;
        for task in tasks(process) {
            let children = fs::read_to_string(format!("/proc/{process}/task/{task}/children"));
            let children = children.unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
    }
    found
}

fn tasks(process: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn memory(root: u32, field: &str) -> u64 {
    let of = |process: u32| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(field))?;
        Some(first_number(line)? * 1_024)
    };
    tree(root).into_iter().filter_map(of).sum()
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}
