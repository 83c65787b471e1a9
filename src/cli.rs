//! The command line: types alone.
