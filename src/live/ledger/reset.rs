//! Restores a foreign shop's stock before the run.

use std::path::Path;

use domain::time::Duration;
use reqwest::Client;
use tokio::process::Command;
use tokio::runtime::Runtime;

use crate::live::admin::with_causes;
use crate::live::ledger::CONNECT;
use crate::live::ledger::place::{FillError, Filling};
use crate::live::ledger::rows::{Source, SourceError};
use crate::scenario::target::{Reset, Rows, ShopLedger};

/// How long a request or a command may take that restores stock.
const PATIENCE: Duration = Duration::from_mins(2);
/// How much is told of what a command or an answer said.
const SAID_MAX: usize = 500;

/// Stock that could not be restored: the run does not begin.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// A value is not known.
    #[error("restore stock by `[setup] reset`")]
    Fill(#[from] FillError),
    /// The database is none.
    #[error("restore stock by `[setup] reset`")]
    Source(#[from] SourceError),
    /// There is no database to restore it in.
    #[error(
        "restore stock by `[setup] reset`: there is no database\nhint: name it as \
         `reset = {{ sql = \"…\", url = \"…\" }}`, or in `[ledger.shop] sql`"
    )]
    NoDatabase,
    /// It did not succeed.
    #[error("restore stock by `{what}`: {why}")]
    Failed {
        /// The statement, address or command, as it is written.
        what: String,
        /// What was said.
        why: String,
    },
}

/// Restores stock as `reset` says; `ledger` is the shop's, whose database serves unless another is
/// named. Paths count from `folder`.
///
/// # Errors
/// When it did not succeed.
pub(super) fn restore(
    reset: &Reset,
    ledger: Option<&ShopLedger>,
    filling: &Filling<'_>,
    folder: &Path,
    runtime: &Runtime,
) -> Result<(), ResetError> {
    let failed = |what: &str, why: String| ResetError::Failed { what: what.trim().to_owned(), why };
    match reset {
        Reset::Sql { url, statements } => {
            let rows = match (url, ledger.map(|ledger| &ledger.rows)) {
                (Some(url), _) => Rows::Sql { url: url.clone() },
                (None, Some(rows @ Rows::Sql { .. })) => rows.clone(),
                (None, _) => return Err(ResetError::NoDatabase),
            };
            let source = Source::new(&rows, filling, folder)?;
            let text = filling.text(statements)?;
            let done = source.execute(runtime, &text.text);
            done.map_err(|why| failed(statements, text.hide(&why)))
        }
        Reset::Http { url } => {
            let filled = filling.url(url)?;
            let done = runtime.block_on(post(&filled.text));
            done.map_err(|why| failed(&format!("POST {}", filled.shown), filled.hide(&why)))
        }
        Reset::Command { line } => {
            let done = runtime.block_on(command(line, filling, folder));
            done.map_err(|why| failed(line, why))
        }
    }
}

async fn post(url: &str) -> Result<(), String> {
    let told = |error: reqwest::Error| with_causes(&error.without_url());
    let client = Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT)
        .timeout(PATIENCE)
        .build()
        .map_err(told)?;
    let response = client.post(url).send().await.map_err(told)?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let said = response.text().await.unwrap_or_default();
    Err(format!("it answered {status} {}", shortened(&said)).trim_end().to_owned())
}

/// The command sees `SPIKE_RUN` in its environment, the run's id.
async fn command(line: &str, filling: &Filling<'_>, folder: &Path) -> Result<(), String> {
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).current_dir(folder).env("SPIKE_RUN", filling.run());
    command.stdin(std::process::Stdio::null()).kill_on_drop(true);
    let late = || format!("it took longer than {} s", PATIENCE.as_secs());
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.map_err(|_| late())?.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("it ended with {}: {}", output.status, shortened(&said)))
}

/// The end of what was said: commands say last what went wrong.
fn shortened(said: &str) -> String {
    let said = said.trim();
    let skip = said.chars().count().saturating_sub(SAID_MAX);
    said.chars().skip(skip).collect::<String>().replace('\n', " ")
}
