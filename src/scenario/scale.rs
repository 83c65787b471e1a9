//! Scaling: people, stock, slots, limiter rates and bursts, and admission; never times, per-fan
//! numbers, pools or times to live. Of a foreign shop nothing scales but its visitors.

use crate::scenario::Scenario;

/// Multiplies all that scales by `scale`.
pub(super) fn scale(scenario: &mut Scenario, scale: f64) {
    scenario.scale = scale;
    if (scale - 1.0).abs() < f64::EPSILON {
        return;
    }
    apportion(scenario.populations.iter_mut().map(|people| &mut people.count).collect(), scale);
    apportion(scenario.devices.iter_mut().map(|devices| &mut devices.count).collect(), scale);
    let doors = scenario.rooms.iter_mut().filter_map(|rooms| rooms.doors.as_mut());
    apportion(doors.map(|doors| &mut doors.visitors).collect(), scale);
    for rooms in &mut scenario.rooms {
        rooms.openings_per_s *= scale;
    }
    if scenario.target.is_some() {
        // A foreign shop has the stock and the limits that it has.
        return;
    }
    for sale in &mut scenario.catalogue.sales {
        apportion(sale.items.iter_mut().map(|item| &mut item.stock).collect(), scale);
        apportion(sale.slots.iter_mut().map(|slot| &mut slot.capacity).collect(), scale);
    }
    if let Some(admission) = &mut scenario.shop.admission {
        admission.scale(scale);
    }
    if let Some(worker) = &mut scenario.shop.worker {
        worker.calls_per_second *= scale;
    }
    scenario.provider = scenario.provider.scaled(scale);
}

/// How many people populations of these `counts` are at `scale`.
pub(super) fn people(counts: impl Iterator<Item = u32>, scale: f64) -> u64 {
    let exact: Vec<f64> = counts.map(|count| f64::from(count) * scale).collect();
    largest_remainder(&exact).into_iter().map(u64::from).sum()
}

/// Multiplies the counts of one group by `scale` with largest-remainder rounding (Hamilton's
/// method): their sum is the scaled sum, rounded. Nothing that was there becomes 0, and each count
/// is within 1 of its exact share unless that lifts it to 1 or pays for another's lift.
fn apportion(counts: Vec<&mut u32>, scale: f64) {
    let exact: Vec<f64> = counts.iter().map(|count| f64::from(**count) * scale).collect();
    let scaled = largest_remainder(&exact);
    for (count, scaled) in counts.into_iter().zip(scaled) {
        *count = scaled;
    }
}

/// Whole numbers near `exact`, with its rounded sum; what is more than 0 stays at least 1. Ties go
/// to the first.
fn largest_remainder(exact: &[f64]) -> Vec<u32> {
    let whole = |value: f64| -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts of at most 20 million, times at most 100"
        )]
        {
            value as u64
        }
    };
    let target = whole(exact.iter().sum::<f64>().round());
    let mut shares: Vec<u64> =
        exact.iter().map(|value| whole(value.floor()).max(u64::from(*value > 0.0))).collect();
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by(|a, b| {
        (exact[*b] - exact[*b].floor()).total_cmp(&(exact[*a] - exact[*a].floor()))
    });
    let sum = |shares: &[u64]| shares.iter().sum::<u64>();
    // Those that were lifted to 1 have had their share already.
    for place in order.iter().filter(|place| exact[**place] >= 1.0) {
        if sum(&shares) < target {
            shares[*place] += 1;
        }
    }
    // The lifted ones are paid for by the largest.
    while sum(&shares) > target {
        let largest = (0..shares.len()).rev().max_by_key(|place| shares[*place]);
        match largest.filter(|place| shares[*place] > 1) {
            Some(place) => shares[place] -= 1,
            None => break,
        }
    }
    shares.into_iter().map(|share| u32::try_from(share).expect("a scaled count fits")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_largest_remainders_get_what_is_left() {
        assert_eq!(largest_remainder(&[1.5, 2.25, 3.25]), [2, 2, 3]);
        assert_eq!(largest_remainder(&[0.1, 0.1, 9.8]), [1, 1, 8]);
        assert_eq!(largest_remainder(&[0.4]), [1]);
        assert_eq!(largest_remainder(&[0.0, 2.0]), [0, 2]);
    }

    proptest! {
        #[test]
        fn the_sum_is_met_and_nothing_vanishes(
            counts in proptest::collection::vec(0_u32..5_000, 1..64),
            scale in 0.001_f64..3.0,
        ) {
            let exact: Vec<f64> = counts.iter().map(|count| f64::from(*count) * scale).collect();
            let scaled = largest_remainder(&exact);
            let sum: u64 = scaled.iter().map(|count| u64::from(*count)).sum();
            let present = counts.iter().filter(|count| **count > 0).count() as f64;
            prop_assert!((sum as f64 - exact.iter().sum::<f64>().round().max(present)).abs() < 0.5);
            for (count, scaled) in counts.iter().zip(&scaled) {
                prop_assert_eq!(*count == 0, *scaled == 0);
            }
            if exact.iter().all(|value| *value >= 1.0 || *value == 0.0) {
                for (exact, scaled) in exact.iter().zip(&scaled) {
                    prop_assert!((f64::from(*scaled) - exact).abs() < 1.0 + 1e-9);
                }
            }
        }
    }
}
