//! Other people's series: deploys, pushes, scaling events, a cloud's metrics, as files of CSV or JSON
//! lines. Bytes in, rows on the run's own time out; or all that is wrong, each with its place.

mod csv;
mod json;
mod moment;

use std::collections::BTreeSet;
use std::ops::Range;

pub use moment::Calendar;

/// The largest file that is read \[bytes\].
pub const FILE_MAX: usize = 16 << 20;
/// The most rows of a file.
const ROWS_MAX: usize = 100_000;
/// The most series of a file.
const SERIES_MAX: usize = 64;
/// The longest name of a series, and the longest text of an event \[letters\].
const LETTERS_MAX: usize = 200;
/// How many faults are told one by one; of the others, how many there are.
const FAULTS_MAX: usize = 50;

/// One row: a value of a series, an event, or both.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// When, from the run's beginning \[s\].
    pub at_s: f64,
    /// Whose.
    pub series: String,
    /// How much it was.
    pub value: Option<f64>,
    /// What happened.
    pub text: Option<String>,
}

/// All rows of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// In the order of the file.
    pub rows: Vec<Row>,
    /// Columns or keys that mean nothing here.
    pub ignored: BTreeSet<String>,
}

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, as bytes of the file; absent where it is wrong as a whole.
    pub span: Option<Range<usize>>,
    /// What is wrong, as a lower-case fragment that repeats the value.
    pub message: String,
    /// The cure.
    pub hint: String,
}

impl Fault {
    fn at(span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { span: Some(span), message: message.into(), hint: hint.into() }
    }

    fn whole(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { span: None, message: message.into(), hint: hint.into() }
    }
}

/// Reads a file: JSON lines where it begins with a brace, else CSV.
///
/// # Errors
/// All that is wrong with it, in the order of the file.
pub fn read(bytes: &[u8], calendar: &Calendar) -> Result<Sheet, Vec<Fault>> {
    if bytes.len() > FILE_MAX {
        let message = format!("the file has more than {} MiB", FILE_MAX >> 20);
        return Err(vec![Fault::whole(message, THIN_OUT)]);
    }
    let Ok(text) = str::from_utf8(bytes) else {
        return Err(vec![Fault::whole("the file is not UTF-8", "save it as UTF-8")]);
    };
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let from = text.len() - body.len();
    let mut gathered = Gathered::of(text, calendar);
    match body.trim_start().as_bytes().first() {
        None => gathered.wrong(Fault::whole("the file is empty", FIRST_LINE)),
        Some(b'{') => json::read(from, &mut gathered),
        Some(b'[') => gathered.wrong(Fault::whole(
            "the file is one JSON array",
            "write an object on each line, as `jq -c '.[]'` does",
        )),
        Some(_) => csv::read(from, &mut gathered),
    }
    gathered.end()
}

/// What a file is thinned out for.
const THIN_OUT: &str = "a value per second is more than a report can show";
/// What the first line of CSV looks like.
const FIRST_LINE: &str = "the first line names the columns: `time,series,value,text`, or `time` and one \
                          column for each series";

/// What is read of a row before it is understood.
#[derive(Clone, Debug)]
struct Cells<'a> {
    /// Its whole line.
    line: Range<usize>,
    time: &'a str,
    series: &'a str,
    value: Option<&'a str>,
    text: Option<&'a str>,
}

/// What was read so far.
#[derive(Debug)]
struct Gathered<'a> {
    /// The whole file.
    text: &'a str,
    calendar: &'a Calendar,
    sheet: Sheet,
    names: BTreeSet<String>,
    faults: Vec<Fault>,
    further_faults: usize,
}

impl<'a> Gathered<'a> {
    fn of(text: &'a str, calendar: &'a Calendar) -> Self {
        Self {
            text,
            calendar,
            sheet: Sheet::default(),
            names: BTreeSet::new(),
            faults: Vec::new(),
            further_faults: 0,
        }
    }

