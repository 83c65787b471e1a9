//! A table of sales, as CSV: those that were, and those that are to come.

use std::fmt::Write;
use std::ops::Range;

use csv::{ErrorKind, Position, ReaderBuilder, StringRecord, Trim};

use super::{Demand, Past, backtest, median};
use crate::scenario::problem::Problem;

/// The columns that it must have; others may stand beside them.
const COLUMNS: [&str; 5] = ["sale", "organizer", "exposure", "peek", "peak"];
/// From how many earlier sales on it is said how far forecasts of them were off.
const BACKTEST_MIN: usize = 10;

/// How the columns of a forecast are to be read.
const READING: &str = "
expected: as likely more as less, by earlier sales alone · by the peek: likewise, with who looked before
9 of 10 at, 19 of 20 at: so many sales stay below it · credibility: how much of the organizer's own sales
counts, from 0 (a new one, or all are alike) to 1
";

/// A sale of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it is called.
    pub sale: String,
    /// Whose it is.
    pub organizer: String,
    /// How many could come.
    pub exposure: f64,
    /// What was seen of it a while before; empty where nobody looked.
    pub peek: Option<f64>,
    /// What it was asked for at its peak; empty where it is to come.
    pub peak: Option<f64>,
}

impl Row {
    /// The sale of a line whose columns stand at these places; what is wrong with it is told of its `span`.
    fn of(
        line: &StringRecord,
        places: [usize; 5],
        span: &Range<usize>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        let words = places.map(|place| line.get(place).unwrap_or_default());
        let mut wrong = |column: &str, word: &str, must: &str| {
            let stated = if word.is_empty() { "empty" } else { word };
            let problem = Problem::at(span.clone(), format!("`{column}` is {stated}"));
            problems.push(problem.label(format!("must be {must}")));
        };
        for (column, word) in COLUMNS.iter().zip(words).take(2) {
            if word.is_empty() {
                wrong(column, word, "a name");
            }
        }
        let numbers = [2, 3, 4].map(|column| {
            let (name, word) = (COLUMNS[column], words[column]);
            let value = word.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0);
            if value.is_none() && (name == "exposure" || !word.is_empty()) {
                wrong(name, word, "a number, more than 0");
            }
            value
        });
        let [sale, organizer] = [0, 1].map(|column| words[column].to_owned());
        let [exposure, peek, _] = numbers;
        let row = Self { sale, organizer, exposure: exposure?, peek, peak: numbers[2] };
        (problems.len() == before).then_some(row)
    }

    /// What it teaches, if it was.
    fn past(&self) -> Option<Past> {
        let Self { organizer, exposure, peek, .. } = self.clone();
        Some(Past { organizer, exposure, peek, peak: self.peak? })
    }
}

/// The sales of a table in its order.
///
/// # Errors
/// All that is wrong with it, each with its line.
pub fn read(text: &str) -> Result<Vec<Row>, Vec<Problem>> {
    // Spreadsheets begin a file with a mark of its byte order.
    let body = text.trim_start_matches('\u{feff}');
    let start = text.len() - body.len();
    let line_at = |position: Option<&Position>| {
        let from = position.and_then(|position| usize::try_from(position.byte()).ok());
        let from = (start + from.unwrap_or_default()).min(text.len());
        let line = text.get(from..).unwrap_or_default();
        // What was read before may end behind its last letter, before the end of its line.
        let begun = line.len() - line.trim_start_matches(['\r', '\n']).len();
        let length = line[begun..].find(['\r', '\n']).unwrap_or(line.len() - begun);
        from + begun..from + begun + length
    };
    let unreadable = |error: &csv::Error| {
        let what = match error.kind() {
            ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("{len} value(s) for {expected_len} columns")
            }
            _ => format!("the table cannot be read: {error}"),
        };
        let hint = "every line has a value for each column, if only an empty one; one with a comma stands in quotes";
        Problem::at(line_at(error.position()), what).hint(hint)
    };
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(body.as_bytes());
    let header = reader.headers().map_err(|error| vec![unreadable(&error)])?.clone();
    let places = places(&header, &line_at(None))?;
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for line in reader.records() {
        match line {
            Ok(line) => {
                let span = line_at(line.position());
                rows.extend(Row::of(&line, places, &span, &mut problems));
            }
            Err(error) => problems.push(unreadable(&error)),
        }
    }
    if rows.iter().filter(|row| row.peak.is_some()).count() < 2 && problems.is_empty() {
        let what = "fewer than two sales have a `peak`: there is nothing to learn from";
        problems.push(Problem::nowhere(what));
    }
    if problems.is_empty() { Ok(rows) } else { Err(problems) }
}

/// Where each column stands in the header, which stands at `span`.
fn places(header: &StringRecord, span: &Range<usize>) -> Result<[usize; 5], Vec<Problem>> {
    let (mut places, mut problems) = ([0; 5], Vec::new());
    let hint = format!("the first line of the table names its columns: {}", COLUMNS.join(", "));
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        let mut at = header.iter().enumerate().filter(|(_, name)| *name == column);
        let what = match (at.next(), at.next()) {
            (Some((only, _)), None) => {
                *place = only;
                continue;
            }
            (None, _) => format!("there is no column `{column}`"),
            (_, Some(_)) => format!("two columns are called `{column}`"),
        };
        problems.push(Problem::at(span.clone(), what).hint(hint.clone()));
    }
    if problems.is_empty() { Ok(places) } else { Err(problems) }
}

