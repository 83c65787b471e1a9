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

mod arguments;
mod claim;
mod row;
mod rows;
mod stage;
mod table;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};

use crate::claim::Standing;
use crate::row::Row;
use crate::stage::Size;

fn main() -> ExitCode {
    let mut words = std::env::args();
    let program = words.next().unwrap_or_default();
    let words: Vec<String> = words.collect();
    if let Some(("table", numbers)) = words.split_first().map(|(word, rest)| (word.as_str(), rest))
    {
        return table::rehearse(numbers);
    }
    let asked = arguments::split(words);
    let mut arguments = Arguments::from_iter(std::iter::once(&program).chain(&asked.flags));
    // Live rows wait for most of their time, if not for each other.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads = arguments.test_threads.or(Some(2 * cores));
    let small = rows::ALL.iter().filter(|row| asked.means(&row.label()));
    let small = small.map(|row| Trial::ignorable_test(row.label(), || in_small(row)));
    libtest_mimic::run(&arguments, small.collect()).exit_code()
}

/// Lives a row in its small size; it fails when a claim of it does not hold. Where nothing could be
/// seen of one, the row counts as ignored, with the reason: it has not passed.
fn in_small(row: &Row) -> Result<Completion, libtest_mimic::Failed> {
    let begun = jiff::Timestamp::now();
    let claims = (row.lives)(Size::Small);
    let took = begun.duration_until(jiff::Timestamp::now());
    println!("{} took {} s", row.label(), took.as_secs());
    let told = |standing: Standing| -> Vec<String> {
        let such = claims.iter().filter(|claim| claim.standing == standing);
        such.map(ToString::to_string).collect()
    };
    let (broken, unseen) = (told(Standing::Broken), told(Standing::Unseen));
    match (broken.as_slice(), unseen.as_slice()) {
        ([], []) => Ok(Completion::Completed),
        ([], unseen) => Ok(Completion::ignored_with(unseen.join("; "))),
        (broken, _) => Err(broken.join("\n").into()),
    }
}
