//! Promises of `spike`, one file each.

#![expect(clippy::unwrap_used, clippy::float_cmp, reason = "a test fails by panicking")]

mod problems;
mod scenario_files;
