//! A Redis server of one's own: started from the system's packages as a user without privileges, at a
//! socket in a temporary folder, and gone with who started it, however that ends.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Pid;

use crate::guard::Guard;
use crate::server::{self, StartError, find};

/// Where Debian, and those who build it themselves, put it.
const PROGRAMS: [&str; 2] = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"];

/// The name of its socket in its folder.
const SOCKET: &str = "redis.sock";

/// What it says once it listens.
const READY: &str = "eady to accept connections";

/// A server that runs as long as this is kept.
#[derive(Debug)]
pub struct Redis {
    guard: Guard,
}

/// Why there is no Redis.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// It is not installed.
    #[error(
        "start Redis: there is no `redis-server`\nhint: `apt-get install redis-server` installs it"
    )]
    Missing,
    /// Its folder cannot be made.
    #[error("make a folder for Redis in {}", std::env::temp_dir().display())]
    Folder(#[source] io::Error),
    /// It did not come up.
    #[error("start Redis")]
    Start(#[source] StartError),
    /// It cannot be told to.
    #[error("start Redis again")]
    Again(#[source] io::Error),
}

impl Redis {
    /// Starts a new and empty server and waits until it answers. It keeps nothing on disk: what it
    /// knows dies with it.
    ///
    /// # Errors
    /// When it is not installed, or does not start.
    pub fn start() -> Result<Self, RedisError> {
        let program = find(&PROGRAMS).ok_or(RedisError::Missing)?;
        let folder = server::folder().map_err(RedisError::Folder)?;
        let command = command(&program, folder.path());
        let guard = Guard::begin(folder, "TERM", &command).map_err(RedisError::Folder)?;
        guard.wait_until("redis-server", 0, READY).map_err(RedisError::Start)?;
        Ok(Self { guard })
    }

    /// Its address, which clients take.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Where it listens: `redis-cli -s` takes it.
    pub fn socket(&self) -> PathBuf {
        self.folder().join(SOCKET)
    }

    /// Where its log and its socket are.
    pub fn folder(&self) -> &Path {
        self.guard.folder()
    }

    /// Its process.
    ///
    /// # Errors
    /// When nobody has written down which that is.
    pub fn process(&self) -> io::Result<Pid> {
        self.guard.process().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Kills it at once, as a machine that dies does: what it knew is lost.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&self) -> io::Result<()> {
        self.guard.kill()
    }

    /// Starts it again, empty, after [`Self::kill`], and waits until it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&mut self) -> Result<(), RedisError> {
        let known = self.guard.log().len();
        self.guard.serve_again().map_err(RedisError::Again)?;
        self.guard.wait_until("redis-server", known, READY).map_err(RedisError::Start)
    }
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--port", "0", "--save", "", "--appendonly", "no", "--daemonize", "no"]);
    command.arg("--unixsocket").arg(folder.join(SOCKET)).arg("--dir").arg(folder);
    command.args(["--unixsocketperm", "700"]);
    command
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn says(redis: &Redis, command: &str) -> String {
        let mut stream = UnixStream::connect(redis.socket()).unwrap();
        stream.write_all(format!("{command}\r\n").as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    #[test]
    fn it_comes_up_forgets_with_its_death_comes_up_again_and_leaves_nothing() {
        let mut redis = match Redis::start() {
            Ok(redis) => redis,
            Err(RedisError::Missing) => {
                eprintln!("Redis is not installed: nothing was tested with it");
                return;
            }
            Err(error) => panic!("{error:?}"),
        };
        let folder = redis.folder().to_owned();
        assert_eq!(says(&redis, "SET pieces 7"), "+OK");
        redis.kill().unwrap();
        redis.start_again().unwrap();
        assert_eq!(says(&redis, "GET pieces"), "$-1");
        drop(redis);
        assert!(!folder.exists());
    }
}
