//! `spike init`: a first scenario for a foreign shop, to be written on.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};

use super::say;
use crate::cli::InitArgs;
use crate::draft::{DATA_FILE, draft};
use crate::verdict::Verdict;

/// The commented starter; `{name}` and `{file}` stand for the scenario's own.
const STARTER: &str = include_str!("starter.toml");

/// The largest recording that is read \[bytes\]: beyond what a browser records in an hour.
const RECORDING_MAX: u64 = 256 * 1024 * 1024;

/// Writes a scenario and, where it asks for data, a file of it; never over a file that is there.
pub(super) fn init(args: &InitArgs) -> anyhow::Result<Verdict> {
    let file = args.file.display().to_string();
    let name = name_of(&args.file)?;
    let Some(recording) = &args.har else {
        let text = STARTER.replace("{name}", &name).replace("{file}", &file);
        write_new(&args.file, &text)?;
        say(&format!("wrote {file}: a starter, with a comment on each line that you will change"));
        return Ok(Verdict::Pass);
    };
    let draft = draft(&name, &read(recording)?)
        .with_context(|| format!("failed to make a draft of {}", recording.display()))?;
    let data = args.file.with_file_name(DATA_FILE);
    if draft.data.is_some() && data.exists() {
        bail!("failed to write {}: it is there already", data.display());
    }
    write_new(&args.file, &draft.scenario)?;
    say(&format!("wrote {file}: a first draft of what was recorded"));
    if let Some(rows) = &draft.data {
        write_new(&data, rows)?;
        say(&format!("wrote {}: stand-ins, a row for each fan", data.display()));
    }
    for note in &draft.notes {
        say(&format!("note: {note}"));
    }
    say(&format!("next: spike check {file}"));
    Ok(Verdict::Pass)
}

/// A scenario is named after its file.
fn name_of(file: &Path) -> anyhow::Result<String> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    if stem.is_empty() || !stem.chars().all(fits) || stem.starts_with(['.', '-']) {
        bail!(
            "failed to name a scenario after {}\nhint: use letters, digits, `-`, `_` and `.`, as in \
             our-shop.toml",
            file.display()
        );
    }
    Ok(stem.to_owned())
}

fn read(recording: &Path) -> anyhow::Result<String> {
    let told = || format!("failed to read {}", recording.display());
    let length = std::fs::metadata(recording).with_context(told)?.len();
    if length > RECORDING_MAX {
        bail!("{}: it is larger than {RECORDING_MAX} bytes", told());
    }
    let bytes = std::fs::read(recording).with_context(told)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let told = || format!("failed to write {}", path.display());
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).with_context(told)?;
    file.write_all(text.as_bytes()).with_context(told)
}
