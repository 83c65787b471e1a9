//! Several questions at once: each more is another chance to be wrong.

/// Chances corrected after Holm, Scandinavian Journal of Statistics 6 (1979): whoever takes those at most
/// `level` for real is wrong about any of them at most that often, however they hang together.
pub fn holm(chances: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|one, other| chances[*one].total_cmp(&chances[*other]));
    let mut corrected = vec![1.0; chances.len()];
    let mut so_far: f64 = 0.0;
    for (place, index) in order.into_iter().enumerate() {
        let left = (chances.len() - place) as f64;
        so_far = so_far.max(chances[index] * left).min(1.0);
        corrected[index] = so_far;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(found: &[f64], expected: &[f64]) -> bool {
        let pairs = found.iter().zip(expected);
        found.len() == expected.len()
            && pairs.into_iter().all(|(one, other)| (one - other).abs() < 1e-12)
    }

    #[test]
    fn chances_are_corrected_step_by_step() {
        // By hand, as R's p.adjust(method = "holm") has it: 4 × 0.01, 3 × 0.02, then no less than before.
        let found = holm(&[0.03, 0.01, 0.04, 0.02]);
        assert!(near(&found, &[0.06, 0.04, 0.06, 0.06]), "{found:?}");
        assert!(near(&holm(&[0.9, 0.8]), &[1.0, 1.0]));
        assert!(near(&holm(&[0.02]), &[0.02]));
        assert!(holm(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn no_chance_shrinks_and_their_order_stays(chances in prop::collection::vec(0.0_f64..1.0, 1..8)) {
            let corrected = holm(&chances);
            for (before, after) in chances.iter().zip(&corrected) {
                prop_assert!(after >= before && *after <= 1.0);
            }
            for (one, of_one) in chances.iter().zip(&corrected) {
                for (other, of_other) in chances.iter().zip(&corrected) {
                    prop_assert!(one > other || of_one <= of_other);
                }
            }
        }
    }
}
