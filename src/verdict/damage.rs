//! What still can be said of invariants where a file of evidence is no longer as it was written.

use crate::audit::{Finding, INVARIANTS, Source, Status};
use crate::evidence::read::Damage;

/// Invariants that what clients were told can only violate: a line that is lost made none of it.
const ONLY_MORE: [&str; 2] = ["INV-OVERSELL", "INV-PHANTOM-SALE"];

/// Takes back what was found by a damaged file: neither does it hold, nor is anybody accused. Damaged
/// ledgers count as absent, which the audit knows itself.
pub(super) fn doubt(findings: &mut [Finding], damages: &[Damage]) {
    for damage in damages {
        let source = match damage.file.as_str() {
            "purchases.jsonl" => Source::Clients,
            "snapshots.jsonl" => Source::Snapshots,
            _ => continue,
        };
        for finding in findings.iter_mut().filter(|finding| reads(&finding.id, source)) {
            let is_sure =
                finding.status == Status::Violated && ONLY_MORE.contains(&finding.id.as_str());
            if matches!(finding.status, Status::Held | Status::Violated) && !is_sure {
                let why = format!("{} is damaged", damage.file);
                *finding = Finding::plain(&finding.id, Status::NotChecked, vec![why]);
            }
        }
    }
}

fn reads(id: &str, source: Source) -> bool {
    let known = INVARIANTS.iter().find(|invariant| invariant.id == id);
    known.is_some_and(|invariant| invariant.reads.contains(&source))
}
