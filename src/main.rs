//! Parses the command line, dispatches, ends the process.

fn main() {}
