//! Each file is a promise (docs/PROMISES.md).

#![expect(clippy::unwrap_used, clippy::float_cmp, reason = "a test fails by panicking")]

mod bad_input;
mod cli;
mod determinism;
mod docs;
mod floors;
mod lived;
mod omission;
mod problems;
mod program;
mod scenario_files;
mod twin;
