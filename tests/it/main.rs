//! Each file is a promise (docs/PROMISES.md).

#![expect(clippy::unwrap_used, clippy::float_cmp, reason = "a test fails by panicking")]

mod floors;
mod memory;
mod problems;
mod rehearsal;
mod sabotage;
mod scenario_files;
mod scenarios;
