//! Reads evidence back. Files are opened elsewhere; here are readers, so that a recorded run, a
//! fresh one and a test are read by the same lines.

use std::io::{self, BufRead};

use domain::shop::Catalogue;
use serde::de::DeserializeOwned;

use crate::evidence::{Ending, Evidence, PurchaseLine};

/// A file of a run could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The medium failed.
    #[error("read {file}")]
    Io {
        /// Which file.
        file: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line is not what it should be.
    #[error("read {file} line {line}\nhint: the file was written by another version, or edited")]
    Line {
        /// Which file.
        file: &'static str,
        /// Which line, from 1.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A line of the interval log is not what it should be.
    #[error("read {file} line {line}: {what}")]
    Interval {
        /// Which file.
        file: &'static str,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
}

/// The open files of a run. Absent are those that were not written: a killed run has no ending
/// and no ledgers.
pub struct Files<'a> {
    /// `latency.hlog`.
    pub latency: Box<dyn BufRead + 'a>,
    /// `timeline.jsonl`.
    pub timeline: Box<dyn BufRead + 'a>,
    /// `purchases.jsonl`.
    pub purchases: Box<dyn BufRead + 'a>,
    /// `snapshots.jsonl`.
    pub snapshots: Box<dyn BufRead + 'a>,
    /// `ledger-shop.jsonl`.
    pub shop: Option<Box<dyn BufRead + 'a>>,
    /// `ledger-provider.jsonl`.
    pub provider: Option<Box<dyn BufRead + 'a>>,
    /// `ending.json`.
    pub ending: Option<Box<dyn BufRead + 'a>>,
}

/// Reads a file of one JSON value per line.
///
/// The last line of a killed run may be cut short; it is left out.
///
/// # Errors
/// When the medium fails, or a line (other than a last one without its end) is not a `T`.
pub fn json_lines<T: DeserializeOwned>(
    reader: impl BufRead,
    file: &'static str,
) -> Result<Vec<T>, ReadError> {
    lines(reader, file, LastLine::MayBeTorn)
}

/// Reads a file of one JSON value per line that was written to its end.
///
/// # Errors
/// When the medium fails, or a line is not a `T`.
fn whole_json_lines<T: DeserializeOwned>(
    reader: impl BufRead,
    file: &'static str,
) -> Result<Vec<T>, ReadError> {
    lines(reader, file, LastLine::IsWhole)
}

/// What a file's last line may be.
#[derive(Copy, Clone, PartialEq, Eq)]
enum LastLine {
    MayBeTorn,
    IsWhole,
}

fn lines<T: DeserializeOwned>(
    mut reader: impl BufRead,
    file: &'static str,
    last: LastLine,
) -> Result<Vec<T>, ReadError> {
    let mut values = Vec::new();
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        let length =
            reader.read_until(b'\n', &mut text).map_err(|source| ReadError::Io { file, source })?;
        if length == 0 {
            break;
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice(&text) {
            Ok(value) => values.push(value),
            Err(_) if last == LastLine::MayBeTorn && text.last() != Some(&b'\n') => break,
            Err(source) => return Err(ReadError::Line { file, line, source }),
        }
    }
    Ok(values)
}

/// Reads `ending.json`.
///
/// # Errors
/// When the medium fails, or the file is not an [`Ending`].
pub fn ending(reader: impl BufRead) -> Result<Ending, ReadError> {
    const FILE: &str = "ending.json";
    serde_json::from_reader(reader).map_err(|source| {
        let line = source.line();
        ReadError::Line { file: FILE, line, source }
    })
}

/// Whether a run reached its end.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It did, and said how.
    Whole,
    /// It was killed: what there is, is all there is.
    Partial,
}

