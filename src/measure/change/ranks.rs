//! The test of Mann and Whitney, Annals of Mathematical Statistics 18 (1947): by the ranks alone, so that
//! one run that stood still weighs no more than any other that came last.
//!
//! Where values are the same they share the mean of their ranks, and the law of the sum of ranks is counted
//! out over all ways in which the values at hand could have been dealt to the two samples: Lehmann,
//! Nonparametrics (1975), 1.4; Streitberg and Röhmel, Statistical Software Newsletter 12 (1986), for the
//! counting. Of many values the normal law is near enough, with its correction for ties and for
//! continuity: Lehmann, 1.3 and 1.4.

use domain::draw::inverse_normal;

/// Up to so many values in both samples the law of the ranks is counted out: that takes about as many
/// steps as the fourth power of them. R counts out up to 49 of each, without ties.
pub const COUNTED_OUT_MAX: usize = 60;

/// How likely it is, if all values are of one law, that those of `b` have ranks at least as high as these:
/// one-sided, in (0, 1\]. Nothing where a sample is empty.
pub fn greater(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let ranks = doubled_ranks(a, b);
    let sum: usize = ranks[a.len()..].iter().sum();
    Some(if ranks.len() <= COUNTED_OUT_MAX {
        counted_out(&ranks, b.len(), sum)
    } else {
        near_enough(&ranks, b.len(), sum)
    })
}

/// The least that [`greater`] can come to for so many values without ties: one way of dealing of all, or what the
/// normal law knows of it, which is far more where one sample is small.
pub fn least(of_a: usize, of_b: usize) -> f64 {
    if of_a + of_b > COUNTED_OUT_MAX {
        let ranks: Vec<usize> = (1..=of_a + of_b).map(|rank| 2 * rank).collect();
        return near_enough(&ranks, of_b, ranks[of_a..].iter().sum());
    }
    let ways = |number: usize| libm::lgamma(number as f64 + 1.0);
    libm::exp(ways(of_a) + ways(of_b) - ways(of_a + of_b))
}

/// How many pairs of a value of `a` and one of `b` must have that of `b` greater for [`greater`] to be at most
/// `level`, if no values are the same; nothing where so few values never are so telling.
pub fn critical(of_a: usize, of_b: usize, level: f64) -> Option<usize> {
    if of_a == 0 || of_b == 0 {
        return None;
    }
    let pairs = of_a * of_b;
    let least_sum = of_b * (of_b + 1);
    let sum = if of_a + of_b <= COUNTED_OUT_MAX {
        let ranks: Vec<usize> = (1..=of_a + of_b).map(|rank| 2 * rank).collect();
        let ways = ways(&ranks, of_b);
        let all: f64 = ways.iter().sum();
        let mut beyond = 0.0;
        let mut found = None;
        for (sum, ways) in ways.iter().enumerate().rev() {
            beyond += ways;
            if beyond > level * all {
                break;
            }
            if *ways > 0.0 {
                found = Some(sum);
            }
        }
        found?
    } else {
        let (mean, deviation) = moments(&[], of_a, of_b);
        whole(mean + 1.0 - deviation * inverse_normal(level))
    };
    Some((sum - least_sum).div_ceil(2)).filter(|needed| *needed <= pairs)
}

/// Twice the rank of each value among both samples, from 2: whole where values are the same, too.
fn doubled_ranks(a: &[f64], b: &[f64]) -> Vec<usize> {
    let all = || a.iter().chain(b);
    let rank = |value: &f64| {
        let less = all().filter(|other| other.total_cmp(value).is_lt()).count();
        let same = all().filter(|other| other.total_cmp(value).is_eq()).count();
        2 * less + same + 1
    };
    all().map(rank).collect()
}

/// The share of all ways to deal `dealt` of the ranks whose sum is at least that.
fn counted_out(ranks: &[usize], dealt: usize, at_least: usize) -> f64 {
    let ways = ways(ranks, dealt);
    let all: f64 = ways.iter().sum();
    let beyond: f64 = ways.iter().skip(at_least).sum();
    beyond / all
}

