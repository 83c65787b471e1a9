//! The file of JSON lines, to which every ledger is written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::provider::PaymentLine;

use super::{LedgerFileError, must_be_empty};

/// How much is written at once. A decision has a line or two; thousands may fall due before it.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// A file that only grows.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: Arc<File>,
    bytes: u64,
    /// Reused from one decision to the next.
    buffer: Vec<u8>,
}

impl Journal {
    /// Opens `path`, which is new or empty.
    pub(super) fn open(path: &Path) -> Result<Self, LedgerFileError> {
        let opened = OpenOptions::new().create(true).read(true).append(true).open(path);
        let file = opened.and_then(|file| Ok((file.metadata()?.len(), file)));
        let (bytes, file) =
            file.map_err(|source| LedgerFileError::Open { path: path.to_owned(), source })?;
        must_be_empty(path, bytes)?;
        Ok(Self::new(path, file))
    }

    /// Makes a file without a name in `folder`; it is gone with the process.
    pub(super) fn temporary(folder: &Path) -> Result<Self, LedgerFileError> {
        let file = tempfile::tempfile_in(folder)
            .map_err(|source| LedgerFileError::Temporary { folder: folder.to_owned(), source })?;
        Ok(Self::new(&folder.join("(a temporary file)"), file))
    }

    fn new(path: &Path, file: File) -> Self {
        Self { path: path.to_owned(), file: Arc::new(file), bytes: 0, buffer: Vec::new() }
    }

    /// For errors.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// For readers, who never read further than what stands.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Its length.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends all `lines`, or none.
    ///
    /// # Errors
    /// When the system refuses. What was written of them is cut off again, as far as possible.
    pub(super) fn append(&mut self, lines: &[PaymentLine]) -> io::Result<()> {
        let before = self.bytes;
        self.write(lines).inspect_err(|_| {
            self.bytes = before;
            // A device cannot be cut. The first error is the one to tell.
            let _ = self.file.set_len(before);
        })
    }

    fn write(&mut self, lines: &[PaymentLine]) -> io::Result<()> {
        self.buffer.clear();
        for line in lines {
            serde_json::to_writer(&mut self.buffer, line).expect("plain data, into memory");
            self.buffer.push(b'\n');
            if self.buffer.len() >= WRITE_BYTES_MAX {
                self.flush()?;
            }
        }
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.file).write_all(&self.buffer)?;
        self.bytes += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
