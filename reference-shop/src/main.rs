//! The reference shop as a program of its own.

use std::process::ExitCode;

use clap::Parser;
use reference_shop::server;

/// The reference shop: a limited sale with pickup slots, paid through a payment provider.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    args: server::Args,
}

fn main() -> ExitCode {
    match server::run(&Cli::parse().args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: failed to {error:#}");
            ExitCode::FAILURE
        }
    }
}
