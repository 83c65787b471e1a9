//! Reading the ledger while it grows: from any line on, of any size, a piece at a time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use axum::body::Bytes;
use futures_util::stream::{Stream, try_unfold};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::{LedgerError, Receipt, Stand, State};

/// How much of a file is in memory for one reader.
const PIECE_BYTES: usize = 256 << 10;

/// The reading end.
#[derive(Clone, Debug)]
pub(in crate::server) struct Reading {
    file: Arc<File>,
    stand: watch::Receiver<Stand>,
}

/// Where a reading ends.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::server) enum Follow {
    /// At the last line that stands when it begins.
    UntilHere,
    /// With the ledger: lines are read as they are written.
    ToTheEnd,
}

/// A place in the ledger from which it cannot be read on.
#[derive(Debug, thiserror::Error)]
pub(in crate::server) enum AfterError {
    /// The ledger is not that long.
    #[error("after={after}: the ledger has {bytes} bytes")]
    Beyond {
        /// The place.
        after: u64,
        /// How far the ledger stands.
        bytes: u64,
    },
    /// No line begins there.
    #[error("after={after}: no line begins there\nhint: count the bytes up to the last line feed")]
    WithinALine {
        /// The place.
        after: u64,
    },
    /// The file cannot be read.
    #[error("failed to read the ledger")]
    Read(#[from] io::Error),
}

impl Reading {
    pub(super) const fn new(file: Arc<File>, stand: watch::Receiver<Stand>) -> Self {
        Self { file, stand }
    }

    /// How far the ledger stands.
    pub(in crate::server) fn stand(&self) -> Stand {
        *self.stand.borrow()
    }

    /// Whether the lines of a decision stand already.
    pub(in crate::server) fn has(&self, receipt: Receipt) -> bool {
        self.stand.borrow().bytes >= receipt.bytes
    }

    /// Waits until the lines of a decision stand.
    ///
    /// # Errors
    /// When they never will.
    pub(in crate::server) async fn wait_for(&self, receipt: Receipt) -> Result<(), LedgerError> {
        let mut stand = self.stand.clone();
        let settled = |stand: &Stand| stand.bytes >= receipt.bytes || stand.state != State::Open;
        let stand = stand.wait_for(settled).await.map_err(|_| LedgerError::Closed)?;
        if stand.bytes >= receipt.bytes { Ok(()) } else { stand.state.takes_lines() }
    }

    /// The lines after the first `after` bytes, and how far they go when they do not `follow`.
    ///
    /// # Errors
    /// When no line begins there.
    pub(in crate::server) async fn after(
        &self,
        after: u64,
        follow: Follow,
    ) -> Result<(u64, impl Stream<Item = io::Result<Bytes>> + use<>), AfterError> {
        let Stand { bytes, .. } = self.stand();
        if after > bytes {
            return Err(AfterError::Beyond { after, bytes });
        }
        if after > 0 && *read(&self.file, after - 1, 1).await? != *b"\n" {
            return Err(AfterError::WithinALine { after });
        }
        let stand = match follow {
            Follow::UntilHere => None,
            Follow::ToTheEnd => Some(self.stand.clone()),
        };
        let course = Course { file: Arc::clone(&self.file), at: after, end: bytes, stand };
        Ok((bytes, try_unfold(course, Course::next)))
    }

    /// The lines that stand, for a thread that may block.
    pub(in crate::server) fn blocking(&self) -> Blocking {
        Blocking { file: Arc::clone(&self.file), at: 0, end: self.stand().bytes }
    }
}

/// A whole file of `bytes` bytes, a piece at a time.
pub(in crate::server) fn pieces(file: File, bytes: u64) -> impl Stream<Item = io::Result<Bytes>> {
    let course = Course { file: Arc::new(file), at: 0, end: bytes, stand: None };
    try_unfold(course, Course::next)
}

/// A reader on its way.
struct Course {
    file: Arc<File>,
    at: u64,
    end: u64,
    /// Where it learns that there is more.
    stand: Option<watch::Receiver<Stand>>,
}

impl Course {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.at == self.end {
            self.end = self.wait().await;
        }
        if self.at == self.end {
            return Ok(None);
        }
        let bytes = usize::try_from(self.end - self.at).map_or(PIECE_BYTES, |b| b.min(PIECE_BYTES));
        let piece = read(&self.file, self.at, bytes).await?;
        self.at += piece.len() as u64;
        Ok(Some((piece, self)))
    }

    /// Waits for more lines; gives where they end, which is here when none come.
    async fn wait(&mut self) -> u64 {
        let at = self.at;
        let Some(stand) = &mut self.stand else { return at };
        let more = stand.wait_for(|stand| stand.bytes > at || stand.state != State::Open).await;
        more.map_or(at, |stand| stand.bytes)
    }
}

async fn read(file: &Arc<File>, at: u64, bytes: usize) -> io::Result<Bytes> {
    let file = Arc::clone(file);
    let read = spawn_blocking(move || {
        let mut piece = vec![0; bytes];
        // A file that somebody cut short is an error, not an end.
        file.read_exact_at(&mut piece, at)?;
        Ok(piece.into())
    });
    read.await.map_err(io::Error::other)?
}

/// A reader that blocks.
pub(in crate::server) struct Blocking {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl io::Read for Blocking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let bytes = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += bytes as u64;
        match bytes {
            0 if wanted > 0 => Err(io::ErrorKind::UnexpectedEof.into()),
            bytes => Ok(bytes),
        }
    }
}
