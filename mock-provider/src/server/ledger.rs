//! The ledger as text: JSON lines in memory, and in a file if one is named.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use axum::body::Bytes;
use domain::provider::PaymentLine;
use domain::time::Duration;

/// How long the lines of one chunk are; a chunk is never copied again once it is full.
const CHUNK_BYTES: usize = 1 << 20;

/// How long the ledger may become: about nine million lines. What cannot be written down does not
/// happen, so the provider then turns every call away.
const LEDGER_BYTES_MAX: usize = 2 << 30;

/// How often new lines go to the file: a killed provider loses at most this much.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// All lines since the provider began.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    full: Vec<Bytes>,
    open: Vec<u8>,
}

/// How far a reader has read.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Bookmark {
    chunk: usize,
    byte: usize,
}

impl Ledger {
    pub(super) fn append(&mut self, line: &PaymentLine) {
        serde_json::to_writer(&mut self.open, line).expect("a line is plain data, into memory");
        self.open.push(b'\n');
        if self.open.len() >= CHUNK_BYTES {
            let next = Vec::with_capacity(CHUNK_BYTES);
            self.full.push(std::mem::replace(&mut self.open, next).into());
        }
    }

    /// Whether there is no room for another line.
    pub(super) fn is_full(&self) -> bool {
        self.full.len() >= LEDGER_BYTES_MAX / CHUNK_BYTES
    }

    /// The lines after `bookmark`, which is moved behind them. At most one chunk is copied.
    pub(super) fn read_on(&self, bookmark: &mut Bookmark) -> Vec<Bytes> {
        let mut skip = std::mem::take(&mut bookmark.byte);
        let mut parts = Vec::new();
        for chunk in &self.full[bookmark.chunk..] {
            parts.push(chunk.slice(skip..));
            skip = 0;
        }
        parts.push(Bytes::copy_from_slice(&self.open[skip..]));
        *bookmark = Bookmark { chunk: self.full.len(), byte: self.open.len() };
        parts
    }
}

/// The ledger's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerFileError {
    /// It cannot be opened.
    #[error("failed to open the ledger {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds another run, whose authorizations have the same names.
    #[error(
        "the ledger {} already holds {bytes} bytes of another run\n\
         hint: name another file, or move this one away",
        path.display()
    )]
    NotEmpty {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// It cannot be written to; lines are missing at its end.
    #[error("failed to write to the ledger {}, which is now incomplete", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The file that the ledger is appended to.
#[derive(Debug)]
pub(super) struct LedgerFile {
    path: PathBuf,
    file: File,
}

impl LedgerFile {
    /// Opens the file, which is new or empty.
    pub(super) fn open(path: &Path) -> Result<Self, LedgerFileError> {
        let path = path.to_owned();
        let opened = OpenOptions::new().create(true).append(true).open(&path);
        match opened.and_then(|file| Ok((file.metadata()?.len(), file))) {
            Ok((0, file)) => Ok(Self { path, file }),
            Ok((bytes, _)) => Err(LedgerFileError::NotEmpty { path, bytes }),
            Err(source) => Err(LedgerFileError::Open { path, source }),
        }
    }

    /// Writes what `read_on` gives, twice a second, until the other end of `stopped` is dropped.
    /// The first failure is said on stderr and ends it.
    pub(super) fn keep(
        mut self,
        stopped: &Receiver<()>,
        mut read_on: impl FnMut(&mut Bookmark) -> Vec<Bytes>,
    ) -> Result<(), LedgerFileError> {
        let mut bookmark = Bookmark::default();
        loop {
            let go_on = stopped.recv_timeout(FLUSH_EVERY) == Err(RecvTimeoutError::Timeout);
            let parts = read_on(&mut bookmark);
            if let Err(source) = parts.iter().try_for_each(|part| self.file.write_all(part)) {
                eprintln!(
                    "error: failed to write to the ledger {}: {source}\n\
                     hint: the file is incomplete; /admin/ledger still has every line",
                    self.path.display()
                );
                return Err(LedgerFileError::Write { path: self.path, source });
            }
            if !go_on {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::money::Amount;
    use domain::provider::{PaymentOperation, PaymentOutcome};

    use super::*;

    fn line(number: u64) -> PaymentLine {
        PaymentLine {
            utc_ns: number,
            payment: Some(number.to_string()),
            reference: String::new(),
            intent: "0-417".to_owned(),
            operation: PaymentOperation::Authorize,
            outcome: PaymentOutcome::Authorized,
            told: PaymentOutcome::Silence,
            amount: Amount::new(4_500),
            key: "0-417-0".to_owned(),
            replayed: false,
        }
    }

    #[test]
    fn a_reader_who_comes_again_and_again_gets_every_line_once() {
        let mut ledger = Ledger::default();
        let mut bookmark = Bookmark::default();
        let mut read = Vec::new();
        // 20,000 lines are several chunks; the reader comes at odd places of them.
        for number in 0..20_000 {
            ledger.append(&line(number));
            if number % 777 == 0 {
                read.extend(ledger.read_on(&mut bookmark));
            }
        }
        read.extend(ledger.read_on(&mut bookmark));
        assert!(ledger.full.len() > 2);
        assert_eq!(ledger.read_on(&mut bookmark).concat(), b"");
        let all = read.concat();
        assert_eq!(all, ledger.read_on(&mut Bookmark::default()).concat());
        let numbers = all
            .split(|byte| *byte == b'\n')
            .filter(|text| !text.is_empty())
            .map(|text| serde_json::from_slice::<PaymentLine>(text).unwrap().utc_ns);
        assert!(numbers.eq(0..20_000));
    }

    #[test]
    fn a_ledger_of_another_run_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        std::fs::write(&path, "{}\n").unwrap();
        let message = LedgerFile::open(&path).unwrap_err().to_string();
        assert!(message.contains("already holds 3 bytes"), "{message}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}\n");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let file = LedgerFile::open(Path::new("/dev/full")).unwrap();
        let (stop, stopped) = std::sync::mpsc::channel();
        drop(stop);
        let kept = file.keep(&stopped, |_| vec![Bytes::from_static(b"{}\n")]);
        assert!(matches!(kept, Err(LedgerFileError::Write { .. })), "{kept:?}");
    }
}
