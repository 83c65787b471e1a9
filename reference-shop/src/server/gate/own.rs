//! A Redis server of the shop's own, from the machine's packages.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};
use machine::server::{Server, find};

/// Where Debian, and those who build it themselves, put it.
const PROGRAMS: [&str; 2] = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"];

/// A Redis server that nobody else knows: it listens at a socket in a folder of its own, keeps nothing
/// on disk, and ends with the shop.
#[derive(Debug)]
pub(in crate::server) struct OwnRedis {
    server: Server,
}

impl OwnRedis {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// When it is not installed, or does not start.
    pub(super) fn start() -> anyhow::Result<Self> {
        let Some(program) = find(&PROGRAMS) else {
            bail!(
                "start Redis, which shall keep the gate: there is no `redis-server`\nhint: apt-get install redis-server, or `by = \"memory\"`"
            );
        };
        let server = Server::start("eady to accept connections", &[], |folder| {
            let mut command = Command::new(&program);
            command.args(["--port", "0", "--save", "", "--appendonly", "no", "--daemonize", "no"]);
            command.arg("--unixsocket").arg(folder.join(SOCKET)).arg("--dir").arg(folder);
            command.args(["--unixsocketperm", "700"]);
            command
        });
        Ok(Self { server: server.context("start Redis, which shall keep the gate")? })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.server.folder().join(SOCKET)
    }
}

const SOCKET: &str = "redis.sock";
