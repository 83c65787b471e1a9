//! The table of scenarios: what each is expected to show, held against what it shows.
//!
//! `cargo test` lives every row in its small size, as a test of its own; `./rehearse` lives the full
//! size and writes the table.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a rehearsal that cannot be lived fails by panicking, and what it says is its result"
)]

#[path = "../it/rehearsal.rs"]
mod rehearsal;

mod claim;
mod row;
mod rows;
mod stage;
mod table;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use crate::row::Row;
use crate::stage::Size;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("table") {
        return table::rehearse(&arguments.collect::<Vec<_>>());
    }
    let small = rows::ALL.iter().map(|row| Trial::test(row.label(), || in_small(row)));
    libtest_mimic::run(&Arguments::from_args(), small.collect()).exit_code()
}

/// Lives a row in its small size; it fails when a claim of it does not hold.
fn in_small(row: &Row) -> Result<(), libtest_mimic::Failed> {
    let broken: Vec<String> = (row.lives)(Size::Small)
        .into_iter()
        .filter(claim::Claim::is_broken)
        .map(|claim| claim.to_string())
        .collect();
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n").into()) }
}
