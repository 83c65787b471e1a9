//! The table as text, and its place in docs/PERFORMANCE.md.

use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::figures::{Row, Table};
use crate::peers::version;
use crate::server::Nginx;

/// Where the table begins and ends in the document.
const MARKS: [&str; 2] = ["<!-- the table begins -->\n", "<!-- the table ends -->"];
const HEAD: [&str; 7] = ["what", "must", "aim", "measured", "rounds", "kept?", "behind it"];

/// Machine, peers, the table and what else was shown, as Markdown.
pub(crate) fn markdown(rows: &[Row], notes: &[String]) -> String {
    let cells = rows.iter().map(|row| row.cells().to_vec()).collect();
    let table = Table { head: &HEAD, rows: cells };
    let peers = [("wrk", "--version"), ("oha", "--version"), ("h2load", "--version")];
    let mut versions: Vec<String> = peers.map(|(name, flag)| version(name, flag)).to_vec();
    versions.push(Nginx::version());
    let head = format!("{}\n{}.", machine(), versions.join(" · "));
    [&[head, table.to_string()], notes].concat().join("\n\n")
}

/// Processor, cores, memory, system and day, as far as they are told.
fn machine() -> String {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or(String::new(), |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let processor = field(&read("/proc/cpuinfo"), "model name");
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let system = read("/proc/sys/kernel/osrelease");
    format!("{cores} cores ({processor}), {memory}, Linux {}.", system.trim())
}

/// Puts `text` between the marks of the document.
///
/// # Errors
/// When there is no such document, or it lacks the marks.
pub(crate) fn renew(file: &Path, text: &str) -> anyhow::Result<()> {
    let name = file.display();
    let page = fs::read_to_string(file).with_context(|| format!("failed to read {name}"))?;
    let parts = page.split_once(MARKS[0]).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(MARKS[1])?;
        Some((before, after))
    });
    let (before, after) = parts.with_context(|| format!("failed to find the marks in {name}"))?;
    let renewed = [before, MARKS[0], "\n", text, "\n", MARKS[1], after].concat();
    fs::write(file, renewed).with_context(|| format!("failed to write {name}"))
}
