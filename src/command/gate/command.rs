//! A command that lives a run: a shell runs it, what it says goes into a file, and who stops the gate stops it.

use std::fs::File;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use anyhow::Context as _;
use domain::time::Duration;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::live::Stop;
use crate::verdict::Verdict;

/// How often is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// So much of what a command said is told where it left no run.
const SAID_LINES: usize = 5;
/// Variables that would make a run say less, say it elsewhere, or not live at all.
const LEFT_OUT: [&str; 6] = [
    "SPIKE_DRY_RUN",
    "SPIKE_JSON",
    "SPIKE_JUNIT",
    "SPIKE_OUT",
    "SPIKE_PRINT_CONFIG",
    "SPIKE_REPLICATIONS",
];

/// Runs a command with `words` behind it and waits until its shell has ended, and for nobody that it left behind.
/// What it says goes to `log`. Each press of `stop` is handed on to all that it started.
pub(super) fn run(
    command: &str,
    words: &[String],
    log: &Path,
    stop: &Stop,
) -> anyhow::Result<ExitStatus> {
    let said = File::create(log).with_context(|| format!("failed to write {}", log.display()))?;
    let mut shell = Command::new("sh");
    // Of a block of YAML a line break is the end, which would leave the words to a line of their own.
    shell.arg("-c").arg(format!("{} \"$@\"", command.trim_end())).arg("spike gate").args(words);
    for name in LEFT_OUT {
        shell.env_remove(name);
    }
    shell.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
    let child = shell.spawn().context("failed to start a shell for a command")?;
    waited_for(child, stop).context("failed to wait for a command")
}

/// Waits for the shell; once the gate is stopped, for all that it started, or for a second press.
fn waited_for(mut child: Child, stop: &Stop) -> anyhow::Result<ExitStatus> {
    let group = Pid::from_child(&child);
    let mut handed_on = 0;
    loop {
        let presses = stop.presses();
        if presses > handed_on {
            handed_on = presses;
            // Who has just ended needs no signal.
            let _ = kill_process_group(group, Signal::TERM);
        }
        let ended = child.try_wait()?;
        let is_over = handed_on != 1 || test_kill_process_group(group).is_err();
        if let Some(status) = ended.filter(|_| is_over) {
            return Ok(status);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Whether a command ended as a run does, which says its verdict.
pub(super) fn is_of_a_run(status: ExitStatus) -> bool {
    let verdicts = [
        Verdict::Pass,
        Verdict::ObjectiveMissed,
        Verdict::Aborted,
        Verdict::InvariantViolated,
        Verdict::Inconclusive,
    ];
    status.signal().is_none()
        && verdicts.iter().any(|verdict| status.code() == Some(i32::from(verdict.exit_code())))
}

/// The last lines that a command said.
pub(super) fn last_words(log: &Path) -> String {
    let words = std::fs::read(log).unwrap_or_default();
    let words = String::from_utf8_lossy(&words);
    let lines: Vec<&str> = words.lines().collect();
    lines[lines.len().saturating_sub(SAID_LINES)..].join("\n")
}
