//! As many points as a chart has columns: of each column the least and the greatest, so that what lasts three
//! seconds stays visible in a chart of a day.
//!
//! A column of pixels that a line passes through shows nothing but how far up and down it went there (Jugel,
//! Jerzak, Hackenbroich and Markl, "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB 2014).

/// A value and where it stands.
type Point = (f64, f64);

/// The points that a line of so many `columns` needs, of points in the order of the first coordinate.
pub(super) fn thinned(points: &[Point], columns: usize) -> Vec<Point> {
    let columns = columns.max(1);
    if points.len() <= 2 * columns {
        return without_middles(points.iter().copied());
    }
    let together = points.len().div_ceil(columns);
    without_middles(points.chunks(together).flat_map(extremes))
}

/// The least and the greatest of a column, in the order in which they came.
fn extremes(points: &[Point]) -> impl Iterator<Item = Point> + use<> {
    let by_value = |one: &&Point, other: &&Point| one.1.total_cmp(&other.1);
    let least = points.iter().min_by(by_value).copied();
    let greatest = points.iter().max_by(by_value).copied();
    let is_falling = greatest.map(|point| point.0) < least.map(|point| point.0);
    let both = if is_falling { [greatest, least] } else { [least, greatest] };
    both.into_iter().flatten()
}

/// Without the points between two of the same value, which change nothing of a line.
fn without_middles(points: impl Iterator<Item = Point>) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    for point in points {
        if let [.., before, last] = &mut kept[..]
            && is_same(before, last)
            && is_same(last, &point)
        {
            *last = point;
        } else {
            kept.push(point);
        }
    }
    kept
}

fn is_same(one: &Point, other: &Point) -> bool {
    one.1.total_cmp(&other.1).is_eq()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Vec<Point> {
        (0_u32..).map(f64::from).zip(values.iter().copied()).collect()
    }

    #[test]
    fn of_a_day_each_column_keeps_its_least_and_its_greatest_second() {
        let mut day = vec![40.0; 86_400];
        day[30_000..30_003].fill(5_000.0);
        day[70_000] = 0.0;
        let day = of(&day);
        let thin = thinned(&day, 876);
        assert!(thin.len() <= 2 * 876, "{}", thin.len());
        assert!(thin.is_sorted_by(|one, next| one.0 <= next.0));
        let values =
            |value: f64| thin.iter().filter(|point| point.1.total_cmp(&value).is_eq()).count();
        assert!(values(5_000.0) > 0 && values(0.0) == 1);
        let spike = thin.iter().find(|point| point.1 > 40.0).unwrap();
        assert!((30_000.0..30_003.0).contains(&spike.0), "it stands where it was: {spike:?}");
        assert_eq!((thin[0], thin[thin.len() - 1].1), ((0.0, 40.0), 40.0));
    }

    #[test]
    fn what_fits_is_left_as_it_is_but_for_middles() {
        assert_eq!(thinned(&of(&[1.0, 2.0, 2.0, 3.0]), 4), of(&[1.0, 2.0, 2.0, 3.0]));
        assert_eq!(thinned(&of(&[2.0, 2.0, 2.0, 2.0]), 4), [(0.0, 2.0), (3.0, 2.0)]);
        assert!(thinned(&[], 4).is_empty());
    }

    #[test]
    fn what_is_no_number_stops_nobody() {
        let thin = thinned(&of(&[f64::NAN; 100]), 10);
        assert!(thin.len() <= 20);
    }
}
