//! Each file is a promise (docs/PROMISES.md).

#![expect(clippy::unwrap_used, clippy::float_cmp, reason = "a test fails by panicking")]

mod docs;
mod floors;
mod problems;
mod scenario_files;
