//! The last line of a run, on stderr: its verdict, and why.

use super::{Judged, Verdict};

/// The last line on stderr where there is nothing more to say: `verdict: error (1)`.
pub fn bare_line(verdict: Verdict) -> String {
    format!("verdict: {} ({})", verdict.word(), verdict.exit_code())
}

/// How many reasons the last line holds: more would wrap off the screen.
const REASONS_MAX: usize = 4;

/// The last line on stderr: `verdict: invariant_violated (111): INV-OVERSELL: 37 pieces oversold`.
pub fn last_line(judged: &Judged) -> String {
    reasoned_line(judged.verdict, &judged.reasons)
}

/// The last line on stderr, of any verdict and its reasons.
pub fn reasoned_line(verdict: Verdict, reasons: &[String]) -> String {
    let mut line = bare_line(verdict);
    for (place, reason) in reasons.iter().take(REASONS_MAX).enumerate() {
        line.push_str(if place == 0 { ": " } else { "; " });
        line.push_str(reason.trim_end_matches('.'));
    }
    let more = reasons.len().saturating_sub(REASONS_MAX);
    if more > 0 {
        line = format!("{line}; and {more} more");
    }
    line.replace('\n', " ")
}
