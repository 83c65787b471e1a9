//! The ledger as an `SQLite` file: the table `payments`, a row per line.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use domain::provider::PaymentLine;
use rusqlite::{Connection, ErrorCode, Result, params};
use tokio::sync::watch;

use super::{LedgerFileError, Stand, State, must_be_empty, say};

/// How many decisions may wait for the writing thread. Their callers wait too, so that only who
/// hangs up at once can fill it; then decisions wait for the disk.
const WAITING_MAX: usize = 65_536;

/// How many decisions are committed at once: a commit of so many takes some ten milliseconds.
const COMMIT_MAX: usize = 1_024;

/// How long a commit waits for a foreign lock on the file \[ms\]; readers take none.
const BUSY_MS: u64 = 5_000;

/// A column for each field of a line; `line` is its number, from 1.
const TABLE: &str = "create table payments (
    line integer primary key,
    utc_ns integer not null,
    payment text,
    reference text not null,
    intent text not null,
    operation text not null,
    outcome text not null,
    told text not null,
    amount integer not null,
    key text not null,
    replayed integer not null
) strict";

const INDICES: &str = "create index payments_by_intent on payments (intent);
create index payments_by_payment on payments (payment);";

const INSERT: &str = "insert into payments (utc_ns, payment, reference, intent, operation, \
     outcome, told, amount, key, replayed) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// The lines of one decision, and how far the ledger stands with them.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) lines: Vec<PaymentLine>,
    pub(super) stand: Stand,
}

/// The thread that writes, and the way to it.
#[derive(Debug)]
pub(super) struct Database {
    queue: SyncSender<Batch>,
    thread: JoinHandle<std::result::Result<(), LedgerFileError>>,
}

impl Database {
    /// Makes `path`, which is new or empty, a database, and starts its thread; `stand` is told of
    /// each commit.
    pub(super) fn create(
        path: &Path,
        stand: watch::Sender<Stand>,
    ) -> std::result::Result<Self, LedgerFileError> {
        // What a killed provider left lies partly in the log beside its file.
        for name in [path.to_owned(), log_of(path)] {
            must_be_empty(&name, std::fs::metadata(&name).map_or(0, |found| found.len()))?;
        }
        let connection = open(path)
            .map_err(|source| LedgerFileError::Create { path: path.to_owned(), source })?;
        let (queue, waiting) = sync_channel(WAITING_MAX);
        let path = path.to_owned();
        let thread = std::thread::spawn(move || keep(connection, path, &waiting, &stand));
        Ok(Self { queue, thread })
    }

    /// Hands the lines of a decision over. A thread that ended has said so in `stand`.
    pub(super) fn send(&self, batch: Batch) {
        drop(self.queue.send(batch));
    }

    /// Waits until everything stands.
    pub(super) fn close(self) -> std::result::Result<(), LedgerFileError> {
        drop(self.queue);
        self.thread.join().expect("the ledger's thread does not panic")
    }
}

/// Makes the table in an empty database that nobody else uses, fills it and indexes it.
pub(super) fn fill<Failure: From<rusqlite::Error>>(
    connection: &Connection,
    lines: impl IntoIterator<Item = std::result::Result<PaymentLine, Failure>>,
) -> std::result::Result<(), Failure> {
    // A file that is thrown away when something fails needs no journal.
    connection.pragma_update(None, "journal_mode", "off")?;
    connection.pragma_update(None, "synchronous", "off")?;
    connection.execute_batch("begin")?;
    connection.execute_batch(TABLE)?;
    for line in lines {
        insert(connection, &line?)?;
    }
    connection.execute_batch(INDICES)?;
    connection.execute_batch("commit")?;
    Ok(())
}

fn open(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    // Readers and the writer do not wait for each other.
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A killed process loses nothing that it handed to the system; a power cut may.
    connection.pragma_update(None, "synchronous", "off")?;
    connection.execute_batch(TABLE)?;
    connection.execute_batch(INDICES)?;
    Ok(connection)
}

/// Commits what comes until nobody can send any more, or until the first failure.
fn keep(
    mut connection: Connection,
    path: PathBuf,
    waiting: &Receiver<Batch>,
    stand: &watch::Sender<Stand>,
) -> std::result::Result<(), LedgerFileError> {
    while let Ok(first) = waiting.recv() {
        let batches: Vec<_> =
            std::iter::once(first).chain(waiting.try_iter()).take(COMMIT_MAX).collect();
        if let Err(source) = commit(&mut connection, &batches) {
            let full = source.sqlite_error_code() == Some(ErrorCode::DiskFull);
            let state = if full { State::DiskFull } else { State::Unwritable };
            let failure = say(LedgerFileError::Commit { path, source });
            stand.send_modify(|stand| stand.state = state);
            return Err(failure);
        }
        let last = batches.last().expect("the first is among them").stand;
        stand.send_modify(|stand| *stand = Stand { state: stand.state, ..last });
    }
    // The log goes into the file, which then holds everything alone.
    connection.close().map_err(|(_, source)| say(LedgerFileError::Commit { path, source }))
}

fn commit(connection: &mut Connection, batches: &[Batch]) -> Result<()> {
    let transaction = connection.transaction()?;
    for line in batches.iter().flat_map(|batch| &batch.lines) {
        insert(&transaction, line)?;
    }
    transaction.commit()
}

fn insert(connection: &Connection, line: &PaymentLine) -> Result<()> {
    let PaymentLine {
        utc_ns,
        payment,
        reference,
        intent,
        operation,
        outcome,
        told,
        amount,
        key,
        replayed,
    } = line;
    connection.prepare_cached(INSERT)?.execute(params![
        signed(*utc_ns),
        payment,
        reference,
        intent,
        operation.word(),
        outcome.word(),
        told.word(),
        signed(amount.minor()),
        key,
        replayed,
    ])?;
    Ok(())
}

/// `SQLite` has no greater numbers; the year 2262 and nine trillion times a million yen suffice.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
