//! A row of the table: a phenomenon, and how it is shown.

use crate::claim::Claim;
use crate::stage::Size;

/// A phenomenon that scenarios show.
pub(crate) struct Row {
    /// Its place in the table.
    pub(crate) number: u8,
    /// Its name.
    pub(crate) name: &'static str,
    /// What is expected, for the table.
    pub(crate) phenomenon: &'static str,
    /// Lives it, and says what was seen.
    pub(crate) lives: fn(Size) -> Vec<Claim>,
}

impl Row {
    /// `02 payment-collapse`.
    pub(crate) fn label(&self) -> String {
        format!("{:02} {}", self.number, self.name)
    }
}
