//! What is out of range, and where.

use std::fmt;

/// A value out of range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key within the table `[provider]`, such as `limits.0.rate`.
    pub key: String,
    /// What is wrong, with the value: a fragment.
    pub message: String,
}

impl Problem {
    pub(super) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.key, self.message)
    }
}
