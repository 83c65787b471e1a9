//! A `PostgreSQL` server of one's own: started from the system's packages as a user without
//! privileges, in a temporary folder, reached through a Unix socket there, and gone with who
//! started it.
//!
//! It ends, and its folder is removed, however the process ends that started it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::guard::Guard;
use crate::server;

/// Where Debian has its versions of the server, a folder each.
const DEBIAN: &str = "/usr/lib/postgresql";

/// How often it is looked whether the server is ready, and how many times: a minute.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const LOOKS_MAX: u32 = 6_000;

/// What the server says of itself when it is ready, and when processes of one that was killed are
/// still about.
const READY: &str = "database system is ready to accept connections";
const STILL_THERE: &str = "is still in use";

/// The library that keeps count of statements, of the same package.
const STATEMENTS: &str = "pg_stat_statements";

/// A server that runs as long as this is kept.
#[derive(Debug)]
pub struct Server {
    guard: Guard,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It is not installed.
    #[error(
        "start PostgreSQL: neither {DEBIAN}/*/bin nor the path has `initdb` and `postgres`\nhint: \
         `apt-get install postgresql` installs it; or name a server that runs: \
         `storage = \"postgres://user@host/database\"`"
    )]
    Missing,
    /// The folder cannot be made.
    #[error("make a folder for PostgreSQL in {}", std::env::temp_dir().display())]
    Folder(#[source] io::Error),
    /// Its files cannot be made.
    #[error("prepare PostgreSQL's files")]
    Prepare(#[source] server::StartError),
    /// A program of it cannot be run.
    #[error("run {}", .0.display())]
    Run(PathBuf, #[source] io::Error),
    /// It did not come up.
    #[error("start PostgreSQL: it said\n  {0}")]
    Said(String),
}

impl Server {
    /// Starts a new and empty server that takes up to `connections` connections, and waits until it
    /// is ready: a second or two. What it has committed survives its death, but no power cut.
    ///
    /// # Errors
    /// When it is not installed, or does not start.
    pub fn start(connections: u32) -> Result<Self, StartError> {
        let programs = programs().ok_or(StartError::Missing)?;
        let place = server::folder().map_err(StartError::Folder)?;
        let folder = place.path();
        let data = folder.join("data");
        let prepare = initialize(&programs.join("initdb"), &data);
        server::finish(&prepare, folder).map_err(StartError::Prepare)?;
        let program = programs.join("postgres");
        let mut command = Command::new(&program);
        command.arg("-D").arg(&data).arg("-k").arg(folder).arg("-F");
        for setting in ["listen_addresses=", "log_lock_waits=on", "logging_collector=off"] {
            command.args(["-c", setting]);
        }
        command.args(["-c", &format!("max_connections={connections}")]);
        if has_library(&programs, STATEMENTS) {
            command.args(["-c", &format!("shared_preload_libraries={STATEMENTS}")]);
        }
        let guard = Guard::begin(place, "INT", &command);
        let mut server = Self { guard: guard.map_err(|error| StartError::Run(program, error))? };
        server.wait_until_ready(0)?;
        Ok(server)
    }

    /// The address of its one database, which `psql` takes too.
    pub fn url(&self) -> String {
        format!("postgres://shop@{}/postgres", encoded(self.folder()))
    }

    /// Where its files, its log and its socket are.
    pub fn folder(&self) -> &Path {
        self.guard.folder()
    }

    /// Kills it at once, as a machine that dies does; what it has committed is kept.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&self) -> io::Result<()> {
        Ok(kill_process(self.process()?, Signal::KILL)?)
    }

    /// Its process.
    ///
    /// # Errors
    /// When it has not written down which that is.
    pub fn process(&self) -> io::Result<Pid> {
        let file = fs::read_to_string(self.folder().join("data/postmaster.pid"))?;
        let number = file.lines().next().and_then(|line| line.trim().parse().ok());
        Ok(number.and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?)
    }

    /// Starts it again on what it has, after [`Self::kill`], and waits until it is ready.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&mut self) -> Result<(), StartError> {
        let known = self.guard.log().len();
        self.serve_again()?;
        self.wait_until_ready(known)
    }

    fn serve_again(&mut self) -> Result<(), StartError> {
        self.guard.serve_again().map_err(|error| StartError::Run(PathBuf::from("/bin/sh"), error))
    }

    /// Waits until the log says, behind its first `known` bytes, that it is ready.
    fn wait_until_ready(&mut self, mut known: usize) -> Result<(), StartError> {
        for _ in 0..LOOKS_MAX {
            let log = self.guard.log();
            let news = log.get(known..).unwrap_or_default();
            if news.contains(READY) {
                return Ok(());
            }
            if news.contains(STILL_THERE) {
                known = log.len();
                self.serve_again()?;
            } else if news.lines().any(is_the_end) {
                break;
            }
            thread::sleep(LOOK_EVERY);
        }
        Err(StartError::Said(server::last(self.guard.log().lines().map(str::to_owned))))
    }
}

