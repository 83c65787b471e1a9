//! What is done in a foreign shop before the run or after it: its stock restored, what the run has
//! left removed.

use std::fmt;
use std::path::Path;

use domain::time::Duration;
use tokio::process::Command;
use tokio::runtime::Runtime;

use crate::live::abroad::Trust;
use crate::live::admin::with_causes;
use crate::live::ledger::place::{FillError, Filling, Home};
use crate::live::ledger::rows::{Source, SourceError};
use crate::live::ledger::server::Server;
use crate::scenario::target::{Hook, Rows, ShopLedger};

/// How long a request or a command may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// How much is told of what a command or an answer said.
const SAID_MAX: usize = 500;

/// What is done, as a scenario calls it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Stock is restored before the run.
    Reset,
    /// What the run has left is removed.
    Cleanup,
}

impl fmt::Display for Deed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Reset => "restore stock",
            Self::Cleanup => "clean up",
        })
    }
}

/// Something that could not be done. Without its stock restored, a run does not begin.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// A value is not known.
    #[error("{0} by `[setup]`")]
    Fill(Deed, #[source] FillError),
    /// The database is none.
    #[error("{0} by `[setup]`")]
    Source(Deed, #[source] SourceError),
    /// There is no database for its statements.
    #[error(
        "{0} by `[setup]`: there is no database\nhint: name it beside `sql`, as `database = \"…\"`, \
         or in `[ledger.shop] sql`"
    )]
    NoDatabase(Deed),
    /// It did not succeed.
    #[error("{deed} by `{what}`: {why}")]
    Failed {
        /// What was to be done.
        deed: Deed,
        /// The statement, address or command, as it is written.
        what: String,
        /// What was said.
        why: String,
    },
}

/// Does what `hook` says, for the sake of `deed`; `ledger` is the shop's, whose database serves
/// unless another is named.
///
/// # Errors
/// When it did not succeed.
pub(super) fn carry_out(
    deed: Deed,
    hook: &Hook,
    ledger: Option<&ShopLedger>,
    filling: &Filling<'_>,
    home: &Home,
    runtime: &Runtime,
) -> Result<(), HookError> {
    let failed =
        |what: &str, why: String| HookError::Failed { deed, what: what.trim().to_owned(), why };
    let unknown = |error| HookError::Fill(deed, error);
    match hook {
        Hook::Sql { url, statements } => {
            let rows = match (url, ledger.map(|ledger| &ledger.rows)) {
                (Some(url), _) => Rows::Sql { url: url.clone() },
                (None, Some(rows @ Rows::Sql { .. })) => rows.clone(),
                (None, _) => return Err(HookError::NoDatabase(deed)),
            };
            let source = Source::new(&rows, filling, home);
            let source = source.map_err(|error| HookError::Source(deed, error))?;
            let text = filling.text(statements).map_err(unknown)?;
            let done = source.execute(runtime, &text.text);
            done.map_err(|why| failed(statements, text.hide(&why)))
        }
        Hook::Http { url } => {
            let filled = filling.url(url).map_err(unknown)?;
            let done = runtime.block_on(post(&filled.text, &home.trust));
            done.map_err(|why| failed(&format!("POST {}", filled.shown), filled.hide(&why)))
        }
        Hook::Command { line } => {
            let done = runtime.block_on(command(line, filling, &home.folder));
            done.map_err(|why| failed(line, why))
        }
    }
}

async fn post(url: &str, trust: &Trust) -> Result<(), String> {
    let told = |error: reqwest::Error| with_causes(&error.without_url());
    let server = Server::at(url, trust)?;
    let response = server.post("").timeout(PATIENCE).send().await.map_err(told)?;
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
