//! Reads evidence back. Files are opened elsewhere; here are readers, so that a recorded run, a
//! fresh one and a test are read by the same lines.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead};

use domain::provider::PaymentLine;
use domain::shop::{Catalogue, ShopLine};
use domain::time::Time;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::evidence::ledgers::{AtOpening, Ledgers};
use crate::evidence::{Ending, Evidence, PurchaseLine, Scratch};

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
    /// `opening.json`, of a run of a foreign shop.
    pub opening: Option<Box<dyn BufRead + 'a>>,
    /// `cut-short.json`, of a run that could not be lived to its end.
    pub cut_short: Option<Box<dyn BufRead + 'a>>,
    /// The size of each file of evidence that is there, by its name \[bytes\].
    pub sizes: BTreeMap<String, u64>,
    /// Room outside of memory for what is read; purchases and either ledger take one each.
    pub scratch: Vec<Box<dyn Scratch>>,
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
    let mut values = Vec::new();
    lines(reader, file, LastLine::MayBeTorn, |value| values.push(value))?;
    Ok(values)
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
    mut each: impl FnMut(T),
) -> Result<(), ReadError> {
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
            Ok(value) => each(value),
            Err(_) if last == LastLine::MayBeTorn && text.last() != Some(&b'\n') => break,
            Err(source) => return Err(ReadError::Line { file, line, source }),
        }
    }
    Ok(())
}

/// Reads `ending.json`.
///
/// # Errors
/// When the medium fails, or the file is not an [`Ending`].
pub fn ending(reader: impl BufRead) -> Result<Ending, ReadError> {
    one(reader, "ending.json")
}

fn one<T: DeserializeOwned>(reader: impl BufRead, file: &'static str) -> Result<T, ReadError> {
    serde_json::from_reader(reader).map_err(|source| {
        let line = source.line();
        ReadError::Line { file, line, source }
    })
}

/// Whether a run reached its end, and whether its files are as they were then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It did, and said how.
    Whole,
    /// It did not: what there is, is all there is.
    Partial(CutShort),
    /// It did, and files of it are no longer as they were.
    Damaged(Vec<Damage>),
}

/// Why a run did not reach its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutShort {
    /// As a clause, such as `its user abandoned it`.
    pub why: String,
}

impl Default for CutShort {
    /// Who is killed says nothing.
    fn default() -> Self {
        Self { why: "it was killed before its end".to_owned() }
    }
}

/// A file that is no longer as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Its name.
    pub file: String,
    /// Its size when it was written \[bytes\].
    pub written: u64,
    /// Its size now \[bytes\].
    pub found: u64,
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, written, found } = self;
        write!(formatter, "{file} holds {found} bytes, and {written} were written")
    }
}

/// The files that are not of the size that they had at the run's end. Without sizes, as in folders
/// of earlier versions, nothing is known.
fn damages(ending: &Ending, sizes: &BTreeMap<String, u64>) -> Vec<Damage> {
    let damage = |(file, written): (&String, &u64)| {
        let found = sizes.get(file).copied().unwrap_or(0);
        (found != *written).then(|| Damage { file: file.clone(), written: *written, found })
    };
    ending.written.iter().filter_map(damage).collect()
}

/// Reads everything but times and counts, which `measure` reads.
///
/// A partial run gets an ending of its own: not drained, ended when the last fan was seen; and it
/// has no ledgers, for they are fetched at the end; what a foreign shop had is what was written down
/// before the storm. A ledger that cannot be read whole is absent,
/// and the ending says why: what it lacks must not look like the shop's fault. What a foreign shop
/// had at the opening stands in the catalogue in place of what its scenario says.
///
/// # Errors
/// As [`json_lines`] and [`ending`], of all but the ledgers.
pub fn evidence(
    catalogue: Catalogue,
    files: &mut Files<'_>,
) -> Result<(Evidence, Completeness), ReadError> {
    let mut evidence = Evidence::of(catalogue, files.scratch.pop());
    let mut last = Time::ZERO;
    lines(&mut files.purchases, "purchases.jsonl", LastLine::MayBeTorn, |line: PurchaseLine| {
        last = last.max(line.at());
        evidence.add_purchase(&line);
    })?;
    evidence.snapshots = json_lines(&mut files.snapshots, "snapshots.jsonl")?;
    let Some(reader) = &mut files.ending else {
        // When something was last seen.
        let last = evidence.snapshots.iter().map(|snapshot| snapshot.at).fold(last, Time::max);
        evidence.ending = Ending { load_ended: last, judged: last, ..Ending::default() };
        if let Some(reader) = &mut files.opening {
            let AtOpening { stock, places } = one(reader, "opening.json")?;
            let ledgers = Ledgers { stock, places, ..Ledgers::default() };
            ledgers.apply(&mut evidence.catalogue);
            evidence.ending.ledgers = Some(ledgers);
        }
        // It may have been cut short itself, by a full disk.
        let why = files.cut_short.as_mut().and_then(|reader| one(reader, "cut-short.json").ok());
        return Ok((evidence, Completeness::Partial(why.unwrap_or_default())));
    };
    let mut ending = ending(reader)?;
    let damages = damages(&ending, &files.sizes);
    for (name, file) in [("shop", "ledger-shop.jsonl"), ("provider", "ledger-provider.jsonl")] {
        let damage = damages.iter().find(|damage| damage.file == file);
        if let Some(damage) = damage.filter(|_| ending.why_lacking(name).is_none()) {
            ending.unreadable.push(format!("{name}: {damage}"));
        }
    }
    if ending.why_lacking("shop").is_none() {
        evidence.begin_shop(files.scratch.pop());
        let add = |line: ShopLine| evidence.add_shop(&line);
        if !ledger(files.shop.as_mut(), "shop", "ledger-shop.jsonl", &mut ending, add) {
            evidence.give_up_shop();
        }
    }
    if ending.why_lacking("provider").is_none() {
        evidence.begin_provider(files.scratch.pop());
        let add = |line: PaymentLine| evidence.add_payment(&line);
        let provider = files.provider.as_mut();
        if !ledger(provider, "provider", "ledger-provider.jsonl", &mut ending, add) {
            evidence.give_up_provider();
        }
    }
    if let Some(ledgers) = &ending.ledgers {
        ledgers.apply(&mut evidence.catalogue);
    }
    evidence.ending = ending;
    if damages.is_empty() {
        Ok((evidence, Completeness::Whole))
    } else {
        Ok((evidence, Completeness::Damaged(damages)))
    }
}

