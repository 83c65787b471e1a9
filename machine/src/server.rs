//! Servers of the machine's packages, started for one process alone.

use std::io::{self, BufRead as _, BufReader, PipeReader};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tempfile::TempDir;

/// Whoever runs nothing else (`nobody` in Debian): database servers refuse to be root.
pub(crate) const NOBODY: u32 = 65_534;

/// How long a server may take until it listens.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// How many of its last lines are told when it does not start.
const LINES_MAX: usize = 12;

/// A server in a folder of its own, under an unprivileged user, which ends with this process whatever
/// ends that; the folder goes with it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    folder: TempDir,
}

/// A server that did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The machine refused.
    #[error("start `{program}`")]
    Machine {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended.
    #[error("`{program}` ended before it listened; it said: {said}")]
    Ended {
        /// The program.
        program: String,
        /// Its last lines.
        said: String,
    },
    /// It did not come to listen.
    #[error("`{program}` did not come to listen within {} s", READY_WITHIN.as_secs())]
    Late {
        /// The program.
        program: String,
    },
}

/// The first of these programs that there is.
pub fn find(programs: &[impl AsRef<Path>]) -> Option<PathBuf> {
    programs.iter().map(AsRef::as_ref).find(|path| path.is_file()).map(Path::to_owned)
}

impl Server {
    /// Prepares a folder with each of `first`, one after the other, then starts `server` and waits until
    /// it says `ready`; all are told which folder it is.
    ///
    /// The server dies with the *thread* that calls this: it must live as long as the server shall.
    ///
    /// # Errors
    /// When one of them cannot be started, or ends too early.
    pub fn start(
        ready: &str,
        first: &[&dyn Fn(&Path) -> Command],
        server: impl FnOnce(&Path) -> Command,
    ) -> Result<Self, StartError> {
        let folder = folder().map_err(|source| machine("mkdtemp", source))?;
        for step in first {
            finish(&step(folder.path()), folder.path())?;
        }
        let (child, program, lines) = spawn(&server(folder.path()), folder.path())?;
        let started = Self { child, folder };
        let (tell, told) = channel();
        let word = ready.to_owned();
        // It is read to its end, so that the server never waits for a reader.
        std::thread::spawn(move || listen(lines, &word, &tell));
        match told.recv_timeout(READY_WITHIN) {
            Ok(Heard::Ready) => Ok(started),
            Ok(Heard::Ended(said)) => Err(StartError::Ended { program, said }),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                Err(StartError::Late { program })
            }
        }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills it, as a crash of the machine would; whatever it keeps in its folder stays.
    ///
    /// # Errors
    /// When it is gone already and cannot be waited for.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended by itself is as dead as one that is killed.
        let _ = self.kill();
    }
}

enum Heard {
    Ready,
    Ended(String),
}

/// A folder of the server's own, open to nobody else.
pub(crate) fn folder() -> io::Result<TempDir> {
    let folder = TempDir::with_prefix("spike-")?;
    if rustix::process::getuid().is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
    }
    Ok(folder)
}

/// The same command under an unprivileged user, killed when this thread ends.
fn apart(command: &Command, folder: &Path) -> Command {
    let mut apart = Command::new("setpriv");
    apart.args(["--pdeathsig", "KILL"]);
    if rustix::process::getuid().is_root() {
        let id = NOBODY.to_string();
        apart.args(["--reuid", &id, "--regid", &id, "--clear-groups"]);
    }
    apart.arg("--").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => apart.env(name, value),
            None => apart.env_remove(name),
        };
    }
    apart.current_dir(folder).stdin(Stdio::null());
    apart
}

fn spawn(command: &Command, folder: &Path) -> Result<(Child, String, PipeReader), StartError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let spawn = || {
        let (lines, says) = io::pipe()?;
        let mut apart = apart(command, folder);
        let child = apart.stdout(says.try_clone()?).stderr(says).spawn()?;
        Ok((child, lines))
    };
    let (child, lines) = spawn().map_err(|source| machine(&program, source))?;
    Ok((child, program, lines))
}

/// Runs a command to its end.
pub(crate) fn finish(command: &Command, folder: &Path) -> Result<(), StartError> {
    let (mut child, program, lines) = spawn(command, folder)?;
    let said = last(BufReader::new(lines).lines().map_while(Result::ok));
    let status = child.wait().map_err(|source| machine(&program, source))?;
    if status.success() { Ok(()) } else { Err(StartError::Ended { program, said }) }
}

fn listen(lines: PipeReader, ready: &str, tell: &Sender<Heard>) {
    let mut lines = BufReader::new(lines).lines().map_while(Result::ok);
    let mut said = Vec::new();
    // Nobody may wait for the word any more.
    if lines.by_ref().any(|line| {
        let is_ready = line.contains(ready);
        said.push(line);
        is_ready
    }) {
        let _ = tell.send(Heard::Ready);
        lines.for_each(drop);
    } else {
        let _ = tell.send(Heard::Ended(last(said.into_iter())));
    }
}

pub(crate) fn last(lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = lines.collect();
    lines[lines.len().saturating_sub(LINES_MAX)..].join("\n")
}

fn machine(program: &str, source: io::Error) -> StartError {
    StartError::Machine { program: program.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_server_is_waited_for_and_ends_with_its_owner() {
        let script = "id -u > user; echo so it begins; exec sleep 1000";
        let server = Server::start("so it begins", &[], |_| shell(script)).unwrap();
        let user = std::fs::read_to_string(server.folder().join("user")).unwrap();
        assert_ne!(user.trim(), "0", "a server is not root");
        let (folder, id) = (server.folder().to_owned(), server.child.id());
        assert!(Path::new(&format!("/proc/{id}")).exists());
        drop(server);
        assert!(!folder.exists());
        assert!(!Path::new(&format!("/proc/{id}")).exists());
    }

    #[test]
    fn what_a_server_said_is_told_when_it_does_not_start() {
        let error = Server::start("ready", &[], |_| shell("echo no room >&2; exit 3")).unwrap_err();
        assert!(error.to_string().contains("no room"), "{error}");
        let steps: [&dyn Fn(&Path) -> Command; 2] =
            [&|_| shell("echo fine"), &|_| shell("echo broken; exit 1")];
        let error = Server::start("ready", &steps, |_| shell("echo ready")).unwrap_err();
        assert!(error.to_string().contains("broken"), "{error}");
    }
}
