//! How grave it is that an invariant is violated: what is told first.

use crate::audit::Finding;

/// The gravest first: money that was taken wrongly and promises to people that were broken, then
/// what was sold and is not there, then what was given away, then what is lost for a while.
const GRAVEST_FIRST: [&str; 21] = [
    "INV-DOUBLE-CHARGE",
    "INV-SILENT-CHARGE",
    "INV-CAPTURED-NO-STOCK",
    "INV-PHANTOM-SALE",
    "INV-OVERSELL",
    "INV-EARLY",
    "INV-STOCK-NO-CAPTURE",
    "INV-PERUSER",
    "INV-ORPHAN-AUTH",
    "INV-STRANDED",
    "INV-RESOLVED",
    "INV-CONSERVE",
    "INV-PHANTOM-SOLDOUT",
    "INV-RESURRECT",
    "INV-RESURRECT-FAIR",
    OTHERS,
    "INV-STALE-SOLDOUT",
    "INV-FIFO",
    "INV-QUOTA",
    "INV-ISOLATION",
    "INV-UNDERSOLD",
];

/// Where those stand that are not named: behind what is known to hurt people and money, before
/// what is merely less than it might have been.
const OTHERS: &str = "";

/// Puts findings into the order in which they are told, the gravest first; equals keep theirs.
pub(super) fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| place(&finding.id));
}

fn place(id: &str) -> usize {
    let place = |id: &str| GRAVEST_FIRST.iter().position(|known| *known == id);
    place(id).or_else(|| place(OTHERS)).unwrap_or(GRAVEST_FIRST.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Status;

    fn sorted(ids: &[&str]) -> Vec<String> {
        let finding = |id: &&str| Finding::plain(id, Status::Violated, Vec::new());
        let mut findings: Vec<Finding> = ids.iter().map(finding).collect();
        sort(&mut findings);
        findings.into_iter().map(|finding| finding.id).collect()
    }

    #[test]
    fn money_is_told_before_stock_and_what_was_left_unsold_last() {
        let told = sorted(&["INV-UNDERSOLD", "INV-OVERSELL", "INV-STRANDED", "INV-SILENT-CHARGE"]);
        let expected = ["INV-SILENT-CHARGE", "INV-OVERSELL", "INV-STRANDED", "INV-UNDERSOLD"];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_not_known_stands_before_what_is_merely_less() {
        let told = sorted(&["INV-UNDERSOLD", "INV-OTHER", "INV-NEW", "INV-CONSERVE"]);
        assert_eq!(told, ["INV-CONSERVE", "INV-OTHER", "INV-NEW", "INV-UNDERSOLD"]);
    }
}
