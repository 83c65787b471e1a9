//! The embedded shop and provider: child processes of this very binary, on free loopback ports.
//!
//! They run the code path that users of `spike shop` and `spike provider` have, with descriptors
//! and processor time of their own, and end when this process ends, however it ends: they watch
//! their standard input. The terminal's Ctrl-C is not for them, nor are the settings that the
//! environment holds for servers that users start.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use reference_shop::settings::EdgeBy;
use serde::Serialize;

use crate::live::connections_needed;
use crate::live::means::{self, Machine};
use crate::scenario::{Scenario, Tls};

/// The two child processes and where they listen.
#[derive(Debug)]
pub struct Embedded {
    /// The shop's edge.
    pub shop: SocketAddr,
    /// The provider.
    pub provider: SocketAddr,
    /// The shop's certificate (PEM), where it speaks TLS.
    pub certificate: Option<Vec<u8>>,
    /// The shop's process, for who wants to stop or watch it.
    pub shop_process: u32,
    children: Vec<Child>,
}

/// Where the two shall listen; port 0 takes a free one.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The shop's edge.
    pub shop: SocketAddr,
    /// The provider.
    pub provider: SocketAddr,
}

impl Default for Listen {
    fn default() -> Self {
        let free = (Ipv4Addr::LOCALHOST, 0).into();
        Self { shop: free, provider: free }
    }
}

impl Embedded {
    /// Starts both from the program file `binary`, which is `spike`, on free ports; the shop keeps its
    /// database in `folder`. Both are told when the run began \[ns of UTC\].
    ///
    /// # Errors
    /// When a child cannot be started or does not come up.
    pub fn start(
        binary: &Path,
        scenario: &Scenario,
        folder: &Path,
        began_utc_ns: u64,
    ) -> anyhow::Result<Self> {
        Self::start_at(Listen::default(), binary, scenario, folder, began_utc_ns)
    }

    /// Likewise, at those addresses.
    ///
    /// # Errors
    /// When a child cannot be started or does not come up.
    pub fn start_at(
        listen: Listen,
        binary: &Path,
        scenario: &Scenario,
        folder: &Path,
        began_utc_ns: u64,
    ) -> anyhow::Result<Self> {
        let mut children = Vec::new();
        let settings = write_settings(folder, "provider.json", &scenario.provider)?;
        let told = |address: SocketAddr| ["--listen".to_owned(), address.to_string()];
        let more = told(listen.provider);
        let (provider, _) =
            start(binary, "provider", &settings, began_utc_ns, &more, &mut children)?;
        let settings = write_settings(folder, "shop.json", &scenario.shop_settings())?;
        let database = folder.join("shop.db");
        let mut more = vec![
            "--provider".to_owned(),
            format!("http://{provider}"),
            "--database".to_owned(),
            database.display().to_string(),
        ];
        more.extend(told(listen.shop));
        let connections = connections_needed(scenario, scenario.live.connections.into());
        if scenario.shop.edge.by == EdgeBy::Nginx {
            more.extend(["--edge-connections".to_owned(), connections.to_string()]);
        }
        let edges = means::edge_processes(connections, &Machine::here());
        if edges > 0 {
            more.extend(["--edge-processes".to_owned(), edges.to_string()]);
        }
        let certificate =
            (scenario.live.wire.tls != Tls::Off).then(|| folder.join("shop-certificate.pem"));
        if let Some(path) = &certificate {
            more.extend(["--tls-certificate".to_owned(), path.display().to_string()]);
        }
        let (shop, shop_process) =
            start(binary, "shop", &settings, began_utc_ns, &more, &mut children)?;
        let certificate = certificate.map(|path| read_certificate(&path)).transpose()?;
        Ok(Self { shop, provider, certificate, shop_process, children })
    }

    /// Whether one of them has ended.
    pub fn has_ended(&mut self) -> bool {
        self.children.iter_mut().any(|child| !matches!(child.try_wait(), Ok(None)))
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        for child in &mut self.children {
            // Closing its input tells it to end; the wait keeps its last words in order.
            drop(child.stdin.take());
            drop(child.wait());
        }
    }
}

/// The certificate that the shop made when it started.
fn read_certificate(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))
}

fn write_settings(
    folder: &Path,
    name: &str,
    settings: &impl Serialize,
) -> anyhow::Result<std::path::PathBuf> {
    let path = folder.join(name);
    let text = serde_json::to_string_pretty(settings).context("failed to write settings")?;
    std::fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
    Ok(path)
}

/// Whether a variable of the environment is a flag of this program.
fn is_ours(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with("SPIKE_")
}

/// Starts one child and waits until it says where it listens; that, and its process.
fn start(
    binary: &Path,
    program: &str,
    settings: &Path,
    began_utc_ns: u64,
    more: &[String],
    children: &mut Vec<Child>,
) -> anyhow::Result<(SocketAddr, u32)> {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
        command.env_remove(name);
    }
    let mut child = command
        .process_group(0)
        .arg(program)
        .arg("--until-stdin-closes")
        .arg("--settings")
        .arg(settings)
        .args(["--began-utc-ns", &began_utc_ns.to_string()])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start the embedded {program}"))?;
    let stdout = child.stdout.take().expect("its output is piped");
    let process = child.id();
    children.push(child);
    let mut line = String::new();
    BufReader::new(stdout)
        .read_line(&mut line)
        .with_context(|| format!("failed to hear from the embedded {program}"))?;
    let told = line.trim().strip_prefix("listening on ");
    let address =
        told.and_then(|url| url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")));
    let Some(address) = address else {
        bail!("failed to start the embedded {program}: it ended before it listened");
    };
    let address = address
        .parse()
        .with_context(|| format!("the embedded {program} listens on {address:?}"))?;
    Ok((address, process))
}