    fn wrong(&mut self, fault: Fault) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        } else {
            self.further_faults += 1;
        }
    }

    /// Where `cell` stands in `line`; the whole line where it is not there as it was read.
    fn place(&self, line: &Range<usize>, cell: &str) -> Range<usize> {
        match self.text[line.clone()].find(cell) {
            Some(from) if !cell.is_empty() => line.start + from..line.start + from + cell.len(),
            _ => line.clone(),
        }
    }

    /// Whether there is room for another row; that there is none is told once.
    fn has_room(&mut self) -> bool {
        let has_room = self.sheet.rows.len() < ROWS_MAX;
        if !has_room {
            let message = format!("the file has more than {ROWS_MAX} rows");
            self.faults.insert(0, Fault::whole(message, THIN_OUT));
        }
        has_room
    }

    /// Takes a row, or tells what is wrong with it.
    fn row(&mut self, cells: &Cells<'_>) {
        let before = self.faults.len() + self.further_faults;
        let at_s = self.calendar.place(cells.time).unwrap_or_else(|(message, hint)| {
            self.wrong(Fault::at(self.place(&cells.line, cells.time), message, hint));
            0.0
        });
        self.check_letters(cells, "series", cells.series);
        let value = cells.value.and_then(|cell| self.number(cells, cell));
        if let Some(text) = cells.text {
            self.check_letters(cells, "text", text);
        }
        if cells.value.is_none() && cells.text.is_none() {
            let message = "the row has neither a value nor a text";
            let hint = "a value is a number, a text says what happened";
            self.wrong(Fault::at(cells.line.clone(), message, hint));
        }
        if self.faults.len() + self.further_faults == before && self.is_known(cells) {
            let text = cells.text.map(str::to_owned);
            self.sheet.rows.push(Row { at_s, series: cells.series.to_owned(), value, text });
        }
    }

    fn number(&mut self, cells: &Cells<'_>, cell: &str) -> Option<f64> {
        let number = cell.parse().ok().filter(|number: &f64| number.is_finite());
        if number.is_none() {
            let message = format!("the value {cell:?} is no number");
            let hint =
                "write 1234.5: no unit, no separators (Grafana: switch off \"Formatted data\")";
            self.wrong(Fault::at(self.place(&cells.line, cell), message, hint));
        }
        number
    }

    fn check_letters(&mut self, cells: &Cells<'_>, what: &str, text: &str) {
        let letters = text.chars().count();
        if (1..=LETTERS_MAX).contains(&letters) {
            return;
        }
        let message = if letters == 0 {
            format!("the row has no {what}")
        } else {
            format!("the {what} has {letters} letters")
        };
        let hint = format!("1 to {LETTERS_MAX} letters");
        self.wrong(Fault::at(self.place(&cells.line, text), message, hint));
    }

    /// Whether the row's series is one of those that there is room for.
    fn is_known(&mut self, cells: &Cells<'_>) -> bool {
        if self.names.contains(cells.series) {
            return true;
        }
        if self.names.len() >= SERIES_MAX {
            let message = format!("{:?} is one series too many", cells.series);
            let hint = format!("a file has {SERIES_MAX} at most: leave out those that say nothing");
            self.wrong(Fault::at(self.place(&cells.line, cells.series), message, hint));
            return false;
        }
        self.names.insert(cells.series.to_owned())
    }

    fn end(mut self) -> Result<Sheet, Vec<Fault>> {
        if self.further_faults > 0 {
            let message = format!("{} more are wrong", self.further_faults);
            self.faults.push(Fault::whole(message, "mend those that are told first"));
        }
        if self.faults.is_empty() && self.sheet.rows.is_empty() {
            self.faults.push(Fault::whole("the file has no rows", FIRST_LINE));
        }
        if self.faults.is_empty() { Ok(self.sheet) } else { Err(self.faults) }
    }
}

#[cfg(test)]
mod tests;
