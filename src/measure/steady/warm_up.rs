//! Where the warm-up of a run ends: MSER, the marginal standard error rule.

/// The share of the observations at the end that no cut may leave alone: the variance of a handful is
/// small by chance.
const END: usize = 20;

/// How many of `observed`, the first, are warm-up: the cut that makes the standard error of the mean
/// of the rest the least. Absent where that lies in the second half: then the run has not settled.
///
/// White, "An effective truncation heuristic for bias reduction in simulation output", Simulation 69
/// (1997) 323–334; over means of five observations: White, Cobb and Spratt, Proceedings of the Winter
/// Simulation Conference 2000, 755–761.
pub(super) fn warm_up(observed: &[f64]) -> Option<usize> {
    let latest = observed.len() - observed.len() / END;
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    for (place, value) in observed.iter().enumerate().rev() {
        // Welford's recurrence, from the end on.
        count += 1.0;
        let off = value - mean;
        mean += off / count;
        squares += off * (value - mean);
        let error = squares / (count * count);
        // Of two cuts that are as good, the earlier one keeps more.
        if place < latest && error <= best.0 {
            best = (error, place);
        }
    }
    (best.1 <= observed.len() / 2).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_settled_from_the_beginning_has_no_warm_up() {
        let observed: Vec<f64> = (0..1_000).map(|n| f64::from(n % 7)).collect();
        assert!(warm_up(&observed).unwrap() < 10);
    }

    #[test]
    fn a_rise_at_the_beginning_is_cut_off() {
        let observed: Vec<f64> =
            (0..1_000).map(|n| f64::from(n.min(100)) + f64::from(n % 7)).collect();
        let cut = warm_up(&observed).unwrap();
        assert!((90..110).contains(&cut), "{cut}");
    }

    #[test]
    fn what_grows_to_the_end_never_settles() {
        let observed: Vec<f64> = (0..1_000).map(f64::from).collect();
        assert_eq!(warm_up(&observed), None);
    }
}
