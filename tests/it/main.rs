//! Each file is a promise (docs/PROMISES.md).

mod floors;
mod problems;
mod scenario_files;
