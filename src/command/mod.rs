//! One story per subcommand.

mod begin;
mod check;
mod conclude;
pub mod embedded;
pub mod folder;
mod machine;
mod progress;
mod run;
mod servers;
mod simulate;
mod verify;

use std::io::Write;

use anyhow::Context;
use clap::CommandFactory;

use crate::cli::{Cli, Command};
use crate::verdict::Verdict;

pub use conclude::judge_folder;
pub use simulate::rehearse;

/// Does what the command line asks for, and says how it ended.
///
/// # Errors
/// When `spike` itself fails.
pub fn dispatch(cli: &Cli) -> anyhow::Result<Verdict> {
    match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Simulate(args) => simulate::simulate(args),
        Command::Check(args) => check::check(args),
        Command::Verify(args) => verify::verify(args),
        Command::Report(args) => verify::report(args),
        Command::Schema => print_schema(),
        Command::Provider(args) => servers::provider(args),
        Command::Shop(args) => servers::shop(args),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "spike", &mut std::io::stdout());
            Ok(Verdict::Pass)
        }
    }
}

fn print_schema() -> anyhow::Result<Verdict> {
    let text = serde_json::to_string_pretty(&crate::scenario::schema())?;
    print(&(text + "\n"))?;
    Ok(Verdict::Pass)
}

/// Prints a result on stdout. A reader that has gone away is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("failed to write on standard output")
        }
        _ => Ok(()),
    }
}

/// The one verdict of several runs: the gravest.
fn gravest(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
    const GRAVEST_FIRST: [Verdict; 8] = [
        Verdict::Error,
        Verdict::InvalidScenario,
        Verdict::InvariantViolated,
        Verdict::Aborted,
        Verdict::Inconclusive,
        Verdict::ObjectiveMissed,
        Verdict::Regression,
        Verdict::OverCapacity,
    ];
    let all: Vec<Verdict> = verdicts.into_iter().collect();
    GRAVEST_FIRST.into_iter().find(|verdict| all.contains(verdict)).unwrap_or(Verdict::Pass)
}
