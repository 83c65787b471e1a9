//! Whose service times a simulated stack has, in a sentence.

use super::figure;
use crate::verdict::Calibrated;

/// `Service times of the stack as measured in reports/dome/latest (live, scale 0.1, seed 7): 900 look-ups, …`
pub(super) fn sentence(of: &Calibrated) -> String {
    let counts = of.counts.iter().map(|(name, count)| format!("{} {name}", figure::number(*count)));
    format!(
        "Service times of the stack as measured in {} (live, scale {}, seed {}, begun {}): {}.",
        of.by,
        of.scale,
        of.seed,
        of.started_at,
        counts.collect::<Vec<_>>().join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calibrated_stack_names_its_run_and_how_much_it_measured() {
        let of = Calibrated {
            by: "reports/dome/latest".to_owned(),
            started_at: "2026-11-21T11:59:20Z".to_owned(),
            seed: 7,
            scale: 0.1,
            counts: [("look-ups".to_owned(), 1_900), ("reservations".to_owned(), 120)].into(),
        };
        assert_eq!(
            sentence(&of),
            "Service times of the stack as measured in reports/dome/latest (live, scale 0.1, seed 7, begun \
             2026-11-21T11:59:20Z): 1,900 look-ups, 120 reservations."
        );
    }
}
