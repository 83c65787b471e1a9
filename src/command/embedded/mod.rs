//! The embedded stack: shop and provider as child processes of this very binary on free loopback
//! ports, and the database servers that the scenario wants, from the machine's packages.
//!
//! They run the code path that users of `spike shop` and `spike provider` have, with descriptors
//! and processor time of their own, and end when this process ends, however it ends. The terminal's
//! Ctrl-C is not for them, nor are the settings that the environment holds for servers that users
//! start.
//!
//! Each is watched by a thread of its own ([`watched`]): one that dies in mid-run is started again
//! at the same address, on what it has kept, and the run notes the gap.

mod program;
mod watched;

use std::fs::{self, DirBuilder};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use reference_shop::settings::{AdmissionBy, EdgeBy, ShopSettings, Storage};
use serde::Serialize;

use crate::evidence::Ending;
use crate::evidence::gap::{Gap, Part};
use crate::live::clock::Clock;
use crate::live::connections_needed;
use crate::live::means::{self, Machine};
use crate::scenario::{Scenario, Tls};
use program::Program;
use watched::{Gaps, Watched};

/// Where in a run's folder the parts keep what is theirs.
const PRIVATE: &str = "stack";

/// The processes of the stack, and where they listen.
#[derive(Debug)]
pub struct Embedded {
    /// The shop's edge.
    pub shop: SocketAddr,
    /// The provider.
    pub provider: SocketAddr,
    /// The file in which the provider keeps its ledger.
    pub provider_ledger: PathBuf,
    /// The shop's certificate (PEM), where it speaks TLS.
    pub certificate: Option<Vec<u8>>,
    /// The shop's process when it was first started, for who wants to stop or kill it.
    pub shop_process: u32,
    /// Likewise the provider's.
    pub provider_process: u32,
    gaps: Gaps,
    /// Whether a shop that is started again knows what it has sold.
    shop_keeps: bool,
    /// In the order in which they are ended: who needs another before that.
    watched: Vec<Watched>,
    /// What the parts keep to themselves, as long as they run.
    private: PathBuf,
}

/// Where shop and provider shall listen; port 0 takes a free one.
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
    /// Starts everything from the program file `binary`, which is `spike`, on free ports; the shop
    /// keeps a database of its own in `folder`. All are told when the run begins, by `clock`.
    ///
    /// # Errors
    /// When a part cannot be started or does not come up.
    pub fn start(
        binary: &Path,
        scenario: &Scenario,
        folder: &Path,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        Self::start_at(Listen::default(), binary, scenario, folder, clock)
    }

    /// Likewise, at those addresses.
    ///
    /// # Errors
    /// When a part cannot be started or does not come up.
    pub fn start_at(
        listen: Listen,
        binary: &Path,
        scenario: &Scenario,
        folder: &Path,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let private = folder.join(PRIVATE);
        make_private(&private)?;
        let mut stack = Stack { clock, gaps: Gaps::default(), watched: Vec::new() };
        let mut shop_settings = scenario.shop_settings();
        let database = match stack.start_databases(&mut shop_settings)? {
            Some(server) => server,
            None => folder.join("shop.db").display().to_string(),
        };

        let settings = write_settings(folder, "provider.json", &scenario.provider)?;
        let provider_ledger = private.join("provider.jsonl");
        let program = Program::new(binary, "provider", &settings, clock)
            .with("--ledger", &provider_ledger.display().to_string());
        let (provider, provider_process) =
            stack.start_program(Part::Provider, program, listen.provider)?;

        let settings = write_settings(folder, "shop.json", &shop_settings)?;
        let mut program = Program::new(binary, "shop", &settings, clock)
            .with("--provider", &format!("http://{provider}"))
            .with("--database", &database);
        let connections = connections_needed(scenario, scenario.live.connections.into());
        if scenario.shop.edge.by == EdgeBy::Nginx {
            program = program.with("--edge-connections", &connections.to_string());
        }
        let edges = means::edge_processes(connections, &Machine::here());
        if edges > 0 {
            program = program.with("--edge-processes", &edges.to_string());
        }
        let certificate =
            (scenario.live.wire.tls != Tls::Off).then(|| folder.join("shop-certificate.pem"));
        if let Some(path) = &certificate {
            let key = private.join("shop-key.pem");
            program = program
                .with("--tls-certificate", &path.display().to_string())
                .with("--tls-key", &key.display().to_string());
        }
        let (shop, shop_process) = stack.start_program(Part::Shop, program, listen.shop)?;
        let certificate = certificate.map(|path| read_certificate(&path)).transpose()?;
        let shop_keeps = shop_settings.shop.storage != Storage::Memory;
        let Stack { gaps, mut watched, .. } = stack;
        watched.reverse();
        Ok(Self {
            shop,
            provider,
            provider_ledger,
            certificate,
            shop_process,
            provider_process,
            gaps,
            shop_keeps,
            watched,
            private,
        })
    }

    /// Whether a part has died and is not started again.
    pub fn is_broken(&self) -> bool {
        self.gaps.is_broken()
    }

    /// Writes down which parts have died since the beginning, and what the judge cannot know for it.
    pub fn note_gaps(&self, ending: &mut Ending) {
        ending.gaps = self.gaps.until_now();
        for Gap { part, from, until, how } in &ending.gaps {
            let when = format!("it died {:.1} s into the run ({how})", from.seconds());
            match part {
                // What it was still asked to do nobody can have done.
                Part::Provider => ending.drained = false,
                Part::Shop if !self.shop_keeps => {
                    let forgot = format!("shop: {when}, and its stock was in its memory alone");
                    ending.unreadable.push(forgot);
                }
                Part::Shop | Part::Postgresql if until.is_none() => {
                    ending.drained = false;
                    ending
                        .doubts
                        .push(format!("The stack was not whole: {part} did not come back."));
                }
                Part::Shop | Part::Postgresql | Part::Redis => {}
            }
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.watched.drain(..).for_each(drop);
        // What cannot be removed stays with the run: a ledger, and a key of this run alone.
        let _ = fs::remove_dir_all(&self.private);
    }
}

