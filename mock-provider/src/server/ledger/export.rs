//! The whole ledger as an `SQLite` file, made when it is asked for.

use std::fs::File;
use std::io::{self, BufRead, BufReader};

use domain::provider::PaymentLine;
use rusqlite::Connection;

use super::database;
use super::reading::Reading;

/// How much of the ledger is read at once.
const READ_BYTES: usize = 256 << 10;

/// A ledger that cannot be exported.
#[derive(Debug, thiserror::Error)]
pub(in crate::server) enum ExportError {
    /// The file cannot be made or read again.
    #[error("failed to make a temporary file for the export")]
    Temporary(#[source] io::Error),
    /// The ledger cannot be read.
    #[error("failed to read the ledger")]
    Read(#[source] io::Error),
    /// A line of it is none.
    #[error("failed to understand a line of the ledger")]
    Line(#[source] serde_json::Error),
    /// The database refuses.
    #[error("failed to write the export")]
    Write(#[from] rusqlite::Error),
}

impl Reading {
    /// Writes the lines that stand into a new database; the file has no name any more, and its
    /// length in bytes is told. It blocks: some four seconds for a million lines.
    ///
    /// # Errors
    /// When the ledger cannot be read or the file cannot be written.
    pub(in crate::server) fn export(&self) -> Result<(File, u64), ExportError> {
        let place = tempfile::NamedTempFile::new().map_err(ExportError::Temporary)?;
        let connection = Connection::open(place.path())?;
        let lines = BufReader::with_capacity(READ_BYTES, self.blocking()).lines().map(|text| {
            let text = text.map_err(ExportError::Read)?;
            serde_json::from_str::<PaymentLine>(&text).map_err(ExportError::Line)
        });
        database::fill(&connection, lines)?;
        connection.close().map_err(|(_, error)| error)?;
        let file = place.reopen().map_err(ExportError::Temporary)?;
        let bytes = file.metadata().map_err(ExportError::Temporary)?.len();
        Ok((file, bytes))
    }
}
