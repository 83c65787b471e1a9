//! The table of what was expected and seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::claim::{Claim, Standing};
use crate::row::Row;
use crate::rows;
use crate::stage::{self, Size};

/// Where the table is written.
const FILE: &str = "docs/REHEARSED.md";

/// What says that nothing is to be lived live.
const SIMULATED: &str = "--simulated";

/// Lives the rows of those numbers in full, all if none is named, and prints each. After `--simulated` they
/// are lived in virtual time alone and no file is touched.
pub(crate) fn rehearse(words: &[String]) -> ExitCode {
    let (simulated, numbers): (Vec<String>, Vec<String>) =
        words.iter().cloned().partition(|word| word == SIMULATED);
    let chosen = match chosen(&numbers) {
        Ok(chosen) => chosen,
        Err(unknown) => {
            eprintln!("error: there is no row {unknown}; there are {}", known());
            return ExitCode::from(2);
        }
    };
    let all_held = if simulated.is_empty() { write(&chosen) } else { simulate(&chosen) };
    if all_held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Lives rows in both worlds, and writes each into its place of the table at once: who breaks a rehearsal off
/// keeps what was lived. Whether all that was claimed held.
fn write(rows: &[&Row]) -> bool {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let mut written = sections(&std::fs::read_to_string(&file).unwrap_or_default());
    print!("{HEAD}");
    let mut all_held = true;
    for row in rows {
        let claims = (row.lives)(Size::Full);
        all_held &= claims.iter().all(|claim| claim.standing == Standing::Held);
        let lines = lines(row, &claims, &when_and_where());
        print!("{lines}");
        written.insert(key(row.number, row.name), lines);
        let table: String = written.values().map(String::as_str).collect();
        std::fs::write(&file, format!("{HEAD}{table}")).unwrap();
    }
    eprintln!("written: {FILE}");
    all_held
}

/// Lives rows in virtual time, as many at once as there are cores, and prints them in their order. Whether
/// all that was claimed held.
fn simulate(rows: &[&Row]) -> bool {
    stage::simulate_alone();
    print!("{HEADINGS}");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut all_held = true;
    for together in rows.chunks(cores) {
        let lived: Vec<Vec<Claim>> = std::thread::scope(|scope| {
            let lives = |row: &Row| (row.lives)(Size::Full);
            let begun: Vec<_> =
                together.iter().map(|row| scope.spawn(move || lives(row))).collect();
            begun.into_iter().map(|row| row.join().unwrap()).collect()
        });
        for (row, claims) in together.iter().zip(lived) {
            let seen = |claim: &Claim| claim.standing != Standing::Unseen;
            let claims: Vec<Claim> = claims.into_iter().filter(seen).collect();
            all_held &= claims.iter().all(|claim| claim.standing == Standing::Held);
            let where_ = if claims.is_empty() { "live alone" } else { "in virtual time" };
            print!("{}", lines(row, &claims, where_));
        }
    }
    all_held
}

/// What stands above the table.
const HEAD: &str = "# What was expected and what was seen\n\n\
    Written by `./rehearse`, row by row: each as it was lived last, with date and machine.\n\n\
    | row | what | expected | seen | |\n|---|---|---|---|---|\n";
/// The same without its title.
const HEADINGS: &str = "| row | what | expected | seen | |\n|---|---|---|---|---|\n";

/// The lines of each row of a table, by its place.
fn sections(table: &str) -> BTreeMap<(u8, String), String> {
    let mut sections: BTreeMap<(u8, String), String> = BTreeMap::new();
    let mut current = None;
    for line in table.lines() {
        let mut cells = line.split(" | ").map(|cell| cell.trim_matches(['|', ' ', '*']));
        if line.starts_with("| **") {
            let number = cells.next().and_then(|number| number.parse().ok());
            current = number.zip(cells.next()).map(|(number, name)| key(number, name));
        }
        if let Some(current) = &current {
            let lines = sections.entry(current.clone()).or_default();
            lines.push_str(line);
            lines.push('\n');
        }
    }
    sections
}

fn key(number: u8, name: &str) -> (u8, String) {
    (number, name.to_owned())
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

/// When and where a row is lived.
fn when_and_where() -> String {
    let date = jiff::Zoned::now().strftime("%Y-%m-%d").to_string();
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let version = env!("CARGO_PKG_VERSION");
    format!("{date}, {cores} cores of {}, Linux {}; spike {version}", processor(), release.trim())
}

/// The processor's name.
fn processor() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpus.lines().find_map(|line| line.strip_prefix("model name"));
    name.map_or("an unnamed processor", |name| name.trim_start_matches(['\t', ' ', ':'])).to_owned()
}

/// A row's lines: the phenomenon, when and where it was lived, then each claim.
fn lines(row: &Row, claims: &[Claim], lived: &str) -> String {
    let mut lines = String::new();
    let Row { number, name, phenomenon, .. } = row;
    let _ = writeln!(lines, "| **{number}** | **{name}** | {phenomenon} | {lived} | |");
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
