//! One story per subcommand.

mod begin;
mod calibrate;
mod check;
mod compare;
mod conclude;
mod doctor;
pub mod embedded;
pub mod folder;
mod forecast;
mod gate;
mod init;
mod json;
mod machine;
mod network;
mod plan;
mod probe;
mod progress;
mod replicate;
mod run;
mod scratch;
mod series;
mod serve;
mod servers;
mod simulate;
mod target;
mod telemetry;
mod verify;
mod walk;

use std::io::Write;

use anyhow::Context;
use clap::CommandFactory;

use crate::cli::{Cli, Command};
use crate::verdict::{Verdict, bare_line, gravest};

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
        Command::Try(args) => walk::walk(args),
        Command::Doctor(args) => doctor::doctor(args),
        Command::KnownLatency(args) => doctor::known_latency(args),
        Command::Verify(args) => verify::verify(args),
        Command::Report(args) => verify::report(args),
        Command::Compare(args) => compare::compare(args),
        Command::Gate(args) => gate::gate(args),
        Command::Init(args) => init::init(args),
        Command::Plan(args) => plan::plan(args),
        Command::Forecast(args) => forecast::forecast(args),
        Command::Schema => print_schema(),
        Command::Provider(args) => servers::provider(args),
        Command::Shop(args) => servers::shop(args),
        Command::Serve(args) => serve::serve(args),
        Command::LoadProcess => servers::load_process(),
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

/// Says a line on stderr.
fn say(line: &str) {
    // Nobody is left to tell when standard error is gone.
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// The one verdict of several runs, which is the last word where it is of more than one.
fn one_of(verdicts: &[Verdict]) -> Verdict {
    let verdict = gravest(verdicts);
    if verdicts.len() > 1 {
        say(&format!("{}: the gravest of {} runs", bare_line(verdict), verdicts.len()));
    }
    verdict
}
