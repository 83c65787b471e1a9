//! Rows of a `PostgreSQL` database: by the simple protocol, in which every value is text.

use std::pin::pin;

use domain::time::Duration;
use futures_util::StreamExt as _;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::trust::{self, Trust};
use super::{CONNECT, Heard, Question, Rowing, Value, in_time, one_statement, with_causes};
use crate::live::abroad;
use crate::scenario::target::Kind;

/// Everything at one moment, and nothing changed; times in UTC and in one form.
const BEGIN: &str = "set timezone = 'UTC'; set datestyle = 'ISO'; set bytea_output = 'hex'; \
                     begin isolation level repeatable read, read only";
/// The database's time \[us of UTC\].
const CLOCK: &str = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint::text";

/// How long the end of a connection is waited for.
const GOODBYE: Duration = Duration::from_secs(1);

/// Answers `questions` at one moment.
pub(super) async fn answer(
    url: &str,
    trust: &abroad::Trust,
    questions: Vec<Question>,
    said: Sender<Heard>,
) -> Result<(), String> {
    let (client, driver) = connect(url, trust).await?;
    if let Some(micros) = clock(&client).await? {
        // Nobody listens only when the question is given up.
        let _ =
            said.send(Heard::Clock { utc_ns: micros.saturating_mul(1_000), error_ns: 1_000 }).await;
    }
    client.batch_execute(BEGIN).await.map_err(|error| told(&error))?;
    for Question { kind, text } in questions {
        let found = in_time(rows(&client, kind, &text, &said)).await;
        let failed = found.is_err();
        if said.send(Heard::End(kind, found)).await.is_err() {
            break;
        }
        if failed {
            // A transaction in which a statement failed answers no other.
            client.batch_execute(&format!("rollback; {BEGIN}")).await.map_err(|e| told(&e))?;
        }
    }
    close(client, driver).await;
    Ok(())
}

/// Says goodbye; a database that is still at work on what was given up is not waited for.
async fn close(client: Client, driver: JoinHandle<()>) {
    drop(client);
    let stop = driver.abort_handle();
    if tokio::time::timeout(GOODBYE, driver).await.is_err() {
        stop.abort();
    }
}

/// Carries out `statements` in one transaction.
pub(super) async fn execute(
    url: &str,
    trust: &abroad::Trust,
    statements: &str,
) -> Result<(), String> {
    let (client, driver) = connect(url, trust).await?;
    // The simple protocol makes a transaction of all statements of one message.
    let done = in_time(async { client.batch_execute(statements).await.map_err(|e| told(&e)) });
    let done = done.await;
    close(client, driver).await;
    done
}

async fn connect(url: &str, world: &abroad::Trust) -> Result<(Client, JoinHandle<()>), String> {
    let (url, asked) = trust::split(url);
    let mut config: Config = url.parse().map_err(|error| with_causes(&error))?;
    let (mode, trust) = match asked.mode.as_deref() {
        None | Some("prefer" | "allow") => (SslMode::Prefer, Trust::Anyone),
        Some("disable") => (SslMode::Disable, Trust::Anyone),
        Some("require") if asked.roots.is_none() => (SslMode::Require, Trust::Anyone),
        Some("require" | "verify-ca") => (SslMode::Require, Trust::KnownToRoots),
        Some("verify-full") => (SslMode::Require, Trust::Named),
        Some(other) => return Err(format!("`sslmode={other}` is none that is known")),
    };
    config.ssl_mode(mode).connect_timeout(CONNECT).application_name("spike");
    let tls = MakeRustlsConnect::new(trust::client(trust, asked.roots.as_deref(), world)?);
    let connected = tokio::time::timeout(CONNECT, config.connect(tls)).await;
    let (client, connection) = connected
        .map_err(|_| format!("nobody answered within {} s", CONNECT.as_secs()))?
        .map_err(|error| told(&error))?;
    let driver = tokio::spawn(async move {
        // What ends the connection is told by the question that it was needed for.
        let _ = connection.await;
    });
    Ok((client, driver))
}

async fn clock(client: &Client) -> Result<Option<u64>, String> {
    let said = client.simple_query(CLOCK).await.map_err(|error| told(&error))?;
    Ok(said.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    }))
}

async fn rows(client: &Client, kind: Kind, text: &str, said: &Sender<Heard>) -> Result<(), String> {
    let stream =
        client.simple_query_raw(one_statement(text)).await.map_err(|error| told(&error))?;
    let mut stream = pin!(stream);
    let mut rowing = Rowing::new(said);
    while let Some(message) = stream.next().await {
        match message.map_err(|error| told(&error))? {
            SimpleQueryMessage::RowDescription(columns) => {
                let names = columns.iter().map(|column| column.name().to_ascii_lowercase());
                let columns = Heard::Columns(kind, names.collect());
                said.send(columns).await.map_err(|_| "nobody listens".to_owned())?;
            }
            SimpleQueryMessage::Row(row) => {
                let value =
                    |place| row.get(place).map_or(Value::Null, |v| Value::Text(v.to_owned()));
                rowing.row((0..row.len()).map(value).collect()).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// What the database says, with its own hint.
fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => match said.hint() {
            Some(hint) => format!("{} ({hint})", said.message()),
            None => said.message().to_owned(),
        },
        None => with_causes(error),
    }
}
