//! Promises of `spike`, one file each.

mod problems;
mod scenario_files;