/// Reads everything but times and counts, which `measure` reads.
///
/// A partial run gets an ending of its own: not drained, ended when the last fan was seen; and it
/// has no ledgers, for they are fetched at the end. A ledger that cannot be read whole is absent,
/// and the ending says why: what it lacks must not look like the shop's fault. What a foreign shop
/// had at the opening stands in the catalogue in place of what its scenario says.
///
/// # Errors
/// As [`json_lines`] and [`ending`], of all but the ledgers.
pub fn evidence(
    catalogue: Catalogue,
    files: &mut Files<'_>,
) -> Result<(Evidence, Completeness), ReadError> {
    let mut evidence = Evidence {
        catalogue,
        purchases: json_lines(&mut files.purchases, "purchases.jsonl")?,
        snapshots: json_lines(&mut files.snapshots, "snapshots.jsonl")?,
        shop: None,
        provider: None,
        ending: Ending::default(),
    };
    let Some(reader) = &mut files.ending else {
        evidence.ending = evidence.partial_ending();
        return Ok((evidence, Completeness::Partial));
    };
    let mut ending = ending(reader)?;
    evidence.shop = ledger(files.shop.as_mut(), "shop", "ledger-shop.jsonl", &mut ending);
    let provider = files.provider.as_mut();
    evidence.provider = ledger(provider, "provider", "ledger-provider.jsonl", &mut ending);
    if let Some(ledgers) = &ending.ledgers {
        ledgers.apply(&mut evidence.catalogue);
    }
    evidence.ending = ending;
    Ok((evidence, Completeness::Whole))
}

/// The whole ledger of `name`, or none, and then `ending` knows why.
fn ledger<T: DeserializeOwned>(
    reader: Option<impl BufRead>,
    name: &str,
    file: &'static str,
    ending: &mut Ending,
) -> Option<Vec<T>> {
    if ending.why_lacking(name).is_some() {
        return None;
    }
    let why = match reader.map(|reader| whole_json_lines(reader, file)) {
        Some(Ok(lines)) => return Some(lines),
        Some(Err(error)) => told(&error),
        None => format!("{file} is missing"),
    };
    ending.unreadable.push(format!("{name}: {why}"));
    None
}

/// An error in one line, without what to do about it.
fn told(error: &ReadError) -> String {
    match error {
        ReadError::Io { file, source } => format!("{file}: {source}"),
        ReadError::Line { file, line, source } => format!("{file} line {line}: {source}"),
        ReadError::Interval { file, line, what } => format!("{file} line {line}: {what}"),
    }
}

impl Evidence {
    /// The ending of a run that did not write one: when something was last seen.
    fn partial_ending(&self) -> Ending {
        let client = self.purchases.iter().map(PurchaseLine::at);
        let shop = self.snapshots.iter().map(|snapshot| snapshot.at);
        let last = client.chain(shop).max().unwrap_or_default();
        Ending { load_ended: last, judged: last, ..Ending::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::shop::ShopSnapshot;

    const LINE: &str =
        r#"{"at":5,"edge":1,"origin":1,"payment":0,"pending":0,"items":{},"slots":{}}"#;

    #[test]
    fn the_torn_last_line_of_a_killed_run_is_left_out() {
        let text = format!("{LINE}\n{LINE}\n{}", &LINE[..20]);
        let read: Vec<ShopSnapshot> = json_lines(text.as_bytes(), "snapshots.jsonl").unwrap();
        assert_eq!(read.len(), 2);
    }

    #[test]
    fn a_torn_line_in_the_middle_is_an_error_that_names_it() {
        let text = format!("{LINE}\n{}\n{LINE}\n", &LINE[..20]);
        let error =
            json_lines::<ShopSnapshot>(text.as_bytes(), "snapshots.jsonl").unwrap_err().to_string();
        assert!(error.starts_with("read snapshots.jsonl line 2"), "{error}");
    }

    #[test]
    fn a_last_line_without_its_end_counts_if_it_is_whole() {
        let read: Vec<ShopSnapshot> = json_lines(LINE.as_bytes(), "snapshots.jsonl").unwrap();
        assert_eq!(read.len(), 1);
    }
}
