//! A run's folder: `reports/<scenario>/<stamp>/`, with `latest` beside and above it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::json;
use crate::measure::recorder::Sinks;

/// The scenario as it was run, overrides included.
pub const SCENARIO: &str = "scenario.toml";
/// Latency, as an `HdrHistogram` interval log.
pub const LATENCY: &str = "latency.hlog";
/// Counts per second.
pub const TIMELINE: &str = "timeline.jsonl";
/// What the clients saw.
pub const PURCHASES: &str = "purchases.jsonl";
/// What the shop said of itself.
pub const SNAPSHOTS: &str = "snapshots.jsonl";
/// The shop's ledger.
pub const LEDGER_SHOP: &str = "ledger-shop.jsonl";
/// The provider's ledger.
pub const LEDGER_PROVIDER: &str = "ledger-provider.jsonl";
/// What a foreign shop had at the opening.
pub const OPENING: &str = "opening.json";
/// Why the run was not lived to its end, if that was known.
pub const CUT_SHORT: &str = "cut-short.json";
/// How the run ended; its absence means that it did not.
pub const ENDING: &str = "ending.json";
/// What became of the run with one change each, where it was lived again.
pub const PROBES: &str = "probes.json";
/// What became of all replications, where the run is the first of several.
pub const REPLICATIONS: &str = "replications.json";
/// Where the run came from, written at its beginning.
pub const PROVENANCE: &str = "provenance.json";
/// What was measured and judged.
pub const SUMMARY: &str = "summary.json";

/// A run's folder.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes `out/name/stamp` and points the two `latest` links at it. A folder that is there
    /// already is never written into: the stamp gets a number.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(out: &Path, name: &str, stamp: &str) -> anyhow::Result<Self> {
        let parent = out.join(name);
        fs::create_dir_all(&parent)
            .with_context(|| format!("failed to make the folder {}", parent.display()))?;
        let (path, stamp) = make_new(&parent, stamp)?;
        point(&parent.join("latest"), Path::new(&stamp));
        point(&out.join("latest"), &Path::new(name).join(&stamp));
        Ok(Self { path })
    }

    /// A recorded run's folder.
    ///
    /// # Errors
    /// When it is not there, or is no run's folder.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        if !path.join(SCENARIO).is_file() {
            anyhow::bail!(
                "failed to read {}: it holds no {SCENARIO}\nhint: name a run's folder, such as \
                 reports/dome/latest",
                path.display()
            );
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a whole file: it is there with all of `content`, or as it was before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> anyhow::Result<()> {
        write_whole(&self.file(name), content)
    }

    /// Writes a whole file as indented JSON, a line for each entry of a list.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_json(&self, name: &str, content: &impl Serialize) -> anyhow::Result<()> {
        let text = json::text(content).context("failed to write JSON")?;
        self.write(name, &text)
    }

    /// Writes a file of JSON lines.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_lines<Line: Serialize>(&self, name: &str, lines: &[Line]) -> anyhow::Result<()> {
        let mut writer = self.writer(name)?;
        for line in lines {
            serde_json::to_writer(&mut writer, line)
                .map_err(std::io::Error::from)
                .and_then(|()| writer.write_all(b"\n"))
                .context("failed to write down a ledger")?;
        }
        writer.flush().context("failed to write down a ledger")
    }

    /// Reads a whole JSON file; `None` when it is not there.
    ///
    /// # Errors
    /// When it cannot be read or does not say what it should.
    pub fn read_json<Content: DeserializeOwned>(
        &self,
        name: &str,
    ) -> anyhow::Result<Option<Content>> {
        let path = self.file(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("failed to read {}", path.display()));
            }
        };
        serde_json::from_slice(&text)
            .map(Some)
            .with_context(|| format!("failed to read {}", path.display()))
    }

    /// The size of each file of evidence that is there, by its name \[bytes\].
    ///
    /// # Errors
    /// When the folder does not say.
    pub fn sizes(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        const EVIDENCE: [&str; 6] =
            [LATENCY, TIMELINE, PURCHASES, SNAPSHOTS, LEDGER_SHOP, LEDGER_PROVIDER];
        let mut sizes = BTreeMap::new();
        for name in EVIDENCE {
            let path = self.file(name);
            match fs::metadata(&path) {
                Ok(found) => drop(sizes.insert(name.to_owned(), found.len())),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("failed to read {}", path.display()));
                }
            }
        }
        Ok(sizes)
    }

    /// A file of it to write into.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn writer(&self, name: &str) -> anyhow::Result<BufWriter<NamedFile>> {
        let path = self.file(name);
        let file =
            File::create(&path).with_context(|| format!("failed to write {}", path.display()))?;
        Ok(BufWriter::new(NamedFile { file, path }))
    }

    /// A file of it to read; `None` when it is not there.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn reader(&self, name: &str) -> anyhow::Result<Option<BufReader<File>>> {
        let path = self.file(name);
        match File::open(&path) {
            Ok(file) => Ok(Some(BufReader::new(file))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
        }
    }

    /// Where a run records itself.
    ///
    /// # Errors
    /// When a file cannot be made.
    pub fn sinks(&self) -> anyhow::Result<Sinks> {
        Ok(Sinks {
            latency: Box::new(self.writer(LATENCY)?),
            timeline: Box::new(self.writer(TIMELINE)?),
            purchases: Box::new(self.writer(PURCHASES)?),
            snapshots: Box::new(self.writer(SNAPSHOTS)?),
        })
    }
}

/// Writes a whole file: it is there with all of `content`, or as it was before.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let unfinished = path.with_added_extension("unfinished");
    let written = fs::write(&unfinished, content).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        drop(fs::remove_file(&unfinished));
    }
    written.with_context(|| format!("failed to write {}", path.display()))
}

/// A file whose errors name it: they are told far from where it was opened.
#[derive(Debug)]
pub struct NamedFile {
    file: File,
    path: PathBuf,
}

impl Write for NamedFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes).map_err(|error| {
            std::io::Error::new(error.kind(), format!("{}: {error}", self.path.display()))
        })
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Makes `parent/stamp`, or `parent/stamp-2` and so on when that is taken.
fn make_new(parent: &Path, stamp: &str) -> anyhow::Result<(PathBuf, String)> {
    /// More runs than that do not begin in one second.
    const SAME_SECOND_MAX: u32 = 1_000;
    for number in 1..=SAME_SECOND_MAX {
        let name = if number == 1 { stamp.to_owned() } else { format!("{stamp}-{number}") };
        let path = parent.join(&name);
        match fs::create_dir(&path) {
            Ok(()) => return Ok((path, name)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("failed to make the folder {}", path.display()));
            }
        }
    }
    anyhow::bail!("failed to make a folder of a new name in {}", parent.display())
}

/// Points a link at the newest run. A file system without links goes without.
fn point(link: &Path, target: &Path) {
    if link.is_symlink() {
        drop(fs::remove_file(link));
    }
    drop(symlink(target, link));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_never_written_into_twice() {
        let out = tempfile::tempdir().unwrap();
        let first = RunFolder::create(out.path(), "dome", "2026-11-21").unwrap();
        let second = RunFolder::create(out.path(), "dome", "2026-11-21").unwrap();
        assert_ne!(first.path(), second.path());
        let latest = fs::canonicalize(out.path().join("latest")).unwrap();
        assert_eq!(latest, fs::canonicalize(second.path()).unwrap());
    }
}
