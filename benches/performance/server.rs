//! nginx, answering the few paths of the shop's interface with fixed bytes, and counting.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use crate::pause;
use crate::processes::{Output, Process};
use crate::scripted::ANSWER;

/// A page's part, as long as one of the reference shop's \[bytes\].
const PAGE_LENGTH: usize = 1_000;
/// The snapshot of a shop that is at rest.
const SNAPSHOT: &str =
    r#"{"at":0,"edge":0,"origin":0,"payment":0,"pending":0,"items":{},"slots":{}}"#;
/// How long nginx may take to come up, and to answer a request among ten thousand others.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running nginx: one process, without workers, so that it can be stopped and measured as one.
#[derive(Debug)]
pub(crate) struct Nginx {
    process: Process,
    /// The port at which the sale has not opened: fans reload.
    pub(crate) waiting_port: u16,
    /// The port at which the sale is open: a fan's reload is its last.
    pub(crate) open_port: u16,
}

impl Nginx {
    /// Starts nginx on `cores`, with its files in `folder`.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) fn start(cores: &str, folder: &Path) -> anyhow::Result<Self> {
        let (waiting_port, open_port) = (free_port()?, free_port()?);
        let folder = folder.join("nginx");
        fs::create_dir_all(&folder)?;
        let file = folder.join("nginx.conf");
        fs::write(&file, settings(&folder, waiting_port, open_port))?;
        let arguments = ["-c".into(), file.into_os_string()];
        let process = Process::start(cores, &program(), arguments, Output::Dropped)?;
        let nginx = Self { process, waiting_port, open_port };
        for _ in 0..PATIENCE.as_millis() / 10 {
            if nginx.requests().is_ok() {
                return Ok(nginx);
            }
            pause(Duration::from_millis(10));
        }
        anyhow::bail!("failed to start nginx: see {}", folder.join("error.log").display())
    }

    /// The process, to be measured or stopped.
    pub(crate) const fn process(&self) -> &Process {
        &self.process
    }

    /// Requests answered so far, this one included.
    ///
    /// # Errors
    /// When nginx does not answer.
    pub(crate) fn requests(&self) -> anyhow::Result<u64> {
        // "server accepts handled requests\n 12 12 34 \n"
        let text = get(self.waiting_port, "/stub")?;
        let counts = text.lines().skip_while(|line| !line.starts_with("server accepts")).nth(1);
        let requests = counts.and_then(|line| line.split_whitespace().nth(2)?.parse().ok());
        requests.with_context(|| format!("failed to read nginx's counters in {text:?}"))
    }

    /// Connections open now, this one included.
    ///
    /// # Errors
    /// When nginx does not answer.
    pub(crate) fn connections(&self) -> anyhow::Result<u64> {
        let text = get(self.waiting_port, "/stub")?;
        let active = text.lines().find_map(|line| line.strip_prefix("Active connections:"));
        let active = active.and_then(|count| count.trim().parse().ok());
        active.with_context(|| format!("failed to read nginx's connections in {text:?}"))
    }

    /// Its version, in one line.
    pub(crate) fn version() -> String {
        let told = std::process::Command::new(program()).arg("-v").output();
        told.map_or_else(
            |_| "nginx: not installed".to_owned(),
            |told| String::from_utf8_lossy(&told.stderr).trim().to_owned(),
        )
    }
}

/// The whole answer to `GET path`.
///
/// # Errors
/// When nobody answers in time.
pub(crate) fn get(port: u16, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// A port that nobody holds at this moment.
///
/// # Errors
/// When there is none.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Debian puts it where only root's path leads.
fn program() -> PathBuf {
    let usual = PathBuf::from("/usr/sbin/nginx");
    if usual.exists() { usual } else { PathBuf::from("nginx") }
}

fn settings(folder: &Path, waiting_port: u16, open_port: u16) -> String {
    let folder = folder.display();
    let page = "x".repeat(PAGE_LENGTH);
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {folder}/{name};\n"))
        .concat();
    let server = |port: u16, status: &str| {
        format!(
            "server {{
                listen 127.0.0.1:{port} backlog=65535;
                location = /stub {{ stub_status; }}
                location /sales/0/page/ {{ default_type text/html; return 200 \"{page}\"; }}
                location = /sales/0/status {{ default_type application/json; {status} }}
                location = /step {{ default_type application/json; return 200 '{ANSWER}'; }}
                location = /admin/snapshot {{ default_type application/json;
                    return 200 '{SNAPSHOT}'; }}
                location = /admin/ledger {{ default_type application/json; return 200 ''; }}
            }}\n"
        )
    };
    let waiting = server(waiting_port, r#"return 425 '{"outcome":"not_open"}';"#);
    let open = server(open_port, r#"return 200 '{"outcome":"ok"}';"#);
    format!(
        "daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
         events {{ worker_connections 19000; multi_accept on; }}
         http {{
            access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
            {temporary}{waiting}{open}
         }}\n"
    )
}
