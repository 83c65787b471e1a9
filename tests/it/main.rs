//! Promises of `spike`, one file each.

mod problems;
