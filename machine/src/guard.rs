//! A shell that keeps a server: it waits for its standard input to end, ends the server then and
//! removes its folder. So both go with who started them, however that ends.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, getuid, kill_process};
use tempfile::TempDir;

use crate::server::{self, NOBODY, StartError};

/// How often it is looked whether the server is ready, and how many times: a minute.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const LOOKS_MAX: u32 = 6_000;

/// Serves, serves again for each line that comes (what still runs is killed then), and ends and clears
/// away when none comes any more. `$1` is the folder, `$2` the signal that ends the server, the rest is
/// its command line. It is told to end until it has ended: before it listens to signals it hears none.
/// At last whatever it has left running is told too.
const GUARD: &str = "folder=$1; signal=$2; shift 2
serve() { \"$@\" >>\"$folder/log\" 2>&1 </dev/null & server=$!; echo \"$server\" >\"$folder/guarded.pid\"; }
serve \"$@\"
while read -r _; do kill -KILL \"$server\" 2>/dev/null; wait \"$server\"; serve \"$@\"; done
while kill -\"$signal\" \"$server\" 2>/dev/null; do sleep 0.1; done
trap '' TERM; kill -TERM 0
cd / && rm -rf \"$folder\"";

/// Where the shell notes the server's process.
const NOTE: &str = "guarded.pid";

/// A server in a folder of its own, where its output is in `log`; it runs as long as this is kept.
#[derive(Debug)]
pub(crate) struct Guard {
    folder: TempDir,
    shell: Child,
}

impl Guard {
    /// Begins to serve by `server`, as a user without privileges if this one is root; `end` is the
    /// signal that ends it, such as `TERM`.
    ///
    /// # Errors
    /// When the machine refuses.
    pub(crate) fn begin(folder: TempDir, end: &str, server: &Command) -> io::Result<Self> {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", GUARD, "guard"]).arg(folder.path()).arg(end);
        shell.arg(server.get_program()).args(server.get_args());
        shell.current_dir(folder.path());
        if getuid().is_root() {
            shell.uid(NOBODY).gid(NOBODY);
        }
        // The terminal's Ctrl-C is not for it: who started it still has to finish.
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let shell = shell.spawn()?;
        Ok(Self { folder, shell })
    }

    /// Where its files and its log are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// All that it has said.
    pub(crate) fn log(&self) -> String {
        fs::read(self.folder().join("log"))
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
    }

    /// Serves once more, on what is in the folder; what still runs is killed.
    ///
    /// # Errors
    /// When the shell is gone.
    pub(crate) fn serve_again(&mut self) -> io::Result<()> {
        // The one before is not taken for the new one, which has not begun.
        let _ = fs::remove_file(self.folder().join(NOTE));
        let stdin = self.shell.stdin.as_mut().expect("its input is closed at its end alone");
        stdin.write_all(b"\n").and_then(|()| stdin.flush())
    }

    /// Kills the server at once, as a machine that dies does.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) fn kill(&self) -> io::Result<()> {
        let process = self.process().ok_or(io::ErrorKind::NotFound)?;
        Ok(kill_process(process, Signal::KILL)?)
    }

    /// Waits until the log, behind its first `known` bytes, has `ready`.
    ///
    /// # Errors
    /// When the server ends before, or says nothing for a minute.
    pub(crate) fn wait_until(
        &self,
        program: &str,
        known: usize,
        ready: &str,
    ) -> Result<(), StartError> {
        let is_ready = |log: &str| log.get(known..).is_some_and(|news| news.contains(ready));
        for _ in 0..LOOKS_MAX {
            // Whether it runs is asked first: what it said before it ended is then in the log.
            let runs = self.runs();
            if is_ready(&self.log()) {
                return Ok(());
            }
            if !runs {
                let said = server::last(self.log().lines().map(str::to_owned));
                return Err(StartError::Ended { program: program.to_owned(), said });
            }
            thread::sleep(LOOK_EVERY);
        }
        Err(StartError::Late { program: program.to_owned() })
    }

    /// The server's process, once the shell has noted it.
    pub(crate) fn process(&self) -> Option<Pid> {
        let noted = fs::read_to_string(self.folder().join(NOTE)).ok()?;
        noted.trim().parse().ok().and_then(Pid::from_raw)
    }

    /// Whether the server runs, or has not begun.
    fn runs(&self) -> bool {
        let Some(process) = self.process() else { return true };
        let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
        // One that has ended waits for the shell to hear of it.
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // The shell ends with its server, and what it could not remove goes with the folder.
        let _ = self.shell.wait();
    }
}
