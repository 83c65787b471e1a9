//! Rows of an `SQLite` file.

use std::path::{Path, PathBuf};

use domain::time::Duration;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::mpsc::Sender;

use super::{Heard, PATIENCE, Question, Rowing, Value, late, one_statement, with_causes};
use crate::scenario::target::Kind;

/// How long a writer may keep the file to itself.
const BUSY: Duration = Duration::from_secs(10);

/// Answers `questions` at one moment.
pub(super) async fn answer(
    path: PathBuf,
    questions: Vec<Question>,
    said: Sender<Heard>,
) -> Result<(), String> {
    let connection = open(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let interrupt = connection.get_interrupt_handle();
    let many = u32::try_from(questions.len()).unwrap_or(u32::MAX);
    let mut reading = tokio::task::spawn_blocking(move || read(&connection, questions, &said));
    let patience = PATIENCE * many.max(1);
    let joined = if let Ok(joined) = tokio::time::timeout(patience, &mut reading).await {
        joined
    } else {
        interrupt.interrupt();
        reading.await
    };
    joined.map_err(|error| error.to_string())?
}

/// Carries out `statements` in one transaction.
pub(super) async fn execute(path: &Path, statements: &str) -> Result<(), String> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let interrupt = connection.get_interrupt_handle();
    let statements = format!("begin immediate; {}; commit;", one_statement(statements));
    let work = move || connection.execute_batch(&statements);
    let mut working = tokio::task::spawn_blocking(work);
    let joined = if let Ok(joined) = tokio::time::timeout(PATIENCE, &mut working).await {
        joined
    } else {
        interrupt.interrupt();
        working.await
    };
    joined.map_err(|error| error.to_string())?.map_err(|error| told(&error))
}

/// A file that is not there is never made.
fn open(path: &Path, access: OpenFlags) -> Result<Connection, String> {
    let here = |why: &str| format!("{}: {why}", path.display());
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| here(&told(&error)))?;
    connection.busy_timeout(BUSY).map_err(|error| here(&told(&error)))?;
    Ok(connection)
}

fn read(
    connection: &Connection,
    questions: Vec<Question>,
    said: &Sender<Heard>,
) -> Result<(), String> {
    // A transaction that only reads sees one moment, from its first reading on.
    connection.execute_batch("begin").map_err(|error| told(&error))?;
    for Question { kind, text } in questions {
        let found = rows(connection, kind, &text, said);
        if said.blocking_send(Heard::End(kind, found)).is_err() {
            break;
        }
    }
    connection.execute_batch("rollback").map_err(|error| told(&error))
}

fn rows(
    connection: &Connection,
    kind: Kind,
    text: &str,
    said: &Sender<Heard>,
) -> Result<(), String> {
    let mut statement = connection.prepare(one_statement(text)).map_err(|error| told(&error))?;
    let columns: Vec<String> = statement.column_names().map(str::to_ascii_lowercase).collect();
    let wide = columns.len();
    said.blocking_send(Heard::Columns(kind, columns)).map_err(|_| "nobody listens".to_owned())?;
    let mut rows = statement.query([]).map_err(|error| told(&error))?;
    let mut rowing = Rowing::new(said);
    while let Some(row) = rows.next().map_err(|error| told(&error))? {
        let value = |place| row.get_ref(place).map(value).map_err(|error| told(&error));
        rowing.row_blocking((0..wide).map(value).collect::<Result<_, _>>()?)?;
    }
    Ok(())
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Text(number.to_string()),
        ValueRef::Real(number) => Value::Text(number.to_string()),
        ValueRef::Text(text) => std::str::from_utf8(text)
            .map_or(Value::Odd("bytes"), |text| Value::Text(text.to_owned())),
        ValueRef::Blob(_) => Value::Odd("bytes"),
    }
}

fn told(error: &rusqlite::Error) -> String {
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) {
        return late();
    }
    match error {
        // What it says beside is the statement again.
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => with_causes(other),
    }
}