/// Reads the ledger of `name` to its end. Whether it is whole; if not, `ending` knows why.
fn ledger<T: DeserializeOwned>(
    reader: Option<impl BufRead>,
    name: &str,
    file: &'static str,
    ending: &mut Ending,
    add: impl FnMut(T),
) -> bool {
    let why = match reader.map(|reader| lines(reader, file, LastLine::IsWhole, add)) {
        Some(Ok(())) => return true,
        Some(Err(error)) => told(&error),
        None => format!("{file} is missing"),
    };
    ending.unreadable.push(format!("{name}: {why}"));
    false
}

/// An error in one line, without what to do about it.
fn told(error: &ReadError) -> String {
    match error {
        ReadError::Io { file, source } => format!("{file}: {source}"),
        ReadError::Line { file, line, source } => format!("{file} line {line}: {source}"),
        ReadError::Interval { file, line, what } => format!("{file} line {line}: {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::shop::ShopSnapshot;

    const LINE: &str =
        r#"{"at":5,"edge":1,"origin":1,"payment":0,"pending":0,"items":{},"slots":{}}"#;

    fn files<'a>(ending: Option<&'a str>, opening: Option<&'a str>) -> Files<'a> {
        let boxed = |text: &'a str| -> Box<dyn BufRead + 'a> { Box::new(text.as_bytes()) };
        Files {
            latency: boxed(""),
            timeline: boxed(""),
            purchases: boxed(""),
            snapshots: boxed(""),
            shop: Some(boxed("")),
            provider: Some(boxed("")),
            ending: ending.map(boxed),
            opening: opening.map(boxed),
            cut_short: None,
            sizes: [("purchases.jsonl".to_owned(), 0), ("ledger-shop.jsonl".to_owned(), 0)].into(),
            scratch: Vec::new(),
        }
    }

    fn catalogue() -> Catalogue {
        use domain::money::Amount;
        use domain::shop::{Item, Sale};
        let item = Item { id: "tee".to_owned(), stock: 0, price: Amount::new(1) };
        let sale = Sale {
            id: "noon".to_owned(),
            opens: Time::ZERO,
            closes: Time::ZERO,
            limit_per_fan: 1,
            items: vec![item],
            lottery: None,
            slots: Vec::new(),
        };
        Catalogue { sales: vec![sale] }
    }

    #[test]
    fn a_killed_run_of_a_foreign_shop_knows_what_there_was_at_the_opening() {
        let opening = r#"{"stock":{"tee":40}}"#;
        let (read, complete) = evidence(catalogue(), &mut files(None, Some(opening))).unwrap();
        assert_eq!(complete, Completeness::Partial(CutShort::default()));
        assert_eq!(read.catalogue.sales[0].items[0].stock, 40);
        assert_eq!(read.ending.ledgers.unwrap().stock["tee"], 40);
        let (read, _) = evidence(catalogue(), &mut files(None, Some("{}"))).unwrap();
        assert!(read.ending.ledgers.unwrap().stock.is_empty());
    }

    #[test]
    fn a_file_of_another_size_than_it_was_written_is_damage() {
        let ending = Ending {
            written: [("purchases.jsonl".to_owned(), 200), ("ledger-shop.jsonl".to_owned(), 0)]
                .into(),
            ..Ending::default()
        };
        let text = serde_json::to_string(&ending).unwrap();
        let (_, complete) = evidence(catalogue(), &mut files(Some(&text), None)).unwrap();
        let damage = Damage { file: "purchases.jsonl".to_owned(), written: 200, found: 0 };
        assert_eq!(complete, Completeness::Damaged(vec![damage]));
        let ending = Ending { written: BTreeMap::new(), ..ending };
        let text = serde_json::to_string(&ending).unwrap();
        let (_, complete) = evidence(catalogue(), &mut files(Some(&text), None)).unwrap();
        assert_eq!(complete, Completeness::Whole, "earlier versions wrote no sizes");
    }

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
