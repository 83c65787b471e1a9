//! The table of what was expected and seen.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::claim::{Claim, Standing};
use crate::row::Row;
use crate::rows;
use crate::stage::Size;

/// Where the whole table is written.
const FILE: &str = "docs/REHEARSED.md";

/// Lives the rows of those numbers in full and prints them; all if none is named, and writes them too.
pub(crate) fn rehearse(numbers: &[String]) -> ExitCode {
    let chosen = match chosen(numbers) {
        Ok(chosen) => chosen,
        Err(unknown) => {
            eprintln!("error: there is no row {unknown}; there are {}", known());
            return ExitCode::from(2);
        }
    };
    let mut table = head();
    print!("{table}");
    let mut all_held = true;
    for row in chosen {
        let claims = (row.lives)(Size::Full);
        all_held &= claims.iter().all(|claim| claim.standing == Standing::Held);
        let lines = lines(row, &claims);
        print!("{lines}");
        table.push_str(&lines);
    }
    if numbers.is_empty() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE), table).unwrap();
        eprintln!("written: {FILE}");
    }
    if all_held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The rows of those numbers, in the table's order; all if none is named.
fn chosen(numbers: &[String]) -> Result<Vec<&'static Row>, String> {
    let known: BTreeSet<String> = rows::ALL.iter().map(|row| row.number.to_string()).collect();
    if let Some(unknown) = numbers.iter().find(|number| !known.contains(*number)) {
        return Err(unknown.clone());
    }
    let wanted = |row: &&Row| numbers.is_empty() || numbers.contains(&row.number.to_string());
    Ok(rows::ALL.iter().filter(wanted).collect())
}

fn known() -> String {
    rows::ALL.iter().map(|row| row.number.to_string()).collect::<Vec<_>>().join(", ")
}

/// When and where, and the columns.
fn head() -> String {
    let date = jiff::Zoned::now().strftime("%Y-%m-%d").to_string();
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!(
        "# What was expected and what was seen\n\n\
         Written by `./rehearse`: {date}, {cores} cores of {}, Linux {}; spike {}.\n\n\
         | row | what | expected | seen | |\n|---|---|---|---|---|\n",
        processor(),
        release.trim(),
        env!("CARGO_PKG_VERSION"),
    )
}

/// The processor's name.
fn processor() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpus.lines().find_map(|line| line.strip_prefix("model name"));
    name.map_or("an unnamed processor", |name| name.trim_start_matches(['\t', ' ', ':'])).to_owned()
}

/// A row's lines: the phenomenon, then each claim.
fn lines(row: &Row, claims: &[Claim]) -> String {
    let mut lines = String::new();
    let _ = writeln!(lines, "| **{}** | **{}** | {} | | |", row.number, row.name, row.phenomenon);
    for claim in claims {
        let mark = match claim.standing {
            Standing::Held => "✓",
            Standing::Broken => "✗",
            Standing::Unseen => "?",
        };
        let Claim { what, expected, seen, .. } = claim;
        let _ = writeln!(lines, "| | {what} | {expected} | {seen} | {mark} |");
    }
    lines
}
