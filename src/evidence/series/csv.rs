//! CSV: a row for each value or event, or, as Grafana exports series joined by time, a column for each
//! series.

use std::ops::Range;

use ::csv::{ByteRecord, ReaderBuilder, StringRecord, Trim};

use super::{Cells, FIRST_LINE, Fault, Gathered};

/// What stands for the time.
const TIME: [&str; 2] = ["time", "timestamp"];
/// What an empty place of a wide file may say.
const NOTHING: [&str; 4] = ["", "null", "NaN", "undefined"];

/// Where the columns of a file with a row for each value are.
#[derive(Copy, Clone, Debug)]
struct Long {
    time: usize,
    series: usize,
    value: Option<usize>,
    text: Option<usize>,
}

/// Reads what begins at `from`.
pub(super) fn read(from: usize, gathered: &mut Gathered<'_>) {
    let text = gathered.text;
    let from = from + excels_word(&text[from..]);
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .delimiter(delimiter(&text[from..]))
        .trim(Trim::All)
        .from_reader(&text.as_bytes()[from..]);
    let mut record = ByteRecord::new();
    let mut columns: Option<Columns> = None;
    loop {
        let begins = from + usize::try_from(reader.position().byte()).unwrap_or(usize::MAX - from);
        match reader.read_byte_record(&mut record) {
            Ok(false) => return,
            Ok(true) => {}
            Err(error) => {
                let message = format!("the file cannot be read as CSV: {error}");
                return gathered.wrong(Fault::whole(message, FIRST_LINE));
            }
        }
        let Ok(row) = StringRecord::from_byte_record(record.clone()) else { continue };
        let line = line(text, begins);
        match &columns {
            None => match Columns::of(&row, &line, gathered) {
                Some(found) => columns = Some(found),
                None => return,
            },
            Some(_) if !gathered.has_room() => return,
            Some(columns) => columns.take(&row, line, gathered),
        }
    }
}

/// `sep=,`, which Excel wants before everything else.
fn excels_word(text: &str) -> usize {
    match text.split_inclusive('\n').next() {
        Some(first) if first.starts_with("sep=") => first.len(),
        _ => 0,
    }
}

/// What stands most often in the first line.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |wanted: u8| first.bytes().filter(|byte| *byte == wanted).count();
    [b'\t', b';', b','].into_iter().max_by_key(|wanted| count(*wanted)).unwrap_or(b',')
}

/// The line in which a record begins; a reader counts the end of the line before as its own.
fn line(text: &str, begins: usize) -> Range<usize> {
    let begins = begins.min(text.len());
    let rest = &text[begins..];
    let start = begins + rest.len() - rest.trim_start_matches(['\r', '\n']).len();
    let length = text[start..].find(['\r', '\n']).unwrap_or(text.len() - start);
    start..start + length
}

/// What the columns mean.
#[derive(Debug)]
enum Columns {
    Long(Long, usize),
    /// The time's column, and the names of all.
    Wide(usize, Vec<String>),
}

impl Columns {
    fn of(header: &StringRecord, line: &Range<usize>, gathered: &mut Gathered<'_>) -> Option<Self> {
        let find = |names: &[&str]| {
            let is_one = |cell: &str| names.iter().any(|name| cell.eq_ignore_ascii_case(name));
            header.iter().position(is_one)
        };
        let Some(time) = find(&TIME) else {
            let fault = Fault::at(line.clone(), "no column is called `time`", FIRST_LINE);
            gathered.wrong(fault);
            return None;
        };
        let (value, text) = (find(&["value"]), find(&["text"]));
        let Some(series) = find(&["series"]) else {
            return Self::wide(time, text.is_some(), header, line, gathered);
        };
        if value.is_none() && text.is_none() {
            let message = "there is neither a column `value` nor a column `text`";
            gathered.wrong(Fault::at(line.clone(), message, FIRST_LINE));
            return None;
        }
        let known = [Some(time), Some(series), value, text];
        let others = header.iter().enumerate().filter(|(place, _)| !known.contains(&Some(*place)));
        gathered.sheet.ignored.extend(others.map(|(_, name)| name.to_owned()));
        Some(Self::Long(Long { time, series, value, text }, header.len()))
    }

    fn wide(
        time: usize,
        has_text: bool,
        header: &StringRecord,
        line: &Range<usize>,
        gathered: &mut Gathered<'_>,
    ) -> Option<Self> {
        let message = if has_text {
            "no column `series` says whose the texts are"
        } else if header.len() < 2 {
            "there is no column beside the time"
        } else {
            return Some(Self::Wide(time, header.iter().map(str::to_owned).collect()));
        };
        gathered.wrong(Fault::at(line.clone(), message, FIRST_LINE));
        None
    }

    fn take(&self, row: &StringRecord, line: Range<usize>, gathered: &mut Gathered<'_>) {
        let columns = match self {
            Self::Long(_, columns) => *columns,
            Self::Wide(_, names) => names.len(),
        };
        if row.len() != columns {
            let message = format!("the row has {} values for {columns} columns", row.len());
            let hint = "each row has as many as the first line; one with a comma stands in quotes";
            return gathered.wrong(Fault::at(line, message, hint));
        }
        let cell = |place: usize| row.get(place).unwrap_or_default();
        match self {
            Self::Long(long, _) => {
                let filled = |place: Option<usize>| place.map(cell).filter(|cell| !cell.is_empty());
                gathered.row(&Cells {
                    line,
                    time: cell(long.time),
                    series: cell(long.series),
                    value: filled(long.value),
                    text: filled(long.text),
                });
            }
            Self::Wide(time, names) => {
                for (place, series) in names.iter().enumerate().filter(|(place, _)| place != time) {
                    if NOTHING.contains(&cell(place)) {
                        continue;
                    }
                    gathered.row(&Cells {
                        line: line.clone(),
                        time: cell(*time),
                        series,
                        value: Some(cell(place)),
                        text: None,
                    });
                }
            }
        }
    }
}
