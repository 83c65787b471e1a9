//! The mock payment provider, on its own.

use std::process::ExitCode;

use clap::Parser;
use mock_provider::server;

/// A mock payment provider: stateful, rate limited, with a ledger that is true whatever its
/// callers were told
#[derive(Parser)]
#[command(name = "mock-provider", version)]
struct Command {
    #[command(flatten)]
    args: server::Args,
}

fn main() -> ExitCode {
    match server::run(Command::parse().args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
