//! Each file is a promise (docs/PROMISES.md).

#![expect(clippy::unwrap_used, clippy::float_cmp, reason = "a test fails by panicking")]

mod determinism;
mod docs;
mod floors;
mod lived;
mod omission;
mod problems;
mod scenario_files;
mod twin;
