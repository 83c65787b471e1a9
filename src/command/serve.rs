//! `spike serve`: the shop and the provider of a scenario, with all parts that they stand on, until
//! Ctrl-C.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use domain::id::run_id;

use super::begin::load;
use super::embedded::{Embedded, Listen};
use super::run::stop_on_signals;
use super::{print, say};
use crate::cli::ServeArgs;
use crate::live::clock::Clock;
use crate::scenario::{Scenario, Tls};
use crate::verdict::{Verdict, World};

/// How often it is looked whether it shall end, or something has ended.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Serves until it is told to end; the sales open as if a run had begun now.
pub(super) fn serve(args: &ServeArgs) -> anyhow::Result<Verdict> {
    let clock = Clock::begin_in(Duration::ZERO);
    let began_utc_ns = clock.began_utc_ns();
    let Some(loaded) = load(&args.scenario, &args.overrides, Some(began_utc_ns)) else {
        return Ok(Verdict::InvalidScenario);
    };
    if loaded.is_foreign() {
        bail!(
            "failed to serve {}: its shop is your own\nhint: without `[target]` the embedded shop can \
             be served",
            args.scenario.display()
        );
    }
    let scenario = loaded.began_at(began_utc_ns).at_scale(None, World::Live);
    let folder = Folder::make(args.folder.as_deref(), began_utc_ns)?;
    let binary = std::env::current_exe().context("failed to find this program's own file")?;
    let stop = stop_on_signals()?;
    let listen = Listen { shop: args.listen, provider: args.provider_listen };
    let embedded = Embedded::start_at(listen, &binary, &scenario, folder.path(), clock)?;
    print(&addresses(&scenario, &embedded, folder.path()))?;
    say("serving until Ctrl-C");
    while stop.presses() == 0 {
        if embedded.is_broken() {
            bail!(
                "failed to go on serving: the shop, the provider or a server of theirs has ended"
            );
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(Verdict::Pass)
}

/// What a person, or another tool, must know.
fn addresses(scenario: &Scenario, embedded: &Embedded, folder: &Path) -> String {
    let scheme = if scenario.live.wire.tls == Tls::Off { "http" } else { "https" };
    format!(
        "shop      {scheme}://{}\nprovider  http://{}\nfiles     {}\nopens     {:.0} s after the start\n",
        embedded.shop,
        embedded.provider,
        folder.display(),
        scenario.first_opening().seconds(),
    )
}

/// Where settings and the database lie.
enum Folder {
    Kept(PathBuf),
    Temporary(PathBuf),
}

impl Folder {
    fn make(kept: Option<&Path>, began_utc_ns: u64) -> anyhow::Result<Self> {
        let path = match kept {
            Some(path) => path.to_owned(),
            None => std::env::temp_dir().join(format!("spike-serve-{}", run_id(began_utc_ns))),
        };
        std::fs::create_dir_all(&path)
            .with_context(|| format!("failed to make the folder {}", path.display()))?;
        Ok(if kept.is_some() { Self::Kept(path) } else { Self::Temporary(path) })
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) | Self::Temporary(path) => path,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Self::Temporary(path) = self {
            // What cannot be removed is left to the system's own sweep.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}
