//! What becomes of a run with one change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Judged, Verdict};
use crate::measure::{Breaking, Limited};

/// A simulated run lived again with one change, which gives more to a part that was at 100 % or asks less
/// of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    /// The part.
    pub what: Limited,
    /// The change: `--set` takes each.
    pub set: Vec<String>,
    /// What the first of them was without it.
    pub now: String,
    /// The verdict with it.
    pub verdict: Verdict,
    /// Why that is no pass; absent where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The first tier to break with it; absent where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_to_break: Option<Breaking>,
    /// Whether the part is at 100 % all the same.
    pub is_at_limit: bool,
}

impl Probe {
    /// What came of living it again with `set`, which was `now` before.
    pub fn of(what: Limited, set: Vec<String>, now: String, judged: &Judged) -> Self {
        let measured = &judged.measured;
        Self {
            what,
            set,
            now,
            verdict: judged.verdict,
            reason: (judged.verdict != Verdict::Pass)
                .then(|| judged.reasons.first().cloned())
                .flatten(),
            first_to_break: measured.first_to_break,
            is_at_limit: measured.at_limit.iter().any(|limit| limit.what == what),
        }
    }

    /// Whether more of the same might help: it did not hold, and the part is at 100 % all the same.
    pub fn wants_more(&self) -> bool {
        self.verdict != Verdict::Pass && self.is_at_limit
    }

    /// The overrides as they stand on a command line.
    pub fn options(&self) -> String {
        let options = self.set.iter().map(|set| {
            let is_plain = set.chars().all(|letter| {
                letter.is_ascii_alphanumeric() || matches!(letter, '.' | '=' | '-' | '/' | '_')
            });
            if is_plain { format!("--set {set}") } else { format!("--set '{set}'") }
        });
        options.collect::<Vec<_>>().join(" ")
    }
}