/// In how many ways `dealt` of the ranks have each sum.
fn ways(ranks: &[usize], dealt: usize) -> Vec<f64> {
    let most: usize = ranks.iter().sum();
    let mut ways = vec![vec![0.0; most + 1]; dealt + 1];
    ways[0][0] = 1.0;
    for rank in ranks {
        // From the many to the few, so that no rank is dealt twice.
        for many in (1..=dealt).rev() {
            let (fewer, more) = ways.split_at_mut(many);
            let from = &fewer[many - 1];
            more[0][*rank..].iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    }
    ways.swap_remove(dealt)
}

/// As [`counted_out`], by the normal law.
fn near_enough(ranks: &[usize], dealt: usize, sum: usize) -> f64 {
    let (mean, deviation) = moments(ranks, ranks.len() - dealt, dealt);
    if deviation <= 0.0 {
        return 1.0;
    }
    // Half a rank of continuity, which is one of a doubled rank.
    let distance = (sum as f64 - mean - 1.0) / deviation;
    libm::erfc(distance * core::f64::consts::FRAC_1_SQRT_2) / 2.0
}

/// The mean and the standard deviation of the doubled sum of ranks of the second sample; `ranks` tell of
/// ties, where there are any.
fn moments(ranks: &[usize], of_a: usize, of_b: usize) -> (f64, f64) {
    let (many, other, all) = (of_b as f64, of_a as f64, (of_a + of_b) as f64);
    let mut sorted = ranks.to_vec();
    sorted.sort_unstable();
    let ties = sorted.chunk_by(|one, next| one == next).map(|tie| tie.len() as f64);
    let ties: f64 = ties.map(|tie| tie * tie * tie - tie).sum();
    let variance = many * other / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    (many * (all + 1.0), 2.0 * libm::sqrt(variance.max(0.0)))
}

/// The least whole number that is not below a value.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a sum of ranks, which is not negative"
)]
fn whole(value: f64) -> usize {
    libm::ceil(value) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Permeability constants of the human chorioamnion, at term and in the first weeks: Hollander and
    /// Wolfe, Nonparametric Statistical Methods (1973), 69f, the example of R's `wilcox.test`.
    const TERM: [f64; 10] = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
    const EARLY: [f64; 5] = [1.15, 0.88, 0.90, 0.74, 1.21];

    #[test]
    fn the_chance_is_that_of_the_books_example() {
        // R: W = 35, p-value = 0.1272 (alternative = "g").
        let found = greater(&EARLY, &TERM).unwrap();
        assert!((found - 0.1272).abs() < 5e-5, "{found}");
        // The same, exact = FALSE and correct = TRUE: z = (35 − 25 − 0.5) / √66.667 = 1.1635.
        let ranks = doubled_ranks(&EARLY, &TERM);
        let sum = ranks[EARLY.len()..].iter().sum();
        let found = near_enough(&ranks, TERM.len(), sum);
        assert!((found - 0.1223).abs() < 5e-5, "{found}");
    }

    #[test]
    fn the_law_is_that_of_the_first_table() {
        // Mann and Whitney (1947), table I, n = 4, m = 4: the chance of U at most 0, 1, … 8.
        let table = [0.014, 0.029, 0.057, 0.100, 0.171, 0.243, 0.343, 0.443, 0.557];
        let ways = ways(&[2, 4, 6, 8, 10, 12, 14, 16], 4);
        let mut below = 0.0;
        for (u, expected) in table.into_iter().enumerate() {
            below += ways[2 * u + 20] / 70.0;
            assert!((below - expected).abs() < 5.1e-4, "{u}: {below}");
        }
    }

    #[test]
    fn the_critical_value_is_that_of_the_tables() {
        // The tables of U for 0.025 one-sided: at most 13 of 64 pairs for 8 and 8, at most 5 of 36 for 6 and 6,
        // at most 0 of 16 for 4 and 4, and none for 3 and 3.
        for (many, level, at_most) in
            [(8, 0.025, Some(13)), (6, 0.025, Some(5)), (4, 0.025, Some(0)), (3, 0.025, None)]
        {
            let found = critical(many, many, level).map(|needed| many * many - needed);
            assert_eq!(found, at_most, "{many}");
        }
        assert_eq!(critical(0, 8, 0.5), None);
    }

    #[test]
    fn the_least_chance_is_one_way_of_all() {
        assert!((least(8, 8) - 1.0 / 12_870.0).abs() < 1e-12);
        assert!((least(3, 20) - 1.0 / 1_771.0).abs() < 1e-12);
        let lowest = greater(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0, 7.0]).unwrap();
        assert!((lowest - least(3, 4)).abs() < 1e-12);
    }

    #[test]
    fn what_the_normal_law_can_come_to_is_no_less_than_it_says() {
        for (of_a, of_b) in [(60, 2), (60, 3), (200, 3), (3, 58), (40, 40)] {
            let values: Vec<f64> = (0..of_a + of_b).map(|value| value as f64).collect();
            let lowest = greater(&values[..of_a], &values[of_a..]).unwrap();
            assert!((lowest - least(of_a, of_b)).abs() < 1e-15, "{of_a} {of_b} {lowest}");
        }
        // One way of 39,711, but the normal law tells no more than 2 in 1,000.
        assert!((least(60, 3) - 0.0019).abs() < 1e-4, "{}", least(60, 3));
    }

    #[test]
    fn ties_share_their_ranks_and_are_counted_out() {
        assert_eq!(doubled_ranks(&[1.0, 2.0, 2.0], &[2.0, 3.0]), [2, 6, 6, 6, 10]);
        // Of the 10 ways to deal two of 2, 6, 6, 6, 10 three have the sum 16 and none more.
        let found = greater(&[1.0, 2.0, 2.0], &[2.0, 3.0]).unwrap();
        assert!((found - 0.3).abs() < 1e-12, "{found}");
        // All the same say nothing.
        assert_eq!(greater(&[5.0; 8], &[5.0; 8]), Some(1.0));
        assert_eq!(greater(&[5.0; 80], &[5.0; 80]), Some(1.0));
        assert_eq!(greater(&[], &[1.0]), None);
    }

    /// The share of all ways to deal the values, one by one.
    fn one_by_one(a: &[f64], b: &[f64]) -> f64 {
        let ranks = doubled_ranks(a, b);
        let seen: usize = ranks[a.len()..].iter().sum();
        let (mut all, mut beyond) = (0.0, 0.0);
        for dealt in 0_u32..1 << ranks.len() {
            if dealt.count_ones() as usize != b.len() {
                continue;
            }
            let held = ranks.iter().enumerate().filter(|(place, _)| (dealt >> place) & 1 == 1);
            all += 1.0;
            beyond += f64::from(u8::from(held.map(|(_, rank)| rank).sum::<usize>() >= seen));
        }
        beyond / all
    }

    proptest! {
        #[test]
        fn what_is_counted_out_is_what_dealing_one_by_one_comes_to(
            a in prop::collection::vec(0_u8..6, 1..6), b in prop::collection::vec(0_u8..6, 1..6),
        ) {
            let of = |values: &[u8]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
            let (a, b) = (of(&a), of(&b));
            prop_assert!((greater(&a, &b).unwrap() - one_by_one(&a, &b)).abs() < 1e-12);
        }

        #[test]
        fn many_values_are_near_the_normal_law(
            a in prop::collection::vec(0_u8..20, 30), b in prop::collection::vec(0_u8..20, 30),
        ) {
            let of = |values: &[u8]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
            let ranks = doubled_ranks(&of(&a), &of(&b));
            let sum = ranks[30..].iter().sum();
            let apart = counted_out(&ranks, 30, sum) - near_enough(&ranks, 30, sum);
            prop_assert!(apart.abs() < 0.01, "{apart}");
        }

        #[test]
        fn so_many_pairs_are_telling_and_one_less_is_not(of_a in 2_usize..12, of_b in 2_usize..12) {
            let level = 0.05;
            let chance = |pairs: usize| {
                let ranks: Vec<usize> = (1..=of_a + of_b).map(|rank| 2 * rank).collect();
                counted_out(&ranks, of_b, 2 * pairs + of_b * (of_b + 1))
            };
            match critical(of_a, of_b, level) {
                Some(needed) => {
                    prop_assert!(chance(needed) <= level);
                    prop_assert!(chance(needed - 1) > level);
                }
                None => prop_assert!(least(of_a, of_b) > level),
            }
        }
    }
}
