//! The ledger: a line is in its file before its caller is answered, so that a killed provider has
//! written down whatever anybody was told.
//!
//! Lines go to a file of JSON lines, the one that was named or one without a name, under the lock
//! that decides. Measured on two cores: 0.7 µs a line, where handing it to a thread and waiting for
//! it takes 14 µs. A ledger that is an `SQLite` file has such a thread beside, which commits what
//! came meanwhile in one transaction; a line then stands once it is in both. Nothing is kept in
//! memory: readers read the file of JSON lines as far as it stands.

mod database;
mod export;
mod journal;
mod reading;

use std::io;
use std::path::{Path, PathBuf};

use domain::provider::PaymentLine;
use tokio::sync::watch;

pub(super) use export::ExportError;
pub(super) use reading::{AfterError, Follow, Reading, pieces};

use database::{Batch, Database};
use journal::Journal;

/// How long the ledger may become: some fourteen million lines, about six hours of 660 calls per
/// second. A little less than the longest that the harness fetches (4 GiB), so that what falls due
/// at the end has room. What cannot be written down does not happen: the provider then turns every
/// call away.
const LEDGER_BYTES_MAX: u64 = 4_000_000_000;

/// The endings of file names that ask for an `SQLite` file.
const DATABASE_ENDINGS: [&str; 3] = ["db", "sqlite", "sqlite3"];

/// The writing end. It belongs under the lock that decides, so that the order of the lines is the
/// order of the decisions.
#[derive(Debug)]
pub(super) struct Ledger {
    journal: Journal,
    lines: u64,
    database: Option<Database>,
    stand: watch::Sender<Stand>,
    failure: Option<LedgerFileError>,
    bytes_max: u64,
    /// Whether it was closed: what was handed to the database may not stand yet.
    closed: bool,
}

/// How far the ledger stands: only whole lines, and all lines of a decision or none.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Stand {
    /// Its length as JSON lines.
    pub(super) bytes: u64,
    /// How many lines that is.
    pub(super) lines: u64,
    /// Whether more can come.
    pub(super) state: State,
}

/// Whether the ledger takes lines.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It does.
    Open,
    /// The run is over.
    Closed,
    /// The disk is full.
    DiskFull,
    /// The file cannot be written to.
    Unwritable,
}

/// What cannot be written down does not happen; the text is for the caller.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LedgerError {
    /// It is as long as it may become.
    #[error("the ledger is full: start the provider anew for another run")]
    Full,
    /// The disk is full.
    #[error("the ledger's disk is full: make room and start the provider anew")]
    DiskFull,
    /// The file cannot be written to.
    #[error("the ledger can no longer be written to: the provider's stderr says why")]
    Unwritable,
    /// The server ends.
    #[error("the ledger is closed: the provider is ending")]
    Closed,
}

impl LedgerError {
    /// The word of the error in an answer.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Full | Self::DiskFull => "ledger_full",
            Self::Unwritable => "ledger_unwritable",
            Self::Closed => "ledger_closed",
        }
    }
}