/// The folder of the newest server's programs.
fn programs() -> Option<PathBuf> {
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let versions = fs::read_dir(DEBIAN).ok().into_iter().flatten().filter_map(Result::ok);
    let mut versions: Vec<PathBuf> = versions.map(|entry| entry.path()).collect();
    versions.sort_by_key(|path| std::cmp::Reverse(version(path)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = versions.into_iter().map(|path| path.join("bin"));
    debian
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// Whether the server of those programs has a library, where it looks for such.
fn has_library(programs: &Path, name: &str) -> bool {
    let told = Command::new(programs.join("pg_config")).arg("--pkglibdir").output().ok();
    let told = told.and_then(|told| String::from_utf8(told.stdout).ok());
    let debian = programs.parent().map(|version| version.join("lib"));
    let folders = told.map(|path| PathBuf::from(path.trim())).into_iter().chain(debian);
    folders.into_iter().any(|folder| folder.join(format!("{name}.so")).exists())
}

fn initialize(program: &Path, data: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--auth=trust", "--username=shop", "--no-sync", "--encoding=UTF8"]);
    command.args(["--locale=C", "-D"]).arg(data);
    command
}

/// Whether the log says that nothing comes of it: not that somebody came too early, or that
/// processes of one that was killed end.
fn is_the_end(line: &str) -> bool {
    let passing = ["the database system is", "terminating"];
    line.contains("FATAL:") && !passing.iter().any(|word| line.contains(word))
}

/// A path as the host of an address: all but letters, digits, `-`, `_` and `.` as `%2F`.
fn encoded(path: &Path) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let bytes = path.as_os_str().as_encoded_bytes().iter();
    bytes
        .map(|byte| match *byte {
            byte if plain(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_the_host_of_an_address() {
        assert_eq!(encoded(Path::new("/tmp/a b-1_2.c")), "%2Ftmp%2Fa%20b-1_2.c");
    }

    #[test]
    fn only_what_keeps_the_server_from_starting_is_the_end() {
        assert!(is_the_end("[7] FATAL:  could not create any Unix-domain sockets"));
        assert!(!is_the_end("[7] FATAL:  the database system is starting up"));
        assert!(!is_the_end("[7] FATAL:  terminating connection due to postmaster exit"));
        assert!(!is_the_end("[7] LOG:  database system was interrupted"));
    }

    #[test]
    fn a_server_comes_up_dies_comes_up_again_and_leaves_nothing() {
        let mut server = match Server::start(10) {
            Ok(server) => server,
            Err(StartError::Missing) => {
                eprintln!("PostgreSQL is not installed: nothing was tested with it");
                return;
            }
            Err(error) => panic!("{error}"),
        };
        let folder = server.folder().to_owned();
        assert!(folder.join(".s.PGSQL.5432").exists());
        server.kill().unwrap();
        server.start_again().unwrap();
        assert!(folder.join(".s.PGSQL.5432").exists());
        drop(server);
        assert!(!folder.exists());
    }
}
