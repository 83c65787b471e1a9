//! A server of this very binary as a child process.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use rustix::process::Pid;

use super::watched::Running;
use crate::live::clock::Clock;

/// A server that is to be started.
#[derive(Clone, Debug)]
pub(super) struct Program {
    binary: PathBuf,
    /// Which: `shop` or `provider`.
    name: &'static str,
    arguments: Vec<String>,
}

/// A server that runs; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct RunningProgram {
    program: Program,
    child: Child,
    address: SocketAddr,
}

impl Program {
    /// `binary name --settings settings` of a run that begins by `clock`.
    pub(super) fn new(binary: &Path, name: &'static str, settings: &Path, clock: Clock) -> Self {
        let program = Self { binary: binary.to_owned(), name, arguments: Vec::new() };
        program
            .with("--settings", &settings.display().to_string())
            .with("--began-utc-ns", &clock.began_utc_ns().to_string())
    }

    /// The same with a flag more.
    pub(super) fn with(mut self, flag: &str, value: &str) -> Self {
        self.arguments.extend([flag, value].map(str::to_owned));
        self
    }

    /// Starts it at `listen` and waits until it says where it listens.
    ///
    /// # Errors
    /// When it cannot be started, or ends before it listens.
    pub(super) fn start(self, listen: SocketAddr) -> anyhow::Result<RunningProgram> {
        let (child, address) = self.start_at(listen)?;
        Ok(RunningProgram { program: self, child, address })
    }

    fn start_at(&self, listen: SocketAddr) -> anyhow::Result<(Child, SocketAddr)> {
        let name = self.name;
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
            command.env_remove(name);
        }
        let mut child = command
            .process_group(0)
            .arg(name)
            .args(["--listen", &listen.to_string(), "--until-stdin-closes"])
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("failed to start the embedded {name}"))?;
        let stdout = child.stdout.take().expect("its output is piped");
        match heard(name, BufReader::new(stdout)) {
            Ok(address) => Ok((child, address)),
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }
}

impl RunningProgram {
    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub(super) fn process_number(&self) -> u32 {
        self.child.id()
    }
}

impl Running for RunningProgram {
    fn process(&self) -> anyhow::Result<Pid> {
        Ok(Pid::from_child(&self.child))
    }

    fn how_it_ended(&mut self) -> String {
        match self.child.wait() {
            Ok(status) => match (status.signal(), status.code()) {
                (Some(signal), _) => format!("killed by signal {signal}"),
                (None, Some(code)) => format!("ended with exit code {code}"),
                (None, None) => "ended".to_owned(),
            },
            Err(error) => format!("ended: {error}"),
        }
    }

    fn start_again(&mut self) -> anyhow::Result<()> {
        (self.child, _) = self.program.start_at(self.address)?;
        Ok(())
    }
}

impl Drop for RunningProgram {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Closing its input tells it to end; the wait keeps its last words in order.
fn end(child: &mut Child) {
    drop(child.stdin.take());
    drop(child.wait());
}

/// Whether a variable of the environment is a flag of this program.
fn is_ours(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with("SPIKE_")
}

/// Where a server says that it listens.
fn heard(name: &str, mut says: impl BufRead) -> anyhow::Result<SocketAddr> {
    let mut line = String::new();
    says.read_line(&mut line)
        .with_context(|| format!("failed to hear from the embedded {name}"))?;
    let told = line.trim().strip_prefix("listening on ");
    let address =
        told.and_then(|url| url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")));
    let Some(address) = address else {
        bail!("failed to start the embedded {name}: it ended before it listened");
    };
    address.parse().with_context(|| format!("the embedded {name} listens on {address:?}"))
}
