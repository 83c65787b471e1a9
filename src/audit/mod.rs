//! Was it right: invariants over evidence. It shares no code with the accused.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use domain::time::Span;

/// The table `[audit]` of a scenario; every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// How long the shop is left alone before the ledgers are read; left out: backlog / provider
    /// rate + longest time to live and sweep + retry horizon.
    pub drain: Option<Span>,
    /// Invariants whose `not_checked` does not cost the pass.
    pub waive: Vec<Waiver>,
}

/// An invariant whose `not_checked` does not cost the pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// `INV-…`.
    pub id: String,
    /// Why, for the verdict line.
    pub reason: String,
}

/// What became of an invariant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `INV-OVERSELL` and so on.
    pub id: String,
    /// Its status.
    pub status: Status,
    /// How many violations.
    pub count: u64,
    /// What is counted, as a few words: "pieces oversold".
    pub measure: String,
    /// One violation, as a person can follow it; a line each. Why, if it is not checked.
    pub witness: Vec<String>,
    /// Whether and why the scenario waives it.
    pub waived: Option<String>,
}

/// Whether an invariant held.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It held.
    Held,
    /// It was violated.
    Violated,
    /// There is nothing it could apply to.
    NotApplicable,
    /// It could not be checked.
    NotChecked,
}
