//! Rows of a `MySQL` or `MariaDB` database: by the text protocol, in which every value is text.

use std::path::PathBuf;

use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Column, Conn, Opts, OptsBuilder, Row, SslOpts};
use tokio::sync::mpsc::Sender;

use super::trust;
use super::{CONNECT, Heard, Question, Rowing, Value, in_time, late, one_statement, with_causes};
use crate::live::abroad;
use crate::scenario::target::Kind;

/// The character set of columns that hold bytes.
const BINARY: u16 = 63;
/// Everything at one moment, and nothing changed; times in UTC.
const BEGIN: [&str; 3] = [
    "set session time_zone = '+00:00'",
    "set session transaction isolation level repeatable read",
    "start transaction with consistent snapshot, read only",
];
/// The database's time \[us of UTC\].
const CLOCK: &str = "select cast(unix_timestamp(now(6)) * 1000000 as unsigned)";

/// Answers `questions` at one moment.
pub(super) async fn answer(
    url: &str,
    trust: &abroad::Trust,
    questions: Vec<Question>,
    said: Sender<Heard>,
) -> Result<(), String> {
    let mut connection = connect(url, trust).await?;
    let micros: Option<u64> = connection.query_first(CLOCK).await.map_err(|e| told(&e))?;
    if let Some(micros) = micros {
        // Nobody listens only when the question is given up.
        let _ =
            said.send(Heard::Clock { utc_ns: micros.saturating_mul(1_000), error_ns: 1_000 }).await;
    }
    for statement in BEGIN {
        connection.query_drop(statement).await.map_err(|error| told(&error))?;
    }
    for Question { kind, text } in questions {
        let found = in_time(rows(&mut connection, kind, &text, &said)).await;
        let given_up = found.as_ref().is_err_and(|why| *why == late());
        let unheard = said.send(Heard::End(kind, found)).await.is_err();
        if unheard || given_up {
            // The connection still has that answer to finish: it is of no more use.
            return Ok(());
        }
    }
    connection.disconnect().await.map_err(|error| told(&error))
}

/// Carries out `statements`, one after the other, in one transaction.
pub(super) async fn execute(
    url: &str,
    trust: &abroad::Trust,
    statements: &str,
) -> Result<(), String> {
    let mut connection = connect(url, trust).await?;
    let work = async {
        let text = format!("start transaction; {}; commit", one_statement(statements));
        connection.query_drop(text).await.map_err(|error| told(&error))
    };
    in_time(work).await?;
    connection.disconnect().await.map_err(|error| told(&error))
}

async fn connect(url: &str, world: &abroad::Trust) -> Result<Conn, String> {
    let (url, asked) = trust::split(url);
    let url = url.strip_prefix("mariadb://").map_or(url.clone(), |rest| format!("mysql://{rest}"));
    let opts = Opts::from_url(&url).map_err(|error| with_causes(&error))?;
    let mut builder = OptsBuilder::from_opts(opts).prefer_socket(false);
    let anyone = || {
        SslOpts::default()
            .with_danger_accept_invalid_certs(true)
            .with_danger_skip_domain_validation(true)
    };
    let roots = |ssl: SslOpts| {
        let own = match &asked.roots {
            Some(path) => vec![PathBuf::from(path).into()],
            None => trust::world(world)?.into_iter().map(|one| one.to_vec().into()).collect(),
        };
        Ok::<_, String>(ssl.with_root_certs(own).with_disable_built_in_roots(true))
    };
    match asked.mode.as_deref().map(|mode| mode.to_ascii_lowercase().replace('_', "-")).as_deref() {
        None => {}
        Some("disable" | "disabled" | "prefer" | "preferred") => builder = builder.ssl_opts(None),
        Some("require" | "required") => builder = builder.ssl_opts(anyone()),
        Some("verify-ca") => {
            let ssl = SslOpts::default().with_danger_skip_domain_validation(true);
            builder = builder.ssl_opts(roots(ssl)?);
        }
        Some("verify-full" | "verify-identity") => {
            builder = builder.ssl_opts(roots(SslOpts::default())?);
        }
        Some(other) => return Err(format!("`sslmode={other}` is none that is known")),
    }
    let connected = tokio::time::timeout(CONNECT, Conn::new(builder)).await;
    connected
        .map_err(|_| format!("nobody answered within {} s", CONNECT.as_secs()))?
        .map_err(|error| told(&error))
}

async fn rows(
    connection: &mut Conn,
    kind: Kind,
    text: &str,
    said: &Sender<Heard>,
) -> Result<(), String> {
    let mut result = connection.query_iter(one_statement(text)).await.map_err(|e| told(&e))?;
    let columns = result.columns().ok_or("it is no question: it answers with no rows")?;
    let names = columns.iter().map(|column| column.name_str().to_ascii_lowercase()).collect();
    said.send(Heard::Columns(kind, names)).await.map_err(|_| "nobody listens".to_owned())?;
    let mut rowing = Rowing::new(said);
    while let Some(row) = result.next().await.map_err(|error| told(&error))? {
        rowing.row(values(row, &columns)).await?;
    }
    Ok(())
}

fn values(row: Row, columns: &[Column]) -> Vec<Value> {
    row.unwrap().into_iter().zip(columns).map(|(value, column)| text(value, column)).collect()
}

fn text(value: mysql_async::Value, column: &Column) -> Value {
    match value {
        mysql_async::Value::NULL => Value::Null,
        mysql_async::Value::Bytes(_) if holds_bytes(column) => Value::Odd("bytes"),
        mysql_async::Value::Bytes(bytes) => {
            String::from_utf8(bytes).map_or(Value::Odd("bytes"), Value::Text)
        }
        other => Value::Text(other.as_sql(true).trim_matches('\'').to_owned()),
    }
}

/// Whether a column is one of bytes rather than of text: numbers and times bear the same character
/// set, but are of other types.
fn holds_bytes(column: &Column) -> bool {
    let texts = matches!(
        column.column_type(),
        ColumnType::MYSQL_TYPE_STRING
            | ColumnType::MYSQL_TYPE_VAR_STRING
            | ColumnType::MYSQL_TYPE_VARCHAR
            | ColumnType::MYSQL_TYPE_BLOB
            | ColumnType::MYSQL_TYPE_TINY_BLOB
            | ColumnType::MYSQL_TYPE_MEDIUM_BLOB
            | ColumnType::MYSQL_TYPE_LONG_BLOB
    );
    let bits = column.column_type() == ColumnType::MYSQL_TYPE_BIT;
    let binary =
        column.character_set() == BINARY && column.flags().contains(ColumnFlags::BINARY_FLAG);
    bits || (texts && binary)
}

fn told(error: &mysql_async::Error) -> String {
    match error {
        mysql_async::Error::Server(said) => said.message.clone(),
        other => with_causes(other),
    }
}
