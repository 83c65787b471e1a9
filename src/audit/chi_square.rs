//! χ²: whether shares that should be the same differ by more than chance.

use std::f64::consts::PI;

/// χ² of hits and others in groups (hits, all) against equal chances; of one degree of freedom fewer
/// than there are groups.
pub(super) fn chi_square(groups: &[(u64, u64)]) -> f64 {
    let (hits, all) = groups.iter().fold((0, 0), |sum, group| (sum.0 + group.0, sum.1 + group.1));
    let chance = hits as f64 / all as f64;
    groups
        .iter()
        .map(|(hits, all)| {
            let expected = chance * *all as f64;
            let off = *hits as f64 - expected;
            off * off / expected + off * off / (*all as f64 - expected)
        })
        .sum()
}

/// The probability that χ² of so many degrees of freedom is `value` or more by chance alone: the finite
/// sums of Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.4.4 and 26.4.5.
pub(super) fn chance_of(value: f64, freedom: u32) -> f64 {
    let half = value / 2.0;
    let is_even = freedom.is_multiple_of(2);
    let (mut sum, mut term) = if is_even {
        (0.0, libm::exp(-half))
    } else {
        let normal = libm::exp(-half) / libm::sqrt(2.0 * PI);
        (libm::erfc(libm::sqrt(half)), 2.0 * normal * libm::sqrt(value))
    };
    for number in 1..=freedom / 2 {
        sum += term;
        let next = if is_even { 2.0 * f64::from(number) } else { 2.0 * f64::from(number) + 1.0 };
        term *= value / next;
    }
    sum.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chances_are_those_of_the_tables() {
        // The 5 %, 1 % and 0.1 % points of NIST/SEMATECH, e-Handbook of Statistical Methods, 1.3.6.7.4.
        let points = [
            (1, 3.841, 6.635, 10.828),
            (2, 5.991, 9.210, 13.816),
            (4, 9.488, 13.277, 18.467),
            (9, 16.919, 21.666, 27.877),
        ];
        for (freedom, five, one, tenth) in points {
            for (value, chance) in [(five, 0.05), (one, 0.01), (tenth, 0.001)] {
                let found = chance_of(value, freedom);
                assert!((found / chance - 1.0).abs() < 2e-3, "{freedom} {value}: {found}");
            }
        }
        assert!((chance_of(0.0, 9) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn even_groups_have_no_chi_square() {
        assert!(chi_square(&[(5, 10), (5, 10), (10, 20)]) < 1e-12);
        assert!((chi_square(&[(10, 10), (0, 10)]) - 20.0).abs() < 1e-12);
    }
}
