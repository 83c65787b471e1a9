//! Parses the command line, dispatches, ends the process.

use std::process::ExitCode;

use clap::Parser;
use spike::cli::Cli;
use spike::command::dispatch;
use spike::verdict::{Verdict, bare_line};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // A panic has told its story when it arrives here; what was recorded is on disk.
    let verdict = match std::panic::catch_unwind(|| dispatch(&cli)) {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(error)) => failed(&format!("{error:#}")),
        Err(_) => failed("spike broke one of its own rules; what was recorded is kept"),
    };
    ExitCode::from(verdict.exit_code())
}

#[expect(clippy::print_stderr, reason = "the one place where a failure of spike itself is told")]
fn failed(what: &str) -> Verdict {
    eprintln!("error: {what}");
    eprintln!("{}", bare_line(Verdict::Error));
    Verdict::Error
}
