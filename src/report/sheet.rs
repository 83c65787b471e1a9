//! A sheet: a title, and figures under it, each with a name; alike in both reports.

use serde::Serialize;

use super::figure;
use crate::evidence::spread::Spread;

/// Figures, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Sheet {
    /// Whose, and how many of them there are.
    pub(super) title: String,
    /// What came of it, as a sentence; absent where nothing did.
    pub(super) answer: Option<String>,
    /// What, and how much.
    pub(super) rows: Vec<[String; 2]>,
}

/// A figure and its name.
pub(super) fn row(what: &str, figure: String) -> [String; 2] {
    [what.to_owned(), figure]
}

/// Lengths of time \[s\]: `p50 0.15 s, p99 2.10 s, at most 9.80 s`.
pub(super) fn spread(spread: &Spread) -> String {
    let [p50, p99, max] = [spread.p50, spread.p99, spread.max].map(figure::seconds);
    format!("p50 {p50}, p99 {p99}, at most {max}")
}