/// What is foreseen for the sales that are to come, as text.
pub fn text(rows: &[Row]) -> String {
    let past: Vec<Past> = rows.iter().filter_map(Row::past).collect();
    let Some(demand) = Demand::learn(&past) else { return String::new() };
    let mut text = format!("learned from {} sales\n", past.len());
    // Writing into a string cannot fail.
    let to_come: Vec<&Row> = rows.iter().filter(|row| row.peak.is_none()).collect();
    if to_come.is_empty() {
        text.push_str("\nNo sale is to come: leave the `peak` of one empty.\n");
    } else {
        let _ = writeln!(
            text,
            "\n{:<24}{:>12}{:>14}{:>14}{:>14}   credibility",
            "sale", "expected", "by the peek", "9 of 10 at", "19 of 20 at"
        );
    }
    for row in to_come {
        let before = demand.foresee(&row.organizer, row.exposure);
        let best = match row.peek {
            Some(peek) => demand.foresee_by(&row.organizer, row.exposure, peek),
            None => before,
        };
        let by_peek = row.peek.map_or_else(String::new, |_| format!("{:.0}", best.median()));
        let _ = writeln!(
            text,
            "{:<24}{:>12.0}{by_peek:>14}{:>14.0}{:>14.0}   {:.2} of {}",
            row.sale,
            before.median(),
            best.quantile(0.9),
            best.quantile(0.95),
            demand.credibility(&row.organizer),
            row.organizer,
        );
    }
    if rows.iter().any(|row| row.peak.is_none()) {
        text.push_str(READING);
    }
    let misses = backtest(&past, BACKTEST_MIN);
    let before = median(misses.iter().map(|miss| miss.before));
    let by_peek = median(misses.iter().filter_map(|miss| miss.by_peek));
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    if let Some(before) = before {
        let peek =
            by_peek.map_or_else(String::new, |off| format!(", {} by the peek", percent(off)));
        let _ = writeln!(
            text,
            "\nForetold by those before it alone, the last {} of these sales would have been off by {} in the \
             median{peek}.",
            misses.len(),
            percent(before),
        );
    } else {
        let _ = writeln!(
            text,
            "\nToo few sales to say how far such forecasts are off: {} are needed.",
            BACKTEST_MIN + 1
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_with_what_is_not_known_left_empty() {
        let sales = "sale, organizer, note, exposure, peek, peak\n\
                    spring, a, x, 1000, 30, 900\nsummer, b, , 500, , 400\nautumn, a, , 2000, 70,\n";
        let rows = read(sales).unwrap();
        assert_eq!((rows[1].peek, rows[1].peak), (None, Some(400.0)));
        assert_eq!((rows[2].sale.as_str(), rows[2].peak), ("autumn", None));
        let told = text(&rows);
        assert!(told.contains("learned from 2 sales"), "{told}");
        // The closest guess without a peek: two sales with 0.9 and 0.8 of their exposure, √0.72 of 2,000.
        let row = told.lines().find(|line| line.starts_with("autumn")).unwrap();
        assert_eq!(row.split_whitespace().nth(1), Some("1697"), "{told}");
        assert!(told.contains("Too few sales"), "{told}");
    }

    #[test]
    fn a_table_of_a_spreadsheet_and_one_without_a_sale_to_come_are_read() {
        let sales = "\u{feff}sale,organizer,exposure,peek,peak\r\n\"a\nb\",x,1,,5\r\nc,x,1,,5\r\n";
        let rows = read(sales).unwrap();
        assert_eq!(rows[0].sale, "a\nb");
        assert!(text(&rows).contains("No sale is to come"), "{}", text(&rows));
    }

    /// What is told of a text, with the lines that it is told of.
    fn told(text: &str) -> Vec<(String, &str)> {
        let problems = read(text).unwrap_err();
        let line = |problem: &Problem| &text[problem.span.clone().unwrap_or_default()];
        problems.iter().map(|problem| (problem.message.clone(), line(problem))).collect()
    }

    #[test]
    fn all_that_is_wrong_with_a_table_is_told_with_its_line() {
        let columns = told("\u{feff}sale,exposure,exposure\nx,1,1\n");
        assert_eq!(columns.len(), 4, "{columns:?}");
        let header = "sale,exposure,exposure";
        assert_eq!(columns[0], ("there is no column `organizer`".to_owned(), header));
        assert_eq!(columns[1], ("two columns are called `exposure`".to_owned(), header));
        for end in ["\n", "\r\n"] {
            let lines = [
                "sale,organizer,exposure,peek,peak",
                "z,x,0,-1,5",
                ",x,many,,5",
                "c,x,,,inf",
                "d,x",
            ];
            let expected = [
                ("`exposure` is 0", lines[1]),
                ("`peek` is -1", lines[1]),
                ("`sale` is empty", lines[2]),
                ("`exposure` is many", lines[2]),
                ("`exposure` is empty", lines[3]),
                ("`peak` is inf", lines[3]),
                ("2 value(s) for 5 columns", lines[4]),
            ];
            let text = lines.join(end);
            let expected = expected.map(|(what, line)| (what.to_owned(), line));
            assert_eq!(told(&text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_table_that_teaches_nothing_is_refused() {
        let empty = told("sale,organizer,exposure,peek,peak\nc,x,1,,\n");
        assert!(empty[0].0.contains("nothing to learn from"), "{empty:?}");
        assert_eq!(told("").len(), COLUMNS.len());
    }
}