/// What is started so far, in that order.
struct Stack {
    clock: Clock,
    gaps: Gaps,
    watched: Vec<Watched>,
}

impl Stack {
    /// Starts the servers that a shop would start for itself, so that they survive it; where its
    /// stock shall be, if that is on one of them.
    fn start_databases(&mut self, settings: &mut ShopSettings) -> anyhow::Result<Option<String>> {
        let mut stock = None;
        if settings.shop.storage == Storage::Postgres {
            let connections = settings.shop.server_connections();
            stock = Some(self.start(Part::Postgresql, move || {
                let server = machine::postgres::Server::start(connections)?;
                let url = server.url();
                Ok((server, url))
            })?);
        }
        if settings.shop.storage == Storage::Redis {
            settings.shop.storage = Storage::RedisAt(self.start_redis()?);
        }
        if let Some(admission) = &mut settings.shop.admission
            && admission.by == AdmissionBy::OwnRedis
        {
            admission.by = AdmissionBy::Redis(self.start_redis()?);
        }
        Ok(stock)
    }

    fn start_redis(&mut self) -> anyhow::Result<String> {
        self.start(Part::Redis, || {
            let server = machine::redis::Redis::start()?;
            let url = server.url();
            Ok((server, url))
        })
    }

    fn start_program(
        &mut self,
        part: Part,
        program: Program,
        listen: SocketAddr,
    ) -> anyhow::Result<(SocketAddr, u32)> {
        self.start(part, move || {
            let running = program.start(listen)?;
            let found = (running.address(), running.process_number());
            Ok((running, found))
        })
    }

    fn start<R: watched::Running, T: Send + 'static>(
        &mut self,
        part: Part,
        start: impl FnOnce() -> anyhow::Result<(R, T)> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (watched, found) = Watched::start(part, self.clock, &self.gaps, start)?;
        self.watched.push(watched);
        Ok(found)
    }
}

/// A folder for this user alone.
fn make_private(folder: &Path) -> anyhow::Result<()> {
    let mut builder = DirBuilder::new();
    let made = builder.mode(0o700).recursive(true).create(folder);
    made.with_context(|| format!("failed to make {}", folder.display()))
}

/// The certificate that the shop made when it started.
fn read_certificate(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("failed to read {}", path.display()))
}

fn write_settings(folder: &Path, name: &str, settings: &impl Serialize) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    let text = serde_json::to_string_pretty(settings).context("failed to write settings")?;
    fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
    Ok(path)
}
