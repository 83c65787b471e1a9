//! `[target] data`: a CSV file with a row for each fan.

use crate::scenario::check::{COUNT_MAX, Checker, Setting, step};
use crate::scenario::place::Place;
use crate::scenario::target::Data;

/// The most columns: beyond what anybody types into a form.
const COLUMNS_MAX: usize = 256;

/// The rows of `file`; absent where they cannot be read.
pub(super) fn data(
    checker: &mut Checker,
    file: &str,
    here: Place<'_>,
    setting: Setting<'_>,
) -> Option<Data> {
    if setting.surroundings.are_gone() {
        return None;
    }
    let text = match (setting.surroundings.read)(file) {
        Ok(text) => text,
        Err(error) => {
            checker.wrong(here, format!("the data `{file}` cannot be read: {error}"));
            return None;
        }
    };
    let before = checker.problems.len();
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::Headers)
        .from_reader(text.strip_prefix('\u{feff}').unwrap_or(&text).as_bytes());
    let columns: Vec<String> = match reader.headers() {
        Ok(names) => names.iter().map(str::to_owned).collect(),
        Err(error) => {
            unreadable(checker, file, here, &error);
            return None;
        }
    };
    check_columns(checker, file, &columns, here);
    let mut rows = Vec::new();
    for row in reader.into_records() {
        match row {
            Ok(row) if rows.len() < COUNT_MAX as usize => {
                rows.push(row.iter().map(str::to_owned).collect());
            }
            Ok(_) => {
                let message = format!("the data `{file}` has more than {COUNT_MAX} rows");
                checker.wrong(here, message);
                break;
            }
            Err(error) => {
                unreadable(checker, file, here, &error);
                break;
            }
        }
    }
    let whole = checker.problems.len() == before;
    whole.then(|| Data { file: file.to_owned(), columns, rows })
}

/// What the reader says, without what stands in the file: that may be somebody's password.
fn unreadable(checker: &mut Checker, file: &str, here: Place<'_>, error: &csv::Error) {
    let line = error.position().map_or(0, csv::Position::line);
    let why = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} values for {expected_len} columns")
        }
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
        _ => "cannot be read".to_owned(),
    };
    checker
        .wrong(here, format!("the data `{file}` cannot be used: line {line} {why}"))
        .advise("every line has a value for each column; one with a comma stands in quotes");
}

fn check_columns(checker: &mut Checker, file: &str, columns: &[String], here: Place<'_>) {
    if columns.is_empty() || columns.len() > COLUMNS_MAX {
        let count = columns.len();
        checker
            .wrong(here, format!("the data `{file}` has {count} columns"))
            .mark(format!("must be 1 to {COLUMNS_MAX}, named in its first line"));
    }
    for (number, column) in columns.iter().enumerate() {
        let why = match step::why_no_name(column) {
            Some(why) => why,
            None if columns[..number].contains(column) => "stands there twice",
            None => continue,
        };
        checker.wrong(here, format!("column {} of `{file}`, {column:?}, {why}", number + 1));
    }
}
