//! Figures: medians of rounds, and the bounds they are held to.

use std::fmt;

/// How a figure is written.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// As a multiple of the peer's.
    Times,
    /// In megabytes of 1,000,000 bytes.
    Megabytes,
    /// In milliseconds.
    Milliseconds,
    /// In seconds.
    Seconds,
    /// In requests per second.
    PerSecond,
    /// In percent.
    Percent,
}

/// On which side of it a figure must lie.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    /// Not above.
    AtMost(f64),
    /// Not below.
    AtLeast(f64),
}

/// One line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What is measured, against what.
    pub(crate) what: String,
    pub(crate) unit: Unit,
    pub(crate) must: Bound,
    pub(crate) aim: Option<Bound>,
    /// One figure per round; empty when nothing could be measured, and then `note` says why.
    pub(crate) rounds: Vec<f64>,
    /// The figures behind the figure.
    pub(crate) note: String,
    /// Why the figure does not count, if it does not.
    pub(crate) spoilt: Option<String>,
}

impl Row {
    /// A row before it is measured.
    pub(crate) fn new(what: &str, unit: Unit, must: Bound, aim: Option<Bound>) -> Self {
        let what = what.to_owned();
        Self { what, unit, must, aim, rounds: Vec::new(), note: String::new(), spoilt: None }
    }

    /// The figure that counts: the median of the rounds.
    pub(crate) fn figure(&self) -> Option<f64> {
        median(&self.rounds)
    }

    /// The row's cells: what, must, aim, measured, rounds, kept, behind it.
    pub(crate) fn cells(&self) -> [String; 7] {
        let unit = self.unit;
        let measured = self.figure().map_or_else(
            || "not measured".to_owned(),
            |figure| {
                let (least, most) = range(&self.rounds);
                let spread = format!(" [{}-{}]", unit.bare(least), unit.bare(most));
                format!("{}{}", unit.of(figure), if self.rounds.len() > 1 { &spread } else { "" })
            },
        );
        [
            self.what.clone(),
            unit.of(self.must.value()),
            self.aim.map_or_else(String::new, |aim| unit.of(aim.value())),
            measured,
            self.rounds.len().to_string(),
            self.kept().to_owned(),
            [Some(&self.note), self.spoilt.as_ref()]
                .into_iter()
                .flatten()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(": ")
                .replace('\n', "; "),
        ]
    }

    fn kept(&self) -> &'static str {
        match self.figure() {
            None => "not measured",
            Some(_) if self.spoilt.is_some() => "NOT kept",
            Some(figure) if self.aim.is_some_and(|aim| aim.holds(figure)) => "aim kept",
            Some(figure) if self.must.holds(figure) => "kept",
            Some(_) => "NOT kept",
        }
    }
}

impl Bound {
    /// Whether `figure` lies on the right side.
    pub(crate) fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtMost(bound) => figure <= bound,
            Self::AtLeast(bound) => figure >= bound,
        }
    }

    const fn value(self) -> f64 {
        match self {
            Self::AtMost(bound) | Self::AtLeast(bound) => bound,
        }
    }
}

impl Unit {
    /// `figure` with its unit.
    pub(crate) fn of(self, figure: f64) -> String {
        let bare = self.bare(figure);
        match self {
            Self::Times => format!("{bare}x"),
            Self::Megabytes => format!("{bare} MB"),
            Self::Milliseconds => format!("{bare} ms"),
            Self::Seconds => format!("{bare} s"),
            Self::PerSecond => format!("{bare}/s"),
            Self::Percent => format!("{bare} %"),
        }
    }

    fn bare(self, figure: f64) -> String {
        match self {
            Self::Times | Self::Milliseconds | Self::Seconds => format!("{figure:.2}"),
            Self::Megabytes | Self::Percent => format!("{figure:.1}"),
            Self::PerSecond => format!("{figure:.0}"),
        }
    }
}

/// The middle of `figures`, or between the two middle ones; none of no figures.
pub(crate) fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

/// The least and the most of `figures`.
fn range(figures: &[f64]) -> (f64, f64) {
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    (least, figures.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// Ratios within each round: the noise of a shared machine moves both figures of a round alike.
pub(crate) fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
}

/// Rows and their heads, as Markdown that is also pleasant on a terminal.
pub(crate) struct Table<'rows> {
    pub(crate) head: &'rows [&'rows str],
    pub(crate) rows: Vec<Vec<String>>,
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([self.head[column].len(), 3]).max().unwrap_or(3)
        };
        let line = |out: &mut fmt::Formatter<'_>, cells: &mut dyn Iterator<Item = &str>| {
            for (column, cell) in cells.enumerate() {
                write!(out, "| {cell:<width$} ", width = width(column))?;
            }
            writeln!(out, "|")
        };
        line(out, &mut self.head.iter().copied())?;
        let rules: Vec<String> = (0..self.head.len()).map(|n| "-".repeat(width(n))).collect();
        line(out, &mut rules.iter().map(String::as_str))?;
        for row in &self.rows {
            line(out, &mut row.iter().map(String::as_str))?;
        }
        Ok(())
    }
}