/// Where a decision's last line ends: its caller is answered once the ledger stands that far.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Receipt {
    bytes: u64,
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
    /// It cannot be made a database.
    #[error("failed to make the ledger {} an SQLite file", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// There is no place for a file without a name.
    #[error(
        "failed to make a temporary file for the ledger in {}\n\
         hint: name a file with --ledger, or another folder in TMPDIR",
        folder.display()
    )]
    Temporary {
        /// Where it was to be.
        folder: PathBuf,
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
    /// It cannot be written to.
    #[error("failed to write to the ledger {}, which ends there", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database refuses lines.
    #[error("failed to write to the ledger {}, which ends there", path.display())]
    Commit {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

impl Ledger {
    /// Opens the ledger in `path`, which is new or empty, or in a temporary file without a name.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, LedgerFileError> {
        let open = Stand { bytes: 0, lines: 0, state: State::Open };
        let stand = watch::Sender::new(open);
        let (journal, database) = match path {
            None => (Journal::temporary(&std::env::temp_dir())?, None),
            Some(path) if names_a_database(path) => {
                let database = Database::create(path, stand.clone())?;
                // On the disk of the database: whoever chose that one has room there.
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                (Journal::temporary(folder.unwrap_or(Path::new(".")))?, Some(database))
            }
            Some(path) => (Journal::open(path)?, None),
        };
        Ok(Self {
            journal,
            lines: 0,
            database,
            stand,
            failure: None,
            bytes_max: LEDGER_BYTES_MAX,
            closed: false,
        })
    }

    /// A reading end.
    pub(super) fn reading(&self) -> Reading {
        Reading::new(self.journal.file(), self.stand.subscribe())
    }

    /// How many reading ends there are, those under way included.
    pub(super) fn readings(&self) -> usize {
        self.stand.receiver_count()
    }

    /// Whether another decision can be written down.
    ///
    /// # Errors
    /// When it cannot: nothing may be decided then.
    pub(super) fn has_room(&self) -> Result<(), LedgerError> {
        match self.stand.borrow().state {
            State::Open if self.closed => Err(LedgerError::Closed),
            State::Open if self.journal.bytes() >= self.bytes_max => Err(LedgerError::Full),
            state => state.takes_lines(),
        }
    }

    /// Appends the lines of one decision, in their order; there may be none.
    ///
    /// # Errors
    /// When they cannot be written: none of them stands then, and no line ever will again.
    pub(super) fn append(&mut self, lines: &[PaymentLine]) -> Result<Receipt, LedgerError> {
        self.has_room()?;
        if let Err(source) = self.journal.append(lines) {
            return Err(self.fail(source));
        }
        self.lines += lines.len() as u64;
        let bytes = self.journal.bytes();
        let stand = Stand { bytes, lines: self.lines, state: State::Open };
        match &self.database {
            _ if lines.is_empty() => {}
            None => self.stands(stand),
            Some(database) => database.send(Batch { lines: lines.to_vec(), stand }),
        }
        Ok(Receipt { bytes })
    }

    /// Lets readers know how far the ledger stands. Mostly none follows, and nobody is woken then:
    /// whoever begins to meanwhile waits for this lock, and reads it first.
    fn stands(&self, now: Stand) {
        self.stand.send_if_modified(|stand| {
            *stand = now;
            // One reading end is the provider's own.
            self.readings() > 1
        });
    }

    /// Takes no more lines, and lets readers who follow come to an end. What comes back waits until
    /// the last line stands, and says whether all lines do; it must not be called under the lock.
    pub(super) fn close(&mut self) -> impl FnOnce() -> Result<(), LedgerFileError> + use<> {
        self.closed = true;
        let database = self.database.take();
        let failure = self.failure.take();
        let stand = self.stand.clone();
        move || {
            let committed = database.map_or(Ok(()), Database::close);
            stand.send_if_modified(|stand| {
                let open = stand.state == State::Open;
                if open {
                    stand.state = State::Closed;
                }
                open
            });
            failure.map_or(Ok(()), Err).and(committed)
        }
    }

    fn fail(&mut self, source: io::Error) -> LedgerError {
        let state = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => State::DiskFull,
            _ => State::Unwritable,
        };
        let failure = LedgerFileError::Write { path: self.journal.path().to_owned(), source };
        self.failure = Some(say(failure));
        self.stand.send_modify(|stand| stand.state = state);
        state.takes_lines().expect_err("it was just said that it does not")
    }
}

impl State {
    /// # Errors
    /// When it does not.
    pub(super) const fn takes_lines(self) -> Result<(), LedgerError> {
        match self {
            Self::Open => Ok(()),
            Self::Closed => Err(LedgerError::Closed),
            Self::DiskFull => Err(LedgerError::DiskFull),
            Self::Unwritable => Err(LedgerError::Unwritable),
        }
    }
}

/// Says on stderr, once, why every call is turned away from now on.
fn say(failure: LedgerFileError) -> LedgerFileError {
    let source = std::error::Error::source(&failure).map(ToString::to_string).unwrap_or_default();
    eprintln!(
        "error: {failure}: {source}\n\
         hint: every call is turned away from now on; the lines so far are whole"
    );
    failure
}

fn names_a_database(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    DATABASE_ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Refuses a file that holds something.
fn must_be_empty(path: &Path, bytes: u64) -> Result<(), LedgerFileError> {
    match bytes {
        0 => Ok(()),
        bytes => Err(LedgerFileError::NotEmpty { path: path.to_owned(), bytes }),
    }
}

#[cfg(test)]
mod tests;
