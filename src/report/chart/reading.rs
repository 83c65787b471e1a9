//! What a chart tells the mouse: the values that its lines stand for, as the page's script reads them.

use serde::Serialize;

use super::thin::thinned;

/// The values of a panel.
#[derive(Debug, Serialize)]
pub(super) struct Reading {
    /// The panel's left, upper, right and lower edge \[dots\].
    frame: [i32; 4],
    /// What stands at its left and at its right edge.
    across: (f64, f64),
    axis: Axis,
    lines: Vec<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grid: Option<Grid>,
}

/// What a panel's horizontal axis counts.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Axis {
    /// Seconds from the opening.
    Opening,
    /// Seconds from the run's beginning.
    Beginning,
    /// Minutes from the run's beginning.
    Minutes,
    /// Hours from the run's beginning.
    Hours,
    /// Days from the run's beginning.
    Days,
    /// How many nines a quantile has.
    Nines,
}

/// What a value is, for the script to write it as the rest of the page does.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    /// A whole number.
    Count,
    /// So many per second.
    Rate,
    /// A ratio, shown in percent.
    Share,
    /// A length of time \[ms\].
    Milliseconds,
    /// Somebody else's value, whose unit nobody knows.
    Value,
}

/// The values of a line, each of which holds until the next.
#[derive(Debug, Serialize)]
struct Line {
    name: String,
    unit: Unit,
    /// Whether there are more values than pixels: then two pixels have their least and their greatest.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    thinned: bool,
    at: Vec<f64>,
    values: Vec<f64>,
}

/// The cells of a heat map.
#[derive(Debug, Serialize)]
pub(super) struct Grid {
    /// Whose times they are.
    pub(super) name: String,
    /// How wide a column is, in what the axis counts.
    pub(super) step: f64,
    /// What each row stands for, from below: `100 ms to 158 ms`.
    pub(super) rows: Vec<String>,
    /// Those that hold something.
    pub(super) columns: Vec<GridColumn>,
}

/// A column of a heat map.
#[derive(Debug, Serialize)]
pub(super) struct GridColumn {
    /// Where it begins.
    pub(super) at: f64,
    /// The row of its first count.
    pub(super) row: u32,
    /// How many, row by row.
    pub(super) counts: Vec<u64>,
}

impl Reading {
    /// A panel of which nothing is known yet: its edges \[dots\], and what stands at the left and the right one.
    pub(super) fn of(frame: [i32; 4], across: (f64, f64), axis: Axis) -> Self {
        Self { frame, across, axis, lines: Vec::new(), grid: None }
    }

    /// Adds a line: moments or quantiles, and values; as many as so many `columns` want.
    pub(super) fn line(&mut self, name: &str, unit: Unit, points: &[(f64, f64)], columns: usize) {
        let is_number = |(at, value): &&(f64, f64)| at.is_finite() && value.is_finite();
        let points: Vec<(f64, f64)> = points.iter().filter(is_number).copied().collect();
        let thin = thinned(&points, columns);
        let rounded = |value: f64| (value * 1e4).round() / 1e4;
        self.lines.push(Line {
            name: name.to_owned(),
            unit,
            thinned: points.len() > 2 * columns,
            at: thin.iter().map(|point| rounded(point.0)).collect(),
            values: thin.iter().map(|point| rounded(point.1)).collect(),
        });
    }

    /// The same of a heat map.
    pub(super) fn with(self, grid: Grid) -> Self {
        Self { grid: Some(grid), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_what_the_script_expects() {
        let mut reading = Reading::of([20, 40, 60, 80], (-1.0, 2.0), Axis::Opening);
        let points = [(-1.0, 0.5), (0.000_04, f64::NAN), (1.0, 0.25)];
        reading.line("a \"line\"", Unit::Share, &points, 10);
        let json = serde_json::to_string(&reading).unwrap();
        assert_eq!(
            json,
            "{\"frame\":[20,40,60,80],\"across\":[-1.0,2.0],\"axis\":\"opening\",\"lines\":[{\"name\":\
             \"a \\\"line\\\"\",\"unit\":\"share\",\"at\":[-1.0,1.0],\"values\":[0.5,0.25]}]}"
        );
        let many: Vec<(f64, f64)> = (0..100).map(|at| (f64::from(at), f64::from(at % 7))).collect();
        reading.line("many", Unit::Count, &many, 10);
        assert!(reading.lines[1].thinned && reading.lines[1].at.len() <= 20);
    }
}
