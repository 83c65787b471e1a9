//! What a run did to its stack, so that the judge can look at what came after it.

use domain::time::Time;
use serde::{Deserialize, Serialize};

/// Something that took capacity away for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// What, as a clause without a verb: `the application at 20 % of its speed`.
    pub what: String,
    /// When it began.
    pub from: Time,
    /// When it was over.
    pub until: Time,
}
