//! What all servers of the machine's packages that are started for one process alone have in common.

use std::fs::{self, Permissions};
use std::io::{self, BufRead as _, BufReader, PipeReader};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Whoever runs nothing else (`nobody` in Debian): database servers refuse to be root.
pub(crate) const NOBODY: u32 = 65_534;

/// How many of its last lines are told when it does not start.
const LINES_MAX: usize = 12;

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
    #[error("`{program}` did not come to listen within a minute")]
    Late {
        /// The program.
        program: String,
    },
}

/// The first of these programs that there is.
pub fn find(programs: &[impl AsRef<Path>]) -> Option<PathBuf> {
    programs.iter().map(AsRef::as_ref).find(|path| path.is_file()).map(Path::to_owned)
}

/// A folder of the server's own, open to nobody else.
pub(crate) fn folder() -> io::Result<TempDir> {
    let folder = TempDir::with_prefix("spike-")?;
    if rustix::process::getuid().is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
    }
    Ok(folder)
}

/// Writes a file that the server may read.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let path = folder.join(name);
    fs::write(&path, text)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    if rustix::process::getuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY))?;
    }
    Ok(())
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
    fn a_step_is_taken_by_nobody_in_particular_and_what_it_said_is_told_when_it_fails() {
        let folder = folder().unwrap();
        finish(&shell("id -u > user"), folder.path()).unwrap();
        let user = fs::read_to_string(folder.path().join("user")).unwrap();
        assert_ne!(user.trim(), "0", "a server is not root");
        let error = finish(&shell("echo broken >&2; exit 1"), folder.path()).unwrap_err();
        assert!(error.to_string().contains("broken"), "{error}");
    }
}
