//! Fetches the ledgers of shop and provider after the drain, streamed line by line to the run's
//! folder.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use reqwest::{Response, StatusCode};

use crate::live::admin::Admin;
use crate::live::ledger::LEDGER_MAX;
use crate::live::ready::Ready;

/// Where the ledgers go and, of a foreign shop, where they come from.
pub struct LedgerSinks {
    /// `ledger-shop.jsonl`.
    pub shop: Box<dyn Write + Send>,
    /// `ledger-provider.jsonl`.
    pub provider: Box<dyn Write + Send>,
    /// The foreign shop that was made ready; absent: whoever is asked speaks the judge's language.
    pub foreign: Option<Ready>,
}

/// A ledger that could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(in crate::live) enum LedgerError {
    /// Nobody answered, or the answer broke off.
    #[error("fetch {path} from {address}")]
    Fetch {
        /// Whom it was asked of.
        address: SocketAddr,
        /// What was asked for.
        path: &'static str,
        /// Why it failed.
        #[source]
        source: reqwest::Error,
    },
    /// The answer was a refusal.
    #[error("fetch {path} from {address}: it answered {status}")]
    Status {
        /// Whom it was asked of.
        address: SocketAddr,
        /// What was asked for.
        path: &'static str,
        /// What it said.
        status: StatusCode,
    },
    /// The ledger is larger than allowed.
    #[error("fetch {path} from {address}: it is longer than {LEDGER_MAX} bytes")]
    TooLong {
        /// Whom it was asked of.
        address: SocketAddr,
        /// What was asked for.
        path: &'static str,
    },
    /// The last line breaks off.
    #[error("fetch {path} from {address}: its last line is not whole")]
    Torn {
        /// Whom it was asked of.
        address: SocketAddr,
        /// What was asked for.
        path: &'static str,
    },
    /// Its own file cannot be read.
    #[error("read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The copy of a file cannot be written.
    #[error("copy {}", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The ledger's file cannot be written.
    #[error("write the ledger of {address}")]
    Write {
        /// Whose ledger it is.
        address: SocketAddr,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

/// Copies the ledger at `address` into `sink`, as it comes.
///
/// # Errors
/// When it cannot be had whole; the sink then holds its beginning.
pub(in crate::live) fn fetch(
    admin: &Admin,
    address: SocketAddr,
    sink: &mut dyn Write,
) -> Result<(), LedgerError> {
    let path = "/admin/ledger";
    let failed = |source| LedgerError::Fetch { address, path, source };
    admin.wait(async {
        let response = admin.get(address, path).send().await.map_err(failed)?;
        if response.status() != StatusCode::OK {
            return Err(LedgerError::Status { address, path, status: response.status() });
        }
        copy(response, address, path, sink).await
    })
}

/// Copies the ledger in the file `path` into `sink`, line by line; what who writes it has not finished,
/// or died of, is left out.
///
/// # Errors
/// When it cannot be read or copied.
pub(in crate::live) fn copy_file(path: &Path, sink: &mut dyn Write) -> Result<(), LedgerError> {
    let unread = |source| LedgerError::File { path: path.to_owned(), source };
    let mut lines = BufReader::new(File::open(path).map_err(unread)?).take(LEDGER_MAX);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).map_err(unread)? > 0 && line.ends_with(b"\n") {
        let uncopied = |source| LedgerError::Copy { path: path.to_owned(), source };
        sink.write_all(&line).map_err(uncopied)?;
        line.clear();
    }
    Ok(())
}

async fn copy(
    mut response: Response,
    address: SocketAddr,
    path: &'static str,
    sink: &mut dyn Write,
) -> Result<(), LedgerError> {
    let failed = |source| LedgerError::Fetch { address, path, source };
    let unwritten = |source| LedgerError::Write { address, source };
    let (mut length, mut last) = (0, b'\n');
    while let Some(bytes) = response.chunk().await.map_err(failed)? {
        length += bytes.len() as u64;
        if length > LEDGER_MAX {
            return Err(LedgerError::TooLong { address, path });
        }
        last = bytes.last().copied().unwrap_or(last);
        sink.write_all(&bytes).map_err(unwritten)?;
    }
    sink.flush().map_err(unwritten)?;
    if last == b'\n' { Ok(()) } else { Err(LedgerError::Torn { address, path }) }
}
