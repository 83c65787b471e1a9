//! Pairs that were lived again, for the machine was late: a candidate that makes it late drops its slow runs so.

use super::Gated;
use crate::verdict::Verdict;

/// So many more late runs of the candidate than of the baseline are the machine's own doing.
const MORE_MAX: u16 = 2;

impl Gated {
    /// Notes how many runs of the baseline and of the candidate were late, whose pairs were lived again and are left
    /// out. Far more of the candidate's cost the pass.
    #[must_use]
    pub fn lived_again(mut self, late: [u16; 2]) -> Self {
        let [of_a, of_b] = late;
        if of_a + of_b == 0 {
            return self;
        }
        let told = format!(
            "Pairs of which a run was late were lived again and are left out: {of_a} run(s) of the baseline and {of_b} \
             of the candidate were."
        );
        if of_b <= of_a + MORE_MAX {
            self.notes.push(told);
            return self;
        }
        let doubt = format!(
            "{told} The candidate may be why: give the generator cores of its own, or live both on a quieter machine."
        );
        if self.verdict == Verdict::InvariantViolated {
            self.reasons.push(doubt);
        } else {
            self.reasons.insert(0, doubt);
            self.verdict = Verdict::Inconclusive;
            self.exit_code = self.verdict.exit_code();
        }
        self
    }
}
